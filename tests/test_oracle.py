"""Product and oracle agree, line by line and account by account, on books that neither was written for."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from assets import storage
from tests import oracle
from tests.chain import Chain
from tests.made import random_books
from tests.small_books import DISTURBANCES, outcome, tied_out

COMPANIES = Path(__file__).parents[1] / "assets" / "companies"
SEEDS = range(32)
DISTURBED_SEEDS = range(100, 112)
COMPARED = ("value_entry_no", "cost_kind", "account_role", "account_no", "amount", "posted_amount")


def lines_of_the_product(books: Chain) -> Counter[tuple[object, ...]]:
    lines = books["expected_postings"].filter(
        (pl.col("outcome") == "posted")
        & (pl.col("posting_date") <= books["books"].as_of)
        & ((pl.col("amount") != 0) | (pl.col("posted_amount") != 0))
    )
    return Counter(lines.select(COMPARED).iter_rows())


def lines_of_the_oracle(books: oracle.Books) -> Counter[tuple[object, ...]]:
    return Counter(tuple(line) for line in oracle.expected_lines(books) if line.amount or line.posted_amount)


def ties_of_the_product(books: Chain) -> dict[str | None, tuple[Decimal, ...]]:
    figures = ("subledger", "gl", "other_activity", "difference")
    rows = books["tie_outs"].iter_rows(named=True)
    return {row["account_no"]: tuple(row[figure] for figure in figures) for row in rows}


def ties_of_the_oracle(books: oracle.Books) -> dict[str | None, tuple[Decimal, ...]]:
    rows = oracle.tie_outs(books).items()
    return {account_no: (t.subledger, t.gl, t.other_activity, t.difference) for account_no, t in rows}


def with_amounts(ties: dict[str | None, tuple[Decimal, ...]]) -> dict[str | None, tuple[Decimal, ...]]:
    return {account_no: figures for account_no, figures in ties.items() if any(figures)}


@pytest.mark.parametrize("seed", SEEDS)
def test_they_agree_on_random_books(seed: int) -> None:
    product, slow = outcome(seed), oracle.Books(random_books.books(seed).tables)
    assert lines_of_the_product(product) == lines_of_the_oracle(slow)
    assert ties_of_the_product(product) == ties_of_the_oracle(slow)


@pytest.mark.parametrize("seed", DISTURBED_SEEDS)
def test_they_agree_on_what_must_stand_and_what_stands_in_disturbed_books(seed: int) -> None:
    """Not on other activity: of a shared account the oracle takes the flags, the product the lines."""
    product, slow = (
        outcome(seed, is_disturbed=True),
        oracle.Books(random_books.books(seed, DISTURBANCES).tables),
    )
    assert lines_of_the_product(product) == lines_of_the_oracle(slow)
    ours, theirs = ties_of_the_product(product), ties_of_the_oracle(slow)
    assert {account_no: ours[account_no][:2] for account_no in theirs} == {
        account_no: figures[:2] for account_no, figures in theirs.items()
    }


@pytest.mark.parametrize("company", ["cronus_usa", "fjord_cycles", "harbour_ceramics"])
def test_they_agree_on_the_companies_that_ship(company: str) -> None:
    product = tied_out(storage.read_company(COMPANIES / company))
    slow = oracle.read(COMPANIES / company)
    assert lines_of_the_product(product) == lines_of_the_oracle(slow)
    assert with_amounts(ties_of_the_product(product)) == with_amounts(ties_of_the_oracle(slow))
