"""What a partition costs beside its own work: the same months of the demo's companies, spread each way.

    python -m benchmarks.distribution --repeat 3

``alone`` calls the run of each partition one after the other, without any engine around it: what is more than
that is the engine's. Each way is done once before it is measured, so that imports don't count where workers
stay (dask); with multiprocess each step has a process of its own, and they do. Seconds by the clock are those
of two workers, seconds of the processor are of all processes together.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from dask.distributed import LocalCluster

from assets import config, months, partitions, reconciliation, run
from assets.config import Assignment

COMPANIES = ("fjord_cycles", "harbour_ceramics")
MONTHS = ("2025-03", "2025-04")
WORKERS = 2
STEPS = len(COMPANIES) * len(MONTHS)
Way = Callable[[Assignment, partitions.Companies], None]


def processor_seconds() -> float:
    """Of this process and all that it started, also of those that have ended."""
    here = psutil.Process()
    times = [process.cpu_times() for process in (here, *here.children(recursive=True))]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


def alone(assignment: Assignment, companies: partitions.Companies) -> None:
    """Each partition in this process, nothing around it."""
    given = run.as_resource(assignment)
    for month in MONTHS:
        for key in companies:
            partitions.tied_out(given, companies, key, month)


def by(executor: str, settings: dict[str, Any]) -> Way:
    """One run over the partitions on an executor."""

    def spread(assignment: Assignment, companies: partitions.Companies) -> None:
        chosen = assignment.months.model_copy(update={"executor": executor, "executor_config": settings})
        ends = months.troubles(replace(assignment, months=chosen), companies, MONTHS)
        assert len(ends) == STEPS and not any(ends.values()), ends

    return spread


@contextmanager
def ways() -> Iterator[dict[str, Way]]:
    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield {
            "alone": alone,
            "in_process": by("in_process", {}),
            "dask": by("dask", {"cluster": {"existing": {"address": cluster.scheduler_address}}}),
            "multiprocess": by("multiprocess", {"max_concurrent": WORKERS}),
        }


def measured(way: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock and of the processor, per partition."""
    clock, processor = time.perf_counter(), processor_seconds()
    way()
    return (time.perf_counter() - clock) / STEPS, (processor_seconds() - processor) / STEPS


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeat", type=int, default=3)
    repeat = options.parse_args().repeat
    companies = {name: name for name in COMPANIES}
    print(f"{platform.platform()}, {os.cpu_count()} processors, load {os.getloadavg()}")
    with tempfile.TemporaryDirectory() as out, ways() as each, run.quiet():
        flags = {"out": str(Path(out) / "months")}
        assignment = config.assignment(config.chosen(None, reconciliation.demo_companies(), months=flags))
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in each}
        for number in range(repeat + 1):  # the ways take turns: others on the machine disturb all alike
            for name, way in each.items():
                figures = measured(lambda way=way: way(assignment, companies))  # type: ignore[misc]
                if number:
                    found[name].append(figures)
        print(f"load {os.getloadavg()} at the end")
    for name, figures in found.items():
        clock, processor = ([round(f[i], 3) for f in figures] for i in (0, 1))
        print(f"{name}: clock {min(clock)} {clock}, processor {min(processor)} {processor}")


if __name__ == "__main__":
    main()
