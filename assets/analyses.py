"""The further marts: what the tie-out's figures say beyond the verdict.

Here: the order of the steps. Not here: any arithmetic (``pipelines``), and what the verdict rests on
(``tie_outs``).
"""

import dagster as dg
import polars as pl

from pipelines import reconciliations as further
from pipelines import rules
from schemas.ledger import Books

GROUP = "analysis"


@dg.asset(group_name=GROUP, kinds={"polars"})
def reconciliations(
    expected_postings: pl.DataFrame,
    actual_postings: pl.DataFrame,
    activity: pl.DataFrame,
    differences: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """Further reconciliations of the two ledgers: dates, interim accounts, purchases, projects, variances."""
    return further.results(
        expected_postings, actual_postings, activity, differences, books, rules.reconciliations()
    )
