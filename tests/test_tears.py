"""Extracts that are torn are never reconciled, and the reason names the right table: a sample.

The thousands of tears behind ``benchmarks/tears.md`` are run by ``python -m benchmarks.tears``.
"""

from random import Random

import polars as pl
import pytest

from tests.small_books import changed, tied_out
from tests.tears import TEARS, Torn, company, doubled_rows_are_refused, outcome

SEEDS = (70_001, 70_012)  # with and without relations


@pytest.mark.parametrize("seed", SEEDS)
def test_the_unaltered_twin_is_reconciled(seed: int) -> None:
    summary = tied_out(company(seed).whole)["summary"]
    assert (summary["status"], summary["inconclusive_because"]) == ("reconciled", [])


@pytest.mark.parametrize("tear", TEARS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_torn_extract_is_inconclusive_and_the_reason_names_the_table(seed: int, tear: str) -> None:
    torn = TEARS[tear](company(seed), Random(seed))
    if torn is None:
        pytest.skip("this company has no such table")
    found = outcome(torn)
    assert (found.status, found.is_named) == ("inconclusive", True), (torn.tables, found.reasons)


@pytest.mark.parametrize(("seed", "first", "count"), [(8, 4, 5), (25, 79, 11)])
def test_value_entries_cut_out_without_register_or_relation_are_missed(
    seed: int, first: int, count: int
) -> None:
    """Other entries of the same stock are still there, or it is only the newest one that lacks them."""
    bare = changed(company(seed).whole, gl_register=None, item_register=None, gl_item_ledger_relation=None)
    rows = bare.tables["value_entry"]
    left = pl.concat([rows.head(first), rows.slice(first + count)])
    found = outcome(Torn(changed(bare, value_entry=left), ("value_entry",)))
    assert (found.status, found.is_named) == ("inconclusive", True)


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_that_stand_twice_are_refused(seed: int) -> None:
    assert doubled_rows_are_refused(company(seed), Random(seed))
