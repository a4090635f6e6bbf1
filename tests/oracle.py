"""A slow, plain interpreter of how BC posts inventory cost: what must stand in the G/L, and what each
account ties to.

Dictionaries and loops over text tables, one entry at a time; nothing of the product. It knows expected
lines and the tie-outs' subledger, G/L and other activity; it names no cause. Of the lines that an account
shared by a controlled and another role gets from that other role, it takes what is flagged as posted, so
such accounts are exact only where the flags are.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

Table = list[dict[str, Any]]

CONTROLLED = {"inventory", "inventory_interim", "wip", "invt_accrual_interim", "cogs_interim"}
STOCK_ACCOUNTS = {  # Inventory Posting Setup: location, inventory posting group
    "inventory": "inventory_account",
    "inventory_interim": "inventory_account_interim",
    "wip": "wip_account",
    "material_variance": "material_variance_account",
    "capacity_variance": "capacity_variance_account",
    "mfg_overhead_variance": "mfg_overhead_variance_account",
    "cap_overhead_variance": "cap_overhead_variance_account",
    "subcontracted_variance": "subcontracted_variance_account",
    "material_non_inventory_variance": "mat_non_inv_variance_acc",
}
GENERAL_ACCOUNTS = {  # General Posting Setup: business group, product group
    "inventory_adjmt": "inventory_adjmt_account",
    "invt_accrual_interim": "invt_accrual_acc_interim",
    "cogs": "cogs_account",
    "cogs_interim": "cogs_account_interim",
    "direct_cost_applied": "direct_cost_applied_account",
    "overhead_applied": "overhead_applied_account",
    "purchase_variance": "purchase_variance_account",
    "direct_cost_non_inventory_applied": "direct_cost_non_inv_app_acc",
}
# Actual cost: the counter-account of Inventory by item ledger entry type, entry type and variance type.
COUNTER: dict[tuple[str, str, str], str] = {
    ("purchase", "direct cost", ""): "direct_cost_applied",
    ("purchase", "indirect cost", ""): "overhead_applied",
    ("purchase", "variance", "purchase"): "purchase_variance",
    ("sale", "direct cost", ""): "cogs",
    ("positive adjmt.", "direct cost", ""): "inventory_adjmt",
    ("negative adjmt.", "direct cost", ""): "inventory_adjmt",
    ("transfer", "direct cost", ""): "inventory_adjmt",
    ("consumption", "direct cost", ""): "wip",
    ("output", "direct cost", ""): "wip",
    ("output", "indirect cost", ""): "overhead_applied",
    ("assembly consumption", "direct cost", ""): "inventory_adjmt",
    ("assembly output", "direct cost", ""): "inventory_adjmt",
    ("assembly output", "indirect cost", ""): "overhead_applied",
}
for _kind in ("output", "assembly output"):
    COUNTER[_kind, "variance", "material"] = "material_variance"
    COUNTER[_kind, "variance", "capacity"] = "capacity_variance"
    COUNTER[_kind, "variance", "capacity overhead"] = "cap_overhead_variance"
    COUNTER[_kind, "variance", "manufacturing overhead"] = "mfg_overhead_variance"
    COUNTER[_kind, "variance", "subcontracted"] = "subcontracted_variance"
# Posted only where non-inventory cost is part of the output; handled without posting otherwise.
NON_INVENTORY = {
    ("output", "direct cost - non inventory", ""): "direct_cost_non_inventory_applied",
    ("output", "variance", "material - non inventory"): "material_non_inventory_variance",
}
# Expected cost: the counter-account of Inventory (Interim); what isn't here is ignored by BC.
INTERIM_COUNTER = {
    ("purchase", "direct cost"): "invt_accrual_interim",
    ("purchase", "revaluation"): "invt_accrual_interim",
    ("sale", "direct cost"): "cogs_interim",
    ("sale", "revaluation"): "cogs_interim",
    ("output", "direct cost"): "wip",
    ("output", "revaluation"): "wip",
    ("positive adjmt.", "direct cost"): "cogs_interim",
    ("negative adjmt.", "direct cost"): "cogs_interim",
    ("transfer", "direct cost"): "cogs_interim",
}
DOCUMENT_SOURCES = {"PURCHASES", "SALES", "SERVICE"}
REFUSED, NOTHING = "refused", "nothing"


class ExpectedLine(NamedTuple):
    """A line that must exist: for the full amount, and the part of it that is flagged as posted."""

    value_entry_no: int
    cost_kind: str
    role: str
    account_no: str | None
    amount: Decimal
    posted_amount: Decimal


class TieOut(NamedTuple):
    """An account up to the as-of date; debit positive."""

    subledger: Decimal
    gl: Decimal
    other_activity: Decimal

    @property
    def difference(self) -> Decimal:
        return self.gl - self.other_activity - self.subledger


@dataclass
class Books:
    """Tables by name, their rows with snake-case columns, and the lookups that every question needs."""

    tables: Mapping[str, Table]
    expected_cost_posting: bool = False
    siblings: dict[int, Table] = field(default_factory=lambda: defaultdict(list))
    links: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    linked: set[int] = field(default_factory=set)
    queued: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for ve in self.table("value_entry"):
            if whole(ve, "item_ledger_entry_no"):
                self.siblings[whole(ve, "item_ledger_entry_no")].append(ve)
        for relation in self.table("gl_item_ledger_relation"):
            self.links[whole(relation, "value_entry_no")].add(whole(relation, "gl_entry_no"))
            self.linked.add(whole(relation, "gl_entry_no"))
        self.queued = {whole(row, "value_entry_no") for row in self.table("post_value_entry_to_gl")}
        if self.table("inventory_setup"):
            self.expected_cost_posting = flag(self.table("inventory_setup")[0], "expected_cost_posting_to_gl")

    def table(self, name: str) -> Table:
        return self.tables.get(name, [])

    def setting(self, table: str, name: str) -> bool:
        return bool(self.table(table)) and flag(self.table(table)[0], name)


# -------------------------------------------------------------------- reading


def snake(caption: str) -> str:
    bare = re.sub(r"[.'()/&]", "", caption.strip().lower()).replace("%", "pct")
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


def read(folder: Path, expected_cost_posting: bool = False) -> Books:
    """A company's folder of CSV files."""
    tables: dict[str, Table] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            tables[path.stem] = [
                {snake(name): value for name, value in row.items()} for row in csv.DictReader(file)
            ]
    return Books(tables, expected_cost_posting)


def text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()


def whole(row: Mapping[str, Any], name: str) -> int:
    return int(text(row, name) or 0)


def amount(row: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(text(row, name) or 0)


def flag(row: Mapping[str, Any], name: str, absent: bool = False) -> bool:
    value = text(row, name).lower()
    return value in ("true", "1", "yes") if value else absent


def day(row: Mapping[str, Any], name: str) -> date:
    return date.fromisoformat(text(row, name))


# -------------------------------------------------------------------- what a value entry must post


def entry_key(ve: Mapping[str, Any]) -> tuple[str, str, str]:
    return (
        text(ve, "item_ledger_entry_type").lower(),
        text(ve, "entry_type").lower(),
        text(ve, "variance_type").lower(),
    )


def actual_pair(books: Books, ve: Mapping[str, Any]) -> tuple[str, str] | str:
    """The two roles of the actual part, or that BC refuses it, or that it posts nothing."""
    kind, entry_type, variance = entry_key(ve)
    variance = variance if entry_type == "variance" else ""
    if kind == "":
        second = {"direct cost": "direct_cost_applied", "indirect cost": "overhead_applied"}.get(entry_type)
        first = "inventory_adjmt" if text(ve, "order_type").lower() == "assembly" else "wip"
        return (first, second) if second else REFUSED
    if entry_type in ("revaluation", "rounding"):
        return "inventory", "inventory_adjmt"
    if (kind, entry_type, variance) in NON_INVENTORY:
        is_included = books.setting("manufacturing_setup", "inc_non_inv_cost_to_prod")
        return ("inventory", NON_INVENTORY[kind, entry_type, variance]) if is_included else NOTHING
    second = COUNTER.get((kind, entry_type, variance))
    return ("inventory", second) if second else REFUSED


def expected_pair(ve: Mapping[str, Any]) -> tuple[str, str] | str:
    kind, entry_type, _ = entry_key(ve)
    if entry_type not in ("direct cost", "revaluation") or (kind == "" and entry_type == "revaluation"):
        return REFUSED
    second = INTERIM_COUNTER.get((kind, entry_type))
    return ("inventory_interim", second) if second else NOTHING


def is_fully_invoiced(books: Books, ile_no: int, as_of: date) -> bool:
    entries = books.siblings[ile_no]
    until = [ve for ve in entries if day(ve, "posting_date") <= as_of]
    if any("invoiced_quantity" in ve for ve in entries):
        quantity = sum((amount(ve, "item_ledger_entry_quantity") for ve in entries), Decimal(0))
        if not any("item_ledger_entry_quantity" in ve for ve in entries):
            quantity = sum(
                (
                    amount(ile, "quantity")
                    for ile in books.table("item_ledger_entry")
                    if whole(ile, "entry_no") == ile_no
                ),
                Decimal(0),
            )
        return sum((amount(ve, "invoiced_quantity") for ve in until), Decimal(0)) == quantity
    return sum((amount(ve, "cost_amount_expected") for ve in until), Decimal(0)) == 0


def is_expected_due(books: Books, ve: Mapping[str, Any], as_of: date) -> bool:
    """Whether expected cost must stand in the G/L: some of its item ledger entry does, or the switch is on
    and it is open.
    """
    ile_no = whole(ve, "item_ledger_entry_no")
    posted = ("expected_cost_posted_to_gl", "exp_cost_posted_to_gl_acy")
    if any(amount(sibling, name) for sibling in [ve, *books.siblings[ile_no]] for name in posted):
        return True
    if not books.expected_cost_posting:
        return False
    return whole(ve, "entry_no") in books.queued or not is_fully_invoiced(books, ile_no, as_of)


def is_order_without_output(books: Books, ve: Mapping[str, Any]) -> bool:
    kind = entry_key(ve)[0]
    if (
        kind not in ("consumption", "")
        or text(ve, "order_type").lower() == "assembly"
        or flag(ve, "expected_cost")
    ):
        return False
    if not books.setting("manufacturing_setup", "finish_order_without_output"):
        return False
    for line in books.table("prod_order_line"):
        same = (text(line, "prod_order_no"), whole(line, "line_no")) == (
            text(ve, "order_no"),
            whole(ve, "order_line_no"),
        )
        if same and text(line, "status").lower() == "finished" and amount(line, "finished_qty_base") == 0:
            return True
    return False


def was_written_off_at_finish(books: Books, ve: Mapping[str, Any]) -> bool:
    """Other entry types than Direct Cost are written off by the finish routine alone; either of its
    lines is evidence, for the other may be wrong.

    Without relation rows they are the lines of this amount under the order's number.
    """
    posted = amount(ve, "cost_posted_to_gl")
    signed = posted if entry_key(ve)[0] == "" else -posted
    wanted = {
        (account_of(books, ve, "inventory_adjmt"), signed),
        (account_of(books, ve, "wip"), -signed),
    }
    linked = books.links[whole(ve, "entry_no")]
    reached = {
        (text(gle, "gl_account_no"), amount(gle, "amount"))
        for gle in books.table("gl_entry")
        if whole(gle, "entry_no") in linked
        or (
            not books.table("gl_item_ledger_relation") and text(gle, "document_no") == text(ve, "document_no")
        )
    }
    return bool(wanted & reached)


def account_of(books: Books, ve: Mapping[str, Any], role: str) -> str | None:
    """The account by exact key in today's setup; no fallback to a blank key."""
    if role in STOCK_ACCOUNTS:
        group = text(ve, "inventory_posting_group")
        source_no = text(ve, "source_no")
        if role == "wip" and text(ve, "source_type").lower() == "item" and source_no != text(ve, "item_no"):
            for item in books.table("item"):
                if text(item, "no") == source_no:
                    group = text(item, "inventory_posting_group")
        for row in books.table("inventory_posting_setup"):
            if (text(row, "location_code"), text(row, "invt_posting_group_code")) == (
                text(ve, "location_code"),
                group,
            ):
                return text(row, STOCK_ACCOUNTS[role]) or None
        return None
    key = text(ve, "gen_bus_posting_group"), text(ve, "gen_prod_posting_group")
    for row in books.table("general_posting_setup"):
        if (text(row, "gen_bus_posting_group"), text(row, "gen_prod_posting_group")) == key:
            return text(row, GENERAL_ACCOUNTS[role]) or None
    return None


def lines_of(books: Books, ve: Mapping[str, Any], as_of: date) -> list[ExpectedLine]:
    """All lines of one value entry; none where BC refuses it."""
    if not flag(ve, "inventoriable", absent=True):
        return []
    kind, entry_type, _ = entry_key(ve)
    has_expected = any(amount(ve, name) for name in ("cost_amount_expected", "cost_amount_expected_acy"))
    has_expected = has_expected or flag(ve, "expected_cost")
    has_actual = any(amount(ve, name) for name in ("cost_amount_actual", "cost_amount_actual_acy"))
    parts: list[tuple[str, tuple[str, str] | str, Decimal, Decimal]] = []
    if has_actual:
        actual, posted = amount(ve, "cost_amount_actual"), amount(ve, "cost_posted_to_gl")
        parts.append(("actual", actual_pair(books, ve), actual, posted))
        if is_order_without_output(books, ve):
            back = ("inventory_adjmt", "wip") if kind == "" else ("wip", "inventory_adjmt")
            if entry_type == "direct cost":
                parts.append(("write_off", back, actual, posted))
            elif posted and was_written_off_at_finish(books, ve):
                parts.append(("write_off", back, posted, posted))
    if has_expected:
        posted = amount(ve, "expected_cost_posted_to_gl")
        due = amount(ve, "cost_amount_expected") if is_expected_due(books, ve, as_of) else posted
        parts.append(("expected", expected_pair(ve), due, posted))
    if any(pair == REFUSED for _, pair, _, _ in parts):
        return []
    return [
        ExpectedLine(
            whole(ve, "entry_no"), cost_kind, role, account_of(books, ve, role), sign * full, sign * posted
        )
        for cost_kind, pair, full, posted in parts
        if not isinstance(pair, str)
        for role, sign in ((pair[0], 1), (pair[1], -1))
    ]


def expected_lines(books: Books, as_of: date | None = None) -> list[ExpectedLine]:
    """Every line that must exist, of the entries up to as-of."""
    until = as_of or default_as_of(books)
    return [
        line
        for ve in books.table("value_entry")
        if day(ve, "posting_date") <= until
        for line in lines_of(books, ve, until)
    ]


# -------------------------------------------------------------------- tie-outs


def roles_in_setup(books: Books) -> dict[str, set[str]]:
    roles: dict[str, set[str]] = defaultdict(set)
    for table, fields in (
        ("inventory_posting_setup", STOCK_ACCOUNTS),
        ("general_posting_setup", GENERAL_ACCOUNTS),
    ):
        for row in books.table(table):
            for role, name in fields.items():
                if text(row, name):
                    roles[text(row, name)].add(role)
    return roles


def default_as_of(books: Books) -> date:
    """The later of the last value entry and the last G/L line on an account that setup controls."""
    controlled = {account for account, roles in roles_in_setup(books).items() if roles & CONTROLLED}
    dates = [day(ve, "posting_date") for ve in books.table("value_entry")]
    dates += [
        day(gle, "posting_date")
        for gle in books.table("gl_entry")
        if text(gle, "gl_account_no") in controlled
    ]
    return max(dates)


def tie_outs(books: Books, as_of: date | None = None) -> dict[str | None, TieOut]:
    """For every account with a role in setup, an expected or a linked line; key None for lines without an
    account.
    """
    until = as_of or default_as_of(books)
    lines = expected_lines(books, until)
    roles: dict[str | None, set[str]] = defaultdict(set)
    for account_no, given in roles_in_setup(books).items():
        roles[account_no] |= given
    for line in lines:
        roles[line.account_no].add(line.role)
    for gle in books.table("gl_entry"):
        if whole(gle, "entry_no") in books.linked:
            roles[text(gle, "gl_account_no") or None] |= set()
    gl_entries = [gle for gle in books.table("gl_entry") if day(gle, "posting_date") <= until]
    return {
        account_no: tie_out(books, account_no, roles[account_no], lines, gl_entries) for account_no in roles
    }


def tie_out(
    books: Books, account_no: str | None, roles: set[str], lines: Iterable[ExpectedLine], gl_entries: Table
) -> TieOut:
    own = [line for line in lines if line.account_no == account_no]
    on_account = [gle for gle in gl_entries if (text(gle, "gl_account_no") or None) == account_no]
    is_controlled = bool(roles & CONTROLLED)
    counted = own
    if account_no is None:
        other = Decimal(0)
    elif is_controlled:
        counted = [line for line in own if line.role in CONTROLLED]
        other = other_roles_activity(books, [line for line in own if line.role not in CONTROLLED], on_account)
    else:
        other = sum((amount(gle, "amount") for gle in on_account if is_foreign(books, gle)), Decimal(0))
    return TieOut(
        sum((line.amount for line in counted), Decimal(0)),
        sum((amount(gle, "amount") for gle in on_account), Decimal(0)),
        other,
    )


def source_code(books: Books, name: str, default: str) -> str:
    setup = books.table("source_code_setup")
    return (text(setup[0], name) if setup else "") or default


def is_foreign(books: Books, gle: Mapping[str, Any]) -> bool:
    """A line of an uncontrolled account that has nothing to do with inventory posting."""
    return not (
        whole(gle, "entry_no") in books.linked
        or (whole(gle, "reversed_entry_no") in books.linked and whole(gle, "reversed_entry_no") != 0)
        or text(gle, "source_code") in (source_code(books, "inventory_post_cost", "INVTPCOST"), "COMPRGL")
    )


def other_roles_activity(books: Books, other_lines: Iterable[ExpectedLine], on_account: Table) -> Decimal:
    """What a controlled account gets from its other roles, the documents that offset it, and closing
    entries.
    """
    closing = source_code(books, "close_income_statement", "CLSINCOME")
    total = sum(
        (amount(gle, "amount") for gle in on_account if text(gle, "source_code") == closing), Decimal(0)
    )
    has_documents = any(text(gle, "document_no") for gle in on_account)
    entries = {whole(ve, "entry_no"): ve for ve in books.table("value_entry")}
    applied: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for line in other_lines:
        total += line.posted_amount
        applied[document(entries[line.value_entry_no], has_documents)] += line.posted_amount
    booked: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for gle in on_account:
        if text(gle, "source_code") in DOCUMENT_SOURCES:
            booked[document(gle, has_documents)] += amount(gle, "amount")
    for key, posted in booked.items():
        against = -applied.get(key, Decimal(0))
        if posted * against > 0:
            total += min(posted, against) if posted > 0 else max(posted, against)
    return total


def document(row: Mapping[str, Any], has_documents: bool) -> tuple[str, ...]:
    if has_documents:
        return (text(row, "document_no"),)
    return text(row, "posting_date"), text(row, "source_no")
