"""What Business Central's tables say of each other: numbers that lead nowhere, entries that no register
accounts for, quantities that nothing brought.

Here: the tests for holes anywhere in a table, each giving what it found. Not here: whether two tables tell
the same of one thing (``bc_agreement``), the words (``completeness.csv``), and the rest of the evidence
(``completeness``).
"""

from collections.abc import Callable, Iterator, Mapping

import polars as pl

from pipelines.sources import bc_agreement
from schemas.bc import Extract
from schemas.ledger import Books

Hit = Mapping[str, object]
LEAST_HOLE = 3  # numbers in a row that are missing
LEAST_MISSING = 2  # one row alone is a finding, not a table cut off
LEAST_UNRELATED = 4  # lines without relation rows: what two entries post


def tests(extract: Extract, books: Books) -> dict[str, Callable[[], Iterator[Hit]]]:
    """Each test by the name of its row in ``completeness.csv``."""
    tables = extract.tables
    return {
        "value entries lead to item ledger entries": lambda: _lacking(
            tables, books, tables["value_entry"]["item_ledger_entry_no"], "item_ledger_entry"
        ),
        "value entries lead to capacity ledger entries": lambda: _lacking(
            tables, books, tables["value_entry"]["capacity_ledger_entry_no"], "capacity_ledger_entry"
        ),
        "value entries lead to value entries": lambda: _lacking_value_entries(
            tables, books, tables["value_entry"]["applies_to_entry"]
        ),
        "queue leads to value entries": lambda: _lacking_value_entries(
            tables, books, tables["post_value_entry_to_gl"]["value_entry_no"]
        ),
        "queue holds what is open": lambda: _queued_and_posted(books),
        "applications lead to item ledger entries": lambda: _applied_to_nothing(tables, books),
        "item ledger entries have value entries": lambda: _without_value_entries(tables, books),
        "item ledger entries have applications": lambda: _without_applications(tables, books),
        "value entries belong to item registers": lambda: _in_no_register(
            tables, books, "value_entry", "item_register", "value_entry_no"
        ),
        "g/l entries belong to registers": lambda: _in_no_register(
            tables, books, "gl_entry", "gl_register", "entry_no"
        ),
        "registers are without gaps": lambda: _register_gaps(
            tables, books, "gl_entry", "gl_register", "entry_no"
        ),
        "item registers are without gaps": lambda: _register_gaps(
            tables, books, "value_entry", "item_register", "value_entry_no"
        ),
        "g/l accounts exist": lambda: _unknown_accounts(tables, books),
        "relation rows are whole": lambda: _unrelated(books),
        "value entries are without holes": lambda: _cut_out(books),
        "value entries hold all quantities": lambda: _quantities_cut_out(tables, books),
    }


def _lacking(
    tables: Mapping[str, pl.DataFrame], books: Books, references: pl.Series, table: str
) -> Iterator[Hit]:
    """References to rows that the table lacks."""
    numbers = tables[table]["entry_no"]
    lacking = _absent(references, numbers, books)
    if bc_agreement.is_compressed(tables):
        lacking = lacking.filter(lacking > (numbers.max() or 0))
    yield from _told(lacking, numbers)


def _absent(references: pl.Series, numbers: pl.Series, books: Books) -> pl.Series:
    """Numbers that are named and not there, from low to high; with opening balances, what was before the
    first row is meant to be missing.
    """
    first = numbers.min() or 0 if books.opening_balances.height else 0
    named = references.unique().alias("number").to_frame().filter(pl.col("number") > pl.lit(max(first, 0)))
    there = numbers.alias("number").to_frame()
    return named.join(there, on="number", how="anti").sort("number")["number"]


def _told(lacking: pl.Series, numbers: pl.Series) -> Iterator[Hit]:
    if lacking.len():
        yield {
            "entry_no": lacking[-1], "first": lacking[0], "missing": lacking.len(),
            "last_no": numbers.max() or 0,
        }  # fmt: skip


def _lacking_value_entries(
    tables: Mapping[str, pl.DataFrame], books: Books, references: pl.Series
) -> Iterator[Hit]:
    """Value entries that are named and missing; inside the table those that relation rows name as well are
    findings.
    """
    numbers = books.value_entries["value_entry_no"]
    lacking = _absent(references, numbers, books)
    is_beyond = lacking > (numbers.max() or 0)
    is_finding = lacking.is_in(books.relations["value_entry_no"].implode())
    inside = is_beyond if bc_agreement.is_compressed(tables) else is_beyond | ~is_finding
    yield from _told(lacking.filter(inside), numbers)


def _queued_and_posted(books: Books) -> Iterator[Hit]:
    """Entries in the queue of which everything due is flagged as posted."""
    actual, expected = pl.col("posted_actual"), pl.col("posted_expected")
    is_due = pl.col("is_expected_cost_due")
    nothing_open = (actual == pl.col("amount_actual")) & (~is_due | (expected == pl.col("amount_expected")))
    posted = books.value_entries.filter(
        pl.col("is_queued").fill_null(False) & nothing_open & ((actual != 0) | (expected != 0))
    )
    if posted.height:
        yield {"entry_no": posted["value_entry_no"][0], "count": posted.height}


def _applied_to_nothing(tables: Mapping[str, pl.DataFrame], books: Books) -> Iterator[Hit]:
    applications = books.applications
    named = [applications[c] for c in ("item_ledger_entry_no", "inbound_entry_no", "outbound_entry_no")]
    yield from _lacking(tables, books, pl.concat(named).drop_nulls(), "item_ledger_entry")


def _without_value_entries(tables: Mapping[str, pl.DataFrame], books: Books) -> Iterator[Hit]:
    """Item ledger entries without the value entry that brought their quantity although their item costs
    something, while value entries are missing by number or end earlier.

    Goods without cost may have no value entry. What a missing entry had posted is a finding by itself, so
    one alone counts only at the end, or where nothing of it was posted: not invoiced, and expected cost off.
    """
    if bc_agreement.is_compressed(tables) or books.opening_balances.height:
        return
    entries = books.value_entries
    costed = entries.filter(pl.any_horizontal(pl.col("amount_actual", "amount_expected") != 0))
    bringing = pl.col("item_ledger_entry_quantity").fill_null(1) != 0
    valued = entries.filter(bringing).select("item_ledger_entry_no").drop_nulls().unique()
    bare = books.item_ledger_entries.join(valued, on="item_ledger_entry_no", how="anti").join(
        costed.select("item_no").unique(), on="item_no", how="semi"
    )
    last = bare.filter(pl.col("item_ledger_entry_no") > pl.lit(valued["item_ledger_entry_no"].max()))
    missing = entries.select(pl.col("value_entry_no").max() - pl.len()).item() or 0
    if missing < bare.height:  # too few numbers are missing for all of them: only the end may be cut off
        bare = last
    deleted = books.relations.join(entries, on="value_entry_no", how="anti")["value_entry_no"].n_unique()
    is_silent = (pl.col("invoiced_quantity") == 0) & pl.lit(not books.switches.expected_cost_posting)
    is_many = bare.height >= deleted + LEAST_MISSING or (bare.height and deleted > LEAST_MISSING)
    if last.height or is_many or bare.filter(is_silent).height:
        yield {"first": bare["item_ledger_entry_no"].min(), "missing": bare.height}


def _without_applications(tables: Mapping[str, pl.DataFrame], books: Books) -> Iterator[Hit]:
    """Every entry of stock is applied under its own number; only goods that went out before they came in
    wait for it.

    Source: codeunit 22, InsertApplEntry.
    """
    if bc_agreement.is_compressed(tables) or books.opening_balances.height:
        return
    of_stock = books.value_entries.filter("is_inventoriable").select("item_ledger_entry_no").unique()
    waits = (pl.col("quantity") <= 0) & (pl.col("quantity") == pl.col("remaining_quantity"))
    applied = books.applications.select("item_ledger_entry_no").unique()
    bare = (
        books.item_ledger_entries.filter(~waits)
        .join(of_stock, on="item_ledger_entry_no", how="semi")
        .join(applied, on="item_ledger_entry_no", how="anti")
    )
    if bare.height:
        yield {"first": bare["item_ledger_entry_no"].min(), "missing": bare.height}


def _ranges(register: pl.DataFrame, column: str) -> pl.DataFrame:
    """The registers that hold entries, by number: ``no``, ``first``, ``last``."""
    ends = register.select(
        "no", pl.col(f"from_{column}").alias("first"), pl.col(f"to_{column}").alias("last")
    )
    return ends.filter((pl.col("first") > 0) & (pl.col("last") >= pl.col("first"))).sort("no")


def _register_gaps(
    tables: Mapping[str, pl.DataFrame], books: Books, table: str, register: str, column: str
) -> Iterator[Hit]:
    """Registers with fewer entries than their range; date compression deletes entries and explains every
    gap. With opening balances, registers from before the first entry are meant to be empty.
    """
    if _explains_gaps(tables, books, table):
        return
    numbers = tables[table]["entry_no"].sort()
    ranges = _ranges(tables[register], column)
    if books.opening_balances.height:
        ranges = ranges.filter(pl.col("last") >= pl.lit(numbers.min()))
    counted = ranges.with_columns(
        place=numbers.search_sorted(ranges["first"], side="left"),
        after=numbers.search_sorted(ranges["last"], side="right"),
    ).with_columns(
        missing=pl.col("last") - pl.col("first") + 1
        - (pl.col("after").cast(pl.Int64) - pl.col("place").cast(pl.Int64))
    )  # fmt: skip
    for row in counted.filter(pl.col("missing") != 0).iter_rows(named=True):
        yield {
            "register_no": row["no"], "from_no": row["first"], "to_no": row["last"],
            "missing": row["missing"], "first": _first_missing(numbers, row["first"], row["place"]),
        }  # fmt: skip


def _first_missing(numbers: pl.Series, from_no: int, place: int) -> int:
    """The first number that a register promises and the ledger lacks; ``place`` is where its range begins."""
    expected = from_no
    while place < len(numbers) and numbers[place] == expected:
        place, expected = place + 1, expected + 1
    return expected


def _in_no_register(
    tables: Mapping[str, pl.DataFrame], books: Books, table: str, register: str, column: str
) -> Iterator[Hit]:
    """Entries outside every register's range; with opening balances, from the first register on."""
    ranges = _ranges(tables[register], column).sort("first").with_columns(pl.col("last").cum_max())
    if not ranges.height or _explains_gaps(tables, books, table):
        return
    numbers = tables[table].select("entry_no").sort("entry_no")
    if books.opening_balances.height:
        numbers = numbers.filter(pl.col("entry_no") >= pl.lit(ranges["first"][0]))
    found = numbers.join_asof(ranges, left_on="entry_no", right_on="first", strategy="backward")
    outside = found.filter((pl.col("entry_no") > pl.col("last")).fill_null(True))
    if outside.height:
        yield {"first": outside["entry_no"][0], "count": outside.height}


def _explains_gaps(tables: Mapping[str, pl.DataFrame], books: Books, table: str) -> bool:
    if table == "gl_entry":
        return bool(books.compressed_periods.height or (books.gl_entries["origin"] == "compression").any())
    return bc_agreement.is_compressed(tables)


def _unknown_accounts(tables: Mapping[str, pl.DataFrame], books: Books) -> Iterator[Hit]:
    """Deleting an account blanks it in the G/L, so a number that the chart lacks shows a chart cut off."""
    used = books.gl_entries.select("account_no").drop_nulls().unique()
    unknown = used.join(books.accounts, on="account_no", how="anti").sort("account_no")
    if unknown.height:
        yield {"account_no": unknown["account_no"][0], "count": unknown.height}


def _unrelated(books: Books) -> Iterator[Hit]:
    """Days on which inventory cost is exactly what all entries posted, although entries or lines lack
    relation rows.
    """
    if not books.has_relations:
        return
    posted = pl.concat(_posted_by_day(books.value_entries, books.switches.mfg_inc_non_inv_cost))
    cost = books.gl_entries.filter((pl.col("origin") == "inventory_cost") & (pl.col("amount") != 0))
    entries = _with_bare(posted, books.relations, "value_entry_no", pl.col("flagged").sum())
    debits = pl.col("amount").filter(pl.col("amount") > 0).sum()
    lines = _with_bare(cost, books.relations, "gl_entry_no", debits.alias("debited"))
    days = entries.join(lines, on="posting_date", how="inner").filter(pl.col("flagged") == pl.col("debited"))
    bare = {
        name: days[f"{name}_no"].explode().drop_nulls().n_unique() for name in ("value_entry", "gl_entry")
    }
    if bare["value_entry"] >= LEAST_MISSING or bare["gl_entry"] >= LEAST_UNRELATED:
        is_bare = pl.any_horizontal(pl.col("value_entry_no", "gl_entry_no").list.len() > 0)
        yield {**bare, "date": days.filter(is_bare)["posting_date"].min()}


def _with_bare(rows: pl.DataFrame, relations: pl.DataFrame, key: str, total: pl.Expr) -> pl.DataFrame:
    """By day the total of all rows, and the numbers of those without a relation row."""
    bare = rows.join(relations, on=key, how="anti").group_by("posting_date").agg(key)
    return rows.group_by("posting_date").agg(total).join(bare, on="posting_date", how="left")


def _posted_by_day(entries: pl.DataFrame, posts_non_inventory: bool) -> Iterator[pl.DataFrame]:
    """What each entry says it debited, by the day of its lines: its own, or its order's finish."""
    actual, expected = pl.col("posted_actual").abs(), pl.col("posted_expected").abs()
    is_silent = (pl.col("entry_type") == "Direct Cost - Non Inventory") | (
        pl.col("variance_type") == "Material - Non Inventory"
    )
    loud = entries if posts_non_inventory else entries.filter(~is_silent)
    at_once = pl.when(pl.col("wip_writeoff") == "yes").then(actual).otherwise(0)
    yield loud.filter((actual != 0) | (expected != 0)).select(
        "value_entry_no", "posting_date", (actual + expected + at_once).alias("flagged")
    )
    yield loud.filter((pl.col("wip_writeoff") == "at_finish") & (actual != 0)).select(
        "value_entry_no", pl.col("write_off_date").alias("posting_date"), actual.alias("flagged")
    )


def _holes(books: Books) -> pl.DataFrame:
    """Where at least ``LEAST_HOLE`` numbers of value entries are missing: the entries before and after,
    ``from_no`` and ``to_no``, with their days ``from_date`` and ``to_date``.
    """
    ends = books.value_entries.select(pl.col("value_entry_no").alias("to_no"), to_date="posting_date")
    before = pl.col("to_no", "to_date").shift().name.map(lambda name: name.replace("to_", "from_"))
    return (
        ends.sort("to_no")
        .with_columns(before)
        .with_columns(pl.col("from_no").fill_null(0))
        .filter(pl.col("to_no") - pl.col("from_no") > LEAST_HOLE)
    )


def _cut_out(books: Books) -> Iterator[Hit]:
    """A hole in the numbers of the value entries that relation rows lead into more than once."""
    holes = _holes(books)
    if not holes.height or books.opening_balances.height:
        return
    named = books.relations.select("value_entry_no").unique().sort("value_entry_no")
    found = named.join_asof(holes, left_on="value_entry_no", right_on="from_no", strategy="backward")
    inside = found.filter(
        (pl.col("value_entry_no") > pl.col("from_no")) & (pl.col("value_entry_no") < pl.col("to_no"))
    )
    for row in inside.group_by("from_no", "to_no").len().sort("from_no").iter_rows(named=True):
        if row["len"] >= LEAST_MISSING:
            yield {"from_no": row["from_no"], "to_no": row["to_no"], "count": row["len"]}
            return


def _quantities_cut_out(tables: Mapping[str, pl.DataFrame], books: Books) -> Iterator[Hit]:
    """A hole in the numbers of the value entries, and quantities received or invoiced in its days that no
    value entry brought.

    Numbers may be missing where postings were taken back, and one quantity may be wrong by itself; several
    at one time are a table cut in two.
    """
    holes = _holes(books).filter(pl.col("from_date") <= pl.col("to_date"))
    if not holes.height or bc_agreement.is_compressed(tables) or books.opening_balances.height:
        return
    brought = books.value_entries.group_by("item_ledger_entry_no").agg(
        came=_known_sum("item_ledger_entry_quantity"),
        invoiced=_known_sum("invoiced_quantity"),
        _any=pl.lit(True),
    )
    without = pl.col("_any").is_null()
    entries = books.item_ledger_entries.join(brought, on="item_ledger_entry_no", how="left").with_columns(
        pl.when(~without).then(pl.col("came", "invoiced")).otherwise(0)
    )
    received = entries.filter(pl.col("quantity") != pl.col("came")).with_columns(_until="posting_date")
    invoiced = entries.filter(pl.col("invoiced_quantity") != pl.col("invoiced")).with_columns(
        _until="last_invoice_date"
    )
    lacking = pl.concat([received, invoiced]).select("item_ledger_entry_no", "_until", since="posting_date")
    inside = holes.join_where(
        lacking, pl.col("since") <= pl.col("to_date"), pl.col("_until") >= pl.col("from_date")
    )
    found = (
        inside.sort("item_ledger_entry_no")
        .group_by("from_no", "to_no", maintain_order=True)
        .agg(pl.col("item_ledger_entry_no", "since").first(), count=pl.len())
        .filter(pl.col("count") >= LEAST_MISSING)
        .sort("from_no")
    )
    if found.height:
        yield {**found.row(0, named=True), "missing": found["to_no"][0] - found["from_no"][0] - 1}


def _known_sum(column: str) -> pl.Expr:
    """The sum; null where one of the values isn't given."""
    return pl.when(pl.col(column).null_count() == 0).then(pl.col(column).sum())
