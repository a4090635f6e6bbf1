"""Ties what the rules expect to what the general ledger holds, account by account.

Here: sums. Not here: what the sums are made of (``expect``, ``activity``) and why they differ (``explain``).
"""

import polars as pl

from schemas.ledger import Books, counts_in_subledger
from schemas.money import AMOUNT

INVENTORY_BRIDGE = (
    "after as-of", "capacity entries", "not inventoriable", "refused combinations", "handled without posting",
    "unresolved",
)  # fmt: skip


def balances(
    remaining_postings: pl.DataFrame,
    agreed_totals: pl.DataFrame,
    activity: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """One row per account in scope: ``subledger``, ``gl``, ``other_activity`` and their ``difference`` at
    as-of.

    ``subledger`` sums the expected lines of controlled roles that resolve to the account, posted or not;
    on an account without a controlled role, those of all its roles; and what an opening balance carries of
    it. ``difference = gl - other_activity - subledger``, debit positive. Agreed lines count in both ledgers.
    """
    role = ("account_no", "account_role", "amount")
    until = remaining_postings.filter(pl.col("posting_date") <= books.as_of).select(role)
    demanded = pl.concat([until, agreed_totals.select(role)]).pipe(_with_counts, account_scope)
    subledger = (
        demanded.filter("counts").group_by("account_no").agg(pl.col("amount").sum().alias("subledger"))
    )
    agreed = agreed_totals.pipe(_with_counts, account_scope).select(
        "account_no",
        "amount",
        pl.when("counts").then(pl.lit(0, AMOUNT)).otherwise("amount").alias("other_amount"),
        pl.lit(0, AMOUNT).alias("carried_amount"),
    )
    lines = pl.concat([activity.select(agreed.columns), agreed])
    ledger = lines.group_by("account_no").agg(
        pl.col("amount").sum().alias("gl"),
        pl.col("other_amount").sum().alias("other_activity"),
        pl.col("carried_amount").sum().alias("_carried"),
    )
    names = books.accounts.select("account_no", "account_name")
    return (
        account_scope.join(names, on="account_no", how="left", validate="m:1")
        .join(subledger, on="account_no", how="left", nulls_equal=True, validate="1:1")
        .join(ledger, on="account_no", how="left", nulls_equal=True, validate="1:1")
        .with_columns(pl.col("subledger", "gl", "other_activity").fill_null(0).cast(AMOUNT))
        .with_columns(subledger=(pl.col("subledger") + pl.col("_carried").fill_null(0)).cast(AMOUNT))
        .drop("_carried")
        .with_columns(
            pl.col("account_name").fill_null(""),
            difference=pl.col("gl") - pl.col("other_activity") - pl.col("subledger"),
        )
        .sort("account_no", nulls_last=True)
    )


def _with_counts(lines: pl.DataFrame, account_scope: pl.DataFrame) -> pl.DataFrame:
    """Whether a line counts in its account's subledger: on a controlled one, those of controlled roles do."""
    scope = account_scope.drop("roles")
    return lines.join(scope, on="account_no", how="inner", nulls_equal=True, validate="m:1").with_columns(
        counts=counts_in_subledger()
    )


def tie_outs(balances: pl.DataFrame, differences: pl.DataFrame) -> pl.DataFrame:
    """The balances with what explains their difference: ``explained`` {cause: amount} and
    ``unexplained``.

    ``difference`` = the sum of ``explained`` + ``unexplained``; ``unexplained`` is the part under
    ``unclassified``.
    """
    by_cause = differences.group_by("account_no", "cause").agg(pl.col("difference").sum())
    explained = (
        by_cause.filter((pl.col("difference") != 0) & (pl.col("cause") != "unclassified"))
        .sort("account_no", "cause", nulls_last=True)
        .group_by("account_no", maintain_order=True)
        .agg(pl.struct("cause", "difference").alias("explained"))
    )
    unexplained = by_cause.filter(pl.col("cause") == "unclassified").select(
        "account_no", pl.col("difference").alias("unexplained")
    )
    return balances.join(explained, on="account_no", how="left", nulls_equal=True, validate="1:1").join(
        unexplained, on="account_no", how="left", nulls_equal=True, validate="1:1"
    ).with_columns(pl.col("unexplained").fill_null(0).cast(AMOUNT), pl.col("explained").fill_null([])).select(
        "account_no", "account_name", "roles", "is_controlled", "subledger", "gl", "other_activity",
        "difference",
        "explained", "unexplained",
    )  # fmt: skip


def population(remaining_postings: pl.DataFrame, agreed_totals: pl.DataFrame, books: Books) -> pl.DataFrame:
    """From Σ cost amount (actual) of all value entries to the inventory role's subledger: ``line``,
    ``amount``.

    Each entry leaves the population on the first line that fits it, so the lines sum to the last one.
    """
    inventory = remaining_postings.filter(
        (pl.col("cost_kind") == "actual") & (pl.col("account_role") == "inventory")
    ).select("value_entry_no", pl.col("account_no").is_null().alias("_unresolved"))
    nothing = remaining_postings.filter(
        (pl.col("cost_kind") == "actual") & (pl.col("outcome") != "posted")
    ).select("value_entry_no", "outcome")
    entries = (
        books.value_entries.select(
            "value_entry_no", "posting_date", "is_capacity", "is_inventoriable", "amount_actual"
        )
        .join(inventory, on="value_entry_no", how="left", validate="1:1")
        .join(nothing, on="value_entry_no", how="left", validate="1:1")
    )
    line = (
        pl.when(pl.col("posting_date") > books.as_of).then(pl.lit(INVENTORY_BRIDGE[0]))
        .when(pl.col("is_capacity")).then(pl.lit(INVENTORY_BRIDGE[1]))
        .when(~pl.col("is_inventoriable")).then(pl.lit(INVENTORY_BRIDGE[2]))
        .when(pl.col("outcome") == "refused").then(pl.lit(INVENTORY_BRIDGE[3]))
        .when(pl.col("outcome") == "ignored").then(pl.lit(INVENTORY_BRIDGE[4]))
        .when(pl.col("_unresolved")).then(pl.lit(INVENTORY_BRIDGE[5]))
    )  # fmt: skip
    left = (
        entries.with_columns(line=line).group_by("line").agg(-pl.col("amount_actual").sum().alias("amount"))
    )
    steps = pl.DataFrame({"line": INVENTORY_BRIDGE}).join(left, on="line", how="left", maintain_order="left")
    total = pl.DataFrame({"line": ["cost amount (actual) of all value entries"]}).with_columns(
        amount=pl.lit(books.value_entries["amount_actual"].sum(), AMOUNT)
    )
    carried = books.opening_balances.filter(pl.col("gl_entry_no").is_not_null())
    opening = carried.filter(pl.col("account_role") == "inventory").select(
        line=pl.lit("opening balance"), amount="subledger"
    )
    bridge = pl.concat(
        [
            total,
            opening.group_by("line").agg(pl.col("amount").sum()),
            steps.with_columns(pl.col("amount").fill_null(0).cast(AMOUNT)),
        ]
    )
    agreed = agreed_totals.filter(pl.col("account_role") == "inventory")
    counted = remaining_postings.filter(
        (pl.col("account_role") == "inventory")
        & pl.col("account_no").is_not_null()
        & (pl.col("posting_date") <= books.as_of)
    )
    amounts = pl.concat([rows.select("amount") for rows in (counted, agreed, opening)])
    result = amounts.select(
        line=pl.lit("subledger of the inventory role"), amount=pl.col("amount").sum().cast(AMOUNT)
    )
    return pl.concat([bridge, result])
