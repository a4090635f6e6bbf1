"""Books that are valid and odd: what real exports hold now and then, and what nobody thinks of.

Here: the oddities, each put into right books. Not here: what must hold of them (``tests/test_laws.py``).
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import reduce

import polars as pl

from schemas import bc
from schemas.bc import Extract
from tests.small_books import changed, edited, repeated, without

Oddity = Callable[[Extract], Extract]
EVERY_ROW = pl.lit(True)
LCY = (
    "cost_amount_actual",
    "cost_posted_to_gl",
    "cost_amount_expected",
    "expected_cost_posted_to_gl",
)
CODES = (
    "location_code",
    "inventory_posting_group",
    "gen_bus_posting_group",
    "gen_prod_posting_group",
    "item_no",
    "document_no",
    "source_no",
    "order_no",
    "source_code",
    "user_id",
)
EVERY_FIFTH = pl.col("entry_no") % 5 == 0


def entries(**values: object) -> Oddity:
    return lambda given: edited(given, "value_entry", EVERY_ROW, **values)


def lines(claim: pl.Expr = EVERY_ROW, **values: object) -> Oddity:
    return lambda given: edited(given, "gl_entry", claim, **values)


def times(factor: int) -> Oddity:
    """Every local amount of both ledgers is so many times as large."""
    scaled = entries(**{name: pl.col(name) * factor for name in LCY})
    return lambda given: lines(amount=pl.col("amount") * factor)(scaled(given))


def optional_tables(keep: Callable[[pl.DataFrame], pl.DataFrame | None]) -> Oddity:
    def odd(given: Extract) -> Extract:
        optional = {name: rows for name, rows in given.tables.items() if name not in bc.REQUIRED_TABLES}
        return changed(given, **{name: keep(rows) for name, rows in optional.items()})

    return odd


def one_account(given: Extract) -> Extract:
    """Every role and every line on one account."""
    for table in ("inventory_posting_setup", "general_posting_setup"):
        named = [c for c in given.tables[table].columns if c.endswith(("account", "interim", "acc"))]
        given = edited(given, table, EVERY_ROW, **dict.fromkeys(named, "1"))
    return lines(gl_account_no="1")(given)


def blank_setup(given: Extract) -> Extract:
    for table in ("inventory_posting_setup", "general_posting_setup"):
        named = [c for c in given.tables[table].columns if c.endswith(("account", "interim", "acc"))]
        given = edited(given, table, EVERY_ROW, **dict.fromkeys(named, ""))
    return given


def relations(**values: object) -> Oddity:
    return lambda given: edited(given, "gl_item_ledger_relation", EVERY_ROW, **values)


def twice(given: Extract) -> Extract:
    last = given.tables["gl_entry"]["entry_no"].max()
    return repeated(given, "gl_entry", EVERY_ROW, entry_no=pl.col("entry_no") + last)


def together(*oddities: Oddity) -> Oddity:
    return lambda given: reduce(lambda books, odd: odd(books), oddities, given)


ODDITIES: Mapping[str, Oddity] = {
    "optional tables are empty": optional_tables(lambda rows: rows.clear()),
    "optional tables are missing": optional_tables(lambda rows: None),
    "no line on a stock account": lambda given: without(
        given, "gl_entry", pl.col("gl_account_no").str.contains("^(1|24)")
    ),
    "only capacity entries": lambda given: without(
        given, "value_entry", pl.col("item_ledger_entry_type") != ""
    ),
    "all codes are blank": together(
        entries(**dict.fromkeys(CODES, "")),
        lines(source_code="", document_no="", source_no="", user_id="", description=""),
    ),
    "lines without source codes": lines(source_code=""),
    "all accounts of the G/L are blank": lines(gl_account_no=""),
    "the setup has no account": blank_setup,
    "one account for everything": one_account,
    "no dates and numbers where none are required": together(
        entries(item_ledger_entry_no=None, dimension_set_id=None, system_created_at=None),
        lines(transaction_no=None, dimension_set_id=None, system_created_at=None),
    ),
    "entries without item ledger entry": entries(item_ledger_entry_no=0),
    "a value entry years later": lambda given: edited(
        given, "value_entry", pl.col("entry_no") % 3 == 0, posting_date=date(2030, 1, 1)
    ),
    "closing entries among the lines": lines(EVERY_FIFTH, closing_entry=True),
    "compressed lines that are still linked": lines(EVERY_FIFTH, source_code="COMPRGL"),
    "amounts in additional currency only": times(0),
    "no amount in the G/L": lines(amount=0, additional_currency_amount=0),
    "relations one line off": relations(gl_entry_no=pl.col("gl_entry_no") % 100 + 1),
    "relations all to one value entry": relations(value_entry_no=1),
    "relations all to one line": relations(gl_entry_no=1),
    "huge amounts": times(10**15),
    "all signs turned": times(-1),
    "every line reversed by itself": lines(
        reversed_by_entry_no=pl.col("entry_no"), reversed_entry_no=pl.col("entry_no")
    ),
    "nothing is inventoriable": entries(inventoriable=False),
    "everything is flagged as expected": entries(expected_cost=True),
    "combinations that Business Central refuses": entries(entry_type="Total"),
    "the whole G/L twice": twice,
}
