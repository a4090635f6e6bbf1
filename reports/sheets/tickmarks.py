"""Tickmarks: which one stands where, by what was tested in this run.

Here: the rows of ``templates/tickmarks.csv`` held against the checks that ran and the facts of an account. A
tickmark is given where all of its facts hold and all of its checks ran and passed; one that was off, or that
found something, gives none, anywhere. Not here: the facts (``papers``), the checks.
"""

import csv
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import polars as pl

from reports import wording


class Tickmark(NamedTuple):
    """A row of the table: the mark, the kind of line that it stands on, what it says, what it rests on."""

    mark: str
    place: str
    meaning: str
    facts: tuple[str, ...]
    checks: tuple[str, ...]

    def stands(self, facts: Collection[str], results: Mapping[str, str]) -> bool:
        passed = all(results.get(check) == "passed" for check in self.checks)
        return passed and all(fact in facts for fact in self.facts)


@cache
def tickmarks() -> tuple[Tickmark, ...]:
    """All tickmarks, in the order of the legend."""
    lines = (wording.LIBRARY / "tickmarks.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        Tickmark(r["tickmark"], r["place"], r["meaning"], _split(r["facts"]), _split(r["checks"]))
        for r in csv.DictReader(lines)
    )


def _split(names: str) -> tuple[str, ...]:
    return tuple(name for name in names.split(";") if name)


def marks(facts: Collection[str], results: Mapping[str, str], *places: str) -> str:
    """The tickmarks of the lines of these kinds, or of all kinds; blank where nothing was tested."""
    found = (t for t in tickmarks() if not places or t.place in places)
    return " ".join(t.mark for t in found if t.stands(facts, results))


def results(summary: Mapping[str, Any], reconciliations: pl.DataFrame) -> Mapping[str, str]:
    """What became of each check of the run, and of each further reconciliation: passed, failed or off."""
    off = {row["check"]: "off" for row in summary.get("checks_off", ())}
    ran = {row["check"]: row["result"] for row in summary.get("checks_run", ()) if row["result"] == "passed"}
    failed = {r["check"]: "failed" for r in summary.get("checks_run", ()) if r["result"] == "failed"}
    return {**_reconciled(reconciliations), **ran, **off, **failed}


STATUSES: Mapping[str, str] = {"ties": "passed", "differs": "failed", "off": "off"}


def _reconciled(reconciliations: pl.DataFrame) -> Mapping[str, str]:
    totals = reconciliations.filter(pl.col("key") == "(total)").select("reconciliation", "status")
    return {name: STATUSES[status] for name, status in totals.iter_rows()}


def missing(tickmark: Tickmark, results: Mapping[str, str]) -> Iterable[str]:
    """The checks that keep the tickmark from being given, each with what became of it."""
    for check in tickmark.checks:
        result = results.get(check, "not part of this run")
        if result != "passed":
            yield f"{wording.sentence(check)}: {result}"
