"""Business Central's tables as ingest hands them over: every field with its name, type, unit and default.

Here: the fields (rows of `tables/bc_fields.csv`), the naming rule, the contract generated from the rows, and
the extract. Not here: reading files (`assets.storage`) and typing cells (`pipelines.sources.bc_extract`).
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import polars as pl

from schemas import contracts
from schemas.contracts import Column, Contract
from schemas.money import AMOUNT, QUANTITY

REQUIRED_TABLES = ("value_entry", "gl_entry", "inventory_posting_setup", "general_posting_setup")
#: The tables that give accounts, with their numbers: the change log names them by number.
SETUP_TABLES: Mapping[str, int] = {"inventory_posting_setup": 5813, "general_posting_setup": 252}
LCY, ACY = "LCY amount", "ACY amount"

DTYPES: Mapping[str, pl.DataType] = {
    "integer": pl.Int64(),
    "code": pl.String(),
    "text": pl.String(),
    "guid": pl.String(),
    "option": pl.String(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("ms"),
}

_DROPPED = re.compile(r"[.'()/&]")
_BETWEEN = re.compile(r"[^0-9a-z]+")


class Field(NamedTuple):
    """One field of one table: a row of `bc_fields.csv`."""

    table: str
    column: str
    caption: str
    type: str
    unit: str
    options: Mapping[str, str]  # ordinal -> name; the blank option is ""
    default: str | bool | int | None
    is_required: bool
    is_key: bool

    @property
    def is_amount(self) -> bool:
        """A local or additional currency amount, as opposed to a quantity, a unit cost or a percentage."""
        return self.unit in {LCY, ACY}

    @property
    def dtype(self) -> pl.DataType:
        """The Polars type of the column: amounts at scale 5, other decimals at scale 20."""
        if self.type == "decimal":
            return AMOUNT if self.is_amount else QUANTITY
        return DTYPES[self.type]

    @property
    def names(self) -> frozenset[str]:
        """What a header may come down to under the naming rule."""
        return frozenset({self.column, snake(self.caption)})


@dataclass(frozen=True)
class Input:
    """What one table was read from: enough to prove later that a run used these bytes."""

    table: str
    path: str
    rows: int
    sha256: str
    control_totals: Mapping[str, str]  # amount column -> its exact sum
    unknown_columns: tuple[str, ...]


class Undetermined(NamedTuple):
    """What can't be told of an earlier moment: why, what is therefore off, and what to export."""

    why: str
    loses: str
    export: str


@dataclass(frozen=True)
class Extract:
    """One company's tables, typed.

    Each frame has all columns of its table; ``given`` tells which of them the file had. A missing optional
    table is absent. Amounts are debit positive; dates in UTC; a blank code is "" and a real key.
    """

    company: str
    tables: Mapping[str, pl.DataFrame]
    given: Mapping[str, frozenset[str]]
    inputs: tuple[Input, ...]
    scale: int
    scale_acy: int
    unknown_tables: tuple[str, ...] = ()
    known_at: datetime | None = None  # the rows are those that existed at that moment
    undetermined: tuple[Undetermined, ...] = ()
    carried_from: date | None = None  # balances at the end of this day stand for the entries up to it


#: The tables that grow with every posting.
LEDGERS = (
    "value_entry", "gl_entry", "gl_item_ledger_relation", "item_ledger_entry", "item_application_entry",
    "capacity_ledger_entry", "post_value_entry_to_gl",
)  # fmt: skip


def outlined(extract: Extract) -> Extract:
    """The extract with nothing but the keys of its ledgers; setups and master data are whole."""
    tables = {
        name: rows.select(key(name)) if name in LEDGERS else rows for name, rows in extract.tables.items()
    }
    return replace(extract, tables=tables)


def snake(caption: str) -> str:
    """A table's or column's name under the naming rule: "Cost Posted to G/L" is cost_posted_to_gl."""
    return _BETWEEN.sub("_", _DROPPED.sub("", caption.lower()).replace("%", "pct")).strip("_")


@cache
def fields() -> Mapping[str, tuple[Field, ...]]:
    """The fields of every table, in the order of the rows."""
    text = files("schemas").joinpath("tables", "bc_fields.csv").read_text(encoding="utf-8")
    tables: dict[str, list[Field]] = {}
    for row in csv.DictReader(text.splitlines()):
        tables.setdefault(row["table"], []).append(_field(row))
    return {table: tuple(rows) for table, rows in tables.items()}


def key(table: str) -> tuple[str, ...]:
    """The columns that tell the rows of a table apart."""
    return tuple(field.column for field in fields()[table] if field.is_key)


def empty(table: str) -> pl.DataFrame:
    """The table with all its columns and no rows."""
    return pl.DataFrame(schema={field.column: field.dtype for field in fields()[table]})


def checked(table: str, rows: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """The rows, once they keep the table's contract; raises pandera's ``SchemaErrors`` with every breach."""
    return contracts.checked(contract(table), rows)


@cache
def contract(table: str) -> Contract:
    """What the typed table promises, generated from its rows in `bc_fields.csv`."""
    columns = {field.column: _column(field) for field in fields()[table]}
    return Contract(table, columns, key(table))


def _column(field: Field) -> Column:
    is_text = field.dtype == pl.String and not (field.options and "" not in field.options.values())
    return Column(
        field.dtype,
        is_nullable=not (is_text or field.is_required or field.default is not None),
        values=list(field.options.values()),
        rule=("trimmed and upper case", _is_code) if field.type == "code" else None,
        title=field.caption,
        description=field.unit or None,
    )


def _is_code(code: pl.Expr) -> pl.Expr:
    return code == code.str.strip_chars().str.to_uppercase()


def _field(row: Mapping[str, str]) -> Field:
    options = dict(pair.split("=", 1) for pair in row["options"].split("; ") if pair)
    return Field(
        table=row["table"],
        column=row["column"],
        caption=row["bc_name"],
        type=row["type"],
        unit=row["unit"],
        options={ordinal: _option(name) for ordinal, name in options.items()},
        default=_default(row["type"], row["default"]),
        is_required=row["required"] == "yes",
        is_key=row["key"] == "yes",
    )


def _option(name: str) -> str:
    return "" if name == "(blank)" else name


def _default(kind: str, written: str) -> str | bool | int | None:
    """The value of what is not there: text is blank, other types say it in the row or are null."""
    if kind in {"code", "text", "guid"}:
        return written
    if not written:
        return None
    if kind == "option":
        return _option(written)
    return written == "true" if kind == "boolean" else int(written)
