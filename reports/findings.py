"""Findings for the page: grouped by cause, each with the rows, entries and lines behind it.

Here: what is shown of the differences, the largest first and how many are left out. Not here: what a
difference is or why (``pipelines.explain``): every amount is a cell of a mart, none is added up.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from reports import wording
from reports.grids import Column, Grid, Row, grid
from schemas.ledger import CONTROLLED_ROLES
from schemas.money import AMOUNT

FINDINGS_A_CAUSE = 200
ROWS_A_FINDING = 20

_ACCOUNT = Column("account_no", "Account", "account")
_ROLE = Column("account_role", "Role", "role")
_DATE = Column("posting_date", "Posting date", "code")
_DOCUMENT = Column("document_no", "Document", "code")
_VALUE_ENTRY = Column("value_entry_no", "Value entry", "code")
_GL_ENTRY = Column("gl_entry_no", "G/L entry", "code")
_KIND = Column("cost_kind", "Kind", "words")

DIFFERENCE_COLUMNS = (
    _ACCOUNT, _ROLE, _VALUE_ENTRY, Column("item_ledger_entry_no", "Item ledger entry", "code"), _GL_ENTRY,
    _DATE, _DOCUMENT, Column("source_code", "Source", "code"), Column("user_id", "User", "code"),
    Column("created_at", "Created", "code"), Column("item_no", "Item", "code"),
    Column("location_code", "Location", "code"), Column("order_no", "Order", "code"),
    Column("expected_amount", "Expected", "amount"), Column("actual_amount", "Found", "amount"),
    Column("difference", "Difference", "amount"), Column("difference_acy", "Difference (ACY)", "acy"),
)  # fmt: skip
EXPECTED_COLUMNS = (
    _VALUE_ENTRY, _ACCOUNT, _ROLE, _KIND, Column("amount", "Amount", "amount"),
    Column("posted_amount", "Posted", "amount"), Column("open_amount", "Open", "amount"),
)  # fmt: skip
ACTUAL_COLUMNS = (
    _GL_ENTRY, _VALUE_ENTRY, _ACCOUNT, _ROLE, _KIND, _DATE, Column("amount", "Amount", "amount"),
)  # fmt: skip
VALUE_ENTRY_COLUMNS = (
    _VALUE_ENTRY, _DATE, Column("item_ledger_entry_type", "Type"), Column("entry_type", "Entry type"),
    Column("variance_type", "Variance"), Column("item_no", "Item", "code"),
    Column("location_code", "Location", "code"), Column("inventory_posting_group", "Posting group", "code"),
    _DOCUMENT, Column("order_no", "Order", "code"),
    Column("amount_actual", "Actual cost", "amount"), Column("posted_actual", "of it posted", "amount"),
    Column("amount_expected", "Expected cost", "amount"), Column("posted_expected", "of it posted", "amount"),
)  # fmt: skip
GL_ENTRY_COLUMNS = (
    _GL_ENTRY, _DATE, _ACCOUNT, _DOCUMENT, Column("source_code", "Source", "code"),
    Column("source_no", "Source No.", "code"), Column("description", "Description"),
    Column("user_id", "User", "code"), Column("created_at", "Created", "code"),
    Column("reversed_by", "Reversed by", "code"), Column("amount", "Amount", "amount"),
)  # fmt: skip

_NEEDED: Mapping[str, pl.DataType] = {
    "finding_id": pl.String(), "cause": pl.String(), "severity": pl.String(), "account_no": pl.String(),
    "account_role": pl.String(), "posting_date": pl.Date(), "document_no": pl.String(),
    "value_entry_no": pl.Int64(), "gl_entry_no": pl.Int64(), "expected_amount": AMOUNT, "difference": AMOUNT,
    "inferred": pl.Boolean(), "settled_by": pl.String(), "settlement_id": pl.String(),
    "explanation": pl.String(), "remedy": pl.String(),
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One finding with its drill-down; ``amount`` is its largest row's, on ``account``."""

    finding_id: str
    anchor: str
    severity: str
    symbol: str
    account: str
    accounts: tuple[str, ...]
    posting_date: str
    document_no: str
    amount: str
    is_difference: bool
    is_inferred: bool
    settlement: str
    explanation: str
    remedy: str
    differences: Grid
    rows: int
    rows_left: int
    expected: Grid
    actual: Grid
    value_entries: Grid
    gl_entries: Grid


@dataclass(frozen=True)
class CauseGroup:
    """The findings of one cause: all of them counted, the largest shown."""

    cause: wording.Cause
    anchor: str
    severity: str
    symbol: str
    count: int
    amount: Decimal
    accounts: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def left(self) -> int:
        """How many findings stand only in differences.csv."""
        return max(0, self.count - len(self.findings))


class Lines(NamedTuple):
    """The marts and books that a finding is opened into."""

    expected_postings: pl.DataFrame
    actual_postings: pl.DataFrame
    value_entries: pl.DataFrame
    gl_entries: pl.DataFrame


@dataclass(frozen=True)
class Evidence:
    """Their rows behind the findings that are shown, by entry number."""

    expected: Mapping[object, list[Row]]
    actual: Mapping[object, list[Row]]
    actual_by_gl: Mapping[object, list[Row]]
    value_entries: Mapping[object, list[Row]]
    gl_entries: Mapping[object, list[Row]]


def cause_groups(
    causes: Mapping[str, Mapping[str, object]],
    differences: pl.DataFrame,
    lines: Lines,
    scale: int,
) -> list[CauseGroup]:
    """Every cause of the summary: worst severity first, then the largest amount."""
    ranked = _ranked(differences)
    facts = _facts(ranked)
    by_cause = _rows_by_cause(_shown(ranked))
    shown = [row for findings in by_cause.values() for rows in findings.values() for row in rows]
    evidence = _evidence(shown, lines)
    groups = [
        _group(
            wording.cause(name),
            totals,
            facts.get(name, {}),
            [_finding(key, rows, evidence, scale) for key, rows in by_cause.get(name, {}).items()],
        )
        for name, totals in causes.items()
    ]
    worst_first = list(wording.SEVERITIES)
    return sorted(groups, key=lambda g: (worst_first.index(g.severity), -abs(g.amount), g.cause.name))


def _ranked(differences: pl.DataFrame) -> pl.DataFrame:
    """The differences with the columns that the page needs, each row with its own and its finding's size."""
    absent = [pl.lit(None, _NEEDED[name]).alias(name) for name in _NEEDED if name not in differences.columns]
    difference, expected = pl.col("difference").fill_null(0), pl.col("expected_amount").fill_null(0)
    return (
        differences.with_columns(absent)
        .with_columns(size=pl.when(difference != 0).then(difference.abs()).otherwise(expected.abs()))
        .with_columns(finding_size=pl.col("size").max().over("finding_id"))
        .with_columns(is_balancing=~pl.col("account_role").is_in(CONTROLLED_ROLES).fill_null(False))
        .sort(
            "cause", "finding_size", "finding_id", "size",
            "value_entry_no", "is_balancing", "account_no", "gl_entry_no",
            descending=[False, True, False, True, False, False, False, False],
            nulls_last=True,
            maintain_order=True,
        )
    )  # fmt: skip


def _facts(ranked: pl.DataFrame) -> Mapping[str, Row]:
    """Per cause: the severities that occur and the accounts that it touches."""
    grouped = ranked.group_by("cause").agg(
        severities=pl.col("severity").unique(), accounts=pl.col("account_no").unique().sort(nulls_last=True)
    )
    return {str(row["cause"]): row for row in grouped.iter_rows(named=True)}


def _shown(ranked: pl.DataFrame) -> pl.DataFrame:
    """The largest findings of each cause; of a finding its largest rows, with how many there are."""
    largest = (
        ranked.select("cause", "finding_id")
        .unique("finding_id", keep="first", maintain_order=True)
        .group_by("cause", maintain_order=True)
        .head(FINDINGS_A_CAUSE)
    )
    return (
        ranked.filter(pl.col("finding_id").is_in(largest["finding_id"].implode()))
        .with_columns(rows_in_all=pl.len().over("finding_id"))
        .group_by("finding_id", maintain_order=True)
        .head(ROWS_A_FINDING)
    )


def _rows_by_cause(shown: pl.DataFrame) -> Mapping[str, Mapping[str, list[Row]]]:
    by_cause: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in shown.iter_rows(named=True):
        by_cause[str(row["cause"])][str(row["finding_id"])].append(row)
    return by_cause


def _evidence(shown: list[Row], lines: Lines) -> Evidence:
    values = {row["value_entry_no"] for row in shown} - {None}
    actual = _by(lines.actual_postings, "value_entry_no", values)
    linked = [line for found in actual.values() for line in found]
    ledger = {row.get("gl_entry_no") for row in [*shown, *linked]} - {None}
    return Evidence(
        expected=_by(lines.expected_postings, "value_entry_no", values),
        actual=actual,
        actual_by_gl=_by(lines.actual_postings, "gl_entry_no", ledger),
        value_entries=_by(lines.value_entries, "value_entry_no", values),
        gl_entries=_by(lines.gl_entries, "gl_entry_no", ledger),
    )


def _by(frame: pl.DataFrame, key: str, wanted: set[object]) -> Mapping[object, list[Row]]:
    found: dict[object, list[Row]] = defaultdict(list)
    if key in frame.columns:
        keys = pl.Series(list(wanted), dtype=frame.schema[key])
        for row in frame.filter(pl.col(key).is_in(keys.implode())).iter_rows(named=True):
            found[row[key]].append(row)
    return found


def _group(
    cause: wording.Cause, totals: Mapping[str, object], facts: Row, findings: list[Finding]
) -> CauseGroup:
    severities = facts.get("severities")
    found = severities if isinstance(severities, list) else []
    severity = next((s for s in wording.SEVERITIES if s in found), "info")
    accounts = facts.get("accounts")
    return CauseGroup(
        cause=cause,
        anchor=wording.anchor("cause", cause.name),
        severity=severity,
        symbol=wording.SEVERITIES[severity],
        count=int(str(totals["findings"])),
        amount=Decimal(str(totals["amount"])),
        accounts=tuple(wording.account(no) for no in accounts) if isinstance(accounts, list) else (),
        findings=tuple(findings),
    )


def _finding(finding_id: str, rows: list[Row], evidence: Evidence, scale: int) -> Finding:
    head = rows[0]
    values = _distinct(rows, "value_entry_no")
    linked = [line for no in values for line in evidence.actual.get(no, [])]
    named = [line for no in _distinct(rows, "gl_entry_no") for line in evidence.actual_by_gl.get(no, [])]
    actual = _once([*linked, *named])
    ledger = _distinct([*rows, *actual], "gl_entry_no")
    expected = [line for no in values for line in evidence.expected.get(no, [])]
    severity = str(head["severity"] or "info")
    is_difference = bool(head["difference"])
    return Finding(
        finding_id=finding_id,
        anchor=wording.anchor("finding", finding_id),
        severity=severity,
        symbol=wording.SEVERITIES.get(severity, ""),
        account=wording.account(head["account_no"]),
        accounts=tuple(dict.fromkeys(wording.account(row["account_no"]) for row in rows)),
        posting_date=str(head["posting_date"] or ""),
        document_no=str(head["document_no"] or ""),
        amount=wording.amount(head["difference"] if is_difference else head["expected_amount"], scale),
        is_difference=is_difference,
        is_inferred=any(bool(row["inferred"]) for row in rows),
        settlement=" ".join(str(head[c]) for c in ("settlement_id", "settled_by") if head[c]),
        explanation=str(head["explanation"] or ""),
        remedy=str(head["remedy"] or ""),
        differences=grid(rows, DIFFERENCE_COLUMNS, scale),
        rows=int(str(head["rows_in_all"])),
        rows_left=int(str(head["rows_in_all"])) - len(rows),
        expected=grid(expected[: 2 * ROWS_A_FINDING], EXPECTED_COLUMNS, scale),
        actual=grid(actual[: 2 * ROWS_A_FINDING], ACTUAL_COLUMNS, scale),
        value_entries=grid(_found(evidence.value_entries, values), VALUE_ENTRY_COLUMNS, scale),
        gl_entries=grid(_found(evidence.gl_entries, ledger)[: 2 * ROWS_A_FINDING], GL_ENTRY_COLUMNS, scale),
    )


def _distinct(rows: Iterable[Row], key: str) -> list[object]:
    return list(dict.fromkeys(row[key] for row in rows if row.get(key) is not None))


def _once(lines: Iterable[Row]) -> list[Row]:
    """The lines without repetition: one is found by its value entry and again by its G/L entry."""
    return list({tuple(line.items()): line for line in lines}.values())


def _found(entries: Mapping[object, list[Row]], numbers: Iterable[object]) -> list[Row]:
    return [entry for no in numbers for entry in entries.get(no, [])]
