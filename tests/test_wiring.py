"""What Dagster runs is what the committed list says, and a broken contract stops it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from assets import checks, console, publication, reconciliation, run, storage
from assets.definitions import definitions, defs
from assets.run import Memory, Run
from assets.server import CONFIG
from schemas import ledger, marts
from schemas.bc import Extract
from schemas.faults import InputError

LIST = Path(__file__).with_name("wiring.txt")
COMPANY = "harbour_ceramics"


def wired() -> dg.Definitions:
    return definitions(Run(), Memory())


def listed(found: dg.Definitions) -> Iterator[str]:
    """One line for each asset, check, job and schedule, in the order of their names."""
    graph = found.resolve_asset_graph()
    for node in sorted(graph.asset_nodes, key=lambda node: node.key):
        parents = ", ".join(sorted(key.to_user_string() for key in node.parent_keys)) or "the source"
        yield f"asset {node.key.to_user_string()} ({node.group_name}) from {parents}"
    for key in sorted(graph.asset_check_keys):
        blocks = "stops the run" if graph.get_check_spec(key).blocking else "is reported"
        yield f"check {key.asset_key.to_user_string()}: {key.name}, {blocks}"
    yield from sorted(f"job {job.name}" for job in found.jobs or [] if isinstance(job.name, str))
    for schedule in found.schedules or []:
        assert isinstance(schedule, dg.ScheduleDefinition)
        yield f"schedule {schedule.name}: {schedule.job_name} at {schedule.cron_schedule}"


def test_assets_checks_jobs_and_schedules_equal_the_list() -> None:
    """After a change on purpose: python -m tests.test_wiring renews the list."""
    assert list(listed(defs())) == LIST.read_text().splitlines()


def test_the_web_pages_show_the_same_assets_and_the_months() -> None:
    of_months = [line for line in listed(defs()) if line not in set(listed(wired()))]
    assert of_months == [
        "asset month_end (months) from the source",
        "job months",
        "schedule monthly: months at 0 6 5 * *",
    ]
    assert set(listed(wired())) < set(listed(defs()))


def test_the_web_pages_show_the_companies_and_months_of_their_config(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = tmp_path / "tieout.toml"
    source = f"[source]\npath = '{reconciliation.demo_companies()}'\n"
    given.write_text(f"{source}[run]\nas_of = 2025-04-30\n[months]\nfirst = '2025-03'\n")
    monkeypatch.setenv(CONFIG, str(given))
    shown = defs().resolve_asset_graph().get(dg.AssetKey("month_end")).partitions_def
    assert shown is not None
    companies = ("cronus_usa", "fjord_cycles", "harbour_ceramics")
    assert set(shown.get_partition_keys()) == {
        f"{c}|{month}" for c in companies for month in ("2025-03", "2025-04")
    }


def test_every_asset_says_what_it_is() -> None:
    for node in defs().resolve_asset_graph().asset_nodes:
        assert node.description, node.key


def test_every_stage_that_is_told_is_a_step() -> None:
    steps = {node.name for node in wired().resolve_job_def("reconcile").nodes}
    assert set(console.STAGES) <= steps


def test_a_job_runs_in_one_process() -> None:
    for job in ("reconcile", "check", "explain", "test"):
        assert wired().resolve_job_def(job).executor_def is dg.in_process_executor


@pytest.fixture(scope="module")
def extract() -> Extract:
    return storage.read_company(reconciliation.demo_companies(), COMPANY)


def planted(extract: Extract, table: str, **cells: Any) -> Extract:
    """The extract with one value in a column throughout."""
    rows = extract.tables[table]
    columns = [pl.lit(value, rows.schema[column]).alias(column) for column, value in cells.items()]
    return replace(extract, tables={**extract.tables, table: rows.with_columns(columns)})


def test_a_table_that_breaks_its_contract_stops_the_run(
    monkeypatch: pytest.MonkeyPatch, extract: Extract
) -> None:
    broken = planted(extract, "value_entry", entry_type="Theft")
    monkeypatch.setattr(storage, "read_company", lambda *_: broken)
    with pytest.raises(InputError, match=r"extract, contract: value_entry\.entry_type: .* Theft"):
        run.materialized("check", Run(source="planted"), lambda *_: None)


@pytest.fixture(scope="module")
def values() -> Mapping[str, Any]:
    source = Run(source=str(reconciliation.demo_companies()), company=COMPANY)
    return run.materialized("explain", source, lambda *_: None)


@pytest.mark.parametrize("table", list(ledger.TABLES))
def test_books_that_break_their_contract_are_told(table: str, values: Mapping[str, Any]) -> None:
    rows = getattr(values["books"], table)
    broken = values["books"]._replace(**{table: rows.drop(rows.columns[0])})
    assert table in breach(checks.books_contract(broken))


def test_an_entry_that_stands_twice_in_the_books_is_told(values: Mapping[str, Any]) -> None:
    entries = values["books"].gl_entries
    twice = values["books"]._replace(gl_entries=pl.concat([entries, entries.head(1)]))
    assert "gl_entries: multiple_fields_uniqueness" in breach(checks.books_contract(twice))


@pytest.mark.parametrize("mart", list(marts.MARTS))
def test_a_mart_that_breaks_its_contract_is_told(mart: str, values: Mapping[str, Any]) -> None:
    working = {name: values[name] for name in marts.MARTS}
    sound = publication.marts(working, values["books"])
    assert breach(checks.marts_contract(marts=sound, books=values["books"])) is None
    broken = sound | {mart: sound[mart].drop(sound[mart].columns[0])}
    assert mart in breach(checks.marts_contract(marts=broken, books=values["books"]))


def breach(result: Any) -> Any:
    """What a check has to say against its tables; nothing when they keep their contracts."""
    return None if result.passed else result.description


def test_a_fault_in_an_asset_comes_out_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Extract:
        raise InputError("value_entry.csv: row 7: column amount: 'x' is not a number")

    monkeypatch.setattr(storage, "read_company", refuse)
    with pytest.raises(InputError, match=r"value_entry\.csv: row 7"):
        run.materialized("check", Run(source="planted"), lambda *_: None)


def test_settings_reach_the_calculation_as_they_were_given() -> None:
    told = Run(as_of="2026-12-31", materiality="0.10", expected_cost_posting=False).settings()
    assert (str(told.as_of), told.materiality) == ("2026-12-31", Decimal("0.10"))
    assert (told.expected_cost_posting, told.automatic_cost_posting) == (False, None)


if __name__ == "__main__":
    LIST.write_text("".join(f"{line}\n" for line in listed(defs())))
