"""Published runs as input: two side by side, and one whose closing figures open the next extract.

Here: the folders of runs, the text and the JSON of a comparison. Not here: the comparison itself
(``pipelines.differ``) and what opening balances do (``pipelines.sources.bc_opening``).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import typer

from assets import console
from pipelines import differ
from schemas import money
from schemas.faults import InputError
from schemas.ledger import CONTROLLED_ROLES
from schemas.marts import MARTS

COMPARED = ("tie_outs", "differences", "expected_postings", "actual_postings")
SHOWN = 12
ADVICE = "Give the folder that tieout run --out wrote."


class Published:
    """One company's run as it lies in its folder."""

    def __init__(self, folder: Path, summary: Mapping[str, Any]) -> None:
        self.folder = folder
        self.summary = summary

    @property
    def company(self) -> str:
        return str(self.summary["company"])

    def told(self) -> Mapping[str, Any]:
        """What a reader needs to know which run this is."""
        keys = ("as_of", "known_at", "status")
        return {"folder": str(self.folder), **{key: self.summary.get(key) for key in keys}}

    def run(self) -> differ.Run:
        """Its marts, exactly as published; a mart that can't be read is a fault that names the file."""
        return differ.Run(
            marts={mart: self._mart(mart) for mart in COMPARED},
            as_of=date.fromisoformat(self.summary["as_of"]),
            controlled=frozenset(t["account_no"] for t in self.summary["tie_outs"] if t["controlled"]),
        )

    def _mart(self, mart: str) -> pl.DataFrame:
        path = self.folder / f"{mart}.parquet"
        try:
            rows = pl.read_parquet(path)
        except FileNotFoundError:
            raise InputError(f"{path}: is missing, the run isn't whole. Run it again.") from None
        except (OSError, pl.exceptions.PolarsError) as fault:
            raise InputError(f"{path}: can't be read ({fault}). Run it again.") from None
        missing = [column for column in MARTS[mart] if column not in rows.columns]
        if missing:
            raise InputError(f"{path}: column {missing[0]} is missing. Run it again with this version.")
        return rows


def compared(before: Path, after: Path, as_json: bool = False, out: Path | None = None) -> int:
    """Prints what changed from one run to another; 0 when nothing did, 1 when something did."""
    pairs = _pairs(before, after)
    found = [(first, second, differ.changes(first.run(), second.run())) for first, second in pairs]
    if out is not None:
        _write(out, found)
    results = [_result(*each) for each in found]
    if as_json:
        told = results[0] if len(results) == 1 else {"companies": results}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n\n".join("\n".join(_text(*each, out)) for each in found))
    return 1 if any(result["changed"] for result in results) else 0


def _pairs(before: Path, after: Path) -> Sequence[tuple[Published, Published]]:
    """The runs of each company, side by side; both folders must hold the same companies."""
    first, second = _published(before), _published(after)
    alone = sorted(set(first) ^ set(second))
    if alone:
        having = before if alone[0] in first else after
        raise InputError(
            f"{before} and {after} are runs of different companies: only {having} has {alone[0]!r}. "
            "Give two runs of the same."
        )
    return [(first[company], second[company]) for company in first]


def _published(folder: Path) -> Mapping[str, Published]:
    """The runs in a folder by company: one, or several of an overview."""
    summary = _summary(folder)
    if "companies" not in summary:
        return {str(summary["company"]): Published(folder, summary)}
    runs = {}
    for each in summary["companies"]:
        if each["status"] == "trouble":
            raise InputError(
                f"{folder}: {each['company']!r} published nothing in this run. Compare the companies one by "
                "one, each by its folder."
            )
        runs[each["company"]] = Published(folder / each["folder"], _summary(folder / each["folder"]))
    return runs


def _summary(folder: Path) -> Mapping[str, Any]:
    path = folder / "summary.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{folder}: is not a run: there is no {path.name} in it. {ADVICE}") from None
    except (OSError, ValueError) as fault:
        raise InputError(f"{path}: can't be read ({fault}). {ADVICE}") from None
    needed = ("company", "as_of", "status", "tie_outs")
    is_run = isinstance(summary, dict) and ("companies" in summary or all(key in summary for key in needed))
    if not is_run:
        raise InputError(f"{path}: is not the summary of a run. {ADVICE}")
    return dict(summary)


def _result(before: Published, after: Published, found: differ.Changes) -> dict[str, Any]:
    is_changed = bool(found.rows.height or found.footing.height)
    return {
        "company": before.company,
        "before": before.told(),
        "after": after.told(),
        "changed": is_changed or before.summary["status"] != after.summary["status"],
        "counts": _counts(found.rows),
        "tie_outs": _plain(found.footing),
        "changes": _plain(found.rows),
    }


def _counts(rows: pl.DataFrame) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for mart, change, number in rows.group_by("mart", "change").len().sort("mart", "change").iter_rows():
        counts.setdefault(mart, {})[change] = number
    return counts


def _plain(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON carries them: amounts and dates as text."""
    scale = _scale(rows)
    amounts = [
        pl.col(c).cast(pl.Decimal(38, scale)).cast(pl.String)
        for c, t in rows.schema.items()
        if isinstance(t, pl.Decimal)
    ]
    return rows.with_columns(*amounts, pl.col(pl.Date).cast(pl.String)).to_dicts()


def _scale(rows: pl.DataFrame) -> int:
    return max(
        (money.scale_of(rows[c]) for c, t in rows.schema.items() if isinstance(t, pl.Decimal)),
        default=money.LEAST_SCALE,
    )


def _write(out: Path, found: Sequence[tuple[Published, Published, differ.Changes]]) -> None:
    """Every row of the comparison as one table, the accounts' footing first."""
    parts = []
    for before, _, changes in found:
        footing = changes.footing.select(
            mart=pl.lit("tie_outs"), change="line", account_no="account_no", what="figure",
            amount_after="amount",
        )  # fmt: skip
        rows = pl.concat([footing, changes.rows], how="diagonal_relaxed").select(*differ.CHANGES)
        parts.append(rows.select(pl.lit(before.company).alias("company"), pl.all()))
    table = pl.concat(parts)
    scale = pl.Decimal(38, _scale(table))
    table = table.with_columns(pl.col(c).cast(scale) for c, t in table.schema.items() if t.is_decimal())
    try:
        if out.suffix == ".parquet":
            table.write_parquet(out)
        else:
            table.write_csv(out, line_terminator="\n")
    except OSError as fault:
        raise InputError(f"{out}: can't be written ({fault.strerror or fault}). Name another file.") from None


# What a terminal shows


def _text(before: Published, after: Published, found: differ.Changes, out: Path | None) -> Iterator[str]:
    first, second = before.summary, after.summary
    yield f"{before.company}: from {_run(first)} to {_run(second)}"
    if not found.rows.height and not found.footing.height:
        yield "  nothing changed"
        return
    yield ""
    yield from console.table(TOTALS, _totals(found))
    yield from _accounts(found.footing)
    for (mart, change), rows in found.rows.group_by("mart", "change", maintain_order=True):
        yield from _listed(str(mart), str(change), rows)
    hidden = any(n > SHOWN for counts in _counts(found.rows).values() for n in counts.values())
    if hidden:
        yield ""
        yield f"  all rows: {out}" if out else "  all rows: --out FILE.csv, or --json"


TOTALS = ("mart", "change", "rows>")
ROWS = ("account", "role", "value entry>", "kind", "G/L entry>", "date", "before>", "after>", "")
FOOTING = ("account", "figure", "line", "amount>")


def _run(summary: Mapping[str, Any]) -> str:
    known = f", known at {summary['known_at']}" if summary.get("known_at") else ""
    return f"as of {summary['as_of']}{known} ({summary['status']})"


def _totals(found: differ.Changes) -> list[console.Row]:
    counts = _counts(found.rows)
    return [(m, c, f"{n:,}") for m, by_change in counts.items() for c, n in by_change.items()]


def _accounts(footing: pl.DataFrame) -> Iterator[str]:
    """The footing of the accounts that moved most."""
    if not footing.height:
        return
    moved = (
        footing.filter(~pl.col("line").is_in(["before", "after"]))
        .group_by("account_no")
        .agg(pl.col("amount").abs().max())
        .sort("amount", "account_no", descending=[True, False])
    )
    shown = footing.join(moved.head(SHOWN), on="account_no", how="semi", nulls_equal=True)
    yield ""
    yield from console.table(FOOTING, [_account(row) for row in _plain(shown)])
    if moved.height > SHOWN:
        yield f"  … and {moved.height - SHOWN:,} accounts more"


def _account(row: Mapping[str, Any]) -> console.Row:
    figure = row["figure"].replace("_", " ")
    return (row["account_no"] or "(none)", figure, row["line"], console.money(row["amount"]))


def _listed(mart: str, change: str, rows: pl.DataFrame) -> Iterator[str]:
    largest = pl.max_horizontal(pl.col("amount_before", "amount_after").fill_null(0).abs())
    shown = rows.sort(largest, descending=True, maintain_order=True).head(SHOWN)
    yield ""
    yield f"  {mart.replace('_', ' ')}, {change}: {rows.height:,}"
    yield from console.table(ROWS, [_line(row) for row in _plain(shown)])
    if rows.height > SHOWN:
        yield f"  … and {rows.height - SHOWN:,} more"


def _line(row: Mapping[str, Any]) -> console.Row:
    what = " ".join(part for part in (row["cause"], row["what"]) if part)
    amounts = ("" if row[c] is None else console.money(row[c]) for c in ("amount_before", "amount_after"))
    numbers = {c: "" if row[c] is None else str(row[c]) for c in ("value_entry_no", "gl_entry_no")}
    return (
        row["account_no"] or "(none)", row["account_role"] or "", numbers["value_entry_no"],
        row["cost_kind"] or "", numbers["gl_entry_no"], row["posting_date"] or "", *amounts, what,
    )  # fmt: skip


# The figures of a run as opening balances


def carried_over(run: Path, out: Path) -> int:
    """Writes a table opening_balance from a run: per account its closing figures, and the last entries that
    they hold. A run that is inconclusive can't open anything.
    """
    found = _published(run)
    if len(found) != 1:
        raise InputError(f"{run}: holds several companies. Give the folder of one: {run}/COMPANY.")
    summary = next(iter(found.values())).summary
    if summary["status"] == "inconclusive":
        raise InputError(f"{run}: is inconclusive, so its figures can't open anything. Sign a sound run.")
    rows = [
        opening_balance(row, summary) for row in summary["tie_outs"] if row["account_no"] and row["roles"]
    ]
    try:
        pl.DataFrame(rows).write_csv(out, line_terminator="\n")
    except OSError as fault:
        raise InputError(f"{out}: can't be written ({fault.strerror or fault}). Name another file.") from None
    blank = [row["gl"] for row in summary["tie_outs"] if not row["account_no"]]
    console.say(f"{out}: {len(rows)} balances at {summary['as_of']}")
    if blank:
        console.say(f"left out: lines without an account, {blank[0]} in the G/L")
    return 0


def opening_balance(row: Mapping[str, Any], summary: Mapping[str, Any]) -> Mapping[str, Any]:
    """The opening balance of one account: its tie-out in that summary."""
    controlled = [role for role in row["roles"] if role in CONTROLLED_ROLES]
    last = summary["last_entries"]
    return {
        "account_no": row["account_no"],
        "account_role": [*controlled, *row["roles"]][0],
        "date": summary["as_of"],
        "gl": row["gl"],
        "subledger": row["subledger"],
        "other_activity": row["other_activity"],
        "last_value_entry_no": last["value_entry"],
        "last_gl_entry_no": last["gl_entry"],
    }
