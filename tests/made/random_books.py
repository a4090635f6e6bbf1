"""Small random companies for laws: seeded, posted by the little BC, as plain rows.

Books without disturbance are right in every line; a disturbance is a random fault without a stated truth.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tests.made.business import Business
from tests.made.ledger import TABLES
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
from tests.made.write import plain_rows

# Pairs of setup fields that may share an account.
SHARED = {
    "separate": {},
    "stock and adjustment": {"inventory_adjmt_account": "14300"},
    "both interim": {"invt_accrual_acc_interim": "14350"},
    "purchases through stock": {"purch_account": "14300", "direct_cost_applied_account": "14300"},
}


@dataclass(frozen=True)
class RandomBooks:
    """A random company: its tables by name, and what was rolled for it."""

    seed: int
    tables: dict[str, list[Row]]
    method: str
    expected_cost_posting: bool
    sharing: str
    has_relations: bool
    unposted: tuple[int, ...]
    disturbances: tuple[str, ...]


def books(seed: int, disturbances: int = 0) -> RandomBooks:
    """The company of a seed; the same seed gives the same rows."""
    dice = random.Random(seed)
    method = dice.choice(("automatic", "batch per entry", "batch per group"))
    sharing = dice.choice(list(SHARED))
    switches = Switches(
        automatic_cost_posting=method == "automatic",
        expected_cost_posting=dice.random() < 0.6,
        inc_non_inventory_cost=dice.random() < 0.5,
        finish_order_without_output=True,
    )
    company = Business(switches, rates=[(date(2025, 1, 1), dice.choice((Decimal(0), Decimal("0.25"))))])
    set_up(company, sharing)
    leaves_some = method != "automatic" and sharing != "purchases through stock" and dice.random() < 0.5
    trade(company, dice, dice.randint(20, 52), leaves_some)
    happened = tuple(dice.choice(DISTURBANCES)(company, dice) for _ in range(disturbances))
    has_relations = dice.random() < 0.7
    return RandomBooks(
        seed=seed,
        tables={t: plain_rows(company, t) for t in TABLES if has_relations or t != "gl_item_ledger_relation"},
        method=method,
        expected_cost_posting=switches.expected_cost_posting,
        sharing=sharing,
        has_relations=has_relations,
        unposted=tuple(row["value_entry_no"] for row in company.rows("post_value_entry_to_gl")),
        disturbances=happened,
    )


def set_up(company: Business, sharing: str) -> None:
    for no, name in ACCOUNTS.items():
        add_account(company, no, name)
    for location in ("", "MAIN", "EAST"):
        add_stock_accounts(company, location, "RAW", "14100", "14150")
        add_stock_accounts(company, location, "FINISHED", "14200", "14250")
        add_stock_accounts(company, location, "RESALE", "14310" if location == "EAST" else "14300", "14350")
    for bus in ("DOMESTIC", ""):
        for prod in ("RAWMAT", "FINISHED"):
            add_posting_groups(company, bus, prod)
        add_posting_groups(company, bus, "RETAIL", **SHARED[sharing])
    add_posting_groups(
        company, "DOMESTIC", "CHARGE", purch_account="50300", direct_cost_applied_account="54300"
    )
    add_posting_groups(
        company, "DOMESTIC", "SUBCON", purch_account="50400", direct_cost_applied_account="54400"
    )
    add_posting_groups(company, "", "CAPACITY", direct_cost_applied_account="54200")
    add_item(company, "CLAY", "Clay", "RAW", "RAWMAT", "FIFO", "2.00")
    add_item(company, "BOWL", "Bowl", "FINISHED", "FINISHED", "Standard", "12.00")
    add_item(company, "MUG", "Mug", "RESALE", "RETAIL", "FIFO", "4.00")
    add_item(company, "PLATE", "Plate", "RESALE", "RETAIL", "Standard", "6.00", overhead_rate="0.10")
    company.rows("location").extend([{"code": "MAIN", "name": "Main"}, {"code": "EAST", "name": "East"}])
    add_switches(company, company.switches, "EUR" if company.rates[0][1] else "", date(2025, 1, 1))
    add_calendar(company, 2025)
    add_dimensions(company)


def trade(company: Business, dice: random.Random, entries: int, leaves_some: bool) -> None:
    """Random business until there are enough value entries; the batch runs on Fridays, perhaps not the last
    time.
    """
    company.is_batch = not company.switches.automatic_cost_posting
    per_group = dice.random() < 0.5 if not company.is_batch else dice.random() < 0.7
    today = date(2025, 1, 2)
    company.adjust_stock(today, "MUG", 20, "4.00")
    company.adjust_stock(today, "CLAY", 40, "2.00")
    while len(company.rows("value_entry")) < entries:
        dice.choice(EVENTS)(company, dice, today)
        step = dice.randint(0, 3)
        if company.is_batch and (today + timedelta(step)).isocalendar().week != today.isocalendar().week:
            close_week(company, today, per_group)
        today += timedelta(step)
    company.adjust_cost(today)
    if company.is_batch and not leaves_some:
        company.run_batch(today, per_group)


def close_week(company: Business, today: date, per_group: bool) -> None:
    company.adjust_cost(today)
    company.run_batch(today, per_group)


def on_hand(company: Business, item_no: str, location: str = "MAIN") -> int:
    return int(
        sum(
            row["remaining_quantity"]
            for row in company.rows("item_ledger_entry")
            if (row["item_no"], row["location_code"], row["positive"]) == (item_no, location, True)
        )
    )


def waiting(company: Business, entry_type: str) -> list[Row]:
    """Receipts or shipments that no invoice has reached."""
    return [
        row
        for row in company.rows("item_ledger_entry")
        if row["entry_type"] == entry_type
        and row["invoiced_quantity"] == 0
        and row["positive"] == (entry_type == "Purchase")
    ]


def receipt(company: Business, dice: random.Random, today: date) -> None:
    unit_cost = f"{dice.randint(350, 450) / 100:.2f}"
    company.receive(
        today,
        dice.choice(("MUG", "PLATE")),
        dice.randint(2, 9),
        unit_cost,
        dimension_set_id=dice.choice((0, 1)),
    )


def purchase_invoice(company: Business, dice: random.Random, today: date) -> None:
    receipts = waiting(company, "Purchase")
    if receipts:
        ile = dice.choice(receipts)
        part = dice.randint(1, int(ile["quantity"]) - 1) if dice.random() < 0.3 else None
        company.invoice_receipt(today, ile, f"{dice.randint(350, 650) / 100:.2f}", part)


def shipment(company: Business, dice: random.Random, today: date) -> None:
    item_no = dice.choice(("MUG", "PLATE"))
    if on_hand(company, item_no) > 3:
        company.ship(today, item_no, dice.randint(1, 3))


def sales_invoice(company: Business, dice: random.Random, today: date) -> None:
    shipments = waiting(company, "Sale")
    if shipments:
        company.invoice_shipment(today, dice.choice(shipments), 12)


def count(company: Business, dice: random.Random, today: date) -> None:
    if dice.random() < 0.5:
        company.adjust_stock(today, "MUG", dice.randint(1, 5), "4.00")
    elif on_hand(company, "MUG") > 2:
        company.adjust_stock(today, "MUG", -dice.randint(1, 2))


def move(company: Business, dice: random.Random, today: date) -> None:
    if on_hand(company, "MUG") > 2:
        company.transfer(today, "MUG", dice.randint(1, 2), "MAIN", "EAST")


def revaluation(company: Business, dice: random.Random, today: date) -> None:
    invoiced = [
        row for row in company.rows("item_ledger_entry") if row["positive"] and row["completely_invoiced"]
    ]
    mugs = [row for row in invoiced if row["item_no"] == "MUG" and row["open"]]
    if mugs:
        company.revalue(today, dice.choice(mugs), actual=dice.choice(("1.00", "-1.50")))


def freight(company: Business, dice: random.Random, today: date) -> None:
    bought = [
        row
        for row in company.rows("item_ledger_entry")
        if row["entry_type"] == "Purchase" and row["completely_invoiced"]
    ]
    if bought:
        company.charge(today, dice.choice(bought), f"{dice.randint(1, 4)}.00")


def production(company: Business, dice: random.Random, today: date) -> None:
    if on_hand(company, "CLAY") < 4:
        return
    order = company.start_order("BOWL")
    company.consume(today, order, "CLAY", 4)
    company.work(today, order, dice.randint(1, 4), center="WHEEL")
    if dice.random() < 0.2:
        company.give_up(today, order)
        return
    company.output(today, order, 1)
    if dice.random() < 0.7:
        shares = {"Material": "7", "Capacity": "3", "Capacity Overhead": "0", "Manufacturing Overhead": "2"}
        company.finish(today, order, shares, overhead="2", non_inventory=dice.choice(("0", "1.50")))


def assembly(company: Business, dice: random.Random, today: date) -> None:
    if on_hand(company, "MUG") > 2:
        company.assemble(today, "PLATE", 1, [("MUG", 1)], dice.randint(10, 20), "0.10")


EVENTS: tuple[Callable[[Business, random.Random, date], None], ...] = (
    receipt,
    receipt,
    purchase_invoice,
    purchase_invoice,
    shipment,
    sales_invoice,
    count,
    move,
    revaluation,
    freight,
    production,
    assembly,
)


# -------------------------------------------------------------------- disturbances


def inventory_lines(company: Business) -> list[Row]:
    return [gle for gle in company.rows("gl_entry") if gle["source_code"] == "INVTPCOST"]


def wrong_line(company: Business, dice: random.Random) -> str:
    """Two lines of one transaction become wrong by the same amount."""
    first = dice.choice(inventory_lines(company))
    others = [
        gle
        for gle in company.rows("gl_entry")
        if gle["transaction_no"] == first["transaction_no"] and gle is not first
    ]
    second = dice.choice(others)
    error = Decimal(dice.randint(1, 500)) / 100
    for gle, change in ((first, error), (second, -error)):
        gle["amount"] += change
        gle["debit_amount"], gle["credit_amount"] = max(gle["amount"], ZERO), max(-gle["amount"], ZERO)
    return f"G/L entries {first['entry_no']} and {second['entry_no']} off by {error}"


def hand_posting(company: Business, dice: random.Random) -> str:
    cents = Decimal(dice.randint(1, 9999)) / 100
    account_no = dice.choice(("14300", "14350", "14500", "24500"))
    last = company.rows("gl_entry")[-1]["posting_date"]
    company.journal(last, [(account_no, cents), ("67000", -cents)])
    return f"{cents} journalled to {account_no}"


def flag_without_line(company: Business, dice: random.Random) -> str:
    ve = dice.choice([ve for ve in company.rows("value_entry") if ve["cost_amount_actual"]])
    ve["cost_posted_to_gl"] = ZERO
    return f"value entry {ve['entry_no']} flagged 0"


def lost_relation(company: Business, dice: random.Random) -> str:
    relation = dice.choice(company.rows("gl_item_ledger_relation"))
    company.rows("gl_item_ledger_relation").remove(relation)
    return f"relation {relation['gl_entry_no']} to {relation['value_entry_no']} lost"


def other_account(company: Business, dice: random.Random) -> str:
    gle = dice.choice(inventory_lines(company))
    gle["gl_account_no"] = "14399"
    return f"G/L entry {gle['entry_no']} on 14399"


def lost_value_entry(company: Business, dice: random.Random) -> str:
    ve = dice.choice(company.rows("value_entry")[:-1])
    company.rows("value_entry").remove(ve)
    return f"value entry {ve['entry_no']} lost"


DISTURBANCES: tuple[Callable[[Business, random.Random], str], ...] = (
    wrong_line,
    hand_posting,
    flag_without_line,
    lost_relation,
    other_account,
    lost_value_entry,
)
