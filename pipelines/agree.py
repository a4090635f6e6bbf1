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
    """The expected lines of value entries in which both ledgers agree, each with its G/L line.

    An entry agrees when it was posted in full, up to as-of, and each of its lines stands in the G/L on its
    account, date and dimensions, in both currencies: as a line of its own, or in the sum of a posting group
    whose entries all agree. No other G/L line may be linked to it, and none of its lines was reversed,
    reverses another, or stands in a transaction that doesn't balance. Amounts are debit positive: what must
    be, was posted and stands there.

    Of such an entry no cause can fit, and no other entry can claim its lines. Without a relation table no
    entry is taken to agree: its links have to be inferred first. Accounts, roles and kinds are categories.
    """
    accounts = pl.Enum(books.gl_entries["account_no"].drop_nulls().unique().sort())
    posted = resolved_postings.filter(pl.col("outcome") == "posted").pipe(_as_categories, accounts)
    if not books.has_relations:
        return posted.clear().with_columns(gl_entry_no=pl.lit(None, pl.Int64)).select(LINE)
    lines = posted.with_row_index("_row").with_columns(_line=_line())
    linked = _linked(books, unbalanced, accounts)
    demanded = lines.select(
        "_row", "_line", "value_entry_no", "balancing_role", "account_role", "posting_date", *COMPARED
    )
    agreeing = pl.concat([_alone(demanded, linked, books), _in_groups(demanded, linked, books)])
    held = _placed(agreeing["_row"], agreeing["gl_entry_no"], lines.height)
    is_linked = _placed(agreeing["_pair"], agreeing["gl_entry_no"], books.relations.height).is_not_null()
    in_doubt = pl.concat(
        [
            lines.filter(held.is_null()).select("value_entry_no"),
            books.relations.filter(~is_linked).select("value_entry_no"),
            resolved_postings.filter(pl.col("outcome") == "refused").select("value_entry_no"),
        ]
    ).unique()
    entries = _with_their_groups(in_doubt, books)["value_entry_no"].implode()
    return lines.with_columns(gl_entry_no=held).filter(~pl.col("value_entry_no").is_in(entries)).select(LINE)


def _placed(places: pl.Series, values: pl.Series, size: int) -> pl.Series:
    """The values at their places, null elsewhere; a tenth of the time of a join on the place."""
    return pl.Series("gl_entry_no", [None], pl.Int64).new_from_index(0, size).scatter(places, values)


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
    last of each, ``has_amounts`` whether any of them has an amount in local currency.
    """
    sums = agreed_lines.group_by(TOTALS).agg(
        pl.col("amount").sum().cast(AMOUNT),
        pl.col("gl_entry_no").max(),
        (pl.col("amount") != 0).any().alias("has_amounts"),
    )
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


def _linked(books: Books, unbalanced: pl.DataFrame, accounts: pl.Enum) -> pl.DataFrame:
    """The relation rows to lines that inventory posting wrote and that nothing took back; ``is_shared``:
    other value entries are linked to the same line.
    """
    number = pl.col("gl_entry_no")
    reversed_lines = books.gl_entries["reverses"].drop_nulls().implode()
    broken = unbalanced["transaction_no"].implode()
    plain = books.gl_entries.filter(
        pl.col("origin").is_in(POSTED_BY)
        & pl.col("reversed_by").is_null()
        & pl.col("reverses").is_null()
        & ~number.is_in(reversed_lines)
        & ~pl.col("transaction_no").is_in(broken).fill_null(False)
    ).select(number, pl.col("account_no").cast(accounts), *(pl.col(c).alias(f"held_{c}") for c in HELD))
    return (
        books.relations.with_row_index("_pair")
        .with_columns(is_shared=_is_shared())
        .join(plain, on="gl_entry_no", how="inner", validate="m:1")
        .select("_pair", "gl_entry_no", "is_shared", _line().alias("_line"), *(f"held_{c}" for c in HELD))
    )


def _is_shared() -> pl.Expr:
    """Whether another relation row leads to the same G/L line; the rows are in the order of the lines."""
    number = pl.col("gl_entry_no")
    return ((number == number.shift()) | (number == number.shift(-1))).fill_null(False)


def _alone(demanded: pl.DataFrame, linked: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Lines that stand in the G/L as they are, each in one line that is linked to its entry alone."""
    found = (
        _beside(demanded.lazy(), linked.lazy().filter(~pl.col("is_shared")), books)
        .filter(pl.col("_agrees") & _is_held("amount", "amount_acy"))
        .select("_row", "_pair", "gl_entry_no")
        .collect(engine="streaming")
    )
    return found.filter(pl.col("_row").is_unique() & pl.col("gl_entry_no").is_unique())


def _in_groups(demanded: pl.DataFrame, linked: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Lines that stand in the G/L as the sum of a posting group, all of one role and of the sum's sign. A
    group in which one line is as large as the sum is left to ``link``, which tries single lines first.
    """
    shared = linked.filter("is_shared")
    members = shared.group_by("gl_entry_no").agg(pl.len().alias("_members"))
    sides = _is_debit("") == _is_debit("held_")
    claims = _beside(demanded.lazy(), shared.lazy(), books).filter(sides).collect(engine="streaming")
    sums = claims.group_by("gl_entry_no").agg(
        pl.col("_agrees").all(),
        pl.col("amount", "amount_acy").sum(),
        pl.col("held_amount", "held_amount_acy").first(),
        _is_held("amount", "amount_acy").any().alias("_is_whole"),
        pl.col("value_entry_no").n_unique().alias("_claiming"),
        pl.struct("account_role", "balancing_role").n_unique().alias("_roles"),
    )
    agreeing = sums.join(members, on="gl_entry_no", how="inner", validate="1:1").filter(
        pl.col("_agrees") & _is_held("amount", "amount_acy")
        & ~pl.col("_is_whole")
        & (pl.col("_claiming") == pl.col("_members"))
        & (pl.col("_roles") == 1)
    )  # fmt: skip
    return (
        claims.join(agreeing, on="gl_entry_no", how="semi")
        .filter(pl.col("_row").is_unique())
        .select("_row", "_pair", "gl_entry_no")
    )


def _beside(demanded: pl.LazyFrame, linked: pl.LazyFrame, books: Books) -> pl.LazyFrame:
    """Lines beside those on their account that are linked to their entry; ``_agrees``: but for amounts."""
    own, held = pl.col("dimension_set_id"), pl.col("held_dimension_set_id")
    are_given = pl.lit("dimension_set_id" in books.given["gl_entry"])
    agrees = (
        (pl.col("posted_amount") == pl.col("amount"))
        & (pl.col("posted_amount_acy") == pl.col("amount_acy"))
        & (pl.col("held_posting_date") == pl.col("posting_date"))
        & (pl.col("posting_date") <= books.as_of)
        & (own.eq_missing(held) | ~are_given)
    )
    dimensions = books.value_entries.lazy().select("value_entry_no", "dimension_set_id")
    return (
        demanded.join(linked, on="_line", how="inner")
        .join(dimensions, on="value_entry_no", how="left", validate="m:1")
        .with_columns(_agrees=agrees.fill_null(False))
    )


def _is_held(*amounts: str) -> pl.Expr:
    return pl.all_horizontal(pl.col(f"held_{amount}") == pl.col(amount) for amount in amounts)


def _is_debit(prefix: str) -> pl.Expr:
    """BC's sign flag: a credit when the local or the additional-currency amount is negative."""
    return ~((pl.col(f"{prefix}amount") < 0) | (pl.col(f"{prefix}amount_acy") < 0))


def _with_their_groups(in_doubt: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The entries in doubt and all that stand in one sum with them, or with one of those."""
    shared = books.relations.filter(_is_shared())
    found, newly = in_doubt, in_doubt
    while newly.height:
        lines = shared.join(newly, on="value_entry_no", how="semi")
        together = shared.join(lines, on="gl_entry_no", how="semi").select("value_entry_no").unique()
        newly = together.join(found, on="value_entry_no", how="anti")
        found = pl.concat([found, newly])
    return found
