"""The legend of tickmarks: what each one says, what it rests on, and why one was not given in this run.

Here: its lines. Not here: which tickmark stands where (``tickmarks``).
"""

from collections.abc import Collection, Mapping, Sequence

from reports import wording
from reports.sheets import tickmarks
from reports.sheets.cells import Sheet
from reports.sheets.tickmarks import Tickmark

NAME = "Legend"
LEAD = "A tickmark stands only where its checks ran in this run and found nothing, and the figures agree."
HEADER = 3
CAPTIONS = ("Tickmark", "What it says", "Rests on these checks of the run", "Given to", "Why not given")
WIDTHS = (10, 62, 58, 14, 58)


def write(sheet: Sheet, claims: Sequence[Collection[str]], results: Mapping[str, str]) -> None:
    """A line for each tickmark; ``claims`` are the facts of each account and table that may carry one."""
    sheet.text(0, 0, "Legend of tickmarks", "title")
    sheet.text(1, 0, LEAD, "lead")
    sheet.headings(HEADER, CAPTIONS)
    for row, tickmark in enumerate(tickmarks.tickmarks(), HEADER + 1):
        given = sum(1 for facts in claims if tickmark.stands(facts, results))
        sheet.text(row, 0, tickmark.mark, "tick")
        sheet.text(row, 1, tickmark.meaning, "wrapped")
        checks = "; ".join(wording.sentence(check) for check in tickmark.checks)
        sheet.text(row, 2, checks or "The figures of this workbook", "wrapped")
        sheet.text(row, 3, _given(given, tickmark), "text")
        sheet.text(row, 4, "" if given else why_not(tickmark, claims, results), "wrapped")
    sheet.finish(HEADER, HEADER + len(tickmarks.tickmarks()), len(CAPTIONS), filtered=False)


def _given(count: int, tickmark: Tickmark) -> str:
    what = "table" if tickmark.place == "input" else "account"
    return f"{wording.count(count)} {what}{'' if count == 1 else 's'}"


def why_not(tickmark: Tickmark, claims: Sequence[Collection[str]], results: Mapping[str, str]) -> str:
    """Why the tickmark stands nowhere: checks that were off or found something, causes that were found."""
    known = {fact for facts in claims for fact in facts}
    absent = (
        fact.removeprefix("no ") for fact in tickmark.facts if fact.startswith("no ") and fact not in known
    )
    found = [f"Found: {wording.cause(cause).title}" for cause in absent]
    kept = "; ".join([*tickmarks.missing(tickmark, results), *found])
    return kept or "Nothing was there to be agreed, or it did not agree."
