"""The books: the company's ledgers in the form that every step works on.

Here: what they are made from. Not here: how Business Central's tables become them (``pipelines.sources.bc``).
"""

import dagster as dg

from assets.run import Run
from pipelines import rules
from pipelines.sources import bc, bc_limits
from schemas.bc import Extract
from schemas.ledger import Books
from schemas.limits import PostingLimits


@dg.asset(group_name="source", kinds={"polars"})
def books(run: Run, extract: Extract) -> Books:
    """The company's ledgers, setups and switches in the form that every step works on."""
    return bc.books(extract, run.settings(), rules.account_roles(), rules.source_codes())


@dg.asset(group_name="source", kinds={"polars"})
def posting_limits(extract: Extract) -> PostingLimits:
    """The dates, dimensions and journals that a posting has to keep to."""
    return bc_limits.posting_limits(extract)
