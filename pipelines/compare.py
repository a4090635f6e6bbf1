"""Compares each expected line with what the G/L holds of it: E, P and L side by side.

Here: the lines that may have something to tell, and the claims about each that a cause can rest on. Not
here: which cause it is (``explain_lines``), and G/L lines without a value entry (``explain_ledger``).
"""

import polars as pl

from schemas.ledger import Books
from schemas.marts import COST_KINDS
from schemas.money import AMOUNT

KEY = ["value_entry_no", "cost_kind", "account_role"]
MOST_TIMES = 5
HELD = ("held", "held_acy", "held_until", "held_acy_until", "on_account_until", "on_account_acy_until")


def compared_lines(
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    unbalanced: pl.DataFrame,
    orphans: pl.DataFrame,
    books: Books,
    setup_messages: pl.DataFrame,
) -> pl.DataFrame:
    """The expected lines of every value entry that may have something to tell, one row a line.

    ``amount`` is E, ``posted_amount`` P, ``held`` L over all dates and ``held_until`` L up to as-of, debit
    positive, with their additional-currency twins; then the claims: ``is_open``, ``is_posted``,
    ``is_moved``, ``is_queued``, ``is_refused``, ``is_orphan``, ``is_repeated`` and so on. ``is_suspect`` is
    false where amounts and accounts agree and only date, dimensions or additional currency may differ;
    such lines carry no other claims. Entries that agree in everything are left out.
    """
    examined = _examined(remaining_postings, remaining_pieces, books)
    expected = remaining_postings.join(examined, on="value_entry_no", how="semi")
    actual = remaining_pieces.join(examined, on="value_entry_no", how="semi")
    compressible = _compressible(books, remaining_pieces)
    lines = _lines(expected, actual, compressible, unbalanced, orphans, books, setup_messages)
    return lines.with_columns(
        is_open=_is_open(),
        is_posted=_is_posted(),
        expected_until=pl.col("expected_until").fill_null(pl.col("amount")),
    )


def _examined(remaining_postings: pl.DataFrame, remaining_pieces: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The value entries that may have anything to tell.

    Of all others every line has one G/L piece, and it agrees in amounts, account, date and dimensions.
    Telling them apart first spares nearly all entries the claim by claim examination: at a million
    entries 2 s of processor time instead of 16. A line's key is one number, since a join on the three
    columns takes twice as long.
    """
    roles = pl.Enum(remaining_postings["account_role"].drop_nulls().unique().sort())
    kind = pl.col("cost_kind").cast(pl.Enum(COST_KINDS)).to_physical().cast(pl.Int64)
    role = pl.col("account_role").cast(roles, strict=False).to_physical().cast(pl.Int64)
    line = ((pl.col("value_entry_no") * len(COST_KINDS) + kind) * len(roles.categories) + role).alias("_line")
    has_acy = "additional_currency_amount" in books.given["gl_entry"]
    pieces = remaining_pieces.filter(pl.col("cost_kind").is_not_null()).select(
        line,
        pl.col("amount", "amount_acy", "account_no", "posting_date", "dimension_set_id").name.suffix(
            "_piece"
        ),
    )
    is_plain = (
        pl.col("_line").is_unique()
        & (pl.col("posted_amount") == pl.col("amount"))
        & (pl.col("amount_piece") == pl.col("amount"))
        & (pl.lit(not has_acy) | (pl.col("amount_acy_piece") == pl.col("posted_amount_acy")))
        & (pl.col("account_no_piece") == pl.col("account_no"))
        & (pl.col("posting_date_piece") == pl.col("posting_date"))
        & (pl.col("dimension_set_id_piece") == pl.col("dimension_set_id")).fill_null(True)
    ).fill_null(False)
    return (
        remaining_postings.filter(pl.col("outcome") == "posted")
        .select(line, "value_entry_no", "amount", "posted_amount", "posted_amount_acy", "account_no",
                "posting_date")
        .join(books.value_entries.select("value_entry_no", "dimension_set_id"), on="value_entry_no",
              how="left", validate="m:1")
        .join(pieces, on="_line", how="left")
        .filter(~is_plain)
        .select("value_entry_no")
        .unique()
    )  # fmt: skip


def _lines(
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    compressible: pl.DataFrame,
    unbalanced: pl.DataFrame,
    orphans: pl.DataFrame,
    books: Books,
    setup_messages: pl.DataFrame,
) -> pl.DataFrame:
    """Every line of the examined entries with E, P and L side by side and what its entry says about it."""
    entries = books.value_entries.select(
        "value_entry_no", "entry_type", "variance_type", "item_ledger_entry_type", "is_queued",
        "is_fully_invoiced",
        "dimension_set_id", "wip_writeoff",
    )  # fmt: skip
    posted = remaining_postings.filter(pl.col("outcome") == "posted").drop(
        "entry_type", "variance_type", "item_ledger_entry_type", strict=False
    )
    posted = _with_held(posted, _held(remaining_pieces, posted, unbalanced, books))
    until = pl.col("posting_date") <= books.as_of
    missing_lines = orphans.filter(pl.col("lacks") == "gl_entry")["value_entry_no"].unique().implode()
    suspects = posted.filter(~_agrees()).select("value_entry_no").unique()
    calm = posted.join(suspects, on="value_entry_no", how="anti").with_columns(is_suspect=pl.lit(False))
    return pl.concat(
        [
            posted.join(suspects, on="value_entry_no", how="semi")
            .join(entries, on="value_entry_no", how="left", validate="m:1")
            .pipe(_with_message, setup_messages)
            .with_columns(
                is_suspect=pl.lit(True),
                expected_until=pl.when(until).then("amount").otherwise(pl.lit(0, AMOUNT)),
                expected_acy_until=pl.when(until).then("amount_acy").otherwise(pl.lit(0, AMOUNT)),
                is_orphan=pl.col("value_entry_no").is_in(missing_lines),
                is_loaded=_is_loaded(books),
                is_switched_on=pl.lit(books.switches.expected_cost_posting),
            )
            .pipe(_with_entry_claims, remaining_postings)
            .pipe(_with_netted_groups, books)
            .join(compressible, on="account_no", how="left", validate="m:1")
            .with_columns(
                is_compressible=pl.col("is_compressible").fill_null(False) & _in_compressed_period(books)
            ),
            calm,
        ],
        how="diagonal",
    )


def _with_held(posted: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    return posted.join(held, on=KEY, how="left", validate="1:1").with_columns(
        pl.col(HELD).fill_null(0).cast(AMOUNT),
        pl.col("pieces").fill_null(0),
        pl.col("has_blank_account", "is_moved", "is_reversed").fill_null(False),
    )


def _agrees() -> pl.Expr:
    """Posted in full, held in full, on the account that the setup gives: no cause can fit, only dates may
    differ.
    """
    return (
        (pl.col("posted_amount") == pl.col("amount"))
        & (pl.col("held") == pl.col("posted_amount"))
        & (pl.col("pieces") > 0)
        & ~pl.col("is_moved")
        & ~pl.col("has_blank_account")
    )


def _held(
    remaining_pieces: pl.DataFrame, posted: pl.DataFrame, unbalanced: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """Per expected line what the G/L holds of it: L over all dates, and up to as-of on its own account."""
    until = pl.col("posting_date") <= books.as_of
    own = pl.col("account_no").eq_missing(pl.col("own_account"))
    return (
        remaining_pieces.filter(pl.col("cost_kind").is_not_null())
        .join(
            posted.select(*KEY, pl.col("account_no").alias("own_account")),
            on=KEY,
            how="inner",
            validate="m:1",
        )
        .join(
            unbalanced.select("transaction_no", "imbalance"), on="transaction_no", how="left", validate="m:1"
        )
        .sort("gl_entry_no")
        .group_by(KEY, maintain_order=True)
        .agg(
            pl.col("amount").sum().alias("held"),
            pl.col("amount_acy").sum().alias("held_acy"),
            pl.col("amount").filter(until).sum().alias("held_until"),
            pl.col("amount_acy").filter(until).sum().alias("held_acy_until"),
            pl.col("amount").filter(until & own).sum().alias("on_account_until"),
            pl.col("amount_acy").filter(until & own).sum().alias("on_account_acy_until"),
            pl.len().alias("pieces"),
            pl.col("account_no").is_null().any().alias("has_blank_account"),
            (~own).any().alias("is_moved"),
            pl.col("account_no").filter(~own).first().alias("old_account"),
            pl.col("reversed_by").is_not_null().any().alias("is_reversed"),
            pl.col("gl_entry_no").first(),
            pl.col("posting_date").first().alias("gl_posting_date"),
            pl.col("dimension_set_id").first().alias("gl_dimension_set_id"),
            (pl.col("posting_date").n_unique() > 1).alias("has_many_dates"),
            pl.col("imbalance").drop_nulls().first(),
            pl.col("transaction_no")
            .filter(pl.col("imbalance").is_not_null())
            .first()
            .alias("broken_transaction"),
            pl.col("inferred").any(),
        )
    )


def _with_message(lines: pl.DataFrame, setup_messages: pl.DataFrame) -> pl.DataFrame:
    """What BC's test report would say about the entry: all of its open lines fall with the first that
    can't be posted.
    """
    text = setup_messages.select(pl.col("problem").alias("setup_problem"), pl.col("message").alias("_text"))
    filled = pl.col("_text")
    for field in ("key_1", "key_2", "account_no", "role_name", "posting_date"):
        role_name = pl.col("account_role").cast(pl.String).str.replace_all("_", " ", literal=True)
        value = role_name if field == "role_name" else pl.col(field).cast(pl.String)
        shown = pl.when(value.fill_null("") == "").then(pl.lit("(blank)")).otherwise(value)
        filled = filled.str.replace_all("{" + field + "}", shown, literal=True)
    is_open = (pl.col("posted_amount") == 0) & (pl.col("amount") != 0)
    own_message = pl.when(is_open).then(filled)
    return (
        lines.join(text, on="setup_problem", how="left", validate="m:1")
        .with_columns(_message=own_message)
        .with_columns(message=pl.col("_message").drop_nulls().first().over("value_entry_no"))
        .drop("_text", "_message")
    )


def _with_entry_claims(lines: pl.DataFrame, remaining_postings: pl.DataFrame) -> pl.DataFrame:
    """What holds for a whole entry: refused, its actual part open, posted a whole number of times, in a
    broken transaction.
    """
    refused = remaining_postings.filter(pl.col("outcome") == "refused")["value_entry_no"].unique().implode()
    actual_open = (
        lines.filter((pl.col("cost_kind") == "actual") & _is_open())["value_entry_no"].unique().implode()
    )
    times = pl.coalesce(
        *(pl.when(pl.col("held") == pl.col("posted_amount") * n).then(n) for n in range(2, MOST_TIMES + 1))
    )
    was_posted = pl.col("posted_amount") != 0
    return (
        lines.with_columns(
            is_refused=pl.col("value_entry_no").is_in(refused),
            is_actual_open=pl.col("value_entry_no").is_in(actual_open),
            times=pl.when(was_posted).then(times.fill_null(0)),
        )
        .with_columns(
            is_repeated=(pl.col("times").min().over("value_entry_no") >= 2)
            & (pl.col("times").n_unique().over("value_entry_no") == 1),
        )
        .with_columns(pl.col("imbalance", "broken_transaction").drop_nulls().first().over("value_entry_no"))
    )


def _with_netted_groups(lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Posted lines whose posting group sums to 0 in both currencies: BC writes relation rows but no G/L
    line for them.
    """
    group = books.value_entries.select(
        "value_entry_no", "location_code", "inventory_posting_group", "wip_posting_group",
        "gen_bus_posting_group",
        "gen_prod_posting_group", pl.col("dimension_set_id").alias("_dimensions"),
    ).join(lines, on="value_entry_no", how="semi")  # fmt: skip
    related = books.relations.join(group, on="value_entry_no", how="semi")["value_entry_no"].implode()
    group = group.with_columns(
        _is_related=pl.col("value_entry_no").is_in(related) | pl.lit(not books.has_relations)
    )
    is_credit = (pl.col("posted_amount") < 0) | (pl.col("posted_amount_acy") < 0)
    key = (
        "posting_date", "account_role", "balancing_role", "location_code", "_group", "gen_bus_posting_group",
        "gen_prod_posting_group", "_dimensions", "_is_credit", "_is_bare",
    )  # fmt: skip
    sums_to_zero = (pl.col("posted_amount").sum().over(key) == 0) & (
        pl.col("posted_amount_acy").sum().over(key) == 0
    )
    return (
        lines.join(group, on="value_entry_no", how="left", validate="m:1")
        .with_columns(
            _group=pl.when(pl.col("account_role") == "wip")
            .then("wip_posting_group")
            .otherwise("inventory_posting_group"),
            _is_credit=is_credit,
            _is_bare=_is_posted() & (pl.col("pieces") == 0) & pl.col("_is_related"),
        )
        .with_columns(is_netted=pl.col("_is_bare") & sums_to_zero)
        .drop(group.columns[1:], "_group", "_is_credit", "_is_bare")
    )


def _is_loaded(books: Books) -> pl.Expr:
    """Stock that a migration brought in by positive adjustments up to the cut-over that the user states."""
    cut_over = pl.lit(books.opening_accounts["opening_date"].max(), pl.Date)
    is_adjustment = pl.col("item_ledger_entry_type") == "Positive Adjmt."
    return (is_adjustment & (pl.col("posting_date") <= cut_over)).fill_null(False)


def _compressible(books: Books, remaining_pieces: pl.DataFrame) -> pl.DataFrame:
    """Accounts that hold a compression line which no value entry claims."""
    return (
        books.gl_entries.filter(pl.col("origin") == "compression")
        .join(remaining_pieces, on="gl_entry_no", how="anti")
        .select("account_no")
        .unique()
        .with_columns(is_compressible=pl.lit(True))
    )


def _in_compressed_period(books: Books) -> pl.Expr:
    periods = books.compressed_periods
    if not periods.height:
        last = books.gl_entries.filter(pl.col("origin") == "compression")["posting_date"].max()
        return pl.col("posting_date") <= pl.lit(last, pl.Date).dt.month_end()
    within = (
        (pl.col("posting_date") >= start) & (pl.col("posting_date") <= end)
        for start, end in periods.select("starting_date", "ending_date").iter_rows()
    )
    return pl.any_horizontal(*within)


def _is_open() -> pl.Expr:
    return (pl.col("posted_amount") == 0) & (pl.col("amount") != 0)


def _is_posted() -> pl.Expr:
    return (pl.col("posted_amount") == pl.col("amount")) & (pl.col("posted_amount") != 0)
