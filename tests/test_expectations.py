"""Each sentence that a controller signs is seen to hold on sound tables and to fail once on planted ones."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from assets import expectations, validation
from schemas import marts

DAY = date(2026, 1, 31)


def table(mart: str, *rows: Mapping[str, Any]) -> pl.DataFrame:
    """A published table; what a row leaves out is null, or blank where null isn't allowed."""
    columns = marts.MARTS[mart]
    schema = {name: column.dtype(2, 2) for name, column in columns.items()}
    return pl.DataFrame([dict.fromkeys(columns) | dict(row) for row in rows], schema, orient="row")


def tie_out(**changes: Any) -> dict[str, Any]:
    row = {
        "account_no": "2110", "roles": '["inventory"]', "subledger": Decimal("250.00"),
        "gl": Decimal("285.00"),
        "other_activity": Decimal("5.00"), "difference": Decimal("30.00"),
        "explained": '{"direct_posting": "30.00"}', "unexplained": Decimal("0.00"),
    }  # fmt: skip
    return row | changes


def finding(**changes: Any) -> dict[str, Any]:
    row = {
        "finding_id": "a", "cause": "direct_posting", "severity": "error", "account_no": "2110",
        "account_role": "inventory", "gl_entry_no": 7, "difference": Decimal("30.00"), "inferred": False,
        "explanation": "Somebody booked 30.00 by hand.", "remedy": "Reverse it.",
    }  # fmt: skip
    return row | changes


def expected(role: str, amount: str) -> dict[str, Any]:
    return {"value_entry_no": 1, "cost_kind": "actual", "account_role": role, "account_no": "2110",
            "posting_date": DAY, "amount": Decimal(amount)}  # fmt: skip


SOUND = {
    "tie_outs": [tie_out()],
    "differences": [finding()],
    "expected_postings": [expected("inventory", "250.00"), expected("direct_cost_applied", "-250.00")],
}
SUMMARY = {"causes": {"direct_posting": {"findings": 1, "amount": "30.00"}}}

#: Per expectation one table with a fault that breaks it (others may notice it as well).
PLANTED: Mapping[str, tuple[str, list[dict[str, Any]]]] = {
    "an_account_stands_once": ("tie_outs", [tie_out(), tie_out()]),
    "difference_is_ledger_less_subledger": ("tie_outs", [tie_out(gl=Decimal("285.01"))]),
    "difference_is_explained_or_unexplained": (
        "tie_outs",
        [tie_out(explained='{"direct_posting": "29.99"}')],
    ),
    "findings_foot_to_the_difference": ("differences", [finding(difference=Decimal("29.99"))]),
    "causes_are_known": ("differences", [finding(cause="bad_luck")]),
    "severities_are_known": ("differences", [finding(severity="grave")]),
    "amounts_name_an_entry": ("differences", [finding(gl_entry_no=None)]),
    "a_finding_touches_an_entry_once": ("differences", [finding(), finding()]),
    "a_finding_has_one_cause": ("differences", [finding(), finding(cause="reversed", gl_entry_no=8)]),
    "causes_are_counted": ("differences", [finding(), finding(finding_id="b", difference=Decimal("0.00"))]),
    "entries_balance": ("expected_postings", [expected("inventory", "250.00")]),
    "nothing_is_unclassified": ("tie_outs", [tie_out(explained="{}", unexplained=Decimal("30.00"))]),
}


def broken(
    tables: Mapping[str, list[dict[str, Any]]], summary: Mapping[str, Any] = SUMMARY
) -> dict[str, str]:
    found = expectations.outcomes(published(tables), summary)
    return {outcome.expectation.name: outcome.seen for outcome in found if not outcome.holds}


def test_sound_tables_are_signed() -> None:
    assert broken(SOUND) == {}


def test_books_without_findings_are_signed() -> None:
    ties = tie_out(gl=Decimal("255.00"), difference=Decimal("0.00"), explained="{}")
    assert broken(SOUND | {"tie_outs": [ties], "differences": []}, {"causes": {}}) == {}


@pytest.mark.parametrize("name", [e.name for e in expectations.SUITE])
def test_a_planted_fault_breaks_the_expectation(name: str) -> None:
    mart, rows = PLANTED[name]
    assert name in broken({**SOUND, mart: rows})


def test_what_breaks_an_expectation_is_shown() -> None:
    found = broken(SOUND | {"differences": [finding(cause="bad_luck")]})
    assert found["causes_are_known"] == "seen instead: bad_luck"


def test_an_amount_without_a_cause_stops_nothing() -> None:
    """It is a result to publish; everything else on the list is a fault of the tables themselves."""
    assert [e.name for e in expectations.SUITE if not e.is_blocking] == ["nothing_is_unclassified"]


def published(tables: Mapping[str, list[dict[str, Any]]]) -> dict[str, pl.DataFrame]:
    return {mart: table(mart, *rows) for mart, rows in tables.items()}


def test_the_process_beside_answers_as_this_one_does_and_this_one_answers_when_it_is_gone() -> None:
    unknown = SOUND | {"differences": [finding(cause="bad_luck")]}
    calls = [validation.Call(e.name, e.evidence, e.kind, e.arguments) for e in expectations.SUITE]
    tables = expectations.evidence(published(unknown), SUMMARY)
    beside = validation.Beside()
    told = beside.answers(calls, tables)
    assert told == validation.answered(calls, tables)
    assert told is not None
    assert told["causes_are_known"] == (False, "seen instead: bad_luck")
    beside.process.kill()
    beside.process.wait()
    assert beside.answers(calls, tables) is None
