"""The import file: proposed journals as Business Central's general journal takes them.

Here: columns, numbers and cells. Not here: what the journals book (``pipelines.propose``) and writing the
file (``assets.proposing``).

The columns are the captions of table 81 "Gen. Journal Line", key first, as a configuration package or Edit in
Excel shows them. Each dimension is a column of its own ("Dimensions as Columns" of the package).
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from schemas.money import text

COLUMNS = (
    "Journal Template Name", "Journal Batch Name", "Line No.", "Account Type", "Account No.", "Posting Date",
    "Document Type", "Document No.", "Description", "Amount", "Bal. Account Type", "Bal. Account No.",
    "External Document No.",
)  # fmt: skip
LINE_STEP = 10_000
#: A spreadsheet takes a text that starts so for a formula.
LIVE = ("=", "+", "-", "@", "\t", "\r", "\n")


def import_file(
    proposals: pl.DataFrame, dimension_sets: pl.DataFrame | None, scale: int, template: str, batch: str
) -> str:
    """The lines of all proposed journals as CSV, numbered through the batch; one header where there are none.

    ``dimension_sets`` has ``dimension_set_id``, ``dimension_code``, ``dimension_value_code``. Debit is
    positive. A text that would start a formula in a spreadsheet has an apostrophe before it.
    """
    lines = proposals.filter(pl.col("action") == "journal").sort("proposal_id", "line_no")
    values = _values(lines, dimension_sets)
    codes = sorted({code for dimensions in values.values() for code in dimensions})
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([*COLUMNS, *(_inert(code) for code in codes)])
    for number, row in enumerate(lines.iter_rows(named=True), 1):
        dimensions = values.get(row["dimension_set_id"], {})
        cells = [
            *_cells(row, number * LINE_STEP, template, batch),
            *(dimensions.get(code, "") for code in codes),
        ]
        amount = text(row["amount"], scale)  # the one number: its minus starts no formula
        writer.writerow([*map(_inert, cells[:9]), amount, *map(_inert, cells[9:])])
    return file.getvalue()


def _cells(row: Mapping[str, Any], line_no: int, template: str, batch: str) -> Sequence[str]:
    return [
        template, batch, str(line_no), "G/L Account", row["account_no"] or "",
        row["posting_date"].isoformat(), "", row["document_no"], row["description"],
        "G/L Account", "", row["external_document_no"],
    ]  # fmt: skip


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(LIVE) else cell


def _values(lines: pl.DataFrame, dimension_sets: pl.DataFrame | None) -> dict[int, dict[str, str]]:
    """The dimension values of each set that a line carries."""
    if dimension_sets is None:
        return {}
    used = dimension_sets.filter(
        pl.col("dimension_set_id").is_in(lines["dimension_set_id"].drop_nulls().unique().implode())
    )
    values: dict[int, dict[str, str]] = {}
    for number, code, value in used.select(
        "dimension_set_id", "dimension_code", "dimension_value_code"
    ).iter_rows():
        values.setdefault(number, {})[code] = value
    return values
