"""The further marts: what the tie-out's figures say beyond the verdict.

Here: the order of the steps. Not here: any arithmetic (``pipelines``), and what the verdict rests on
(``tie_outs``).
"""

import dagster as dg
import polars as pl

from pipelines import posttest, rules
from pipelines import reconciliations as further
from schemas.ledger import Books
from schemas.limits import PostingLimits

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


@dg.asset(group_name=GROUP, kinds={"polars"})
def post_test(expected_postings: pl.DataFrame, books: Books, posting_limits: PostingLimits) -> pl.DataFrame:
    """What would stop the batch job, or be skipped by it, for everything not yet posted."""
    return posttest.post_test(expected_postings, books, posting_limits, rules.setup_messages())
