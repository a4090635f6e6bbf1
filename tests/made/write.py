"""Writes a company's tables as CSV, one file a table, columns under BC's own captions."""

import csv
import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from tests.made.ledger import TABLES, Ledger
from tests.made.posting import Row

CAPTIONS = Path(__file__).with_name("captions.csv")


def snake(caption: str) -> str:
    """The name of a BC field in snake case."""
    bare = re.sub(r"[.'()/&]", "", caption.lower()).replace("%", "pct")
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


def columns(table: str) -> dict[str, str]:
    """Snake-case name to BC's caption, in the order of the file."""
    return {snake(caption): caption for caption in captions()[table]}


@cache
def captions() -> dict[str, list[str]]:
    with CAPTIONS.open(encoding="utf-8", newline="") as file:
        found: dict[str, list[str]] = {}
        for row in csv.DictReader(file):
            found.setdefault(row["table"], []).append(row["caption"])
    return found


def text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([text(value) for value in row] for row in rows)


def plain_rows(ledger: Ledger, table: str) -> list[Row]:
    """The table's rows with exactly the exported columns; what BC leaves unset is false, 0 or blank by
    column.
    """
    names = columns(table)
    return [{name: row.get(name, default(name)) for name in names} for row in ledger.rows(table)]


def default(name: str) -> Any:
    if name in ("reversed", "system_created_entry", "correction", "blocked", "inventory_value_zero"):
        return False
    if name in ("reversed_by_entry_no", "reversed_entry_no", "dimension_set_id", "order_line_no"):
        return 0
    return ""


def write_company(ledger: Ledger, folder: Path) -> None:
    for table in TABLES:
        names = columns(table)
        write_csv(
            folder / f"{table}.csv", names.values(), (row.values() for row in plain_rows(ledger, table))
        )
