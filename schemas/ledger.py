"""The books: the ERP-neutral ledger tables that every step works on.

Here: the columns, types and sign conventions of the books. Not here: how an ERP's tables become these
(that is in ``pipelines.sources``), and what is published (that is in ``schemas.marts``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import NamedTuple

import polars as pl

from schemas import contracts
from schemas.contracts import Column, Contract
from schemas.money import AMOUNT, QUANTITY

TIMESTAMP = pl.Datetime("ms")

#: The five roles whose accounts must tie to the stock ledger; the rest are their balancing accounts.
CONTROLLED_ROLES = ("inventory", "inventory_interim", "wip", "invt_accrual_interim", "cogs_interim")

#: The controlled roles whose balances pass through: something opens them, something else clears them.
CLEARING_ROLES = ("inventory_interim", "invt_accrual_interim", "wip", "cogs_interim")

#: Where a G/L line comes from, read off its source code; ``unknown`` where source codes weren't given.
ORIGINS = (
    "inventory_cost",
    "document",
    "closing",
    "compression",
    "journal",
    "unknown",
    "opening",
    "continued",
)
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
    "modified_at": TIMESTAMP,
    "valued_quantity": QUANTITY,
    "invoiced_quantity": QUANTITY,
    "item_ledger_entry_quantity": QUANTITY,
    "cost_per_unit": QUANTITY,
    "valuation_date": pl.Date(),
    "is_adjustment": pl.Boolean(),  # written by the adjustment of cost
    "applies_to_entry_no": pl.Int64(),  # the value entry that it adjusts
    "capacity_ledger_entry_no": pl.Int64(),
    "amount_non_inventoriable": AMOUNT,  # stays on the purchase account
    "purchase_amount": AMOUNT,
    "purchase_amount_expected": AMOUNT,
    "is_valued_by_average": pl.Boolean(),
    "item_charge_no": pl.String(),
    "variant_code": pl.String(),
    "document_type": pl.String(),
    "document_line_no": pl.Int64(),
    "external_document_no": pl.String(),
    "job_no": pl.String(),
    "item_register_no": pl.Int64(),
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
    "external_document_no": pl.String(),
    "source_type": pl.String(),
    "journal_batch_name": pl.String(),
    "job_no": pl.String(),
    "order_no": pl.String(),
    "register_no": pl.Int64(),
    "is_system_created": pl.Boolean(),
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
    "is_direct_posting": pl.Boolean(),  # journals may post to it; null: not given
    "statement": pl.String(),  # income statement or balance sheet
}

ITEMS: Mapping[str, pl.DataType] = {
    "item_no": pl.String(),
    "description": pl.String(),
    "item_type": pl.String(),
    "inventory_posting_group": pl.String(),
    "gen_prod_posting_group": pl.String(),
    "costing_method": pl.String(),
    "standard_cost": QUANTITY,
    "unit_cost": QUANTITY,
    "is_cost_adjusted": pl.Boolean(),
}

#: Quantity events; inbound positive.
ITEM_LEDGER_ENTRIES: Mapping[str, pl.DataType] = {
    "item_ledger_entry_no": pl.Int64(),
    "item_no": pl.String(),
    "variant_code": pl.String(),
    "location_code": pl.String(),
    "posting_date": pl.Date(),
    "entry_type": pl.String(),
    "document_type": pl.String(),
    "document_no": pl.String(),
    "document_line_no": pl.Int64(),
    "source_type": pl.String(),
    "source_no": pl.String(),
    "order_type": pl.String(),
    "order_no": pl.String(),
    "order_line_no": pl.Int64(),
    "quantity": QUANTITY,
    "remaining_quantity": QUANTITY,
    "invoiced_quantity": QUANTITY,
    "applies_to_entry_no": pl.Int64(),
    "is_open": pl.Boolean(),
    "is_positive": pl.Boolean(),
    "is_completely_invoiced": pl.Boolean(),
    "has_applications_to_adjust": pl.Boolean(),
    "is_correction": pl.Boolean(),
    "is_drop_shipment": pl.Boolean(),
    "last_invoice_date": pl.Date(),
    "created_at": TIMESTAMP,
}

#: Which inbound entry an outbound one took its quantity from.
APPLICATIONS: Mapping[str, pl.DataType] = {
    "application_no": pl.Int64(),
    "item_ledger_entry_no": pl.Int64(),
    "inbound_entry_no": pl.Int64(),
    "outbound_entry_no": pl.Int64(),
    "transferred_from_entry_no": pl.Int64(),
    "quantity": QUANTITY,
    "posting_date": pl.Date(),
    "is_cost_application": pl.Boolean(),
}

#: Production order lines with what the adjustment of cost records of them.
ORDERS: Mapping[str, pl.DataType] = {
    "order_no": pl.String(),
    "order_line_no": pl.Int64(),
    "item_no": pl.String(),
    "status": pl.String(),
    "location_code": pl.String(),
    "inventory_posting_group": pl.String(),
    "finished_quantity": QUANTITY,
    "is_cost_adjusted": pl.Boolean(),
    "is_adjustment_finished": pl.Boolean(),
    "is_adjustment_invoiced": pl.Boolean(),
}

INVENTORY_PERIODS: Mapping[str, pl.DataType] = {
    "ending_date": pl.Date(),
    "is_closed": pl.Boolean(),
    "closed_on": pl.Date(),
    "closing_register_no": pl.Int64(),
}

AVERAGE_COST_POINTS: Mapping[str, pl.DataType] = {
    "item_no": pl.String(),
    "variant_code": pl.String(),
    "location_code": pl.String(),
    "valuation_date": pl.Date(),
    "is_cost_adjusted": pl.Boolean(),
}

#: What the change log says about setups: table and field by their numbers.
SETUP_CHANGES: Mapping[str, pl.DataType] = {
    "change_no": pl.Int64(),
    "changed_at": TIMESTAMP,
    "user_id": pl.String(),
    "table_no": pl.Int64(),
    "field_no": pl.Int64(),
    "change": pl.String(),
    "key_1": pl.String(),
    "key_2": pl.String(),
    "old_value": pl.String(),
    "new_value": pl.String(),
}

#: The order that a posted document belongs to, as its lines say.
DOCUMENT_ORDERS: Mapping[str, pl.DataType] = {"document_no": pl.String(), "order_no": pl.String()}

#: Further accounts to be aged, and what each is.
CLEARING_ACCOUNTS: Mapping[str, pl.DataType] = {"account_no": pl.String(), "purpose": pl.String()}

#: What the user says of open items: by account number or role, null where nothing is said.
AGEING_WISHES: Mapping[str, pl.DataType] = {
    "account_or_role": pl.String(),
    "stale_after_days": pl.Int64(),
    "buckets": pl.List(pl.Int64()),
}

#: Balances that the user states for a cut-over: debit positive, at the end of the date.
OPENING_BALANCES: Mapping[str, pl.DataType] = {
    "account_no": pl.String(),
    "account_role": pl.String(),
    "date": pl.Date(),
    "gl": AMOUNT,
    "subledger": AMOUNT,
    "other_activity": AMOUNT,  # null: not stated
    "gl_entry_no": pl.Int64(),  # the line (-1, -2 …) that carries it; null: the entries speak
}

#: What the user says of findings: the document that put each right, and until when that holds.
DISPOSITIONS: Mapping[str, pl.DataType] = {
    "finding_id": pl.String(),
    "disposition": pl.String(),
    "document_no": pl.String(),
    "until": pl.Date(),
    "comment": pl.String(),
}

#: The tables of the books, each with the columns that tell its rows apart.
TABLES: Mapping[str, tuple[Mapping[str, pl.DataType], tuple[str, ...]]] = {
    "value_entries": (VALUE_ENTRIES, ("value_entry_no",)),
    "gl_entries": (GL_ENTRIES, ("gl_entry_no",)),
    "relations": (RELATIONS, ("gl_entry_no", "value_entry_no")),
    "posting_accounts": (POSTING_ACCOUNTS, ("account_role", "key_1", "key_2")),
    "accounts": (ACCOUNTS, ("account_no",)),
    "items": (ITEMS, ("item_no",)),
    "item_ledger_entries": (ITEM_LEDGER_ENTRIES, ("item_ledger_entry_no",)),
    "applications": (APPLICATIONS, ("application_no",)),
    "orders": (ORDERS, ("order_no", "order_line_no", "status")),
    "inventory_periods": (INVENTORY_PERIODS, ("ending_date",)),
    "average_cost_points": (
        AVERAGE_COST_POINTS, ("item_no", "variant_code", "location_code", "valuation_date")
    ),
    "setup_changes": (SETUP_CHANGES, ("change_no",)),
    "opening_balances": (OPENING_BALANCES, ("account_no", "account_role", "date")),
    "dispositions": (DISPOSITIONS, ("finding_id", "document_no")),
    "document_orders": (DOCUMENT_ORDERS, ("document_no",)),
    "clearing_accounts": (CLEARING_ACCOUNTS, ("account_no",)),
    "ageing_wishes": (AGEING_WISHES, ("account_or_role",)),
}  # fmt: skip
#: Columns of the ledgers that say nothing where they are null; every other column of them must hold a value.
MAY_BE_NULL = frozenset(
    {
        "item_ledger_entry_no", "order_line_no", "is_queued", "dimension_set_id", "created_at", "modified_at",
        "transaction_no", "reversed_by", "reverses", "account_no", "source_type", "order_type",
        "account_type", "other_activity", "gl_entry_no",
        "valued_quantity", "invoiced_quantity", "item_ledger_entry_quantity", "cost_per_unit",
        "valuation_date", "applies_to_entry_no", "capacity_ledger_entry_no", "document_type",
        "document_line_no", "item_register_no", "register_no", "is_direct_posting", "statement",
    }
)  # fmt: skip
#: Tables that describe: nothing but their key must hold a value, whoever needs a column asks whether it does.
DESCRIPTIONS = frozenset(
    {
        "items", "item_ledger_entries", "applications", "orders", "inventory_periods", "average_cost_points",
        "setup_changes", "ageing_wishes", "dispositions",
    }
)  # fmt: skip
VOCABULARIES: Mapping[str, tuple[str, ...]] = {"origin": ORIGINS, "wip_writeoff": WRITE_OFFS}


@cache
def contract(table: str) -> Contract:
    """What a table of the books promises: types, keys that tell rows apart, values where one must be."""
    columns, key = TABLES[table]
    promised = {
        name: Column(
            dtype,
            is_nullable=name not in key and (name in MAY_BE_NULL or table in DESCRIPTIONS),
            values=VOCABULARIES.get(name, ()),
        )
        for name, dtype in columns.items()
    }
    return Contract(None, promised, key, is_strict=False)


def checked(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The table itself if it keeps its contract, data included; else Pandera's ``SchemaErrors`` with all
    breaches.
    """
    return contracts.checked(contract(table), frame)


def counts_in_subledger() -> pl.Expr:
    """Whether an expected line is part of its account's subledger, by ``account_role``, ``account_no`` and
    ``is_controlled``: on a controlled account those of controlled roles are; elsewhere, and without an
    account, all are.
    """
    return (
        pl.col("account_role").is_in(CONTROLLED_ROLES)
        | ~pl.col("is_controlled")
        | pl.col("account_no").is_null()
    )


@dataclass(frozen=True)
class Settings:
    """What the user may say about a run; ``None`` means: read it from the data, else infer it.

    ``clearing_accounts`` says for further accounts to be aged what they are; ``stale_after_days`` and
    ``age_buckets`` are by account number or role.
    """

    as_of: date | None = None
    known_at: datetime | None = None  # UTC; rows that came later don't exist yet
    roll_from: date | None = None  # the first day of the roll-forward
    materiality: Decimal = Decimal("0.01")
    warnings_count: bool = False
    localization: str = ""
    expected_cost_posting: bool | None = None
    automatic_cost_posting: bool | None = None
    mfg_inc_non_inv_cost: bool | None = None
    finish_order_without_output: bool | None = None
    clearing_accounts: Mapping[str, str] = field(default_factory=dict)
    stale_after_days: Mapping[str, int] = field(default_factory=dict)
    age_buckets: Mapping[str, Sequence[int]] = field(default_factory=dict)


class Excerpt(NamedTuple):
    """Which part of the books a reader asks for: an item, a location, posting dates; ``None``: all."""

    item_no: str | None = None
    location_code: str | None = None
    date_from: date | None = None
    date_to: date | None = None

    @property
    def has_dates(self) -> bool:
        """Whether lines of the books are left out for their date."""
        return self.date_from is not None or self.date_to is not None


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
    opening_balances: pl.DataFrame
    dispositions: pl.DataFrame
    items: pl.DataFrame
    item_ledger_entries: pl.DataFrame
    applications: pl.DataFrame
    orders: pl.DataFrame
    inventory_periods: pl.DataFrame
    average_cost_points: pl.DataFrame
    setup_changes: pl.DataFrame
    document_orders: pl.DataFrame  # documents whose lines name one order
    clearing_accounts: pl.DataFrame
    ageing_wishes: pl.DataFrame
    allowed_from: date | None
    allowed_to: date | None
    switches: Switches
    given: Mapping[str, frozenset[str]]

    def entries_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The value entries that the rows name: to join these is a fraction of the work of joining all."""
        return self.value_entries.join(rows, on="value_entry_no", how="semi")

    def lines_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The G/L entries that the rows name."""
        return self.gl_entries.join(rows, on="gl_entry_no", how="semi")
