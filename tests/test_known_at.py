"""A month is run as it was known at a moment: it says what an extract of that moment would have said.

Each made company is built under a clock that only goes forward, and its tables are laid aside at moments of
its year: before and after every run of the batch job and every adjustment. The finished company, taken back
to such a moment, must say the same as the tables that were laid aside.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple

import polars as pl
import pytest

from assets import config
from pipelines.sources import bc_known
from schemas.bc import Extract
from schemas.faults import InputError
from schemas.ledger import Settings
from tests.chain import Chain
from tests.made.companies import COMPANIES
from tests.made.ledger import TABLES, Ledger
from tests.made.write import plain_rows
from tests.small_books import added, changed, extract, tied_out

FIGURES = ("account_no", "subledger", "gl", "other_activity", "difference", "explained", "unexplained")
MOMENTS = {"harbour_ceramics": range(12), "fjord_cycles": (4, 9, 13, 20, 27)}


class Moment(NamedTuple):
    """A moment of the company's year and its tables as they were."""

    at: datetime
    rows: Mapping[str, Any]


class Clock:
    """Stamps every row later than the one before, and lays the tables aside around each routine."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = datetime(2000, 1, 1)
        self.moments: list[Moment] = []
        patch.setattr(Ledger, "created_at", lambda ledger, on: self.stamp(on))
        for routine in ("run_batch", "adjust_cost"):
            patch.setattr(Ledger, routine, self.watched(getattr(Ledger, routine)))

    def stamp(self, on: Any) -> datetime:
        self.now = max(self.now + timedelta(seconds=7), datetime.combine(on, time(8)))
        return self.now

    def watched(self, routine: Callable[..., Any]) -> Callable[..., Any]:
        def run(ledger: Ledger, *arguments: Any, **named: Any) -> Any:
            self.lay_aside(ledger)
            result = routine(ledger, *arguments, **named)
            self.lay_aside(ledger)
            return result

        return run

    def lay_aside(self, ledger: Ledger) -> None:
        if ledger.rows("gl_entry"):
            rows = {name: deepcopy(plain_rows(ledger, name)) for name in TABLES}
            self.moments.append(Moment(self.now, rows))


@cache
def watched(company: str, method: str) -> tuple[Extract, tuple[Moment, ...]]:
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(patch)
        ledger, _ = COMPANIES[company](True, method)
        full = extract({name: plain_rows(ledger, name) for name in TABLES}, company)
    distinct = {moment.at: moment for moment in clock.moments if moment.rows["gl_entry"]}
    return full, tuple(distinct.values())


def as_known(given: Extract, at: datetime) -> Chain:
    return tied_out(bc_known.known(given, Settings(known_at=at)), known_at=at)


def told(books: Chain) -> dict[str, Any]:
    """What a reader gets: the figures, the findings, the verdict."""
    findings = books["differences"].drop("explanation", "remedy")
    return {
        "as of": books["books"].as_of,
        "tie-outs": books["tie_outs"].select(FIGURES).rows(),
        "findings": findings.rows(),
        "verdict": (books["summary"]["status"], books["summary"]["inconclusive_because"]),
    }


@pytest.mark.parametrize("method", ["mixed", "group"])
@pytest.mark.parametrize(
    ("company", "number"), [(company, number) for company, numbers in MOMENTS.items() for number in numbers]
)
def test_taken_back_to_a_moment_it_says_what_the_extract_of_that_moment_said(
    company: str, number: int, method: str
) -> None:
    full, moments = watched(company, method)
    moment = moments[number % len(moments)]
    then = tied_out(extract(moment.rows, company))
    assert told(as_known(full, moment.at)) == told(then)


# What the report says about it


def off(books: Chain, check: str) -> str:
    return " | ".join(row["why"] for row in books["summary"]["checks_off"] if row["check"] == check)


@cache
def a_batch_later() -> tuple[Extract, datetime]:
    """Harbour Ceramics, finished, and the moment before its first batch run."""
    full, moments = watched("harbour_ceramics", "group")
    return full, moments[0].at


def test_the_summary_names_the_moment_and_counts_what_came_later() -> None:
    full, at = a_batch_later()
    summary = as_known(full, at)["summary"]
    assert summary["known_at"] == f"{at.isoformat()}Z"
    counted = {given["table"]: given for given in summary["inputs"]}["gl_entry"]
    later = full.tables["gl_entry"].filter(pl.col("system_created_at") > at).height
    assert later > 0
    assert counted["rows_set_aside"] == later
    assert counted["rows_used"] + later == full.tables["gl_entry"].height


def test_rows_without_creation_time_are_told_as_an_off_check() -> None:
    full, at = a_batch_later()
    entries = full.tables["value_entry"].with_columns(system_created_at=pl.lit(None, pl.Datetime("ms")))
    why = off(as_known(changed(full, value_entry=entries), at), "rows are as they were at that moment")
    assert f"{entries.height} rows of value_entry have no creation time and no register" in why
    assert "they count from their posting date" in why


def test_totals_of_the_whole_export_are_not_compared_with_its_rows_at_a_moment() -> None:
    full, at = a_batch_later()
    totals = added(full, "control_totals", table="gl_entry", rows=full.tables["gl_entry"].height)
    assert as_known(totals, at)["summary"]["status"] != "inconclusive"
    assert "rows that came after" in off(as_known(totals, at), "control totals agree")


def test_without_a_relation_table_documents_and_dates_tell_what_was_posted() -> None:
    """Per entry a line has its entry's document and date; so the figures are those with relations."""
    full, moments = watched("harbour_ceramics", "mixed")
    at = moments[-2].at
    inferred = as_known(changed(full, gl_item_ledger_relation=None), at)
    columns = ("account_no", "subledger", "gl", "other_activity")
    assert inferred["tie_outs"].select(columns).equals(as_known(full, at)["tie_outs"].select(columns))


def test_the_last_moment_changes_nothing() -> None:
    full, _ = a_batch_later()
    assert told(as_known(full, datetime(2099, 1, 1))) == told(tied_out(full))


@pytest.mark.parametrize(
    ("stated", "at"),
    [
        ("2025-02-03", datetime(2025, 2, 3, 23, 59, 59, 999000)),
        ("2025-02-03T18:00", datetime(2025, 2, 3, 18)),
        ("2025-02-03T18:00:00+01:00", datetime(2025, 2, 3, 17)),
    ],
)
def test_a_moment_is_in_utc_and_a_day_means_its_end(stated: str, at: datetime) -> None:
    assert config.settings(config.chosen(None, known_at=stated)).known_at == at


def test_what_is_no_moment_is_told() -> None:
    with pytest.raises(InputError, match="--known-at: '3 February' is not a moment; write it as 2026-12-31T"):
        config.chosen(None, known_at="3 February")
