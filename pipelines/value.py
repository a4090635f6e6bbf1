"""Values stock by item and location, and breaks every difference down without losing the G/L side.

Here: the valuation that is laid beside BC's, and the tie-outs by item, location, document and dimension.
Not here: which entry an amount belongs to (``attribute``) and the tie-outs themselves (``reconcile``).
"""

import polars as pl

from schemas.ledger import Books
from schemas.money import AMOUNT, QUANTITY

PLACE = ("item_no", "variant_code", "location_code", "inventory_posting_group")
#: The lines of the population that lead from a value to the subledger, in the order in which they take.
BRIDGE = ("not_inventoriable", "refused", "handled_without_posting", "unresolved")
FIGURES = ("subledger", "gl", "other_activity")
NO_ENTRY = "(no entry)"
NOT_GIVEN = "(not given)"
AGREEING = "(others, which agree)"


def valuation(attributed_lines: pl.DataFrame, remaining_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """One row per item, variant, location and inventory posting group: quantity and value at as-of.

    ``quantity`` and ``value`` = ``value_actual`` + ``value_expected`` are those of BC's report Inventory
    Valuation with expected cost; ``invoiced_quantity`` and ``value_actual`` those without. Like that report
    and like the G/L, they count by posting date; ``value_by_valuation_date`` is the actual value by the date
    that average costs count by (null where it wasn't given). ``posted_to_gl`` and ``expected_posted_to_gl``
    are what the entries say was posted. ``value_actual`` + the four lines of the population =
    ``subledger``, the item's part of the inventory role; ``gl`` is what the G/L holds of it by linked lines.
    A quantity is that of the value entries, else of the item ledger entries; null where neither was given.
    Capacity is no stock and isn't here.

    Source: report 1001 "Inventory Valuation", which sums value entries up to the ending date.
    """
    entries = books.value_entries.filter(~pl.col("is_capacity")).pipe(_with_bridge, remaining_postings)
    until = entries.filter(pl.col("posting_date") <= books.as_of)
    by_valuation = entries.filter(pl.col("valuation_date") <= books.as_of)
    stock = until.group_by(PLACE).agg(
        pl.col("item_ledger_entry_quantity").sum().cast(QUANTITY).alias("_quantity"),
        pl.col("invoiced_quantity").sum().cast(QUANTITY).alias("_invoiced_quantity"),
        pl.col("amount_actual").sum().alias("value_actual"),
        pl.col("amount_expected").sum().alias("value_expected"),
        pl.col("posted_actual").sum().alias("posted_to_gl"),
        pl.col("posted_expected").sum().alias("expected_posted_to_gl"),
        *(-pl.col("amount_actual").filter(pl.col("_line") == line).sum().alias(line) for line in BRIDGE),
    )
    return (
        stock.join(_sum_of(by_valuation, "value_by_valuation_date"), on=PLACE, how="full", coalesce=True)
        .join(_inventory(attributed_lines, books), on=PLACE, how="full", coalesce=True)
        .join(_moved(books), on=PLACE, how="full", coalesce=True)
        .with_columns(pl.col(c).fill_null(0).cast(AMOUNT) for c in _AMOUNTS)
        .with_columns(
            quantity=_quantity(books),
            invoiced_quantity=_where_given("invoiced_quantity", "_invoiced_quantity", books),
            value=pl.col("value_actual") + pl.col("value_expected"),
            value_by_valuation_date=_where_given("valuation_date", "value_by_valuation_date", books),
        )
        .drop("_quantity", "_invoiced_quantity", "_moved")
        .sort(PLACE)
    )


_AMOUNTS = (
    "value_actual", "value_expected", "posted_to_gl", "expected_posted_to_gl", *BRIDGE,
    "value_by_valuation_date", "subledger", "gl",
)  # fmt: skip


def breakdowns(attributed_lines: pl.DataFrame, entry_items: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The tie-out of every account by item, by location, by document and by dimension set.

    One row per ``by``, account and ``key``: ``subledger``, ``gl``, ``other_activity`` and their
    ``difference``, debit positive; per ``by`` the rows of an account sum to its tie-out. A G/L line belongs
    to the item and location of its value entry, a line of a posting group in parts; one without a value
    entry has the key "(no entry)". Documents are the value entry's, or the line's own where it has no value
    entry; dimension sets are each side's own, "(not given)" where the export lacks them. Documents that agree
    are one row. Blank is a key.
    """
    figures = (
        attributed_lines.filter((pl.col("side") != "subledger") | pl.col("counts"))
        .pipe(_with_keys, entry_items, books)
        .with_columns(_on(side) for side in FIGURES)
    )
    by = {
        "item": pl.col("item_no").fill_null(NO_ENTRY),
        "location": pl.col("location_code").fill_null(NO_ENTRY),
        "document": pl.col("document_no").fill_null(NO_ENTRY),
        "dimension_set": pl.col("dimension_set_id").cast(pl.String).fill_null(NOT_GIVEN),
    }
    parts = [_broken_down(figures, name, key) for name, key in by.items()]
    return (
        pl.concat(parts)
        .pipe(_with_agreeing_documents_together)
        .sort("by", "account_no", "key", nulls_last=True)
    )


def _with_bridge(entries: pl.DataFrame, remaining_postings: pl.DataFrame) -> pl.DataFrame:
    """Which line of the population takes the entry out on its way to the subledger; null where none does."""
    actual = remaining_postings.filter(pl.col("cost_kind") == "actual")
    nothing = actual.filter(pl.col("outcome") != "posted").select("value_entry_no", "outcome")
    unresolved = actual.filter(
        (pl.col("account_role") == "inventory") & pl.col("account_no").is_null()
    ).select("value_entry_no", pl.lit(True).alias("_is_unresolved"))
    line = (
        pl.when(~pl.col("is_inventoriable")).then(pl.lit("not_inventoriable"))
        .when(pl.col("outcome") == "refused").then(pl.lit("refused"))
        .when(pl.col("outcome") == "ignored").then(pl.lit("handled_without_posting"))
        .when(pl.col("_is_unresolved")).then(pl.lit("unresolved"))
    )  # fmt: skip
    return (
        entries.join(nothing, on="value_entry_no", how="left", validate="1:1")
        .join(unresolved, on="value_entry_no", how="left", validate="1:1")
        .with_columns(_line=line)
    )


def _quantity(books: Books) -> pl.Expr:
    if "item_ledger_entry_quantity" in books.given["value_entry"]:
        return pl.col("_quantity").fill_null(0)
    has_entries = "quantity" in books.given.get("item_ledger_entry", frozenset())
    return pl.when(pl.lit(has_entries)).then(pl.col("_moved").fill_null(0))


def _moved(books: Books) -> pl.DataFrame:
    """The item ledger entries' quantity by place; the posting group is that of their value entries, else the
    item's of today.
    """
    groups = books.value_entries.group_by("item_ledger_entry_no", maintain_order=True).agg(
        pl.col("inventory_posting_group").first().alias("_of_entry")
    )
    items = books.items.select("item_no", "inventory_posting_group")
    return (
        books.item_ledger_entries.filter(pl.col("posting_date") <= books.as_of)
        .join(groups, on="item_ledger_entry_no", how="left", validate="1:1")
        .join(items, on="item_no", how="left", validate="m:1")
        .with_columns(
            pl.coalesce("_of_entry", "inventory_posting_group", pl.lit("")).alias("inventory_posting_group"),
            pl.col("item_no", "variant_code", "location_code").fill_null(""),
        )
        .group_by(PLACE)
        .agg(pl.col("quantity").sum().cast(QUANTITY).alias("_moved"))
    )


def _where_given(column: str, figure: str | pl.Expr, books: Books) -> pl.Expr:
    """The figure where the value entries came with the column that it rests on, else null."""
    return pl.when(pl.lit(column in books.given["value_entry"])).then(figure)


def _sum_of(entries: pl.DataFrame, name: str) -> pl.DataFrame:
    return entries.group_by(PLACE).agg(pl.col("amount_actual").sum().alias(name))


def _inventory(attributed_lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """What rules demand, and what the G/L holds, in the inventory role of each place."""
    of_role = attributed_lines.filter(
        (pl.col("account_role") == "inventory") & pl.col("value_entry_no").is_not_null()
    )
    places = books.entries_of(of_role).select("value_entry_no", *PLACE)
    lines = of_role.join(places, on="value_entry_no", how="left", validate="m:1")
    is_resolved = pl.col("account_no").is_not_null()
    return (
        lines.with_columns(pl.when(is_resolved).then(_on("subledger")).fill_null(0), _on("gl"))
        .group_by(PLACE)
        .agg(pl.col("subledger", "gl").sum())
    )


def _on(side: str) -> pl.Expr:
    """The amount where it is of that side, else 0."""
    return pl.when(pl.col("side") == side).then("amount").otherwise(pl.lit(0, AMOUNT)).alias(side)


def _with_keys(lines: pl.DataFrame, entry_items: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The item, location, document and dimension set of each amount; null where it has none."""
    entries = (
        books.entries_of(lines)
        .select(
            "value_entry_no",
            pl.col("document_no").alias("_document_no"),
            pl.col("dimension_set_id").alias("_of_entry"),
        )
        .join(entry_items, on="value_entry_no", how="left", validate="1:1")
    )
    ledger = books.lines_of(lines).select(
        "gl_entry_no", pl.col("document_no").alias("_own"), "dimension_set_id"
    )
    of_line = pl.when(pl.lit("dimension_set_id" in books.given["gl_entry"])).then("_of_entry")
    return (
        lines.join(entries, on="value_entry_no", how="left", validate="m:1")
        .join(ledger, on="gl_entry_no", how="left", validate="m:1")
        .with_columns(
            document_no=pl.when("is_agreed")
            .then(pl.col("document_no").fill_null(AGREEING))
            .otherwise(pl.coalesce("_document_no", pl.when(pl.col("_own") != "").then("_own"))),
            dimension_set_id=pl.when(pl.col("side") == "subledger")
            .then("_of_entry")
            .otherwise(pl.when("is_agreed").then(of_line).otherwise("dimension_set_id")),
        )
    )


def _broken_down(lines: pl.DataFrame, by: str, key: pl.Expr) -> pl.DataFrame:
    return (
        lines.group_by("account_no", key.alias("key"))
        .agg(pl.col(FIGURES).sum())
        .with_columns(by=pl.lit(by), difference=pl.col("gl") - pl.col("other_activity") - pl.col("subledger"))
        .select("by", "account_no", "key", *FIGURES, "difference")
    )


def _with_agreeing_documents_together(rows: pl.DataFrame) -> pl.DataFrame:
    """A company has as many documents as days have hours; those that differ are what a reader looks for."""
    agrees = (pl.col("by") == "document") & (pl.col("difference") == 0)
    together = (
        rows.filter(agrees)
        .group_by("by", "account_no")
        .agg(pl.col(*FIGURES, "difference").sum())
        .with_columns(key=pl.lit(AGREEING))
    )
    return pl.concat([rows.filter(~agrees), together.select(rows.columns)])
