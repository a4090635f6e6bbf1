"""Runs a company's folder through the assets in process, without publishing: for tests on whole books."""

from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from assets.run import Run, materialized
from schemas.ledger import Books


class Outcome(NamedTuple):
    """What a run would publish, and the books behind it."""

    summary: dict[str, Any]
    tie_outs: pl.DataFrame
    differences: pl.DataFrame
    expected_postings: pl.DataFrame
    actual_postings: pl.DataFrame
    bc_matrix: pl.DataFrame
    valuation: pl.DataFrame
    breakdowns: pl.DataFrame
    wip_orders: pl.DataFrame
    books: Books


def run_books(source: Path, **settings: Any) -> Outcome:
    """The outcome of one company; settings are those of the run (``as_of="2025-06-30"``)."""
    values = materialized("explain", Run(source=str(source), **settings), lambda step, total: None)
    return Outcome(**{noun: values[noun] for noun in Outcome._fields})
