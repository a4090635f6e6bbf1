"""Whether two of Business Central's tables tell the same of one thing; where they don't, one of them is of
another company or another moment.

Here: each such test, giving what it found. Not here: rows that the tables lack (``bc_references``), and the
words (``completeness.csv``).
"""

from collections.abc import Callable, Iterator, Mapping

import polars as pl

from schemas.bc import Extract
from schemas.ledger import Books

Hit = Mapping[str, object]
#: Tables whose date compression deletes rows of the stock ledgers: item ledger, value and capacity entries.
COMPRESSED_STOCK = (32, 5802, 5832)
LEAST_STRANGE = 3  # entries that disagree: fewer may be wrong by themselves


def tests(extract: Extract, books: Books) -> dict[str, Callable[[], Iterator[Hit]]]:
    """Each test by the name of its row in ``completeness.csv``."""
    tables = extract.tables
    is_whole = not is_compressed(tables) and not books.opening_balances.height
    return {
        "value entries agree with item ledger entries": lambda: _of_another_item(tables),
        "value entries agree with capacity ledger entries": lambda: _of_another_order(tables),
        "capacity ledger entries have value entries": lambda: _capacity_of_no_value_entry(tables, is_whole),
        "applications agree with item ledger entries": lambda: _of_other_quantities(tables),
        "registers agree with g/l entries": lambda: _of_other_sources(tables),
    }


def is_compressed(tables: Mapping[str, pl.DataFrame]) -> bool:
    """Whether a date compression may have deleted item ledger, value or capacity entries."""
    register = tables.get("date_compr_register")
    return register is not None and register["table_id"].is_in(COMPRESSED_STOCK).any()


def _of_another_item(tables: Mapping[str, pl.DataFrame]) -> Iterator[Hit]:
    """A value entry always has the item and the location of its item ledger entry."""
    ours = tables["value_entry"].select(
        "entry_no", "item_ledger_entry_no", pl.col("item_no", "location_code").name.prefix("own_")
    )
    theirs = tables["item_ledger_entry"].select(
        pl.col("entry_no").alias("item_ledger_entry_no"), "item_no", "location_code"
    )
    is_other = (pl.col("own_item_no") != pl.col("item_no")) & (pl.col("own_item_no") != "")
    is_other &= pl.col("item_no") != ""
    both = ours.join(theirs, on="item_ledger_entry_no", how="inner").filter(is_other).sort("entry_no")
    if both.height:
        yield {**both.row(0, named=True), "count": both.height}


def _of_another_order(tables: Mapping[str, pl.DataFrame]) -> Iterator[Hit]:
    ours = tables["value_entry"].select(
        "entry_no", "capacity_ledger_entry_no", pl.col("order_no").alias("own_order_no")
    )
    theirs = tables["capacity_ledger_entry"].select(
        pl.col("entry_no").alias("capacity_ledger_entry_no"), "order_no"
    )
    is_other = (pl.col("own_order_no") != pl.col("order_no")) & (pl.col("order_no") != "")
    both = ours.join(theirs, on="capacity_ledger_entry_no", how="inner").filter(is_other).sort("entry_no")
    if both.height:
        yield {**both.row(0, named=True), "count": both.height}


def _capacity_of_no_value_entry(tables: Mapping[str, pl.DataFrame], is_whole: bool) -> Iterator[Hit]:
    """A capacity entry with an invoiced quantity is valued at once, on its own day.

    Source: codeunit 22, InsertCapValueEntry.
    """
    if not is_whole:
        return
    capacity = tables["capacity_ledger_entry"].filter(
        (pl.col("invoiced_quantity") != 0) & pl.col("posting_date").is_not_null()
    )
    of_its_day = tables["value_entry"].select(
        pl.col("capacity_ledger_entry_no").alias("entry_no"), "posting_date"
    )
    bare = capacity.join(of_its_day, on=["entry_no", "posting_date"], how="anti").sort("entry_no")
    if bare.height >= LEAST_STRANGE and 2 * bare.height >= capacity.height:
        yield {"first": bare["entry_no"][0], "count": bare.height, "of": capacity.height}


def _of_other_quantities(tables: Mapping[str, pl.DataFrame]) -> Iterator[Hit]:
    """What comes in is applied to itself with its whole quantity.

    Source: codeunit 22, InsertApplEntry.
    """
    entry_no = pl.col("item_ledger_entry_no")
    is_own = (entry_no == pl.col("inbound_item_entry_no")) & (pl.col("outbound_item_entry_no") == 0)
    own = tables["item_application_entry"].filter(is_own).select("entry_no", entry_no, applied="quantity")
    entries = tables["item_ledger_entry"].select("quantity", item_ledger_entry_no="entry_no")
    both = own.join(entries, on="item_ledger_entry_no", how="inner")
    other = both.filter(pl.col("applied") != pl.col("quantity")).sort("entry_no")
    if other.height >= LEAST_STRANGE and 2 * other.height >= both.height:
        row = other.row(0, named=True)
        quantities = {name: f"{row[name].normalize():f}" for name in ("applied", "quantity")}
        yield {**row, **quantities, "count": other.height, "of": both.height}


def _of_other_sources(tables: Mapping[str, pl.DataFrame]) -> Iterator[Hit]:
    """A register bears the source code of its first entry; blank ones tell nothing.

    Source: codeunit 12, StartPosting.
    """
    registers = tables["gl_register"].select("no", "source_code", entry_no="from_entry_no")
    firsts = tables["gl_entry"].select("entry_no", own_source_code="source_code")
    is_told = (pl.col("source_code") != "") & (pl.col("own_source_code") != "")
    both = registers.join(firsts, on="entry_no", how="inner").filter(is_told)
    other = both.filter(pl.col("source_code") != pl.col("own_source_code")).sort("no")
    if other.height >= LEAST_STRANGE and 2 * other.height >= both.height:
        yield {**other.row(0, named=True), "count": other.height, "of": both.height}
