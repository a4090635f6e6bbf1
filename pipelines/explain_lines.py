"""Differences of expected lines: what is open, what is posted without lines, what the lines say
otherwise.

Here: the predicates behind the causes of a value entry's lines, and their rows. Not here: G/L lines
without a value entry (``explain_ledger``), the order and words of the causes (``causes.csv``,
``explain``).
"""

import polars as pl

from schemas.ledger import CONTROLLED_ROLES, Books
from schemas.marts import COST_KINDS
from schemas.money import AMOUNT

KEY = ["value_entry_no", "cost_kind", "account_role"]
LAYERS = ("row", "open", "link", "posted", "lines")
NON_INVENTORY = ("Direct Cost - Non Inventory", "Material - Non Inventory")
MOST_TIMES = 5
HELD = ("held", "held_acy", "held_until", "held_acy_until", "on_account_until", "on_account_acy_until")


def line_findings(
    expected_postings: pl.DataFrame,
    actual_postings: pl.DataFrame,
    account_scope: pl.DataFrame,
    unbalanced: pl.DataFrame,
    orphans: pl.DataFrame,
    books: Books,
    causes: pl.DataFrame,
    setup_messages: pl.DataFrame,
) -> pl.DataFrame:
    """Rows of findings on value entries, in the raw shape of ``explain``: one row per account that a
    finding touches.

    L - E = (P - E) + (L - P): a line takes the first cause of ``causes`` whose predicate holds; where
    none holds the amounts agree, and dates, dimensions and the additional currency are compared. Amounts
    count up to as-of.
    """
    examined = _examined(expected_postings, actual_postings, books)
    expected = expected_postings.join(examined, on="value_entry_no", how="semi")
    actual = actual_postings.join(examined, on="value_entry_no", how="semi")
    compressible = _compressible(books, actual_postings)
    lines = _lines(expected, actual, compressible, unbalanced, orphans, books, setup_messages)
    named = lines.with_columns(
        cause=pl.when(pl.col("is_suspect")).then(_first_cause(causes, LAYERS)),
        expected_until=pl.col("expected_until").fill_null(pl.col("amount")),
    )
    pieces = _pieces(actual, named, books)
    rows = [
        _own_account(named, books),
        _moved(pieces, named),
        _beside(actual_postings, expected_postings, unbalanced, orphans, books),
        _refused(expected_postings, actual_postings, books),
        _handled(expected_postings, books),
        *_agreeing(named, pieces, books),
    ]
    return (
        pl.concat(rows, how="diagonal_relaxed")
        .pipe(_with_relation_problem, orphans)
        .pipe(_counting, account_scope)
    )


def _with_relation_problem(rows: pl.DataFrame, orphans: pl.DataFrame) -> pl.DataFrame:
    """The G/L entries that relation rows of the value entry name and the G/L lacks, in words."""
    missing = (
        orphans.filter(pl.col("lacks") == "gl_entry")
        .group_by("value_entry_no")
        .agg(pl.col("gl_entry_no").unique().sort().cast(pl.String).str.join(", ").alias("_missing"))
        .select(
            "value_entry_no",
            pl.format(
                "Relation rows tie value entry {} to G/L entries that don't exist ({})",
                "value_entry_no", "_missing",
            ).alias("_of_entry"),
        )
    )  # fmt: skip
    return (
        rows.join(missing, on="value_entry_no", how="left", validate="m:1")
        .with_columns(relation_problem=pl.coalesce("relation_problem", "_of_entry"))
        .drop("_of_entry")
    )


def _examined(expected_postings: pl.DataFrame, actual_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The value entries that may have anything to tell.

    Of all others every line has one G/L piece, and it agrees in amounts, account, date and dimensions.
    Telling them apart first spares nearly all entries the claim by claim examination: at a million
    entries 2 s of processor time instead of 16. A line's key is one number, since a join on the three
    columns takes twice as long.
    """
    roles = pl.Enum(expected_postings["account_role"].drop_nulls().unique().sort())
    kind = pl.col("cost_kind").cast(pl.Enum(COST_KINDS)).to_physical().cast(pl.Int64)
    role = pl.col("account_role").cast(roles, strict=False).to_physical().cast(pl.Int64)
    line = ((pl.col("value_entry_no") * len(COST_KINDS) + kind) * len(roles.categories) + role).alias("_line")
    has_acy = "additional_currency_amount" in books.given["gl_entry"]
    pieces = actual_postings.filter(pl.col("cost_kind").is_not_null()).select(
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
        expected_postings.filter(pl.col("outcome") == "posted")
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
    expected_postings: pl.DataFrame,
    actual_postings: pl.DataFrame,
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
    posted = expected_postings.filter(pl.col("outcome") == "posted").drop(
        "entry_type", "variance_type", "item_ledger_entry_type", strict=False
    )
    posted = _with_held(posted, _held(actual_postings, posted, unbalanced, books))
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
                is_switched_on=pl.lit(books.switches.expected_cost_posting),
            )
            .pipe(_with_entry_claims, expected_postings)
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
    actual_postings: pl.DataFrame, posted: pl.DataFrame, unbalanced: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """Per expected line what the G/L holds of it: L over all dates, and up to as-of on its own account."""
    until = pl.col("posting_date") <= books.as_of
    own = pl.col("account_no").eq_missing(pl.col("own_account"))
    return (
        actual_postings.filter(pl.col("cost_kind").is_not_null())
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


def _with_entry_claims(lines: pl.DataFrame, expected_postings: pl.DataFrame) -> pl.DataFrame:
    """What holds for a whole entry: refused, its actual part open, posted a whole number of times, in a
    broken transaction.
    """
    refused = expected_postings.filter(pl.col("outcome") == "refused")["value_entry_no"].unique().implode()
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


def _compressible(books: Books, actual_postings: pl.DataFrame) -> pl.DataFrame:
    """Accounts that hold a compression line which no value entry claims."""
    return (
        books.gl_entries.filter(pl.col("origin") == "compression")
        .join(actual_postings, on="gl_entry_no", how="anti")
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


def predicates() -> dict[str, pl.Expr]:
    """The claims that ``causes.csv`` names, about one expected line."""
    posted, held = pl.col("posted_amount"), pl.col("held")
    has_lines = pl.col("pieces") > 0
    is_expected = pl.col("cost_kind") == "expected"
    queued = pl.col("is_queued")
    odd_flag = (posted != 0) & (posted != pl.col("amount")) & (posted != pl.col("own_amount"))
    no_flag = (posted == 0) & (pl.col("amount") != 0) & has_lines
    stranded = (
        is_expected & (pl.col("is_fully_invoiced") | ~pl.col("is_switched_on")) & ~pl.col("is_actual_open")
    )
    is_off = (posted != held) & ~pl.col("is_netted")
    is_bare = _is_posted() & ~has_lines & ~pl.col("is_netted")
    return {
        "refused_and_open": pl.col("is_refused") & _is_open() & ~has_lines,
        "on_blank_account": pl.col("has_blank_account"),
        "flag_is_neither": odd_flag | no_flag,
        "open_and_stranded": _is_open() & stranded & ~queued.fill_null(False),
        "open_and_missing_from_queue": _is_open() & ~queued.fill_null(True),
        "open_and_setup_fails": _is_open() & pl.col("message").is_not_null(),
        "open": _is_open(),
        "orphan_named": _is_posted() & is_off & pl.col("is_orphan"),
        "in_unbalanced_transaction": _is_posted() & is_off & pl.col("imbalance").is_not_null(),
        "lost_to_compression": is_bare & pl.col("is_compressible"),
        "non_inventory_without_lines": is_bare & pl.any_horizontal(
            pl.col("entry_type", "variance_type").is_in(NON_INVENTORY)
        ),
        "without_lines": is_bare,
        "reversed_by_linked_lines": _is_posted() & has_lines & (held == 0) & pl.col("is_reversed"),
        "multiple_of_posted": pl.col("is_repeated").fill_null(False),
        "wip_moved": (pl.col("account_role") == "wip") & pl.col("is_moved"),
        "moved": pl.col("is_moved"),
        "amount_differs": has_lines & is_off,
    }  # fmt: skip


def _first_cause(causes: pl.DataFrame, layers: tuple[str, ...]) -> pl.Expr:
    claims = predicates()
    tried = causes.filter(pl.col("layer").is_in(layers)).sort("order")
    return pl.coalesce(
        *(
            pl.when(claims[row["predicate"]]).then(pl.lit(row["cause"]))
            for row in tried.iter_rows(named=True)
        ),
        pl.lit(None, pl.String),
    )


TEXT_FIELDS = (
    "entry_type", "item_ledger_entry_type", "own_amount", "posted_amount", "message", "key_1", "key_2",
    "old_account",
    "new_account", "moved_amount", "imbalance", "transaction_no", "setup_table", "gl_posting_date",
)  # fmt: skip


def _own_account(named: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The row on the account that today's setup gives: expected there against held there."""
    troubled = named.filter(pl.col("cause").is_not_null()).with_columns(
        expected_amount="expected_until",
        actual_amount="on_account_until",
        difference_acy=pl.col("on_account_acy_until") - pl.col("expected_acy_until"),
        new_account="account_no",
        moved_amount="posted_amount",
        transaction_no="broken_transaction",
        inferred=pl.col("inferred").fill_null(not books.has_relations) & (pl.col("posted_amount") != 0),
    )
    touched = (pl.col("expected_amount") != 0) | (pl.col("actual_amount") != 0) | (pl.col("held_until") != 0)
    return troubled.filter(touched).select(
        "cause", "cost_kind", "account_no", "account_role", "posting_date", "value_entry_no", "gl_entry_no",
        "expected_amount", "actual_amount", "difference_acy", "inferred", *TEXT_FIELDS,
    )  # fmt: skip


def _pieces(actual_postings: pl.DataFrame, named: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Pieces of lines beside what is said of the line; those after as-of are kept for their dates."""
    entries = books.value_entries.select(
        "value_entry_no", "entry_type", "item_ledger_entry_type", "dimension_set_id", "wip_writeoff"
    )
    said = named.drop(entries.columns[1:]).join(entries, on="value_entry_no", how="left").select(
        *KEY, "cause", "amount", "posted_amount", "own_amount", "message", "key_1", "key_2", "setup_table",
        "held",
        "imbalance", "broken_transaction", "entry_type", "item_ledger_entry_type", "dimension_set_id",
        "wip_writeoff",
        pl.col("account_no").alias("new_account"), pl.col("posting_date").alias("entry_date"),
    )  # fmt: skip
    return (
        actual_postings.filter(pl.col("cost_kind").is_not_null())
        .join(said, on=KEY, how="inner", validate="m:1", suffix="_line")
        .with_columns(is_until=pl.col("posting_date") <= books.as_of)
    )


def _moved(pieces: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Rows on accounts other than today's: what stands there. Only what was posted has moved; the rest is
    a mismatch.
    """
    moved = pieces.filter(
        pl.col("cause").is_not_null()
        & ~pl.col("account_no").eq_missing(pl.col("new_account"))
        & pl.col("is_until")
    ).with_columns(
        old_account="account_no",
        gl_posting_date="posting_date",
        transaction_no="broken_transaction",
        posting_date="entry_date",
        expected_amount=pl.lit(0, AMOUNT),
    )
    by_setup = pl.col("cause").is_in(["account_changed", "wip_account_changed"])
    is_first = pl.col("gl_entry_no") == pl.col("gl_entry_no").min().over(KEY)
    excess = (
        pl.when(by_setup & is_first)
        .then(pl.col("held") - pl.col("posted_amount"))
        .otherwise(pl.lit(0, AMOUNT))
    )
    columns = [
        "cause", "cost_kind", "account_no", "account_role", "posting_date", "value_entry_no", "gl_entry_no",
        "expected_amount", "actual_amount", "difference_acy", "inferred", *TEXT_FIELDS,
    ]  # fmt: skip
    split = moved.with_columns(_excess=excess)
    kept = split.with_columns(
        actual_amount=pl.col("amount") - pl.col("_excess"),
        difference_acy=pl.col("amount_acy"),
        moved_amount=pl.col("amount") - pl.col("_excess"),
    )
    rest = split.filter(pl.col("_excess") != 0).with_columns(
        cause=pl.lit("amount_mismatch"),
        actual_amount="_excess",
        difference_acy=pl.lit(0, AMOUNT),
        moved_amount="_excess",
    )
    return pl.concat([kept.select(columns), rest.select(columns)])


def _beside(
    actual_postings: pl.DataFrame,
    expected_postings: pl.DataFrame,
    unbalanced: pl.DataFrame,
    orphans: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """Linked amounts that no expected line claims: extra lines of an entry, and what a posting group
    leaves over. The rest of a group that a missing value entry belonged to rests on that entry.
    """
    missing_entries = (
        orphans.filter(pl.col("lacks") == "value_entry")
        .group_by("gl_entry_no")
        .agg(
            pl.col("value_entry_no").min().alias("missing_value_entry_no"),
            pl.col("value_entry_no").unique().sort().cast(pl.String).str.join(", ").alias("_missing"),
        )
    )
    of_group = pl.col("value_entry_no").is_null()
    refused = expected_postings.filter(pl.col("outcome") == "refused")["value_entry_no"].unique().implode()
    loose = actual_postings.filter(
        pl.col("cost_kind").is_null() & (pl.col("posting_date") <= books.as_of)
    ).join(unbalanced.select("transaction_no", "imbalance"), on="transaction_no", how="left", validate="m:1")
    group_sums = (
        actual_postings.filter(pl.col("cost_kind").is_not_null())
        .join(loose, on="gl_entry_no", how="semi")
        .group_by("gl_entry_no")
        .agg(pl.col("amount").sum().alias("_claimed"))
    )
    return (
        loose.join(group_sums, on="gl_entry_no", how="left", validate="m:1")
        .join(missing_entries, on="gl_entry_no", how="left", validate="m:1")
        .with_columns(missing_value_entry_no=pl.when(of_group).then("missing_value_entry_no"))
        .with_columns(
            cause=pl.when(pl.col("account_no").is_null()).then(pl.lit("deleted_account"))
            .when(pl.col("amount") == 0).then(pl.lit("acy_mismatch"))
            .when(pl.col("value_entry_no").is_in(refused).fill_null(False)).then(pl.lit("invalid_combination"))
            .when(pl.col("missing_value_entry_no").is_not_null()).then(pl.lit("orphan_relation"))
            .when(pl.col("imbalance").is_not_null()).then(pl.lit("one_sided"))
            .otherwise(pl.lit("amount_mismatch")),
            expected_amount=pl.col("_claimed").fill_null(0).cast(AMOUNT),
            gl_posting_date="posting_date",
        )
        .with_columns(
            cost_kind=pl.when(pl.col("cause") == "invalid_combination")
            .then(pl.lit("actual"))
            .otherwise("cost_kind")
        )
        .with_columns(
            actual_amount=pl.col("expected_amount") + pl.col("amount"),
            difference_acy="amount_acy",
        )
        .select(
            "cause", "cost_kind", "account_no", "account_role", "posting_date", "value_entry_no",
            "gl_entry_no",
            "expected_amount", "actual_amount", "difference_acy", "inferred", "imbalance", "transaction_no",
            "gl_posting_date",
            pl.when(pl.col("cause") == "orphan_relation").then("missing_value_entry_no"),
            pl.format("Relation rows tie G/L entry {} to value entries that don't exist ({})",
                      "gl_entry_no", "_missing").alias("relation_problem"),
        )
    )  # fmt: skip


def _refused(expected_postings: pl.DataFrame, actual_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Parts that BC refuses and never posted: no lines are expected; the amount is told, the difference
    is 0.
    """
    types = books.value_entries.select("value_entry_no", "item_ledger_entry_type", "entry_type")
    return (
        expected_postings.filter((pl.col("outcome") == "refused") & (pl.col("posting_date") <= books.as_of))
        .join(actual_postings.filter(pl.col("cost_kind").is_null()), on="value_entry_no", how="anti")
        .drop("item_ledger_entry_type", "entry_type", strict=False)
        .join(types, on="value_entry_no", how="left", validate="m:1")
        .with_columns(
            cause=pl.lit("invalid_combination"), expected_amount="own_amount", is_notice=pl.lit(True)
        )
        .select(
            "cause", "cost_kind", "posting_date", "value_entry_no", "expected_amount", "is_notice",
            "own_amount",
            "item_ledger_entry_type", "entry_type",
        )
    )  # fmt: skip


def _handled(expected_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Non-inventory cost met while its switch was off: handled without G/L lines, and nothing is missing."""
    entries = books.value_entries.select(
        "value_entry_no", "is_queued", "location_code", "inventory_posting_group"
    )
    account = books.posting_accounts.filter(pl.col("account_role") == "inventory").select(
        pl.col("key_1").alias("location_code"), pl.col("key_2").alias("inventory_posting_group"), "account_no"
    )
    return (
        expected_postings.filter(
            (pl.col("outcome") == "ignored")
            & ((pl.col("cost_kind") == "actual") | (pl.col("posted_amount") != 0))
            & (pl.col("posting_date") <= books.as_of)
        )
        .drop("account_no")
        .join(entries, on="value_entry_no", how="left", validate="m:1")
        .filter(~pl.col("is_queued").fill_null(False))
        .join(account, on=["location_code", "inventory_posting_group"], how="left", validate="m:1")
        .with_columns(
            cause=pl.lit("handled_without_posting"), account_role=pl.lit("inventory"),
            expected_amount="own_amount",
            is_notice=pl.lit(True),
        )
        .select(
            "cause", "cost_kind", "account_no", "account_role", "posting_date", "value_entry_no",
            "expected_amount",
            "is_notice", "own_amount",
        )
    )  # fmt: skip


def _agreeing(named: pl.DataFrame, pieces: pl.DataFrame, books: Books) -> list[pl.DataFrame]:
    """Lines whose amounts agree: dates, dimensions and additional currency may still differ."""
    calm = pieces.filter(pl.col("cause").is_null())
    common = ("cost_kind", "account_no", "account_role", "value_entry_no", "gl_entry_no", "inferred")
    dated = calm.filter(
        (pl.col("posting_date") != pl.col("entry_date"))
        & ((pl.col("entry_date") <= books.as_of) | pl.col("is_until"))
        & (pl.lit(books.has_relations) | (pl.col("wip_writeoff") != "at_finish"))
    ).select(
        *common,
        cause=pl.lit("posting_date_mismatch"),
        posting_date="entry_date",
        gl_posting_date="posting_date",
        expected_amount=pl.when(pl.col("entry_date") <= books.as_of)
        .then("amount")
        .otherwise(pl.lit(0, AMOUNT)),
        actual_amount=pl.when("is_until").then("amount").otherwise(pl.lit(0, AMOUNT)),
        difference_acy=pl.lit(0, AMOUNT),
    )
    dimensioned = calm.filter(
        (pl.col("dimension_set_id") != pl.col("dimension_set_id_line")) & pl.col("is_until")
    ).select(
        *common,
        cause=pl.lit("dimension_mismatch"),
        posting_date="entry_date",
        expected_amount="amount",
        actual_amount="amount",
        difference_acy=pl.lit(0, AMOUNT),
        gl_dimension_set_id="dimension_set_id",
        entry_dimension_set_id="dimension_set_id_line",
    )
    has_acy = "additional_currency_amount" in books.given["gl_entry"]
    currency = named.filter(
        pl.col("cause").is_null()
        & (pl.col("pieces") > 0)
        & (pl.col("held_acy") != pl.col("posted_amount_acy"))
        & (pl.col("posting_date") <= books.as_of)
        & pl.lit(has_acy)
    ).select(
        *common,
        cause=pl.lit("acy_mismatch"),
        posting_date="posting_date",
        expected_amount="expected_until",
        actual_amount="expected_until",
        difference_acy=pl.col("held_acy") - pl.col("posted_amount_acy"),
    )
    return [dated, dimensioned, currency]


def _counting(rows: pl.DataFrame, account_scope: pl.DataFrame) -> pl.DataFrame:
    """Leaves out rows of other roles on a controlled account: there they are other activity, not a
    difference. A finding that has no other row stays, as a notice without a difference.
    """
    controlled = account_scope.filter("is_controlled")["account_no"].drop_nulls().implode()
    is_other_role = ~pl.col("account_role").is_in(CONTROLLED_ROLES) & pl.col("account_no").is_in(controlled)
    has_amount = pl.col("expected_amount") != pl.col("actual_amount")
    line = pl.when(pl.col("value_entry_no").is_null()).then("gl_entry_no")
    is_beside = (is_other_role & has_amount).fill_null(False)
    is_alone = is_beside.all().over("cause", "cost_kind", "value_entry_no", line)
    return rows.filter(~is_beside | is_alone).with_columns(is_notice=pl.col("is_notice") | is_beside)
