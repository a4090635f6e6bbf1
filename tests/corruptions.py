"""Single faults put into right books: one line, one entry, one flag, one account.

Here: the faults, each changing what some account or entry says. Not here: faults with a known truth
(``tests/made/faults.py``), and what must be found (the tests).
"""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl

from schemas.bc import Extract
from tests.small_books import edited, repeated, without

Corruption = Callable[[Extract, Random], Extract]

IS_COST = (pl.col("source_code") == "INVTPCOST") & (pl.col("amount") != 0)
#: Posted while its switch was off, such cost has no lines, and no one can tell a second one from the first.
IS_INVENTORY_COST = (pl.col("entry_type") != "Direct Cost - Non Inventory") & (
    pl.col("variance_type") != "Material - Non Inventory"
)
WAS_POSTED = IS_INVENTORY_COST & (pl.col("cost_posted_to_gl") != 0)


def one(given: Extract, table: str, claim: pl.Expr, dice: Random) -> dict[str, Any]:
    rows = given.tables[table].filter(claim)
    return rows.row(dice.randrange(rows.height), named=True)


def numbered(row: dict[str, Any]) -> pl.Expr:
    return pl.col("entry_no") == row["entry_no"]


def pair(given: Extract, dice: Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """A line of inventory cost and another line of its transaction, on another account."""
    line = one(given, "gl_entry", IS_COST, dice)
    elsewhere = (pl.col("transaction_no") == line["transaction_no"]) & (
        pl.col("gl_account_no") != line["gl_account_no"]
    )
    if not given.tables["gl_entry"].filter(elsewhere).height:
        return pair(given, dice)
    return line, one(given, "gl_entry", elsewhere, dice)


def entry_lines(given: Extract, value_entry_no: int) -> pl.Expr:
    """The claim of being one of the lines of a value entry."""
    relations = given.tables["gl_item_ledger_relation"]
    numbers = relations.filter(pl.col("value_entry_no") == value_entry_no)["gl_entry_no"]
    return pl.col("entry_no").is_in(numbers.implode())


def cents(dice: Random) -> Decimal:
    return Decimal(dice.randint(1, 500)) / 100


def two_lines_are_wrong_by_the_same_amount(given: Extract, dice: Random) -> Extract:
    (first, second), error = pair(given, dice), cents(dice)
    wrong = edited(given, "gl_entry", numbered(first), amount=first["amount"] + error)
    return edited(wrong, "gl_entry", numbered(second), amount=second["amount"] - error)


def one_line_is_wrong(given: Extract, dice: Random) -> Extract:
    line = one(given, "gl_entry", IS_COST, dice)
    return edited(given, "gl_entry", numbered(line), amount=line["amount"] + cents(dice))


def a_line_stands_on_another_account(given: Extract, dice: Random) -> Extract:
    line = one(given, "gl_entry", IS_COST, dice)
    accounts = given.tables["gl_account"].filter(pl.col("no") != line["gl_account_no"])["no"].to_list()
    return edited(given, "gl_entry", numbered(line), gl_account_no=dice.choice([*accounts, "99999", ""]))


def the_lines_of_an_entry_are_gone(given: Extract, dice: Random) -> Extract:
    """With their relation rows, and with the register that would miss them."""
    entry = one(given, "value_entry", WAS_POSTED, dice)
    gone = entry_lines(given, entry["entry_no"])
    rest = without(given, "gl_entry", gone)
    rest = without(rest, "gl_item_ledger_relation", pl.col("value_entry_no") == entry["entry_no"])
    return without(rest, "gl_register", pl.lit(True))


def the_lines_of_an_entry_stand_twice(given: Extract, dice: Random) -> Extract:
    """Linked the second time, or not."""
    entry = one(given, "value_entry", WAS_POSTED, dice)
    last = given.tables["gl_entry"]["entry_no"].max()
    twice = repeated(
        given, "gl_entry", entry_lines(given, entry["entry_no"]), entry_no=pl.col("entry_no") + last
    )
    if dice.random() < 0.5:
        return twice
    linked = pl.col("value_entry_no") == entry["entry_no"]
    return repeated(twice, "gl_item_ledger_relation", linked, gl_entry_no=pl.col("gl_entry_no") + last)


def a_flag_says_something_else(given: Extract, dice: Random) -> Extract:
    entry = one(given, "value_entry", WAS_POSTED, dice)
    posted = entry["cost_posted_to_gl"]
    flag = dice.choice([Decimal(0), posted + 1, -posted, posted * 2])
    return edited(given, "value_entry", numbered(entry), cost_posted_to_gl=flag)


def a_value_entry_has_another_amount(given: Extract, dice: Random) -> Extract:
    entry = one(given, "value_entry", WAS_POSTED, dice)
    amount = entry["cost_amount_actual"] + cents(dice)
    return edited(given, "value_entry", numbered(entry), cost_amount_actual=amount)


def a_value_entry_is_gone(given: Extract, dice: Random) -> Extract:
    """With its relation rows, or leaving them behind."""
    entry = one(given, "value_entry", WAS_POSTED, dice)
    rest = without(given, "value_entry", numbered(entry))
    if dice.random() < 0.5:
        return rest
    return without(rest, "gl_item_ledger_relation", pl.col("value_entry_no") == entry["entry_no"])


def a_value_entry_stands_twice(given: Extract, dice: Random) -> Extract:
    entry = one(given, "value_entry", WAS_POSTED, dice)
    last = given.tables["value_entry"]["entry_no"].max()
    return repeated(given, "value_entry", numbered(entry), entry_no=pl.col("entry_no") + last)


def a_journal_books_to_an_inventory_account(given: Extract, dice: Random) -> Extract:
    line, other = pair(given, dice)
    last, amount = given.tables["gl_entry"]["entry_no"].max(), cents(dice)
    stock = dice.choice(["14100", "14200", "14300", "14350", "14500", "24500", "52500"])
    journal: dict[str, Any] = {
        "source_code": "GENJNL",
        "document_no": "BY-HAND",
        "transaction_no": line["transaction_no"] + 10**6,
    }
    booked = repeated(
        given, "gl_entry", numbered(line),
        entry_no=last + 1, gl_account_no=stock, amount=amount, **journal,
    )  # fmt: skip
    return repeated(
        booked, "gl_entry", numbered(other),
        entry_no=last + 2, gl_account_no="67000", amount=-amount, **journal,
    )  # fmt: skip


CORRUPTIONS: tuple[Corruption, ...] = (
    two_lines_are_wrong_by_the_same_amount,
    one_line_is_wrong,
    a_line_stands_on_another_account,
    the_lines_of_an_entry_are_gone,
    the_lines_of_an_entry_stand_twice,
    a_flag_says_something_else,
    a_value_entry_has_another_amount,
    a_value_entry_is_gone,
    a_value_entry_stands_twice,
    a_journal_books_to_an_inventory_account,
)
