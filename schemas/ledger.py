"""The books: the ERP-neutral ledger tables that every step works on.

Here: the columns, types and sign conventions of the books. Not here: how an ERP's tables become these
(that is in ``pipelines.sources``), and what is published (that is in ``schemas.marts``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from schemas.money import AMOUNT

if TYPE_CHECKING:
    import pandera.polars as pa

TIMESTAMP = pl.Datetime("ms")

#: The five roles whose accounts must tie to the stock ledger; the rest are their balancing accounts.
CONTROLLED_ROLES = ("inventory", "inventory_interim", "wip", "invt_accrual_interim", "cogs_interim")

#: Where a G/L line comes from, read off its source code; ``unknown`` where source codes weren't given.
ORIGINS = ("inventory_cost", "document", "closing", "compression", "journal", "unknown")
#: How finished orders without output are written off; blank for every other entry.
WRITE_OFFS = ("", "yes", "at_finish")

VALUE_ENTRIES: Mapping[str, pl.DataType] = {
    "value_entry_no": pl.Int64(),
    "item_ledger_entry_no": pl.Int64(),  # null on capacity entries
    "posting_date": pl.Date(),
    "item_ledger_entry_type": pl.String(),
    "entry_type": pl.String(),
    "variance_type": pl.String(),
    "order_type": pl.String(),
    "order_no": pl.String(),
    "order_line_no": pl.Int64(),
    "item_no": pl.String(),
    "source_type": pl.String(),
    "source_no": pl.String(),
    "document_no": pl.String(),
    "location_code": pl.String(),
    "inventory_posting_group": pl.String(),
    "wip_posting_group": pl.String(),  # the group that decides the WIP account
    "gen_bus_posting_group": pl.String(),
    "gen_prod_posting_group": pl.String(),
    "amount_actual": AMOUNT,
    "posted_actual": AMOUNT,
    "amount_expected": AMOUNT,
    "posted_expected": AMOUNT,
    "amount_actual_acy": AMOUNT,
    "posted_actual_acy": AMOUNT,
    "amount_expected_acy": AMOUNT,
    "posted_expected_acy": AMOUNT,
    "is_expected": pl.Boolean(),  # the entry is flagged Expected Cost
    "is_inventoriable": pl.Boolean(),
    "is_capacity": pl.Boolean(),
    "is_queued": pl.Boolean(),  # null when the queue table was not given
    "is_linked": pl.Boolean(),  # a relation row leads to a G/L line with an amount
    "is_finished_without_output": pl.Boolean(),
    "wip_writeoff": pl.String(),
    "write_off_date": pl.Date(),
    "is_expected_cost_due": pl.Boolean(),
    "is_fully_invoiced": pl.Boolean(),  # its item ledger entry, by entries up to as-of
    "dimension_set_id": pl.Int64(),  # null: not given
    "source_code": pl.String(),
    "user_id": pl.String(),
    "created_at": TIMESTAMP,
}

GL_ENTRIES: Mapping[str, pl.DataType] = {
    "gl_entry_no": pl.Int64(),
    "account_no": pl.String(),  # null where the ledger line has a blank account
    "posting_date": pl.Date(),
    "amount": AMOUNT,
    "amount_acy": AMOUNT,
    "document_no": pl.String(),
    "source_code": pl.String(),
    "origin": pl.String(),
    "source_no": pl.String(),
    "description": pl.String(),
    "transaction_no": pl.Int64(),
    "reversed_by": pl.Int64(),
    "reverses": pl.Int64(),
    "dimension_set_id": pl.Int64(),
    "user_id": pl.String(),
    "created_at": TIMESTAMP,
}

RELATIONS: Mapping[str, pl.DataType] = {"gl_entry_no": pl.Int64(), "value_entry_no": pl.Int64()}

#: One row per setup key and role. A blank account is a row with ``account_no`` null.
POSTING_ACCOUNTS: Mapping[str, pl.DataType] = {
    "account_role": pl.String(),
    "setup_table": pl.String(),
    "key_1": pl.String(),
    "key_2": pl.String(),
    "account_no": pl.String(),
    "is_blocked": pl.Boolean(),
}

ACCOUNTS: Mapping[str, pl.DataType] = {
    "account_no": pl.String(),
    "account_name": pl.String(),
    "account_type": pl.String(),
    "is_blocked": pl.Boolean(),
}

#: The tables of the books, each with the columns that tell its rows apart.
TABLES: Mapping[str, tuple[Mapping[str, pl.DataType], tuple[str, ...]]] = {
    "value_entries": (VALUE_ENTRIES, ("value_entry_no",)),
    "gl_entries": (GL_ENTRIES, ("gl_entry_no",)),
    "relations": (RELATIONS, ("gl_entry_no", "value_entry_no")),
    "posting_accounts": (POSTING_ACCOUNTS, ("account_role", "key_1", "key_2")),
    "accounts": (ACCOUNTS, ("account_no",)),
}
#: Columns that say nothing where they are null; every other column must hold a value.
MAY_BE_NULL = frozenset(
    {
        "item_ledger_entry_no", "order_line_no", "is_queued", "dimension_set_id", "created_at",
        "transaction_no",
        "reversed_by", "reverses", "account_no", "source_type", "order_type", "account_type",
    }
)  # fmt: skip
VOCABULARIES: Mapping[str, tuple[str, ...]] = {"origin": ORIGINS, "wip_writeoff": WRITE_OFFS}


@cache
def contract(table: str) -> "pa.DataFrameSchema":
    """What a table of the books promises: types, keys that tell rows apart, values where one must be."""
    import pandera.polars as pa

    columns, key = TABLES[table]
    return pa.DataFrameSchema(
        {
            name: pa.Column(
                dtype,
                nullable=name in MAY_BE_NULL and name not in key,
                checks=[pa.Check.isin(VOCABULARIES[name])] if name in VOCABULARIES else None,
            )
            for name, dtype in columns.items()
        },
        unique=list(key),
    )


def checked(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The table itself if it keeps its contract, data included; else Pandera's ``SchemaErrors`` with all
    breaches.
    """
    return contract(table).validate(frame, lazy=True)


@dataclass(frozen=True)
class Settings:
    """What the user may say about a run; ``None`` means: read it from the data, else infer it."""

    as_of: date | None = None
    materiality: Decimal = Decimal("0.01")
    warnings_count: bool = False
    localization: str = ""
    expected_cost_posting: bool | None = None
    automatic_cost_posting: bool | None = None
    mfg_inc_non_inv_cost: bool | None = None
    finish_order_without_output: bool | None = None


@dataclass(frozen=True)
class Switches:
    """The ERP's switches as they stand, and where each was read from (``setup``, ``config``,
    ``inferred``).
    """

    expected_cost_posting: bool
    automatic_cost_posting: bool
    mfg_inc_non_inv_cost: bool
    finish_order_without_output: bool
    sources: Mapping[str, str]


class Books(NamedTuple):
    """One company's books, ready to be tied out."""

    company: str
    as_of: date
    scale: int
    scale_acy: int
    value_entries: pl.DataFrame
    gl_entries: pl.DataFrame
    relations: pl.DataFrame  # empty when no relation table was given
    has_relations: bool
    posting_accounts: pl.DataFrame
    accounts: pl.DataFrame
    has_accounts: bool
    compressed_periods: pl.DataFrame  # starting_date, ending_date of G/L date compressions
    opening_accounts: pl.DataFrame  # account_no, date of the balances that the user loaded
    allowed_from: date | None
    allowed_to: date | None
    switches: Switches
    given: Mapping[str, frozenset[str]]
