"""Tears right books apart: tables cut off, doubled, of another moment or company, contradicted by a total.

Here: the tears, each with the table that the reason must name. Not here: running them by the thousand
(``benchmarks/tears.py``), the companies (``tests/made``).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any, NamedTuple

import polars as pl

from pipelines.sources import bc_extract
from schemas import bc
from schemas.bc import Extract
from schemas.faults import InputError
from tests.made.ledger import TABLES
from tests.made.rolled import FIRST_DAY, Firm, found, trade
from tests.small_books import changed, tied_out, typed

COUNTED = (
    "value_entry", "gl_entry", "gl_item_ledger_relation", "item_ledger_entry", "capacity_ledger_entry",
    "item_application_entry", "gl_register",
)  # fmt: skip
TOTALLED = {"value_entry": "cost_amount_actual", "gl_entry": "amount", "item_ledger_entry": "quantity"}
LEAST_ROWS = 3  # that a cut takes: one row alone may be one that nothing else speaks of
LEAST_RELATIONS = 12  # the same for relation rows, of which an entry has up to four
WHOLE = pl.lit(True)


class Company(NamedTuple):
    """Right books: as exported, as they were on a day before, and another company's."""

    whole: Extract
    earlier: Extract
    other: Extract


class Torn(NamedTuple):
    """An extract with a tear, and the tables one of which the reason must name."""

    extract: Extract
    tables: tuple[str, ...]


Tear = Callable[[Company, Random], Torn | None]


@cache
def company(seed: int) -> Company:
    """The clean company of a seed; the other one is that of the next seed."""
    whole, earlier = extracts(seed)
    return Company(whole, earlier, extracts(seed + 1)[0])


@cache
def extracts(seed: int) -> tuple[Extract, Extract]:
    """A company's export after its last day, and one from the middle of its story."""
    firm = found(seed)
    snapshots: list[Extract] = []
    trade(firm, {firm.rolled.days // 2: [lambda firm: snapshots.append(exported(firm))]})
    return exported(firm), snapshots[0]


def exported(firm: Firm) -> Extract:
    """All tables of the firm, with an item register a day, control totals and a trial balance."""
    tables: dict[str, list[dict[str, Any]]] = {
        name: [dict(row) for row in firm.rows(name)] for name in TABLES
    }
    if not firm.rolled.has_relations:
        del tables["gl_item_ledger_relation"]
    return typed(tables | {"item_register": item_registers(firm)}, f"SEED {firm.rolled.seed}")


def item_registers(firm: Firm) -> list[dict[str, Any]]:
    """One register for the value entries written on a day."""
    registers: dict[Any, list[int]] = {}
    for ve in firm.rows("value_entry"):
        registers.setdefault(ve["systemcreatedat"].date(), []).append(ve["entry_no"])
    return [
        {"no": no, "from_value_entry_no": min(numbers), "to_value_entry_no": max(numbers)}
        for no, numbers in enumerate(registers.values(), start=1)
    ]


def with_totals(given: Extract, dice: Random, table: str) -> Extract:
    """Control totals that were taken in the ERP when the extract was whole."""
    rows = [{"table": table, "rows": given.tables[table].height, "column": "", "sum": None}]
    if table in TOTALLED and dice.random() < 0.5:
        column = TOTALLED[table]
        rows = [{"table": table, "rows": None, "column": column, "sum": given.tables[table][column].sum()}]
    return stated(given, "control_totals", rows)


def stated(given: Extract, table: str, rows: list[dict[str, Any]]) -> Extract:
    """A table that the user writes, beside the others."""
    frame = typed({table: rows}).tables[table]
    columns = frozenset(field.column for field in bc.fields()[table])
    return replace(changed(given, **{table: frame}), given={**given.given, table: columns})


def some_table(given: Extract, dice: Random, names: tuple[str, ...] = COUNTED) -> str | None:
    there = [name for name in names if name in given.tables and given.tables[name].height >= 2 * least(name)]
    return dice.choice(there) if there else None


def least(table: str) -> int:
    return LEAST_RELATIONS if table == "gl_item_ledger_relation" else LEAST_ROWS


def replaced(given: Extract, table: str, rows: pl.DataFrame) -> Torn:
    return Torn(changed(given, **{table: rows}), (table,))


# -------------------------------------------------------------------- cut off


def cut(given: Extract, table: str, where: str, dice: Random) -> pl.DataFrame:
    """The table without its head, its tail or a part in the middle."""
    rows = given.tables[table]
    taken = max(least(table), int(rows.height * dice.uniform(0.02, 0.6)))
    if where == "tail":
        return rows.head(rows.height - taken)
    if where == "head":
        return rows.tail(rows.height - taken)
    start = dice.randint(1, max(1, rows.height - taken - 1))
    return pl.concat([rows.head(start), rows.slice(start + taken)])


def cutting(where: str) -> Tear:
    def tear(books: Company, dice: Random) -> Torn | None:
        table = some_table(books.whole, dice)
        return table and replaced(books.whole, table, cut(books.whole, table, where, dice))

    return tear


def without_registers(where: str) -> Tear:
    """Cut off, and neither G/L nor item registers given: only the tables themselves speak."""

    def tear(books: Company, dice: Random) -> Torn | None:
        tables = ("value_entry", "gl_item_ledger_relation", "item_ledger_entry", "item_application_entry")
        table = some_table(books.whole, dice, tables)
        bare = changed(books.whole, gl_register=None, item_register=None)
        return table and replaced(bare, table, cut(bare, table, where, dice))

    return tear


def cut_against_totals(books: Company, dice: Random) -> Torn | None:
    """Any table, cut anywhere; control totals say what it was, registers don't."""
    table = some_table(books.whole, dice, (*COUNTED, "prod_order_line", "gl_account", "item"))
    if table is None:
        return None
    bare = (
        changed(books.whole, gl_register=None, item_register=None) if table != "gl_register" else books.whole
    )
    shorter = cut(bare, table, dice.choice(("head", "middle", "tail")), dice)
    told = with_totals(bare, dice, table)
    total = TOTALLED.get(table)
    is_hidden = told.tables["control_totals"]["rows"].null_count() and (
        shorter[total].sum() == bare.tables[table][total].sum()
    )
    return None if is_hidden else replaced(told, table, shorter)


def chart_cut_off(books: Company, dice: Random) -> Torn | None:
    """The chart of accounts without some accounts of which one is in use."""
    shorter = cut(books.whole, "gl_account", dice.choice(("head", "middle", "tail")), dice)
    used = books.whole.tables["gl_entry"]["gl_account_no"].unique()
    gone = set(used) - set(shorter["no"])
    return replaced(books.whole, "gl_account", shorter) if gone else None


# -------------------------------------------------------------------- doubled


def doubled_and_renumbered(books: Company, dice: Random) -> Torn | None:
    """Rows once more under new numbers, beyond every register."""
    table = dice.choice(("value_entry", "gl_entry"))
    rows = books.whole.tables[table]
    part = rows.slice(dice.randint(0, rows.height - LEAST_ROWS), dice.randint(1, rows.height))
    last = rows["entry_no"].max()
    again = part.with_columns(entry_no=pl.col("entry_no") - part["entry_no"].min() + 1 + last)
    return replaced(books.whole, table, pl.concat([rows, again]))


def doubled_against_totals(books: Company, dice: Random) -> Torn | None:
    table = dice.choice(("value_entry", "gl_entry", "item_ledger_entry"))
    rows = books.whole.tables[table]
    part = rows.sample(dice.randint(1, rows.height), seed=dice.randint(0, 10**6))
    again = part.with_columns(entry_no=pl.col("entry_no") + rows["entry_no"].max())
    told = stated(
        books.whole, "control_totals", [{"table": table, "rows": rows.height, "column": "", "sum": None}]
    )
    return replaced(told, table, pl.concat([rows, again]))


# -------------------------------------------------------------------- of another moment


def of_an_earlier_day(books: Company, dice: Random) -> Torn | None:
    """One table was exported before the others."""
    table = some_table(books.earlier, dice)
    if table is None or books.earlier.tables[table].height >= books.whole.tables[table].height:
        return None
    return replaced(books.whole, table, books.earlier.tables[table])


def of_a_later_day(books: Company, dice: Random) -> Torn | None:
    """One table was exported after the others; the reason may name those that end earlier."""
    table = some_table(books.whole, dice)
    if table not in PARTNERS or books.earlier.tables[table].height >= books.whole.tables[table].height:
        return None
    torn = replaced(books.earlier, table, books.whole.tables[table])
    return torn._replace(tables=PARTNERS[table])


#: Which tables show that a table is ahead of them.
PARTNERS: Mapping[str, tuple[str, ...]] = {
    "value_entry": ("value_entry", "item_ledger_entry", "item_register", "gl_entry"),
    "gl_entry": ("gl_entry", "gl_register"),
    "gl_item_ledger_relation": ("gl_entry", "value_entry", "gl_item_ledger_relation"),
    "item_ledger_entry": ("item_ledger_entry", "value_entry", "item_application_entry"),
    "item_application_entry": ("item_ledger_entry", "item_application_entry"),
    "gl_register": ("gl_register", "gl_entry"),
}


def queue_of_an_earlier_day(books: Company, dice: Random) -> Torn | None:
    queue = books.earlier.tables["post_value_entry_to_gl"]
    return replaced(books.whole, "post_value_entry_to_gl", queue) if queue.height else None


# -------------------------------------------------------------------- of another company


def of_another_company(books: Company, dice: Random) -> Torn | None:
    table = some_table(books.other, dice)
    if table is None or table not in books.whole.tables:
        return None
    return replaced(books.whole, table, books.other.tables[table])


# -------------------------------------------------------------------- told otherwise


def control_total_disagrees(books: Company, dice: Random) -> Torn | None:
    table = dice.choice([name for name in books.whole.tables if name in bc.fields()])
    rows = books.whole.tables[table].height + dice.choice((-1, 1, 10))
    told = [{"table": table, "rows": max(rows, 0), "column": "", "sum": None}]
    if rows < 0:
        return None
    return Torn(stated(books.whole, "control_totals", told), (table,))


def control_sum_disagrees(books: Company, dice: Random) -> Torn | None:
    table, column = dice.choice(list(TOTALLED.items()))
    total = Decimal(books.whole.tables[table][column].sum()) + Decimal(dice.randint(1, 9999)) / 100
    told = [{"table": table, "rows": None, "column": column, "sum": total}]
    return Torn(stated(books.whole, "control_totals", told), (table,))


def total_of_a_table_not_given(books: Company, dice: Random) -> Torn | None:
    table = dice.choice(("item_ledger_entry", "item_application_entry", "gl_account", "item"))
    told = [{"table": table, "rows": dice.randint(1, 99), "column": "", "sum": None}]
    return Torn(stated(changed(books.whole, **{table: None}), "control_totals", told), (table,))


def trial_balance_disagrees(books: Company, dice: Random) -> Torn | None:
    """On one account, at the end or on a day before; or an account that the G/L lacks."""
    ledger = books.whole.tables["gl_entry"]
    account_no = dice.choice([*ledger["gl_account_no"].unique().sort(), "99999"])
    day = FIRST_DAY + timedelta(dice.randint(5, 60))
    lines = ledger.filter((pl.col("gl_account_no") == account_no) & (pl.col("posting_date") <= day))
    balance = Decimal(lines["amount"].sum() or 0) + Decimal(dice.randint(1, 9999)) / 100
    told = [{"account_no": account_no, "date": day, "balance": balance}]
    return Torn(stated(books.whole, "trial_balance", told), ("gl_entry",))


def register_promises_more(books: Company, dice: Random) -> Torn | None:
    """The last register of a ledger runs on beyond its entries."""
    table = dice.choice(("gl_register", "item_register"))
    column = {"gl_register": "to_entry_no", "item_register": "to_value_entry_no"}[table]
    ledger = {"gl_register": "gl_entry", "item_register": "value_entry"}[table]
    is_last = pl.col("no") == pl.col("no").max()
    longer = pl.when(is_last).then(pl.col(column) + dice.randint(1, 50)).otherwise(pl.col(column))
    rows = books.whole.tables[table].with_columns(longer.alias(column))
    return Torn(changed(books.whole, **{table: rows}), (ledger,))


def one_amount_differs(books: Company, dice: Random) -> Torn | None:
    ledger = books.whole.tables["gl_entry"]
    number = dice.choice(ledger["entry_no"].to_list())
    off = (pl.col("amount") + Decimal(dice.randint(1, 9999)) / 100).cast(ledger.schema["amount"])
    amount = pl.when(pl.col("entry_no") == number).then(off).otherwise(pl.col("amount"))
    return replaced(books.whole, "gl_entry", ledger.with_columns(amount.alias("amount")))


def reference_to_nowhere(books: Company, dice: Random) -> Torn | None:
    """One row names a number far beyond the last row of the table that it leads to."""
    table, column, named = dice.choice(REFERENCES)
    rows = books.whole.tables.get(table)
    if rows is None or not rows.height or column not in books.whole.given[table]:
        return None
    place, beyond = dice.randrange(rows.height), 10**6 + dice.randint(1, 999)
    number = pl.when(pl.int_range(pl.len()) == place).then(beyond).otherwise(pl.col(column)).cast(pl.Int64)
    torn = replaced(books.whole, table, rows.with_columns(number.alias(column)))
    return torn._replace(tables=(table, named))


REFERENCES = (
    ("gl_item_ledger_relation", "gl_entry_no", "gl_entry"),
    ("gl_item_ledger_relation", "value_entry_no", "value_entry"),
    ("value_entry", "item_ledger_entry_no", "item_ledger_entry"),
    ("value_entry", "capacity_ledger_entry_no", "capacity_ledger_entry"),
    ("value_entry", "applies_to_entry", "value_entry"),
    ("item_application_entry", "inbound_item_entry_no", "item_ledger_entry"),
    ("item_application_entry", "outbound_item_entry_no", "item_ledger_entry"),
    ("gl_entry", "reversed_by_entry_no", "gl_entry"),
)

TEARS: Mapping[str, Tear] = {
    "head cut off": cutting("head"),
    "middle cut out": cutting("middle"),
    "tail cut off": cutting("tail"),
    "head cut off, no registers": without_registers("head"),
    "middle cut out, no registers": without_registers("middle"),
    "tail cut off, no registers": without_registers("tail"),
    "cut, and control totals tell": cut_against_totals,
    "chart of accounts cut off": chart_cut_off,
    "doubled under new numbers": doubled_and_renumbered,
    "doubled, and control totals tell": doubled_against_totals,
    "one table of an earlier day": of_an_earlier_day,
    "one table of a later day": of_a_later_day,
    "queue of an earlier day": queue_of_an_earlier_day,
    "one table of another company": of_another_company,
    "control total of rows disagrees": control_total_disagrees,
    "control sum disagrees": control_sum_disagrees,
    "control total of a table not given": total_of_a_table_not_given,
    "trial balance disagrees": trial_balance_disagrees,
    "register runs beyond the ledger": register_promises_more,
    "one amount of the G/L differs": one_amount_differs,
    "reference to nowhere": reference_to_nowhere,
}


# -------------------------------------------------------------------- what comes of it


class Outcome(NamedTuple):
    """What a torn extract gives: its status, and whether the reason names the right table."""

    status: str
    is_named: bool
    reasons: tuple[str, ...]


def outcome(torn: Torn) -> Outcome:
    """Evidence decides first; only where there is none the whole chain says what becomes of it."""
    books = tied_out(torn.extract)
    failed = books["evidence"].filter(pl.col("result") == "failed")["why"].to_list()
    status = "inconclusive" if failed else books["summary"]["status"]
    is_named = any(table in why for table in torn.tables for why in failed)
    return Outcome(status, is_named, tuple(failed))


def doubled_rows_are_refused(books: Company, dice: Random) -> bool:
    """A file that holds rows twice under the same keys is an input error that names the table."""
    table = some_table(books.whole, dice)
    assert table is not None
    rows = books.whole.tables[table]
    twice = pl.concat([rows, rows.sample(dice.randint(1, rows.height), seed=dice.randint(0, 10**6))])
    try:
        bc_extract.extract("TWICE", [as_file(table, twice)])
    except InputError as error:
        return table in str(error) and "already" in str(error)
    return False


def as_file(table: str, rows: pl.DataFrame) -> bc_extract.Table:
    named = [f.column for f in bc.fields()[table] if rows[f.column].null_count() < rows.height]
    part = bc_extract.Part(f"{table}.parquet", rows.select(named), lambda row: f"row {row + 1}")
    return bc_extract.Table(table, f"{table}.parquet", (part,), sha256="")
