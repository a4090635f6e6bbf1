"""Harbour Ceramics: four months of a small pottery; expected cost posting off, non-inventory cost not
included in output.

Expected cost was posted in January, before the switch was turned off. April is posted by the batch job.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from tests.made.business import Business
from tests.made.faults import hold
from tests.made.posting import Row, Switches
from tests.made.setup import (
    ACCOUNTS,
    add_account,
    add_calendar,
    add_item,
    add_posting_groups,
    add_stock_accounts,
    add_switches,
)
from tests.made.truth import Truth

BATCH_MONTHS = {"mixed": (4,), "entry": (), "group": (1, 2, 3, 4)}
BOWL_SHARES = {
    "Material": "8",
    "Capacity": "4",
    "Capacity Overhead": "0",
    "Manufacturing Overhead": "0",
    "Subcontracted": "0",
    "Material - Non Inventory": "0",
}


def on(month: int, day: int) -> date:
    return date(2025, month, day)


def build(method: str = "mixed", truth: Truth | None = None) -> Business:
    """The company after four months; its faults only where a truth is given to write them to."""
    batch_months = BATCH_MONTHS[method]
    switches = Switches(
        automatic_cost_posting=4 not in batch_months,
        expected_cost_posting=False,
        inc_non_inventory_cost=False,
        finish_order_without_output=False,
    )
    company = Business(replace(switches, expected_cost_posting=True))
    set_up(company, switches)
    company.is_batch = 1 in batch_months
    january(company)
    waiting = company.receive(on(1, 20), "CLAY", 5, "2.00", location="", vendor="V300") if truth else None
    finish_month(company, 1)
    company.switches = switches
    if waiting and truth:
        company.is_batch = 2 in batch_months
        stranded(company, truth, waiting)
    for month, business in ((2, february), (3, march), (4, april)):
        company.is_batch = month in batch_months
        company.allow_posting_from = on(month, 1)
        business(company)
        if month == 4 and truth:
            faults_of_april(company, truth)
        finish_month(company, month, truth.held if truth else set())
    return company


def finish_month(company: Business, month: int, held: Iterable[int] = ()) -> None:
    company.adjust_cost(on(month, 28))
    if company.is_batch:
        company.run_batch(on(month, 28), True, held)


def set_up(company: Business, switches: Switches) -> None:
    for no, name in ACCOUNTS.items():
        add_account(company, no, name)
    for group, inventory, interim in (
        ("RAW", "14100", "14150"),
        ("FINISHED", "14200", "14250"),
        ("RESALE", "14300", "14350"),
    ):
        add_stock_accounts(company, "", group, inventory, interim)
    for bus in ("DOMESTIC", ""):
        for prod in ("RAWMAT", "FINISHED", "RETAIL"):
            add_posting_groups(company, bus, prod)
    add_posting_groups(company, "", "CAPACITY", direct_cost_applied_account="54200")
    add_item(company, "CLAY", "Clay, sack", "RAW", "RAWMAT", "FIFO", "2.00")
    add_item(company, "BOWL", "Bowl", "FINISHED", "FINISHED", "Standard", "12.00")
    add_item(company, "MUG", "Mug", "RESALE", "RETAIL", "FIFO", "4.00")
    add_switches(company, switches, "", on(4, 1))
    add_calendar(company, 2025)


def make_bowl(company: Business, month: int, non_inventory: str, is_finished: bool = True) -> None:
    """One bowl: two sacks of clay and two minutes at the wheel; glaze is a non-inventory item."""
    order = company.start_order("BOWL", location="")
    company.consume(on(month, 9), order, "CLAY", 4)
    company.work(on(month, 10), order, 2, overhead_pct=0, center="WHEEL")
    company.output(on(month, 11), order, 1)
    if is_finished:
        company.finish(on(month, 13), order, BOWL_SHARES, non_inventory=non_inventory)


def buy(company: Business, day: date, item_no: str, quantity: int, unit_cost: str) -> Row:
    ile = company.receive(day, item_no, quantity, unit_cost, location="", vendor="V300")
    company.invoice_receipt(day.replace(day=day.day + 2), ile, unit_cost)
    return ile


def january(company: Business) -> None:
    """With the switch on: received and invoiced, shipped and invoiced."""
    buy(company, on(1, 6), "CLAY", 20, "2.00")
    buy(company, on(1, 7), "MUG", 10, "4.00")
    company.invoice_shipment(on(1, 14), company.ship(on(1, 13), "MUG", 2, location=""), 9)
    company.adjust_stock(on(1, 15), "MUG", -1, location="")


def february(company: Business) -> None:
    """The first month without expected cost; a bowl with 1.50 of glaze, posted at once."""
    buy(company, on(2, 5), "CLAY", 6, "2.10")
    make_bowl(company, 2, "1.50")
    company.invoice_shipment(on(2, 19), company.ship(on(2, 18), "BOWL", 1, location=""), 30)
    company.invoice_shipment(on(2, 21), company.ship(on(2, 20), "MUG", 2, location=""), 9)


def march(company: Business) -> None:
    """A receipt invoiced in part; nothing made."""
    clay = company.receive(on(3, 5), "CLAY", 10, "2.00", location="", vendor="V300")
    company.invoice_receipt(on(3, 12), clay, "2.00", quantity=4)
    company.adjust_stock(on(3, 20), "CLAY", 3, "2.00", location="")
    company.pay(on(3, 25), "40.00")


def april(company: Business) -> None:
    """Posted by the batch: a bowl with 0.75 of glaze; bowls in the kiln; mugs shipped; nothing of these is
    invoiced.
    """
    buy(company, on(4, 2), "MUG", 6, "4.20")
    make_bowl(company, 4, "0.75")
    make_bowl(company, 4, "0", is_finished=False)
    company.ship(on(4, 22), "MUG", 2, location="")
    company.receive(on(4, 24), "MUG", 3, "4.25", location="", vendor="V300")


def natural_findings(company: Business, truth: Truth) -> None:
    """What the switches alone lead to: no fault, but worth a line of information."""
    for ile_no, quantity, what in open_entries(company):
        first = company.value_entries_of(ile_no)[0]
        truth.row(
            truth.finding(),
            "expected_cost_off",
            what,
            cost_kind="expected",
            value_entry_no=first["entry_no"],
            gl_entry_no="",
            expected_amount=Decimal(quantity),
        )
    for ve in company.rows("value_entry"):
        is_non_inventory = "Non Inventory" in ve["entry_type"] or "Non Inventory" in ve["variance_type"]
        if is_non_inventory:
            truth.row(
                truth.finding(),
                "handled_without_posting",
                "non-inventory cost of a bowl while the setup leaves it out"
                + (
                    ", flagged as posted"
                    if ve["cost_posted_to_gl"]
                    else ", taken off the queue, flag still 0"
                ),
                match="finding",
                value_entry_no=ve["entry_no"],
            )


def open_entries(company: Business) -> list[tuple[int, str, str]]:
    """The four entries that wait for an invoice, by hand: entry, open expected cost, what it is."""
    by_item = {
        (row["item_no"], row["entry_type"]): row["entry_no"]
        for row in company.rows("item_ledger_entry")
        if not row["completely_invoiced"]
    }
    return [
        (by_item["CLAY", "Purchase"], "12.00", "10 sacks received at 2.00, 4 invoiced"),
        (by_item["BOWL", "Output"], "12.00", "a bowl in the kiln at standard cost, its order not finished"),
        (by_item["MUG", "Sale"], "-8.00", "2 mugs shipped at 4.00, not invoiced"),
        (by_item["MUG", "Purchase"], "12.75", "3 mugs received at 4.25, not invoiced"),
    ]


def stranded(company: Business, truth: Truth, received: Row) -> None:
    """Received with the switch on, invoiced with it off: 10.00 of interim cost stays for good."""
    ve, *_ = company.invoice_receipt(on(2, 3), received, "2.00")
    finding = truth.finding()
    for account_no, role, amount in (
        ("14150", "inventory_interim", "10.00"),
        ("24500", "invt_accrual_interim", "-10.00"),
    ):
        truth.row(
            finding,
            "expected_cost_stranded",
            "expected cost of January, never taken back since the switch was turned off",
            account_no=account_no,
            account_role=role,
            cost_kind="expected",
            value_entry_no=ve["entry_no"],
            difference=Decimal(amount),
        )


def faults_of_april(company: Business, truth: Truth) -> None:
    """The batch ran for items only: capacity waits. And somebody journals to the interim account."""
    order = company.start_order("BOWL", location="")
    posts_in_batch, company.is_batch = company.is_batch, True
    ve, *_ = company.work(on(4, 25), order, 7, overhead_pct=0, center="WHEEL")
    company.is_batch = posts_in_batch
    hold(company, truth, ve)
    finding = truth.finding()
    for account_no, role, amount in (("14500", "wip", "-14.00"), ("54200", "direct_cost_applied", "14.00")):
        truth.row(
            finding,
            "unposted",
            "capacity of 14.00 waits in the queue under a blank item number",
            account_no=account_no,
            account_role=role,
            cost_kind="actual",
            value_entry_no=ve["entry_no"],
            difference=Decimal(amount),
        )
    gle, _ = company.journal(on(4, 26), [("14150", Decimal("-6.25")), ("67000", Decimal("6.25"))])
    truth.row(
        truth.finding(),
        "direct_posting",
        "general journal straight to the interim account",
        account_no="14150",
        gl_entry_no=gle["entry_no"],
        difference=Decimal("-6.25"),
    )
