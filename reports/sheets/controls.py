"""Controls: every figure that this workbook recomputes, beside what the run published of it.

Here: the comparison, and the one cell that says how it ended. Not here: how a figure is recomputed.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from reports import wording
from reports.sheets import causes, lead
from reports.sheets.cells import Place, Sheet, fits
from reports.sheets.papers import Paper, Sources

NAME = "Controls"
LEAD = "The figures by the run are those of summary.json; the others are recomputed here."
HEADER = 4
FIRST = HEADER + 1
CAPTIONS = ("What", "Of", "Recomputed here", "By the run", "Difference", "Result", "Stands on")
WIDTHS = (34, 44, 20, 20, 16, 18, 22)
AGREES, DIFFERS, NOT_RECOMPUTED = "agrees", "differs", "not recomputed"


class Control(NamedTuple):
    """A figure: its cells here, what the summary says, and what it is made of regardless of sign."""

    what: str
    of: str
    cells: Sequence[Place]
    published: Decimal
    weight: Decimal


#: What the summary calls a figure of an account, and the cells of the lead sheet that make it.
FIGURES: Mapping[str, tuple[int, ...]] = {
    "subledger": (lead.SUBLEDGER,),
    "other_activity": (lead.OTHER,),
    "gl": (lead.GL,),
    "difference": (lead.ITEMS, lead.UNEXPLAINED),
    "unexplained": (lead.UNEXPLAINED,),
}


def verdict() -> Place:
    """The cell that says whether everything agrees."""
    return Place(NAME, 2, 0)


def controls(sources: Sources, papers: Sequence[Paper]) -> list[Control]:
    """A control for each figure of each account, and for each cause its findings and their amount."""
    stated = {row["account_no"]: row for row in sources.summary["tie_outs"]}
    found = [
        Control(
            wording.words(figure), f"account {paper.number}",
            [Place(lead.NAME, row, column) for column in columns],
            Decimal(stated[paper.account_no][figure]), paper.weight,
        )
        for row, paper in enumerate(papers, lead.FIRST)
        for figure, columns in FIGURES.items()
        if paper.account_no in stated
    ]  # fmt: skip
    return [*found, *_of_causes(sources)]


def _of_causes(sources: Sources) -> list[Control]:
    found: list[Control] = []
    weights = causes.weights(sources.marts["differences"])
    for row, (cause, told) in enumerate(sources.summary["causes"].items(), causes.FIRST):
        title, held = wording.cause(cause).title, weights.get(cause, Decimal())
        findings, amount = (Place(causes.NAME, row, c) for c in (causes.FINDINGS, causes.AMOUNT))
        found.append(Control("Findings", title, [findings], Decimal(told["findings"]), Decimal()))
        found.append(Control("Amount of the findings", title, [amount], Decimal(told["amount"]), held))
    return found


def write(sheet: Sheet, found: Sequence[Control], scale: int) -> None:
    """A line for each control, and the result of all above them."""
    sheet.text(0, 0, "Controls: this workbook against the published summary", "title")
    sheet.text(1, 0, LEAD, "lead")
    sheet.said(verdict().row, 0, _outcome(sheet, len(found)), said(found, scale), "strong")
    sheet.headings(HEADER, CAPTIONS, range(2, 5))
    for row, control in enumerate(found, FIRST):
        _line(sheet, row, control, fits(control.weight, scale))
    sheet.finish(HEADER, FIRST + len(found) - 1, len(CAPTIONS), frozen=2)


def _line(sheet: Sheet, row: int, control: Control, is_recomputed: bool) -> None:
    sheet.texts(row, (control.what, control.of), "text")
    sheet.amount(row, 3, control.published)
    sheet.text(row, 6, ", ".join(place.words for place in control.cells))
    if not is_recomputed:
        sheet.exact(row, 2, control.published)
        sheet.text(row, 5, NOT_RECOMPUTED, "result")
        return
    sheet.computed(row, 2, "+".join(place.cell for place in control.cells), control.published, control.weight)
    here, there, left = (sheet.cell(row, column) for column in (2, 3, 4))
    sheet.computed(row, 4, f"{here}-{there}", Decimal(), control.weight)
    sheet.said(row, 5, f'IF({left}=0,"{AGREES}","{DIFFERS}")', AGREES)


def _outcome(sheet: Sheet, count: int) -> str:
    """The outcome by a formula over the results."""
    span = sheet.span(FIRST, FIRST + max(count, 1) - 1, 5)
    differ, unfit = (f'COUNTIF({span},"{result}")' for result in (DIFFERS, NOT_RECOMPUTED))
    rest = f'IF({unfit}>0," "&{unfit}&" of {count} not recomputed: more than 15 digits.","")'
    return f'IF({differ}>0,{differ}&" of {count} figures differ.","All recomputed figures agree.")&{rest}'


def said(found: Sequence[Control], scale: int) -> str:
    """What the cell says as long as nobody has changed the workbook."""
    unfit = sum(1 for control in found if not fits(control.weight, scale))
    rest = f" {unfit} of {len(found)} not recomputed: more than 15 digits." if unfit else ""
    return f"All recomputed figures agree.{rest}"
