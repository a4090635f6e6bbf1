"""Traces a tie-out to what it rests on: the lines behind each subledger, the balance by the G/L entries.

Here: both, summed anew from the lines. Not here: the tie-out itself (``reconcile``), the trial balance that
the user states (``sources.bc_stated``).
"""

import polars as pl

from schemas.ledger import Books, counts_in_subledger
from schemas.money import AMOUNT

OPENING = "opening"


def subledger_parts(
    expected_postings: pl.DataFrame, activity: pl.DataFrame, tie_outs: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """Each account's subledger by role and kind of cost: ``account_no``, ``account_role``, ``cost_kind``,
    ``lines``, ``amount``, ``posted_amount``.

    The lines that the tie-out counts: of controlled roles where the account has one, dated up to as-of. What
    a cut-over carries of the subledger is a part of its own, ``opening``, which counts as posted and has no
    role. The parts of an account sum to its ``subledger``. Debit positive.
    """
    controlled = tie_outs.select("account_no", "is_controlled")
    parts = (
        expected_postings.filter((pl.col("outcome") == "posted") & (pl.col("posting_date") <= books.as_of))
        .join(controlled, on="account_no", how="inner", nulls_equal=True, validate="m:1")
        .filter(counts_in_subledger())
        .group_by("account_no", pl.col("account_role", "cost_kind").cast(pl.String))
        .agg(pl.len().cast(pl.Int64).alias("lines"), pl.col("amount", "posted_amount").sum())
    )
    return pl.concat([parts, _carried(activity)]).sort(
        "account_no", "account_role", "cost_kind", nulls_last=True
    )


def _carried(activity: pl.DataFrame) -> pl.DataFrame:
    return (
        activity.filter(pl.col("carried_amount").fill_null(0) != 0)
        .group_by("account_no")
        .agg(
            pl.lit(None, pl.String).alias("account_role"),
            pl.lit(OPENING).alias("cost_kind"),
            pl.len().cast(pl.Int64).alias("lines"),
            pl.col("carried_amount").sum().alias("amount"),
            pl.col("carried_amount").sum().alias("posted_amount"),
        )
    )


def ledger_balances(books: Books) -> pl.DataFrame:
    """The trial balance by the G/L entries up to as-of: ``account_no``, ``account_name``, ``debits``,
    ``credits`` (both at least 0), ``balance`` = debits - credits.

    Every account with an entry, tied out or not; null is the account of lines whose account was deleted. The
    balances sum to 0 where the G/L does.
    """
    amount = pl.col("amount")
    sums = (
        books.gl_entries.filter(pl.col("posting_date") <= books.as_of)
        .group_by("account_no")
        .agg(
            amount.filter(amount > 0).sum().cast(AMOUNT).alias("debits"),
            (-amount.filter(amount < 0).sum()).cast(AMOUNT).alias("credits"),
            amount.sum().cast(AMOUNT).alias("balance"),
        )
    )
    names = books.accounts.select("account_no", "account_name")
    return (
        sums.join(names, on="account_no", how="left", validate="m:1")
        .select("account_no", pl.col("account_name").fill_null(""), "debits", "credits", "balance")
        .sort("account_no", nulls_last=True)
    )
