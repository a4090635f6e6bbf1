"""The setup detective on whole books: accounts that a made company changed on purpose, and sound ones."""

from functools import cache

import polars as pl
import pytest

from assets import reconciliation, storage
from pipelines import rules
from tests import page
from tests.chain import Chain
from tests.small_books import changed, edited, rolled, tied_out

SEED = 11


@cache
def fjord() -> Chain:
    return tied_out(storage.read_company(reconciliation.demo_companies() / "fjord_cycles"))


def test_every_kind_of_advice_is_expected_on_a_page() -> None:
    expected = {
        row["kind"]
        for path in page.paths()
        for table in page.read(path).expected
        if table.noun == "setup findings"
        for row in table.rows
    }
    assert expected == set(rules.setup_kinds()["kind"])


def test_the_made_company_shows_the_accounts_that_were_changed_on_purpose() -> None:
    """EAST had 14320 until 14310 replaced it; cargo bikes had WIP on 14510 under another group."""
    former = fjord()["setup_timeline"].filter(
        (pl.col("status") == "former") & pl.col("account_no").is_not_null()
    )
    assert former.select("key_1", "account_role", "account_no", "today_account_no").rows() == [
        ("EAST", "inventory", "14320", "14310"),
        ("MAIN", "wip", "14510", "14500"),
    ]


def test_every_line_of_a_value_entry_is_in_the_timeline_once() -> None:
    books = fjord()
    lines = books["actual_postings"].filter(pl.col("cost_kind").is_not_null())
    told = books["setup_timeline"]
    assert told["amount"].sum() == lines["amount"].sum()
    per_account = lines.group_by("account_no").agg(pl.col("amount").sum())
    summed = told.filter(pl.col("lines") > 0).group_by("account_no").agg(pl.col("amount").sum())
    assert summed.sort("account_no").equals(per_account.sort("account_no"))


@pytest.mark.parametrize("seed", [SEED, 12])
def test_sound_books_used_only_the_accounts_of_today(seed: int) -> None:
    books = tied_out(rolled(seed))
    assert set(books["setup_timeline"]["status"]) == {"today"}
    assert books["post_test"].filter(pl.col("batch_job") == "skips").is_empty()
    kinds = set(books["setup_findings"]["kind"])
    assert kinds <= {"two_purposes", "row_needed", "wip_differs_by_location", "direct_posting_open"}


def test_an_account_that_the_setup_changed_after_all_postings_is_former_everywhere() -> None:
    given = rolled(SEED)
    moved = edited(given, "inventory_posting_setup", pl.lit(True), inventory_account="14999")
    told = tied_out(moved)["setup_timeline"].filter(pl.col("account_role") == "inventory")
    assert set(told["status"]) == {"former", "unused"}
    assert set(told.filter(pl.col("status") == "unused")["account_no"]) == {"14999"}


def test_a_missing_row_is_advice_with_the_entries_that_need_it() -> None:
    given = rolled(SEED)
    without = changed(given, inventory_posting_setup=given.tables["inventory_posting_setup"].head(1))
    found = tied_out(without)["setup_findings"].filter(pl.col("kind") == "row_missing")
    there = given.tables["inventory_posting_setup"].row(0, named=True)
    assert found.height
    assert (there["location_code"], there["invt_posting_group_code"]) not in found.select(
        "key_1", "key_2"
    ).rows()
