"""Tables: the rows of a frame as a sheet with captions, filters and totals, and the ranges that formulas name.

Here: rows into cells, and how many of them. Not here: which tables there are (``details``).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from reports.sheets.cells import Book, Place, Sheet

#: More rows than a reviewer reads stand in the Parquet file only; their sums stay, a row for each kind.
ROWS = 100_000
TITLE, LEAD, TOTAL, HEADER = 0, 1, 2, 3
FIRST = HEADER + 1


class Column(NamedTuple):
    """A column of a sheet; its ``kind`` tells how a value is written.

    text, wrapped, link (to the account's sheet), amount, part (an amount without a total), number, count,
    date, moment, claim (yes or blank), formula (written by whoever knows it).
    """

    name: str
    caption: str
    kind: str = "text"
    width: float = 12


class Table(NamedTuple):
    """A sheet that holds the rows of a frame; formulas name its columns."""

    sheet: Sheet
    columns: Sequence[Column]
    rows: pl.DataFrame

    @property
    def last(self) -> int:
        return FIRST + max(self.rows.height, 1) - 1

    def index(self, name: str) -> int:
        return next(place for place, column in enumerate(self.columns) if column.name == name)

    def span(self, name: str) -> str:
        """All cells of a column, as formulas name them."""
        return self.sheet.span(FIRST, self.last, self.index(name))

    def first(self, **values: object) -> Place:
        """The first row that has these values; the header where none has."""
        found = self.rows.with_row_index("_row").filter(
            pl.col(name).eq_missing(value) for name, value in values.items()
        )
        return self.sheet.place(FIRST + found["_row"][0] if found.height else HEADER, 0)

    def sumifs(self, name: str, **criteria: str) -> str:
        """The formula that sums a column over the rows whose other columns equal the cells named."""
        pairs = (f"{self.span(column)},{cell}" for column, cell in criteria.items())
        return f"SUMIFS({self.span(name)},{','.join(pairs)})"


def bounded(
    rows: pl.DataFrame, keys: Sequence[str], sums: Sequence[str], note: str, limit: int = ROWS
) -> pl.DataFrame:
    """The first rows, and for the others one row for each of their ``keys`` with the ``sums``.

    ``note`` is the column that says how many rows such a row stands for. Nothing is lost for a total.
    """
    if rows.height <= limit:
        return rows
    rest = (
        rows.slice(limit)
        .group_by(keys, maintain_order=True)
        .agg(pl.col(sums).sum(), pl.format("{} further rows stand in the Parquet file only", pl.len()).alias(note))
    )
    typed = rest.with_columns(pl.col(name).cast(rows.schema[name]) for name in sums)
    return pl.concat([rows.head(limit), typed], how="diagonal")


def table(
    book: Book,
    name: str,
    title: str,
    lead: str,
    columns: Sequence[Column],
    rows: pl.DataFrame,
) -> Table:
    """A sheet of that name with the rows below their captions, amounts with totals above them."""
    return filled(opened(book, name, columns, rows), title, lead)


def opened(book: Book, name: str, columns: Sequence[Column], rows: pl.DataFrame) -> Table:
    """The sheet while nothing is written on it: its place among the sheets, and its ranges."""
    return Table(book.sheet(name, [column.width for column in columns]), columns, rows)


def filled(found: Table, title: str, lead: str, links: Mapping[str, Place] | None = None) -> Table:
    """Writes captions, rows and totals; references lead to the sheets of ``links``."""
    sheet, columns, rows = found.sheet, found.columns, found.rows
    sheet.text(TITLE, 0, title, "title")
    sheet.text(LEAD, 0, lead, "lead")
    sheet.worksheet.set_row(HEADER, 26)
    for place, column in enumerate(columns):
        sheet.text(HEADER, place, column.caption, "heading")
        if column.kind in ("amount", "count"):
            _total(found, place, column)
        if column.kind != "formula":
            _cells(sheet, place, column, rows[column.name], links or {})
    if not rows.height:
        sheet.text(FIRST, 0, "None.", "lead")
    sheet.finish(HEADER, found.last, len(columns))
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


def _cells(sheet: Sheet, place: int, column: Column, values: pl.Series, links: Mapping[str, Place]) -> None:
    scale = values.dtype.scale if isinstance(values.dtype, pl.Decimal) else 0
    for row, value in enumerate(values.to_list(), FIRST):
        if value is None:
            continue
        if column.kind in ("amount", "part"):
            sheet.amount(row, place, value, scale=scale)
        elif column.kind == "link" and value in links:
            sheet.link(row, place, links[value], value)
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
