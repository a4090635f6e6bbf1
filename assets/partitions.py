"""Companies × months as Dagster's partitions: one company tied out as of one month's end.

A partition is one step. Inside it runs what ``tieout run`` runs, in the process that it happens to be in, and
publishes into a folder of its own. So nothing passes from step to step, any executor may spread the steps,
and doing one twice does no harm.

Here: which partitions there are, the asset that they fill, the job that spreads them. Not here: executors
(``engines``), the command that asks for months (``months``).
"""

import calendar
import hashlib
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from assets import config, console, engines, publication, reconciliation, run, storage
from assets.config import Assignment
from assets.run import Run
from schemas.faults import InputError

ASSET = "month_end"
GROUP = JOB = "months"
MONTH = "%Y-%m"
#: The day on which the month before is taken to be closed, unless the schedule is another.
CLOSED = 5
#: What an executor repeats where it heeds it: a worker that was ended from outside, storage that failed.
RETRIES = dg.RetryPolicy(max_retries=2, delay=1)
#: A run's events are heard and its warnings quieted for the whole process: on a worker with several threads
#: one partition waits for the other.
ONE_AT_A_TIME = threading.Lock()

Companies = Mapping[str, str]


def definitions(settings: Run, assignment: Assignment | None) -> dg.Definitions:
    """The asset and the job for what is assigned; without it there are no companies, and nothing is read."""
    wanted = config.Months() if assignment is None else assignment.months
    companies = {} if assignment is None else chosen(assignment)
    each = months(wanted.first, settings.settings().as_of)
    executor = engines.executor(wanted.executor, wanted.executor_config)
    job = spread(companies, executor, each, settings)
    return dg.Definitions(
        assets=[month_end(companies, each)],
        jobs=[job],
        schedules=[
            dg.build_schedule_from_partitioned_job(job, name="monthly", hour_of_day=6, day_of_month=CLOSED)
        ],
    )


def chosen(assignment: Assignment) -> Companies:
    """The companies to run by their keys, which are the same whether one is named or all are run."""
    every = keys(company.name for company in storage.companies(assignment.source))
    wanted = reconciliation.chosen(assignment)
    return {key: company for key, company in every.items() if company in wanted}


def keys(companies: Iterable[str]) -> Companies:
    """Each company by its partition key, its name without what keys and folders can't hold."""
    return {key(folder): company for company, folder in publication.folder_names(companies).items()}


def key(folder: str) -> str:
    """The name without what Dagster refuses in a key; a digest keeps changed ones apart."""
    cleaned = re.sub(r"[|,\[\]]|\.\.\.", "_", folder)
    return folder if cleaned == folder else f"{cleaned}-{hashlib.sha256(folder.encode()).hexdigest()[:8]}"


def months(first: str, as_of: date | None) -> dg.MonthlyPartitionsDefinition:
    """The months from the first on: up to that of as-of where it is stated, else those that are over."""
    if as_of is None:
        return dg.MonthlyPartitionsDefinition(start_date=first, fmt=MONTH)
    end = following(as_of).strftime(MONTH)  # its own month counts before it is over
    return dg.MonthlyPartitionsDefinition(start_date=first, end_date=end, fmt=MONTH, end_offset=1)


def following(day: date) -> date:
    """The first day of the month after."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def month_end(companies: Companies, each: dg.MonthlyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset that shows which companies are tied out as of which months, and ties out any of them."""
    both = dg.MultiPartitionsDefinition(
        {"company": dg.StaticPartitionsDefinition([*companies]), "month": each}
    )

    @dg.asset(name=ASSET, group_name=GROUP, partitions_def=both, kinds={"polars"})
    def partition(context: dg.AssetExecutionContext, run: Run) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """One company tied out as of a month's end, published in its own folder below that of the months."""
        wanted = context.partition_key
        assert isinstance(wanted, dg.MultiPartitionKey)
        of = wanted.keys_by_dimension
        with faults():
            return dg.MaterializeResult(metadata=tied_out(run, companies, of["company"], of["month"]))

    return partition


def tied_out(run_: Run, companies: Companies, company: str, month: str) -> dict[str, Any]:
    """Ties the company out as of the month's end and publishes it; what Dagster's pages show of it."""
    wanted = ending(run_, companies[company], company, month)
    with ONE_AT_A_TIME, console.lines(f"{company} {month}") as step:
        summary = run.materialized(run.PUBLISHING, wanted, step)["summary"]
    return {"status": summary["status"], "as_of": summary["as_of"], "folder": wanted.out}


def ending(run_: Run, company: str, folder: str, month: str) -> Run:
    """The settings of a company's run as of the month's end: its last day, or as-of where that is earlier.

    The roll-forward is the month's own: a first day that is stated for one run can't be that of every month.
    """
    given = {name: getattr(run_, name) for name in Run.model_fields}
    own = {"company": company, "as_of": last_day(month, run_.as_of), "roll_from": None, "draft": None}
    return Run(**given | own | {"out": str(Path(run_.months) / month / folder)})


def last_day(month: str, as_of: str | None) -> str:
    """The last posting date that counts; an error for a month that begins after as-of."""
    year, number = map(int, month.split("-"))
    end = date(year, number, calendar.monthrange(year, number)[1]).isoformat()
    if as_of is not None and month > as_of[: len(month)]:
        raise InputError(f"{month}: lies after as_of ({as_of}). Choose an earlier month, or a later as_of.")
    return end if as_of is None else min(end, as_of)


@contextmanager
def faults() -> Iterator[None]:
    """A fault becomes a step's failure, in the same words as ever; only a system's refusal is repeated."""
    try:
        yield
    except (Exception, pl.exceptions.PanicException) as fault:
        cause = None if isinstance(fault, InputError) else fault
        raise dg.Failure(console.trouble(fault), allow_retries=isinstance(fault, OSError)) from cause


def spread(
    companies: Companies,
    executor: dg.ExecutorDefinition,
    months: Sequence[str] | dg.MonthlyPartitionsDefinition,
    settings: Run,
) -> dg.JobDefinition:
    """One run with one step a partition, each recorded as the asset's, on any executor.

    Without stated months the run is of one month, a partition of the job, and each company is a step. The
    steps are known before the run: dagster-dask leaves out, without a word, what a run maps over at run time.
    """
    of_the_run = months if isinstance(months, dg.MonthlyPartitionsDefinition) else None
    stated = [None] if isinstance(months, dg.MonthlyPartitionsDefinition) else months
    # In this process an interruption would be repeated too, and nothing else that a repetition helps against.
    retries = None if executor.name == engines.IN_PROCESS else RETRIES
    steps = [step(companies, key, month, retries) for month in stated for key in companies]
    graph = dg.GraphDefinition(
        name=JOB, node_defs=steps, description="Ties out all companies as of months' ends, a step each."
    )
    return graph.to_job(
        executor_def=executor,
        partitions_def=of_the_run,
        resource_defs={"run": settings},
        logger_defs={"progress": run.progress, "console": dg.colored_console_logger},
    )


def step(
    companies: Companies, company: str, month: str | None, retries: dg.RetryPolicy | None
) -> dg.OpDefinition:
    """The step of one partition; without a month it is the run's."""

    @dg.op(name=identifier(company, month), retry_policy=retries, out=dg.Out(dg.Nothing))
    def one(context: dg.OpExecutionContext, run: Run) -> None:
        """One company tied out as of a month's end."""
        of = {"company": company, "month": month or context.partition_key}
        with faults():
            told = tied_out(run, companies, **of)
        context.log_event(dg.AssetMaterialization(ASSET, partition=dg.MultiPartitionKey(of), metadata=told))

    return one


def identifier(company: str, month: str | None) -> str:
    """A step's name: letters, digits and underscores; a digest where the company's has others."""
    cleaned = re.sub(r"\W", "_", company, flags=re.ASCII)
    digest = "" if cleaned == company else f"_{hashlib.sha256(company.encode()).hexdigest()[:8]}"
    return f"{cleaned}{digest}_{(month or ASSET).replace('-', '_')}"


def ordered(order: str) -> dg.JobDefinition:
    """The job of stated months as a worker builds it, from an order as JSON that travels with the run."""
    told = json.loads(order)
    executor = engines.executor(told["executor"], told["executor_config"])
    return spread(told["companies"], executor, told["months"], run.Run())
