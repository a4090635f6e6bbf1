"""The sheet of one account: subledger, other activity, reconciling items by cause, general ledger, what is
left unexplained; below it, what each of these was agreed to.

Here: the lines in the order in which a reviewer reads them. Not here: the rows behind them (``details``).
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from reports import wording
from reports.sheets import lead, tickmarks
from reports.sheets.cells import Place, Sheet
from reports.sheets.lead import Details
from reports.sheets.papers import UNCLASSIFIED, Item, Paper, Sources

CAPTIONS = ("", "Line", "Stands on", "Lines", "Amount", "Difference", "Tickmarks", "What it means")
WIDTHS = (7, 44, 18, 9, 15, 15, 11, 66)
HEADER = 5
WORDS, WHERE, LINES, AMOUNT, OFF, TICKS, MEANING = range(1, 8)


class Agreement(NamedTuple):
    """Another figure that one of the account has to equal: where it stands, how it is computed, the cell that
    it is held against, and what that one is called.
    """

    words: str
    place: Place
    formula: str
    value: Decimal
    against: str
    figure: str
    tick: str = ""


class AccountSheet:
    """The sheet while it is written, line by line from the top."""

    def __init__(
        self, sheet: Sheet, paper: Paper, sources: Sources, details: Details, results: Mapping[str, str],
        lead_row: int,
    ) -> None:  # fmt: skip
        self.sheet, self.paper, self.sources = sheet, paper, sources
        self.details, self.results, self.lead_row = details, results, lead_row
        self.row = HEADER + 1
        self.ref = sheet.cell(0, 0)

    def write(self) -> None:
        self._head()
        subledger = self._subledger()
        other = self._other_activity()
        items = self._items()
        expected = self._expected(subledger, other, items)
        self._ledger(expected)
        self._noted()
        self._agreed(subledger)
        self._conclusion()
        self.sheet.finish(HEADER, self.row, len(CAPTIONS), filtered=False)

    def _head(self) -> None:
        sheet, paper = self.sheet, self.paper
        sheet.text(0, 0, paper.ref, "title")
        sheet.text(0, WORDS, f"{paper.number} {paper.name}".strip(), "title")
        sheet.text(1, WORDS, f"{self.sources.summary['company']}, as of {self.sources.as_of}", "strong")
        kind = "Controlled account" if paper.is_controlled else "Not a controlled account"
        sheet.text(2, WORDS, f"{kind}. Roles: {paper.roles or 'none'}.", "lead")
        sheet.link(3, WORDS, Place(lead.NAME, self.lead_row, 0), "Back to the lead sheet")
        sheet.signatures(LINES)
        sheet.headings(HEADER, CAPTIONS, (LINES, AMOUNT, OFF))

    def _subledger(self) -> str:
        self._section("Balance per subledger")
        table, first = self.details.subledger, self.row
        for part in self.paper.parts:
            words = self.sheet.cell(self.row, WORDS)
            place = table.first(ref=self.paper.ref, words=part.words)
            self._words(part.words, place)
            count = table.sumifs("lines", ref=self.ref, words=words)
            self.sheet.counted(self.row, LINES, count, part.lines)
            self._amount(table.sumifs("amount", ref=self.ref, words=words), part.amount)
            self.row += 1
        return self._sum("Subledger", first, self.paper.figures["subledger"], "subledger")

    def _other_activity(self) -> str:
        self._section("Other activity on the account")
        formula, value = lead.figures(self.paper, self.ref, self.details)[lead.OTHER]
        table = self.details.roll_forward
        self._words(
            "Lines of other roles, and closings", table.first(ref=self.paper.ref, side="other_activity")
        )
        return self._line(formula, value, gap=True)

    def _items(self) -> str:
        """The causes that move the balance, the largest first, each with its rows."""
        self._section("Reconciling items, by cause")
        first = self.row
        moving = [i for i in self.paper.items if i.amount and i.cause != UNCLASSIFIED]
        for item in sorted(moving, key=lambda i: (-abs(i.amount), i.cause)):
            self._item(item)
        if not moving:
            self.sheet.text(self.row, WORDS, "None.", "lead")
        return self._sum("Reconciling items", first, self.paper.reconciling, "items")

    def _item(self, item: Item) -> None:
        table, cause = self.details.differences, wording.cause(item.cause)
        self._words(cause.title, table.first(ref=self.paper.ref, cause=item.cause))
        words = self.sheet.cell(self.row, WORDS)
        self.sheet.counted(self.row, LINES, table.sumifs("lines", ref=self.ref, title=words), item.lines)
        self._amount(table.sumifs("difference", ref=self.ref, title=words), item.amount)
        self.sheet.text(self.row, MEANING, cause.meaning, "note")
        self.row += 1

    def _expected(self, *parts: str) -> str:
        value = sum((self.paper.figures[n] for n in ("subledger", "other_activity")), self.paper.reconciling)
        self.sheet.texts(self.row, ("Expected balance per general ledger", "", ""), "total_label", WORDS)
        return self._line("+".join(parts), value, "total", gap=True)

    def _ledger(self, expected: str) -> None:
        formula, value = lead.figures(self.paper, self.ref, self.details)[lead.GL]
        self._words(
            "Balance per general ledger", self.details.roll_forward.first(ref=self.paper.ref, side="gl")
        )
        self._ticks("gl")
        balance = self._line(formula, value)
        unexplained = self.paper.figures["difference"] - self.paper.reconciling
        self.sheet.texts(self.row, ("Unexplained difference", "", ""), "total_label", WORDS)
        state = self._state(self.row, AMOUNT, "nothing is left", "is left without a cause", unexplained)
        self.sheet.said(self.row, MEANING, *state, "strong")
        self._line(f"{balance}-{expected}", unexplained, "grand", gap=True)
        for item in self.paper.items:
            if item.cause == UNCLASSIFIED:
                self._item(item)

    def _noted(self) -> None:
        """Causes whose rows come to nothing on this account: they are read, and change no balance."""
        noted = [i for i in self.paper.items if not i.amount and i.cause != UNCLASSIFIED]
        if noted:
            self._section("Noted, without an amount in the balance")
        for item in sorted(noted, key=lambda i: i.cause):
            self._item(item)

    def _agreed(self, subledger: str) -> None:
        """What the balances above were agreed to; each line shows the other figure and what is between."""
        self.row += 1
        self.sheet.headings(self.row, ("", "Agreed to", *CAPTIONS[WHERE:MEANING], ""), (LINES, AMOUNT, OFF))
        self.row += 1
        for agreed in self._agreements(subledger):
            self._words(agreed.words, agreed.place)
            if agreed.tick:
                self._ticks(agreed.tick)
            left = f"{self.sheet.cell(self.row, AMOUNT)}-{agreed.against}"
            held = self._held() + abs(agreed.value)
            self.sheet.computed(self.row, OFF, left, agreed.value - self.paper.figures[agreed.figure], held)
            self._line(agreed.formula, agreed.value)

    def _agreements(self, subledger: str) -> Iterator[Agreement]:
        paper, ref, details = self.paper, self.ref, self.details
        gl, stated = (Place(lead.NAME, self.lead_row, column).cell for column in (lead.GL, lead.STATED))
        formula, value = lead.figures(paper, ref, details)[lead.BALANCE]
        place = details.trial_balance.first(ref=paper.ref)
        yield Agreement("Trial balance by the G/L entries", place, formula, value, gl, "gl")
        closing = details.roll_forward.sumifs("amount", ref=ref, words='"Subledger"', line='"closing"')
        place, value = details.roll_forward.first(ref=paper.ref, side="subledger"), paper.figures["subledger"]
        words = "Roll-forward of the subledger"
        yield Agreement(words, place, closing, value, subledger, "subledger", "roll_forward")
        if details.stated and paper.stated is not None:
            place = details.stated.first(ref=paper.ref, date=self.sources.as_of)
            yield Agreement("Trial balance given", place, stated, paper.stated, gl, "gl", "trial_balance")
        if paper.open_items is not None:
            place, formula = (
                details.clearing.first(ref=paper.ref),
                details.clearing.sumifs("balance", ref=ref),
            )
            yield Agreement("Open items", place, formula, paper.open_items, gl, "gl", "clearing")

    def _conclusion(self) -> None:
        self.row += 1
        self.sheet.text(self.row, WORDS, "Conclusion of the reviewer", "strong")
        for row in (self.row + 1, self.row + 2):
            self.sheet.texts(row, [""] * (MEANING - WORDS + 1), "sign", WORDS)
        self.row += 2

    def _section(self, words: str) -> None:
        self.sheet.texts(self.row, (words, *[""] * 6), "section", WORDS)
        self.row += 1

    def _words(self, words: str, place: Place) -> None:
        self.sheet.text(self.row, WORDS, words)
        self.sheet.link(self.row, WHERE, place, place.sheet)

    def _ticks(self, *places: str) -> None:
        marks = tickmarks.marks(self.paper.facts, self.results, *places)
        self.sheet.text(self.row, TICKS, marks, "tick")

    def _amount(self, formula: str, value: Decimal, style: str = "amount") -> None:
        self.sheet.computed(self.row, AMOUNT, formula, value, self._held(), style)

    def _line(self, formula: str, value: Decimal, style: str = "amount", gap: bool = False) -> str:
        """The amount of the line, which ends here; its cell."""
        self._amount(formula, value, style)
        self.row += 2 if gap else 1
        return self.sheet.cell(self.row - (2 if gap else 1), AMOUNT)

    def _sum(self, words: str, first: int, value: Decimal, place: str) -> str:
        """The total of the lines since ``first``."""
        self.sheet.texts(self.row, (words, "", ""), "total_label", WORDS)
        self._ticks(place)
        lines = self.sheet.span(first, max(self.row - 1, first), AMOUNT)
        if self.row > first:
            return self._line(f"SUM({lines})", value, "total", gap=True)
        self.sheet.amount(self.row, AMOUNT, value, "total")
        self.row += 2
        return self.sheet.cell(self.row - 2, AMOUNT)

    def _state(self, row: int, column: int, good: str, bad: str, value: Decimal) -> tuple[str, str]:
        return f'IF({self.sheet.cell(row, column)}=0,"{good}","{bad}")', bad if value else good

    def _held(self) -> Decimal:
        return (
            self.paper.weight + abs(self.paper.stated or Decimal()) + abs(self.paper.open_items or Decimal())
        )
