"""What ``tieout matrix`` tells: BC's reconciliation page, rebuilt and corrected, whole or of one part of it.

Here: the command's texts and JSON. Not here: the page itself (``pipelines.matrix``).
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import typer

from assets import config, console, reconciliation, run
from assets.config import Assignment
from assets.console import Row
from pipelines import matrix, rules
from schemas import marts
from schemas.faults import InputError
from schemas.ledger import Books, Excerpt

TITLES: Mapping[str, str] = {
    "as_bc": "as the page shows it",
    "corrected": "corrected",
}
HEADER = (
    "row", "inventory>", "interim>", "WIP>", "other>", "total>", "general ledger>", "other activity>",
    "difference>", "warning",
)  # fmt: skip
AMOUNTS = (*matrix.CELLS, *matrix.FIGURES)


def excerpt(item: str | None, location: str | None, first: str | None, last: str | None) -> Excerpt:
    """The part of the books that the flags ask for; codes are in capitals, as BC keeps them."""
    return Excerpt(
        item_no=None if item is None else item.strip().upper(),
        location_code=None if location is None else location.strip().upper(),
        date_from=_day("--from", first),
        date_to=_day("--to", last),
    )


def _day(flag: str, value: str | None) -> date | None:
    try:
        return None if value is None else config.iso_date(value)
    except ValueError as fault:
        raise InputError(f"{flag}: {fault}") from None


def shown(assignment: Assignment, part: Excerpt, as_json: bool) -> int:
    """Prints both views for one company."""
    companies = reconciliation.chosen(assignment)
    if len(companies) > 1:
        raise InputError(f"choose one company with --company: {', '.join(companies)}")
    with console.progress(companies[0]) as step:
        values = run.materialized("explain", run.as_resource(assignment, companies[0]), step)
    books, rows = values["books"], published(values, part)
    told = as_document(rows, books, part) if as_json else "\n".join(as_text(rows, books, part))
    typer.echo(told)
    return 0


def published(values: Mapping[str, Any], part: Excerpt) -> pl.DataFrame:
    """The matrix of the excerpt, as the mart of that name is published."""
    books: Books = values["books"]
    if part.item_no is not None and part.item_no not in set(values["entry_items"]["item_no"]):
        raise InputError(f"--item: no value entry has item {part.item_no!r}.")
    if part.location_code is not None and part.location_code not in set(books.value_entries["location_code"]):
        raise InputError(
            f"--location: no value entry has location {part.location_code!r}; '' is the blank one."
        )
    rows = matrix.bc_matrix(
        values["attributed_lines"],
        values["agreed_lines"],
        values["entry_items"],
        values["differences"],
        values["account_scope"],
        books,
        rules.matrix_formulas(),
        rules.matrix_rows(),
        rules.matrix_warnings(),
        part,
    )
    return marts.published("bc_matrix", rows, books.scale, books.scale_acy)


def as_text(rows: pl.DataFrame, books: Books, part: Excerpt) -> Iterator[str]:
    yield f"{books.company}, as of {books.as_of}: Inventory - G/L Reconciliation{asked(part)}"
    for view, title in TITLES.items():
        yield ""
        yield f"  {title}"
        of_view = rows.filter(pl.col("view") == view)
        yield from console.table(HEADER, [line(row) for row in of_view.iter_rows(named=True)])


def asked(part: Excerpt) -> str:
    """The excerpt in words; nothing where all is shown."""
    said = {
        "item": part.item_no, "location": "(blank)" if part.location_code == "" else part.location_code,
        "from": part.date_from, "to": part.date_to,
    }  # fmt: skip
    return "".join(f", {name} {value}" for name, value in said.items() if value is not None)


def line(row: Mapping[str, Any]) -> Row:
    amounts = ("" if row[name] is None else console.money(str(row[name])) for name in AMOUNTS)
    return (row["row"], *amounts, row["warning"])


def as_document(rows: pl.DataFrame, books: Books, part: Excerpt) -> str:
    document = {
        "company": books.company,
        "as_of": books.as_of.isoformat(),
        "item_no": part.item_no,
        "location_code": part.location_code,
        "from": part.date_from and part.date_from.isoformat(),
        "to": part.date_to and part.date_to.isoformat(),
        "rows": [plain(row) for row in rows.iter_rows(named=True)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def plain(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row with amounts as text and its lists as lists."""
    lists = {name: json.loads(row[name]) for name in ("warnings", "accounts")}
    return {name: str(v) if isinstance(v, Decimal) else v for name, v in row.items()} | lists
