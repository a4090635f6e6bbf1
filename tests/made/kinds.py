"""The kinds of fault, in the order of the causes under which they must be found.

Each states its truth where it plants: the amounts are those of the lines that the little BC would write, and
of the change that is made to them. Nothing here knows how the product finds them.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from tests.made.injector import Kind, Scene
from tests.made.posting import ZERO, Row
from tests.made.rolled import Rolled
from tests.made.setup import add_account, add_posting_groups, add_stock_accounts
from tests.made.transactions import ACTUAL_ONLY, EXPECTED_ONLY, TRANSACTIONS
from tests.made.truth import ANY

EXPENSES, EQUITY, PAYABLES = "67000", "30000", "24000"
CONTROLLED = ("14100", "14150", "14200", "14250", "14300", "14310", "14350", "14500", "24500", "52500")


def expects(rolled: Rolled) -> bool:
    return rolled.switches.expected_cost_posting


def batch(rolled: Rolled) -> bool:
    return rolled.method != "automatic"


# -------------------------------------------------------------------- due and not posted


def hold(s: Scene, ve: Row) -> None:
    """The entry stays in the queue whatever the batch does."""
    s.firm.enqueue(ve)
    s.firm.held.add(ve["entry_no"])


def left_in_queue(s: Scene) -> None:
    ve = s.open(*ACTUAL_ONLY)
    hold(s, ve)
    s.tell_parts("unposted", "it waits in the queue", ve)


def expected_left_in_queue(s: Scene) -> None:
    ve = s.open(*EXPECTED_ONLY)
    hold(s, ve)
    s.tell_parts("unposted", "its expected cost waits in the queue", ve)


def invoice_left_in_queue(s: Scene) -> None:
    ve = s.open("purchase", "sale")
    hold(s, ve)
    s.tell_parts("unposted", "actual cost and the reversal of expected cost wait in the queue", ve)


def forgotten(s: Scene) -> None:
    ve = s.open(*ACTUAL_ONLY)
    s.tell_parts("unposted_not_queued", "neither posted nor in the queue", ve)


def expected_forgotten(s: Scene) -> None:
    ve = s.open(*EXPECTED_ONLY)
    s.tell_parts("unposted_not_queued", "its expected cost is neither posted nor in the queue", ve)


def own_group(s: Scene, **accounts: str) -> str:
    """A general product posting group of its own."""
    group = f"G{s.firm.number('group'):03d}"
    for bus in ("", "DOMESTIC"):
        add_posting_groups(s.firm, bus, group, **accounts)
    return group


def own_account(s: Scene, blocked: bool = False) -> str:
    no = f"{59000 + s.firm.number('account')}"
    add_account(s.firm, no, f"Account {no}", blocked=blocked)
    return no


def blank_account(s: Scene) -> None:
    ve = s.open("stock in", prod=own_group(s, inventory_adjmt_account=""))
    skipped(s, ve, "its group has no inventory adjustment account")


def blocked_account(s: Scene) -> None:
    account_no = own_account(s, blocked=True)
    ve = s.open("stock in", prod=own_group(s, inventory_adjmt_account=account_no))
    skipped(s, ve, f"account {account_no} is blocked")


def blocked_group(s: Scene) -> None:
    group = own_group(s)
    ve = s.open("stock in", prod=group)
    for row in s.firm.rows("general_posting_setup"):
        row["blocked"] = row.get("blocked", False) or row["gen_prod_posting_group"] == group
    skipped(s, ve, f"the setup of group {group} is blocked")


def missing_group(s: Scene) -> None:
    group = own_group(s)
    ve = s.open("stock in", prod=group)
    rows = s.firm.rows("general_posting_setup")
    rows[:] = [row for row in rows if row["gen_prod_posting_group"] != group]
    skipped(s, ve, f"group {group} has no setup")


def skipped(s: Scene, ve: Row, why: str) -> None:
    """What was posted of the transaction stays; the entry itself waits in vain."""
    hold(s, ve)
    s.tell_parts("skipped_setup", why, ve)


# -------------------------------------------------------------------- flags


def flagged_only(s: Scene) -> None:
    ve = s.open(*ACTUAL_ONLY)
    keep_apart(s, ve)
    s.firm.mark_posted(ve)
    s.tell_parts("posted_without_gl", "flagged as posted, nothing was ever posted", ve)


def invoice_flagged_only(s: Scene) -> None:
    ve = s.open("purchase", "sale")
    keep_apart(s, ve)
    s.firm.mark_posted(ve)
    s.tell_parts("posted_without_gl", "both parts are flagged as posted, nothing was ever posted", ve)


def keep_apart(s: Scene, ve: Row) -> None:
    """Dimensions of its own: without relation rows, an entry of a posting group whose sum lacks it may have
    been left out of the sum, and nobody can tell.
    """
    if not s.firm.rolled.has_relations:
        ve["dimension_set_id"] = 10_000 + ve["entry_no"]


def partly_flagged(s: Scene) -> None:
    """Flag and lines say the same part of the cost."""
    ve = s.posted(*ACTUAL_ONLY)
    cost = ve["cost_amount_actual"]
    flagged = cost + s.some_cents()
    flag(s, ve, flagged)
    off = {}
    for gle in s.lines(ve):
        right = gle["amount"]
        s.set_amount(gle, right * flagged / cost)
        off[gle["entry_no"]] = gle["amount"] - right
    s.tell_lines("flag_inconsistent", f"cost {cost}, flagged and posted {flagged}", ve, off)


def flag(s: Scene, ve: Row, amount: Decimal) -> None:
    ve["cost_posted_to_gl"] = amount
    ve["cost_posted_to_gl_acy"] = s.firm.acy(amount, ve["posting_date"])


def flag_taken_away(s: Scene) -> None:
    ve = s.posted(*ACTUAL_ONLY)
    flag(s, ve, ZERO)
    s.tell_entry("flag_inconsistent", "its lines are there, but the flag says 0", ve)


def flag_turned(s: Scene) -> None:
    ve = s.posted(*ACTUAL_ONLY)
    flag(s, ve, -ve["cost_amount_actual"])
    s.tell_entry("flag_inconsistent", "the flag says the opposite of the cost", ve)


def refused(s: Scene) -> None:
    good = s.posted("stock in")
    bad = s.firm.write_value_entry(
        s.firm.ile(good["item_ledger_entry_no"]),
        s.firm.today,
        actual=s.some_cents(),
        entry_type="Indirect Cost",
        document_no=good["document_no"],
    )
    s.truth.row(
        s.truth.finding(),
        "invalid_combination",
        "Positive Adjmt. with Indirect Cost is refused",
        match="finding",
        value_entry_no=bad["entry_no"],
        gl_entry_no=ANY,
    )


# -------------------------------------------------------------------- lines of an entry


def wrong_amount(s: Scene) -> None:
    falsify(s, s.posted(), s.dice.choice((-1, 1)) * s.some_cents())


def wrong_by_a_cent(s: Scene) -> None:
    falsify(s, s.posted(), Decimal("0.01"))


def two_wrong_amounts_that_offset(s: Scene) -> None:
    error = s.some_cents(150)
    falsify(s, s.posted("stock in"), error)
    falsify(s, s.posted("stock in"), -error)


def falsify(s: Scene, ve: Row, error: Decimal) -> None:
    """The lines of one part are wrong by the same amount, one up, one down; none changes its side."""
    first, second = s.pair(ve)
    if abs(first["amount"]) <= abs(error):
        error = (
            Decimal("0.01").copy_sign(first["amount"])
            if abs(error) == abs(first["amount"])
            else (error.copy_sign(first["amount"]))
        )
    off = {first["entry_no"]: error, second["entry_no"]: -error}
    s.set_amount(first, first["amount"] + error)
    s.set_amount(second, second["amount"] - error)
    s.tell_lines("amount_mismatch", f"its lines are wrong by {error}", ve, off)


def posted_again(s: Scene, times: int = 1) -> None:
    ve = s.posted(*ACTUAL_ONLY)
    for _ in range(times):
        flag(s, ve, ZERO)
        s.post([ve])
    s.tell_parts("duplicate_posting", f"posted {times + 1} times", ve, share=times, gl_entry_no=ANY)


def posted_twice(s: Scene) -> None:
    posted_again(s)


def posted_three_times(s: Scene) -> None:
    posted_again(s, 2)


def unbalanced(s: Scene) -> None:
    """Two transactions that don't balance; together they do, so the whole G/L still sums to 0."""
    error = s.some_cents(140)
    for change in (error, -error):
        ve = s.posted("stock in")
        gle = s.dice.choice(s.lines(ve))
        s.set_amount(gle, gle["amount"] + change)
        s.truth.row(
            s.truth.finding(),
            "one_sided",
            f"its transaction is off by {change}",
            account_no=gle["gl_account_no"],
            account_role=gle["account_type"],
            cost_kind="actual",
            value_entry_no=ve["entry_no"],
            gl_entry_no=gle["entry_no"],
            difference=change,
        )


def posted_in_one_sum(s: Scene) -> tuple[list[Row], list[Row]]:
    """Three entries that the batch sums into one line an account, and these lines."""
    firm, no = s.firm, s.item()
    unit_cost = str(firm.item(no)["unit_cost"])

    def count() -> None:
        for quantity in (3, 4, 5):
            firm.adjust_stock(firm.today, no, quantity, unit_cost)

    entries = s.written(count)
    firm.post_groups(entries, firm.today, firm.document_no("COST"))
    return entries, s.lines(entries[0])


def left_out_of_the_sum(s: Scene) -> None:
    entries, lines = posted_in_one_sum(s)
    left_out = s.dice.choice(entries)
    cost = left_out["cost_amount_actual"]
    for gle in lines:
        s.set_amount(gle, gle["amount"] - cost.copy_sign(gle["amount"]))
    s.tell_parts("amount_mismatch", "the sum lacks this entry", left_out, gl_entry_no=ANY)


def wrong_sum(s: Scene) -> None:
    """The sum is less by what no entry explains."""
    _, lines = posted_in_one_sum(s)
    error = s.some_cents(300)
    for gle in lines:
        off = -error.copy_sign(gle["amount"])
        s.set_amount(gle, gle["amount"] + off)
        s.truth.row(
            s.truth.finding(),
            "amount_mismatch",
            f"three entries were posted in one sum that is {error} short",
            account_no=gle["gl_account_no"],
            gl_entry_no=gle["entry_no"],
            difference=off,
        )


def on_another_day(s: Scene) -> None:
    ve = s.posted()
    for gle in s.lines(ve):
        gle["posting_date"] += timedelta(s.dice.randint(1, 5))
    day = max(gle["posting_date"] for gle in s.lines(ve))
    for gle in s.lines(ve):
        gle["posting_date"] = day
    s.tell_entry("posting_date_mismatch", f"value entry and lines ({day}) on different dates", ve)


def other_dimensions(s: Scene) -> None:
    ve = s.posted()
    for gle in s.lines(ve):
        gle["dimension_set_id"] = 2
    s.tell_entry("dimension_mismatch", "its lines carry another dimension set", ve)


def taken_back(s: Scene) -> None:
    """The lines of an entry are reversed in the G/L; the entry still says posted."""
    ve = s.posted(*ACTUAL_ONLY)
    lines = s.lines(ve)
    back = s.firm.journal(
        s.firm.today,
        [(gle["gl_account_no"], -gle["amount"]) for gle in lines],
        lines[0]["document_no"],
        "REVERSAL",
        journal_batch_name="COST",
    )
    for gle, reversing in zip(lines, back, strict=True):
        gle.update(reversed=True, reversed_by_entry_no=reversing["entry_no"], journal_batch_name="COST")
        reversing.update(reversed=True, reversed_entry_no=gle["entry_no"])
    s.tell_ledger("reversed", "posted, then reversed", back, value_entry_no=ANY)


# -------------------------------------------------------------------- accounts


def moved(s: Scene, cause: str, why: str, ve: Row, gle: Row, old: str, new: str) -> None:
    """One finding: what stands on the old account is missing on the new one."""
    finding = s.truth.finding()
    common = {"cost_kind": gle["kind"], "value_entry_no": ve["entry_no"], "account_role": ANY}
    s.truth.row(
        finding, cause, why, account_no=old, gl_entry_no=gle["entry_no"], difference=gle["amount"], **common
    )
    s.truth.row(finding, cause, why, account_no=new, gl_entry_no=ANY, difference=-gle["amount"], **common)


def line_on_another_account(s: Scene) -> None:
    ve = s.posted()
    gle = s.dice.choice(s.lines(ve))
    right = gle["gl_account_no"]
    gle["gl_account_no"] = own_account(s)
    cause = "wip_account_changed" if gle["account_type"] == "wip" else "account_changed"
    moved(s, cause, "its line was moved", ve, gle, gle["gl_account_no"], right)


def adjustment_account_reassigned(s: Scene) -> None:
    old, new = own_account(s), own_account(s)
    group = own_group(s, inventory_adjmt_account=old)
    ve = s.posted("stock in", prod=group)
    for row in s.firm.rows("general_posting_setup"):
        if row["gen_prod_posting_group"] == group:
            row["inventory_adjmt_account"] = new
    gle = next(gle for gle in s.lines(ve) if gle["gl_account_no"] == old)
    moved(s, "account_changed", f"group {group} had {old} and has {new} now", ve, gle, old, new)


def own_stock_group(s: Scene, account_no: str, wip: str = "14500") -> str:
    """An inventory posting group of its own at every location."""
    group = f"S{s.firm.number('group'):03d}"
    for location in ("", "MAIN", "EAST"):
        add_stock_accounts(s.firm, location, group, account_no, "14350", wip)
    return group


def stock_account_reassigned(s: Scene) -> None:
    """What was posted before stays on the old account, what comes later is right."""
    old, new = own_account(s), own_account(s)
    group = own_stock_group(s, old)
    ve = s.posted("stock in", "stock out", group=group)
    moved_lines = [
        (entry, gle)
        for entry in s.firm.rows("value_entry")
        if entry["inventory_posting_group"] == group
        for gle in s.lines(entry)
        if gle["gl_account_no"] == old
    ]
    for row in s.firm.rows("inventory_posting_setup"):
        if row["invt_posting_group_code"] == group:
            row["inventory_account"] = new
    finding = s.truth.finding()
    why = f"group {group} had {old} and has {new} now"
    for entry, gle in moved_lines:
        common = {"cost_kind": gle["kind"], "account_role": "inventory", "value_entry_no": entry["entry_no"]}
        for account_no, amount, number in (
            (old, gle["amount"], gle["entry_no"]),
            (new, -gle["amount"], ANY),
        ):
            s.truth.row(
                finding, "account_changed", why, account_no=account_no, gl_entry_no=number, difference=amount,
                **common,
            )  # fmt: skip
    assert ve in [entry for entry, _ in moved_lines]


def product_moved_to_another_group(s: Scene) -> None:
    """Consumed for a product whose card then moves to a group with another WIP account."""
    old = own_account(s)
    product = s.item(group=own_stock_group(s, "14200", wip=old))
    component = s.item()

    def consumed() -> None:
        TRANSACTIONS["stock in"](s.firm, s.dice, component)
        s.firm.consume(s.firm.today, s.firm.start_order(product), component, 2)

    entries = s.written(consumed)
    s.post(entries)
    ve = entries[-1]
    gle = next(gle for gle in s.lines(ve) if gle["gl_account_no"] == old)
    s.firm.item(product)["inventory_posting_group"] = "FINISHED"
    moved(s, "wip_account_changed", f"{product} had WIP account {old}", ve, gle, old, "14500")


def account_deleted(s: Scene) -> None:
    ve = s.posted(*ACTUAL_ONLY)
    gle = s.dice.choice(s.lines(ve))
    right, gle["gl_account_no"] = gle["gl_account_no"], ""
    moved(s, "deleted_account", f"account {right} of its line was deleted", ve, gle, "", right)


# -------------------------------------------------------------------- the switch for expected cost


def switched(s: Scene, to: bool, does: Callable[[], None]) -> None:
    from dataclasses import replace

    before = s.firm.switches
    s.firm.switches = replace(before, expected_cost_posting=to)
    does()
    s.firm.switches = before


def invoiced_while_off(s: Scene) -> None:
    """Received with expected cost posted, invoiced while the switch was off."""
    no = s.item()
    received: list[Row] = []
    switched(
        s,
        True,
        lambda: s.post(s.written(lambda: received.append(TRANSACTIONS["receipt"](s.firm, s.dice, no)))),
    )
    entries: list[Row] = []
    price = str(s.firm.item(no)["unit_cost"] + s.some_cents(99))

    def invoice() -> None:
        entries.extend(s.written(lambda: s.firm.invoice_receipt(s.firm.today, received[0], price)))
        s.post(entries)

    switched(s, False, invoice)
    stranded(s, entries[0], "invoiced in full, its expected cost was never taken back")


def stranded(s: Scene, ve: Row, why: str) -> None:
    """The interim lines that an entry should have and hasn't."""
    finding = s.truth.finding()
    amount = ve["cost_amount_expected"]
    interim = s.firm.resolved("inventory_interim", ve)
    other = "invt_accrual_interim"
    for account_no, role, off in (
        (interim, "inventory_interim", -amount),
        (s.firm.resolved(other, ve), other, amount),
    ):
        s.truth.row(
            finding,
            "expected_cost_stranded",
            why,
            account_no=account_no,
            account_role=role,
            cost_kind="expected",
            value_entry_no=ve["entry_no"],
            difference=off,
        )


def received_while_off(s: Scene) -> None:
    """Received while the switch was off, invoiced after it was turned on: only the reversal was posted."""
    no = s.item()
    received: list[Row] = []
    switched(
        s,
        False,
        lambda: s.post(s.written(lambda: received.append(TRANSACTIONS["receipt"](s.firm, s.dice, no)))),
    )
    first = s.firm.value_entries_of(received[0]["entry_no"])[0]
    unit_cost = str(s.firm.item(no)["unit_cost"])
    s.post(s.written(lambda: s.firm.invoice_receipt(s.firm.today, received[0], unit_cost)))
    stranded(s, first, "its reversal was posted, its expected cost never was")


# -------------------------------------------------------------------- lines that no entry stands behind


def journal_to_stock(s: Scene) -> None:
    by_hand(s, (s.dice.choice(CONTROLLED), EXPENSES))


def journal_between_stock_accounts(s: Scene) -> None:
    by_hand(s, tuple(s.dice.sample(CONTROLLED, 2)))


def by_hand(s: Scene, accounts: tuple[str, ...], amount: Decimal | None = None) -> list[Row]:
    booked = amount or s.some_cents(9000)
    lines = s.firm.journal(s.firm.today, [(accounts[0], booked), (accounts[1], -booked)])
    for gle in lines:
        if gle["gl_account_no"] in CONTROLLED:
            s.tell_ledger("direct_posting", "booked by hand", [gle])
    return lines


def two_journals_that_offset(s: Scene) -> None:
    """On one account, by two journals that know nothing of each other."""
    account_no, amount = s.dice.choice(CONTROLLED), s.some_cents(9000)
    by_hand(s, (account_no, EXPENSES), amount)
    by_hand(s, (account_no, EQUITY), -amount)


def invoice_line_on_stock(s: Scene) -> None:
    """A purchase invoice line on the stock account, no item behind it."""
    amount = s.some_cents(9000)
    line, _ = s.firm.journal(
        s.firm.today,
        [(s.dice.choice(("14100", "14200", "14300")), amount), (PAYABLES, -amount)],
        s.firm.document_no("PI"),
        "PURCHASES",
        source_type="Vendor",
        source_no="V950",
        document_type="Invoice",
    )
    s.tell_ledger("direct_posting", "an invoice line without an item", [line])


def cost_without_entry(s: Scene) -> None:
    amount = s.some_cents()
    lines = s.firm.journal(
        s.firm.today,
        [("14300", amount), ("53000", -amount)],
        s.firm.document_no("IJ"),
        "INVTPCOST",
        system_created_entry=True,
    )
    s.tell_ledger("unrelated_inventory_posting", "inventory cost without entry and relation row", lines)


def entry_deleted(s: Scene) -> None:
    """A value entry is deleted after it was posted; its lines and relation rows stay. It isn't the last one:
    that would read like a table cut off.
    """
    kept = s.posted("stock in")
    gone, later = (
        s.firm.write_value_entry(
            s.firm.ile(kept["item_ledger_entry_no"]),
            s.firm.today,
            actual=s.some_cents(),
            entry_type="Revaluation",
            document_no=s.firm.document_no("RV"),
        )
        for _ in range(2)
    )
    s.post([gone])
    s.post([later])
    lines = s.lines(gone)
    s.firm.rows("value_entry").remove(gone)
    s.tell_ledger("orphan_relation", "relation row to a value entry that is gone", lines, value_entry_no=ANY)


def relation_to_nowhere(s: Scene) -> None:
    kept = s.posted("stock in")
    missing = s.firm.number("gl_entry")
    s.firm.rows("gl_item_ledger_relation").append(
        {"gl_entry_no": missing, "value_entry_no": kept["entry_no"], "gl_register_no": 0}
    )
    s.truth.row(
        s.truth.finding(),
        "orphan_relation",
        "relation row to a G/L entry that never was",
        value_entry_no=kept["entry_no"],
        gl_entry_no=missing,
    )


def brought_forward(s: Scene) -> None:
    """The last system's stock, loaded into the G/L alone before the first value entry."""
    amount = s.some_cents(90000)
    account_no = s.dice.choice(("14100", "14200", "14300"))
    day = s.firm.today - timedelta(2)
    line, _ = s.firm.journal(day, [(account_no, amount), (EQUITY, -amount)])
    s.tell_ledger("opening_balance", "brought forward by journal before the first value entry", [line])


KINDS: tuple[Kind, ...] = (
    Kind("left in the queue", left_in_queue),
    Kind("expected cost left in the queue", expected_left_in_queue, fits=expects),
    Kind("invoice left in the queue", invoice_left_in_queue),
    Kind("forgotten by the queue", forgotten),
    Kind("expected cost forgotten by the queue", expected_forgotten, fits=expects),
    Kind("account left blank", blank_account),
    Kind("account blocked", blocked_account),
    Kind("posting group blocked", blocked_group),
    Kind("posting group without setup", missing_group),
    Kind("flagged and never posted", flagged_only),
    Kind("invoice flagged and never posted", invoice_flagged_only),
    Kind("flagged and posted with another amount", partly_flagged),
    Kind("flag taken away", flag_taken_away),
    Kind("flag turned", flag_turned, needs_relations=True),
    Kind("combination that BC refuses", refused),
    Kind("lines with a wrong amount", wrong_amount),
    Kind("lines wrong by a cent", wrong_by_a_cent),
    Kind("two wrong amounts that offset", two_wrong_amounts_that_offset),
    Kind("left out of a posting group's sum", left_out_of_the_sum, needs_relations=True),
    Kind("wrong sum of a posting group", wrong_sum, needs_relations=True),
    Kind("posted twice", posted_twice),
    Kind("posted three times", posted_three_times, needs_relations=True),
    Kind("two transactions that don't balance", unbalanced),
    Kind("lines on another day", on_another_day),
    Kind("lines with other dimensions", other_dimensions),
    Kind("reversed in the G/L", taken_back),
    Kind("one line on another account", line_on_another_account),
    Kind("adjustment account reassigned", adjustment_account_reassigned),
    Kind("stock account reassigned", stock_account_reassigned),
    Kind("product moved to another group", product_moved_to_another_group),
    Kind("account deleted", account_deleted),
    Kind("invoiced while expected cost was off", invoiced_while_off, fits=expects),
    Kind("received while expected cost was off", received_while_off, fits=expects),
    Kind("journal to a stock account", journal_to_stock),
    Kind("journal between stock accounts", journal_between_stock_accounts),
    Kind("two journals that offset", two_journals_that_offset),
    Kind("invoice line on a stock account", invoice_line_on_stock),
    Kind("inventory cost without an entry", cost_without_entry),
    Kind("value entry deleted", entry_deleted, needs_relations=True),
    Kind("relation row to nowhere", relation_to_nowhere, needs_relations=True),
    Kind("stock brought forward in the G/L alone", brought_forward, when="first"),
)
