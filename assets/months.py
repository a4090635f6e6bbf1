"""Each company as of each month's end: one run of the partitions, on whatever the config names.

Here: which partitions are asked for, the run over them, what is told of them, the exit code. Not here: the
partitions and their steps (``partitions``), executors (``engines``).
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import typer
from dagster._core.events import RunFailureReason

from assets import config, console, engines, partitions, publication, reconciliation, run
from assets.config import Assignment
from assets.reconciliation import Outcome
from schemas.faults import InputError


def tied_out(assignment: Assignment, first: str | None, last: str | None, as_json: bool = False) -> int:
    """Runs the partitions from the first month to the last and prints them; the code is the worst of all.

    Each is published by itself, as soon as it is done. One's trouble doesn't stop the others, and leaves what
    was published there before.
    """
    out = publication.absolute(Path(assignment.months.out))
    if publication.is_run(out):
        raise InputError(
            f"{out}: holds the results of one run. Months go into a folder of their own: --out DIR."
        )
    companies = partitions.chosen(assignment)
    wanted = span(first, last, assignment.settings.as_of)
    found = troubles(assignment, companies, wanted)
    outcomes = [outcome(out, key, each, found) for each in wanted for key in companies]
    as_text = json.dumps(plain(outcomes), indent=2, ensure_ascii=False) if as_json else None
    typer.echo(as_text or "\n".join(listed(outcomes)))
    return reconciliation.worst(outcomes)


def span(first: str | None, last: str | None, as_of: date | None) -> Sequence[str]:
    """The months from the first to the last; what isn't given is the last one that is over, or of as-of."""
    begin = month("--from", first or last or newest(as_of))
    end = month("--to", last or begin)
    if begin > end:
        raise InputError(f"--to: {end} is before {begin}. Choose a later month.")
    partitions.last_day(end, None if as_of is None else as_of.isoformat())
    return [begin, *later(begin, end)]


def later(begin: str, end: str) -> Iterator[str]:
    """The months after one, up to another."""
    while begin < end:
        begin = partitions.following(date.fromisoformat(f"{begin}-01")).strftime(partitions.MONTH)
        yield begin


def newest(as_of: date | None) -> str:
    """The month of as-of where it is stated, else the one before today's."""
    today = date.today()
    return (as_of or today - timedelta(days=today.day)).strftime(partitions.MONTH)


def month(flag: str, text: str) -> str:
    try:
        return config.month(text)
    except ValueError as fault:
        raise InputError(f"{flag}: {fault}.") from None


def troubles(
    assignment: Assignment, companies: partitions.Companies, wanted: Sequence[str]
) -> Mapping[str, str | None]:
    """One run of all partitions: by step what kept it from being published, None where nothing did."""
    stated = order(assignment, companies, wanted)
    job = dg.build_reconstructable_job(partitions.__name__, partitions.ordered.__name__, (stated,))
    with run.quiet(), instance() as kept:
        job.get_definition()  # an executor that can't be had is told before anything starts
        try:
            ended = dg.execute_job(job, kept, settings(assignment))
        except dg.DagsterInvalidConfigError as fault:
            raise InputError(f"[months] executor_config: {fault}") from None
        steps = [partitions.identifier(key, each) for each in wanted for key in companies]
        return dict.fromkeys(steps, unfinished(kept, ended.run_id)) | dict(ends(kept, ended.run_id))


def ends(kept: dg.DagsterInstance, number: str) -> Iterator[tuple[str, str | None]]:
    """What the steps of a run say of their partitions, in the order of the events."""
    kinds = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.STEP_FAILURE}
    for entry in kept.all_logs(number, of_type=kinds):
        event = entry.dagster_event
        assert event is not None and event.step_key is not None
        yield event.step_key, reason(event) if event.is_step_failure else None


def reason(event: dg.DagsterEvent) -> str:
    """A step's own words, or what its executor says of it."""
    failure = event.step_failure_data
    own = failure.user_failure_data
    return (own and own.description) or (failure.error.message.strip() if failure.error else "it failed")


def unfinished(kept: dg.DagsterInstance, number: str) -> str:
    """What is to be said of a step that ended neither way: how the run ended. An interruption goes on."""
    for entry in kept.all_logs(number, of_type=dg.DagsterEventType.RUN_FAILURE):
        assert entry.dagster_event is not None
        end = entry.dagster_event.job_failure_data
        if end.failure_reason is RunFailureReason.UNEXPECTED_TERMINATION:
            raise KeyboardInterrupt("what was done before is published")
        if end.error is not None:
            return f"it wasn't done, the run ended before it: {end.error.message.strip()}"
    return "it wasn't done, and nothing says why"


def order(assignment: Assignment, companies: partitions.Companies, wanted: Sequence[str]) -> str:
    """All that a worker builds the job from; in one text, since it travels as an argument."""
    chosen = assignment.months
    return json.dumps(
        {
            "companies": dict(companies),
            "months": list(wanted),
            "executor": chosen.executor,
            "executor_config": engines.plain(chosen.executor_config),
        }
    )


def settings(assignment: Assignment) -> Mapping[str, Any]:
    """The run's settings, which travel with it; whole paths, since a worker has its own working folder."""
    resource = run.as_resource(assignment)
    given = {name: getattr(resource, name) for name in run.Run.model_fields}
    stated = {name: value for name, value in given.items() if value is not None}
    for name in stated.keys() & {"source", "months", "posting_rules"}:
        stated[name] = str(publication.absolute(Path(stated[name])))
    return {"resources": {"run": {"config": stated}}, "loggers": {"progress": {}}}


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """Where the run is recorded: in ``$DAGSTER_HOME`` where that is set, else only as long as it lasts."""
    if "DAGSTER_HOME" in os.environ:
        with dg.DagsterInstance.get() as kept:
            yield kept
        return
    with tempfile.TemporaryDirectory(prefix="tieout-dagster-", ignore_cleanup_errors=True) as home:
        quiet = {"telemetry": {"enabled": False}}
        with dg.DagsterInstance.local_temp(home, overrides=quiet) as kept:
            yield kept


def outcome(out: Path, key: str, month: str, troubles: Mapping[str, str | None]) -> Outcome:
    """A partition's outcome, read where it was published."""
    folder = f"{month}/{key}"
    trouble = troubles[partitions.identifier(key, month)]
    if trouble is not None:
        console.say(f"tieout: {key} {month}: {trouble}")
        return Outcome(key, folder, None, trouble)
    return Outcome(key, folder, json.loads((out / folder / "summary.json").read_text(encoding="utf-8")))


def listed(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A line for each partition."""
    yield from console.table(
        ("month", "company", "verdict", "results"),
        [(o.folder.split("/")[0], o.company, o.status.upper(), o.folder) for o in outcomes],
    )


def plain(outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    """The same as plain values."""
    return {
        "months": [
            {"month": o.folder.split("/")[0]} | one
            for o, one in zip(outcomes, reconciliation.overview(outcomes)["companies"], strict=True)
        ]
    }
