"""Kinds of fault in the stock ledger itself, and what is only told: they warn or inform, and no account is
off by them.

Not here: faults of posting (that is in kinds).
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.made.injector import Kind, Scene
from tests.made.posting import Row
from tests.made.rolled import FIRST_DAY, Rolled
from tests.made.transactions import TRANSACTIONS, unit_cost
from tests.made.truth import ANY

EXPENSES, EQUITY = "67000", "30000"


def tell(s: Scene, cause: str, why: str, **values: Any) -> None:
    """A finding without a difference, by what it is about."""
    s.truth.row(
        s.truth.finding(), cause, why, match="finding", **{"value_entry_no": ANY, "gl_entry_no": ANY} | values
    )


def stocked(s: Scene, method: str = "FIFO", **fields: Any) -> Row:
    """The value entry of goods of their own that came in and were posted."""
    no = s.item(method=method, **fields)
    entries = s.written(lambda: TRANSACTIONS["stock in"](s.firm, s.dice, no))
    s.post(entries)
    return entries[0]


def more_shipped_than_there_was(s: Scene) -> None:
    no, firm = s.item(method="FIFO"), s.firm
    ile = firm.write_item_entry(
        "Negative Adjmt.",
        no,
        firm.today,
        -2,
        document_no=firm.document_no("IJ"),
        last_invoice_date=firm.today,
    )
    firm.invoice_quantity(ile, ile["quantity"], firm.today)
    ve = firm.write_value_entry(
        ile,
        firm.today,
        actual=-2 * Decimal(unit_cost(firm, no)),
        invoiced_quantity=ile["quantity"],
        item_ledger_entry_quantity=ile["quantity"],
        document_no=ile["document_no"],
    )
    s.post([ve])
    tell(s, "negative_inventory", "two pieces went out that never came in", item_no=no)


def item_not_adjusted(s: Scene) -> None:
    ve = stocked(s)
    s.firm.item(ve["item_no"])["cost_is_adjusted"] = False
    tell(s, "cost_not_adjusted", "the item's cost waits for the adjustment", item_no=ve["item_no"])


def entry_not_adjusted(s: Scene) -> None:
    ve = stocked(s)
    s.firm.ile(ve["item_ledger_entry_no"])["applied_entry_to_adjust"] = True
    tell(s, "cost_not_adjusted", "an entry applied to it waits for the adjustment", item_no=ve["item_no"])


def group_changed(s: Scene) -> None:
    """Goods came in under one group, the card has another one, and more comes in under that."""
    ve = stocked(s, group="RAW")
    s.firm.item(ve["item_no"])["inventory_posting_group"] = "FINISHED"
    s.post(s.written(lambda: TRANSACTIONS["stock in"](s.firm, s.dice, ve["item_no"])))
    tell(
        s, "group_changed_with_stock", "stock under RAW, the card says FINISHED", item_no=ve["item_no"],
        expected_amount=ve["cost_amount_actual"],
    )  # fmt: skip


def finished_with_wip(s: Scene) -> None:
    """An order is finished without output while the setup doesn't write such orders off."""
    firm, no, order = s.firm, s.item(method="FIFO"), s.firm.start_order("BOWL")

    def work() -> None:
        TRANSACTIONS["stock in"](firm, s.dice, no)
        firm.consume(firm.today, order, no, 2)

    entries = s.written(work)
    s.post(entries)
    firm.finish(firm.today, order)
    tell(
        s, "wip_residue", "finished without output, its consumption is in WIP",
        order_no=order["prod_order_no"], expected_amount=-entries[-1]["cost_amount_actual"],
    )  # fmt: skip


def adjusted_on_another_day(s: Scene) -> None:
    """A cost adjustment dated neither like what it adjusts nor on the first allowed day."""
    firm, corrected = s.firm, stocked(s)
    ile = firm.ile(corrected["item_ledger_entry_no"])
    amount = s.some_cents(99)
    ve = firm.write_value_entry(
        ile,
        firm.today,
        actual=amount,
        adjustment=True,
        applies_to_entry=corrected["entry_no"],
        document_no=corrected["document_no"],
        source_code="INVTADJMT",
        valuation_date=corrected["valuation_date"],
    )
    tomorrow = firm.today + timedelta(1)  # the first of a month may be the first allowed day
    ve["posting_date"] = tomorrow if tomorrow.day > 1 else tomorrow + timedelta(1)
    s.post([ve])
    tell(
        s,
        "backdated_adjustment",
        "dated after what it adjusts",
        value_entry_no=ve["entry_no"],
        expected_amount=amount,
    )


def invoiced_on_no_day(s: Scene) -> None:
    ve = stocked(s)
    s.firm.ile(ve["item_ledger_entry_no"])["last_invoice_date"] = None
    tell(s, "costing_error", "invoiced without a last invoice date", item_no=ve["item_no"])


def value_without_quantity(s: Scene) -> None:
    """All went out again; then what came in is revalued, and nothing is left to carry it."""
    firm, no = s.firm, s.item(method="FIFO")

    def in_and_out() -> None:
        ve = TRANSACTIONS["stock in"](firm, s.dice, no)
        firm.adjust_stock(firm.today, no, -int(ve["valued_quantity"]))

    entries = s.written(in_and_out)
    s.post(entries)
    amount = s.some_cents(99)
    ile = firm.ile(entries[0]["item_ledger_entry_no"])
    s.post(s.written(lambda: firm.revalue(firm.today, ile, actual=str(amount))))
    tell(s, "costing_error", "value without quantity", item_no=no, expected_amount=amount)


def received_at_price(s: Scene) -> None:
    """Standard-cost goods are received at the purchase price: a published defect."""
    firm, no = s.firm, s.item(method="Standard")
    entries = s.written(lambda: TRANSACTIONS["receipt"](firm, s.dice, no))
    ve = entries[0]
    ve["cost_amount_expected"] += s.some_cents(99)
    ve["cost_amount_expected_acy"] = firm.acy(ve["cost_amount_expected"], firm.today)
    s.post(entries)
    tell(
        s, "product_defect", "expected cost at the price, not at standard", value_entry_no=ve["entry_no"],
        expected_amount=ve["cost_amount_expected"],
    )  # fmt: skip


def freight_on_a_shipment(s: Scene) -> None:
    """An item charge on goods that are gone stays on the purchase account."""
    firm, no = s.firm, s.item(method="FIFO")
    s.post(s.written(lambda: TRANSACTIONS["sale"](firm, s.dice, no)))
    shipment = next(r for r in firm.rows("item_ledger_entry") if r["item_no"] == no and not r["positive"])
    entries = s.written(lambda: firm.charge(firm.today, shipment, "2.50"))
    tell(
        s, "not_inventoriable", "freight on goods that are gone", value_entry_no=entries[0]["entry_no"],
        expected_amount=Decimal("2.50"),
    )  # fmt: skip


def transferred_before_its_invoice(s: Scene) -> None:
    firm, no = s.firm, s.item(method="FIFO")

    def move() -> None:
        TRANSACTIONS["receipt"](firm, s.dice, no)
        firm.transfer(firm.today, no, 1, "MAIN", "EAST")

    entries = s.written(move)
    s.post(entries)
    tell(
        s, "transfer_of_uninvoiced", "received, not invoiced, one piece moved east", item_no=no,
        expected_amount=-Decimal(unit_cost(firm, no)),
    )  # fmt: skip


def year_closed(s: Scene) -> None:
    """The close of an income account that stock postings use, dated on the last day of the year before."""
    amount, day = s.some_cents(9000), FIRST_DAY - timedelta(2)
    line, _ = s.firm.journal(
        day, [("52500", amount), (EQUITY, -amount)], source_code="CLSINCOME", closing_entry=True
    )
    tell(s, "closing_entry", "the year's close of 52500", gl_entry_no=line["entry_no"], value_entry_no="")


def other_currency_amount(s: Scene) -> None:
    """The lines of an entry agree in local currency and not in the additional one."""
    ve = s.posted("stock in", "stock out", "freight", "consumption", "work")
    first, second = s.pair(ve)
    first["additional_currency_amount"] += Decimal("0.10")
    second["additional_currency_amount"] -= Decimal("0.10")
    s.tell_entry("acy_mismatch", "its lines are 0.10 off in additional currency", ve)


def received_with_the_switch_off(s: Scene) -> None:
    ve = s.written(lambda: TRANSACTIONS["receipt"](s.firm, s.dice, s.item()))[0]
    tell(
        s, "expected_cost_off", "received, not invoiced, expected cost is off", value_entry_no=ve["entry_no"],
        gl_entry_no="", expected_amount=ve["cost_amount_expected"],
    )  # fmt: skip


def journal_taken_back(s: Scene) -> None:
    """Booked by hand to a stock account and reversed: settled, both told, neither counts."""
    amount = s.some_cents(9000)
    lines = s.firm.journal(s.firm.today, [("14300", amount), (EXPENSES, -amount)])
    back = s.firm.journal(
        s.firm.today, [("14300", -amount), (EXPENSES, amount)], lines[0]["document_no"], "REVERSAL"
    )
    for gle, reversing in zip(lines, back, strict=True):
        gle.update(reversed=True, reversed_by_entry_no=reversing["entry_no"])
        reversing.update(reversed=True, reversed_entry_no=gle["entry_no"])
    for gle in (lines[0], back[0]):
        s.tell_ledger("direct_posting", "booked by hand, then reversed", [gle], severity="info")


def expects(rolled: Rolled) -> bool:
    return rolled.switches.expected_cost_posting


STOCK_KINDS: tuple[Kind, ...] = (
    Kind("more shipped than there was", more_shipped_than_there_was),
    Kind("item not adjusted", item_not_adjusted),
    Kind("entry not adjusted", entry_not_adjusted),
    Kind("posting group changed with stock", group_changed),
    Kind(
        "order finished with WIP",
        finished_with_wip,
        fits=lambda rolled: not rolled.switches.finish_order_without_output,
    ),
    Kind("adjustment on another day", adjusted_on_another_day),
    Kind("invoiced without a date", invoiced_on_no_day),
    Kind("value without quantity", value_without_quantity, when="last"),
    Kind("standard goods received at price", received_at_price, fits=expects),
    Kind("freight on a shipment", freight_on_a_shipment),
    Kind("transferred before the invoice", transferred_before_its_invoice),
    Kind("fiscal year closed", year_closed),
    Kind(
        "other amount in additional currency", other_currency_amount, fits=lambda rolled: rolled.has_currency
    ),
    Kind("received with expected cost off", received_with_the_switch_off, fits=lambda r: not expects(r)),
    Kind("journal taken back", journal_taken_back),
)
