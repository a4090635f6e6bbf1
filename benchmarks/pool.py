"""Runs work on many seeds, one process a job and one thread a process; what was done is kept.

Here: the processes, the progress, the file of what was done. Not here: the work (``detection``, ``tears``).
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

Result = dict[str, Any]


def spread(
    work: Callable[[int], Result], seeds: Iterable[int], jobs: int, seconds: float, keep: Path | None = None
) -> Iterator[Result]:
    """The result of each seed as it comes; nothing new is started after so many seconds.

    With a file, results are kept in it, one a line, and seeds that it holds aren't run again: a long run may
    be stopped and go on, or be done in parts.
    """
    done = kept(keep)
    asked = [seed for seed in seeds if seed not in done] if done else seeds
    yield from done.values()
    for seed, result in fresh(work, asked, jobs, seconds):
        if keep:
            with keep.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"seed": seed, "result": result}) + "\n")
        yield result


def kept(keep: Path | None) -> dict[int, Result]:
    if keep is None or not keep.exists():
        return {}
    rows = [json.loads(line) for line in keep.read_text(encoding="utf-8").splitlines()]
    return {row["seed"]: row["result"] for row in rows}


def fresh(
    work: Callable[[int], Result], seeds: Iterable[int], jobs: int, seconds: float
) -> Iterator[tuple[int, Result]]:
    os.environ["POLARS_MAX_THREADS"] = "1"
    todo, started, count = iter(seeds), time.monotonic(), 0
    running: dict[Future[Result], int] = {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        while True:
            while len(running) < 3 * jobs and time.monotonic() - started < seconds:
                seed = next(todo, None)
                if seed is None:
                    break
                running[pool.submit(work, seed)] = seed
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                count += 1
                yield running.pop(future), future.result()
            print(f"\r{count} in {time.monotonic() - started:.0f} s", end="", file=sys.stderr, flush=True)


def share(part: int, whole: int) -> str:
    """A share to four digits, rounded down: 1.0000 is all of it."""
    return "–" if not whole else f"{part * 10_000 // whole / 10_000:.4f}"
