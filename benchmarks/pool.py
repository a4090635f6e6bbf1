"""Runs work on many seeds, one process a job and one thread a process.

Here: the processes and the progress. Not here: the work (``detection``, ``tears``).
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import TypeVar

Result = TypeVar("Result")


def spread(
    work: Callable[[int], Result], seeds: Iterable[int], jobs: int, seconds: float
) -> Iterator[Result]:
    """The result of each seed as it comes; nothing new is started after so many seconds."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    todo, started, count = iter(seeds), time.monotonic(), 0
    running: set[Future[Result]] = set()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        while True:
            while len(running) < 3 * jobs and time.monotonic() - started < seconds:
                seed = next(todo, None)
                if seed is None:
                    break
                running.add(pool.submit(work, seed))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                count += 1
                yield future.result()
            print(f"\r{count} in {time.monotonic() - started:.0f} s", end="", file=sys.stderr, flush=True)


def share(part: int, whole: int) -> str:
    """A share to four digits, rounded down: 1.0000 is all of it."""
    return "–" if not whole else f"{part * 10_000 // whole / 10_000:.4f}"
