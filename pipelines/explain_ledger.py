"""Differences of G/L lines that no value entry accounts for, and faults of the links and transactions
themselves.

Here: what such a line is. Not here: expected lines (``explain_lines``), the words of a cause
(``causes.csv``, ``explain``).
"""

import polars as pl

from schemas.ledger import Books
from schemas.money import AMOUNT


def ledger_findings(
    activity: pl.DataFrame, unbalanced: pl.DataFrame, orphans: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """Rows of findings on G/L lines, in the raw shape of ``explain``: one row per line with something to
    explain.

    A faulty transaction or relation row comes first; then compression, reversal, inventory-cost source
    code, opening balance; the rest is a direct posting. Only lines up to as-of count; an amount of 0 is
    never a finding.
    """
    without_entry = orphans.filter(pl.col("lacks") == "value_entry").unique(
        "gl_entry_no", keep="first", maintain_order=True
    )
    lines = (
        activity.join(
            without_entry.select("gl_entry_no", pl.col("value_entry_no").alias("missing_value_entry_no")),
            on="gl_entry_no",
            how="left",
            validate="1:1",
        )
        .join(
            unbalanced.select("transaction_no", "imbalance"), on="transaction_no", how="left", validate="m:1"
        )
        .join(books.opening_accounts, on="account_no", how="left", validate="m:1")
    )
    compressed = lines.filter(pl.col("compressed_amount").fill_null(0) != 0).with_columns(
        cause=pl.lit("compressed"), actual_amount="compressed_amount"
    )
    rest = pl.col("open_amount") - pl.col("compressed_amount").fill_null(0)
    explained = (
        lines.with_columns(actual_amount=rest)
        .filter(pl.col("actual_amount") != 0)
        .with_columns(cause=_cause(books))
        .with_columns(pair_no=_pair_no())
    )
    is_balance = pl.col("gl_entry_no") < 0
    return pl.concat([compressed, explained], how="diagonal_relaxed").select(
        "cause", "account_no", "posting_date", "gl_entry_no", "transaction_no", "imbalance",
        pl.when(is_balance).then(pl.col("actual_amount") + pl.col("carried_amount"))
        .otherwise("actual_amount").alias("actual_amount"),
        _opening_message(books).alias("message"),
        "description", "source_code", "origin", "pair_no", "missing_value_entry_no",
        pl.col("reversed_value_entry_no").alias("value_entry_no"),
        pl.when(pl.col("cause") == "reversed").then("reversed_role")
        .otherwise(pl.col("roles").list.first()).alias("account_role"),
        pl.when(is_balance).then("carried_amount").otherwise(pl.lit(0, AMOUNT)).alias("expected_amount"),
        pl.when(pl.col("actual_amount") == pl.col("amount")).then("amount_acy")
        .otherwise(pl.lit(0, AMOUNT)).alias("difference_acy"),
        pl.format("G/L entry {}, which relation rows tie to value entry {}: there is no such value entry",
                  "gl_entry_no", "missing_value_entry_no").alias("relation_problem"),
        pl.lit(not books.has_relations).alias("inferred"),
    )  # fmt: skip


def fault_notices(
    unbalanced: pl.DataFrame,
    orphans: pl.DataFrame,
    line_findings: pl.DataFrame,
    ledger_findings: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """Faults that no row shows yet, with amount 0: each faulty transaction and relation row is listed
    once at least.
    """
    rows = pl.concat([line_findings, ledger_findings], how="diagonal_relaxed")
    shown = rows.filter(pl.col("cause") == "one_sided")["transaction_no"].drop_nulls().unique().implode()
    transactions = unbalanced.filter(
        ~pl.col("transaction_no").is_in(shown) & (pl.col("posting_date") <= books.as_of)
    ).select(
        pl.lit("one_sided").alias("cause"), pl.col("first_gl_entry_no").alias("gl_entry_no"),
        "posting_date", "transaction_no", "imbalance", *_nothing(),
    )  # fmt: skip
    named = rows.filter(pl.col("cause") == "orphan_relation")
    entries = orphans.filter(pl.col("lacks") == "gl_entry").join(named, on="value_entry_no", how="anti")
    lines = orphans.filter(pl.col("lacks") == "value_entry").join(named, on="gl_entry_no", how="anti")
    relations = [
        entries.select(
            pl.lit("orphan_relation").alias("cause"), "value_entry_no", "gl_entry_no", *_nothing(),
            pl.format("The relation row of value entry {} names G/L entry {}: there is no such G/L entry",
                      "value_entry_no", "gl_entry_no").alias("relation_problem"),
        ),
        lines.select(
            pl.lit("orphan_relation").alias("cause"), "gl_entry_no", *_nothing(),
            pl.col("value_entry_no").alias("missing_value_entry_no"),
            pl.format("The relation row of G/L entry {} names value entry {}: there is no such value entry",
                      "gl_entry_no", "value_entry_no").alias("relation_problem"),
        ),
    ]  # fmt: skip
    return pl.concat([transactions, *relations], how="diagonal_relaxed")


def _nothing() -> list[pl.Expr]:
    return [pl.lit(0, AMOUNT).alias(a) for a in ("expected_amount", "actual_amount", "difference_acy")]


def _cause(books: Books) -> pl.Expr:
    carried = books.opening_balances.filter(pl.col("gl_entry_no").is_not_null())
    is_before = pl.col("posting_date") < pl.lit(books.value_entries["posting_date"].min(), pl.Date)
    on_opening = (pl.col("posting_date") <= pl.col("opening_date")).fill_null(False)
    settles = pl.col("posting_date") <= pl.lit(carried["date"].max(), pl.Date)
    return (
        pl.when(pl.col("nature") == "opening").then(pl.lit("opening_balance"))
        .when(pl.col("nature") == "blank_account").then(pl.lit("deleted_account"))
        .when(pl.col("missing_value_entry_no").is_not_null()).then(pl.lit("orphan_relation"))
        .when(pl.col("imbalance").is_not_null()).then(pl.lit("one_sided"))
        .when(pl.col("nature") == "reversed").then(pl.lit("reversed"))
        .when((pl.col("nature") == "inventory_cost") & settles).then(pl.lit("opening_balance"))
        .when(pl.col("nature") == "inventory_cost").then(pl.lit("unrelated_inventory_posting"))
        .when(on_opening | (is_before & pl.lit(not carried.height))).then(pl.lit("opening_balance"))
        .otherwise(pl.lit("direct_posting"))
    )  # fmt: skip


def _opening_message(books: Books) -> pl.Expr:
    """What an opening balance is: carried over with a difference, settled by a later line, or loaded."""
    amount, account, on = _money("actual_amount", books), pl.col("account_no"), pl.col("posting_date")
    gl, subledger = _money("amount", books), _money("carried_amount", books)
    carried = pl.format(
        "The balance of account {} that was carried over from {} is {} in the G/L and {} in the subledger: "
        "{} was open then.", account, on, gl, subledger, amount,
    )  # fmt: skip
    settled = pl.format(
        "G/L entry {} over {}, dated {}, was posted after the cut-over and settles the balance of account {} "
        "that was carried over.", "gl_entry_no", amount, on, account,
    )  # fmt: skip
    loaded = pl.format(
        "G/L entry {} over {}, dated {}, belongs to the opening balance of account {}: a balance loaded on "
        "one side only.", "gl_entry_no", amount, on, account,
    )  # fmt: skip
    has_carried = pl.lit(books.opening_balances["gl_entry_no"].is_not_null().any())
    message = (
        pl.when(pl.col("gl_entry_no") < 0).then(carried).when(has_carried).then(settled).otherwise(loaded)
    )
    return pl.when(pl.col("cause") == "opening_balance").then(message)


def _money(amount: str | pl.Expr, books: Books) -> pl.Expr:
    exact = pl.col(amount) if isinstance(amount, str) else amount
    return exact.cast(pl.Decimal(38, books.scale)).cast(pl.String)


def _pair_no() -> pl.Expr:
    """Numbers the runs of inventory-cost lines that sum to 0: the lines of one posting."""
    is_cost = pl.col("cause") == "unrelated_inventory_posting"
    running = pl.when(is_cost).then("actual_amount").otherwise(pl.lit(0, AMOUNT)).cum_sum()
    return pl.when(is_cost).then((running.shift().fill_null(0) == 0).cum_sum())
