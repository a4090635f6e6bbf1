"""The causes: what was found, how often and how much, over all accounts.

Here: a line for each cause. Not here: the rows (``details``), a cause on one account (``account``).
"""

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from reports import wording
from reports.sheets import tables
from reports.sheets.cells import Sheet
from reports.sheets.papers import Sources
from reports.sheets.tables import Table
from schemas.marts import SEVERITIES

NAME = "Causes"
LEAD = "A finding's amount is the larger of its debits and credits; the net difference is what it moves."
HEADER = 3
FIRST = HEADER + 1
CAPTIONS = (
    "Cause", "Rows", "Findings", "Errors", "Warnings", "Information", "Amount of the findings",
    "Net difference on all accounts", "Who acts", "What it means",
)  # fmt: skip
WIDTHS = (32, 9, 10, 9, 10, 12, 16, 16, 24, 70)
ROWS, FINDINGS, ERRORS, AMOUNT, NET, WHO = 1, 2, 3, 6, 7, 8
COUNTS: Mapping[int, str] = {ROWS: "lines", FINDINGS: "finding"}
AMOUNTS: Mapping[int, str] = {AMOUNT: "finding_amount", NET: "difference"}


def write(sheet: Sheet, sources: Sources, differences: Table) -> None:
    """Every cause of the summary in its order, with totals."""
    sheet.text(0, 0, "Findings by cause", "title")
    sheet.text(1, 0, LEAD, "lead")
    sheet.headings(HEADER, CAPTIONS, range(ROWS, WHO))
    names, held = list(sources.summary["causes"]), weights(sources.marts["differences"])
    by_name = differences.rows.partition_by("cause", as_dict=True)
    for row, name in enumerate(names, FIRST):
        rows = by_name.get((name,), differences.rows.clear())
        _line(sheet, row, name, differences, rows, held.get(name, Decimal()))
    _totals(sheet, FIRST + len(names), differences.rows)
    sheet.finish(HEADER, FIRST + len(names), len(CAPTIONS), frozen=1, filtered=False)


def _line(sheet: Sheet, row: int, name: str, table: Table, rows: pl.DataFrame, held: Decimal) -> None:
    cause, title = wording.cause(name), sheet.cell(row, 0)
    if rows.height:
        sheet.link(row, 0, table.first(cause=name), cause.title)
    else:
        sheet.text(row, 0, cause.title)
    for column, what in COUNTS.items():
        sheet.counted(row, column, table.sumifs(what, title=title), int(rows[what].sum()))
    for column, severity in enumerate(SEVERITIES, ERRORS):
        count = rows.filter(pl.col("severity") == severity)["finding"].sum()
        formula = table.sumifs("finding", title=title, severity=f'"{severity}"')
        sheet.counted(row, column, formula, int(count))
    for column, what in AMOUNTS.items():
        sheet.computed(row, column, table.sumifs(what, title=title), tables.total(rows[what]), held)
    sheet.texts(row, (cause.who, cause.meaning), "wrapped", WHO)


def _totals(sheet: Sheet, row: int, rows: pl.DataFrame) -> None:
    if row == FIRST:
        sheet.text(row, 0, "Nothing was found.", "lead")
        return
    sheet.texts(row, ["Total", *[""] * (WHO - 1)], "total_label")
    by_severity = {s: rows.filter(pl.col("severity") == s)["finding"] for s in SEVERITIES}
    counts = {column: rows[what] for column, what in COUNTS.items()}
    counts |= dict(enumerate(by_severity.values(), ERRORS))
    for column, count in counts.items():
        span = sheet.span(FIRST, row - 1, column)
        sheet.counted(row, column, f"SUM({span})", int(count.sum()), "total_count")
    for column, what in AMOUNTS.items():
        span = sheet.span(FIRST, row - 1, column)
        sheet.computed(row, column, f"SUM({span})", tables.total(rows[what]), _held(rows), "total")


def weights(differences: pl.DataFrame) -> Mapping[str, Decimal]:
    """All amounts of each cause regardless of sign."""
    parts = differences.partition_by("cause", as_dict=True)
    return {str(key[0]): _held(rows) for key, rows in parts.items()}


def _held(rows: pl.DataFrame) -> Decimal:
    return tables.weight(rows["difference"]) + tables.weight(rows["expected_amount"])
