"""Tables: a frame's rows as a sheet with captions, filters and totals, and the ranges that formulas name.

Here: rows into cells, and how many of them. Not here: which tables there are (``details``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from reports.sheets.cells import Book, Place, Sheet

#: More rows than a reviewer reads stand in the Parquet file only; their sums stay, a row for each kind. It
#: also bounds what a workbook takes: about half a millisecond a row.
ROWS = 10_000
REST = "{} further rows stand in the Parquet file only"
NUMBERS = ("amount", "part", "count", "formula")
LEAD_SHEET = "Lead"
TITLE, LEAD, TOTAL, HEADER = 0, 1, 2, 3
FIRST = HEADER + 1


class Column(NamedTuple):
    """A column of a sheet; its ``kind`` tells how a value is written.

    text, wrapped, amount, part (an amount without a total), number, count,
    date, moment, claim (yes or blank), formula (written by whoever knows it).
    """

    name: str
    caption: str
    kind: str = "text"
    width: float = 12


@dataclass(frozen=True)
class Table:
    """A sheet that holds the rows of a frame; formulas name its columns."""

    sheet: Sheet
    columns: Sequence[Column]
    rows: pl.DataFrame
    firsts: dict[tuple[str, ...], Mapping[tuple[object, ...], int]] = field(default_factory=dict)

    @property
    def last(self) -> int:
        return FIRST + max(self.rows.height, 1) - 1

    def index(self, name: str) -> int:
        return next(place for place, column in enumerate(self.columns) if column.name == name)

    def span(self, name: str) -> str:
        """All cells of a column, as formulas on any sheet name them."""
        return f"'{self.sheet.name}'!{self.sheet.span(FIRST, self.last, self.index(name))}"

    def first(self, **values: object) -> Place:
        """The first row that has these values; the header where none has."""
        names = tuple(values)
        if names not in self.firsts:
            keys = enumerate(self.rows.select(names).rows())
            self.firsts[names] = {key: row for row, key in reversed([*keys])}
        return self.sheet.place(FIRST + self.firsts[names].get(tuple(values.values()), HEADER - FIRST), 0)

    def sumifs(self, name: str, **criteria: str) -> str:
        """The formula that sums a column over the rows whose other columns equal the cells named."""
        pairs = (f"{self.span(column)},{cell}" for column, cell in criteria.items())
        return f"SUMIFS({self.span(name)},{','.join(pairs)})"


def bounded(rows: pl.DataFrame, keys: Sequence[str], sums: Sequence[str], note: str) -> pl.DataFrame:
    """The first ``ROWS``, and for the others one row for each of their ``keys`` with the ``sums``.

    ``note`` is the column that says how many rows such a row stands for. Nothing is lost for a total.
    """
    if rows.height <= ROWS:
        return rows
    rest = (
        rows.slice(ROWS)
        .group_by(keys, maintain_order=True)
        .agg(pl.col(sums).sum(), pl.format(REST, pl.len()).alias(note))
    )
    typed = rest.with_columns(pl.col(name).cast(rows.schema[name]) for name in sums)
    return pl.concat([rows.head(ROWS), typed], how="diagonal")


def finished(found: Table) -> None:
    """Ends the sheet: frozen header, filters, print."""
    found.sheet.finish(HEADER, found.last, len(found.columns))


def opened(book: Book, name: str, columns: Sequence[Column], rows: pl.DataFrame) -> Table:
    """The sheet while nothing is written on it: its place among the sheets, and its ranges."""
    return Table(book.sheet(name, [column.width for column in columns]), columns, rows)


def filled(found: Table, title: str, lead: str) -> Table:
    """The table with captions, rows and totals."""
    sheet, columns, rows = found.sheet, found.columns, found.rows
    sheet.link(TITLE, 0, Place(LEAD_SHEET, 0, 0), LEAD_SHEET)
    sheet.text(TITLE, 1, title, "title")
    sheet.text(LEAD, 1, lead, "lead")
    right = {place for place, column in enumerate(columns) if column.kind in NUMBERS}
    sheet.headings(HEADER, [column.caption for column in columns], right)
    for place, column in enumerate(columns):
        if column.kind in ("amount", "count"):
            _total(found, place, column)
        if column.kind != "formula":
            _cells(sheet, place, column, rows[column.name])
    if not rows.height:
        sheet.text(FIRST, 0, "None.", "lead")
    return found


def _total(found: Table, place: int, column: Column) -> None:
    """The sum of a column above it, where filters leave it in sight."""
    values = found.rows[column.name]
    formula = f"SUM({found.span(column.name)})"
    if column.kind == "count":
        found.sheet.counted(TOTAL, place, formula, int(values.sum() or 0), "total_count")
    else:
        found.sheet.computed(TOTAL, place, formula, total(values), weight(values), "total")
    if found.columns[0].kind not in ("amount", "count"):
        found.sheet.text(TOTAL, 0, "Total", "strong")


def _cells(sheet: Sheet, place: int, column: Column, values: pl.Series) -> None:
    scale = values.dtype.scale if isinstance(values.dtype, pl.Decimal) else 0
    for row, value in enumerate(values.to_list(), FIRST):
        if value is None:
            continue
        if column.kind in ("amount", "part"):
            sheet.amount(row, place, value, scale=scale)
        elif column.kind in ("number", "count"):
            sheet.number(row, place, value, column.kind)
        elif column.kind in ("date", "moment"):
            sheet.date(row, place, value, column.kind)
        elif column.kind == "claim":
            sheet.text(row, place, "yes" if value else "")
        else:
            sheet.text(row, place, value, "wrapped" if column.kind == "wrapped" else "text")


def total(amounts: pl.Series) -> Decimal:
    """The exact sum; 0 of nothing."""
    return Decimal(amounts.sum() or 0)


def weight(amounts: pl.Series) -> Decimal:
    """The sum regardless of sign: what a spreadsheet has to hold on its way to the total."""
    return Decimal(amounts.abs().sum() or 0)
