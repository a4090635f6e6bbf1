"""Cells: how text, amounts, dates and formulas get into a workbook so that none is changed and none comes
alive.

Here: formats, exactness, names of sheets, the setup for print. Not here: what stands on a sheet.

A spreadsheet counts in binary floats, which hold every decimal of up to 15 significant digits and show no
more. So an amount of more digits is written as exact text, and so is a total over parts that reach so many:
what would be wrong in the last digits is never a number. No amount passes through a float on the way into
the file: the library writes the digits of the decimal.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any, NamedTuple

import xlsxwriter
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell

from reports import wording

DIGITS = 15
NAME_LENGTH = 31
TEXT_LENGTH = 32_767
A4 = 9
LINE, TITLE_HEIGHT = 12.75, 18.0  # points, of 9-point text and of a title
LETTERS = 1.4  # of such text, in a unit of column width
MOST_LINES = 12
FONT = {"font_name": "Liberation Sans", "font_size": 9, "valign": "top"}
BLUE, GREY = "#1F4E79", "#666666"

#: How cells look, by what they are. Text that stands for data is marked as text, so that it stays text when
#: somebody edits the cell.
STYLES: Mapping[str, Mapping[str, Any]] = {
    "title": {"quote_prefix": True, "bold": True, "font_size": 13},
    "lead": {"quote_prefix": True, "font_color": GREY},
    "strong": {"quote_prefix": True, "bold": True},
    "heading": {"bold": True, "text_wrap": True, "bg_color": "#DCE6F1", "bottom": 1, "valign": "vcenter"},
    "heading_right": {
        "bold": True,
        "text_wrap": True,
        "bg_color": "#DCE6F1",
        "bottom": 1,
        "valign": "vcenter",
        "align": "right",
    },
    "section": {"bold": True, "bottom": 1, "font_color": BLUE},
    "text": {"quote_prefix": True},
    "wrapped": {"quote_prefix": True, "text_wrap": True, "indent": 1},
    "note": {"font_color": GREY, "text_wrap": True, "quote_prefix": True},
    "link": {"quote_prefix": True, "font_color": BLUE, "underline": 1},
    "tick": {"bold": True, "font_color": "#C00000", "align": "center"},
    "sign": {"bottom": 1},
    "label": {"align": "right", "font_color": GREY},
    "number": {"num_format": "0", "align": "left"},
    "count": {"num_format": "#,##0"},
    "date": {"num_format": "yyyy-mm-dd", "align": "left"},
    "moment": {"num_format": "yyyy-mm-dd hh:mm", "align": "left"},
    "result": {"align": "center", "quote_prefix": True},
    "total_label": {"quote_prefix": True, "bold": True, "top": 1},
    "total_count": {"bold": True, "top": 1, "num_format": "#,##0"},
}
#: The same for amounts, whose number format depends on the scale.
AMOUNTS: Mapping[str, Mapping[str, Any]] = {
    "amount": {},
    "total": {"bold": True, "top": 1},
    "grand": {"bold": True, "top": 1, "bottom": 6},
}
#: Styles whose text breaks over lines.
WRAPPED = frozenset({"wrapped", "note", "heading", "heading_right"})
AS_TEXT: Mapping[str, Any] = {"align": "right", "italic": True, "font_color": "#C00000", "quote_prefix": True}


class Place(NamedTuple):
    """A cell that formulas and links may name: its sheet, row and column, counted from 0."""

    sheet: str
    row: int
    column: int

    @property
    def words(self) -> str:
        """As a reader finds it."""
        return f"{self.sheet} {xl_rowcol_to_cell(self.row, self.column)}"

    @property
    def cell(self) -> str:
        """As formulas name it from any sheet."""
        return f"'{self.sheet}'!{xl_rowcol_to_cell(self.row, self.column, row_abs=True, col_abs=True)}"


def fits(weight: Decimal, scale: int) -> bool:
    """Whether a spreadsheet's numbers hold it to the last digit."""
    return abs(weight) < Decimal(10) ** (DIGITS - scale)


def sheet_name(text: str) -> str:
    """The text as the name of a sheet: without the characters that Excel refuses, at most 31 units long.

    Names that are to differ have to differ in their first letters already, regardless of case.
    """
    kept = "".join(" " if unicodedata.category(c)[0] == "C" or c in "[]:*?/\\'" else c for c in text)
    name = " ".join(kept.split())
    while _units(name) > NAME_LENGTH:
        name = name[:-1]
    return name.rstrip()


def _units(text: str) -> int:
    """The length as Excel counts it: characters beyond the first 65,536 count twice."""
    return len(text.encode("utf-16-le")) // 2


def plain(text: str) -> str:
    """The text as a cell can hold it, cut with a sign where it is too long.

    The library takes what begins and ends like its own markup for such; a blank at the end keeps it text.
    """
    fits_in = len(text) <= TEXT_LENGTH // 2 or _units(text) <= TEXT_LENGTH
    cut = text if fits_in else f"{text[: TEXT_LENGTH // 2 - 1]}…"
    return f"{cut} " if cut.startswith("<r>") and cut.endswith("</r>") else cut


class Book:
    """A workbook in memory: the same calls give the same bytes, dated by the run and not by the clock."""

    def __init__(self, company: str, as_of: date, scale: int) -> None:
        self.company, self.as_of, self.scale = company, as_of, scale
        self.file = BytesIO()
        self.workbook = xlsxwriter.Workbook(
            self.file,
            {
                "in_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self.workbook.set_properties(
            {
                "title": f"Workpapers: {plain(company)}",
                "author": "tieout",
                "created": datetime.combine(as_of, time()),
            }
        )
        self.workbook.set_size(28_000, 16_000)
        self.formats: dict[tuple[str, int], Any] = {}

    def sheet(self, name: str, widths: Sequence[float]) -> "Sheet":
        """A new sheet after those that are there."""
        return Sheet(self, self.workbook.add_worksheet(name), name, widths)

    def style(self, name: str, scale: int = 0) -> Any:
        """The format of that name; amounts have one for each scale."""
        key = (name, scale)
        if key not in self.formats:
            self.formats[key] = self.workbook.add_format({**FONT, **_properties(name, scale)})
        return self.formats[key]

    def content(self) -> bytes:
        """The file, once everything is written."""
        self.workbook.close()
        return self.file.getvalue()


def _properties(name: str, scale: int) -> Mapping[str, Any]:
    if name.endswith("_text"):
        return {**AMOUNTS[name.removesuffix("_text")], **AS_TEXT}
    if name in AMOUNTS:
        decimals = f"0.{'0' * scale}" if scale else "0"
        return {**AMOUNTS[name], "num_format": f"#,##{decimals}_-;[Red]-#,##{decimals}_-;{decimals}_-"}
    return STYLES[name]


class Sheet:
    """One sheet that is being written; rows and columns are counted from 0."""

    def __init__(self, book: Book, worksheet: Any, name: str, widths: Sequence[float]) -> None:
        self.book, self.worksheet, self.name = book, worksheet, name
        self.widths, self.heights = dict(enumerate(widths)), {0: TITLE_HEIGHT}
        self.hidden: set[int] = set()
        worksheet.hide_gridlines(2)
        worksheet.set_default_row(LINE)

    def place(self, row: int, column: int) -> Place:
        return Place(self.name, row, column)

    def cell(self, row: int, column: int) -> str:
        """The cell as formulas on this sheet name it."""
        return str(xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True))

    def span(self, first: int, last: int, column: int) -> str:
        """The cells of a column from row to row, as formulas on this sheet name them."""
        return str(xl_range_abs(first, column, last, column))

    def text(self, row: int, column: int, value: object, style: str = "text") -> None:
        """Text, whatever it looks like: it is never read as a number, a formula or an address."""
        if value is not None and value != "":
            self.worksheet.write_string(row, column, plain(str(value)), self.book.style(style))
            if style in WRAPPED:
                self._heighten(row, column, str(value))
        elif style not in ("text", "wrapped"):
            self.worksheet.write_blank(row, column, None, self.book.style(style))

    def _heighten(self, row: int, column: int, text: str) -> None:
        """Makes the row as high as the wrapped text asks; no program can be relied on to do so."""
        lines = sum(
            -(-len(line) // max(int(self.widths[column] * 1.1), 1)) or 1 for line in text.splitlines()
        )
        self.heights[row] = max(self.heights.get(row, LINE), min(lines, MOST_LINES) * LINE)

    def _widen(self, column: int, value: Decimal) -> None:
        """Makes the column as wide as the amount asks; a number that doesn't fit isn't shown at all."""
        self.widths[column] = max(self.widths[column], len(f"{value:,f}") + 2)

    def headings(self, row: int, captions: Sequence[str], right: Collection[int] = ()) -> None:
        """The captions of a table, those of numbers to the right."""
        for column, caption in enumerate(captions):
            self.text(row, column, caption, "heading_right" if column in right else "heading")

    def texts(self, row: int, values: Sequence[object], style: str, first: int = 0) -> None:
        """A row of texts, blank ones of a style that shows drawn as well."""
        for column, value in enumerate(values, first):
            self.text(row, column, value, style)

    def amount(
        self, row: int, column: int, value: Decimal | None, style: str = "amount", scale: int | None = None
    ) -> None:
        """An amount; as exact text where a number would lose digits."""
        scale = self.book.scale if scale is None else scale
        if value is None:
            return
        if fits(value, scale):
            self._widen(column, value)
            self.worksheet.write_number(row, column, value + 0, self.book.style(style, scale))
        else:
            self.exact(row, column, value, style)

    def exact(self, row: int, column: int, value: Decimal, style: str = "amount") -> None:
        """An amount as text, for what a number can't hold."""
        written = wording.amount(value, self.book.scale)
        self._widen(column, value)
        self.worksheet.write_string(row, column, written, self.book.style(f"{style}_text"))

    def computed(
        self, row: int, column: int, formula: str, value: Decimal, weight: Decimal, style: str = "amount"
    ) -> None:
        """An amount by a formula, which is rounded to the scale, with the value that it has now.

        ``weight`` is the sum of what it is made of, regardless of sign. Where that has more digits than a
        spreadsheet's numbers, the exact text of the value takes the formula's place.
        """
        scale = self.book.scale
        if fits(weight, scale) and fits(value, scale):
            rounded = f"=ROUND({formula},{scale})"
            self._widen(column, value)
            self.worksheet.write_formula(row, column, rounded, self.book.style(style, scale), value + 0)
        else:
            self.exact(row, column, value, style)

    def counted(self, row: int, column: int, formula: str, value: int, style: str = "count") -> None:
        """A number of rows by a formula."""
        self.worksheet.write_formula(row, column, f"={formula}", self.book.style(style), value)

    def said(self, row: int, column: int, formula: str, value: str, style: str = "result") -> None:
        """Words by a formula."""
        self.worksheet.write_formula(row, column, f"={formula}", self.book.style(style), value)

    def number(self, row: int, column: int, value: float | None, style: str = "number") -> None:
        """A whole number: an entry, a count, an age; as text where it has too many digits."""
        if value is None:
            return
        if abs(value) < 10**DIGITS:
            self.worksheet.write_number(row, column, value, self.book.style(style))
        else:
            self.worksheet.write_string(row, column, str(value), self.book.style("amount_text"))

    def date(self, row: int, column: int, value: date | None, style: str = "date") -> None:
        """A date, or date and time; as text where a spreadsheet's calendar has not begun yet."""
        if value is None:
            return
        if value.year >= 1901:
            self.worksheet.write_datetime(row, column, value, self.book.style(style))
        else:
            self.text(row, column, value.isoformat())

    def link(self, row: int, column: int, to: Place, words: str, style: str = "link") -> None:
        """Words that lead to a cell of this workbook."""
        cell = xl_rowcol_to_cell(to.row, to.column)
        address = f"internal:'{to.sheet}'!{cell}"
        self.worksheet.write_url(row, column, address, self.book.style(style), string=words)

    def signatures(self, column: int) -> None:
        """Blank cells to sign: who prepared and who reviewed the sheet, and when."""
        for row, who in enumerate(("Prepared by", "Reviewed by")):
            self.texts(row, (who, "", "Date", ""), "label", column)
            for blank in (column + 1, column + 3):
                self.worksheet.write_blank(row, blank, None, self.book.style("sign"))

    def finish(
        self, header: int, last_row: int, columns: int, frozen: int = 0, filtered: bool = True
    ) -> None:
        """Freezes the header, puts filters on it, and sets the sheet up for print."""
        sheet, last_row = self.worksheet, max(last_row, header)
        for column, width in self.widths.items():
            sheet.set_column(column, column, width, None, {"hidden": column in self.hidden})
        for row, height in self.heights.items():
            sheet.set_row(row, height)
        sheet.freeze_panes(header + 1, frozen)
        if filtered:
            sheet.autofilter(header, 0, max(last_row, header + 1), columns - 1)
        sheet.repeat_rows(header)
        sheet.print_area(0, 0, last_row, columns - 1)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        company = re.sub(r"[\x00-\x1f]", " ", self.book.company)[:80].replace("&", "&&")
        name = self.name.replace("&", "&&")
        sheet.set_header(f"&L{company}&C{name}&Ras of {self.book.as_of.isoformat()}")
        sheet.set_footer("&Lworkpapers.xlsx&CPage &P of &N&RPrepared: ______  Reviewed: ______")
