"""Companies × months: which partitions there are, as of when each is, and what is told of them."""

import json
import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from assets import cli, engines, months, partitions, reconciliation
from assets.run import Run
from schemas.faults import InputError
from tests.test_together import files

SMALL = reconciliation.demo_companies() / "harbour_ceramics"


def tieout(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


# Which there are


def test_a_name_that_dagster_takes_is_its_key() -> None:
    assert partitions.keys(["Müller & Söhne"]) == {"Müller & Söhne": "Müller & Söhne"}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=50), unique=True))
def test_any_companies_have_keys_steps_and_folders_of_their_own(companies: list[str]) -> None:
    keys = partitions.keys([*companies, "CRONUS USA, Inc.", "a|b", "a[b", "..."])
    partitions.month_end(keys, partitions.months("2026-01", None))
    steps = [partitions.step(keys, key, "2026-01", None).name for key in keys]
    assert set(keys.values()) >= {*companies, "CRONUS USA, Inc."}
    assert len({step.casefold() for step in steps}) == len(keys)
    assert all(Path(key).name == key for key in keys)


def test_the_months_end_with_that_of_as_of() -> None:
    assert partitions.months("2025-11", date(2026, 1, 15)).get_partition_keys() == [
        "2025-11",
        "2025-12",
        "2026-01",
    ]


def test_the_month_of_as_of_is_there_before_it_is_over() -> None:
    keys = partitions.months("2025-11", date(2026, 1, 15)).get_partition_keys(
        datetime(2026, 1, 15, tzinfo=UTC)
    )
    assert keys == ["2025-11", "2025-12", "2026-01"]


def test_without_as_of_a_month_is_there_when_it_is_over() -> None:
    keys = partitions.months("2025-11", None).get_partition_keys(datetime(2026, 1, 31, tzinfo=UTC))
    assert keys == ["2025-11", "2025-12"]


@pytest.mark.parametrize(
    ("first", "last", "wanted"),
    [
        ("2025-11", "2026-02", ["2025-11", "2025-12", "2026-01", "2026-02"]),
        ("2025-11", None, ["2025-11"]),
        (None, None, ["2026-03"]),
    ],
)
def test_months_are_asked_for_by_the_first_and_the_last(
    first: str | None, last: str | None, wanted: list[str]
) -> None:
    assert months.span(first, last, date(2026, 3, 31)) == wanted


def test_unless_told_otherwise_it_is_the_month_before_todays() -> None:
    (month,) = months.span(None, None, None)
    assert partitions.following(date.fromisoformat(f"{month}-01")) == date.today().replace(day=1)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--from", "2026-13"), "--from: '2026-13' is not a month; write it as 2026-12."),
        (("--from", "2026-02", "--to", "2026-01"), "--to: 2026-01 is before 2026-02."),
        (("--executor", "abacus"), "[months] executor: 'abacus' is not known. Choose one of: in_process,"),
    ],
)
def test_what_cannot_be_asked_for_is_told(arguments: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    told = tieout("months", "--source", SMALL, "--out", tmp_path / "out", *arguments)
    assert (told.exit_code, told.stdout) == (2, "")
    assert complaint in told.stderr
    assert not (tmp_path / "out").exists()


# As of when


@pytest.mark.parametrize(
    ("month", "as_of", "wanted"),
    [
        ("2024-02", None, "2024-02-29"),
        ("2026-05", "2026-06-15", "2026-05-31"),
        ("2026-06", "2026-06-15", "2026-06-15"),
    ],
)
def test_a_month_counts_to_its_last_day_or_to_as_of(month: str, as_of: str | None, wanted: str) -> None:
    assert partitions.last_day(month, as_of) == wanted


def test_a_month_after_as_of_is_refused() -> None:
    with pytest.raises(InputError, match=r"2026-07: lies after as_of \(2026-06-15\)"):
        partitions.last_day("2026-07", "2026-06-15")


def test_a_partition_keeps_the_settings_but_for_its_dates_and_its_place() -> None:
    given = Run(source="s", out="o", months="m", roll_from="2026-01-01", materiality="5", localization="US")
    told = partitions.ending(given, "A, Inc.", "A", "2026-05")
    assert (told.company, told.as_of, told.roll_from) == ("A, Inc.", "2026-05-31", None)
    assert (told.out, told.materiality, told.localization) == ("m/2026-05/A", "5", "US")


# What comes out


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound company beside one that has no G/L entries."""
    folder = tmp_path_factory.mktemp("source")
    shutil.copytree(SMALL, folder / "north")
    shutil.copytree(SMALL, folder / "south", ignore=shutil.ignore_patterns("gl_entry.csv"))
    return folder


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("months") / "out"


@pytest.fixture(scope="module")
def told(source: Path, out: Path) -> Result:
    return tieout("months", "--source", source, "--from", "2025-03", "--out", out, "--json")


def test_one_partitions_trouble_does_not_stop_the_others(told: Result) -> None:
    assert told.exit_code == 2
    north, south = json.loads(told.stdout)["months"]
    assert north == {
        "month": "2025-03",
        "company": "north",
        "status": "differences",
        "folder": "2025-03/north",
    }
    assert (south["status"], "gl_entry" in south["trouble"]) == ("trouble", True)
    assert "tieout: south 2025-03: south: gl_entry is missing." in told.stderr
    assert "Stack Trace" not in told.stderr


def test_bad_input_is_not_tried_again(told: Result) -> None:
    assert told.stderr.count("south 2025-03: reading the tables") == 1


def test_a_partition_is_the_run_as_of_the_months_end(
    told: Result, source: Path, out: Path, tmp_path: Path
) -> None:
    alone = ("--source", source, "--company", "north", "--as-of", "2025-03-31", "--out", tmp_path / "run")
    assert tieout("run", *alone).exit_code == 1
    assert files(out / "2025-03" / "north") == files(tmp_path / "run")


def test_what_tieout_run_published_is_no_place_for_months(source: Path, tmp_path: Path) -> None:
    (tmp_path / ".out.runs" / "x").mkdir(parents=True)
    (tmp_path / "out").symlink_to(".out.runs/x")
    told = tieout("months", "--source", source, "--out", tmp_path / "out")
    assert told.exit_code == 2
    assert "Months go into a folder of their own" in told.stderr


# On Dagster's pages


def test_a_run_of_a_month_is_recorded_as_each_companys_partition(tmp_path: Path) -> None:
    companies = {"north": "harbour_ceramics"}
    each = partitions.months("2025-01", date(2025, 4, 30))
    run = Run(source=str(SMALL.parent), months=str(tmp_path))
    job = partitions.spread(companies, engines.executor("in_process"), each, run)
    with dg.DagsterInstance.ephemeral() as kept:
        assert job.execute_in_process(partition_key="2025-03", instance=kept).success
        recorded = kept.get_materialized_partitions(dg.AssetKey(partitions.ASSET))
    assert recorded == {"north|2025-03"}
    assert (tmp_path / "2025-03" / "north" / "summary.json").is_file()


def test_any_partition_can_be_made_by_itself(tmp_path: Path) -> None:
    companies = {"north": "harbour_ceramics"}
    asset = partitions.month_end(companies, partitions.months("2025-01", date(2025, 4, 30)))
    wanted = dg.MultiPartitionKey({"company": "north", "month": "2025-04"})
    run = Run(source=str(SMALL.parent), months=str(tmp_path))
    (made,) = dg.materialize(
        [asset], partition_key=wanted, resources={"run": run}
    ).get_asset_materialization_events()
    assert made.partition == "north|2025-04"
    told = {name: value.value for name, value in made.materialization.metadata.items()}
    assert (told["status"], told["as_of"]) == ("differences", "2025-04-30")
    assert (Path(str(told["folder"])) / "report.html").is_file()


# Executors


@pytest.mark.parametrize("name", engines.ENGINES)
def test_the_same_job_takes_any_executor(name: str) -> None:
    try:
        executor = engines.executor(name)
    except InputError as fault:
        pytest.skip(str(fault))
    job = partitions.spread({"a": "A"}, executor, ["2025-03"], Run())
    assert job.executor_def.name == executor.name


def test_an_executor_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    there = engines.ENGINES["celery"]._replace(place="no_such_engine:executor")
    monkeypatch.setattr(engines, "ENGINES", {"celery": there})
    with pytest.raises(InputError, match="needs a package that isn't installed"):
        engines.executor("celery")


def test_an_executors_config_has_plain_numbers() -> None:
    assert engines.plain({"local": {"timeout": Decimal("0.5"), "n_workers": 2}}) == {
        "local": {"timeout": 0.5, "n_workers": 2}
    }
