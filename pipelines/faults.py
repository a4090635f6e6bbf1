"""Faults in the links and the G/L itself: transactions that don't balance, relation rows that lead nowhere.

Here: what is broken, whatever it does to an account. Not here: which difference rests on it (``explain``).
"""

import polars as pl

from schemas.ledger import Books


def unbalanced_transactions(books: Books) -> pl.DataFrame:
    """``transaction_no`` and ``imbalance`` of each G/L transaction that doesn't sum to 0, with its first
    line.

    Without transaction numbers there are none to test; lines without a number are left out.
    """
    return (
        books.gl_entries.filter(pl.col("transaction_no").fill_null(0) > 0)
        .group_by("transaction_no")
        .agg(
            pl.col("amount").sum().alias("imbalance"),
            pl.col("gl_entry_no").min().alias("first_gl_entry_no"),
            pl.col("posting_date").min(),
        )
        .filter(pl.col("imbalance") != 0)
        .sort("transaction_no")
    )


def orphan_relations(books: Books) -> pl.DataFrame:
    """Relation rows whose value entry or G/L entry is missing: both numbers and ``lacks``
    (``value_entry`` | ``gl_entry``).
    """
    lacking_entry = books.relations.join(books.value_entries, on="value_entry_no", how="anti")
    lacking_line = books.relations.join(books.gl_entries, on="gl_entry_no", how="anti")
    return pl.concat(
        [
            lacking_entry.with_columns(lacks=pl.lit("value_entry")),
            lacking_line.with_columns(lacks=pl.lit("gl_entry")),
        ]
    ).sort("gl_entry_no", "value_entry_no", "lacks")
