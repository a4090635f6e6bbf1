"""Each check has a defect that it must find: planted, one at a time, in small books without a fault.

Here: the causes of differences, the messages of setups that would stop a posting, the evidence that an
extract is incomplete. Not here: contracts and expectations, whose breaches stand in their own tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from pipelines import rules
from schemas import bc
from schemas.bc import Extract
from tests.chain import Chain
from tests.small_books import added, edited, outcome, repeated, rolled, tied_out, without

Plant = Callable[[Extract], Extract]
#: Posted automatically, each entry by itself, with expected cost, production and additional currency.
SEED = 266
#: Posted per posting group, with additional currency.
GROUPED_SEED = 45
BEYOND = 10**6
EVERY_ROW = pl.lit(True)


def entry(kind: str, *claims: pl.Expr, entry_type: str = "Direct Cost") -> int:
    """The number of the first value entry of a kind."""
    of_kind = (pl.col("item_ledger_entry_type") == kind) & (pl.col("entry_type") == entry_type)
    return int(rolled(SEED).tables["value_entry"].filter(of_kind, *claims)["entry_no"][0])


def lines(value_entry_no: int) -> list[int]:
    """The numbers of a value entry's G/L lines."""
    relations = rolled(SEED).tables["gl_item_ledger_relation"]
    return relations.filter(pl.col("value_entry_no") == value_entry_no)["gl_entry_no"].sort().to_list()


def is_no(*numbers: int) -> pl.Expr:
    return pl.col("entry_no").is_in(numbers)


#: A stock count of 80.00, its two lines, and the last line of the ledger.
COUNT = entry("Positive Adjmt.")
DEBIT, CREDIT = lines(COUNT)
LAST = rolled(SEED).tables["gl_entry"]["entry_no"].max()


def without_lines(given: Extract, value_entry_no: int) -> Extract:
    """As if its posting had never been: no lines, no relation rows, no register that misses them."""
    rest = without(given, "gl_entry", is_no(*lines(value_entry_no)))
    rest = without(rest, "gl_item_ledger_relation", pl.col("value_entry_no") == value_entry_no)
    return without(rest, "gl_register", EVERY_ROW)


def unposted(given: Extract, value_entry_no: int = COUNT) -> Extract:
    nothing = {"cost_posted_to_gl": 0, "cost_posted_to_gl_acy": 0}
    nothing_expected = {"expected_cost_posted_to_gl": 0, "exp_cost_posted_to_gl_acy": 0}
    rest = without_lines(given, value_entry_no)
    return edited(rest, "value_entry", is_no(value_entry_no), **nothing, **nothing_expected)


def queued(given: Extract, **values: Any) -> Extract:
    """The count waits in the queue, unposted, with other values."""
    waiting = added(unposted(given), "post_value_entry_to_gl", value_entry_no=COUNT)
    return edited(waiting, "value_entry", is_no(COUNT), **values)


def booked_again(given: Extract, **values: Any) -> Extract:
    """The two lines of the count stand there once more, unlinked, in a transaction of their own."""
    own = {"entry_no": pl.col("entry_no") + LAST, "transaction_no": pl.col("transaction_no") + BEYOND}
    return repeated(given, "gl_entry", is_no(DEBIT, CREDIT), **{**own, **values})


def linked_again(given: Extract) -> Extract:
    number = pl.col("gl_entry_no") + LAST
    is_count = pl.col("value_entry_no") == COUNT
    return repeated(booked_again(given), "gl_item_ledger_relation", is_count, gl_entry_no=number)


def taken_back(given: Extract) -> Extract:
    marked = edited(given, "gl_entry", is_no(DEBIT, CREDIT), reversed_by_entry_no=pl.col("entry_no") + LAST)
    opposite = {
        "amount": -pl.col("amount"),
        "additional_currency_amount": -pl.col("additional_currency_amount"),
        "reversed_entry_no": pl.col("entry_no"),
        "reversed_by_entry_no": None,
    }
    return booked_again(marked, **opposite)


def compressed(given: Extract) -> Extract:
    summarised = edited(given, "gl_entry", is_no(DEBIT, CREDIT), source_code="COMPRGL")
    return without(summarised, "gl_item_ledger_relation", pl.col("value_entry_no") == COUNT)


def stranded(given: Extract) -> Extract:
    """A receipt whose expected cost never reached the G/L; that of its invoice did."""
    invoiced = given.tables["value_entry"].filter(
        (pl.col("entry_type") == "Direct Cost") & (pl.col("item_ledger_entry_type") == "Purchase")
    )
    whole = pl.col("cost_amount_expected").sum().over("item_ledger_entry_no") == 0
    return unposted(given, invoiced.filter(whole)["entry_no"][0])


def switched_off(given: Extract) -> Extract:
    """A shipment that isn't invoiced, its expected cost kept out of the G/L by the switch."""
    off = edited(given, "inventory_setup", EVERY_ROW, expected_cost_posting_to_gl=False)
    return unposted(off, entry("Sale"))


def two_roles(given: Extract) -> Extract:
    unused = pl.col("gen_prod_posting_group") == "SUBCON"
    return edited(given, "general_posting_setup", unused, purchase_variance_account=pl.col("cogs_account"))


def transferred(given: Extract) -> Extract:
    """Mugs that left the main store for more than what was invoiced of them there, others still expected."""
    is_mug = pl.col("item_no") == "MUG"
    moves = is_mug & (pl.col("item_ledger_entry_type") == "Transfer") & (pl.col("location_code") == "MAIN")
    moved = edited(given, "value_entry", moves, cost_amount_actual=-1000)
    arrived = is_mug & (pl.col("item_ledger_entry_type") == "Transfer") & ~moves
    expected = is_mug & (pl.col("item_ledger_entry_type") == "Purchase") & pl.col("expected_cost")
    return edited(
        edited(moved, "value_entry", arrived, cost_amount_actual=1000),
        "value_entry", expected, cost_amount_expected=500,
    )  # fmt: skip


def on_lines(**values: Any) -> Plant:
    """The two lines of the count say something else."""
    return lambda given: edited(given, "gl_entry", is_no(DEBIT, CREDIT), **values)


def on_count(**values: Any) -> Plant:
    """The value entry of the count says something else."""
    return lambda given: edited(given, "value_entry", is_no(COUNT), **values)


CAUSES: Mapping[str, Plant] = {
    "stale_clearing": on_count(posting_date=date(2035, 1, 31)),  # ten years on, what is open is old
    "invalid_combination": on_count(entry_type="Indirect Cost"),
    "deleted_account": lambda given: edited(given, "gl_entry", is_no(DEBIT), gl_account_no=""),
    "flag_inconsistent": on_count(cost_posted_to_gl=79),
    "expected_cost_stranded": stranded,
    "unposted_not_queued": unposted,
    "skipped_setup": lambda given: queued(given, gen_prod_posting_group="NOWHERE"),
    "unposted": queued,
    "orphan_relation": lambda given: without(
        without(given, "gl_entry", is_no(DEBIT, CREDIT)), "gl_register", EVERY_ROW
    ),
    "one_sided": lambda given: edited(given, "gl_entry", is_no(DEBIT), amount=81),
    "compressed": compressed,
    "handled_without_posting": lambda given: without_lines(
        given, entry("Output", entry_type="Direct Cost - Non Inventory")
    ),
    "posted_without_gl": lambda given: without_lines(given, COUNT),
    "reversed": taken_back,
    "duplicate_posting": linked_again,
    "wip_account_changed": lambda given: edited(
        given, "inventory_posting_setup", pl.col("location_code") == "MAIN", wip_account="14510"
    ),
    "account_changed": lambda given: edited(given, "gl_entry", is_no(DEBIT), gl_account_no="14310"),
    "amount_mismatch": on_lines(amount=pl.col("amount") * Decimal("1.10")),
    "acy_mismatch": on_lines(additional_currency_amount=pl.col("additional_currency_amount") * 2),
    "posting_date_mismatch": on_lines(posting_date=date(2025, 1, 3)),
    "dimension_mismatch": on_lines(dimension_set_id=1),
    "unrelated_inventory_posting": booked_again,
    "opening_balance": lambda given: booked_again(
        given, source_code="GENJNL", posting_date=date(2024, 12, 31)
    ),
    "direct_posting": lambda given: booked_again(given, source_code="GENJNL"),
    "expected_cost_off": switched_off,
    "shared_account": two_roles,
    "group_changed_with_stock": on_count(inventory_posting_group="RAW"),
    "cost_not_adjusted": lambda given: edited(given, "item", pl.col("no") == "MUG", cost_is_adjusted=False),
    "wip_residue": lambda given: edited(
        given, "value_entry", is_no(entry("Consumption")), cost_amount_actual=Decimal("-8.05")
    ),
    "backdated_adjustment": on_count(adjustment=True, applies_to_entry=entry("Sale")),
    "negative_inventory": lambda given: edited(
        given, "item_ledger_entry", pl.col("entry_type") == "Sale", open=True, remaining_quantity=-1
    ),
    "costing_error": lambda given: edited(given, "item_ledger_entry", is_no(1), remaining_quantity=99),
    "product_defect": lambda given: edited(given, "item", pl.col("no") == "PLATE", standard_cost=7),
    "closing_entry": lambda given: booked_again(given, source_code="CLSINCOME"),
    "not_inventoriable": on_count(cost_amount_non_invtbl=5),
    "transfer_of_uninvoiced": transferred,
}

SETUP_PROBLEMS: Mapping[str, Plant] = {
    "inventory_setup_missing": lambda given: queued(given, inventory_posting_group="NOWHERE"),
    "general_setup_missing": lambda given: queued(given, gen_prod_posting_group="NOWHERE"),
    "general_setup_blocked": lambda given: edited(
        queued(given), "general_posting_setup", pl.col("gen_prod_posting_group") == "RETAIL", blocked=True
    ),
    "account_blank": lambda given: added(
        queued(given, inventory_posting_group="NEW"),
        "inventory_posting_setup", location_code="MAIN", invt_posting_group_code="NEW", inventory_account="",
    ),
    "date_not_allowed": lambda given: edited(
        queued(given), "general_ledger_setup", EVERY_ROW, allow_posting_from=date(2025, 1, 3)
    ),
    "account_missing": lambda given: without(queued(given), "gl_account", pl.col("no") == "53000"),
    "account_blocked": lambda given: edited(
        queued(given), "gl_account", pl.col("no") == "53000", blocked=True
    ),
    "account_not_posting": lambda given: edited(
        queued(given), "gl_account", pl.col("no") == "53000", account_type="Heading"
    ),
}  # fmt: skip


def last_row_gone(table: str) -> Plant:
    return lambda given: without(given, table, pl.col("entry_no") == pl.col("entry_no").max())


def on_applications(**values: Any) -> Plant:
    return lambda given: edited(given, "item_application_entry", EVERY_ROW, **values)


def torn(given: Extract) -> Extract:
    """A posted entry from after the moment in which the G/L was exported, so without a line."""
    later = edited(given, "value_entry", is_no(COUNT), system_created_at=datetime(2030, 1, 1))
    return without(later, "gl_item_ledger_relation", pl.col("value_entry_no") == COUNT)


EVIDENCE: Mapping[str, Plant] = {
    "g/l sums to 0": lambda given: edited(given, "gl_entry", is_no(DEBIT), amount=81),
    "relation rows lead to entries": lambda given: added(
        given, "gl_item_ledger_relation", gl_entry_no=BEYOND, value_entry_no=COUNT
    ),
    "value entries lead to item ledger entries": last_row_gone("item_ledger_entry"),
    "value entries lead to capacity ledger entries": last_row_gone("capacity_ledger_entry"),
    "value entries lead to value entries": on_count(applies_to_entry=BEYOND),
    "queue leads to value entries": lambda given: added(
        given, "post_value_entry_to_gl", value_entry_no=BEYOND
    ),
    "queue holds what is open": lambda given: added(given, "post_value_entry_to_gl", value_entry_no=COUNT),
    "applications lead to item ledger entries": on_applications(inbound_item_entry_no=BEYOND),
    "item ledger entries have value entries": lambda given: without(
        without(given, "value_entry", is_no(3, 4, 5, 6)),
        "gl_item_ledger_relation",
        pl.col("value_entry_no").is_in([3, 4, 5, 6]),
    ),
    "item ledger entries have applications": lambda given: without(
        given,
        "item_application_entry",
        pl.any_horizontal(pl.col("item_ledger_entry_no", "inbound_item_entry_no") == 1),
    ),
    "value entries agree with item ledger entries": on_count(item_no="BOWL"),
    "value entries agree with capacity ledger entries": lambda given: edited(
        given, "capacity_ledger_entry", EVERY_ROW, order_no="OF-ANOTHER"
    ),
    "capacity ledger entries have value entries": lambda given: edited(
        given, "capacity_ledger_entry", EVERY_ROW, posting_date=date(2025, 6, 1)
    ),
    "applications agree with item ledger entries": on_applications(quantity=99),
    "registers agree with g/l entries": lambda given: edited(
        given, "gl_register", EVERY_ROW, source_code="OF-ANOTHER"
    ),
    "value entries belong to item registers": lambda given: added(
        given, "item_register", no=1, from_value_entry_no=1, to_value_entry_no=COUNT
    ),
    "item registers are without gaps": lambda given: added(
        given, "item_register", no=1, from_value_entry_no=1, to_value_entry_no=BEYOND
    ),
    "g/l entries belong to registers": lambda given: without(given, "gl_register", pl.col("no") == 1),
    "g/l accounts exist": lambda given: without(given, "gl_account", pl.col("no") == "14300"),
    "value entries are without holes": lambda given: without(given, "value_entry", is_no(3, 4, 5, 6)),
    "value entries hold all quantities": lambda given: without(given, "value_entry", is_no(3, 4, 5)),
    "relation rows are whole": lambda given: without(
        given, "gl_item_ledger_relation", pl.col("value_entry_no") > COUNT
    ),
    "reversals lead to g/l entries": on_lines(reversed_by_entry_no=BEYOND),
    "registers are without gaps": lambda given: without(given, "gl_entry", is_no(DEBIT, CREDIT)),
    "posted entries are older than the g/l": torn,
    "control totals agree": lambda given: added(
        given, "control_totals", table="value_entry", rows=1, column=""
    ),
    "trial balance agrees": lambda given: added(
        given, "trial_balance", account_no="14300", date=date(2025, 1, 2), balance=Decimal(1)
    ),
    "localization is covered": lambda given: edited(given, "general_ledger_setup", EVERY_ROW, lcy_code="CZK"),
}


#: What each of them says: the table, the entries, what may be wrong.
SAYS: Mapping[str, str] = {
    "g/l sums to 0": ("The whole G/L sums to 1.00 instead of 0: gl_entry lacks entries or holds some twice."),
    "relation rows lead to entries": (
        "Relation rows name G/L entry 1000000, beyond the last row 110 of gl_entry: gl_entry is "
        "truncated, or gl_item_ledger_relation is from another moment."
    ),
    "value entries lead to item ledger entries": (
        "Value entries name item ledger entry 21, which item_ledger_entry lacks (1 such numbers from "
        "21 on; its last row is 20): the table is truncated or from another moment."
    ),
    "value entries lead to capacity ledger entries": (
        "Value entries name capacity ledger entry 4, which capacity_ledger_entry lacks (1 such "
        "numbers from 4 on; its last row is 3): the table is truncated or from another moment."
    ),
    "value entries lead to value entries": (
        "Value entries apply to value entry 1000000, which value_entry lacks (1 such numbers from "
        "1000000 on; its last row is 47): the table is truncated."
    ),
    "queue leads to value entries": (
        "The queue post_value_entry_to_gl names value entry 1000000, which value_entry lacks (1 such "
        "numbers from 1000000 on; its last row is 47): the tables are truncated or from different "
        "moments."
    ),
    "queue holds what is open": (
        "The queue post_value_entry_to_gl holds 1 value entries that value_entry flags as posted in "
        "full, the first is 1: the tables are from different moments."
    ),
    "applications lead to item ledger entries": (
        "item_application_entry names item ledger entry 1000000, which item_ledger_entry lacks (1 "
        "such numbers from 1000000 on; its last row is 21): the tables are truncated or from "
        "different moments."
    ),
    "item ledger entries have value entries": (
        "2 item ledger entries of items that cost something have no value entry, the first is 3: "
        "value_entry is truncated or item_ledger_entry is from another moment or company."
    ),
    "item ledger entries have applications": (
        "5 item ledger entries have no application, the first is 1: item_application_entry is "
        "truncated or from another moment or company."
    ),
    "value entries agree with item ledger entries": (
        "1 value entries name another item than their item ledger entry: entry 1 has BOWL, item "
        "ledger entry 1 has MUG. item_ledger_entry or value_entry is of another company or moment."
    ),
    "value entries agree with capacity ledger entries": (
        "8 value entries name another order than their capacity ledger entry: entry 6 has PO-0001, "
        "capacity ledger entry 1 has OF-ANOTHER. capacity_ledger_entry or value_entry is of another "
        "company or moment."
    ),
    "capacity ledger entries have value entries": (
        "4 of 4 invoiced capacity ledger entries have no value entry of their day, the first is 1: "
        "capacity_ledger_entry is of another company or moment, or value_entry is truncated."
    ),
    "applications agree with item ledger entries": (
        "12 of 12 inbound applications have another quantity than their item ledger entry: application 1 "
        "has 99, item ledger entry 1 has 20. item_application_entry or item_ledger_entry is of another "
        "company or moment."
    ),
    "registers agree with g/l entries": (
        "32 of 32 G/L registers bear another source code than their first entry: register 1 has "
        "OF-ANOTHER, G/L entry 1 has INVTPCOST. gl_entry or gl_register is of another company or moment."
    ),
    "value entries belong to item registers": (
        "46 value entries stand in no item register, the first is 2: item_register is truncated, or "
        "value_entry holds rows twice or from another moment."
    ),
    "item registers are without gaps": (
        "Item register 1 (item_register) runs from value entry 1 to 1000000, but 999953 of them are "
        "missing in value_entry, the first is 48."
    ),
    "g/l entries belong to registers": (
        "2 G/L entries stand in no G/L register, the first is 1: gl_register is truncated, or "
        "gl_entry holds rows twice or from another moment."
    ),
    "g/l accounts exist": (
        "G/L entries stand on 1 accounts that gl_account lacks, the first is 14300: the table is "
        "truncated or of another company."
    ),
    "value entries are without holes": (
        "Relation rows name 4 value entries between 2 and 7, where value_entry has none: the table is "
        "truncated."
    ),
    "value entries hold all quantities": (
        "value_entry has none of the 3 entries between 2 and 6, and no value entry brought 4 quantities of "
        "those days, the first of item ledger entry 3 of 2025-01-02: the table is truncated."
    ),
    "relation rows are whole": (
        "46 posted value entries and 102 G/L lines have no relation row, although the inventory cost of "
        "their days, from 2025-01-02 on, is exactly what the entries posted: gl_item_ledger_relation is "
        "truncated."
    ),
    "reversals lead to g/l entries": (
        "G/L entries are reversed by G/L entry 1000000, beyond the last row 110 of gl_entry."
    ),
    "registers are without gaps": (
        "G/L register 1 (gl_register) runs from 1 to 2, but 2 of its entries are missing in gl_entry, "
        "the first is 1."
    ),
    "posted entries are older than the g/l": (
        "Value entry 1 is flagged as posted and was created at 2030-01-01 00:00:00, after the last "
        "G/L entry of the extract (2025-01-30 08:01:38): value_entry and gl_entry are from different "
        "moments."
    ),
    "control totals agree": ("Control totals: value_entry has 47 rows where 1 is stated."),
    "trial balance agrees": (
        "Trial balance: in gl_entry account 14300 has 80.00 at 2025-01-02 where 1.00 is stated."
    ),
    "localization is covered": (
        "The company uses the CZ localization, whose posting rules these tables don't cover."
    ),
}


def findings(books: Chain, cause: str) -> set[str]:
    return set(books["differences"].filter(pl.col("cause") == cause)["finding_id"])


def test_the_books_without_a_defect_are_reconciled() -> None:
    books = outcome(SEED)
    assert books["summary"]["status"] == "reconciled"
    assert set(books["summary"]["causes"]) == {"shared_account"}
    assert {check["result"] for check in books["summary"]["checks_run"]} == {"passed"}


@pytest.mark.parametrize(
    ("table", "column", "blank"),
    [
        ("capacity_ledger_entry", "posting_date", None),
        ("capacity_ledger_entry", "invoiced_quantity", None),
        ("item_application_entry", "quantity", None),
        ("gl_register", "source_code", ""),
        ("gl_entry", "source_code", ""),
    ],
)
def test_a_column_that_is_blank_throughout_is_no_evidence(table: str, column: str, blank: str | None) -> None:
    books = tied_out(edited(rolled(SEED), table, EVERY_ROW, **{column: blank}))
    assert books["evidence"].filter(pl.col("result") == "failed").is_empty()


@pytest.mark.parametrize("cause", CAUSES)
def test_the_cause_is_found(cause: str) -> None:
    books = tied_out(CAUSES[cause](rolled(SEED)))
    assert findings(books, cause) - findings(outcome(SEED), cause)


def test_lines_of_the_other_role_of_a_shared_account_that_are_wrong_by_the_same_amount_are_found() -> None:
    """The account ties, and so do its sides; only the two entries know."""
    shared = edited(rolled(SEED), "general_posting_setup", EVERY_ROW, inventory_adjmt_account="14300")
    shared = edited(shared, "gl_entry", pl.col("gl_account_no") == "53000", gl_account_no="14300")
    credits = [lines(number)[1] for number in (COUNT, entry("Positive Adjmt.", is_no(COUNT).not_()))]
    wrong = edited(shared, "gl_entry", is_no(credits[0]), amount=pl.col("amount") + 1)
    wrong = edited(wrong, "gl_entry", is_no(credits[1]), amount=pl.col("amount") - 1)
    assert tied_out(shared)["summary"]["status"] == "reconciled"
    found = tied_out(wrong)
    assert found["summary"]["status"] == "differences"
    assert found["tie_outs"]["difference"].sum() == 0


def test_additional_currency_of_a_posting_group_that_differs_is_a_warning() -> None:
    grouped = rolled(GROUPED_SEED)
    relations = grouped.tables["gl_item_ledger_relation"]
    of_many = relations.filter(pl.col("gl_entry_no").is_duplicated())["gl_entry_no"][0]
    more = pl.col("additional_currency_amount") + 1
    books = tied_out(edited(grouped, "gl_entry", is_no(of_many), additional_currency_amount=more))
    findings = books["differences"].filter(pl.col("severity") != "info")
    assert findings.select("cause", "gl_entry_no", "difference_acy").rows() == [("acy_mismatch", of_many, 1)]
    assert books["summary"]["status"] == "reconciled"


@pytest.mark.parametrize("problem", SETUP_PROBLEMS)
def test_the_setup_that_would_stop_the_posting_is_told(problem: str) -> None:
    books = tied_out(SETUP_PROBLEMS[problem](rolled(SEED)))
    template = dict(rules.setup_messages().select("problem", "message").iter_rows())[problem]
    skipped = books["differences"].filter(pl.col("cause") == "skipped_setup")
    assert skipped["explanation"].str.contains(template.split("{")[0], literal=True).any()


@pytest.mark.parametrize("check", EVIDENCE)
def test_the_evidence_of_an_incomplete_extract_is_found(check: str) -> None:
    summary = tied_out(EVIDENCE[check](rolled(SEED)))["summary"]
    failed = {run["check"] for run in summary["checks_run"] if run["result"] == "failed"}
    assert check in failed
    assert SAYS[check] in summary["inconclusive_because"]
    assert summary["status"] == "inconclusive"


def test_checks_that_lack_their_tables_are_off_and_none_else() -> None:
    """Only what is required: every check that needs more is off, and says what to export."""
    required = {
        field.table: {f.column for f in fields if f.is_required}
        for fields in bc.fields().values()
        for field in fields
        if field.table in bc.REQUIRED_TABLES
    }
    books = rolled(SEED)
    bare = replace(
        books,
        tables={table: books.tables[table] for table in required},
        given={table: frozenset(columns) for table, columns in required.items()},
        inputs=tuple(given for given in books.inputs if given.table in required),
    )
    off = {check["check"] for check in tied_out(bare)["summary"]["checks_off"]}
    always = {"g/l sums to 0", "localization is covered"}
    assert off == set(rules.completeness()["check"]) - always


def test_every_check_has_its_canary() -> None:
    assert set(CAUSES) == set(rules.causes()["cause"]) - {"unclassified"}
    of_setup = rules.setup_messages().filter(pl.col("message_no").cast(pl.Int64).is_between(7, 14))
    assert set(SETUP_PROBLEMS) == set(of_setup["problem"])
    with_evidence = rules.completeness().filter(pl.col("evidence").fill_null("") != "")
    assert set(EVIDENCE) == set(SAYS) == set(with_evidence["check"])
