"""One company's run through the assets, in process: what it is told, what is heard of it, what comes back.

Here: the resource that carries the settings, the values between assets, progress and faults. Not here: the
assets (``assets.definitions`` assembles them) and what the settings mean (``assets.config``).
"""

import logging
import os
import platform
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from assets import validation
from assets.config import Assignment, moment
from assets.console import Step
from schemas.bc import Extract
from schemas.faults import InputError
from schemas.ledger import Settings

PUBLISHING = "reconcile"  # the job that ends with signed tables
MACHINE = ("dagster", "great_expectations", "pandera", "plotly", "polars", "xlsxwriter")


class Run(dg.ConfigurableResource):  # type: ignore[type-arg]
    """What one run reads, how it judges and where it publishes; ``tieout.toml`` explains the keys.

    A run is about one company: of a source that holds several, ``company`` names it.
    """

    source: str = ""
    company: str | None = None
    as_of: str | None = None
    known_at: str | None = None
    extracted_at: str | None = None
    roll_from: str | None = None
    materiality: str = "0.01"
    out: str = "tieout-out"
    months: str = "tieout-months"
    draft: str | None = None
    posting_rules: str | None = None
    warnings_count: bool = False
    localization: str = ""
    expected_cost_posting: bool | None = None
    automatic_cost_posting: bool | None = None
    mfg_inc_non_inv_cost: bool | None = None
    finish_order_without_output: bool | None = None
    clearing_accounts: dict[str, str] = {}
    stale_after_days: dict[str, int] = {}
    age_buckets: dict[str, list[int]] = {}
    with_inputs: bool = False
    sign_key: str | None = None

    def part(self) -> Path | None:
        """The folder where this company's files wait to be published with others."""
        return None if self.draft is None else Path(self.draft)

    def settings(self) -> Settings:
        """What the calculation sees."""
        return Settings(
            as_of=None if self.as_of is None else date.fromisoformat(self.as_of),
            known_at=None if self.known_at is None else moment(self.known_at),
            roll_from=None if self.roll_from is None else date.fromisoformat(self.roll_from),
            materiality=Decimal(self.materiality),
            warnings_count=self.warnings_count,
            localization=self.localization,
            expected_cost_posting=self.expected_cost_posting,
            automatic_cost_posting=self.automatic_cost_posting,
            mfg_inc_non_inv_cost=self.mfg_inc_non_inv_cost,
            finish_order_without_output=self.finish_order_without_output,
            clearing_accounts=self.clearing_accounts,
            stale_after_days=self.stale_after_days,
            age_buckets=self.age_buckets,
        )


def as_resource(assignment: Assignment, company: str | None = None, draft: Path | None = None) -> Run:
    """The resource of one company's run; with a draft, its files wait there to be published with others."""
    settings = assignment.settings
    return Run(
        source=str(assignment.source),
        company=company or assignment.company,
        as_of=None if settings.as_of is None else settings.as_of.isoformat(),
        known_at=None if settings.known_at is None else settings.known_at.isoformat(),
        roll_from=None if settings.roll_from is None else settings.roll_from.isoformat(),
        materiality=str(settings.materiality),
        out=str(assignment.out),
        months=assignment.months.out,
        draft=None if draft is None else str(draft),
        posting_rules=None if assignment.posting_rules is None else str(assignment.posting_rules),
        warnings_count=settings.warnings_count,
        localization=settings.localization,
        expected_cost_posting=settings.expected_cost_posting,
        automatic_cost_posting=settings.automatic_cost_posting,
        mfg_inc_non_inv_cost=settings.mfg_inc_non_inv_cost,
        finish_order_without_output=settings.finish_order_without_output,
        clearing_accounts=dict(settings.clearing_accounts),
        stale_after_days=dict(settings.stale_after_days),
        age_buckets={key: list(days) for key, days in settings.age_buckets.items()},
        extracted_at=None if assignment.extracted_at is None else f"{assignment.extracted_at.isoformat()}Z",
        with_inputs=assignment.with_inputs,
        sign_key=None if assignment.sign_key is None else str(assignment.sign_key),
    )


class Memory(dg.IOManager):
    """Hands each asset's value to the assets after it, in this process and for this run only.

    What the last step that asks for it has read is let go, unless ``keeps`` says otherwise. Tells of each
    value what it took to compute: processor time since the step began, the process's peak memory until
    then, rows.
    """

    def __init__(
        self, given: Mapping[str, Any] | None = None, keeps: Callable[[str], bool] = lambda _: True
    ) -> None:
        self.values: dict[str, Any] = dict(given or {})
        self.keeps = keeps
        self.readers: Counter[str] = Counter()
        self.begin()

    def expect(self, job: dg.JobDefinition) -> None:
        """The job that is about to run: how many of its steps read each value."""
        self.readers = Counter(name for node in job.nodes for name in node.definition.input_dict)

    def begin(self) -> None:
        """A step begins."""
        self.began = time.process_time()

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        cpu = time.process_time() - self.began
        self.values[context.asset_key.path[-1]] = obj
        context.add_output_metadata({"cpu_seconds": round(cpu, 3), "peak_mb": peak_mb(), "rows": rows(obj)})

    def load_input(self, context: dg.InputContext) -> Any:
        name = context.asset_key.path[-1]
        self.readers[name] -= 1
        is_last = self.readers[name] <= 0 and not self.keeps(name)
        return self.values.pop(name) if is_last else self.values[name]


def peak_mb() -> int | None:
    """The most memory that this process has held so far."""
    try:
        import resource
    except ImportError:  # Windows doesn't tell
        return None
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
    return kilobytes // (1024**2 if platform.system() == "Darwin" else 1024)


def rows(value: Any) -> int | None:
    """The rows of a table, or of all tables of a set; None for anything else."""
    if isinstance(value, pl.DataFrame):
        return value.height
    if isinstance(value, Extract):
        return rows(value.tables)
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
    tables = [part for part in parts if isinstance(part, pl.DataFrame)]
    return sum(table.height for table in tables) if tables else None


class Listener(logging.Handler):
    """Hears a run's events: tells each step that starts, and keeps what the failed checks said."""

    def __init__(self, step: Callable[[str], None]) -> None:
        super().__init__(logging.DEBUG)
        self.step = step
        self.failed_checks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        event: dg.DagsterEvent | None = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is None:
            return
        if event.event_type == dg.DagsterEventType.STEP_START and event.step_key:
            self.step(event.step_key)
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            seen = event.asset_check_evaluation_data
            if not seen.passed:
                self.failed_checks.append(f"{seen.asset_key.path[-1]}, {seen.check_name}: {seen.description}")


#: The jobs that this process is running, by number: Dagster asks for one by the name of a function.
RUNNING: dict[int, dg.JobDefinition] = {}


def running(number: int) -> dg.JobDefinition:
    return RUNNING[number]


def materialized(job: str, run: Run, step: Step, **given: Any) -> Mapping[str, Any]:
    """Runs a job in process and gives each asset's value by its name; what is given isn't run.

    Of a job that publishes only the summary is given: all else stands in its files, and keeping it would
    double the memory. That is also why ``execute_job`` runs it: ``execute_in_process`` keeps all outputs.
    A fault inside an asset is raised as it was; a blocking check that fails is an :class:`InputError` that
    says which one and what it saw.
    """
    from assets.definitions import definitions

    values = Memory(given, keeps=(lambda name: job != PUBLISHING or name == "summary"))
    with quiet(), dg.DagsterInstance.ephemeral(settings={"telemetry": {"enabled": False}}) as instance:
        if job == PUBLISHING:
            validation.prepare()
        resolved = definitions(run, values).resolve_job_def(job)
        listener = Listener(partial(_begin, values, step, len(resolved.nodes)))
        try:
            with heard(listener):
                values.expect(resolved)
                _execute(resolved, instance)
        except dg.DagsterExecutionInterruptedError:
            raise KeyboardInterrupt from None
        except dg.DagsterError:
            if listener.failed_checks:
                raise InputError("\n".join(listener.failed_checks)) from None
            raise
    return values.values


def _execute(job: dg.JobDefinition, instance: dg.DagsterInstance) -> None:
    number = id(job)
    RUNNING[number] = job
    try:
        named = dg.build_reconstructable_job(__name__, running.__name__, (number,))
        dg.execute_job(named, instance, {"loggers": {"progress": {}}}, raise_on_error=True)
    finally:
        del RUNNING[number]


def _begin(values: Memory, step: Step, total: int, name: str) -> None:
    values.begin()
    step(name, total)


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps Dagster's and Great Expectations' own remarks to themselves."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


EVENTS = logging.getLogger("tieout.events")
EVENTS.addHandler(logging.NullHandler())  # what nobody hears isn't said at all: faults are told in one line


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Sends the events of the runs inside to the listener."""
    EVENTS.setLevel(logging.DEBUG)
    EVENTS.propagate = False
    EVENTS.addHandler(listener)
    try:
        yield
    finally:
        EVENTS.removeHandler(listener)


@dg.logger({}, description="Passes a run's events on to whoever shows its progress.")
def progress(context: dg.InitLoggerContext) -> logging.Logger:
    return EVENTS


def profile(context: dg.AssetExecutionContext) -> Mapping[str, Any]:
    """What each step took and on what machine: what may differ between two runs of the same books.

    ``seconds`` is by the clock. What gives a value also has ``cpu_seconds``, ``peak_mb`` (of the
    process, from its start to that step's end) and ``rows``; checks have none.
    """
    from importlib.metadata import version

    run_id = context.run.run_id
    steps = context.instance.get_run_step_stats(run_id)
    taken = {
        event.step_key: {name: value.value for name, value in event.materialization.metadata.items()}
        for entry in context.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        if (event := entry.dagster_event) and event.step_key
    }
    return {
        "steps": [
            {"step": s.step_key, "seconds": round(s.end_time - s.start_time, 3), **taken.get(s.step_key, {})}
            for s in sorted(steps, key=lambda s: s.start_time or 0)
            if s.start_time is not None and s.end_time is not None
        ],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "packages": {name: version(name.replace("_", "-")) for name in MACHINE},
    }
