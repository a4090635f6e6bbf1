"""Judges a run: reconciled, differences, or inconclusive; and puts its figures together.

Here: the verdict and the summary. Not here: any amount that stands in it (``reconcile``, ``explain``,
``completeness``).
"""

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from schemas.bc import Extract, Input
from schemas.ledger import Books, Settings
from schemas.money import text

CONTRACT = 1
DATED_TABLES = {"value_entry": "value_entries", "gl_entry": "gl_entries"}


def summary(
    extract: Extract,
    books: Books,
    tie_outs: pl.DataFrame,
    differences: pl.DataFrame,
    population: pl.DataFrame,
    evidence: pl.DataFrame,
    rule_changes: pl.DataFrame,
    settings: Settings,
) -> dict[str, object]:
    """The run's summary as it is published; every amount is text at the company's scale."""
    reasons = evidence.filter(pl.col("result") == "failed")["why"].to_list()
    findings = findings_by_amount(differences)
    scale = books.scale
    return {
        "contract": CONTRACT,
        "company": books.company,
        "as_of": books.as_of.isoformat(),
        "known_at": None if extract.known_at is None else f"{extract.known_at.isoformat()}Z",
        "status": verdict(reasons, findings, tie_outs, differences, settings),
        "inconclusive_because": reasons,
        "materiality": f"{settings.materiality:f}",
        "scale": scale,
        "tie_outs": [_tie_out(row, scale) for row in tie_outs.iter_rows(named=True)],
        "causes": _causes(findings, scale),
        "checks_off": [
            {"check": r["check"], "why": f"{r['why']}; off: {r['loses']}. Export {r['export'].rstrip('.')}."}
            for r in evidence.filter(pl.col("result") == "off").iter_rows(named=True)
        ],
        "checks_run": [
            {"check": r["check"], "result": r["result"], "why": r["why"]}
            for r in evidence.filter(pl.col("result") != "off").iter_rows(named=True)
        ],
        "inputs": [_input(i, extract, books) for i in extract.inputs],
        "population": [
            {"line": r["line"], "amount": text(r["amount"], scale)} for r in population.iter_rows(named=True)
        ],
        "last_entries": {
            name: extract.tables[name]["entry_no"].max() for name in ("value_entry", "gl_entry")
        },
        "switches": {
            name: {"on": getattr(books.switches, name), "from": source}
            for name, source in sorted(books.switches.sources.items())
        },
        "rules_changed": rule_changes.select("rule_id", "what", "source").to_dicts(),
        "notes": [*_notes(extract, books), *_own_rules(rule_changes)],
    }


def findings_by_amount(differences: pl.DataFrame) -> pl.DataFrame:
    """One row per finding: its amount = the larger of its debits and credits; where those are 0, what it
    tells.

    ``weight`` is the amount from differences alone, which the verdict goes by.
    """
    difference, told = pl.col("difference"), pl.col("expected_amount").fill_null(0)
    return (
        differences.group_by("finding_id", maintain_order=True)
        .agg(
            pl.col("cause", "severity", "settlement_id").first(),
            _larger_side(difference).alias("weight"),
            _larger_side(told).alias("_told"),
        )
        .with_columns(amount=pl.when(pl.col("weight") != 0).then("weight").otherwise("_told"))
        .drop("_told")
    )


def _larger_side(amounts: pl.Expr) -> pl.Expr:
    return pl.max_horizontal(amounts.filter(amounts > 0).sum(), -amounts.filter(amounts < 0).sum())


def verdict(
    reasons: list[str],
    findings: pl.DataFrame,
    tie_outs: pl.DataFrame,
    differences: pl.DataFrame,
    settings: Settings,
) -> str:
    """``inconclusive`` on positive evidence, else ``differences`` or ``reconciled``.

    Differences: an unsettled error of amount 0 or of at least materiality; an account whose difference,
    less what warnings, information and settled findings explain, or whose errors below the line together,
    reach materiality; anything unclassified.
    """
    if reasons:
        return "inconclusive"
    counting = ["error", "warning"] if settings.warnings_count else ["error"]
    counts = pl.col("severity").is_in(counting) & pl.col("settlement_id").is_null()
    errors = findings.filter(counts)
    if ((errors["weight"] == 0) | (errors["weight"] >= settings.materiality)).any():
        return "differences"
    if (differences["cause"] == "unclassified").any():
        return "differences"
    per_account = differences.group_by("account_no").agg(
        pl.col("difference").filter(~counts).sum().alias("_excused"),
        pl.col("difference").filter(counts).abs().sum().alias("_small"),
    )
    accounts = tie_outs.join(per_account, on="account_no", how="left", nulls_equal=True)
    left = (pl.col("difference") - pl.col("_excused").fill_null(0)).abs()
    reaches = (left >= settings.materiality) | (pl.col("_small").fill_null(0) >= settings.materiality)
    return "differences" if accounts.filter(reaches).height else "reconciled"


def _tie_out(row: Mapping[str, object], scale: int) -> dict[str, object]:
    amounts = ("subledger", "gl", "other_activity", "difference")
    explained = row["explained"]
    assert isinstance(explained, list)
    return {
        "account_no": row["account_no"],
        "account_name": row["account_name"],
        "roles": row["roles"],
        "controlled": row["is_controlled"],
        **{a: text(_decimal(row[a]), scale) for a in amounts},
        "explained": {e["cause"]: text(e["difference"], scale) for e in explained},
        "unexplained": text(_decimal(row["unexplained"]), scale),
    }


def _decimal(amount: object) -> Decimal:
    assert isinstance(amount, Decimal)
    return amount


def _causes(findings: pl.DataFrame, scale: int) -> dict[str, dict[str, object]]:
    per_cause = findings.group_by("cause", maintain_order=True).agg(
        pl.len().alias("findings"), pl.col("amount").sum()
    )
    return {
        row["cause"]: {"findings": row["findings"], "amount": text(row["amount"], scale)}
        for row in per_cause.iter_rows(named=True)
    }


def _input(given: Input, extract: Extract, books: Books) -> dict[str, object]:
    table, rows = given.table, given.rows
    dated = getattr(books, DATED_TABLES[table]) if table in DATED_TABLES else None
    used = min(rows, extract.tables[table].height)  # at an earlier moment there were fewer
    if dated is not None:  # rows before a cut-over, and rows after as-of, don't count either
        used = dated.filter((pl.col("posting_date") <= books.as_of) & (pl.nth(0) > 0)).height
    return {
        "table": table,
        "path": given.path,
        "rows": rows,
        "rows_used": used,
        "rows_set_aside": rows - used,
        "sha256": given.sha256,
        "control_totals": dict(given.control_totals),
    }


def _notes(extract: Extract, books: Books) -> list[str]:
    """What a reader must know to trust the figures, though no check failed."""
    zero = books.gl_entries.filter((pl.col("amount") == 0) & (pl.col("amount_acy") == 0)).height
    notes = [f"{zero} G/L lines have amount 0 in both currencies; they are counted here and never a finding."]
    if not books.has_relations:
        notes.append(
            "The relation table wasn't given: links between value entries and G/L lines are inferred. Where a"
            " line can't be told from others, an account's lines of one date are compared in total."
        )
    notes.extend(
        f"Columns of {given.table} that aren't used: {', '.join(given.unknown_columns)}."
        for given in extract.inputs
        if given.unknown_columns
    )
    return notes


def _own_rules(rule_changes: pl.DataFrame) -> list[str]:
    return [
        f"The user changed the posting rule {row['rule_id']}: {row['what']}. Source: {row['source']}."
        for row in rule_changes.iter_rows(named=True)
    ]
