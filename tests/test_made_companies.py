"""The made companies are what their generator writes, their books hold together, and the oracle agrees with
them.
"""

import csv
from collections import defaultdict
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from tests import oracle
from tests.made import random_books
from tests.made.companies import COMPANIES, write
from tests.made.ledger import Ledger
from tests.made.truth import Truth

ROOT = Path(__file__).parents[1]
COMMITTED = ROOT / "assets" / "companies"
TRUTH = ROOT / "tests" / "made" / "truth"
METHODS = ("mixed", "entry", "group")


@cache
def made(name: str, clean: bool, method: str = "mixed") -> tuple[Ledger, Truth]:
    return COMPANIES[name](clean, method)


def oracle_books(company: Ledger, folder: Path) -> oracle.Books:
    from tests.made.write import write_company

    write_company(company, folder)
    return oracle.read(folder)


def read_truth(name: str) -> list[dict[str, str]]:
    with (TRUTH / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_committed_companies_and_truths_are_what_the_generator_writes(tmp_path: Path) -> None:
    write(tmp_path / "companies", truth=tmp_path / "truth")
    write(tmp_path / "clean", clean=True, truth=tmp_path / "truth")
    for name in COMPANIES:
        assert files(tmp_path / "companies" / name) == files(COMMITTED / name, "*.csv")
    assert files(tmp_path / "truth") == files(TRUTH)


def files(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob(pattern))}


@pytest.mark.parametrize("name", COMPANIES)
@pytest.mark.parametrize("method", METHODS)
def test_clean_books_balance_in_every_transaction_and_in_both_currencies(name: str, method: str) -> None:
    company, _ = made(name, True, method)
    sums: dict[int, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for gle in company.rows("gl_entry"):
        sums[gle["transaction_no"]][0] += gle["amount"]
        sums[gle["transaction_no"]][1] += gle["additional_currency_amount"]
    assert {pair for pair in map(tuple, sums.values()) if any(pair)} == set()


@pytest.mark.parametrize("name", COMPANIES)
@pytest.mark.parametrize("method", METHODS)
def test_clean_books_tie_out_on_every_account(name: str, method: str, tmp_path: Path) -> None:
    company, _ = made(name, True, method)
    found = oracle.tie_outs(oracle_books(company, tmp_path))
    assert {account_no: t.difference for account_no, t in found.items() if t.difference} == {}


def test_only_the_planted_pair_of_transactions_is_unbalanced_and_the_whole_ledger_is_not() -> None:
    company, _ = made("fjord_cycles", False)
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for gle in company.rows("gl_entry"):
        sums[gle["transaction_no"]] += gle["amount"]
    assert sorted(amount for amount in sums.values() if amount) == [Decimal("-3.00"), Decimal("3.00")]
    assert sum(gle["amount"] for gle in company.rows("gl_entry")) == 0


@pytest.mark.parametrize("name", COMPANIES)
def test_the_truth_explains_every_cent_by_which_an_account_is_off(name: str) -> None:
    told: dict[str | None, Decimal] = defaultdict(Decimal)
    for row in read_truth(name):
        if row["account_no"] != "*":
            told[row["account_no"] or None] += Decimal(row["difference"])
    found = oracle.tie_outs(oracle.read(COMMITTED / name))
    off = {account_no: t.difference for account_no, t in found.items() if t.difference}
    assert off == {account_no: amount for account_no, amount in told.items() if amount}


def test_the_stock_account_of_fjord_cycles_agrees_in_total_although_it_is_wrong_in_many_places() -> None:
    rows = [row for row in read_truth("fjord_cycles") if row["account_no"] == "14300"]
    assert sum(Decimal(row["difference"]) for row in rows) == 0
    assert sum(1 for row in rows if Decimal(row["difference"])) > 15


@pytest.mark.parametrize("name", COMPANIES)
def test_references_point_at_rows_that_exist_but_for_the_planted_ones(name: str) -> None:
    company, _ = made(name, False)
    value_entries = {ve["entry_no"] for ve in company.rows("value_entry")}
    gl_entries = {gle["entry_no"] for gle in company.rows("gl_entry")}
    missing = [
        relation
        for relation in company.rows("gl_item_ledger_relation")
        if relation["value_entry_no"] not in value_entries or relation["gl_entry_no"] not in gl_entries
    ]
    assert len(missing) == (3 if name == "fjord_cycles" else 0)
    relations = company.rows("gl_item_ledger_relation")
    assert max(relation["gl_entry_no"] for relation in relations) <= max(gl_entries)
    assert max(relation["value_entry_no"] for relation in relations) <= max(value_entries)


@pytest.mark.parametrize("name", COMPANIES)
def test_registers_have_no_gap_but_where_the_ledger_was_compressed(name: str) -> None:
    company, _ = made(name, False)
    gl_entries = {gle["entry_no"] for gle in company.rows("gl_entry")}
    gaps = [
        register["creation_date"].isoformat()
        for register in company.rows("gl_register")
        if not set(range(register["from_entry_no"], register["to_entry_no"] + 1)) <= gl_entries
    ]
    assert gaps == (["2025-01-29", "2025-01-30"] if name == "fjord_cycles" else [])


def test_every_kind_of_business_is_in_the_year() -> None:
    company, _ = made("fjord_cycles", True)
    kinds = {
        (ve["item_ledger_entry_type"], ve["entry_type"], ve["variance_type"])
        for ve in company.rows("value_entry")
    }
    assert {("Output", "Variance", variance) for variance in OUTPUT_VARIANCES} <= kinds
    assert {kind for kind, _, _ in kinds} == ITEM_LEDGER_ENTRY_TYPES
    assert {entry_type for _, entry_type, _ in kinds} == ENTRY_TYPES


OUTPUT_VARIANCES = {
    "Material",
    "Capacity",
    "Capacity Overhead",
    "Manufacturing Overhead",
    "Subcontracted",
    "Material - Non Inventory",
}
ITEM_LEDGER_ENTRY_TYPES = {
    "Purchase",
    "Sale",
    "Positive Adjmt.",
    "Negative Adjmt.",
    "Transfer",
    "Consumption",
    "Output",
    "",
    "Assembly Consumption",
    "Assembly Output",
}
ENTRY_TYPES = {
    "Direct Cost",
    "Indirect Cost",
    "Variance",
    "Revaluation",
    "Rounding",
    "Direct Cost - Non Inventory",
}


def test_lines_that_sum_to_nothing_leave_relation_rows_to_the_line_before() -> None:
    company, _ = made("fjord_cycles", True)
    corrected = [
        ve
        for ve in company.rows("value_entry")
        if ve["entry_type"] == "Revaluation"
        and ve["cost_amount_actual_acy"] in (Decimal("0.40"), Decimal("-0.40"))
    ]
    linked = [gle for ve in corrected for gle in company.gl_entries_of(ve)]
    assert len(corrected) == 2
    assert linked
    assert all(gle["posting_date"] < corrected[0]["posting_date"] for gle in linked)


def test_an_order_given_up_leaves_nothing_in_wip(tmp_path: Path) -> None:
    """April's cost was written off at the finish, overhead included; June's, without any, by the batch."""
    company, _ = made("fjord_cycles", True)
    orders = {ve["entry_no"]: ve["order_no"] for ve in company.rows("value_entry")}
    trail = [line["prod_order_no"] for line in company.rows("prod_order_line") if line["item_no"] == "TRAIL"]
    wip: dict[str, Decimal] = defaultdict(Decimal)
    for line in oracle.expected_lines(oracle_books(company, tmp_path)):
        if line.role == "wip":
            wip[orders[line.value_entry_no]] += line.amount
    assert [wip[number] for number in trail] == [Decimal("0.00")] * 3


@pytest.mark.parametrize("seed", range(40))
def test_random_books_tie_out_and_every_entry_balances(seed: int) -> None:
    rolled = random_books.books(seed)
    books = oracle.Books(rolled.tables)
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for line in oracle.expected_lines(books):
        sums[line.value_entry_no] += line.amount
    assert not any(sums.values())
    if rolled.has_relations and not rolled.unposted:
        assert not any(t.difference for t in oracle.tie_outs(books).values())


def test_the_same_seed_rolls_the_same_books() -> None:
    assert random_books.books(7, disturbances=3) == random_books.books(7, disturbances=3)


def test_the_oracle_ties_the_real_ledger_to_the_240_that_were_booked_by_hand() -> None:
    found = oracle.tie_outs(oracle.read(COMMITTED / "cronus_usa"))
    off = {account_no: t.difference for account_no, t in found.items() if t.difference}
    assert off == {"14140": Decimal("240.00")}
