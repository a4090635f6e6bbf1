"""The ageing of the clearing accounts: each account's open items by how old they are.

Here: accounts by buckets. Not here: the items (``details``), which bucket one falls in (the mart
says it).
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import polars as pl

from reports.sheets import tickmarks
from reports.sheets.cells import Place, Sheet
from reports.sheets.lead import Details
from reports.sheets.papers import Paper, is_clearing

NAME = "Clearing ageing"
LEAD = "Open items by the days since they were opened or last moved, as each account's policy counts them."
HEADER = 3
FIRST = HEADER + 1
BEFORE = ("Ref.", "Account", "Name", "Roles")
AFTER = ("Total", "Of it stale", "Items", "Balance per trial balance", "Difference", "Tickmarks")
WIDTHS = (7, 11, 30, 26)


def buckets(rows: pl.DataFrame) -> list[str]:
    """The buckets that open items fall in, the youngest first."""
    return sorted(set(rows["bucket"]), key=lambda b: (int(re.findall(r"\d+", b)[0]), "over" in b, b))


def widths(rows: pl.DataFrame) -> Sequence[float]:
    return (*WIDTHS, *[15] * (len(buckets(rows)) + 2), 8, 17, 13, 11)


def write(sheet: Sheet, papers: Sequence[Paper], details: Details, results: Mapping[str, str]) -> None:
    """A line for each account that something has to clear, and their totals."""
    found, spans = [p for p in papers if is_clearing(p)], buckets(details.clearing.rows)
    sheet.text(0, 0, "Clearing accounts by age", "title")
    sheet.text(1, 0, LEAD, "lead")
    first = len(BEFORE)
    sheet.headings(HEADER, (*BEFORE, *spans, *AFTER), range(first, first + len(spans) + len(AFTER) - 1))
    sums = _sums(details.clearing.rows)
    for row, paper in enumerate(found, FIRST):
        _Line(sheet, row, paper, spans, details).write(sums)
        sheet.text(
            row, len(BEFORE) + len(spans) + 5, tickmarks.marks(paper.facts, results, "clearing"), "tick"
        )
    _totals(sheet, found, spans, sums, FIRST + len(found))
    sheet.finish(HEADER, FIRST + len(found), len(BEFORE) + len(spans) + len(AFTER), frozen=3, filtered=False)


def _sums(rows: pl.DataFrame) -> Mapping[tuple[str, str], Decimal]:
    """The balance by reference and bucket."""
    summed = rows.group_by("ref", "bucket").agg(pl.col("balance").sum())
    stale = rows.filter(pl.col("stale") == "yes").group_by("ref").agg(pl.col("balance").sum())
    return {(r, b): a for r, b, a in summed.iter_rows()} | {(r, "stale"): a for r, a in stale.iter_rows()}


class _Line:
    """One account's line."""

    def __init__(self, sheet: Sheet, row: int, paper: Paper, spans: Sequence[str], details: Details) -> None:
        self.sheet, self.row, self.paper, self.spans, self.details = sheet, row, paper, spans, details
        self.ref = sheet.cell(row, 0)

    def write(self, sums: Mapping[tuple[str, str], Decimal]) -> None:
        sheet, row, paper, items = self.sheet, self.row, self.paper, self.details.clearing
        if paper.sheet is None:
            sheet.text(row, 0, paper.ref)
        else:
            sheet.link(row, 0, Place(paper.sheet, 0, 0), paper.ref)
        sheet.texts(row, (paper.number, paper.name, paper.roles), "text", 1)
        first = len(BEFORE)
        for column, span in enumerate(self.spans, first):
            formula = items.sumifs("balance", ref=self.ref, bucket=sheet.cell(HEADER, column))
            self._amount(column, formula, sums.get((paper.ref, span), Decimal()))
        total = first + len(self.spans)
        aged = f"SUM({sheet.cell(row, first)}:{sheet.cell(row, total - 1)})" if self.spans else "0"
        balance = paper.open_items or Decimal()
        self._amount(total, aged, balance, "total")
        stale = items.sumifs("balance", ref=self.ref, stale='"yes"')
        self._amount(total + 1, stale, sums.get((paper.ref, "stale"), Decimal()))
        lines = items.rows.filter(pl.col("ref") == paper.ref)["lines"].sum()
        sheet.counted(row, total + 2, items.sumifs("lines", ref=self.ref), int(lines))
        self._amount(total + 3, self.details.trial_balance.sumifs("balance", ref=self.ref), paper.balance)
        left = f"{sheet.cell(row, total)}-{sheet.cell(row, total + 3)}"
        self._amount(total + 4, left, balance - paper.balance)

    def _amount(self, column: int, formula: str, value: Decimal, style: str = "amount") -> None:
        self.sheet.computed(self.row, column, formula, value, self.paper.weight, style)


def _totals(
    sheet: Sheet,
    papers: Sequence[Paper],
    spans: Sequence[str],
    sums: Mapping[tuple[str, str], Decimal],
    row: int,
) -> None:
    refs = [p.ref for p in papers]
    by_column = [
        sum((sums.get((ref, key), Decimal()) for ref in refs), Decimal()) for key in (*spans, "stale")
    ]
    *of_spans, stale = by_column
    total = sum((p.open_items or Decimal() for p in papers), Decimal())
    balance = sum((p.balance for p in papers), Decimal())
    first = len(BEFORE)
    amounts = [*of_spans, total, stale, None, balance, total - balance]
    held = sum((p.weight for p in papers), Decimal())
    sheet.texts(row, ("", "Total", "", ""), "total_label")
    for column, value in enumerate(amounts, first):
        if value is not None and papers:
            summed = f"SUM({sheet.span(FIRST, row - 1, column)})"
            sheet.computed(row, column, summed, value, held, "grand")
