"""A company of any size and setup, rolled from a seed: switches, posting modes, five costing methods, six
to nine weeks of business.

Here: what is rolled and what happens day by day; every entry and line of it is right. Not here: the faults
that may be planted on the way (that is in injector).
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from tests.made.business import Business
from tests.made.ledger import money
from tests.made.posting import ZERO, Row, Switches
from tests.made.setup import (
    ACCOUNTS,
    add_account,
    add_calendar,
    add_dimensions,
    add_item,
    add_posting_groups,
    add_stock_accounts,
    add_switches,
)

FIRST_DAY = date(2025, 1, 2)
METHODS = ("automatic", "batch per entry", "batch per group", "batch in both ways")
#: Setup fields that share an account: none, or two of other roles than stock.
SHARINGS: tuple[dict[str, str], ...] = ({}, {}, {"purchase_variance_account": "53000"})
GOODS = {"MUG": "FIFO", "PLATE": "Standard", "JUG": "Average", "VASE": "LIFO", "TILE": "Specific"}
BOWL_SHARES = {"Material": "7", "Capacity": "3", "Capacity Overhead": "0", "Manufacturing Overhead": "2"}


@dataclass(frozen=True)
class Rolled:
    """What was rolled for a company before its first day."""

    seed: int
    size: int
    method: str
    switches: Switches
    has_currency: bool
    has_relations: bool
    days: int


class Firm(Business):
    """A company with a clock and with average cost."""

    def __init__(self, rolled: Rolled, dice: random.Random) -> None:
        rates = [(FIRST_DAY, Decimal("0.25"))] if rolled.has_currency else [(FIRST_DAY, Decimal(0))]
        super().__init__(rolled.switches, rates)
        self.rolled = rolled
        self.dice = dice
        self.today = FIRST_DAY
        self.is_batch = rolled.method != "automatic"
        self.own_items = 0
        self.held: set[int] = set()  # value entries that the batch leaves in the queue

    def created_at(self, on: date) -> datetime:
        """Whatever the date of an entry, it is written today."""
        return super().created_at(max(on, self.today))

    def layer_cost(self, outbound_no: int) -> Decimal:
        outbound = self.ile(outbound_no)
        if self.item(outbound["item_no"])["costing_method"] == "Average":
            return self.average_costs(outbound["item_no"], outbound["location_code"])[outbound_no]
        return super().layer_cost(outbound_no)

    def average_costs(self, item_no: str, location: str) -> dict[int, Decimal]:
        """What each outbound entry costs by the average of its day; the last one takes what is left."""
        entries = [
            row
            for row in self.rows("item_ledger_entry")
            if (row["item_no"], row["location_code"]) == (item_no, location)
        ]
        costs: dict[int, Decimal] = {}
        quantity, value = Decimal(0), ZERO
        for day in sorted({row["posting_date"] for row in entries}):
            todays = [row for row in entries if row["posting_date"] == day]
            quantity += sum(row["quantity"] for row in todays if row["positive"])
            value += sum((self.cost_of(row["entry_no"]) for row in todays if row["positive"]), ZERO)
            unit_cost = value / quantity if quantity else ZERO
            for row in todays:
                if not row["positive"]:
                    quantity += row["quantity"]
                    cost = value if not quantity else money(-unit_cost * row["quantity"])
                    costs[row["entry_no"]] = -cost
                    value -= cost
        return costs

    def round_off(self, inbound: Row) -> list[Row]:
        is_average = self.item(inbound["item_no"])["costing_method"] == "Average"
        return [] if is_average else super().round_off(inbound)


Hook = Callable[[Firm], None]


def roll(seed: int) -> tuple[Rolled, random.Random]:
    """What a seed rolls, and the dice for the rest of the story."""
    dice = random.Random(seed)
    size = min(500, 50 + int(dice.expovariate(1 / 70)))
    method = dice.choice(METHODS)
    switches = Switches(
        automatic_cost_posting=method == "automatic",
        expected_cost_posting=dice.random() < 0.6,
        inc_non_inventory_cost=dice.random() < 0.5,
        finish_order_without_output=dice.random() < 0.7,
    )
    return Rolled(
        seed=seed,
        size=size,
        method=method,
        switches=switches,
        has_currency=dice.random() < 0.5,
        has_relations=dice.random() < 0.8,
        days=dice.randint(38, 62),
    ), dice


def found(seed: int) -> Firm:
    """The company before its first day of business."""
    rolled, dice = roll(seed)
    firm = Firm(rolled, dice)
    set_up(firm)
    return firm


def set_up(firm: Firm) -> None:
    for no, name in ACCOUNTS.items():
        add_account(firm, no, name)
    for location in ("", "MAIN", "EAST"):
        add_stock_accounts(firm, location, "RAW", "14100", "14150")
        add_stock_accounts(firm, location, "FINISHED", "14200", "14250")
        add_stock_accounts(firm, location, "RESALE", "14310" if location == "EAST" else "14300", "14350")
    sharing = firm.dice.choice(SHARINGS)
    for bus in ("DOMESTIC", ""):
        for prod in ("RAWMAT", "FINISHED", "RETAIL", "SERVICES"):
            add_posting_groups(firm, bus, prod, **sharing)
    for prod, purchases, applied in (("CHARGE", "50300", "54300"), ("SUBCON", "50400", "54400")):
        add_posting_groups(
            firm, "DOMESTIC", prod, purch_account=purchases, direct_cost_applied_account=applied
        )
    add_posting_groups(firm, "", "CAPACITY", direct_cost_applied_account="54200")
    add_item(firm, "CLAY", "Clay", "RAW", "RAWMAT", "FIFO", "2.00")
    add_item(firm, "BOWL", "Bowl", "FINISHED", "FINISHED", "Standard", "12.00")
    for no, costing_method in GOODS.items():
        overhead = "0.10" if costing_method == "Standard" else "0"
        add_item(firm, no, no.title(), "RESALE", "RETAIL", costing_method, "4.00", overhead_rate=overhead)
    add_item(firm, "INSURANCE", "Insurance", "", "SERVICES", "FIFO", "0", item_type="Service")
    firm.rows("location").extend([{"code": "MAIN", "name": "Main"}, {"code": "EAST", "name": "East"}])
    currency = "EUR" if firm.rolled.has_currency else ""
    add_switches(firm, firm.switches, currency, date(2025, 1, 1))
    add_calendar(firm, 2025)
    add_dimensions(firm)


def trade(firm: Firm, hooks: dict[int, list[Hook]] | None = None) -> None:
    """Business day by day until there are enough entries; on Fridays cost is adjusted and the batch runs."""
    firm.adjust_stock(firm.today, "CLAY", 60, "2.00")
    for no in GOODS:
        firm.adjust_stock(firm.today, no, firm.dice.randint(5, 12), "4.00")
    rolled = firm.rolled
    for day in range(rolled.days):
        firm.today = FIRST_DAY + timedelta(day)
        enough = rolled.size * (day + 1) // rolled.days
        while len(firm.rows("value_entry")) < enough:
            firm.dice.choice(EVENTS)(firm)
        for hook in (hooks or {}).get(day, ()):
            hook(firm)
        if firm.today.weekday() == 4 or day == rolled.days - 1:
            close_week(firm)


def close_week(firm: Firm) -> None:
    firm.adjust_cost(firm.today)
    if firm.is_batch:
        per_group = {"batch per entry": False, "batch per group": True}.get(firm.rolled.method)
        by_group = firm.dice.random() < 0.5 if per_group is None else per_group
        firm.run_batch(firm.today, by_group, firm.held)


# -------------------------------------------------------------------- what happens on a day


def on_hand(firm: Firm, item_no: str, location: str = "MAIN") -> int:
    return int(
        sum(
            row["remaining_quantity"]
            for row in firm.rows("item_ledger_entry")
            if (row["item_no"], row["location_code"], row["positive"]) == (item_no, location, True)
        )
    )


def entries(firm: Firm, entry_type: str, is_invoiced: bool = False) -> list[Row]:
    """Item ledger entries of the goods, invoiced in full or not at all."""
    return [
        row
        for row in firm.rows("item_ledger_entry")
        if row["entry_type"] == entry_type
        and row["item_no"] in GOODS
        and (row["completely_invoiced"] if is_invoiced else row["invoiced_quantity"] == 0)
    ]


def some_goods(firm: Firm, at_least: int = 0) -> str | None:
    stocked = [no for no in GOODS if on_hand(firm, no) > at_least] if at_least else list(GOODS)
    return firm.dice.choice(stocked) if stocked else None


def price(firm: Firm, low: int = 350, high: int = 450) -> str:
    return f"{firm.dice.randint(low, high) / 100:.2f}"


def receipt(firm: Firm) -> None:
    dimensions = {"dimension_set_id": firm.dice.choice((0, 1))}
    location = "EAST" if firm.dice.random() < 0.15 else "MAIN"
    firm.receive(
        firm.today,
        firm.dice.choice(list(GOODS)),
        firm.dice.randint(2, 9),
        price(firm),
        location,
        **dimensions,
    )


def purchase_invoice(firm: Firm) -> None:
    waiting = [row for row in entries(firm, "Purchase") if row["positive"]]
    if waiting:
        ile = firm.dice.choice(waiting)
        is_partial = ile["quantity"] > 1 and firm.dice.random() < 0.2
        part = firm.dice.randint(1, int(ile["quantity"]) - 1) if is_partial else None
        firm.invoice_receipt(firm.today, ile, price(firm, 350, 650), part)


def rest_of_an_invoice(firm: Firm) -> None:
    partly = [
        row
        for row in firm.rows("item_ledger_entry")
        if row["entry_type"] == "Purchase" and row["invoiced_quantity"] and not row["completely_invoiced"]
    ]
    if partly:
        firm.invoice_receipt(firm.today, firm.dice.choice(partly), price(firm))


def shipment(firm: Firm) -> None:
    goods = some_goods(firm, 3)
    if goods:
        firm.ship(firm.today, goods, firm.dice.randint(1, 3))


def sales_invoice(firm: Firm) -> None:
    waiting = [row for row in entries(firm, "Sale") if not row["positive"]]
    if waiting:
        firm.invoice_shipment(firm.today, firm.dice.choice(waiting), 12)


def sales_return(firm: Firm) -> None:
    shipped = [row for row in entries(firm, "Sale", is_invoiced=True) if not row["positive"]]
    if shipped:
        firm.return_sale(firm.today, firm.dice.choice(shipped), 1, 12)


def purchase_return(firm: Firm) -> None:
    stocked = [
        row
        for row in entries(firm, "Purchase", is_invoiced=True)
        if row["positive"] and row["remaining_quantity"] > 1
    ]
    if stocked:
        firm.credit_return(firm.today, firm.return_purchase(firm.today, firm.dice.choice(stocked), 1))


def receipt_taken_back(firm: Firm) -> None:
    goods = firm.dice.choice([no for no, method in GOODS.items() if method != "Average"])
    ile = firm.receive(firm.today, goods, firm.dice.randint(1, 4), price(firm))
    firm.undo_receipt(firm.today, ile)


def count(firm: Firm) -> None:
    goods = some_goods(firm, 3)
    if firm.dice.random() < 0.5 or not goods:
        firm.adjust_stock(firm.today, firm.dice.choice(list(GOODS)), firm.dice.randint(1, 5), "4.00")
    else:
        firm.adjust_stock(firm.today, goods, -firm.dice.randint(1, 2))


def more_clay(firm: Firm) -> None:
    if on_hand(firm, "CLAY") < 20:
        firm.adjust_stock(firm.today, "CLAY", 40, "2.00")


def move(firm: Firm) -> None:
    goods = firm.dice.choice([no for no, method in GOODS.items() if method != "Average"])
    if on_hand(firm, goods) > 2:
        firm.transfer(firm.today, goods, firm.dice.randint(1, 2), "MAIN", "EAST")


def revaluation(firm: Firm) -> None:
    stocked = [
        row
        for row in firm.rows("item_ledger_entry")
        if row["positive"] and row["completely_invoiced"] and row["open"] and row["item_no"] in GOODS
    ]
    if stocked:
        firm.revalue(firm.today, firm.dice.choice(stocked), actual=firm.dice.choice(("1.00", "-0.50")))


def freight(firm: Firm) -> None:
    bought = [row for row in entries(firm, "Purchase", is_invoiced=True) if row["positive"]]
    if bought:
        firm.charge(firm.today, firm.dice.choice(bought), f"{firm.dice.randint(1, 4)}.00")


def freight_out(firm: Firm) -> None:
    shipped = [row for row in entries(firm, "Sale", is_invoiced=True) if not row["positive"]]
    if shipped:
        firm.charge(firm.today, firm.dice.choice(shipped), f"{firm.dice.randint(1, 4)}.00")


def insurance(firm: Firm) -> None:
    firm.buy_service(firm.today, "INSURANCE", f"{firm.dice.randint(10, 40)}.00")


def production(firm: Firm) -> None:
    more_clay(firm)
    order = firm.start_order("BOWL")
    firm.consume(firm.today, order, "CLAY", 4)
    firm.work(firm.today, order, firm.dice.randint(1, 4), center="WHEEL")
    if firm.dice.random() < 0.3:
        firm.subcontract(firm.today, order, f"{firm.dice.randint(2, 5)}.00")
    if firm.dice.random() < 0.2 and firm.switches.finish_order_without_output:
        firm.give_up(firm.today, order)
        return
    firm.output(firm.today, order, 1)
    if firm.dice.random() < 0.8:
        non_inventory = firm.dice.choice(("0", "1.50"))
        firm.finish(firm.today, order, BOWL_SHARES, overhead="2", non_inventory=non_inventory)


def assembly(firm: Firm) -> None:
    goods = some_goods(firm, 2)
    if goods and goods != "PLATE":
        firm.assemble(firm.today, "PLATE", 1, [(goods, 1)], firm.dice.randint(10, 20), "0.10")


def project(firm: Firm) -> None:
    goods = firm.dice.choice([no for no, method in GOODS.items() if method in ("FIFO", "LIFO", "Specific")])
    received, used = firm.project_receipt(
        firm.today, goods, firm.dice.randint(1, 3), price(firm), f"P{firm.number('project'):03d}"
    )
    if firm.dice.random() < 0.7:
        firm.invoice_project(firm.today, received, used, price(firm, 400, 500))


def payment(firm: Firm) -> None:
    firm.pay(firm.today, price(firm, 1000, 9000))


EVENTS: tuple[Callable[[Firm], None], ...] = (
    receipt, receipt, receipt, purchase_invoice, purchase_invoice, purchase_invoice, rest_of_an_invoice,
    shipment, shipment, sales_invoice, sales_invoice, sales_return, purchase_return, receipt_taken_back,
    count, move, revaluation, freight, freight_out, insurance, production, production, assembly, project,
    payment,
)  # fmt: skip
