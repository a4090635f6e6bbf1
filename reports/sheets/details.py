"""Details: the sheets that hold the rows which every other sheet adds up.

Here: which columns they show, and in what order the rows stand. Not here: cells and ranges (``tables``).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from reports import wording
from reports.sheets import tables
from reports.sheets.papers import Paper, Sources, part_words
from reports.sheets.tables import FIRST, Column, Table
from schemas.marts import CAUSES, SEVERITIES
from schemas.money import AMOUNT

REF = Column("ref", "Ref.", "text", 7)
ACCOUNT = Column("account", "Account", "text", 11)
DIFFERENCES = (
    REF, ACCOUNT, Column("role", "Role", "text", 20), Column("title", "Cause", "text", 28),
    Column("severity", "Severity", "text", 9), Column("posting_date", "Posting date", "date", 11),
    Column("document_no", "Document", "text", 13), Column("value_entry_no", "Value entry", "number", 10),
    Column("gl_entry_no", "G/L entry", "number", 10), Column("item_no", "Item", "text", 11),
    Column("expected_amount", "Expected", "part", 15), Column("actual_amount", "Actual", "part", 15),
    Column("difference", "Difference", "amount", 15), Column("explanation", "Explanation", "wrapped", 60),
    Column("remedy", "What to do", "wrapped", 45), Column("settlement_id", "Settled", "text", 12),
    Column("settled_by", "Settled by", "text", 14), Column("inferred", "Link inferred", "claim", 9),
    Column("location_code", "Location", "text", 10), Column("order_no", "Order", "text", 11),
    Column("source_code", "Source code", "text", 12), Column("user_id", "User", "text", 11),
    Column("created_at", "Entered", "moment", 15),
    Column("item_ledger_entry_no", "Item ledger entry", "number", 11),
    Column("difference_acy", "Difference (ACY)", "part", 15), Column("finding_id", "Finding", "text", 18),
    Column("lines", "Rows", "count", 8), Column("finding", "Findings", "count", 9),
    Column("finding_amount", "Amount of the finding", "formula", 15),
)  # fmt: skip
#: What is printed of them: the columns up to what to do.
PRINTED = 15
SUBLEDGER = (
    REF, ACCOUNT, Column("words", "Role and kind of cost", "text", 44), Column("lines", "Lines", "count", 10),
    Column("amount", "Amount", "amount", 18), Column("posted_amount", "Flagged as posted", "amount", 18),
    Column("open", "Not posted", "formula", 18),
)  # fmt: skip
TRIAL_BALANCE = (
    REF, ACCOUNT, Column("account_name", "Name", "text", 40), Column("debits", "Debits", "amount", 18),
    Column("credits", "Credits", "amount", 18), Column("balance", "Balance", "formula", 18),
)  # fmt: skip
STATED = (
    REF, ACCOUNT, Column("date", "Date", "date", 12),
    Column("stated", "Balance stated", "part", 18), Column("by_entries", "By the G/L entries", "part", 18),
    Column("difference", "Difference", "formula", 18),
)  # fmt: skip
ROLL_FORWARD = (
    REF, ACCOUNT, Column("words", "Side", "text", 16), Column("line", "Line", "text", 44),
    Column("role", "Role", "text", 24), Column("amount", "Amount", "formula", 18),
)  # fmt: skip
CLEARING = (
    REF, ACCOUNT, Column("role", "Role", "text", 22), Column("item_key", "Opened by", "text", 18),
    Column("document_no", "Document", "text", 13), Column("party_no", "Party", "text", 11),
    Column("item_no", "Item", "text", 11), Column("opened_on", "Opened", "date", 11),
    Column("last_activity_on", "Last activity", "date", 11), Column("age_days", "Age (days)", "number", 8),
    Column("bucket", "Bucket", "text", 15), Column("stale", "Stale", "text", 7),
    Column("debits", "Debits", "amount", 16), Column("credits", "Credits", "amount", 16),
    Column("balance", "Balance", "amount", 16), Column("lines", "Items", "count", 8),
    Column("reason", "Why it is open", "wrapped", 50),
)  # fmt: skip
CONTROL_SUMS = (
    Column("table", "Table", "text", 30), Column("column", "Column", "text", 36),
    Column("amount", "Sum of the rows as read", "part", 24),
)  # fmt: skip


class Refs:
    """References by account number."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self.frame = pl.DataFrame(
            {"account_no": [p.account_no for p in papers], "ref": [p.ref for p in papers]},
            schema={"account_no": pl.String, "ref": pl.String},
        )

    def on(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with the reference of their account, and its number in words."""
        return rows.join(
            self.frame, on="account_no", how="left", nulls_equal=True, maintain_order="left", validate="m:1"
        ).with_columns(account=pl.col("account_no").fill_null(wording.NO_ACCOUNT))


def differences(rows: pl.DataFrame, refs: Refs) -> pl.DataFrame:
    """Every row of the findings: worst first, a cause's rows together, a finding's rows below each other.

    ``lines`` counts rows and ``finding`` findings, in the first row of each; ``finding_amount`` is there as
    well: the larger of a finding's debits and credits, or where these are 0 of what it tells.
    """
    order = ("_severity", "_cause", "_ref", "_size", "finding_id", "ref", "value_entry_no", "gl_entry_no")
    numbered = refs.on(rows).with_columns(
        _rank("severity", SEVERITIES).min().over("finding_id").alias("_severity"),
        _rank("cause", CAUSES).min().over("finding_id").alias("_cause"),
        pl.col("ref").min().over("finding_id").alias("_ref"),
        pl.col("account_role").map_elements(wording.role, return_dtype=pl.String).alias("role"),
        pl.col("cause").map_elements(lambda c: wording.cause(c).title, return_dtype=pl.String).alias("title"),
        finding_amount=finding_amount().over("finding_id"),
        finding_rows=pl.len().over("finding_id"),
        lines=pl.lit(1, pl.Int64),
    )
    sized = numbered.with_columns(_size=-pl.col("finding_amount")).sort(
        order, nulls_last=True, maintain_order=True
    )
    is_first = pl.int_range(pl.len()).over("finding_id") == 0
    shaped = sized.with_columns(
        finding=is_first.cast(pl.Int64), finding_amount=pl.when(is_first).then("finding_amount")
    )
    return tables.bounded(
        shaped.drop("_severity", "_cause", "_ref", "_size"),
        ("ref", "account", "account_no", "title", "cause", "severity"),
        (
            "expected_amount",
            "actual_amount",
            "difference",
            "difference_acy",
            "lines",
            "finding",
            "finding_amount",
        ),
        "explanation",
    )


def _rank(column: str, order: Sequence[str]) -> pl.Expr:
    return pl.col(column).replace_strict(
        {name: place for place, name in enumerate(order)}, default=len(order)
    )


def finding_amount() -> pl.Expr:
    """The larger of debits and credits; where both are 0, of the amounts that are told."""
    told, difference = _larger(pl.col("expected_amount")), _larger(pl.col("difference"))
    return pl.when(difference != 0).then(difference).otherwise(told)


def _larger(amounts: pl.Expr) -> pl.Expr:
    filled = amounts.fill_null(0)
    return pl.max_horizontal(filled.filter(filled > 0).sum(), -filled.filter(filled < 0).sum())


def write_differences(found: Table) -> None:
    """The rows, and the amount of each finding by a formula over its rows."""
    tables.filled(
        found,
        "Differences",
        "Every row of every finding, errors first: one for each account and entry that a finding touches.",
    )
    column, sheet, rows = found.index("finding_amount"), found.sheet, found.rows
    starts = rows.with_row_index("_row").filter(pl.col("finding").fill_null(0) > 0)
    ends = [*starts["_row"][1:], rows.height]
    held = [abs(d or 0) + abs(e or 0) for d, e in rows.select("difference", "expected_amount").iter_rows()]
    found_at = starts.select("_row", "finding_amount", "finding_rows").iter_rows()
    for (row, amount, length), end in zip(found_at, ends, strict=False):
        if length is not None and row + length <= end:
            formula = _finding_amount(found, FIRST + row, FIRST + row + length - 1)
            sheet.computed(FIRST + row, column, formula, amount, sum(held[row:end], Decimal()))
        else:  # not all of its rows stand here
            sheet.amount(FIRST + row, column, amount)
    amounts = rows["finding_amount"]
    total = f"SUM({found.span('finding_amount')})"
    sheet.computed(tables.TOTAL, column, total, tables.total(amounts), tables.weight(amounts), "total")
    tables.finished(found)
    sheet.worksheet.print_area(0, 0, found.last, PRINTED - 1)


def _finding_amount(found: Table, first: int, last: int) -> str:
    """The larger of debits and credits of these rows by a formula; where both are 0, of what they tell."""
    columns = (found.index(name) for name in ("difference", "expected_amount"))
    if first == last:
        difference, told = (f"ABS({found.sheet.cell(first, column)})" for column in columns)
    else:
        spans = (found.sheet.span(first, last, column) for column in columns)
        difference, told = (f'MAX(SUMIF({span},">0"),-SUMIF({span},"<0"))' for span in spans)
    return f"IF({difference}<>0,{difference},{told})"


def subledger(parts: pl.DataFrame, refs: Refs) -> pl.DataFrame:
    """The parts of the subledgers in the order of the accounts."""
    words = pl.struct("account_role", "cost_kind").map_elements(
        lambda p: part_words(p["account_role"], p["cost_kind"]), return_dtype=pl.String
    )
    return (
        refs.on(parts)
        .with_columns(words=words, open=pl.col("amount") - pl.col("posted_amount"))
        .sort("ref", "words", nulls_last=True)
    )


def write_subledger(found: Table) -> None:
    tables.filled(
        found, "Subledger", "What the value entries demand on each account, summed by role and kind of cost."
    )
    _less(found, "open", "amount", "posted_amount")
    tables.finished(found)


def trial_balance(balances: pl.DataFrame, refs: Refs) -> pl.DataFrame:
    """Every account in order of its number; of too many, those without a reference together."""
    rows = refs.on(balances).sort("account_no", nulls_last=True)
    return tables.bounded(rows, ("ref",), ("debits", "credits", "balance"), "account_name")


def write_trial_balance(found: Table) -> None:
    """Debits and credits by the G/L entries; the balance is a formula, and all of them sum to 0."""
    tables.filled(
        found, "Trial balance", "The G/L entries up to the as-of date, every account of the ledger."
    )
    _less(found, "balance", "debits", "credits")
    tables.finished(found)


def stated(balances: pl.DataFrame, refs: Refs) -> pl.DataFrame:
    return refs.on(balances).with_columns(difference=pl.col("by_entries") - pl.col("stated"))


def write_stated(found: Table) -> None:
    lead = "What the user states, beside the G/L entries up to that date; blank where the entries can't tell."
    tables.filled(found, "Trial balance given", lead)
    _less(found, "difference", "by_entries", "stated", has_total=False)
    tables.finished(found)


def _less(found: Table, column: str, left: str, right: str, has_total: bool = True) -> None:
    """A column that is another one less a third, row by row, with its total."""
    place, sheet, rows = found.index(column), found.sheet, found.rows
    triples = rows.select(pl.col(column, left, right)).iter_rows()
    for row, (value, one, other) in enumerate(triples, FIRST):
        if value is not None:
            cells = (sheet.cell(row, found.index(name)) for name in (left, right))
            sheet.computed(row, place, "-".join(cells), value, abs(one) + abs(other))
    if has_total:
        weight = tables.weight(rows[left]) + tables.weight(rows[right])
        sheet.computed(
            tables.TOTAL, place, f"SUM({found.span(column)})", tables.total(rows[column]), weight, "total"
        )


def roll_forward(lines: pl.DataFrame, refs: Refs) -> pl.DataFrame:
    """Opening, movements and closing of each account and side, in their order, where anything isn't 0."""
    sides = pl.col("side").replace_strict(SIDES, default=pl.col("side"))
    role = pl.col("account_role").map_elements(wording.role, return_dtype=pl.String)
    moved = (pl.col("amount") != 0).any().over("account_no", "side")
    shaped = refs.on(lines.filter(moved)).with_columns(words=sides, role=role)
    order = pl.col("side").replace_strict({side: n for n, side in enumerate(SIDES)}, default=9)
    return shaped.with_columns(_side=order).sort("ref", "_side", "ordinal", nulls_last=True).drop("_side")


SIDES: Mapping[str, str] = {
    "subledger": "Subledger",
    "other_activity": "Other activity",
    "gl": "General ledger",
    "difference": "Difference",
}
CLOSING = "closing"


def write_roll_forward(found: Table) -> None:
    """The lines; every closing is the sum of the lines above it."""
    lead = "Opening balance, movements of the period by kind, and closing balance, on every side."
    tables.filled(found, "Roll-forward", lead)
    column, sheet = found.index("amount"), found.sheet
    first, held = FIRST, Decimal()
    for row, (line, amount) in enumerate(found.rows.select("line", "amount").iter_rows(), FIRST):
        if line == CLOSING:
            above = sheet.span(first, row - 1, column)
            sheet.computed(row, column, f"SUM({above})", amount, held, "total")
            first, held = row + 1, Decimal()
        else:
            sheet.amount(row, column, amount)
            held += abs(amount)
    tables.finished(found)


def clearing_items(items: pl.DataFrame, refs: Refs) -> pl.DataFrame:
    """The open items, the largest of each account first."""
    shaped = refs.on(items).with_columns(
        pl.col("account_role").map_elements(wording.role, return_dtype=pl.String).alias("role"),
        pl.col("bucket").map_elements(bucket_words, return_dtype=pl.String),
        pl.when("stale").then(pl.lit("yes")).otherwise(pl.lit("no")).alias("stale"),
        lines=pl.lit(1, pl.Int64),
    )
    return tables.bounded(
        shaped.sort(pl.col("balance").abs(), descending=True, maintain_order=True),
        ("ref", "account", "account_no", "role", "bucket", "stale"),
        ("debits", "credits", "balance", "lines"),
        "reason",
    ).sort("ref", maintain_order=True, nulls_last=True)


def bucket_words(bucket: str) -> str:
    """A bucket with its unit: without it a spreadsheet may take 1-30 for a day in January."""
    return f"{bucket} days"


def write_clearing_items(found: Table) -> None:
    lead = "What is left of each item on an account that something has to clear; they add up to its balance."
    tables.finished(tables.filled(found, "Clearing items", lead))


def control_sums(sources: Sources) -> pl.DataFrame:
    """The sum of each amount column of each table, as it was read."""
    inputs: Sequence[Mapping[str, Any]] = sources.summary.get("inputs", ())
    rows = [
        (given["table"], column, amount)
        for given in inputs
        for column, amount in (given.get("control_totals") or {}).items()
    ]
    schema = {"table": pl.String, "column": pl.String, "amount": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("amount").cast(AMOUNT))


def write_control_sums(found: Table) -> None:
    lead = "The sums of the amount columns as they were read, to be laid beside the ERP's own."
    tables.finished(tables.filled(found, "Control sums", lead))
