"""The lead sheet: every account on one line, from the subledger to the trial balance, and the verdict above.

Here: the lines and their totals. Not here: how one account reconciles (``account``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reports import wording
from reports.sheets import tickmarks
from reports.sheets.cells import Place, Sheet
from reports.sheets.papers import UNCLASSIFIED, Paper, Sources
from reports.sheets.tables import LEAD_SHEET, Table

NAME = LEAD_SHEET
HEADER = 5
FIRST = HEADER + 1
CONTROLS, CONTROLS_AT = 4, 3
REASONS = 3
RECONCILED = "Every controlled account agrees with the stock ledger, or differs by less than materiality."
CAPTIONS = (
    "Ref.", "Account", "Name", "Roles", "Kind", "Balance per subledger", "Other activity",
    "Reconciling items", "Unexplained", "Balance per general ledger", "Balance per trial balance",
    "Difference", "Trial balance given", "Difference", "Rows of findings", "Tickmarks",
)  # fmt: skip
WIDTHS = (7, 11, 30, 26, 10, 13, 13, 13, 13, 13, 13, 11, 13, 11, 9, 17)
REF, ROLES, KIND, FINDINGS, TICKS = 0, 3, 4, 14, 15
SUBLEDGER, OTHER, ITEMS, UNEXPLAINED, GL, BALANCE, OFF, STATED, OFF_STATED = range(5, 14)
CONTROLLED, OTHERS = "controlled", "other"


@dataclass(frozen=True)
class Details:
    """The sheets that formulas add up."""

    differences: Table
    subledger: Table
    trial_balance: Table
    stated: Table | None  # where the user states a trial balance
    roll_forward: Table
    clearing: Table


def write(
    sheet: Sheet, sources: Sources, papers: Sequence[Paper], details: Details, results: Mapping[str, str]
) -> None:
    """The whole sheet, but for the cell beside "Controls of this workbook"."""
    _head(sheet, sources, papers)
    sheet.text(CONTROLS, 0, "Controls of this workbook:", "lead")
    sheet.headings(HEADER, CAPTIONS, range(SUBLEDGER, TICKS))
    sheet.hidden = set() if details.stated else {STATED, OFF_STATED}
    for row, paper in enumerate(papers, FIRST):
        _line(sheet, row, paper, sources, details)
        sheet.text(row, TICKS, tickmarks.marks(paper.facts, results), "tick")
    _totals(sheet, papers)
    sheet.finish(HEADER, FIRST + len(papers) + 3, len(CAPTIONS), frozen=3)
    sheet.worksheet.autofilter(HEADER, 0, FIRST + len(papers) - 1, len(CAPTIONS) - 1)


def _head(sheet: Sheet, sources: Sources, papers: Sequence[Paper]) -> None:
    summary = sources.summary
    known = f", as known at {summary['known_at']}" if summary.get("known_at") else ""
    sheet.text(0, 0, "Lead sheet: stock ledger to general ledger", "title")
    sheet.text(1, 0, f"{summary['company']}, as of {summary['as_of']}{known}", "strong")
    sheet.text(2, 0, f"Verdict: {str(summary['status']).upper()}. {why(sources)}", "strong")
    left_out = sum(1 for p in papers if p.sheet is None and (p.is_controlled or p.items))
    rest = f" {left_out} accounts with differences have no sheet of their own." if left_out else ""
    basis = f"Materiality {summary['materiality']}. Local currency, {sources.scale} decimals, debit positive."
    sheet.text(3, 0, basis + rest, "lead")
    sheet.signatures(UNEXPLAINED)


def why(sources: Sources) -> str:
    """What the verdict rests on, in a line: the reasons, or the causes that count, the largest first."""
    summary = sources.summary
    if summary["status"] == "reconciled":
        return RECONCILED
    reasons = list(summary.get("inconclusive_because", ())) or _counting(sources)
    more = f"; and {len(reasons) - REASONS} more" if len(reasons) > REASONS else ""
    return "; ".join(reasons[:REASONS]) + more


def _counting(sources: Sources) -> list[str]:
    """The causes with errors; where there is none, those with warnings, which the settings let count."""
    severities = sources.marts["differences"].select("cause", "severity").unique().rows()
    errors, warnings = ({c for c, s in severities if s == severity} for severity in ("error", "warning"))
    causes = [(c, found) for c, found in sources.summary["causes"].items() if c in (errors or warnings)]
    causes.sort(key=lambda c: -Decimal(c[1]["amount"]))
    return [_cause(cause, found) for cause, found in causes]


def _cause(cause: str, found: Mapping[str, Any]) -> str:
    amount = wording.amount(found["amount"])
    count = int(found["findings"])
    findings = f"{wording.count(count)} finding{'' if count == 1 else 's'}"
    return f"{wording.cause(cause).title}: {amount} in {findings}"


def _line(sheet: Sheet, row: int, paper: Paper, sources: Sources, details: Details) -> None:
    """One account: what it is, and its figures, each by a formula over the sheet that holds its rows."""
    if paper.sheet is None:
        sheet.text(row, REF, paper.ref)
    else:
        sheet.link(row, REF, Place(paper.sheet, 0, 0), paper.ref)
    kind = CONTROLLED if paper.is_controlled else OTHERS
    sheet.texts(row, (paper.number, paper.name), "text", 1)
    sheet.text(row, ROLES, paper.roles, "wrapped")
    sheet.text(row, KIND, kind)
    ref = sheet.cell(row, REF)
    for column, (formula, value) in figures(paper, ref, details).items():
        sheet.computed(row, column, formula, value, paper.weight)
    _checks(sheet, row, paper, details, sources, ref)
    lines = sum(item.lines for item in paper.items)
    sheet.counted(row, FINDINGS, details.differences.sumifs("lines", ref=ref), lines)


def figures(paper: Paper, ref: str, details: Details) -> Mapping[int, tuple[str, Decimal]]:
    """The figures that come from other sheets: by column the formula and the value that it has."""
    rolled = details.roll_forward
    unclassified = f'"{wording.cause(UNCLASSIFIED).title}"'
    items = details.differences.sumifs("difference", ref=ref)
    not_explained = details.differences.sumifs("difference", ref=ref, title=unclassified)
    return {
        SUBLEDGER: (details.subledger.sumifs("amount", ref=ref), paper.figures["subledger"]),
        OTHER: (
            rolled.sumifs("amount", ref=ref, words='"Other activity"', line='"closing"'),
            paper.figures["other_activity"],
        ),
        ITEMS: (f"{items}-{not_explained}", paper.reconciling),
        GL: (
            rolled.sumifs("amount", ref=ref, words='"General ledger"', line='"closing"'),
            paper.figures["gl"],
        ),
        BALANCE: (details.trial_balance.sumifs("balance", ref=ref), paper.balance),
    }


def _checks(sheet: Sheet, row: int, paper: Paper, details: Details, sources: Sources, ref: str) -> None:
    """What is left: unexplained, and the differences to the trial balances."""
    cell = _cells(sheet, row)
    explained = f"({cell(SUBLEDGER)}+{cell(OTHER)}+{cell(ITEMS)})"
    unexplained = paper.figures["difference"] - paper.reconciling
    sheet.computed(row, UNEXPLAINED, f"{cell(GL)}-{explained}", unexplained, paper.weight)
    off = paper.figures["gl"] - paper.balance
    sheet.computed(row, OFF, f"{cell(GL)}-{cell(BALANCE)}", off, paper.weight)
    if details.stated and paper.stated is not None:
        on = f"DATE({sources.as_of.year},{sources.as_of.month},{sources.as_of.day})"
        held = paper.weight + abs(paper.stated)
        sheet.computed(row, STATED, details.stated.sumifs("stated", ref=ref, date=on), paper.stated, held)
        left = paper.balance - paper.stated
        sheet.computed(row, OFF_STATED, f"{cell(BALANCE)}-{cell(STATED)}", left, held)


def _cells(sheet: Sheet, row: int) -> Callable[[int], str]:
    return lambda column: sheet.cell(row, column)


def _totals(sheet: Sheet, papers: Sequence[Paper]) -> None:
    """Controlled accounts, the others, and all of them."""
    last = FIRST + len(papers) - 1
    for below, (words, kind) in enumerate((("Controlled accounts", CONTROLLED), ("Other accounts", OTHERS))):
        some = [p for p in papers if p.is_controlled == (kind == CONTROLLED)]
        _total(
            sheet,
            last + 2 + below,
            words,
            some,
            f'SUMIF({sheet.span(FIRST, last, KIND)},"{kind}",{{}})',
            last,
        )
    _total(sheet, last + 4, "All accounts", papers, "SUM({})", last, "grand")


def _total(
    sheet: Sheet, row: int, words: str, papers: Sequence[Paper], formula: str, last: int, style: str = "total"
) -> None:
    sheet.texts(row, ["", words, *[""] * 14], "total_label")
    weight = sum((p.weight + abs(p.stated or Decimal()) for p in papers), Decimal())
    for column, value in totals(papers).items():
        summed = formula.format(sheet.span(FIRST, last, column))
        sheet.computed(row, column, summed, value, weight, style)
    lines = sum(item.lines for p in papers for item in p.items)
    sheet.counted(row, FINDINGS, formula.format(sheet.span(FIRST, last, FINDINGS)), lines, "total_count")


def totals(papers: Sequence[Paper]) -> Mapping[int, Decimal]:
    """The sums of the accounts by column."""

    def total(amount: Callable[[Paper], Decimal]) -> Decimal:
        return sum((amount(p) for p in papers), Decimal())

    stated = [p for p in papers if p.stated is not None]
    return {
        SUBLEDGER: total(lambda p: p.figures["subledger"]),
        OTHER: total(lambda p: p.figures["other_activity"]),
        ITEMS: total(lambda p: p.reconciling),
        UNEXPLAINED: total(lambda p: p.figures["difference"] - p.reconciling),
        GL: total(lambda p: p.figures["gl"]),
        BALANCE: total(lambda p: p.balance),
        OFF: total(lambda p: p.figures["gl"] - p.balance),
        STATED: sum((p.stated or Decimal() for p in stated), Decimal()),
        OFF_STATED: sum((p.balance - (p.stated or Decimal()) for p in stated), Decimal()),
    }
