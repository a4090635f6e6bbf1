"""The books: the company's ledgers in the form that every step works on.

Here: what they are made from. Not here: how Business Central's tables become them (``pipelines.sources.bc``).
"""

from pathlib import Path

import dagster as dg
import polars as pl

from assets import own_rules
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


@dg.asset(group_name="source", kinds={"polars"})
def posting_rules(run: Run) -> pl.DataFrame:
    """The posting rules: those that ship, with the user's own rows in place of some where there are any."""
    return own_rules.posting_rules(None if run.posting_rules is None else Path(run.posting_rules))
