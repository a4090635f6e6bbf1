"""The faults planted in the made companies, each with its truth.

Every plant is a transaction of its own on stock that nothing else moves, so causes don't blur. Amounts are
stated here, not computed.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tests.made.business import EXPENSES, PAYABLES, Business
from tests.made.fjord import Hooks, on, without_expected
from tests.made.posting import ZERO, Row
from tests.made.setup import add_account, add_item, add_posting_groups, add_stock_accounts
from tests.made.truth import ANY, Truth

INVENTORY, INTERIM, ADJUSTMENT, ACCRUAL, COGS_INTERIM = "14300", "14350", "53000", "24500", "52500"
OLD_EAST, NEW_EAST = "14320", "14310"
OLD_WIP, NEW_WIP = "14510", "14500"


class Plant(NamedTuple):
    """A fault: when it happens in the story, and what happens."""

    month: int
    is_after_batch: bool
    plant: Callable[[Business, Truth], None]


def fjord_hooks(truth: Truth, method: str) -> Hooks:
    """All plants of Fjord Cycles; sums per posting group can only be wrong where there are some."""
    plants = [p for p in FJORD if method != "entry" or p.plant not in (group_entries, wrong_group_sums)]

    def before_batch(company: Business, month: int) -> set[int]:
        for p in plants:
            if p.month == month and not p.is_after_batch:
                p.plant(company, truth)
        return truth.held

    def after_batch(company: Business, month: int) -> None:
        for p in plants:
            if p.month == month and p.is_after_batch:
                p.plant(company, truth)

    def at_end(company: Business) -> None:
        compress(company, truth)
        shared_roles(truth)

    return Hooks(lambda company: fjord_start(company, truth), before_batch, after_batch, at_end)


def shared_roles(truth: Truth) -> None:
    truth.row(
        truth.finding(),
        "shared_account",
        "setup gives 58400 to capacity overhead variance and manufacturing overhead variance",
        account_no="58400",
    )


# -------------------------------------------------------------------- tools


def stock_in(company: Business, day: date, quantity: int, unit_cost: str, item_no: str = "PANNIER") -> Row:
    """A positive adjustment whose cost isn't settled yet."""
    return company.write_adjustment(day, item_no, quantity, unit_cost)


def post_now(company: Business, *entries: Row) -> None:
    """Posted per entry, in one register."""
    company.post_each(entries, entries[0]["posting_date"])


def posted(company: Business, day: date, quantity: int, unit_cost: str) -> tuple[Row, Row, Row]:
    """A positive adjustment posted as it should be: the entry, its inventory line, its adjustment line."""
    ve = stock_in(company, day, quantity, unit_cost)
    post_now(company, ve)
    inventory, adjustment = company.gl_entries_of(ve)
    return ve, inventory, adjustment


def set_amount(company: Business, gle: Row, amount: str) -> None:
    gle["amount"] = Decimal(amount)
    gle["additional_currency_amount"] = company.acy(gle["amount"], gle["posting_date"])
    gle["debit_amount"], gle["credit_amount"] = max(gle["amount"], ZERO), max(-gle["amount"], ZERO)


def both_sides(truth: Truth, cause: str, why: str, ve: Row, amount: str, **values: object) -> None:
    """One finding on the inventory account and, opposite, on the adjustment account."""
    finding = truth.finding()
    common = {"value_entry_no": ve["entry_no"], "cost_kind": "actual", **values}
    truth.row(
        finding,
        cause,
        why,
        account_no=INVENTORY,
        account_role="inventory",
        difference=Decimal(amount),
        **common,
    )
    truth.row(
        finding,
        cause,
        why,
        account_no=ADJUSTMENT,
        account_role="inventory_adjmt",
        difference=-Decimal(amount),
        **common,
    )


# -------------------------------------------------------------------- Fjord Cycles, in the order of its year


def fjord_start(company: Business, truth: Truth) -> None:
    """Accounts and items that only the faults use; the last system's stock, loaded into the G/L alone."""
    for no, name in (
        (OLD_EAST, "Goods for Resale, East (old)"),
        ("14210", "Cargo Bikes"),
        ("14260", "Cargo Bikes (Interim)"),
        (OLD_WIP, "Work in Process, Cargo"),
    ):
        add_account(company, no, name)
    add_account(company, "53900", "Inventory Adjustment, Demo", blocked=True)
    company.rows("gl_account").sort(key=lambda row: str(row["no"]))
    add_stock_accounts(company, "MAIN", "CARGO", "14210", "14260", OLD_WIP)
    add_posting_groups(company, "", "SAMPLES", inventory_adjmt_account="")
    add_posting_groups(company, "", "DEMO", inventory_adjmt_account="53900")
    add_item(company, "PANNIER", "Pannier", "RESALE", "RETAIL", "FIFO", "5.00")
    add_item(company, "SAMPLE", "Sample pannier", "RESALE", "SAMPLES", "FIFO", "3.00")
    add_item(company, "DEMO", "Demo pannier", "RESALE", "DEMO", "FIFO", "6.50")
    add_item(company, "CARGO", "Cargo bike", "CARGO", "FINISHED", "FIFO", "12.00")
    east(company)["inventory_account"] = OLD_EAST
    opening, _ = company.journal(
        date(2024, 12, 31), [(INVENTORY, Decimal("100.00")), ("30000", Decimal("-100.00"))]
    )
    truth.row(
        truth.finding(),
        "opening_balance",
        "100.00 brought forward by journal before the first value entry",
        account_no=INVENTORY,
        account_role=ANY,
        gl_entry_no=opening["entry_no"],
        difference=Decimal("100.00"),
    )


def east(company: Business) -> Row:
    return next(
        row
        for row in company.rows("inventory_posting_setup")
        if (row["location_code"], row["invt_posting_group_code"]) == ("EAST", "RESALE")
    )


def to_be_compressed(company: Business, _: Truth) -> None:
    """Two entries in the last days of January; their lines are compressed when the year is over."""
    posted(company, on(1, 29), 4, "5.00")
    posted(company, on(1, 30), 2, "5.50")


def compress(company: Business, truth: Truth) -> None:
    """Date compression of the G/L: the lines of three days become one a account, their relation rows are
    gone.
    """
    first, last = on(1, 29), on(1, 31)
    old = [gle for gle in company.rows("gl_entry") if first <= gle["posting_date"] <= last]
    numbers = {gle["entry_no"] for gle in old}
    entries = [ve for ve in company.rows("value_entry") if first <= ve["posting_date"] <= last]
    company.tables["gl_entry"] = [gle for gle in company.rows("gl_entry") if gle["entry_no"] not in numbers]
    company.tables["gl_item_ledger_relation"] = [
        rel for rel in company.rows("gl_item_ledger_relation") if rel["gl_entry_no"] not in numbers
    ]
    register = company.open_register("COMPRGL", date(2026, 1, 6))
    sums = {
        account: ([gle for gle in old if gle["gl_account_no"] == account])
        for account in (INVENTORY, ADJUSTMENT)
    }
    for account_no, lines in sums.items():
        summed = company.write_gl(
            register,
            account_no,
            first,
            sum((gle["amount"] for gle in lines), ZERO),
            acy=sum((gle["additional_currency_amount"] for gle in lines), ZERO),
            document_no="COMPRESS",
            description="Date compressed",
        )
        truth.row(
            truth.finding(),
            "compressed",
            "the line that date compression made of 20.00 and 11.00",
            account_no=account_no,
            gl_entry_no=summed["entry_no"],
            difference=Decimal("31.00") if account_no == INVENTORY else Decimal("-31.00"),
        )
    for ve, amount in zip(entries, ("-20.00", "-11.00"), strict=True):
        both_sides(
            truth, "compressed", "posted; date compression removed its lines and relation rows", ve, amount
        )
    company.rows("date_compr_register").append(
        {
            "no": 1,
            "creation_date": date(2026, 1, 6),
            "period_length": "Month",
            "starting_date": first,
            "ending_date": last,
            "no_of_new_records": 2,
            "no_records_deleted": len(old),
            "table_id": 17,
            "register_no": register["no"],
        }
    )


def account_reassigned(company: Business, truth: Truth) -> None:
    """From March on, goods in the east go to another account; what was posted before stays on the old one."""
    east(company)["inventory_account"] = NEW_EAST
    finding = truth.finding()
    for ve in company.rows("value_entry"):
        for gle in company.gl_entries_of(ve):
            if gle["gl_account_no"] != OLD_EAST:
                continue
            common = {
                "account_role": "inventory",
                "cost_kind": "actual",
                "value_entry_no": ve["entry_no"],
            }
            why = "posted to 14320 before 1 March; setup for EAST, RESALE says 14310 since"
            truth.row(
                finding,
                "account_changed",
                why,
                account_no=OLD_EAST,
                gl_entry_no=gle["entry_no"],
                difference=gle["amount"],
                **common,
            )
            truth.row(
                finding,
                "account_changed",
                why,
                account_no=NEW_EAST,
                gl_entry_no=ANY,
                difference=-gle["amount"],
                **common,
            )


def cargo_order(company: Business, truth: Truth) -> None:
    """A cargo bike goes through its own WIP account; later its card moves to the finished goods' group."""
    order = company.start_order("CARGO")
    finding = truth.finding()
    why = (
        "consumed for CARGO while its card said group CARGO (WIP 14510); the card says FINISHED today (14500)"
    )
    for quantity, amount in ((2, "8.00"), (1, "4.00")):
        ve = company.consume(on(2, 19), order, "TUBE", quantity)
        if company.is_batch:
            post_now(company, ve)
        wip = next(gle for gle in company.gl_entries_of(ve) if gle["gl_account_no"] == OLD_WIP)
        common = {"account_role": "wip", "cost_kind": "actual", "value_entry_no": ve["entry_no"]}
        truth.row(
            finding,
            "wip_account_changed",
            why,
            account_no=OLD_WIP,
            gl_entry_no=wip["entry_no"],
            difference=Decimal(amount),
            **common,
        )
        truth.row(
            finding,
            "wip_account_changed",
            why,
            account_no=NEW_WIP,
            gl_entry_no=ANY,
            difference=-Decimal(amount),
            **common,
        )
    company.output(on(2, 20), order, 1, "12.00")
    company.finish(on(2, 21), order)


def card_changed(company: Business, truth: Truth) -> None:
    """The bike made in February still stands in stock under the card's old group."""
    company.item("CARGO")["inventory_posting_group"] = "FINISHED"
    truth.row(
        truth.finding(),
        "group_changed_with_stock",
        "12.00 of stock under group CARGO; the card says FINISHED since November",
        match="finding",
        account_no="14210",
        value_entry_no=ANY,
        expected_amount=Decimal("12.00"),
    )


def flagged_only(company: Business, truth: Truth) -> None:
    ve = stock_in(company, on(2, 20), 3, "6.00")
    company.mark_posted(ve)
    both_sides(truth, "posted_without_gl", "flagged as posted, nothing was ever posted", ve, "-18.00")


def on_another_day(company: Business, truth: Truth) -> None:
    ve, *lines = posted(company, on(2, 21), 2, "7.00")
    for gle in lines:
        gle["posting_date"] = on(2, 22)
    truth.row(
        truth.finding(),
        "posting_date_mismatch",
        "value entry of 21 February, its G/L lines (14.00) of 22 February",
        match="finding",
        value_entry_no=ve["entry_no"],
        gl_entry_no=ANY,
    )


def wrong_amount(company: Business, truth: Truth) -> None:
    ve, inventory, adjustment = posted(company, on(4, 20), 10, "7.50")
    set_amount(company, inventory, "57.00")
    set_amount(company, adjustment, "-57.00")
    both_sides(
        truth, "amount_mismatch", "75.00 flagged as posted, 57.00 in the G/L", ve, "-18.00", gl_entry_no=ANY
    )


def offsetting_amounts(company: Business, truth: Truth) -> None:
    """Two entries of one register: one posted too high, the other too low, by the same amount."""
    high, low = stock_in(company, on(4, 21), 4, "5.00"), stock_in(company, on(4, 21), 6, "5.00")
    post_now(company, high, low)
    for ve, amount, error in ((high, "21.50", "1.50"), (low, "28.50", "-1.50")):
        inventory, adjustment = company.gl_entries_of(ve)
        set_amount(company, inventory, amount)
        set_amount(company, adjustment, f"-{amount}")
        both_sides(
            truth,
            "amount_mismatch",
            "offsets the other error of 1.50 in the same register",
            ve,
            error,
            gl_entry_no=ANY,
        )


def other_dimensions(company: Business, truth: Truth) -> None:
    ve, *lines = posted(company, on(4, 22), 2, "8.00")
    for gle in lines:
        gle["dimension_set_id"] = 2
    truth.row(
        truth.finding(),
        "dimension_mismatch",
        "value entry without dimensions, its G/L lines (16.00) in dimension set 2",
        match="finding",
        value_entry_no=ve["entry_no"],
        gl_entry_no=ANY,
    )


def posted_twice(company: Business, truth: Truth) -> None:
    ve, *_ = posted(company, on(5, 20), 4, "6.00")
    ve["cost_posted_to_gl"] = ve["cost_posted_to_gl_acy"] = ZERO
    post_now(company, ve)
    both_sides(truth, "duplicate_posting", "24.00 was posted twice", ve, "24.00", gl_entry_no=ANY)


def unbalanced(company: Business, truth: Truth) -> None:
    """Two transactions that don't balance; together they do, so the whole G/L still sums to 0."""
    for day, unit_cost, amount, error in ((23, "5.50", "36.00", "3.00"), (24, "11.00", "41.00", "-3.00")):
        ve, inventory, _ = posted(company, on(5, day), 6 if day == 23 else 4, unit_cost)
        set_amount(company, inventory, amount)
        truth.row(
            truth.finding(),
            "one_sided",
            f"its transaction is off by {error}; the other one offsets it",
            account_no=INVENTORY,
            account_role="inventory",
            cost_kind="actual",
            value_entry_no=ve["entry_no"],
            gl_entry_no=inventory["entry_no"],
            difference=Decimal(error),
        )


def tampered_flags(company: Business, truth: Truth) -> None:
    part, inventory, adjustment = posted(company, on(7, 20), 10, "6.00")
    part["cost_posted_to_gl"] = Decimal("40.00")
    part["cost_posted_to_gl_acy"] = company.acy(Decimal("40.00"), on(7, 20))
    set_amount(company, inventory, "40.00")
    set_amount(company, adjustment, "-40.00")
    both_sides(
        truth,
        "flag_inconsistent",
        "60.00 cost, 40.00 flagged and in the G/L",
        part,
        "-20.00",
        gl_entry_no=ANY,
    )
    none, *_ = posted(company, on(7, 21), 4, "6.50")
    none["cost_posted_to_gl"] = none["cost_posted_to_gl_acy"] = ZERO
    truth.row(
        truth.finding(),
        "flag_inconsistent",
        "26.00 stands in the G/L with relation rows, but the flag says 0",
        match="finding",
        value_entry_no=none["entry_no"],
        gl_entry_no=ANY,
    )


def stranded(company: Business, truth: Truth) -> None:
    """Received with expected cost posted, invoiced while the switch was off: the interim balance stays."""
    received = company.receive(on(7, 22), "PANNIER", 10, "5.00")
    if company.is_batch:
        post_now(company, company.value_entries_of(received["entry_no"])[0])
    entries: list[Row] = []

    def invoice() -> None:
        entries.extend(company.invoice_receipt(on(7, 24), received, "5.20"))
        if company.is_batch:
            post_now(company, *entries)

    without_expected(company, invoice)
    finding = truth.finding()
    for account_no, role, amount in (
        (INTERIM, "inventory_interim", "50.00"),
        (ACCRUAL, "invt_accrual_interim", "-50.00"),
    ):
        truth.row(
            finding,
            "expected_cost_stranded",
            "invoiced in full, but the 50.00 of expected cost was never taken back",
            account_no=account_no,
            account_role=role,
            cost_kind="expected",
            value_entry_no=entries[0]["entry_no"],
            difference=Decimal(amount),
        )


def orphans(company: Business, truth: Truth) -> None:
    """A value entry is deleted after posting; another entry's relation names a G/L entry that never was."""
    kept, *_ = posted(company, on(7, 25), 3, "5.00")
    gone = company.write_value_entry(
        company.ile(kept["item_ledger_entry_no"]),
        on(7, 26),
        actual=Decimal("22.00"),
        entry_type="Revaluation",
        document_no=company.document_no("RV"),
    )
    post_now(company, gone)
    finding = truth.finding()
    for gle, account_no, amount in zip(
        company.gl_entries_of(gone), (INVENTORY, ADJUSTMENT), ("22.00", "-22.00"), strict=True
    ):
        truth.row(
            finding,
            "orphan_relation",
            "relation row to a value entry that doesn't exist",
            account_no=account_no,
            value_entry_no=ANY,
            gl_entry_no=gle["entry_no"],
            difference=Decimal(amount),
        )
    company.rows("value_entry").remove(gone)
    missing = company.number("gl_entry")
    register_no = company.rows("gl_register")[-1]["no"]
    company.rows("gl_item_ledger_relation").append(
        {"gl_entry_no": missing, "value_entry_no": kept["entry_no"], "gl_register_no": register_no}
    )
    truth.row(
        truth.finding(),
        "orphan_relation",
        "relation row to a G/L entry that doesn't exist; the entry itself is posted in full",
        value_entry_no=kept["entry_no"],
        gl_entry_no=missing,
    )


def without_value_entry(company: Business, truth: Truth) -> None:
    lines = company.journal(
        on(8, 20), [(INVENTORY, Decimal("15.00")), (ADJUSTMENT, Decimal("-15.00"))], "IJ-9001", "INVTPCOST"
    )
    finding = truth.finding()
    for gle in lines:
        truth.row(
            finding,
            "unrelated_inventory_posting",
            "source code of the inventory engine, no relation row, no value entry",
            account_no=gle["gl_account_no"],
            gl_entry_no=gle["entry_no"],
            difference=gle["amount"],
        )


def by_hand(company: Business, truth: Truth) -> None:
    journal, _ = company.journal(on(8, 21), [(INVENTORY, Decimal("30.00")), (EXPENSES, Decimal("-30.00"))])
    invoice, _ = company.journal(
        on(8, 22),
        [("14100", Decimal("12.50")), (PAYABLES, Decimal("-12.50"))],
        company.document_no("PI"),
        "PURCHASES",
        source_type="Vendor",
        source_no="V900",
        document_type="Invoice",
    )
    for gle, why in (
        (journal, "general journal straight to the inventory account"),
        (invoice, "purchase invoice line on the inventory account, no item behind it"),
    ):
        truth.row(
            truth.finding(),
            "direct_posting",
            why,
            account_no=gle["gl_account_no"],
            gl_entry_no=gle["entry_no"],
            difference=gle["amount"],
        )


def taken_back(company: Business, truth: Truth) -> None:
    """The lines of an entry are reversed in the G/L; the entry still says posted."""
    _, *lines = posted(company, on(8, 25), 7, "5.00")
    back = company.journal(
        on(8, 26),
        [(gle["gl_account_no"], -gle["amount"]) for gle in lines],
        lines[0]["document_no"],
        "REVERSAL",
        journal_batch_name="COST",
    )
    finding = truth.finding()
    for gle, reversing in zip(lines, back, strict=True):
        gle.update(reversed=True, reversed_by_entry_no=reversing["entry_no"], journal_batch_name="COST")
        reversing.update(reversed=True, reversed_entry_no=gle["entry_no"])
        truth.row(
            finding,
            "reversed",
            "35.00 was posted, then reversed; the entry still says posted",
            account_no=gle["gl_account_no"],
            value_entry_no=ANY,
            gl_entry_no=reversing["entry_no"],
            difference=reversing["amount"],
        )


def group_entries(company: Business, _: Truth) -> None:
    """Entries that the batch will sum into one pair of lines a day."""
    for day, unit_costs in ((23, ("6.00", "10.00", "14.00")), (24, ("4.00", "9.00", "12.00"))):
        for unit_cost in unit_costs:
            company.enqueue(stock_in(company, on(9, day), 1, unit_cost))


def wrong_group_sums(company: Business, truth: Truth) -> None:
    """One day's sum is 5.00 short, which no entry explains; the next day's lacks the entry of 9.00."""
    for gle, account_no, amount in zip(
        group_pair(company, on(9, 23)), (INVENTORY, ADJUSTMENT), ("25.00", "-25.00"), strict=True
    ):
        truth.row(
            truth.finding(),
            "amount_mismatch",
            "6.00 + 10.00 + 14.00 were posted per group as 25.00; no single entry explains 5.00",
            account_no=account_no,
            gl_entry_no=gle["entry_no"],
            difference=Decimal(amount) - gle["amount"],
        )
        set_amount(company, gle, amount)
    for gle, amount in zip(group_pair(company, on(9, 24)), ("16.00", "-16.00"), strict=True):
        set_amount(company, gle, amount)
    left_out = next(
        ve
        for ve in company.rows("value_entry")
        if ve["posting_date"] == on(9, 24) and ve["cost_amount_actual"] == Decimal("9.00")
    )
    both_sides(
        truth,
        "amount_mismatch",
        "4.00 + 9.00 + 12.00 were posted per group as 16.00: exactly this entry is missing",
        left_out,
        "-9.00",
        gl_entry_no=ANY,
    )


def group_pair(company: Business, day: date) -> list[Row]:
    """The two lines that a day's panniers were summed into."""
    first = next(
        ve for ve in company.rows("value_entry") if ve["posting_date"] == day and ve["item_no"] == "PANNIER"
    )
    return company.gl_entries_of(first)


def account_deleted(company: Business, truth: Truth) -> None:
    ve, inventory, _ = posted(company, on(10, 20), 4, "7.00")
    inventory["gl_account_no"] = ""
    finding = truth.finding()
    for account_no, amount in (("", "28.00"), (INVENTORY, "-28.00")):
        truth.row(
            finding,
            "deleted_account",
            "the account of its inventory line was deleted; setup says 14300",
            account_no=account_no,
            account_role=ANY,
            cost_kind="actual",
            value_entry_no=ve["entry_no"],
            gl_entry_no=inventory["entry_no"] if account_no == "" else ANY,
            difference=Decimal(amount),
        )


def refused(company: Business, truth: Truth) -> None:
    good, *_ = posted(company, on(10, 21), 1, "5.00")
    bad = company.write_value_entry(
        company.ile(good["item_ledger_entry_no"]),
        on(10, 21),
        actual=Decimal("3.00"),
        entry_type="Indirect Cost",
        document_no=good["document_no"],
    )
    truth.row(
        truth.finding(),
        "invalid_combination",
        "Positive Adjmt. with Indirect Cost: BC refuses to post its 3.00, so no line must exist",
        match="finding",
        value_entry_no=bad["entry_no"],
        gl_entry_no=ANY,
    )


def forgotten(company: Business, truth: Truth) -> None:
    ve = stock_in(company, on(11, 20), 2, "8.50")
    both_sides(truth, "unposted_not_queued", "17.00 not posted and not in the queue", ve, "-17.00")


def left_in_queue(company: Business, truth: Truth) -> None:
    """Two entries wait for a batch run; two more wait in vain, because setup lets none of them through."""
    ve = stock_in(company, on(12, 15), 2, "9.50")
    hold(company, truth, ve)
    both_sides(truth, "unposted", "19.00 waits in the queue", ve, "-19.00")
    posts_in_batch, company.is_batch = company.is_batch, True
    shipment = company.ship(on(12, 16), "PANNIER", 2)
    company.is_batch = posts_in_batch
    shipped = company.value_entries_of(shipment["entry_no"])[0]
    hold(company, truth, shipped)
    finding = truth.finding()
    for account_no, role, amount in (
        (INTERIM, "inventory_interim", "10.00"),
        (COGS_INTERIM, "cogs_interim", "-10.00"),
    ):
        truth.row(
            finding,
            "unposted",
            "expected cost of a shipment (2 of the first panniers at 5.00) waits in the queue",
            account_no=account_no,
            account_role=role,
            cost_kind="expected",
            value_entry_no=shipped["entry_no"],
            difference=Decimal(amount),
        )
    for item_no, quantity, unit_cost, amount, account_no, why in (
        ("SAMPLE", 3, "3.00", "9.00", "", "no inventory adjustment account for the samples"),
        (
            "DEMO",
            2,
            "6.50",
            "13.00",
            "53900",
            "the inventory adjustment account of the demo goods is blocked",
        ),
    ):
        ve = stock_in(company, on(12, 17), quantity, unit_cost, item_no=item_no)
        hold(company, truth, ve)
        finding = truth.finding()
        common = {"cost_kind": "actual", "value_entry_no": ve["entry_no"]}
        truth.row(
            finding,
            "skipped_setup",
            why,
            account_no=INVENTORY,
            account_role="inventory",
            difference=-Decimal(amount),
            **common,
        )
        truth.row(
            finding,
            "skipped_setup",
            why,
            account_no=account_no,
            account_role="inventory_adjmt",
            difference=Decimal(amount),
            **common,
        )


def hold(company: Business, truth: Truth, ve: Row) -> None:
    """The entry stays in the queue, whatever the batch does."""
    company.enqueue(ve)
    truth.held.add(ve["entry_no"])


FJORD = (
    Plant(1, False, to_be_compressed),
    Plant(2, False, cargo_order),
    Plant(2, False, flagged_only),
    Plant(2, False, on_another_day),
    Plant(2, True, account_reassigned),
    Plant(4, False, wrong_amount),
    Plant(4, False, offsetting_amounts),
    Plant(4, False, other_dimensions),
    Plant(5, False, posted_twice),
    Plant(5, False, unbalanced),
    Plant(7, False, tampered_flags),
    Plant(7, False, stranded),
    Plant(7, False, orphans),
    Plant(8, False, without_value_entry),
    Plant(8, False, by_hand),
    Plant(8, False, taken_back),
    Plant(9, False, group_entries),
    Plant(9, True, wrong_group_sums),
    Plant(10, False, account_deleted),
    Plant(10, False, refused),
    Plant(11, False, forgotten),
    Plant(11, True, card_changed),
    Plant(12, False, left_in_queue),
)
