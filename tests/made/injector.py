"""Plants faults into random companies, each with its truth: cause, severity, accounts, entries, amounts.

Here: the scene of a fault (a transaction of its own that nothing else moves), what its entry should have
posted, the truth's rows, the rolling of several faults. Not here: the kinds (that is in kinds).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from tests.made.posting import ZERO, Row, actual_pair, expected_pair, pair_lines
from tests.made.rolled import Firm, Hook, Rolled, found, roll, trade
from tests.made.setup import add_item
from tests.made.transactions import ACTUAL_ONLY, EXPECTED_ONLY, TRANSACTIONS
from tests.made.truth import ANY, Truth

MATERIALITIES = ("0.01", "0.01", "1.00", "25.00")
LAST_DAYS = 9  # no fault is planted so late that its last day would lie after the last batch


class Part(NamedTuple):
    """One line that an entry must have in the G/L: for which part of its cost, in which role, how much."""

    kind: str
    role: str
    account_no: str
    amount: Decimal


@dataclass
class Scene:
    """One fault being planted: the company, its truth, the dice."""

    firm: Firm
    truth: Truth
    dice: random.Random

    # ---------------------------------------------------------------- the transaction that goes wrong

    def item(self, **fields: Any) -> str:
        """An item of its own, so that nothing else touches its cost."""
        firm = self.firm
        firm.own_items += 1
        no = f"X{firm.own_items:03d}"
        given = {"group": self.dice.choice(("RESALE", "RAW", "FINISHED")), "prod": "RETAIL"} | fields
        method = given.pop("method", self.dice.choice(("FIFO", "LIFO", "Average", "Standard", "Specific")))
        unit_cost = f"{self.dice.randint(150, 2500) / 100:.2f}"
        add_item(firm, no, f"Item {no}", given["group"], given["prod"], method, unit_cost)
        return no

    def written(self, does: Callable[[], Any]) -> list[Row]:
        """The value entries that a transaction writes, not posted yet and not queued."""
        firm = self.firm
        was_batch, firm.is_batch = firm.is_batch, True
        before = len(firm.rows("value_entry"))
        does()
        firm.is_batch = was_batch
        entries = firm.rows("value_entry")[before:]
        for ve in entries:
            firm.unqueue(ve)
        return entries

    def post(self, entries: Sequence[Row]) -> None:
        self.firm.post_each([ve for ve in entries if self.firm.is_postable(ve)], self.firm.today)

    def posted(self, *wanted: str, **fields: Any) -> Row:
        """An entry of a transaction of its own, posted per entry as it should be."""
        ve = self.open(*wanted, **fields)
        self.post([ve])
        return ve

    def open(self, *wanted: str, **fields: Any) -> Row:
        """An entry with something to post, of a transaction whose other entries are posted."""
        kind = self.dice.choice(wanted or tuple(TRANSACTIONS))
        entries = self.written(lambda: TRANSACTIONS[kind](self.firm, self.dice, self.item(**fields)))
        candidates = [ve for ve in entries if self.parts(ve) and suits(ve, kind)]
        if not candidates:
            self.post(entries)
            return self.open("stock in", **fields)
        chosen = candidates[-1] if self.dice.random() < 0.7 else self.dice.choice(candidates)
        self.post([ve for ve in entries if ve is not chosen])
        return chosen

    # ---------------------------------------------------------------- what is right

    def parts(self, ve: Row) -> list[Part]:
        """The lines that an entry must have in the G/L, for its full cost."""
        firm = self.firm
        lines = []
        if ve["cost_amount_actual"]:
            pair = actual_pair(ve, firm.switches)
            lines += pair_lines("actual", pair, ve["cost_amount_actual"], ZERO)
        if ve["cost_amount_expected"] and firm.switches.expected_cost_posting:
            lines += pair_lines("expected", expected_pair(ve), ve["cost_amount_expected"], ZERO)
        return [
            Part(line.kind, line.account_type, firm.resolved(line.account_type, ve), line.amount)
            for line in lines
        ]

    def lines(self, ve: Row) -> list[Row]:
        """The G/L lines of an entry that was posted alone."""
        return [gle for gle in self.firm.gl_entries_of(ve) if gle["amount"]]

    def pair(self, ve: Row) -> tuple[Row, Row]:
        """The two lines of one part of an entry."""
        kind = self.dice.choice([gle["kind"] for gle in self.lines(ve)])
        first, second = (gle for gle in self.lines(ve) if gle["kind"] == kind)
        return first, second

    def set_amount(self, gle: Row, amount: Decimal) -> None:
        gle["amount"] = amount
        gle["additional_currency_amount"] = self.firm.acy(amount, gle["posting_date"])
        gle["debit_amount"], gle["credit_amount"] = max(amount, ZERO), max(-amount, ZERO)

    def some_cents(self, most: int = 900) -> Decimal:
        return Decimal(self.dice.randint(1, most)) / 100

    # ---------------------------------------------------------------- the truth

    def tell_parts(self, cause: str, why: str, ve: Row, share: int = -1, **values: Any) -> None:
        """A finding for each part of an entry: every line is off by so many times what it should be."""
        findings: dict[str, str] = {}
        for part in self.parts(ve):
            if part.kind not in findings:
                findings[part.kind] = self.truth.finding()
            self.truth.row(
                findings[part.kind],
                cause,
                why,
                account_no=part.account_no,
                account_role=part.role,
                cost_kind=part.kind,
                value_entry_no=ve["entry_no"],
                difference=share * part.amount,
                **values,
            )

    def tell_lines(self, cause: str, why: str, ve: Row, off: dict[int, Decimal], **values: Any) -> None:
        """One finding: lines of an entry are off by these amounts."""
        finding = self.truth.finding()
        for gle in self.lines(ve):
            if gle["entry_no"] in off:
                self.truth.row(
                    finding,
                    cause,
                    why,
                    account_no=gle["gl_account_no"],
                    account_role=gle["account_type"],
                    cost_kind=ANY,
                    value_entry_no=ve["entry_no"],
                    gl_entry_no=ANY,
                    difference=off[gle["entry_no"]],
                    **values,
                )

    def tell_entry(self, cause: str, why: str, ve: Row, **values: Any) -> None:
        """A finding for each part of an entry, without an amount."""
        for kind in dict.fromkeys(part.kind for part in self.parts(ve)):
            self.truth.row(
                self.truth.finding(),
                cause,
                why,
                match="finding",
                cost_kind=kind,
                value_entry_no=ve["entry_no"],
                gl_entry_no=ANY,
                **values,
            )

    def tell_ledger(self, cause: str, why: str, lines: Sequence[Row], **values: Any) -> None:
        """One finding on G/L lines that no entry stands behind: all of each line is off."""
        finding = self.truth.finding()
        for gle in lines:
            self.truth.row(
                finding,
                cause,
                why,
                account_no=gle["gl_account_no"],
                gl_entry_no=gle["entry_no"],
                difference=gle["amount"],
                **values,
            )


def suits(ve: Row, transaction: str) -> bool:
    """Whether an entry is of the cost that its transaction is chosen for."""
    if transaction in ACTUAL_ONLY:
        return not ve["cost_amount_expected"]
    return transaction not in EXPECTED_ONLY or bool(ve["cost_amount_expected"])


class Kind(NamedTuple):
    """A kind of fault: its name, the causes under which it must be found, and how it is planted."""

    name: str
    plant: Callable[[Scene], None]
    when: str = "during"  # or "first" (before the first day), "last" (after the last)
    needs_relations: bool = False
    fits: Callable[[Rolled], bool] = lambda rolled: True


class Made(NamedTuple):
    """A company with its faults: the tables' writer, the truth, what was planted, the run's materiality."""

    firm: Firm
    truth: Truth
    planted: tuple[str, ...]
    materiality: Decimal


def made(seed: int, kinds: Sequence[Kind], most: int = 8) -> Made:
    """The company of a seed with up to so many faults; none leaves it clean."""
    rolled, _ = roll(seed)
    dice = random.Random(f"faults of {seed}")
    firm = found(seed)
    truth = Truth()
    fitting = [k for k in kinds if k.fits(rolled) and (rolled.has_relations or not k.needs_relations)]
    chosen = [dice.choice(fitting) for _ in range(dice.randint(1, most))] if most else []
    scene = Scene(firm, truth, dice)
    hooks: dict[int, list[Hook]] = {}
    for kind in chosen:
        if kind.when == "during":
            day = dice.randint(2, rolled.days - LAST_DAYS)
            hooks.setdefault(day, []).append(planting(kind, scene))
        elif kind.when == "first":
            kind.plant(scene)
    trade(firm, hooks)
    for kind in chosen:
        if kind.when == "last":
            kind.plant(scene)
    return Made(firm, truth, tuple(k.name for k in chosen), Decimal(dice.choice(MATERIALITIES)))


def planting(kind: Kind, scene: Scene) -> Hook:
    return lambda firm: kind.plant(scene)
