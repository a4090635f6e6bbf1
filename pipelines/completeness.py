"""Completeness: positive evidence that an extract is truncated, torn or duplicated, and the tests that
couldn't run.

Here: the tests behind the verdict "inconclusive". Not here: what tables say of each other
(``sources.bc_references``, ``sources.bc_agreement``), the balances that the user states
(``sources.bc_stated``), their words (``completeness.csv``), the verdict
(``judge``).
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

import polars as pl

from pipelines.sources import bc_agreement, bc_references, bc_stated
from schemas.bc import Extract, fields, snake
from schemas.ledger import Books, Settings
from schemas.money import text

#: Currencies of the localizations that replace BC's posting routines. Source: CZ app and RU layer of the
#: base application.
UNCOVERED = {"CZK": "CZ", "RUB": "RU"}
#: Tests that compare whole tables: they can't be run on the rows of an earlier moment.
OF_THE_WHOLE_EXPORT = ("control totals agree", "trial balance agrees")
KNOWN_AT = "rows are as they were at that moment"
CUT_OVER = "stock from before the cut-over is looked at"
Hit = Mapping[str, object]


def evidence(extract: Extract, books: Books, settings: Settings, completeness: pl.DataFrame) -> pl.DataFrame:
    """Every test with its result: ``check``, ``result`` (``passed`` | ``failed`` | ``off``), ``why``,
    ``loses``, ``export``.

    A test is off when a table or column that it needs wasn't given. Each hit of a failed test is a row of
    its own.
    """
    tests = _tests(extract, books, settings)
    rows = []
    for row in completeness.iter_rows(named=True):
        if extract.known_at and row["check"] in OF_THE_WHOLE_EXPORT:
            why = f"rows that came after {extract.known_at} are set aside"
            rows.append((row["check"], "off", why, row["loses"], "nothing more"))
            continue
        lacking = [need for need in row["needs"].split(";") if not _is_given(need, extract)]
        if lacking:
            why = f"{' and '.join(_spoken(n) for n in lacking)} not given"
            rows.append((row["check"], "off", why, row["loses"], row["export"]))
            continue
        hits = list(tests[row["check"]]()) if row["check"] in tests else []
        rows.extend((row["check"], "failed", row["evidence"].format(**hit), "", "") for hit in hits)
        if not hits:
            rows.append((row["check"], "passed", "", "", ""))
    rows.extend((KNOWN_AT, "off", *told) for told in extract.undetermined)
    rows.extend(_before_the_cut_over(books))
    return pl.DataFrame(rows, schema=["check", "result", "why", "loses", "export"], orient="row")


def _before_the_cut_over(books: Books) -> Iterator[tuple[str, str, str, str, str]]:
    """What can't be told where opening balances stand for the entries up to a date."""
    if books.opening_balances["gl_entry_no"].is_null().all():
        return
    why = f"opening balances stand for the entries up to {books.opening_balances['date'][0]}"
    loses = "checks of what an item or an order holds; stock by item and the matrix tell of later entries"
    yield CUT_OVER, "off", why, loses, "the whole history"


def _is_given(need: str, extract: Extract) -> bool:
    table, _, column = need.partition(".")
    return table in extract.tables and (not column or column in extract.given[table])


def _spoken(need: str) -> str:
    table, _, column = need.partition(".")
    return f"column {column} of {table}" if column else f"table {table}"


def _tests(extract: Extract, books: Books, settings: Settings) -> dict[str, Callable[[], Iterator[Hit]]]:
    tables = extract.tables
    return {
        **bc_references.tests(extract, books),
        **bc_agreement.tests(extract, books),
        "g/l sums to 0": lambda: _sum_is_zero(books),
        "relation rows lead to entries": lambda: _relation_leads(books),
        "reversals lead to g/l entries": lambda: _beyond(
            books.gl_entries["reversed_by"], books.gl_entries["gl_entry_no"]
        ),
        "posted entries are older than the g/l": lambda: _torn(books),
        "control totals agree": lambda: _control_totals(extract),
        "trial balance agrees": lambda: _trial_balance(extract, books),
        "localization is covered": lambda: _uncovered(tables, settings),
    }


def _sum_is_zero(books: Books) -> Iterator[Hit]:
    total = _total(books.gl_entries.filter(pl.col("gl_entry_no") > 0)["amount"])
    if total:
        yield {"amount": text(total, books.scale)}


def _total(amounts: pl.Series) -> Decimal:
    return Decimal(amounts.sum() or 0)


def _relation_leads(books: Books) -> Iterator[Hit]:
    sides = (
        ("G/L entry", "gl_entry", books.relations["gl_entry_no"], books.gl_entries["gl_entry_no"]),
        (
            "value entry",
            "value_entry",
            books.relations["value_entry_no"],
            books.value_entries["value_entry_no"],
        ),
    )
    for what, table, named, there in sides:
        yield from ({"what": what, "table": table, **hit} for hit in _beyond(named, there))


def _beyond(references: pl.Series, numbers: pl.Series) -> Iterator[Hit]:
    """The furthest reference beyond the last row of the table it leads to."""
    last = numbers.max() or 0
    furthest = references.max() or 0
    if isinstance(furthest, int) and isinstance(last, int) and furthest > last:
        yield {"entry_no": furthest, "last_no": last}


def _torn(books: Books) -> Iterator[Hit]:
    last_at = books.gl_entries["created_at"].max()
    if last_at is None or not books.has_relations:
        return
    posted = (pl.col("posted_actual") != 0) | (pl.col("posted_expected") != 0)
    late = books.value_entries.filter(posted & ~pl.col("is_linked") & (pl.col("created_at") > last_at))
    for row in late.head(1).iter_rows(named=True):
        yield {"entry_no": row["value_entry_no"], "created_at": row["created_at"], "last_at": last_at}


def _control_totals(extract: Extract) -> Iterator[Hit]:
    """Stated rows and sums against those read; tables and columns by name or caption, those that nothing
    here reads are left out.
    """
    for row in extract.tables["control_totals"].iter_rows(named=True):
        name, column = snake(row["table"]), snake(row["column"] or "")
        if name not in fields():
            continue
        table = extract.tables.get(name)
        if table is None:
            yield {"table": name, "found": "no table", "stated": "one", "column": ""}
            continue
        if row["rows"] is not None and row["rows"] != table.height:
            yield {"table": name, "found": f"{table.height} rows", "stated": row["rows"], "column": ""}
        if row["sum"] is None or column not in table.columns or not table[column].dtype.is_numeric():
            continue
        found, stated = Decimal(table[column].sum() or 0), Decimal(row["sum"])
        if found != stated:
            yield {
                "table": name, "found": _plain(found), "stated": _plain(stated),
                "column": f" as sum of {column}",
            }  # fmt: skip


def _plain(number: Decimal) -> str:
    """The number without the zeros that only its type carries, with two decimals at least."""
    exact = f"{number:f}".rstrip("0") if "." in f"{number:f}" else f"{number:f}."
    whole, _, decimals = exact.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def _trial_balance(extract: Extract, books: Books) -> Iterator[Hit]:
    """Stated balances against those of the lines, where the lines can tell."""
    for row in bc_stated.stated_balances(extract, books).drop_nulls("by_entries").iter_rows(named=True):
        if row["by_entries"] != row["stated"]:
            yield {
                "account_no": row["account_no"], "found": text(row["by_entries"], books.scale),
                "date": row["date"], "stated": _plain(row["stated"]),
            }  # fmt: skip


def _uncovered(tables: Mapping[str, pl.DataFrame], settings: Settings) -> Iterator[Hit]:
    setup = tables.get("general_ledger_setup")
    currency = setup["lcy_code"][0] if setup is not None and setup.height else ""
    localization = (settings.localization or UNCOVERED.get(currency or "", "")).upper()
    if localization in UNCOVERED.values():
        yield {"localization": localization}
