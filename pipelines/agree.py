"""Tells apart early what agrees: entries all of whose lines stand in the G/L exactly as they must.

Here: the lines of which no later step has anything to tell but their sums, those sums, and what remains for
the steps that look closely. Not here: how links are claimed where anything differs (``link``), and what a
difference means (``compare``, ``explain_lines``).
"""

import polars as pl

from schemas.ledger import Books
from schemas.marts import COST_KINDS, ROLES
from schemas.money import AMOUNT

#: What an agreed line keeps; its value entry tells all else.
LINE = (
    "value_entry_no", "cost_kind", "account_role", "balancing_role", "account_no", "posting_date", "amount",
    "amount_acy", "setup_table", "key_1", "key_2", "item_ledger_entry_type", "entry_type", "gl_entry_no",
)  # fmt: skip
SETUP_KEY = ("setup_table", "key_1", "key_2")
POSTED_BY = ("inventory_cost", "unknown")
COMPARED = ("amount", "posted_amount", "amount_acy", "posted_amount_acy")
HELD = ("amount", "amount_acy", "posting_date", "dimension_set_id")
TOTALS = (
    "account_no", "account_role", "cost_kind", "item_ledger_entry_type", "entry_type", "posting_date",
)  # fmt: skip
KIND = ("account_no", "account_role", "balancing_role", "cost_kind")
#: What the views of the tie-outs ask of a value entry: entries that share all of it are told as one.
PLACE = (
    "item_no", "variant_code", "location_code", "inventory_posting_group", "dimension_set_id",
    "item_ledger_entry_type", "entry_type", "source_type",
)  # fmt: skip
ORDER = ("order_no", "order_line_no")
#: The roles that are told by order line.
OF_ORDERS = (
    "wip", "material_variance", "capacity_variance", "subcontracted_variance", "cap_overhead_variance",
    "mfg_overhead_variance", "material_non_inventory_variance",
)  # fmt: skip


def agreed_lines(resolved_postings: pl.DataFrame, unbalanced: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The expected lines of value entries in which both ledgers agree, each with its one G/L line.

    An entry agrees when it was posted in full, up to as-of, and each of its lines has a G/L line of its own
    with the same account, date, dimensions and amounts in both currencies; when no other G/L line is linked
    to it; and when none of its G/L lines is shared, was reversed, reverses another, or stands in a
    transaction that doesn't balance. Amounts are debit positive: what must be, was posted and stands there.

    Of such an entry no cause can fit, and no other entry can claim its lines. Without a relation table no
    entry is taken to agree: its links have to be inferred first. Accounts, roles and kinds are categories.
    """
    accounts = pl.Enum(books.gl_entries["account_no"].drop_nulls().unique().sort())
    posted = resolved_postings.filter(pl.col("outcome") == "posted").pipe(_as_categories, accounts)
    if not books.has_relations:
        return posted.clear().with_columns(gl_entry_no=pl.lit(None, pl.Int64)).select(LINE)
    lines = posted.with_row_index("_row").with_columns(_line=_line())
    agreeing = (
        lines.select("_row", "_line", "value_entry_no", "posting_date", *COMPARED)
        .join(_pieces(books, unbalanced, accounts), on="_line", how="inner")
        .join(_dimensions(books), on="value_entry_no", how="left", validate="m:1")
        .filter(_agrees(books))
        .filter(pl.col("_row").is_unique() & pl.col("gl_entry_no").is_unique())
        .select("_row", "gl_entry_no")
    )
    in_doubt = pl.concat(
        [
            lines.join(agreeing, on="_row", how="anti").select("value_entry_no"),
            books.relations.join(agreeing, on="gl_entry_no", how="anti").select("value_entry_no"),
            resolved_postings.filter(pl.col("outcome") == "refused").select("value_entry_no"),
        ]
    )
    return (
        lines.join(in_doubt, on="value_entry_no", how="anti", maintain_order="left")
        .join(agreeing, on="_row", how="inner", validate="1:1", maintain_order="left")
        .select(LINE)
    )


def remaining_books(books: Books, agreed_lines: pl.DataFrame) -> Books:
    """The books without the G/L lines and the links of entries that agree; all value entries stay."""
    if agreed_lines.is_empty():
        return books
    gone = agreed_lines.select("gl_entry_no")
    return books._replace(
        gl_entries=books.gl_entries.join(gone, on="gl_entry_no", how="anti", maintain_order="left"),
        relations=books.relations.join(gone, on="gl_entry_no", how="anti", maintain_order="left"),
    )


def remaining_postings(expected_postings: pl.DataFrame, agreed_lines: pl.DataFrame) -> pl.DataFrame:
    """The expected postings without the agreed lines; parts that the rules refuse or ignore stay."""
    if agreed_lines.is_empty():
        return expected_postings
    agreed = agreed_lines["value_entry_no"].unique().implode()
    return expected_postings.filter((pl.col("outcome") != "posted") | ~pl.col("value_entry_no").is_in(agreed))


def actual_postings(remaining_pieces: pl.DataFrame, agreed_lines: pl.DataFrame) -> pl.DataFrame:
    """The pieces of all linked G/L lines, by G/L entry; an agreed line is the only piece of its own.

    Columns as those of ``link``; of an agreed line null is what only its G/L entry tells.
    """
    whole = agreed_lines.select(
        *(pl.col(c).cast(remaining_pieces.schema[c]) for c in LINE if c in remaining_pieces.columns),
        inferred=pl.lit(False),
        is_residual=pl.lit(False),
    )
    return pl.concat([remaining_pieces, whole], how="diagonal").sort("gl_entry_no", maintain_order=True)


def agreed_totals(agreed_lines: pl.DataFrame) -> pl.DataFrame:
    """The agreed lines summed by account, role, kind of cost, entry types and day; ``gl_entry_no`` is the
    last of each.
    """
    sums = agreed_lines.group_by(TOTALS).agg(pl.col("amount").sum().cast(AMOUNT), pl.col("gl_entry_no").max())
    return sums.cast({"account_no": pl.String, "account_role": pl.String, "cost_kind": pl.String})


def agreed_parts(
    agreed_lines: pl.DataFrame,
    remaining_postings: pl.DataFrame,
    activity: pl.DataFrame,
    entry_items: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """The agreed lines summed over value entries that no view tells apart, each under the first of them.

    ``value_entry_no`` stands for all entries of the same item, place, posting group, dimensions and types;
    of WIP and variances also of the same order line. ``document_no`` is kept where something on the document
    doesn't agree, else null. ``posting_date`` is the last. Debit positive, in both ledgers the same.
    """
    alike = _alike(entry_items, _documents_in_doubt(remaining_postings, activity, books), books)
    first = pl.when(pl.col("account_role").is_in(OF_ORDERS)).then("_of_order").otherwise("_of_place")
    return (
        agreed_lines.select("value_entry_no", *KIND, "posting_date", "amount")
        .join(alike, on="value_entry_no", how="left", validate="m:1")
        .group_by(*KIND, first.alias("value_entry_no"), "document_no")
        .agg(pl.col("posting_date").max(), pl.col("amount").sum().cast(AMOUNT))
        .with_columns(pl.col(KIND).cast(pl.String))
    )


def _alike(entry_items: pl.DataFrame, documents: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The first of all value entries that are alike, by place and by order line, and documents in doubt."""
    items = entry_items.select("value_entry_no", pl.col("item_no").alias("_item"))
    number = pl.col("value_entry_no").min()
    return (
        books.value_entries.select("value_entry_no", "document_no", *PLACE, *ORDER)
        .join(items, on="value_entry_no", how="left", validate="1:1")
        .join(documents, on="document_no", how="left", validate="m:1")
        .with_columns(_of_place=number.over("_item", *PLACE))
        .select(
            "value_entry_no", "_of_place", number.over("_of_place", *ORDER).alias("_of_order"),
            pl.when("_is_in_doubt").then("document_no").alias("document_no"),
        )
    )  # fmt: skip


def _documents_in_doubt(
    remaining_postings: pl.DataFrame, activity: pl.DataFrame, books: Books
) -> pl.DataFrame:
    entries = books.value_entries.join(remaining_postings, on="value_entry_no", how="semi")
    documents = pl.concat([entries.select("document_no"), activity.select("document_no")])
    return documents.unique().with_columns(_is_in_doubt=True)


def _as_categories(lines: pl.DataFrame, accounts: pl.Enum) -> pl.DataFrame:
    """Accounts, roles and kinds as categories: they are compared and grouped as numbers, in a third of the
    time. An account that no G/L line has ever had becomes null: no line can agree there.
    """
    roles = pl.Enum(ROLES)
    keys = {c: pl.Enum(lines[c].drop_nulls().unique().sort()) for c in SETUP_KEY}
    return lines.with_columns(
        *(pl.col(c).cast(kind) for c, kind in keys.items()),
        pl.col("account_no").cast(accounts, strict=False),
        pl.col("account_role", "balancing_role").cast(roles),
        pl.col("cost_kind").cast(pl.Enum(COST_KINDS)),
    )


def _line() -> pl.Expr:
    """Value entry and account as one number; a join on it costs a third of one on number and text."""
    return pl.col("value_entry_no") * 2**31 + pl.col("account_no").to_physical().cast(pl.Int64)


def _pieces(books: Books, unbalanced: pl.DataFrame, accounts: pl.Enum) -> pl.DataFrame:
    """G/L lines that inventory posting wrote for one value entry alone and that nothing took back."""
    number = pl.col("gl_entry_no")
    is_shared = (number == number.shift()) | (number == number.shift(-1))  # relations are in their order
    reversed_lines = books.gl_entries["reverses"].drop_nulls().implode()
    broken = unbalanced["transaction_no"].implode()
    plain = books.gl_entries.filter(
        pl.col("origin").is_in(POSTED_BY)
        & pl.col("reversed_by").is_null()
        & pl.col("reverses").is_null()
        & ~number.is_in(reversed_lines)
        & ~pl.col("transaction_no").is_in(broken).fill_null(False)
    ).with_columns(pl.col("account_no").cast(accounts))
    return (
        books.relations.filter(~is_shared.fill_null(False))
        .join(plain, on="gl_entry_no", how="inner", validate="1:1")
        .select("gl_entry_no", _line().alias("_line"), *(pl.col(c).alias(f"held_{c}") for c in HELD))
    )


def _dimensions(books: Books) -> pl.DataFrame:
    return books.value_entries.select("value_entry_no", "dimension_set_id")


def _agrees(books: Books) -> pl.Expr:
    """Posted in full and held in full, on the day and with the dimensions of the entry."""
    amount, acy = pl.col("amount"), pl.col("amount_acy")
    own, held = pl.col("dimension_set_id"), pl.col("held_dimension_set_id")
    are_given = pl.lit("dimension_set_id" in books.given["gl_entry"])
    return (
        (pl.col("posted_amount") == amount)
        & (pl.col("held_amount") == amount)
        & (pl.col("posted_amount_acy") == acy)
        & (pl.col("held_amount_acy") == acy)
        & (pl.col("held_posting_date") == pl.col("posting_date"))
        & (pl.col("posting_date") <= books.as_of)
        & (own.eq_missing(held) | ~are_given)
    ).fill_null(False)
