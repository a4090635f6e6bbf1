"""What changed between two runs: every line by name, every account to the cent, and the exit code."""

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from assets import cli, publication
from pipelines import differ
from schemas.bc import Extract
from tests.chain import Chain
from tests.corruptions import CORRUPTIONS, Corruption
from tests.small_books import changed, rolled, tied_out

SEED = 266
MARTS = ("tie_outs", "differences", "expected_postings", "actual_postings")


def run_of(books: Chain) -> differ.Run:
    tables = publication.marts({mart: books[mart] for mart in (*MARTS,)}, books["books"])
    controlled = books["tie_outs"].filter("is_controlled")["account_no"]
    return differ.Run(tables, books["books"].as_of, frozenset(controlled))


def compared(before: Chain, after: Chain) -> differ.Changes:
    return differ.changes(run_of(before), run_of(after))


def broken_footing(before: Chain, after: Chain) -> list[Any]:
    """Accounts and figures whose lines don't lead from before to after."""
    figures = ("subledger", "gl", "other_activity", "difference")
    footing = compared(before, after).footing
    sums = footing.group_by("account_no", "figure").agg(
        told=pl.col("amount").filter(pl.col("line") != "after").sum(),
        after=pl.col("amount").filter(pl.col("line") == "after").sum(),
        rest=pl.col("amount").filter(pl.col("line") == "other lines").sum(),
    )
    is_named = (pl.col("rest") == 0) | ~pl.col("figure").is_in(["subledger", "difference"])
    wrong = sums.filter((pl.col("told") != pl.col("after")) | ~is_named)
    columns = {f: pl.col(f) for f in figures}
    sides = [b["tie_outs"].select("account_no", **columns) for b in (before, after)]
    both = sides[0].join(sides[1], on="account_no", how="full", coalesce=True, nulls_equal=True, suffix="_2")
    moved = [
        (row["account_no"], f)
        for row in both.iter_rows(named=True)
        for f in figures
        if (row[f] or 0) != (row[f"{f}_2"] or 0)
    ]
    told = set(footing.select("account_no", "figure").rows())
    return [*wrong.rows(), *(m for m in moved if m not in told)]


@cache
def right() -> Chain:
    return tied_out(rolled(SEED))


def test_the_same_books_twice_are_no_change() -> None:
    found = compared(right(), tied_out(rolled(SEED)))
    assert (found.rows.rows(), found.footing.rows()) == ([], [])


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.__name__)
def test_whatever_changed_every_account_foots(corruption: Corruption) -> None:
    after = tied_out(corruption(rolled(SEED), Random(7)))
    assert broken_footing(right(), after) == []
    assert broken_footing(after, right()) == []


def test_an_earlier_day_foots_as_well() -> None:
    last = right()["books"].as_of
    assert broken_footing(tied_out(rolled(SEED), as_of=date(last.year, last.month, 1)), right()) == []


# Each kind of change, one at a time


def rows_of(found: differ.Changes, mart: str) -> list[tuple[Any, ...]]:
    return found.rows.filter(pl.col("mart") == mart).select("change", "value_entry_no", "gl_entry_no").rows()


def posted_purchase() -> Mapping[str, Any]:
    """A value entry on two controlled-and-balancing lines, and its G/L lines."""
    actual = right()["actual_postings"].filter(
        (pl.len().over("value_entry_no") == 2)
        & (pl.len().over("gl_entry_no") == 1)
        & (pl.col("account_role") == "inventory").any().over("value_entry_no")
    )
    value_entry_no = actual["value_entry_no"][0]
    mine = actual.filter(pl.col("value_entry_no") == value_entry_no)
    return {"value_entry_no": value_entry_no, "gl_entry_nos": mine["gl_entry_no"].to_list()}


def without_entry(given: Extract, value_entry_no: int, gl_entry_nos: list[int]) -> Extract:
    tables = given.tables
    relations = tables["gl_item_ledger_relation"]
    return changed(
        given,
        value_entry=tables["value_entry"].filter(pl.col("entry_no") != value_entry_no),
        gl_entry=tables["gl_entry"].filter(~pl.col("entry_no").is_in(gl_entry_nos)),
        gl_item_ledger_relation=relations.filter(pl.col("value_entry_no") != value_entry_no),
    )


def test_an_entry_that_was_dated_into_the_signed_period_is_backdated() -> None:
    entry = posted_purchase()
    before = tied_out(without_entry(rolled(SEED), **entry), as_of=right()["books"].as_of)
    found = compared(before, right())
    numbers = entry["value_entry_no"]
    assert rows_of(found, "expected_postings") == [("backdated", numbers, None)] * 2
    assert rows_of(found, "actual_postings") == [("backdated", numbers, n) for n in entry["gl_entry_nos"]]
    inventory = found.footing.filter((pl.col("figure") == "subledger") & (pl.col("line") == "backdated"))
    assert inventory.height >= 1


def test_an_entry_that_is_gone_has_vanished() -> None:
    entry = posted_purchase()
    after = tied_out(without_entry(rolled(SEED), **entry), as_of=right()["books"].as_of)
    found = compared(right(), after)
    assert rows_of(found, "expected_postings") == [("vanished", entry["value_entry_no"], None)] * 2


def test_an_altered_amount_is_told_with_both_amounts() -> None:
    entry = posted_purchase()
    gl_entry_no = entry["gl_entry_nos"][0]
    lines = rolled(SEED).tables["gl_entry"]
    is_mine = pl.col("entry_no") == gl_entry_no
    amount = lines.filter(is_mine)["amount"][0]
    altered = lines.with_columns(amount=pl.when(is_mine).then(pl.col("amount") + 1).otherwise("amount"))
    found = compared(right(), tied_out(changed(rolled(SEED), gl_entry=altered)))
    row = found.rows.filter((pl.col("mart") == "actual_postings") & (pl.col("gl_entry_no") == gl_entry_no))
    assert row.select("change", "amount_before", "amount_after").rows()[0] == ("altered", amount, amount + 1)
    assert f"amount {amount:.2f} -> {amount + 1:.2f}" in row["what"][0]
    assert "new" in found.rows.filter(pl.col("mart") == "differences")["change"].to_list()


def test_what_was_only_posted_since_is_told_as_posted() -> None:
    entry = posted_purchase()["value_entry_no"]
    entries = rolled(SEED).tables["value_entry"]
    is_mine = pl.col("entry_no") == entry
    zero = pl.lit(0, entries.schema["cost_posted_to_gl"])
    open_ = entries.with_columns(
        pl.when(is_mine).then(zero).otherwise(pl.col(c)).alias(c)
        for c in ("cost_posted_to_gl", "cost_posted_to_gl_acy")
    )
    found = compared(tied_out(changed(rolled(SEED), value_entry=open_)), right())
    told = found.rows.filter(pl.col("mart") == "expected_postings")
    assert told.select("change", "value_entry_no").unique().rows() == [("posted", entry)]
    assert "posted amount 0.00 ->" in told["what"][0]
    assert "gone" in found.rows.filter(pl.col("mart") == "differences")["change"].to_list()


# The command


def tieout(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Harbour Ceramics as of March and as of its last day."""
    folder = tmp_path_factory.mktemp("runs")
    source = Path(__file__).parents[1] / "assets" / "companies" / "harbour_ceramics"
    march, last = folder / "march", folder / "last"
    assert tieout("run", "--source", source, "--as-of", "2025-03-31", "--out", march).exit_code == 1
    assert tieout("run", "--source", source, "--out", last).exit_code == 1
    return march, last


def test_a_run_compared_with_itself_is_0_and_with_another_1(runs: tuple[Path, Path]) -> None:
    march, last = runs
    same, other = tieout("diff", march, march), tieout("diff", march, last)
    assert (same.exit_code, other.exit_code) == (0, 1)
    assert "nothing changed" in same.stdout
    assert "  14150    difference  direct_posting          -6.25" in other.stdout


def test_json_and_file_hold_every_row(runs: tuple[Path, Path], tmp_path: Path) -> None:
    march, last = runs
    told = json.loads(tieout("diff", march, last, "--json", "--out", tmp_path / "all.csv").stdout)
    assert told["changed"] and told["counts"] == {"differences": {"new": 8}}
    assert len(told["changes"]) == 8
    assert {row["line"] for row in told["tie_outs"]} >= {"before", "came into the period", "after"}
    rows = pl.read_csv(tmp_path / "all.csv")
    assert rows.height == len(told["changes"]) + len(told["tie_outs"])


def test_what_is_no_run_is_told_and_2(runs: tuple[Path, Path], tmp_path: Path) -> None:
    found = tieout("diff", runs[0], tmp_path)
    assert found.exit_code == 2
    assert f"tieout: {tmp_path}: is not a run: there is no summary.json in it." in found.stderr


def test_runs_of_different_companies_are_2(runs: tuple[Path, Path], tmp_path: Path) -> None:
    other = copied(runs[0], tmp_path / "other", company="Somebody Else")
    found = tieout("diff", runs[0], other)
    assert found.exit_code == 2
    assert "are runs of different companies: only" in found.stderr


@pytest.mark.parametrize("content", [None, b"", b"PAR1 is not a table"])
def test_a_broken_mart_is_2_and_named(runs: tuple[Path, Path], tmp_path: Path, content: bytes | None) -> None:
    other = copied(runs[0], tmp_path / "other")
    mart = other / "differences.parquet"
    mart.unlink()
    if content is not None:
        mart.write_bytes(content)
    found = tieout("diff", runs[0], other)
    assert found.exit_code == 2
    assert f"tieout: {mart}: " in found.stderr


def copied(run: Path, folder: Path, **summary: str) -> Path:
    folder.mkdir()
    for file in run.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    told = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**told, **summary}))
    return folder
