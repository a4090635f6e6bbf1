"""Differences of expected lines: what is open, what is posted without lines, what the lines say
otherwise.

Here: the predicates behind the causes of a value entry's lines, and their rows. Not here: G/L lines
without a value entry (``explain_ledger``), the order and words of the causes (``causes.csv``,
``explain``).
"""

import polars as pl

from schemas.ledger import CONTROLLED_ROLES, Books
from schemas.money import AMOUNT

KEY = ["value_entry_no", "cost_kind", "account_role"]
LAYERS = ("row", "open", "link", "posted", "lines")
COMBINATION = ("own_amount", "item_ledger_entry_type", "entry_type")
NON_INVENTORY = ("Direct Cost - Non Inventory", "Material - Non Inventory")


def line_findings(
    compared_lines: pl.DataFrame,
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    account_scope: pl.DataFrame,
    unbalanced: pl.DataFrame,
    orphans: pl.DataFrame,
    books: Books,
    causes: pl.DataFrame,
) -> pl.DataFrame:
    """Rows of findings on value entries, in the raw shape of ``explain``: one row per account that a
    finding touches.

    L - E = (P - E) + (L - P): a line takes the first cause of ``causes`` whose predicate holds; where
    none holds the amounts agree, and dates, dimensions and the additional currency are compared. Amounts
    count up to as-of.
    """
    named = compared_lines.with_columns(
        cause=pl.when(pl.col("is_suspect")).then(_first_cause(causes, LAYERS))
    ).with_columns(
        message=pl.when(pl.col("cause") == "opening_balance").then(_loaded(books)).otherwise("message")
    )
    actual = remaining_pieces.join(compared_lines, on="value_entry_no", how="semi")
    pieces = _pieces(actual, named, books)
    rows = [
        _own_account(named, books),
        _moved(pieces, named),
        _beside(remaining_pieces, remaining_postings, unbalanced, orphans, books),
        _refused(remaining_postings, remaining_pieces, books),
        _handled(remaining_postings, books),
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


def _loaded(books: Books) -> pl.Expr:
    amount = pl.col("own_amount").cast(pl.Decimal(38, books.scale)).cast(pl.String)
    return pl.format(
        "Value entry {} over {}, dated {}, was loaded with the cut-over: it was never posted and isn't in "
        "the queue, its balance stands in the G/L by itself.",
        "value_entry_no", amount, "posting_date",
    )  # fmt: skip


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
    is_bare = pl.col("is_posted") & ~has_lines & ~pl.col("is_netted")
    return {
        "refused_and_open": pl.col("is_refused") & pl.col("is_open") & ~has_lines,
        "on_blank_account": pl.col("has_blank_account"),
        "flag_is_neither": odd_flag | no_flag,
        "open_and_stranded": pl.col("is_open") & stranded & ~queued.fill_null(False),
        "loaded_with_the_cut_over": pl.col("is_open") & pl.col("is_loaded") & ~queued.fill_null(False),
        "open_and_missing_from_queue": pl.col("is_open") & ~queued.fill_null(True),
        "open_and_setup_fails": pl.col("is_open") & pl.col("message").is_not_null(),
        "open": pl.col("is_open"),
        "orphan_named": pl.col("is_posted") & is_off & pl.col("is_orphan"),
        "in_unbalanced_transaction": pl.col("is_posted") & is_off & pl.col("imbalance").is_not_null(),
        "lost_to_compression": is_bare & pl.col("is_compressible"),
        "non_inventory_without_lines": is_bare & pl.any_horizontal(
            pl.col("entry_type", "variance_type").is_in(NON_INVENTORY)
        ),
        "without_lines": is_bare,
        "reversed_by_linked_lines": pl.col("is_posted") & has_lines & (held == 0) & pl.col("is_reversed"),
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


def _pieces(remaining_pieces: pl.DataFrame, named: pl.DataFrame, books: Books) -> pl.DataFrame:
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
        remaining_pieces.filter(pl.col("cost_kind").is_not_null())
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
    remaining_pieces: pl.DataFrame,
    remaining_postings: pl.DataFrame,
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
    refused = _refused_parts(remaining_postings, books).unique(
        "value_entry_no", keep="first", maintain_order=True
    )
    loose = remaining_pieces.filter(
        pl.col("cost_kind").is_null() & (pl.col("posting_date") <= books.as_of)
    ).join(unbalanced.select("transaction_no", "imbalance"), on="transaction_no", how="left", validate="m:1")
    group_sums = (
        remaining_pieces.filter(pl.col("cost_kind").is_not_null())
        .join(loose, on="gl_entry_no", how="semi")
        .group_by("gl_entry_no")
        .agg(pl.col("amount").sum().alias("_claimed"))
    )
    return (
        loose.join(group_sums, on="gl_entry_no", how="left", validate="m:1")
        .join(missing_entries, on="gl_entry_no", how="left", validate="m:1")
        .join(refused.select("value_entry_no", *COMBINATION), on="value_entry_no", how="left",
              validate="m:1")
        .with_columns(missing_value_entry_no=pl.when(of_group).then("missing_value_entry_no"))
        .with_columns(
            cause=pl.when(pl.col("account_no").is_null()).then(pl.lit("deleted_account"))
            .when(pl.col("amount") == 0).then(pl.lit("acy_mismatch"))
            .when(pl.col("own_amount").is_not_null()).then(pl.lit("invalid_combination"))
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
            "gl_posting_date", *COMBINATION,
            pl.when(pl.col("cause") == "orphan_relation").then("missing_value_entry_no"),
            pl.format("Relation rows tie G/L entry {} to value entries that don't exist ({})",
                      "gl_entry_no", "_missing").alias("relation_problem"),
        )
    )  # fmt: skip


def _refused(remaining_postings: pl.DataFrame, remaining_pieces: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Parts that BC refuses and never posted: no lines are expected; the amount is told, the difference
    is 0.
    """
    return (
        _refused_parts(remaining_postings, books)
        .filter(pl.col("posting_date") <= books.as_of)
        .join(remaining_pieces.filter(pl.col("cost_kind").is_null()), on="value_entry_no", how="anti")
        .with_columns(
            cause=pl.lit("invalid_combination"), expected_amount="own_amount", is_notice=pl.lit(True)
        )
        .select(
            "cause", "cost_kind", "posting_date", "value_entry_no", "expected_amount", "is_notice",
            *COMBINATION,
        )
    )  # fmt: skip


def _refused_parts(remaining_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The parts that BC refuses, with what it is that can't be combined."""
    types = books.value_entries.select("value_entry_no", "item_ledger_entry_type", "entry_type")
    return (
        remaining_postings.filter(pl.col("outcome") == "refused")
        .drop("item_ledger_entry_type", "entry_type", strict=False)
        .join(types, on="value_entry_no", how="left", validate="m:1")
    )


def _handled(remaining_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Non-inventory cost met while its switch was off: handled without G/L lines, and nothing is missing."""
    entries = books.value_entries.select(
        "value_entry_no", "is_queued", "location_code", "inventory_posting_group"
    )
    account = books.posting_accounts.filter(pl.col("account_role") == "inventory").select(
        pl.col("key_1").alias("location_code"), pl.col("key_2").alias("inventory_posting_group"), "account_no"
    )
    return (
        remaining_postings.filter(
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
