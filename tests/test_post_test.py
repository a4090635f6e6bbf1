"""The test before posting says what a real run leaves behind: the little Business Central's batch job."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from assets import reconciliation, storage
from assets.cli import app
from pipelines import rules
from pipelines.posttest import is_listed
from tests import page
from tests.made import harbour
from tests.made.business import Business
from tests.made.posting import Row, Switches
from tests.made.write import write_company
from tests.small_books import tied_out

SWITCHES = Switches(
    automatic_cost_posting=False,
    expected_cost_posting=True,
    inc_non_inventory_cost=False,
    finish_order_without_output=False,
)
SETUPS = ("inventory_posting_setup", "general_posting_setup")
DAY = date(2025, 3, 28)


def waiting_company() -> Business:
    """The pottery's January and March, with everything still waiting for the batch job."""
    company = Business(SWITCHES)
    harbour.set_up(company, SWITCHES)
    company.rows("general_ledger_setup")[0]["allow_posting_from"] = None
    company.is_batch = True
    harbour.january(company)
    harbour.march(company)
    return company


def without_row(company: Business, table: str, column: str, value: str) -> None:
    company.tables[table] = [row for row in company.rows(table) if row[column] != value]


def blank(company: Business, account: str, **key: str) -> None:
    rows = [r for r in company.rows("general_posting_setup") if all(r[k] == v for k, v in key.items())]
    for row in rows:
        row[account] = ""


BREAKS: dict[str, Callable[[Business], None]] = {
    "an inventory posting setup row is missing": lambda company: without_row(
        company, "inventory_posting_setup", "invt_posting_group_code", "RAW"
    ),
    "a general posting setup row is missing": lambda company: without_row(
        company, "general_posting_setup", "gen_prod_posting_group", "RETAIL"
    ),
    "the cost of goods sold account is blank": lambda company: blank(
        company, "cogs_account", gen_bus_posting_group="DOMESTIC"
    ),
    "the interim accounts are blank": lambda company: blank(company, "invt_accrual_acc_interim"),
}


def hits(company: Business, folder: Path) -> pl.DataFrame:
    write_company(company, folder)
    found: pl.DataFrame = tied_out(storage.read_company(folder))["post_test"]
    return found


def queue(company: Business) -> set[int]:
    return {row["value_entry_no"] for row in company.rows("post_value_entry_to_gl")}


@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize("per_group", [True, False])
def test_what_the_test_would_skip_is_what_the_batch_job_leaves(
    broken: str, per_group: bool, tmp_path: Path
) -> None:
    company = waiting_company()
    sound: dict[str, list[Row]] = {name: [dict(row) for row in company.rows(name)] for name in SETUPS}
    BREAKS[broken](company)
    found = hits(company, tmp_path / "before")
    assert set(found["batch_job"]) == {"skips"}
    company.run_batch(DAY, per_group)
    assert 0 < len(queue(company)) < 10
    assert set(found["value_entry_no"]) == queue(company)
    assert set(hits(company, tmp_path / "after")["value_entry_no"]) == queue(company)

    company.tables.update(sound)
    assert hits(company, tmp_path / "repaired").is_empty()
    company.run_batch(DAY, per_group)
    assert queue(company) == set()
    assert hits(company, tmp_path / "posted").is_empty()


def test_every_message_of_the_report_is_expected_on_a_page() -> None:
    told = {
        row["message_no"]
        for path in page.paths()
        for table in page.read(path).expected
        if table.noun == "post test"
        for row in table.rows
    }
    assert told == {str(number) for number in range(1, 17)} == set(rules.setup_messages()["message_no"])


def test_every_problem_is_expected_on_a_page() -> None:
    texts = " ".join(
        path.read_text(encoding="utf-8") for path in page.paths() if path.parent.name == "post_test"
    )
    for row in rules.setup_messages().iter_rows(named=True):
        start, *_, end = (
            row["message"].replace("}", "{").split("{") if "{" in row["message"] else [row["message"]] * 2
        )
        assert start in texts and end in texts, row["problem"]


def test_every_check_of_a_message_is_listed_with_what_to_export() -> None:
    checks = set(rules.setup_messages()["check"]) - {""}
    assert checks <= set(rules.completeness()["check"])


@pytest.mark.parametrize(
    ("allowed", "value", "is_allowed"),
    [
        ("", "ANY", True),
        ("NORTH|SOUTH", "SOUTH", True),
        ("NORTH|SOUTH", "EAST", False),
        ("A..F|X", "C", True),
        ("A..F|X", "G", False),
        ("..F", "A", True),
        ("M..", "A", False),
        ("north", "NORTH", True),
    ],
)
def test_allowed_values_are_codes_and_ranges(allowed: str, value: str, is_allowed: bool) -> None:
    assert is_listed(allowed, value) == is_allowed


def told(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["post-test", *arguments])
    return result.exit_code, result.stdout


def test_the_command_tells_the_messages_and_what_it_could_not_test(tmp_path: Path) -> None:
    company = waiting_company()
    BREAKS["the cost of goods sold account is blank"](company)
    write_company(company, tmp_path / "pottery")
    code, text = told("--source", str(tmp_path / "pottery"), "--json")
    document = json.loads(text)
    assert code == 1
    assert {(m["message_no"], m["batch_job"], m["amount"]) for m in document["messages"]} == {
        (10, "skips", "8.00")
    }
    assert document["not_posted"]["entries"] == 10
    assert any("Default Dimension (352)" in check["why"] for check in document["checks_off"])


def test_the_command_ends_with_0_where_nothing_would_stop(tmp_path: Path) -> None:
    write_company(waiting_company(), tmp_path / "pottery")
    assert told("--source", str(tmp_path / "pottery"))[0] == 0
    code, text = told("--source", str(tmp_path / "pottery"), "--method", "per-group")
    assert (code, "Enter a document no." in text) == (1, True)
    assert (
        told("--source", str(tmp_path / "pottery"), "--method", "per-group", "--document-no", "C-1")[0] == 0
    )


def test_the_command_refuses_an_unknown_method() -> None:
    assert told("--source", str(reconciliation.demo_companies()), "--method", "sometimes")[0] == 2
