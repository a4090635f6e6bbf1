"""What holds of all books: of right ones, of disturbed ones, and of the same ones told in another way."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from schemas.bc import Extract
from tests.chain import Chain
from tests.corruptions import CORRUPTIONS, Corruption
from tests.laws import LAWS, Law, broken
from tests.made import random_books
from tests.made.companies import COMPANIES
from tests.made.ledger import TABLES
from tests.made.write import plain_rows
from tests.odd_books import ODDITIES
from tests.small_books import changed, disturbed, extract, outcome, rolled, tied_out

ROOT = Path(__file__).parents[1]
SEEDS = range(32)
DISTURBED_SEEDS = range(100, 112)
LINKED = [seed for seed in SEEDS if random_books.books(seed).has_relations]
POSTED = [seed for seed in SEEDS if not random_books.books(seed).unposted]
ODD_SEED = 266  # posted automatically, with expected cost, production and additional currency
SETUPS = ("inventory_setup", "manufacturing_setup", "source_code_setup", "general_ledger_setup", "item")
WRITE_OFF_SEED = 7181  # an order given up after its consumption was posted
WRITTEN_OFF = {"14500", "53000"}  # Work in Process and Inventory Adjustment of the made companies
#: What is published, and what it rests on.
PUBLISHED = (
    "tie_outs", "differences", "balances", "population", "roll_forward", "reconciliation_results",
    "setup_timeline", "setup_findings", "valuation", "breakdowns", "bc_matrix", "wip_orders", "proposals",
    "clearing_items", "clearing_matches", "accrual_proposals", "post_test", "account_scope",
)  # fmt: skip
BOTH = [seed for seed in LINKED if seed in POSTED]


def tried(examples: int) -> settings:
    """The same examples in every run, bounded in number and not in time."""
    return settings(derandomize=True, max_examples=examples, deadline=None, database=None)


def rows_of(books: Chain, *columns: str) -> list[tuple[Any, ...]]:
    return books["tie_outs"].select(columns).rows()


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law: Law) -> None:
    """Holds of right books, with and without relations, and of books with random faults."""
    for seed in SEEDS:
        assert law(outcome(seed)).rows() == []
    for seed in DISTURBED_SEEDS:
        assert law(outcome(seed, is_disturbed=True)).rows() == []


@pytest.mark.parametrize("seed", [*LINKED[:10], *DISTURBED_SEEDS, ODD_SEED])
def test_agreed_lines_are_only_told_apart(seed: int) -> None:
    """Where no line is taken to agree and every one is looked at, the same comes out of every step."""
    books = disturbed(seed) if seed in DISTURBED_SEEDS else rolled(seed)
    told_apart = tied_out(books)
    looked_at = Chain(told_apart.case, extract=books, settings=told_apart["settings"],
                      agreed_lines=told_apart["agreed_lines"].clear())  # fmt: skip
    assert not (told_apart["books"].has_relations and told_apart["agreed_lines"].is_empty())
    for noun in PUBLISHED:
        assert_frame_equal(told_apart[noun], looked_at[noun], check_row_order=False, check_column_order=False)


@tried(12)
@given(st.sampled_from(LINKED), st.integers(0, 60))
def test_laws_hold_at_every_day(seed: int, days: int) -> None:
    """Also on days before the first entry's successor: what lies after as-of never counts."""
    first = rolled(seed).tables["value_entry"]["posting_date"].min()
    assert broken(tied_out(rolled(seed), as_of=first + timedelta(days))) == {}


@tried(12)
@given(st.sampled_from(DISTURBED_SEEDS), st.integers(0, 60))
def test_laws_hold_of_disturbed_books_without_relations(seed: int, days: int) -> None:
    books = changed(disturbed(seed), gl_item_ledger_relation=None)
    first = books.tables["value_entry"]["posting_date"].min()
    assert broken(tied_out(books, as_of=first + timedelta(days))) == {}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_laws_hold_of_odd_books(oddity: str) -> None:
    """With and without relations; and whatever it is, it has a cause."""
    linked = ODDITIES[oddity](rolled(ODD_SEED))
    for books in (linked, changed(linked, gl_item_ledger_relation=None)):
        found = tied_out(books)
        assert broken(found) == {}
        assert "unclassified" not in found["summary"]["causes"]


def test_what_is_written_off_at_the_finish_has_a_cause_without_relations_too() -> None:
    """Entries of years later, their lines of this year: only its lines date the write-off."""
    years_later = ODDITIES["a value entry years later"](rolled(WRITE_OFF_SEED))
    books = tied_out(changed(years_later, gl_item_ledger_relation=None), as_of=date(2025, 1, 29))
    assert "unclassified" not in books["summary"]["causes"]
    assert broken(books) == {}


# Verdicts


def test_books_in_additional_currency_only_are_reconciled() -> None:
    books = tied_out(ODDITIES["amounts in additional currency only"](rolled(ODD_SEED)))
    assert books["summary"]["status"] == "reconciled"
    assert books["differences"].filter(pl.col("severity") != "info").rows() == []


@pytest.mark.parametrize("seed", POSTED)
def test_right_books_are_reconciled_without_a_finding_to_follow_up(seed: int) -> None:
    """But for an account in two roles whose other activity is told beside the verdict."""
    books = outcome(seed)
    findings = books["differences"].filter(pl.col("cause") != "shared_account")
    assert findings.filter(pl.col("severity") != "info").rows() == []
    assert books["summary"]["status"] == "reconciled"


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if seed not in POSTED])
def test_of_right_books_that_are_not_posted_yet_the_rest_is_unposted(seed: int) -> None:
    errors = outcome(seed)["differences"].filter(pl.col("severity") == "error")
    assert set(errors["cause"]) == {"unposted"}
    assert set(errors["value_entry_no"]) <= set(random_books.books(seed).unposted)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.__name__)
def test_one_fault_is_always_found_and_named(corruption: Corruption) -> None:
    check_corrupted(corruption)


def check_corrupted(corruption: Corruption) -> None:
    @tried(5)
    @given(st.sampled_from(BOTH), st.integers(0, 9999))
    def holds(seed: int, dice: int) -> None:
        books = tied_out(corruption(rolled(seed), Random(dice)))
        assert books["summary"]["status"] != "reconciled"
        assert "unclassified" not in books["summary"]["causes"]
        assert broken(books) == {}

    holds()


# The same books told in another way


@tried(12)
@given(st.sampled_from(LINKED))
def test_with_and_without_relations_the_accounts_tie_the_same(seed: int) -> None:
    without_relations = tied_out(changed(rolled(seed), gl_item_ledger_relation=None))
    columns = ("account_no", "subledger", "gl", "other_activity", "difference", "explained", "unexplained")
    assert rows_of(without_relations, *columns) == rows_of(outcome(seed), *columns)
    assert without_relations["summary"]["status"] == outcome(seed)["summary"]["status"]


@pytest.mark.parametrize("table", SETUPS)
def test_without_relations_and_a_setup_right_books_are_still_reconciled(table: str) -> None:
    """What isn't given is told from the entries and the lines."""
    books = changed(rolled(ODD_SEED), **{table: None, "gl_item_ledger_relation": None})
    assert tied_out(books)["summary"]["status"] == "reconciled"


def test_a_source_code_that_is_blank_throughout_tells_nothing() -> None:
    books = changed(ODDITIES["lines without source codes"](rolled(ODD_SEED)), gl_item_ledger_relation=None)
    assert tied_out(books)["summary"]["status"] == "reconciled"


@pytest.mark.parametrize("company", COMPANIES)
def test_posted_per_entry_or_per_posting_group_the_accounts_hold_the_same(company: str) -> None:
    """But for WIP that is written off: when it is posted decides whether overhead goes with it."""
    columns = ("account_no", "subledger", "gl", "difference")
    books = [tied_out(made(company, method)) for method in ("entry", "group")]
    by_entry, by_group = ({row[0]: row[1:] for row in rows_of(b, *columns)} for b in books)
    differing = {account_no for account_no, figures in by_entry.items() if figures != by_group[account_no]}
    assert differing <= (WRITTEN_OFF if company == "fjord_cycles" else set())


def made(company: str, method: str) -> Extract:
    ledger, _ = COMPANIES[company](True, method)
    return extract({name: plain_rows(ledger, name) for name in TABLES}, company)


@tried(8)
@given(st.sampled_from(SEEDS), st.booleans(), st.integers(0, 9999))
def test_the_order_of_rows_changes_nothing(seed: int, is_disturbed: bool, dice: int) -> None:
    books = disturbed(seed) if is_disturbed else rolled(seed)
    shuffled = {name: rows.sample(fraction=1, shuffle=True, seed=dice) for name, rows in books.tables.items()}
    first, second = outcome(seed, is_disturbed), tied_out(changed(books, **shuffled))
    assert second["summary"] == first["summary"]
    for noun in ("expected_postings", "actual_postings", "differences", "tie_outs"):
        assert second[noun].equals(first[noun])


@pytest.mark.parametrize("seed", [1, 8])
def test_part_files_change_nothing(seed: int) -> None:
    tables = random_books.books(seed).tables
    parts = extract(tables, parts=3).tables
    assert all(parts[name].equals(rows) for name, rows in rolled(seed).tables.items())


def test_rows_files_threads_hashes_and_time_zone_change_no_byte(tmp_path: Path) -> None:
    """Two runs of the command: one on the company as it ships, the other with all of that otherwise."""
    shipped = ROOT / "assets" / "companies" / "harbour_ceramics"
    scattered = tmp_path / "scattered" / shipped.name
    for file in shipped.glob("*.csv"):
        scatter(file, scattered)
    runs = [
        run(shipped, tmp_path / "a", POLARS_MAX_THREADS="4", PYTHONHASHSEED="1", TZ="UTC"),
        run(scattered, tmp_path / "b", POLARS_MAX_THREADS="1", PYTHONHASHSEED="2", TZ="Pacific/Auckland"),
    ]
    assert [process.wait() for process in runs] == [1, 1]
    assert published(tmp_path / "a") == published(tmp_path / "b")


def scatter(file: Path, folder: Path) -> None:
    """The table's rows in another order, in two part files."""
    rows = pl.read_csv(file, infer_schema=False).sample(fraction=1, shuffle=True, seed=1)
    (folder / file.stem).mkdir(parents=True)
    half = (rows.height + 1) // 2
    for number, part in enumerate((rows.head(half), rows.tail(rows.height - half))):
        part.write_csv(folder / file.stem / f"part_{number}.csv")


def run(source: Path, out: Path, **environment: str) -> subprocess.Popen[bytes]:
    command = "from assets.cli import main; raise SystemExit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", command, "run", "--source", str(source), "--out", str(out)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def published(out: Path) -> Mapping[str, bytes]:
    """Every file but the profile and the evidence, which names the inputs as files; of the workpapers their
    cells. Hash and ending of the inputs, which do differ, are taken out.
    """
    files = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    del files["profile.json"], files["evidence.zip"]
    workbook = openpyxl.load_workbook(io.BytesIO(files.pop("workpapers.xlsx")))
    files |= {sheet.title: repr([*sheet.values]).encode() for sheet in workbook}
    hashes = [told["sha256"] for told in json.loads(files["summary.json"])["inputs"]]
    return {name: without_texts(content, ".csv", *hashes) for name, content in files.items()}


def without_texts(content: bytes, *texts: str) -> bytes:
    for text in texts:
        content = content.replace(text.encode(), b"")
    return content
