"""Several companies at one time, each in a process of its own.

Here: the processes, how many, and what becomes of one that ends before its work. Not here: what is done for
a company (``reconciliation``).
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import active_children, get_context, parent_process
from typing import TypeVar

Result = TypeVar("Result")
#: How many threads Polars may use; read when it is loaded.
THREADS = "POLARS_MAX_THREADS"


def usual_jobs() -> int:
    """Half the processors: a company's run keeps about two busy, and starting costs seconds a process."""
    return max(1, processors() // 2)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(
    work: Callable[..., Result],
    arguments: Sequence[tuple[object, ...]],
    jobs: int,
    lost: Callable[..., Result],
) -> Sequence[Result]:
    """``work`` done for each of the arguments, ``jobs`` at a time, in their order.

    ``work`` and what it gives must be picklable, and doing it twice must do no harm: where a process is ended
    from outside, for want of memory as a rule, all that wasn't done yet is done again, one at a time. What is
    ended then as well gets from ``lost`` what stands in for its result. An interruption ends all of them.
    """
    numbered = dict(enumerate(arguments))
    done = _attempted(work, numbered, min(jobs, len(arguments)))
    for number in numbered.keys() - done.keys():
        done |= _attempted(work, {number: numbered[number]}, 1)
    return [done[n] if n in done else lost(*of_one) for n, of_one in numbered.items()]


def _attempted(
    work: Callable[..., Result], arguments: Mapping[int, tuple[object, ...]], workers: int
) -> dict[int, Result]:
    """The results by the number of their arguments; without those that weren't done when a process ended."""
    shared = {THREADS: str(max(1, processors() // workers))} if THREADS not in os.environ else {}
    done: dict[int, Result] = {}
    with (
        _environment(shared),
        ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin) as pool,
    ):
        waiting = {number: pool.submit(work, *of_one) for number, of_one in arguments.items()}
        try:
            for number, future in waiting.items():
                with suppress(BrokenProcessPool):
                    done[number] = future.result()
        except BaseException:  # an interruption too: nobody waits for what is under way
            for process in active_children():
                process.terminate()
            raise
    return done


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    """What the processes that are started inside find in their environment."""
    os.environ.update(more)
    try:
        yield
    finally:
        for name in more:
            del os.environ[name]


def _begin() -> None:
    """In a new process: an interruption ends it at once, and so does the end of the process that asked."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
