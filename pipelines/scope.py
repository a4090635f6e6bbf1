"""Scope: which accounts are tied out, in which roles, and which of them are controlled.

Here: accounts and roles. Not here: their balances (``reconcile``) and the G/L lines on them (``activity``).
"""

import polars as pl

from schemas.ledger import CONTROLLED_ROLES, Books


def account_scope(
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    agreed_totals: pl.DataFrame,
    books: Books,
    account_roles: pl.DataFrame,
) -> pl.DataFrame:
    """One row per account with a role: ``account_no``, ``roles`` (in posting order), ``is_controlled``.

    A role comes from today's setup, from a balance that was carried over, from an expected line, or from a
    G/L line that a value entry ever put there; an account that inventory cost was ever posted to, or that the
    user named for clearing, is in scope without one. An account is controlled when one of its roles from the
    setup, a carried balance or a G/L line is. Lines that resolve to no account, and G/L lines with a blank
    account, are the row with ``account_no`` null; it counts in full, like a controlled account.
    """
    setup = books.posting_accounts.filter(pl.col("account_no").is_not_null()).select(
        "account_no", "account_role"
    )
    reached = remaining_pieces.filter(pl.col("account_role").is_not_null()).select(
        "account_no", "account_role"
    )
    agreed = agreed_totals.select("account_no", "account_role")
    expected = remaining_postings.filter(pl.col("outcome") == "posted").select("account_no", "account_role")
    opening = books.opening_balances.filter(pl.col("gl_entry_no").is_not_null()).select(
        "account_no", "account_role"
    )
    without_role = books.gl_entries.filter(
        pl.col("account_no").is_null() | (pl.col("origin") == "inventory_cost")
    ).select("account_no", account_role=pl.lit(None, pl.String))
    named = books.gl_entries.join(books.clearing_accounts, on="account_no", how="semi").select(
        "account_no", account_role=pl.lit(None, pl.String)
    )
    order = account_roles.select("account_role", "ordinal")
    controls = pl.concat([setup, reached, agreed, opening]).filter(
        pl.col("account_role").is_in(CONTROLLED_ROLES)
    )
    return (
        pl.concat([setup, reached, agreed, opening, expected, without_role, named])
        .unique()
        .join(order, on="account_role", how="left")
        .sort("account_no", "ordinal", nulls_last=True)
        .group_by("account_no", maintain_order=True)
        .agg(pl.col("account_role").drop_nulls().alias("roles"))
        .with_columns(roles=pl.when(pl.col("account_no").is_null()).then([]).otherwise("roles"))
        .with_columns(
            is_controlled=pl.col("account_no").is_in(controls["account_no"].drop_nulls().unique().implode())
            .fill_null(True)
        )
    )  # fmt: skip
