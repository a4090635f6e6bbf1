"""Companies × months on a dask cluster of two worker processes: the files of one process, whatever becomes of
a worker.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from assets import cli, reconciliation
from tests.test_together import files

pytest.importorskip("dagster_dask", reason="dagster-dask isn't installed: pip install 'tieout[dask]'")

COMPANIES = ("fjord_cycles", "harbour_ceramics")
MONTHS = ("2025-03", "2025-04")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the demo's companies."""
    folder = tmp_path_factory.mktemp("source")
    for company in COMPANIES:
        shutil.copytree(reconciliation.demo_companies() / company, folder / company)
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A scheduler in this process and two worker processes."""
    from dask.distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as started:
        yield started


@pytest.fixture(scope="module")
def on_dask(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config that has the work done on that cluster."""
    config = tmp_path_factory.mktemp("config") / "tieout.toml"
    existing = f'executor_config.cluster.existing.address = "{cluster.scheduler_address}"'
    config.write_text(f'[months]\nexecutor = "dask"\n{existing}\n')
    return config


def closed(
    source: Path, out: Path, *more: str | Path, months: Sequence[str] = MONTHS
) -> dict[str, dict[str, bytes]]:
    """What is published of both companies as of the months' ends; each has planted faults."""
    span = ("--from", months[0], "--to", months[-1])
    arguments = ["months", *more, "--source", source, "--out", out, *span]
    told = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert told.exit_code == 1, told.stderr
    assert told.stdout.count("DIFFERENCES") == len(months) * len(COMPANIES)
    return {month: {company: files(out / month / company) for company in COMPANIES} for month in months}


@pytest.fixture(scope="module")
def in_one_process(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return closed(source, tmp_path_factory.mktemp("one") / "out")


def done_by(cluster: Any) -> dict[str, int]:
    """How many tasks each worker process has done so far."""
    with cluster.get_client() as client:
        return dict(client.run(lambda dask_worker: dask_worker.state.executed_count))


def test_worker_processes_give_the_files_of_one_process_to_the_byte(
    source: Path, on_dask: Path, cluster: Any, in_one_process: Any, tmp_path: Path
) -> None:
    assert closed(source, tmp_path / "out", on_dask) == in_one_process
    assert all(len(found[company]) > 25 for found in in_one_process.values() for company in COMPANIES)
    assert len(done_by(cluster)) == 2 and all(done_by(cluster).values())


def killed_while_it_writes(cluster: Any, runs: Path, step: str) -> int:
    """Ends the worker process of a step as soon as it has begun to write; its number."""
    until(lambda: any(runs.glob("draft-*")))
    (task,) = (task for key, task in cluster.scheduler.tasks.items() if str(key).endswith(step))
    os.kill(task.processing_on.pid, signal.SIGKILL)
    return int(task.processing_on.pid)


def until(is_so: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


def starts(step: str) -> int:
    """How often a step was begun in the only run of ``$DAGSTER_HOME``."""
    with dg.DagsterInstance.get() as kept:
        (run,) = kept.get_runs()
        begun = kept.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)
        return [entry.step_key for entry in begun].count(step)


def test_a_worker_that_is_killed_while_it_writes_costs_a_repetition_and_nothing_else(
    source: Path,
    on_dask: Path,
    cluster: Any,
    in_one_process: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    runs = tmp_path / "out" / MONTHS[0] / ".harbour_ceramics.runs"
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(killed_while_it_writes, cluster, runs, "harbour_ceramics_2025_03")
        found = closed(source, tmp_path / "out", on_dask, months=MONTHS[:1])
    assert killing.result() not in {worker.pid for worker in cluster.scheduler.workers.values()}
    assert (starts("harbour_ceramics_2025_03"), starts("fjord_cycles_2025_03")) == (2, 1)
    assert found[MONTHS[0]] == in_one_process[MONTHS[0]]
    assert not list(runs.glob("draft-*"))


# Two runs at one time


@dg.op(config_schema=str)
def trace(context: dg.OpExecutionContext) -> None:
    """Takes its time and leaves a file."""
    time.sleep(2)
    Path(context.op_config).touch()


def traced() -> dg.JobDefinition:
    from assets.dask_engine import dask

    return dg.GraphDefinition(name="traced", node_defs=[trace]).to_job(executor_def=dask)


def test_two_runs_of_a_job_on_one_cluster_both_do_their_work(cluster: Any, tmp_path: Path) -> None:
    """dagster-dask by itself gives the second the events of the first, and calls it a success."""
    job = dg.build_reconstructable_job(__name__, traced.__name__)
    engine = {"config": {"cluster": {"existing": {"address": cluster.scheduler_address}}}}

    def run(name: str) -> bool:
        work = {"ops": {"trace": {"config": str(tmp_path / name)}}, "execution": engine}
        return dg.execute_job(job, kept, work).success

    with dg.DagsterInstance.local_temp(str(tmp_path)) as kept, ThreadPoolExecutor(2) as pool:
        assert all(pool.map(run, ("one", "other")))
    assert {"one", "other"} <= {path.name for path in tmp_path.iterdir()}
