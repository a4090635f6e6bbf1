"""Takes an extract back to what was known at an earlier moment, so that a signed month can be run as it was.

Here: which rows existed then, and which of their fields said something else. Not here: what the tables
mean (``bc``), as-of by posting date (every step). Setups are those of the extract: Business Central keeps
no former ones outside its change log.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import polars as pl

from schemas.bc import Extract, Undetermined
from schemas.ledger import Settings
from schemas.money import QUANTITY

#: Ledgers, their register and the columns of its range of entry numbers.
REGISTERS: Mapping[str, tuple[str, str, str]] = {
    "gl_entry": ("gl_register", "from_entry_no", "to_entry_no"),
    "value_entry": ("item_register", "from_value_entry_no", "to_value_entry_no"),
    "item_ledger_entry": ("item_register", "from_entry_no", "to_entry_no"),
    "capacity_ledger_entry": ("item_register", "from_capacity_entry_no", "to_capacity_entry_no"),
}
POSTED: Mapping[str, tuple[str, str]] = {
    "actual": ("cost_posted_to_gl", "cost_posted_to_gl_acy"),
    "expected": ("expected_cost_posted_to_gl", "exp_cost_posted_to_gl_acy"),
}
NON_INVENTORY = ("Direct Cost - Non Inventory", "Material - Non Inventory")
COMPRESSION, INVENTORY_COST = "COMPRGL", "INVTPCOST"
Tables = dict[str, pl.DataFrame]


class Lines(NamedTuple):
    """Per value entry, from the G/L lines that posted it: how many there were then and came later, and
    whether the amount of each cost kind is among them.
    """

    entries: pl.DataFrame
    are_inferred: bool


def known(extract: Extract, settings: Settings) -> Extract:
    """The extract as it would have been at ``settings.known_at``; the extract itself where none is given.

    A row counts from its SystemCreatedAt, else from the creation of its register, else from its posting date
    (told in ``undetermined``). A value entry whose G/L lines all came later was not posted then, and, being
    posted by a later run, was in the queue; a relation row was there when both its ends were. Lines of date
    compression stay whenever they were written: they stand for lines that were there before. Reversal marks,
    quantities invoiced and remaining, and the status of orders that were finished later are taken back.
    """
    at = settings.known_at
    if at is None:
        return extract
    tables, undetermined = _without_later_rows(extract, at)
    full = extract.tables
    lines = _lines(full, tables)
    reset = _unposted(full["value_entry"], tables["value_entry"], lines)
    tables["value_entry"] = _with_flags(tables["value_entry"], reset)
    for step in (_relations, _reversals, _registers, _quantities, _orders, _periods, _cards):
        step(full, tables, at)
    _queue(full, tables, reset)
    undetermined += _doubts(tables, lines) + _doubtful_cards(full, tables)
    return replace(extract, tables=tables, known_at=at, undetermined=tuple(undetermined))


# Rows that came later


def _without_later_rows(extract: Extract, at: datetime) -> tuple[Tables, list[Undetermined]]:
    """All tables, the ledgers without what was created after the moment."""
    tables, undetermined = dict(extract.tables), list[Undetermined]()
    for table in REGISTERS:
        if table not in tables:
            continue
        dated = _with_creation(table, tables)
        is_known = (pl.col("_created") <= at) | (pl.col("_day") <= at.date())
        if table == "gl_entry":
            is_known = is_known | (pl.col("source_code") == _code(tables, "compress_gl", COMPRESSION))
        by_posting_date = dated["_day"].is_not_null().sum()
        tables[table] = dated.filter(is_known.fill_null(False)).select(tables[table].columns)
        if by_posting_date:
            undetermined.append(
                Undetermined(
                    f"{by_posting_date} rows of {table} have no creation time and no register",
                    "telling when they were entered: they count from their posting date",
                    f"{table} with SystemCreatedAt, or {REGISTERS[table][0]}",
                )
            )
    return tables, undetermined


def _with_creation(table: str, tables: Tables) -> pl.DataFrame:
    """The rows with ``_created``, or with ``_day`` (their posting date) where nothing tells when that was."""
    rows = tables[table]
    register, first, last = REGISTERS[table]
    moment = pl.lit(None, pl.Datetime("ms"))
    if rows["system_created_at"].null_count() and register in tables:
        ranges = _with_moment(tables[register]).filter(pl.col(first) > 0)
        starts = ranges.select(pl.col(first).alias("entry_no"), pl.col(last).alias("_last"), "_moment")
        rows = rows.sort("entry_no").join_asof(starts.sort("entry_no"), on="entry_no", strategy="backward")
        moment = pl.when(pl.col("entry_no") <= pl.col("_last")).then("_moment").otherwise(moment)
    created = pl.coalesce("system_created_at", moment)
    return rows.with_columns(_created=created, _day=pl.when(created.is_null()).then("posting_date"))


def _with_moment(register: pl.DataFrame) -> pl.DataFrame:
    """When each register was written: its time stamp, else its creation date and time, else that date."""
    has = register.columns
    day = pl.col("creation_date").cast(pl.Datetime("ms"))
    clock = pl.col("creation_time") if "creation_time" in has else pl.lit(None, pl.String)
    text = pl.concat_str(pl.col("creation_date").cast(pl.String), clock.str.slice(0, 8), separator=" ")
    moment = text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ms", strict=False)
    stamp = pl.col("system_created_at") if "system_created_at" in has else pl.lit(None, pl.Datetime("ms"))
    return register.with_columns(_moment=pl.coalesce(stamp, moment, day))


def _code(tables: Mapping[str, pl.DataFrame], column: str, default: str) -> str:
    """The company's own source code where its setup names it."""
    setup = tables.get("source_code_setup")
    return (setup[column][0] if setup is not None and setup.height else "") or default


# What the rows said then


def _lines(full: Mapping[str, pl.DataFrame], tables: Tables) -> Lines:
    """Which G/L lines posted each value entry, by the relation table, else by document and date."""
    was_there = pl.col("entry_no").is_in(tables["gl_entry"]["entry_no"].implode())
    entries = full["gl_entry"].select(
        pl.col("entry_no").alias("gl_entry_no"), "document_no", "posting_date", "source_code",
        pl.col("amount").abs().alias("_size"), was_there.alias("_was_there"),
    )  # fmt: skip
    own = tables["value_entry"].select(
        pl.col("entry_no").alias("value_entry_no"), "document_no", "posting_date",
        *(pl.col(columns[0]).abs().alias(f"_{kind}") for kind, columns in POSTED.items()),
    )  # fmt: skip
    if "gl_item_ledger_relation" in full:
        pairs = full["gl_item_ledger_relation"].select("gl_entry_no", "value_entry_no")
        found = pairs.join(own, on="value_entry_no").join(
            entries.drop("document_no", "posting_date"), on="gl_entry_no"
        )
    else:
        cost = entries.filter(pl.col("source_code") == _code(full, "inventory_post_cost", INVENTORY_COST))
        found = own.filter(pl.col("document_no") != "").join(cost, on=["document_no", "posting_date"])
    fits = {kind: (pl.col("_size") == pl.col(f"_{kind}")) & (pl.col(f"_{kind}") != 0) for kind in POSTED}
    counted = found.group_by("value_entry_no").agg(
        pl.col("_was_there").sum().alias("_then"),
        (~pl.col("_was_there")).sum().alias("_later"),
        *((claim & pl.col("_was_there")).any().alias(f"_{kind}_then") for kind, claim in fits.items()),
        *((claim & ~pl.col("_was_there")).any().alias(f"_{kind}_later") for kind, claim in fits.items()),
    )
    return Lines(counted, "gl_item_ledger_relation" not in full)


def _unposted(full: pl.DataFrame, entries: pl.DataFrame, lines: Lines) -> pl.DataFrame:
    """Value entries, and which of their cost kinds were not posted then (``actual``, ``expected``).

    All lines came later: neither was. Some were there: the kind whose amount is only among the later lines,
    when the other's is among the earlier ones; a write-off at the finish of an order comes later and resets
    nothing.
    """
    never = (pl.col("_then") == 0) & (pl.col("_later") > 0)
    only_later = {
        kind: pl.col(f"_{kind}_later") & ~pl.col(f"_{kind}_then") & pl.col(f"_{other}_then")
        for kind, other in (("actual", "expected"), ("expected", "actual"))
    }
    return (
        lines.entries.with_columns(
            *((never | later).alias(kind) for kind, later in only_later.items()), never=never
        )
        .filter(pl.col("actual") | pl.col("expected"))
        .select(pl.col("value_entry_no").alias("entry_no"), *POSTED, "never")
    )


def _with_flags(entries: pl.DataFrame, reset: pl.DataFrame) -> pl.DataFrame:
    joined = entries.join(reset, on="entry_no", how="left", validate="1:1", maintain_order="left")
    return joined.with_columns(
        pl.when(pl.col(kind).fill_null(False)).then(pl.lit(0, entries.schema[c])).otherwise(c).alias(c)
        for kind, columns in POSTED.items()
        for c in columns
    ).select(entries.columns)


def _relations(full: Mapping[str, pl.DataFrame], tables: Tables, at: datetime) -> None:
    """Rows whose ends were there; one end may be missing for good, unless its number came later."""
    if "gl_item_ledger_relation" not in tables:
        return
    rows = tables["gl_item_ledger_relation"]
    stamped = pl.col("system_created_at").is_null() | (pl.col("system_created_at") <= at)
    for column, table in (("gl_entry_no", "gl_entry"), ("value_entry_no", "value_entry")):
        last = tables[table]["entry_no"].max() or 0
        later = full[table].join(tables[table], on="entry_no", how="anti")["entry_no"]
        is_gone = ~pl.col(column).is_in(full[table]["entry_no"].implode()) & (pl.col(column) > last)
        is_new = pl.col(column) <= (full[table]["entry_no"].max() or 0)
        rows = rows.filter(~pl.col(column).is_in(later.implode()) & ~(is_gone & is_new))
    tables["gl_item_ledger_relation"] = rows.filter(stamped)


def _reversals(full: Mapping[str, pl.DataFrame], tables: Tables, at: datetime) -> None:
    """A line that was reversed later was not marked yet."""
    rows = tables["gl_entry"]
    later = full["gl_entry"].join(rows, on="entry_no", how="anti")["entry_no"].implode()
    is_later = pl.col("reversed_by_entry_no").is_in(later).fill_null(False)
    tables["gl_entry"] = rows.with_columns(
        pl.when(is_later).then(pl.lit(value, rows.schema[c])).otherwise(c).alias(c)
        for c, value in (("reversed", False), ("reversed_by_entry_no", 0))
        if c in rows.columns
    )


def _registers(full: Mapping[str, pl.DataFrame], tables: Tables, at: datetime) -> None:
    """Registers that were complete then: written by that moment, no line of theirs set aside."""
    later = full["gl_entry"].join(tables["gl_entry"], on="entry_no", how="anti")["entry_no"].sort()
    for register in ("gl_register", "item_register"):
        if register not in tables:
            continue
        rows = _with_moment(tables[register])
        is_known = pl.col("_moment").is_null() | (pl.col("_moment") <= at)
        if register == "gl_register":
            before = later.search_sorted(rows["from_entry_no"], side="left")
            after = later.search_sorted(rows["to_entry_no"], side="right")
            is_known = is_known & pl.Series(before == after)
        tables[register] = rows.filter(is_known).drop("_moment")


def _quantities(full: Mapping[str, pl.DataFrame], tables: Tables, at: datetime) -> None:
    """Quantities invoiced and remaining, without what later entries invoiced and took."""
    if "item_ledger_entry" not in tables:
        return
    rows = tables["item_ledger_entry"]
    invoiced = (
        full["value_entry"].join(tables["value_entry"], on="entry_no", how="anti")
        .group_by(pl.col("item_ledger_entry_no").alias("entry_no"))
        .agg(pl.col("invoiced_quantity").sum().alias("_invoiced"))
    )  # fmt: skip
    joined = rows.join(invoiced, on="entry_no", how="left", validate="1:1", maintain_order="left")
    joined = joined.join(_taken_later(tables), on="entry_no", how="left", maintain_order="left")
    was_invoiced, was_taken = pl.col("_invoiced").fill_null(0) != 0, pl.col("_taken").fill_null(0) != 0
    quantity = joined.schema["quantity"]
    then = joined.with_columns(
        (pl.col("invoiced_quantity") - pl.col("_invoiced").fill_null(0)).cast(quantity),
        (pl.col("remaining_quantity") + pl.col("_taken").fill_null(0)).cast(quantity),
        open=pl.when(was_taken).then(True).otherwise("open"),
        last_invoice_date=pl.when(was_invoiced).then(None).otherwise("last_invoice_date"),
    )
    tables["item_ledger_entry"] = then.with_columns(
        completely_invoiced=pl.when(was_invoiced)
        .then(pl.col("invoiced_quantity") == pl.col("quantity"))
        .otherwise("completely_invoiced")
    ).select(rows.columns)


def _taken_later(tables: Tables) -> pl.DataFrame:
    """What later entries took of each entry that was there; the applications that were there stay."""
    if "item_application_entry" not in tables:
        return pl.DataFrame(schema={"entry_no": pl.Int64, "_taken": QUANTITY})
    rows = tables["item_application_entry"]
    numbers = tables["item_ledger_entry"]["entry_no"].implode()
    ends = ("item_ledger_entry_no", "inbound_item_entry_no", "outbound_item_entry_no")
    is_known = pl.all_horizontal((pl.col(c).fill_null(0) == 0) | pl.col(c).is_in(numbers) for c in ends)
    tables["item_application_entry"] = rows.filter(is_known)
    return (
        rows.filter(~is_known & (pl.col("quantity") < 0))
        .group_by(pl.col("inbound_item_entry_no").alias("entry_no"))
        .agg((-pl.col("quantity")).sum().alias("_taken"))
    )


def _orders(full: Mapping[str, pl.DataFrame], tables: Tables, at: datetime) -> None:
    """An order that something was entered for later, or that was written off later, was not finished yet."""
    later = full["value_entry"].join(tables["value_entry"], on="entry_no", how="anti")
    of_order = (pl.col("order_no") != "") & (pl.col("order_type") == "Production")
    entered = later.filter(of_order & ~pl.col("adjustment").fill_null(False))["order_no"]
    orders = [entered.unique(), _written_off_later(full, tables)]
    numbers = pl.concat(orders).unique().implode()
    for table, column in (("prod_order_line", "prod_order_no"), ("production_order", "no")):
        if table in tables:
            is_open = pl.col(column).is_in(numbers) & (pl.col("status") == "Finished")
            tables[table] = tables[table].with_columns(
                status=pl.when(is_open).then(pl.lit("Released")).otherwise("status")
            )


def _written_off_later(full: Mapping[str, pl.DataFrame], tables: Tables) -> pl.Series:
    """Orders with an entry that was posted then and got further lines later."""
    orders = tables["value_entry"].filter(
        pl.col("item_ledger_entry_type").is_in(["Consumption", ""]) & (pl.col("order_no") != "")
    ).select(pl.col("entry_no").alias("value_entry_no"), "order_no")  # fmt: skip
    counted = _lines(full, tables).entries.filter((pl.col("_then") > 0) & (pl.col("_later") > 0))
    return orders.join(counted, on="value_entry_no", how="semi")["order_no"].unique()


def _periods(full: Mapping[str, pl.DataFrame], tables: Tables, at: datetime) -> None:
    """Inventory periods that were closed later were open; later changes of setup were not made yet."""
    if "change_log_entry" in tables:
        tables["change_log_entry"] = tables["change_log_entry"].filter(pl.col("date_and_time") <= at)
    if "inventory_period_entry" not in tables:
        return
    rows = tables["inventory_period_entry"]
    kept = rows.filter(pl.col("creation_date").is_null() | (pl.col("creation_date") <= at.date()))
    tables["inventory_period_entry"] = kept
    if "inventory_period" in tables:
        undone = rows.join(kept, on="ending_date", how="anti")["ending_date"].implode()
        tables["inventory_period"] = tables["inventory_period"].with_columns(
            closed=pl.when(pl.col("ending_date").is_in(undone)).then(False).otherwise("closed")
        )


def _cards(full: Mapping[str, pl.DataFrame], tables: Tables, at: datetime) -> None:
    """Costs on item cards that may have been changed since are not known."""
    if "item" not in tables:
        return
    cards = tables["item"]
    is_same = (pl.col("system_modified_at") <= at).fill_null(False)
    tables["item"] = cards.with_columns(
        pl.when(is_same).then(c).alias(c) for c in ("standard_cost", "unit_cost") if c in cards.columns
    )


def _queue(full: Mapping[str, pl.DataFrame], tables: Tables, reset: pl.DataFrame) -> None:
    """The queue as it was: its rows of entries that were there, and entries that a later run posted."""
    if "post_value_entry_to_gl" not in tables:
        return
    queue, entries = tables["post_value_entry_to_gl"], tables["value_entry"]
    still = queue.filter(pl.col("value_entry_no").is_in(entries["entry_no"].implode()))
    waiting = (
        pl.concat([entries.join(reset, on="entry_no", how="semi"), _handled_later(entries, reset)])
        .filter(~pl.col("entry_no").is_in(still["value_entry_no"].implode()))
        .select(pl.col("entry_no").alias("value_entry_no"), "item_no", "posting_date")
        .unique("value_entry_no", maintain_order=True)
    )
    tables["post_value_entry_to_gl"] = pl.concat([still, waiting], how="diagonal_relaxed").select(
        queue.columns
    )


def _handled_later(entries: pl.DataFrame, reset: pl.DataFrame) -> pl.DataFrame:
    """Non-inventory cost that the batch job takes off the queue without posting it: it waited with the other
    entries of its order and date.
    """
    is_silent = pl.any_horizontal(pl.col("entry_type", "variance_type").is_in(NON_INVENTORY))
    was_posted = pl.any_horizontal(pl.col(c) != 0 for c in POSTED["actual"])
    waiting = entries.join(reset, on="entry_no", how="semi")
    return entries.filter(is_silent & ~was_posted).join(waiting, on=["order_no", "posting_date"], how="semi")


# What can't be told


def _doubts(tables: Tables, lines: Lines) -> list[Undetermined]:
    """Value entries flagged as posted whose lines can't be told, so that the flag stays as it is now."""
    was_posted = pl.any_horizontal(pl.col(c) != 0 for columns in POSTED.values() for c in columns)
    told = lines.entries["value_entry_no"].implode()
    doubtful = tables["value_entry"].filter(was_posted & ~pl.col("entry_no").is_in(told)).height
    if not doubtful:
        return []
    export = (
        "G/L - Item Ledger Relation (5823)"
        if lines.are_inferred
        else "nothing more: compression or a fault took their lines"
    )
    why = f"{doubtful} value entries are flagged as posted, but no G/L line tells when"
    return [Undetermined(why, "taking their posted amounts back: they count as posted then", export)]


def _doubtful_cards(full: Mapping[str, pl.DataFrame], tables: Tables) -> list[Undetermined]:
    if "item" not in tables or not (full["item"]["standard_cost"].fill_null(0) != 0).any():
        return []
    lost = tables["item"]["standard_cost"].null_count() - full["item"]["standard_cost"].null_count()
    why = f"{lost} item cards may have been changed since"
    loses = "comparing with their standard and unit cost"
    return [Undetermined(why, loses, "Item (27) with SystemModifiedAt")] if lost else []
