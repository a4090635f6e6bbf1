"""Subjects: what the stock checks look at, each with the figures that its checks compare.

Here: item ledger entries beside their value entries and applications, items, orders, transfers, places. Not
here: which figures contradict each other (``inspect``).
"""

from collections.abc import Mapping

import polars as pl

from schemas.ledger import Books
from schemas.money import AMOUNT, QUANTITY

#: Entry types that revalue what is there: they carry their own dates and no quantity.
REVALUING = ("Revaluation", "Rounding")
NOTHING = pl.lit(0, AMOUNT)


def subjects(books: Books, expected_postings: pl.DataFrame) -> Mapping[str, pl.LazyFrame]:
    """Per kind of subject one row each: its ``key``, where it lies, and the figures that checks compare.

    Amounts are in local currency, inbound positive, up to as-of; quantities, flags and dates are those of the
    extract. What lies after as-of is left out. A figure whose column wasn't given is null.
    """
    entries = _value_entries(books)
    item_ledger_entries = _item_ledger_entries(books, entries)
    return {
        "value entry": _entries_beside(books, entries),
        "item ledger entry": item_ledger_entries,
        "application": _applications(books, item_ledger_entries),
        "interim of item ledger entry": _interims(books, entries),
        "item": _items(books, entries),
        "item group": _item_groups(books, entries),
        "item place": _item_places(entries),
        "average cost point": _average_cost_points(books),
        "transfer": _transfers(entries),
        "order line": _order_lines(books),
        "wip of order line": _wip(books, expected_postings),
    }


def _value_entries(books: Books) -> pl.LazyFrame:
    return books.value_entries.lazy().filter(pl.col("posting_date") <= books.as_of)


def _stocked(entries: pl.LazyFrame) -> pl.LazyFrame:
    return entries.filter(pl.col("is_inventoriable") & ~pl.col("is_capacity") & (pl.col("item_no") != ""))


def _entries_beside(books: Books, entries: pl.LazyFrame) -> pl.LazyFrame:
    """Value entries beside their item ledger entry, what they adjust, their item's card and the closings that
    cover their date.
    """
    theirs = books.item_ledger_entries.lazy().select(
        "item_ledger_entry_no",
        pl.col("entry_type").alias("ile_entry_type"),
        pl.col("item_no").alias("ile_item_no"),
        pl.col("location_code").alias("ile_location_code"),
        "is_correction",
        pl.lit(True).alias("has_item_ledger_entry"),
    )
    adjusted = books.value_entries.lazy().select(
        pl.col("value_entry_no").alias("applies_to_entry_no"), pl.col("posting_date").alias("applied_date")
    )
    cards = books.items.lazy().select("item_no", "costing_method", "standard_cost")
    quantity = pl.col("item_ledger_entry_quantity")
    numbers = books.value_entries.lazy().select(
        "value_entry_no",
        missing=pl.col("value_entry_no") - pl.col("value_entry_no").shift() - 1,
        _run_before=pl.col("item_register_no").shift(),
        _adjusts_before=pl.col("is_adjustment").shift(),
    )
    return (
        entries.join(theirs, on="item_ledger_entry_no", how="left", validate="m:1")
        .join(adjusted, on="applies_to_entry_no", how="left", validate="m:1")
        .join(cards, on="item_no", how="left", validate="m:1")
        .join(numbers, on="value_entry_no", how="left", validate="1:1")
        .join(_revalued(books), on="item_no", how="left", validate="m:1")
        .sort("posting_date", "value_entry_no")
        .join_asof(_closed_periods(books), left_on="posting_date", right_on="period_end", strategy="forward")
        .join_asof(_closed_years(books), left_on="posting_date", right_on="year_end", strategy="forward")
        .with_columns(
            key=pl.format("ve {}", "value_entry_no"),
            value=(pl.col("amount_actual") + pl.col("amount_expected")).cast(AMOUNT),
            outside=pl.col("amount_non_inventoriable"),
            beside=(pl.col("purchase_amount") - pl.col("amount_actual")).cast(AMOUNT),
            created_on=pl.col("created_at").dt.date(),
            at_standard=(_short(quantity) * _short(pl.col("standard_cost"))).round(2).cast(AMOUNT),
            is_one_run=pl.col("is_adjustment")
            & pl.col("_adjusts_before")
            & (pl.col("item_register_no") == pl.col("_run_before"))
            & (pl.col("item_register_no") > 0),
            first_allowed=pl.lit(books.allowed_from, pl.Date),
        )
        .sort("value_entry_no")
    )


def _short(number: pl.Expr) -> pl.Expr:
    """A product of two decimals needs the places of both."""
    return number.cast(pl.Decimal(38, 8))


def _revalued(books: Books) -> pl.LazyFrame:
    """When an item was last revalued, after as-of too: the card's standard cost of today came after it."""
    return (
        _stocked(books.value_entries.lazy())
        .filter(pl.col("entry_type") == "Revaluation")
        .group_by("item_no")
        .agg(pl.col("posting_date").max().alias("last_revalued_on"))
    )


def _closed_periods(books: Books) -> pl.LazyFrame:
    """Inventory periods that were ever closed, with the day and the item register of the last closing."""
    return (
        books.inventory_periods.lazy()
        .filter(pl.col("closed_on").is_not_null() | pl.col("closing_register_no").is_not_null())
        .select(pl.col("ending_date").alias("period_end"), "closed_on", "closing_register_no")
        .sort("period_end")
    )


def _closed_years(books: Books) -> pl.LazyFrame:
    """The days on which closing entries ended a fiscal year, and when these were made."""
    return (
        books.gl_entries.lazy()
        .filter((pl.col("origin") == "closing") & pl.col("created_at").is_not_null())
        .group_by(pl.col("posting_date").alias("year_end"))
        .agg(pl.col("created_at").max().alias("year_closed_at"))
        .sort("year_end")
    )


def _item_ledger_entries(books: Books, entries: pl.LazyFrame) -> pl.LazyFrame:
    """Item ledger entries of stocked items beside the sums of their value entries and applications."""
    invoices = (pl.col("entry_type") == "Direct Cost") & (pl.col("item_charge_no") == "")
    dated = pl.col("is_inventoriable") & ~pl.col("entry_type").is_in(REVALUING)
    sums = (
        books.value_entries.lazy()
        .filter(pl.col("item_ledger_entry_no").is_not_null())
        .group_by("item_ledger_entry_no")
        .agg(
            pl.col("value_entry_no", "inventory_posting_group").first(),
            pl.col("is_inventoriable").any(),
            pl.col("invoiced_quantity").filter(invoices).sum().alias("entries_invoiced"),
            pl.col("item_ledger_entry_quantity").sum().alias("entries_quantity"),
            pl.col("amount_expected").sum().alias("entries_expected"),
            pl.col("amount_expected_acy").sum().alias("entries_expected_acy"),
            pl.col("valuation_date").filter(dated).min().alias("first_valued_on"),
            pl.col("valuation_date").filter(dated).max().alias("last_valued_on"),
            pl.col("is_valued_by_average").filter(pl.col("is_inventoriable")).n_unique().alias("averages"),
            pl.lit(True).alias("has_value_entry"),
        )
    )
    applied = (
        books.applications.lazy()
        .group_by("item_ledger_entry_no")
        .agg(pl.col("quantity").sum().alias("applied_quantity"), pl.len().alias("applications"))
    )
    left = (
        books.applications.lazy()
        .group_by(pl.col("inbound_entry_no").alias("item_ledger_entry_no"))
        .agg(pl.col("quantity").sum().alias("left_quantity"))
    )
    types = books.items.lazy().select("item_no", "item_type")
    begun = books.value_entries["posting_date"].min()
    unlinked = books.value_entries.filter(~pl.col("is_capacity"))["item_ledger_entry_no"].null_count()
    return (
        books.item_ledger_entries.lazy()
        .filter(pl.col("posting_date") <= books.as_of)
        .join(types, on="item_no", how="left", validate="m:1")
        .join(sums, on="item_ledger_entry_no", how="left", validate="1:1")
        .join(applied, on="item_ledger_entry_no", how="left", validate="1:1")
        .join(left, on="item_ledger_entry_no", how="left", validate="1:1")
        .filter(pl.col("item_type").fill_null("").is_in(["", "Inventory"]))
        .filter(pl.col("is_inventoriable").fill_null(True))
        .with_columns(
            pl.col("applications").fill_null(0),
            pl.col("has_value_entry").fill_null(False),
            pl.col("applied_quantity").fill_null(0).cast(QUANTITY),
            key=pl.format("ile {}", "item_ledger_entry_no"),
            is_since_start=(pl.col("posting_date") >= begun) & (unlinked == 0),
        )
    )  # fmt: skip


def _applications(books: Books, item_ledger_entries: pl.LazyFrame) -> pl.LazyFrame:
    """Applications between stocked entries, with the days on which both ends are valued."""
    valued = item_ledger_entries.select(
        "item_ledger_entry_no",
        pl.col("item_no", "location_code", "posting_date", "value_entry_no", "document_no"),
        pl.col("first_valued_on").alias("outbound_valued_on"),
    )
    inbound = item_ledger_entries.select(
        pl.col("item_ledger_entry_no").alias("inbound_entry_no"),
        pl.col("first_valued_on").alias("inbound_valued_on"),
    )
    ends = ["item_ledger_entry_no", "inbound_entry_no", "outbound_entry_no"]
    return (
        books.applications.lazy()
        .drop("posting_date")
        .sort("application_no")
        .with_columns(_before=pl.int_range(pl.len()).over(ends))
        .join(valued, on="item_ledger_entry_no", how="inner", validate="m:1")
        .join(inbound, on="inbound_entry_no", how="left", validate="m:1")
        .with_columns(key=pl.format("application {}", "application_no"), is_again=pl.col("_before") > 0)
    )


def _interims(books: Books, entries: pl.LazyFrame) -> pl.LazyFrame:
    """Per item ledger entry the expected cost that stands in the G/L; a switch that is only inferred to be
    off warns of nothing.
    """
    is_known = books.switches.sources.get("expected_cost_posting") != "inferred"
    is_off = is_known and not books.switches.expected_cost_posting
    return (
        entries.filter(pl.col("item_ledger_entry_no").is_not_null() & pl.col("is_inventoriable"))
        .group_by("item_ledger_entry_no")
        .agg(
            pl.col("value_entry_no", "posting_date", "item_no").first(),
            pl.col("location_code", "inventory_posting_group", "is_fully_invoiced").first(),
            pl.col("posted_expected").sum().cast(AMOUNT).alias("value"),
            (pl.col("posted_expected") == pl.col("amount_expected")).all().alias("is_posted_whole"),
        )
        .with_columns(
            key=pl.format("interim {}", "item_ledger_entry_no"),
            is_switched_off=pl.lit(is_off),
        )
    )


def _items(books: Books, entries: pl.LazyFrame) -> pl.LazyFrame:
    """Items by their cards or their entries, with quantity and value on hand."""
    on_hand = (
        _stocked(entries)
        .group_by("item_no")
        .agg(
            pl.col("item_ledger_entry_quantity").sum().alias("quantity"),
            (pl.col("amount_actual") + pl.col("amount_expected")).sum().cast(AMOUNT).alias("value"),
            pl.col("item_ledger_entry_quantity").is_not_null().any().alias("has_quantities"),
        )
    )
    cards = books.items.lazy().select("item_no", "item_type", "is_cost_adjusted")
    return on_hand.join(cards, on="item_no", how="full", coalesce=True, validate="1:1").with_columns(
        key=pl.format("item {}", "item_no")
    )


def _item_groups(books: Books, entries: pl.LazyFrame) -> pl.LazyFrame:
    """Value of each item by inventory posting group and location, beside the group that it has today."""
    stocked = _stocked(entries).with_columns(
        value=(pl.col("amount_actual") + pl.col("amount_expected")).cast(AMOUNT)
    )
    is_own = ~pl.col("is_adjustment") & (pl.col("item_charge_no") == "")
    newest = (
        stocked.filter(is_own & ~pl.col("entry_type").is_in(REVALUING))
        .group_by("item_no")
        .agg(pl.col("inventory_posting_group").sort_by("value_entry_no").last().alias("_newest"))
    )
    cards = books.items.lazy().select("item_no", pl.col("inventory_posting_group").alias("_on_card"))
    in_group = pl.col("value").sum().over("item_no", "inventory_posting_group").cast(AMOUNT)
    return (
        stocked.group_by("item_no", "inventory_posting_group", "location_code")
        .agg(pl.col("value").sum().cast(AMOUNT), pl.col("value_entry_no").max())
        .with_columns(group_value=in_group)
        .join(newest, on="item_no", how="left", validate="m:1")
        .join(cards, on="item_no", how="left", validate="m:1")
        .with_columns(
            todays_group=pl.coalesce(pl.when(pl.col("_on_card") != "").then("_on_card"), "_newest"),
            key=pl.format(
                "item {} group {} location {}", "item_no", "inventory_posting_group", "location_code"
            ),
        )
    )


def _item_places(entries: pl.LazyFrame) -> pl.LazyFrame:
    """Value of each item by location: actual, what transfers moved, and the item's expected cost anywhere."""
    moved = pl.col("amount_actual").filter(pl.col("item_ledger_entry_type") == "Transfer")
    return (
        _stocked(entries)
        .group_by("item_no", "location_code")
        .agg(
            pl.col("amount_actual").sum().cast(AMOUNT).alias("value"),
            moved.sum().cast(AMOUNT).alias("transferred"),
            pl.col("amount_expected").sum().cast(AMOUNT).alias("_expected"),
            pl.col("inventory_posting_group").last(),
        )
        .with_columns(
            item_expected=pl.col("_expected").sum().over("item_no").cast(AMOUNT),
            item_value=(pl.col("value") + pl.col("_expected")).sum().over("item_no").cast(AMOUNT),
            key=pl.format("item {} location {}", "item_no", "location_code"),
        )
    )


def _average_cost_points(books: Books) -> pl.LazyFrame:
    place = ("item_no", "variant_code", "location_code", "valuation_date")
    return (
        books.average_cost_points.lazy()
        .filter(pl.col("valuation_date") <= books.as_of)
        .with_columns(key=pl.format("item {} {} {} {}", *place), posting_date="valuation_date")
    )


def _transfers(entries: pl.LazyFrame) -> pl.LazyFrame:
    """Per transfer document and item what both sides leave; a document with one side only tells nothing."""
    is_transfer = pl.col("item_ledger_entry_type") == "Transfer"  # so is every entry of its item ledger entry
    own_document = pl.col("document_no").first().over("item_ledger_entry_no", order_by="value_entry_no")
    return (
        _stocked(entries)
        .filter(is_transfer)
        .with_columns(document_no=own_document)
        .filter((pl.col("entry_type") == "Direct Cost") & (pl.col("item_charge_no") == ""))
        .filter(pl.col("document_no") != "")
        .group_by("document_no", "item_no", "variant_code")
        .agg(
            pl.col("value_entry_no", "posting_date").first(),
            pl.col("item_ledger_entry_no").n_unique().alias("sides"),
            (pl.col("amount_actual") + pl.col("amount_expected")).sum().cast(AMOUNT).alias("value"),
            pl.col("item_ledger_entry_quantity").sum().alias("quantity"),
        )
        .with_columns(key=pl.format("transfer {} {} {}", "document_no", "item_no", "variant_code"))
    )


def _order_lines(books: Books) -> pl.LazyFrame:
    return (
        books.orders.lazy()
        .sort("order_no", "order_line_no", "status")
        .unique(["order_no", "order_line_no"], keep="first", maintain_order=True)
        .with_columns(
            key=pl.format("order {} {}", "order_no", "order_line_no"),
            is_finished=(pl.col("status") == "Finished") | pl.col("is_adjustment_finished").fill_null(False),
        )
    )


def _wip(books: Books, expected_postings: pl.DataFrame) -> pl.LazyFrame:
    """Per finished order line and account the WIP that its entries leave there: up to as-of, and at all."""
    orders = books.value_entries.lazy().select("value_entry_no", "order_type", "order_no", "order_line_no")
    line = ["order_no", "order_line_no"]
    until = pl.when(pl.col("posting_date") <= books.as_of).then("amount").otherwise(NOTHING)
    return (
        expected_postings.lazy()
        .filter(pl.col("account_role") == "wip")
        .select("value_entry_no", "account_no", "posting_date", "amount")
        .join(orders, on="value_entry_no", how="left", validate="m:1")
        .filter(pl.col("order_no") != "")
        .group_by(*line, "account_no")
        .agg(
            until.sum().cast(AMOUNT).alias("value"),
            pl.col("amount").sum().cast(AMOUNT).alias("_ever"),
            pl.col("value_entry_no").max(),
        )
        .with_columns(
            line_value=pl.col("value").sum().over(line).cast(AMOUNT),
            line_value_ever=pl.col("_ever").sum().over(line).cast(AMOUNT),
        )
        .join(_order_lines(books), on=line, how="inner", validate="m:1")
        .filter("is_finished")
    )
