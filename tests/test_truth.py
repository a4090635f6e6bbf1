"""The made companies, whole: every planted fault is found under its own cause, and nothing else is.

The truth of each company was written by its generator, which knows nothing of the product. In it ``*``
stands for anything and a blank for nothing; ``match`` says whether one row or a whole finding is meant.
"""

import csv
import shutil
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.detection import unmatched
from tests.made.companies import write
from tests.whole_books import Outcome, run_books

COMPANIES = Path(__file__).parent.parent / "assets" / "companies"
TRUTH = Path(__file__).parent / "made" / "truth"
MADE = ("fjord_cycles", "harbour_ceramics")
FIGURES = ("account_no", "subledger", "gl", "other_activity", "difference")
NAMED = ("account_no", "account_role", "cost_kind", "value_entry_no", "gl_entry_no")

Row = Mapping[str, Any]


@cache
def outcome(company: str) -> Outcome:
    return run_books(COMPANIES / company)


def truth(file: str) -> list[dict[str, str]]:
    with (TRUTH / f"{file}.csv").open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def fits(row: Row, told: Mapping[str, str]) -> bool:
    """Whether a row of the differences is the one that the truth tells."""
    if (row["cause"], row["severity"]) != (told["cause"], told["severity"]):
        return False
    if any(told[c] != "*" and told[c] != ("" if row[c] is None else str(row[c])) for c in NAMED):
        return False
    amounts = ("difference", "expected_amount") if told["match"] == "row" else ("expected_amount",)
    return all(told[a] in {"*", ""} or row[a] == Decimal(told[a]) for a in amounts)


@pytest.mark.parametrize("company", MADE)
def test_every_planted_fault_is_found_to_the_cent_and_nothing_else(company: str) -> None:
    missing, extra = unmatched(outcome(company).differences.to_dicts(), truth(company), fits)
    assert (missing, extra) == ([], [])


@pytest.mark.parametrize("company", MADE)
def test_a_fault_is_one_finding(company: str) -> None:
    findings = outcome(company).differences.unique(["finding_id"])
    found = Counter(findings.select("cause", "severity").rows())
    told = {(r["cause"], r["severity"]): int(r["findings"]) for r in truth(f"{company}_findings")}
    assert found == told


@pytest.mark.parametrize("company", MADE)
def test_its_verdict_is_differences(company: str) -> None:
    summary = outcome(company).summary
    assert (summary["status"], summary["inconclusive_because"]) == ("differences", [])


def without_relations(source: Path, folder: Path) -> Path:
    shutil.copytree(source, folder)
    (folder / "gl_item_ledger_relation.csv").unlink()
    return folder


#: Without the relation table nobody can tell that a relation row is an orphan: its lines belong to no entry.
CAUSE_WITHOUT_RELATIONS = {"orphan_relation": "unrelated_inventory_posting"}


@pytest.mark.parametrize("company", MADE)
def test_without_the_relation_table_it_ties_out_the_same(company: str, tmp_path: Path) -> None:
    inferred = run_books(without_relations(COMPANIES / company, tmp_path / company))
    assert inferred.tie_outs.select(FIGURES).equals(outcome(company).tie_outs.select(FIGURES))


@pytest.mark.parametrize("company", MADE)
def test_without_the_relation_table_the_findings_are_the_same(company: str, tmp_path: Path) -> None:
    inferred = run_books(without_relations(COMPANIES / company, tmp_path / company))
    key = ["cause", "severity", "account_no", "value_entry_no", "gl_entry_no", "difference"]
    # an orphan without an amount has no line in either ledger
    told = outcome(company).differences.filter(
        (pl.col("cause") != "orphan_relation") | (pl.col("difference") != 0)
    )
    expected = told.with_columns(pl.col("cause").replace(CAUSE_WITHOUT_RELATIONS)).select(key)
    assert sorted(map(str, inferred.differences.select(key).rows())) == sorted(map(str, expected.rows()))
    rests_on_links = inferred.differences.filter(
        pl.col("cause").is_in(["amount_mismatch", "duplicate_posting"])
    )
    assert rests_on_links["inferred"].all()


@pytest.mark.parametrize("relations", [True, False], ids=["with relations", "without relations"])
@pytest.mark.parametrize("method", ["mixed", "entry", "group"])
def test_without_the_faults_it_is_reconciled(method: str, relations: bool, tmp_path: Path) -> None:
    write(tmp_path / "clean", clean=True, method=method)
    for company in MADE:
        folder = tmp_path / "clean" / company
        source = folder if relations else without_relations(folder, tmp_path / company)
        clean = run_books(source)
        assert clean.summary["status"] == "reconciled"
        assert set(clean.differences["severity"]) <= {"info"}
        assert not set(clean.summary["causes"]) & {"unclassified"}
