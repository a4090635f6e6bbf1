"""Great Expectations in a process of its own: it takes seconds to import, while the figures are computed.

Here: that process, and running expectations in it or, where it wasn't started, in this one. Not here: which
expectations there are and what they look at (``expectations``).
"""

import atexit
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import polars as pl


class Call(NamedTuple):
    """An expectation of Great Expectations' by its name, on one of the tables."""

    name: str
    table: str
    kind: str
    arguments: Mapping[str, Any]


#: Per call whether it holds, and what was seen that breaks it.
Answers = Mapping[str, tuple[bool, str]]
Tables = Mapping[str, pl.DataFrame]


class Beside:
    """The process. It ends with this one, or at the latest when nobody is there to ask it any more."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],  # -P: nothing from the folder that we happen to be in
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interruption is for this process
        )
        atexit.register(self.process.kill)

    def answers(self, calls: Sequence[Call], tables: Tables) -> Answers | None:
        """None when the process is gone."""
        asked, told = self.process.stdin, self.process.stdout
        assert asked is not None
        assert told is not None
        try:
            pickle.dump(([tuple(call) for call in calls], dict(tables)), asked)
            asked.flush()
            found: Answers = pickle.load(told)
        except (EOFError, OSError):
            return None
        return found


_started: list[Beside] = []


def prepare() -> None:
    """Starts the process, once."""
    if not _started:
        _started.append(Beside())


def answers(calls: Sequence[Call], tables: Tables) -> Answers:
    """What the calls come to on the tables: beside this process if one was started, else here."""
    told = _started[0].answers(calls, tables) if _started else None
    return answered(calls, tables) if told is None else told


def _serve() -> None:
    """Imports, then answers until nobody asks any more; a fault ends it, and is met again by who asked."""
    warnings.simplefilter("ignore")
    asked, told = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed goes nowhere
    import great_expectations  # noqa: F401

    with suppress(EOFError, OSError):
        while True:
            calls, tables = pickle.load(asked)
            pickle.dump(answered([Call(*call) for call in calls], tables), told)
            told.flush()


def answered(calls: Sequence[Call], tables: Tables) -> Answers:
    """The same, in this process."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("published")
    found: dict[str, tuple[bool, str]] = {}
    for name, table in tables.items():
        expected = [
            getattr(gx.expectations, call.kind)(**call.arguments, meta={"name": call.name})
            for call in calls
            if call.table == name
        ]
        batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe(name)
        validated = batch.get_batch({"dataframe": table.to_pandas()}).validate(
            gx.ExpectationSuite(name=name, expectations=expected)
        )
        found |= {_name_of(result): (bool(result.success), _seen(result)) for result in validated.results}
    return found


def _name_of(result: Any) -> str:
    return str(result.expectation_config.meta["name"])


def _seen(result: Any) -> str:
    """What breaks an expectation, in a few words; an error inside Great Expectations breaks it too."""
    if result.exception_info.get("raised_exception"):
        return str(result.exception_info.get("exception_message"))
    values = result.result.get("partial_unexpected_list", [])
    return f"seen instead: {', '.join(str(value) for value in values[:5])}" if values else ""


if __name__ == "__main__":
    _serve()
