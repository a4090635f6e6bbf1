"""One small transaction of each sort, on an item that nothing else moves.

Here: what happens. Not here: what goes wrong with it (that is in kinds).
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

from tests.made.posting import Row
from tests.made.rolled import Firm

Transaction = Callable[[Firm, random.Random, str], Any]


def unit_cost(firm: Firm, no: str) -> str:
    return str(firm.item(no)["unit_cost"])


def stock_in(firm: Firm, dice: random.Random, no: str, location: str = "MAIN") -> Row:
    return firm.adjust_stock(firm.today, no, dice.randint(3, 9), unit_cost(firm, no), location)


def stock_out(firm: Firm, dice: random.Random, no: str) -> None:
    stock_in(firm, dice, no)
    firm.adjust_stock(firm.today, no, -dice.randint(1, 3))


def stock_in_the_east(firm: Firm, dice: random.Random, no: str) -> None:
    stock_in(firm, dice, no, "EAST")


def receipt(firm: Firm, dice: random.Random, no: str) -> Row:
    return firm.receive(firm.today, no, dice.randint(2, 9), unit_cost(firm, no))


def purchase(firm: Firm, dice: random.Random, no: str) -> None:
    ile = receipt(firm, dice, no)
    firm.invoice_receipt(firm.today, ile, f"{dice.randint(150, 2500) / 100:.2f}")


def freight(firm: Firm, dice: random.Random, no: str) -> None:
    ile = receipt(firm, dice, no)
    firm.invoice_receipt(firm.today, ile, unit_cost(firm, no))
    firm.charge(firm.today, ile, f"{dice.randint(100, 400) / 100:.2f}")


def shipment(firm: Firm, dice: random.Random, no: str) -> Row:
    stock_in(firm, dice, no)
    return firm.ship(firm.today, no, dice.randint(1, 3))


def sale(firm: Firm, dice: random.Random, no: str) -> None:
    firm.invoice_shipment(firm.today, shipment(firm, dice, no), dice.randint(10, 40))


def transfer(firm: Firm, dice: random.Random, no: str) -> None:
    stock_in(firm, dice, no)
    firm.transfer(firm.today, no, dice.randint(1, 3), "MAIN", "EAST")


def revaluation(firm: Firm, dice: random.Random, no: str) -> None:
    entry = stock_in(firm, dice, no)
    change = f"{dice.choice((-1, 1)) * dice.randint(10, 150) / 100:.2f}"
    firm.revalue(firm.today, firm.ile(entry["item_ledger_entry_no"]), actual=change)


def consumption(firm: Firm, dice: random.Random, no: str) -> None:
    """Into an order that stays at work."""
    stock_in(firm, dice, no)
    firm.consume(firm.today, firm.start_order("BOWL"), no, dice.randint(1, 3))


def work(firm: Firm, dice: random.Random, no: str) -> None:
    """On an order that stays at work; the item plays no part."""
    firm.work(firm.today, firm.start_order("BOWL"), dice.randint(2, 30), center="WHEEL")


def subcontracting(firm: Firm, dice: random.Random, no: str) -> None:
    firm.subcontract(firm.today, firm.start_order("BOWL"), f"{dice.randint(200, 900) / 100:.2f}")


def assembly(firm: Firm, dice: random.Random, no: str) -> None:
    stock_in(firm, dice, no)
    firm.assemble(firm.today, "PLATE", 1, [(no, 1)], dice.randint(10, 20), "0.10")


TRANSACTIONS: Mapping[str, Transaction] = {
    "stock in": stock_in,
    "stock out": stock_out,
    "stock in the east": stock_in_the_east,
    "receipt": receipt,
    "purchase": purchase,
    "freight": freight,
    "shipment": shipment,
    "sale": sale,
    "transfer": transfer,
    "revaluation": revaluation,
    "consumption": consumption,
    "work": work,
    "subcontracting": subcontracting,
    "assembly": assembly,
}
#: Transactions whose last entry has no expected cost, and lines of one part only.
ACTUAL_ONLY = (
    "stock in", "stock out", "stock in the east", "freight", "transfer", "revaluation", "consumption",
    "work", "subcontracting",
)  # fmt: skip
#: Transactions whose last entry is expected cost and waits for an invoice.
EXPECTED_ONLY = ("receipt", "shipment")
