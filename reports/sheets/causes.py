"""The causes: what was found, how often and how much, over all accounts.

Here: a line for each cause. Not here: the rows (``details``), a cause on one account (``account``).
"""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from reports import wording
from reports.sheets.cells import Sheet
from reports.sheets.papers import Sources
from reports.sheets.tables import Table
from schemas.marts import SEVERITIES

NAME = "Causes"
HEADER = 3
FIRST = HEADER + 1
CAPTIONS = (
    "Cause", "Rows", "Findings", "Errors", "Warnings", "Information", "Amount of the findings",
    "Net difference on all accounts", "Who acts", "What it means",
)  # fmt: skip
WIDTHS = (32, 9, 17, 9, 10, 11, 20, 20, 22, 70)
ROWS, FINDINGS, ERRORS, AMOUNT, NET, WHO, MEANING = 1, 2, 3, 6, 7, 8, 9
SUMS: tuple[tuple[int, str], ...] = ((ROWS, "lines"), (FINDINGS, "finding"))
AMOUNTS: tuple[tuple[int, str], ...] = ((AMOUNT, "finding_amount"), (NET, "difference"))


def write(sheet: Sheet, sources: Sources, differences: Table) -> None:
    """Every cause of the summary in its order, with totals."""
    sheet.text(0, 0, "Findings by cause", "title")
    sheet.text(1, 0, "The amount of a finding is the larger of its debits and credits; the net difference is what "
               "it moves.", "lead")  # fmt: skip
    sheet.texts(HEADER, CAPTIONS, "heading")
    sheet.worksheet.set_row(HEADER, 26)
    names = list(sources.summary["causes"])
    for row, name in enumerate(names, FIRST):
        _line(sheet, row, name, sources, differences)
    _totals(sheet, FIRST + len(names), differences.rows)
    sheet.finish(HEADER, FIRST + len(names), len(CAPTIONS), frozen=1, filtered=False)


def _line(sheet: Sheet, row: int, name: str, sources: Sources, table: Table) -> None:
    cause, title = wording.cause(name), sheet.cell(row, 0)
    if name in set(table.rows["cause"]):
        sheet.link(row, 0, table.first(cause=name), cause.title)
    else:
        sheet.text(row, 0, cause.title)
    rows, held = table.rows.filter(pl.col("cause") == name), weight(sources, name)
    for column, what in SUMS:
        sheet.counted(row, column, table.sumifs(what, title=title), int(rows[what].sum()))
    for column, severity in enumerate(SEVERITIES, ERRORS):
        count = rows.filter(pl.col("severity") == severity)["finding"].sum()
        sheet.counted(row, column, table.sumifs("finding", title=title, severity=f'"{severity}"'), int(count))
    for column, what in AMOUNTS:
        sheet.computed(row, column, table.sumifs(what, title=title), _sum(rows[what]), held)
    sheet.texts(row, (cause.who, cause.meaning), "wrapped", WHO)


def _totals(sheet: Sheet, row: int, rows: pl.DataFrame) -> None:
    if row == FIRST:
        sheet.text(row, 0, "Nothing was found.", "lead")
        return
    sheet.texts(row, ["Total", *[""] * 7], "total_label")
    counts: Sequence[tuple[int, int]] = (
        *((column, int(rows[what].sum())) for column, what in SUMS),
        *(
            (column, int(rows.filter(pl.col("severity") == severity)["finding"].sum()))
            for column, severity in enumerate(SEVERITIES, ERRORS)
        ),
    )
    for column, count in counts:
        sheet.counted(row, column, f"SUM({sheet.span(FIRST, row - 1, column)})", count, "total_count")
    for column, what in AMOUNTS:
        span = sheet.span(FIRST, row - 1, column)
        sheet.computed(row, column, f"SUM({span})", _sum(rows[what]), _held(rows), "total")


def weight(sources: Sources, cause: str) -> Decimal:
    """All amounts of a cause regardless of sign."""
    return _held(sources.marts["differences"].filter(pl.col("cause") == cause))


def _held(rows: pl.DataFrame) -> Decimal:
    return sum((Decimal(rows[c].abs().sum() or 0) for c in ("difference", "expected_amount")), Decimal())


def _sum(amounts: pl.Series) -> Decimal:
    return Decimal(amounts.sum() or 0)
