"""``tieout explain`` answers for a value entry, a G/L entry, an account, a document, an order, a finding."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from assets import explanation, reconciliation, run, telling
from assets.run import Run
from schemas.faults import InputError


@pytest.fixture(scope="module")
def values() -> Mapping[str, Any]:
    source = Run(source=str(reconciliation.demo_companies()), company="fjord_cycles")
    return run.materialized("explain", source, lambda *_: None)


def told(values: Mapping[str, Any], kind: str, key: str | int) -> str:
    return "\n".join(telling.lines(explanation.answer(values, kind, key)))


def finding(values: Mapping[str, Any], cause: str) -> str:
    return str(values["differences"].filter(pl.col("cause") == cause)["finding_id"][0])


#: Each subject: what is asked, and what the answer has to hold, in order.
ANSWERS: Mapping[str, tuple[str, str | int, tuple[str, ...]]] = {
    "a value entry: rule, setup row, lines, finding, remedy, proposal": (
        "value entry",
        77,
        (
            "value entry 77 · 2025-02-20 · Positive Adjmt. Direct Cost",
            "positive-adjmt-direct-cost-actual",
            "inventory_posting_setup: MAIN, RESALE",
            "no lines posted",
            "error: posted_without_gl",
            "What to do: Look for a deleted or failed posting run",
            "Proposed: journal",
            "14300     18.00  Corrects value entry 77: posted without G/L",
        ),
    ),
    "an account: its tie-out and cause by cause what explains it": (
        "account",
        "14510",
        ("roles: wip", "Work in Process, Cargo", "wip_account_changed: 12.00", "value entry 73"),
    ),
    "a document, by its number in any case": (
        "document",
        "ij-0002",
        ("value entry 2 ", "relation table", "150.00  IJ-0002", "no findings"),
    ),
    "an order: its work in process and the clearing item that it is": (
        "order",
        "PO-0016",
        (
            "work in process",
            "31.00     18.00",
            "not finished",
            "value entry 464",
            "clearing items",
            "order:Production/PO-0016/10000",
            "the order is in progress",
        ),
    ),
}


@pytest.mark.parametrize("subject", ANSWERS)
def test_an_answer_holds(subject: str, values: Mapping[str, Any]) -> None:
    kind, key, parts = ANSWERS[subject]
    rest = told(values, kind, key)
    for part in parts:
        assert part in rest, part
        rest = rest.split(part, 1)[1]


def test_a_gl_entry_tells_what_it_is_its_finding_and_the_proposal(values: Mapping[str, Any]) -> None:
    by_hand = values["differences"].filter(
        (pl.col("cause") == "direct_posting") & (pl.col("difference") == 30)
    )
    answer = told(values, "G/L entry", by_hand["gl_entry_no"][0])
    for part in ("14300     30.00  GJ-", "journal", "error: direct_posting", "67000     30.00"):
        assert part in answer


def test_a_finding_tells_all_its_rows_and_the_whole_journal(values: Mapping[str, Any]) -> None:
    answer = told(values, "finding", finding(values, "duplicate_posting").upper())
    for part in ("value entry 209", "lines posted", "     -24.00", "Take the second posting back", "53000"):
        assert part in answer
    assert answer.count("Proposed:") == 1


def test_a_setup_that_stands_in_the_way_is_told_with_the_proposal(values: Mapping[str, Any]) -> None:
    samples = values["proposals"].filter(pl.col("setup_key_2") == "SAMPLES")
    answer = told(values, "value entry", samples["value_entry_no"][0])
    assert "general_posting_setup: (blank), SAMPLES" in answer
    assert "account blank" in answer
    assert "inventory_adjmt_account = 53000" in answer


def test_a_settled_finding_says_what_settled_it(values: Mapping[str, Any]) -> None:
    id_ = finding(values, "posted_without_gl")
    is_it = pl.col("finding_id") == id_
    settlement = values["differences"].with_columns(
        settled_by=pl.when(is_it).then(pl.lit("correction journal")),
        settlement_id=pl.when(is_it).then(pl.lit("correction COR-1")),
    )
    answer = told({**values, "differences": settlement}, "finding", id_)
    assert "Settled by correction journal: correction COR-1" in answer


def test_every_answer_can_be_json_with_amounts_as_text(values: Mapping[str, Any]) -> None:
    for kind, key, _ in ANSWERS.values():
        plain = explanation.as_plain(explanation.answer(values, kind, key))
        assert json.loads(json.dumps(plain)) == plain
    entry = explanation.as_plain(explanation.answer(values, "value entry", 77))
    assert [row["amount"] for row in entry["expected_lines"]] == ["18.00", "-18.00"]
    assert [row["difference"] for row in entry["findings"]] == ["-18.00", "18.00"]
    assert entry["proposals"][0]["account_no"] == "14300"


UNKNOWN: Mapping[str, tuple[str, str | int, str]] = {
    "value entry": ("value entry", 10**6, "The numbers go from 1 to"),
    "G/L entry": ("G/L entry", 10**6, "The numbers go from 1 to"),
    "account": ("account", "99999", "Accounts with a role: 14100"),
    "document": ("document", "NONE", "capitals or not"),
    "order": ("order", "NONE", "capitals or not"),
    "finding": ("finding", "NONE", "The column finding_id of differences.csv"),
}


@pytest.mark.parametrize("subject", UNKNOWN)
def test_what_is_not_there_is_said_with_what_is(subject: str, values: Mapping[str, Any]) -> None:
    kind, key, said = UNKNOWN[subject]
    with pytest.raises(InputError, match=f"there is no {kind} {key}.*{said}"):
        explanation.answer(values, kind, key)


def test_entries_with_findings_come_first_and_the_rest_is_counted(values: Mapping[str, Any]) -> None:
    answer = explanation.answer(values, "account", "14300")
    assert answer.value_entries.height == explanation.SHOWN
    assert set(answer.value_entries["value_entry_no"]) <= set(answer.findings["value_entry_no"])
    assert answer.left_out["value_entries"] > 0
