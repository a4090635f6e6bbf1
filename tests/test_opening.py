"""A company may start at a cut-over: with balances in place of earlier entries, later months say the same.

Each made company is run whole, its figures of a month's end become opening balances, and the entries up to
there are left out. What it says of every later month's end must be what the whole history says.
"""

import json
import shutil
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from assets import cli, comparison
from pipelines.sources import bc_known
from schemas import bc
from schemas.bc import Extract
from schemas.faults import InputError
from schemas.ledger import Settings
from tests.chain import Chain
from tests.laws import (
    LAWS,
    matrix_foots_both_ways,
    rows_in_are_rows_out,
    subledgers_are_the_expected_lines_of_their_roles,
    valuation_leads_from_the_population_to_the_subledger,
)
from tests.made.companies import COMPANIES
from tests.made.ledger import TABLES
from tests.made.write import plain_rows
from tests.small_books import changed, extract, tied_out

FIGURES = ("account_no", "subledger", "gl", "other_activity", "difference")
CUTS = [
    ("harbour_ceramics", 1), ("harbour_ceramics", 2), ("harbour_ceramics", 3),
    ("fjord_cycles", 3), ("fjord_cycles", 6), ("fjord_cycles", 9),
]  # fmt: skip


def month_end(month: int) -> date:
    return date(2025 + month // 12, month % 12 + 1, 1) - timedelta(days=1)


@cache
def made(company: str, clean: bool = True) -> Extract:
    ledger, _ = COMPANIES[company](clean, "mixed")
    return extract({name: plain_rows(ledger, name) for name in TABLES}, company)


@cache
def whole(company: str, as_of: date | None = None, clean: bool = True) -> Chain:
    return tied_out(made(company, clean), as_of=as_of)


def balances(signed: Chain, *without: str) -> pl.DataFrame:
    """The opening balances that ``tieout opening`` writes of the run."""
    summary = signed["summary"]
    rows = [
        comparison.opening_balance(row, summary)
        for row in summary["tie_outs"]
        if row["account_no"] and row["roles"]
    ]
    return pl.DataFrame(rows).drop(without)


def cut(
    company: str, month: int, *, ignored: bool = False, by_hand: bool = False, clean: bool = True
) -> Extract:
    """The extract from the month's end on: the entries before it are gone, or there and to be ignored."""
    given, on = made(company), month_end(month)
    stated = ("last_value_entry_no", "last_gl_entry_no", "other_activity") if by_hand else ()
    return opened(given, balances(whole(company, on), *stated), on, ignored)


def opened(given: Extract, opening: pl.DataFrame, on: date, ignored: bool) -> Extract:
    rows = given.tables
    kept = {
        name: rows[name] if ignored else rows[name].filter(pl.col("posting_date") > on)
        for name in ("value_entry", "gl_entry")
    }
    typed = typed_opening(opening)
    return changed(given, **kept, opening_balance=typed)


def typed_opening(opening: pl.DataFrame) -> pl.DataFrame:
    types = {field.column: field.dtype for field in bc.fields()["opening_balance"]}
    return opening.select(
        (pl.col(c) if c in opening.columns else pl.lit(None)).cast(pl.String).cast(t, strict=True).alias(c)
        if t != pl.Date
        else pl.col(c).str.to_date().alias(c)
        for c, t in types.items()
    )


def figures(books: Chain) -> list[tuple[Any, ...]]:
    """Accounts at rest are listed where a setup or an entry names them, so they may be missing."""
    tied = books["tie_outs"].filter(pl.any_horizontal(pl.col(f) != 0 for f in FIGURES[1:]))
    return tied.select(FIGURES).rows()


def later_findings(books: Chain, on: date) -> list[tuple[Any, ...]]:
    """Findings of later months; those of before are within the balance that was carried over."""
    found = books["differences"].filter((pl.col("posting_date") > on) & (pl.col("cause") != "shared_account"))
    columns = ("finding_id", "cause", "account_no", "value_entry_no", "gl_entry_no", "difference")
    return sorted(found.select(columns).rows(), key=str)


@pytest.mark.parametrize("ignored", [False, True], ids=["left out", "ignored"])
@pytest.mark.parametrize(("company", "month"), CUTS)
def test_from_a_signed_month_on_the_figures_are_those_of_the_whole_history(
    company: str, month: int, ignored: bool
) -> None:
    on = month_end(month)
    for as_of in (None, month_end(month + 1)):
        started = tied_out(cut(company, month, ignored=ignored), as_of=as_of)
        assert figures(started) == figures(whole(company, as_of))
        assert later_findings(started, on) == later_findings(whole(company, as_of), on)
        assert started["summary"]["status"] == whole(company, as_of)["summary"]["status"]
        broken = {law.__name__: law(started).rows() for law in LAWS if law not in OF_ALL_ENTRIES}
        assert {law: rows for law, rows in broken.items() if rows} == {}


#: What holds only where every entry is there; stock by item and the matrix tell of entries alone.
OF_ALL_ENTRIES = (
    rows_in_are_rows_out,
    subledgers_are_the_expected_lines_of_their_roles,
    valuation_leads_from_the_population_to_the_subledger,
    matrix_foots_both_ways,
)


@pytest.mark.parametrize(("company", "month"), [("harbour_ceramics", 2), ("fjord_cycles", 6)])
def test_a_company_with_faults_goes_on_with_what_was_open(company: str, month: int) -> None:
    """Signed at the month's end with what was known then: earlier faults are carried over as a warning an
    account, what was posted since settles them, and later faults are what they are.
    """
    on, given = month_end(month), made(company, False)
    at = datetime.combine(on, time(23, 59))
    signed = tied_out(bc_known.known(given, Settings(known_at=at)), as_of=on)
    started = tied_out(opened(given, balances(signed), on, ignored=True))
    assert figures(started) == figures(whole(company, clean=False))
    off = signed["tie_outs"].filter((pl.col("difference") != 0) & pl.col("account_no").is_not_null())
    carried = started["differences"].filter(pl.col("gl_entry_no") < 0).select("account_no", "difference")
    assert sorted(carried.rows()) == sorted(off.select("account_no", "difference").rows())


def test_balances_by_hand_need_no_numbers() -> None:
    """Nothing is dated back in the clean pottery, so dates alone do."""
    started = tied_out(cut("harbour_ceramics", 2, by_hand=True))
    columns = ("account_no", "subledger", "gl", "difference")
    controlled = pl.col("is_controlled")
    expected = whole("harbour_ceramics")["tie_outs"].filter(controlled).select(columns)
    assert started["tie_outs"].filter(controlled).select(columns).equals(expected)


def test_entries_that_speak_for_themselves_are_not_counted_twice() -> None:
    """With the whole history there and no entry numbers stated, the balances only name what was loaded."""
    stated = balances(whole("harbour_ceramics", month_end(2)), "last_value_entry_no", "last_gl_entry_no")
    both = tied_out(changed(made("harbour_ceramics"), opening_balance=typed_opening(stated)))
    assert figures(both) == figures(whole("harbour_ceramics"))


def stated(**cells: Any) -> Extract:
    """A cut extract whose balances say something else."""
    given = cut("harbour_ceramics", 2)
    rows = given.tables["opening_balance"]
    return changed(given, opening_balance=rows.with_columns(**cells))


def test_an_unknown_role_is_told() -> None:
    wrong = stated(account_role=pl.lit("stock"))
    with pytest.raises(
        InputError, match="opening_balance: account 14100 has the role 'stock'. Use one of inventory,"
    ):
        tied_out(wrong)["books"]


def test_balances_of_several_days_are_told() -> None:
    is_first = pl.int_range(pl.len()) == 0
    wrong = stated(date=pl.when(is_first).then(pl.date(2025, 1, 31)).otherwise("date"))
    with pytest.raises(
        InputError, match="has balances of 2025-01-31 and of 2025-02-28, but the entries begin"
    ):
        tied_out(wrong)["books"]


def test_the_command_writes_balances_that_the_next_run_starts_from(tmp_path: Path) -> None:
    source = tmp_path / "harbour_ceramics"
    shutil.copytree(Path(__file__).parents[1] / "assets" / "companies" / "harbour_ceramics", source)
    run = CliRunner().invoke
    signed, later = str(tmp_path / "signed"), str(tmp_path / "later")
    run(cli.app, ["run", "--source", str(source), "--as-of", "2025-02-28", "--out", signed])
    written = run(cli.app, ["opening", signed, "--out", str(source / "opening_balance.csv")])
    assert (written.exit_code, written.stderr.endswith("21 balances at 2025-02-28\n")) == (0, True)
    assert run(cli.app, ["run", "--source", str(source), "--out", later]).exit_code == 1
    told = json.loads((Path(later) / "summary.json").read_text())
    assert told["causes"]["opening_balance"] == {"findings": 2, "amount": "20.00"}


def test_an_inconclusive_run_opens_nothing(tmp_path: Path) -> None:
    summary = {"company": "X", "as_of": "2025-01-31", "status": "inconclusive", "tie_outs": []}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    found = CliRunner().invoke(cli.app, ["opening", str(tmp_path), "--out", str(tmp_path / "o.csv")])
    assert (found.exit_code, "is inconclusive" in found.stderr) == (2, True)
