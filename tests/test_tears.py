"""Extracts that are torn are never reconciled, and the reason names the right table: a sample.

The thousands of tears behind ``benchmarks/tears.md`` are run by ``python -m benchmarks.tears``.
"""

from random import Random

import pytest

from tests.small_books import tied_out
from tests.tears import TEARS, company, doubled_rows_are_refused, outcome

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


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_that_stand_twice_are_refused(seed: int) -> None:
    assert doubled_rows_are_refused(company(seed), Random(seed))
