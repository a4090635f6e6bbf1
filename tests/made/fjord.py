"""Fjord Cycles: twelve months of a company that buys, makes, assembles and sells; expected cost posting on.

Nine months post each entry at once, three by the batch job per posting group at the month's end.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tests.made.business import EXPENSES, Business
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
from tests.made.truth import Truth

YEAR = 2025
BATCH_MONTHS = {"mixed": (3, 6, 9, 12), "entry": (), "group": tuple(range(1, 13))}
# What a bike should cost, by type of variance; each order's real figures differ a little.
BIKE_SHARES = {
    "Material": "28",
    "Capacity": "20",
    "Capacity Overhead": "2",
    "Manufacturing Overhead": "4",
    "Subcontracted": "6",
    "Material - Non Inventory": "0",
}


class Hooks(NamedTuple):
    """Where faults may be planted: at the start, before a month's batch run, after it, at the end of the
    story.
    """

    at_start: Callable[[Business], None]
    before_batch: Callable[[Business, int], set[int]]
    after_batch: Callable[[Business, int], None]
    at_end: Callable[[Business], None]


NO_FAULTS = Hooks(
    lambda _: None, lambda _company, _month: set(), lambda _company, _month: None, lambda _: None
)


def on(month: int, day: int) -> date:
    return date(YEAR, month, day)


def build(method: str = "mixed", hooks: Hooks = NO_FAULTS) -> Business:
    """The company after twelve months."""
    batch_months = BATCH_MONTHS[method]
    switches = Switches(
        automatic_cost_posting=12 not in batch_months,
        expected_cost_posting=True,
        inc_non_inventory_cost=True,
        finish_order_without_output=True,
    )
    company = Business(switches, rates=[(on(1, 1), Decimal("0.50")), (on(7, 1), Decimal("0.52"))])
    set_up(company)
    hooks.at_start(company)
    open_invoices: list[Row] = []
    for month in range(1, 13):
        company.is_batch = month in batch_months
        company.allow_posting_from = on(month, 1)
        company.user_id = "ANNA" if month % 2 else "BJORN"
        trade(company, month, open_invoices)
        make_bike(company, month)
        SPECIALS[month](company)
        company.adjust_cost(on(month, 28))
        held = hooks.before_batch(company, month)
        if company.is_batch:
            company.run_batch(on(month, 28), True, held)
        hooks.after_batch(company, month)
    company.pay(date(YEAR + 1, 1, 5), "75.00")
    hooks.at_end(company)
    return company


def set_up(company: Business) -> None:
    for no, name in ACCOUNTS.items():
        add_account(company, no, name)
    for location, group, inventory, interim in (
        ("MAIN", "RAW", "14100", "14150"),
        ("MAIN", "FINISHED", "14200", "14250"),
        ("MAIN", "RESALE", "14300", "14350"),
        ("EAST", "RESALE", "14310", "14350"),
        ("", "FINISHED", "14200", "14250"),
    ):
        add_stock_accounts(company, location, group, inventory, interim)
    for bus in ("DOMESTIC", ""):
        for prod in ("RAWMAT", "FINISHED", "RETAIL"):
            add_posting_groups(company, bus, prod)
    add_posting_groups(
        company, "DOMESTIC", "CHARGE", purch_account="50300", direct_cost_applied_account="54300"
    )
    add_posting_groups(
        company, "DOMESTIC", "SUBCON", purch_account="50400", direct_cost_applied_account="54400"
    )
    add_posting_groups(company, "DOMESTIC", "SERVICES", purch_account="50500")
    add_posting_groups(company, "", "CAPACITY", direct_cost_applied_account="54200")
    add_item(company, "TUBE", "Frame tube", "RAW", "RAWMAT", "FIFO", "4.00")
    add_item(company, "LINK", "Chain link", "RAW", "RAWMAT", "Standard", "1.00", overhead_rate="0.02")
    add_item(company, "GRIP", "Handlebar grip", "RAW", "RAWMAT", "FIFO", "2.50")
    add_item(company, "BIKE", "City bike", "FINISHED", "FINISHED", "Standard", "60.00")
    add_item(company, "TRAIL", "Trail bike", "FINISHED", "FINISHED", "FIFO", "45.00")
    add_item(company, "WHEEL", "Wheel set", "FINISHED", "FINISHED", "Average", "20.00")
    add_item(company, "HELMET", "Helmet", "RESALE", "RETAIL", "FIFO", "15.00")
    add_item(company, "BELL", "Bell", "RESALE", "RETAIL", "Average", "2.00")
    add_item(company, "PUMP", "Pump", "RESALE", "RETAIL", "Average", "3.33")
    add_item(company, "LAMP", "Lamp", "RESALE", "RETAIL", "Standard", "8.00", overhead_rate="0.25")
    add_item(company, "ENGRAVE", "Engraving", "", "SERVICES", "FIFO", "0", item_type="Service")
    company.rows("location").extend(
        [{"code": "MAIN", "name": "Main Store"}, {"code": "EAST", "name": "East Store"}]
    )
    add_switches(company, company.switches, "EUR", on(12, 1))
    add_calendar(company, YEAR)
    add_dimensions(company)


def trade(company: Business, month: int, open_invoices: list[Row]) -> None:
    """What happens every month: purchases, sales, a transfer, a stock count, a payment."""
    if month == 1:
        for item_no, quantity, unit_cost in (
            ("TUBE", 20, "4.00"),
            ("HELMET", 10, "15.00"),
            ("BELL", 20, "2.00"),
        ):
            company.adjust_stock(on(1, 2), item_no, quantity, unit_cost, dimension_set_id=2)
    while open_invoices:
        company.invoice_receipt(on(month, 2), open_invoices.pop(), "15.00")
    tubes = company.receive(on(month, 3), "TUBE", 10, "4.00", vendor="V200")
    helmets = company.receive(on(month, 4), "HELMET", 6, "15.00", dimension_set_id=2)
    company.invoice_receipt(on(month, 5), tubes, "4.00")
    links = company.receive(on(month, 6), "LINK", 10, "1.00", vendor="V200")
    if month == 10:
        revalue_links(company, links)
    company.invoice_receipt(on(month, 8), links, "1.10" if month % 3 else "0.98")
    shipment = company.ship(on(month, 8), "HELMET", 3, dimension_set_id=2)
    company.invoice_shipment(on(month, 11), shipment, 25)
    if month % 2:
        company.invoice_receipt(on(month, 12), helmets, "15.00")
    else:
        open_invoices.append(helmets)
    company.transfer(on(month, 15), "HELMET", 2, "MAIN", "EAST")
    company.invoice_shipment(on(month, 20), company.ship(on(month, 18), "HELMET", 1, location="EAST"), 26)
    company.adjust_stock(on(month, 25), "BELL", 5 if month % 2 else -(month // 2), "2.00")
    company.pay(on(month, 27), f"{100 + month}.00")
    company.journal(on(month, 27), [(EXPENSES, Decimal("40.00")), ("11000", Decimal("-40.00"))])


def revalue_links(company: Business, links: Row) -> None:
    """The standard cost rises while a receipt isn't invoiced: the revaluation is expected cost."""
    item = company.item("LINK")
    item["standard_cost"] = item["unit_cost"] = Decimal("1.10")
    company.revalue(on(10, 7), links, expected="1.00")


def make_bike(company: Business, month: int) -> None:
    """One production order a month; the bike of a month is sold in the next."""
    if month > 1:
        shipment = company.ship(on(month, 9), "BIKE", 1, dimension_set_id=2)
        if month != 12:
            company.invoice_shipment(on(month, 21), shipment, 120)
    order = company.start_order("BIKE")
    company.consume(on(month, 10), order, "TUBE", 5)
    company.consume(on(month, 10), order, "LINK", 10)
    company.work(on(month, 11), order, 9 + month % 4)
    if month in (2, 8):
        company.subcontract(on(month, 13), order, "7.50")
    if month == 12:
        return
    company.output(on(month, 14), order, 1)
    company.finish(
        on(month, 16), order, BIKE_SHARES, overhead="5", non_inventory="1.25" if month in (3, 8) else "0"
    )


def january(company: Business) -> None:
    """Three pumps for 10.00: a third is not a whole number of cents."""
    pumps = company.receive(on(1, 9), "PUMP", 3, "3.3333")
    company.invoice_receipt(on(1, 10), pumps, "3.3333")
    company.invoice_shipment(on(1, 23), company.ship(on(1, 22), "PUMP", 1), 9)


def february(company: Business) -> None:
    """Lamps at standard cost with overhead, variance and a charge; a correction in additional currency
    alone.
    """
    lamps = company.receive(on(2, 10), "LAMP", 10, "8.00")
    company.invoice_receipt(on(2, 12), lamps, "8.30")
    company.charge(on(2, 13), lamps, "4.00")
    company.invoice_shipment(on(2, 24), company.ship(on(2, 23), "PUMP", 1), 9)
    lamp = company.value_entries_of(lamps["entry_no"])[0]
    company.settle_cost(
        [
            company.write_value_entry(
                lamps,
                on(2, 26),
                entry_type="Rounding",
                actual=ZERO,
                actual_acy=Decimal("0.02"),
                document_no=lamp["document_no"],
            )
        ],
        on(2, 26),
    )


def march(company: Business) -> None:
    """A stock count: three differences of one item on one day."""
    for quantity in (2, 3, 4):
        company.adjust_stock(on(3, 19), "BELL", quantity, "2.00", dimension_set_id=2)
    company.adjust_stock(on(3, 19), "BELL", -1, dimension_set_id=2)


def april(company: Business) -> None:
    """The last pump leaves a cent; an order is given up after its cost was posted; a late charge reaches
    it.
    """
    company.invoice_shipment(on(4, 24), company.ship(on(4, 23), "PUMP", 1), 9)
    grips = company.receive(on(4, 6), "GRIP", 4, "2.50", vendor="V200")
    company.invoice_receipt(on(4, 7), grips, "2.50")
    order = company.start_order("TRAIL")
    company.consume(on(4, 8), order, "GRIP", 4)
    company.work(on(4, 9), order, 5)
    if company.is_batch:
        company.run_batch(on(4, 11), per_group=True)
    company.finish(on(4, 12), order)
    company.charge(on(4, 17), grips, "2.00")


def may(company: Business) -> None:
    """Late freight on helmets long sold; goods back to the vendor and from a customer; a project buys and
    uses.
    """
    bought = next(
        row
        for row in company.rows("item_ledger_entry")
        if (row["item_no"], row["entry_type"]) == ("HELMET", "Purchase")
    )
    company.charge(on(5, 5), bought, "3.00")
    helmets = company.receive(on(5, 6), "HELMET", 4, "15.00")
    company.invoice_receipt(on(5, 7), helmets, "15.00")
    company.credit_return(on(5, 14), company.return_purchase(on(5, 13), helmets, 1))
    shipment = company.ship(on(5, 15), "LAMP", 3)
    company.invoice_shipment(on(5, 16), shipment, 19)
    company.return_sale(on(5, 19), shipment, 1, 19)
    company.undo_receipt(on(5, 21), company.receive(on(5, 20), "BELL", 4, "2.00"))
    received, used = company.project_receipt(on(5, 22), "GRIP", 6, "2.50", "J100")
    company.invoice_project(on(5, 26), received, used, "2.75")
    company.adjust_stock(on(5, 23), "TUBE", -2, dimension_set_id=3, job_no="J100")
    company.charge(on(5, 28), shipment, "6.00")
    company.buy_service(on(5, 28), "ENGRAVE", "9.00")


def june(company: Business) -> None:
    """An order given up before the batch ran; two corrections of the currency rate that sum to nothing."""
    grips = company.receive(on(6, 5), "GRIP", 2, "2.50", vendor="V200")
    company.invoice_receipt(on(6, 6), grips, "2.50")
    order = company.start_order("TRAIL")
    company.consume(on(6, 8), order, "GRIP", 2)
    company.work(on(6, 9), order, 6, overhead_pct=0)
    company.finish(on(6, 12), order)
    bells = [
        row
        for row in company.rows("item_ledger_entry")
        if row["item_no"] == "BELL" and row["positive"] and row["open"] and row["dimension_set_id"] == 0
    ][-1]
    for sign in (1, -1):
        company.revalue(on(6, 26), bells, actual=f"{sign}.00", actual_acy=Decimal("-0.40") * sign)


def july(company: Business) -> None:
    """Wheel sets are assembled, trail bikes made at real cost; invoices in two parts."""
    wheels = company.assemble(on(7, 6), "WHEEL", 2, [("TUBE", 2), ("BELL", 1)], 20)
    company.revalue(on(7, 13), wheels, actual="-2.00")
    order = company.start_order("TRAIL")
    company.consume(on(7, 7), order, "TUBE", 4)
    company.work(on(7, 8), order, 12)
    company.output(on(7, 9), order, 1, "45.00")
    company.finish(on(7, 17), order)
    helmets = company.receive(on(7, 6), "HELMET", 5, "15.00")
    company.invoice_receipt(on(7, 10), helmets, "15.00", quantity=2)
    company.invoice_receipt(on(7, 19), helmets, "15.40")
    bells = company.ship(on(7, 21), "BELL", 6)
    company.invoice_shipment(on(7, 22), bells, 5, quantity=2)
    company.invoice_shipment(on(7, 26), bells, 5)


def august(company: Business) -> None:
    """The trail bike is sold; lamps arrive dear."""
    company.invoice_shipment(on(8, 19), company.ship(on(8, 18), "TRAIL", 1), 110)
    lamps = company.receive(on(8, 20), "LAMP", 4, "8.00")
    company.invoice_receipt(on(8, 24), lamps, "9.00")


def september(company: Business) -> None:
    """Another assembly; a purchase in two parts that the batch posts per group."""
    company.assemble(on(9, 5), "WHEEL", 1, [("TUBE", 1)], 10)
    bells = company.receive(on(9, 12), "BELL", 10, "2.00")
    company.invoice_receipt(on(9, 13), bells, "2.00", quantity=4)
    company.invoice_receipt(on(9, 22), bells, "2.00")


def october(company: Business) -> None:
    """A wheel set is sold at its average; helmets go back."""
    company.invoice_shipment(on(10, 23), company.ship(on(10, 22), "WHEEL", 1), 60)
    helmets = company.receive(on(10, 9), "HELMET", 3, "15.00")
    company.invoice_receipt(on(10, 13), helmets, "15.00")
    company.credit_return(on(10, 19), company.return_purchase(on(10, 17), helmets, 1))


def november(company: Business) -> None:
    """A receipt waits for its invoice over the year's end; bells go to a project."""
    company.receive(on(11, 24), "TUBE", 3, "4.20", vendor="V200")
    company.adjust_stock(on(11, 26), "BELL", -2, dimension_set_id=3, job_no="J200")


def december(company: Business) -> None:
    """Lamps leave before the year ends and are invoiced in the next."""
    company.ship(on(12, 22), "LAMP", 2)
    company.ship(on(12, 23), "BELL", 3)


YEAR_ROUND = (
    january,
    february,
    march,
    april,
    may,
    june,
    july,
    august,
    september,
    october,
    november,
    december,
)
SPECIALS = dict(enumerate(YEAR_ROUND, start=1))


def natural_findings(company: Business, truth: Truth) -> None:
    """What isn't stock by rule: no fault, but worth a line of information."""
    why = {"6.00": "freight on a sale: the charge is outbound", "9.00": "an engraving is a service"}
    for ve in company.rows("value_entry"):
        if ve["cost_amount_non_invtbl"]:
            truth.row(
                truth.finding(),
                "not_inventoriable",
                why[str(ve["cost_amount_non_invtbl"])],
                value_entry_no=ve["entry_no"],
                expected_amount=ve["cost_amount_non_invtbl"],
            )


def without_expected(company: Business, work: Callable[[], object]) -> None:
    """Does some work while the expected cost switch is off."""
    before = company.switches
    company.switches = replace(before, expected_cost_posting=False)
    work()
    company.switches = before
