"""Why a figure is what it is: one entry, account, document, order or finding with all that is known of it.

Here: looking up. Not here: any computation (``pipelines``), since every figure stands in an asset, and the
words and columns in which the answer is told (``assets.telling``).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl

from schemas.faults import InputError
from schemas.ledger import Books
from schemas.money import text

#: What is a piece's own, not its G/L entry's.
OF_PIECES = ("gl_entry_no", "amount", "amount_acy")
SHOWN = 10


class Touched(NamedTuple):
    """The entries that a question is about, in the order in which they are shown."""

    value_entries: Sequence[int]
    gl_entries: Sequence[int]


class Answer(NamedTuple):
    """All that is known of what was asked: a table each, with the rows that are shown.

    ``left_out`` counts the value entries and G/L entries that aren't shown; those with findings come first.
    """

    company: str
    as_of: date
    scale: int
    scale_acy: int
    kind: str
    key: str | int
    tie_out: pl.DataFrame
    value_entries: pl.DataFrame
    rules_hit: pl.DataFrame
    expected_lines: pl.DataFrame
    actual_lines: pl.DataFrame
    gl_entries: pl.DataFrame
    orders: pl.DataFrame
    clearing_items: pl.DataFrame
    findings: pl.DataFrame
    proposals: pl.DataFrame
    left_out: Mapping[str, int]


def answer(values: Mapping[str, Any], kind: str, key: str | int) -> Answer:
    """The answer; an :class:`InputError` that says what there is when nothing has that key."""
    books: Books = values["books"]
    touched = LOOKUPS[kind](values, key)
    found = findings(values["differences"], kind, key, touched)
    tie_out = values["tie_outs"].filter(pl.lit(kind == "account") & (pl.col("account_no") == str(key)))
    orders = orders_of(values, kind, key, touched)
    if not any(touched) and found.is_empty() and tie_out.is_empty() and orders.is_empty():
        raise InputError(f"there is no {kind} {key}. {known(values, kind)}")
    entries = first_with_findings(touched.value_entries, found, "value_entry_no")
    lines = first_with_findings(touched.gl_entries, found, "gl_entry_no")
    expected = of_entries(values["expected_postings"], entries)
    return Answer(
        company=books.company,
        as_of=books.as_of,
        scale=books.scale,
        scale_acy=books.scale_acy,
        kind=kind,
        key=key,
        tie_out=tie_out,
        value_entries=in_order(books.value_entries, "value_entry_no", entries),
        rules_hit=rules_hit(expected, values["posting_rules"]),
        expected_lines=expected.filter(pl.col("account_role").is_not_null()),
        actual_lines=with_ledger(of_entries(values["actual_postings"], entries), books),
        gl_entries=ledger_lines(values, lines),
        orders=orders,
        clearing_items=clearing_items(values, kind, key, entries, lines),
        findings=found,
        proposals=proposals_of(values["proposals"], found),
        left_out={
            "value_entries": len(touched.value_entries) - len(entries),
            "gl_entries": len(touched.gl_entries) - len(lines),
        },
    )


def as_plain(told: Answer) -> dict[str, Any]:
    """The answer as plain values for JSON: a list of rows per table, amounts and dates as text."""
    return {name: plain(value, told, name) for name, value in told._asdict().items()}


def plain(value: Any, told: Answer, name: str) -> Any:
    if isinstance(value, pl.DataFrame):
        return [plain(row, told, name) for row in value.to_dicts()]
    if isinstance(value, Mapping):
        return {column: plain(cell, told, column) for column, cell in value.items()}
    if isinstance(value, list):
        return [plain(cell, told, name) for cell in value]
    if isinstance(value, Decimal):
        return exact(value, told.scale_acy if name.endswith("_acy") else told.scale)
    return value if isinstance(value, int | str | bool | None) else str(value)


def exact(number: Decimal, scale: int) -> str:
    """An amount at its scale; quantities and unit costs with the digits that they have."""
    return text(number, max(scale, -int(number.normalize().as_tuple().exponent)))


# What a question touches


def by_value_entry(values: Mapping[str, Any], key: str | int) -> Touched:
    entries = values["books"].value_entries.filter(pl.col("value_entry_no") == key)
    return Touched(numbers(entries, "value_entry_no"), [])


def by_gl_entry(values: Mapping[str, Any], key: str | int) -> Touched:
    lines = values["books"].gl_entries.filter(pl.col("gl_entry_no") == key)
    linked = values["actual_postings"].filter(pl.col("gl_entry_no") == key)
    return Touched(numbers(linked, "value_entry_no"), numbers(lines, "gl_entry_no"))


def by_account(values: Mapping[str, Any], key: str | int) -> Touched:
    on_account = pl.col("account_no") == str(key)
    tables = ("expected_postings", "actual_postings", "differences")
    entries = [numbers(values[name].filter(on_account), "value_entry_no") for name in tables]
    return Touched(
        sorted({number for each in entries for number in each}),
        numbers(values["differences"].filter(on_account), "gl_entry_no"),
    )


def by_document(values: Mapping[str, Any], key: str | int) -> Touched:
    has_number = pl.col("document_no").str.to_uppercase() == str(key).upper()
    books: Books = values["books"]
    return Touched(
        numbers(books.value_entries.filter(has_number), "value_entry_no"),
        numbers(books.gl_entries.filter(has_number), "gl_entry_no"),
    )


def by_order(values: Mapping[str, Any], key: str | int) -> Touched:
    has_number = pl.col("order_no").str.to_uppercase() == str(key).upper()
    return Touched(numbers(values["books"].value_entries.filter(has_number), "value_entry_no"), [])


def by_finding(values: Mapping[str, Any], key: str | int) -> Touched:
    rows = values["differences"].filter(pl.col("finding_id") == str(key).lower())
    return Touched(numbers(rows, "value_entry_no"), numbers(rows, "gl_entry_no"))


LOOKUPS: Mapping[str, Callable[[Mapping[str, Any], str | int], Touched]] = {
    "value entry": by_value_entry,
    "G/L entry": by_gl_entry,
    "account": by_account,
    "document": by_document,
    "order": by_order,
    "finding": by_finding,
}


def numbers(rows: pl.DataFrame, column: str) -> list[int]:
    return sorted(rows[column].drop_nulls().unique())


def first_with_findings(touched: Sequence[int], found: pl.DataFrame, column: str) -> list[int]:
    """As many as are shown: those with findings first, each group by number."""
    named = set(found[column].drop_nulls())
    return sorted(touched, key=lambda number: (number not in named, number))[:SHOWN]


def in_order(rows: pl.DataFrame, column: str, wanted: Sequence[int]) -> pl.DataFrame:
    return pl.DataFrame({column: wanted}, schema={column: pl.Int64}).join(
        rows, on=column, how="inner", maintain_order="left"
    )


def of_entries(rows: pl.DataFrame, entries: Sequence[int]) -> pl.DataFrame:
    return rows.filter(pl.col("value_entry_no").is_in(list(entries)))


# What is known of it


def findings(differences: pl.DataFrame, kind: str, key: str | int, touched: Touched) -> pl.DataFrame:
    """The rows of the findings that a question is about."""
    if kind == "finding":
        return differences.filter(pl.col("finding_id") == str(key).lower())
    if kind == "account":
        return differences.filter(pl.col("account_no") == str(key))
    named = pl.col("value_entry_no").is_in(list(touched.value_entries))
    if kind == "order":
        named = named | (pl.col("order_no").str.to_uppercase() == str(key).upper())
    return differences.filter(named | pl.col("gl_entry_no").is_in(list(touched.gl_entries)))


def rules_hit(expected: pl.DataFrame, posting_rules: pl.DataFrame) -> pl.DataFrame:
    """The rules, each once, with the value entries that hit them."""
    return (
        expected.select("value_entry_no", "rule_id")
        .drop_nulls()
        .unique(maintain_order=True)
        .join(posting_rules, on="rule_id", how="inner", maintain_order="left")
    )


def with_ledger(pieces: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The pieces with all that their G/L entries tell: of agreed lines only their sums were looked at."""
    told = [c for c in pieces.columns if c in books.gl_entries.columns and c not in OF_PIECES]
    lines = books.lines_of(pieces).select("gl_entry_no", pl.col(told).name.prefix("_"))
    return pieces.join(lines, on="gl_entry_no", how="left", validate="m:1", maintain_order="left").select(
        pl.coalesce(c, f"_{c}").alias(c) if c in told else c for c in pieces.columns
    )


def ledger_lines(values: Mapping[str, Any], lines: Sequence[int]) -> pl.DataFrame:
    """G/L entries as they stand in the ledger, and what each is to the stock ledger (``nature``)."""
    agreed = values["agreed_lines"].select("gl_entry_no", nature=pl.lit("linked")).unique("gl_entry_no")
    nature = pl.concat([values["activity"].select("gl_entry_no", "nature"), agreed])
    return in_order(values["books"].gl_entries, "gl_entry_no", lines).join(
        nature, on="gl_entry_no", how="left", validate="1:1", maintain_order="left"
    )


def orders_of(values: Mapping[str, Any], kind: str, key: str | int, touched: Touched) -> pl.DataFrame:
    """The work in process of the order asked for, or of the order lines that the entries belong to."""
    orders: pl.DataFrame = values["wip_orders"]
    if kind == "order":
        return orders.filter(pl.col("order_no").str.to_uppercase() == str(key).upper())
    if kind == "account":
        return orders.clear()
    lines = of_entries(values["books"].value_entries, touched.value_entries).filter(pl.col("order_no") != "")
    return orders.join(
        lines, on=["order_no", "order_line_no"], how="semi", nulls_equal=True, maintain_order="left"
    )


def clearing_items(
    values: Mapping[str, Any], kind: str, key: str | int, entries: Sequence[int], lines: Sequence[int]
) -> pl.DataFrame:
    """The open clearing items of the account, or those that the entries and lines belong to."""
    items: pl.DataFrame = values["clearing_items"]
    if kind == "account":
        return items.filter(pl.col("account_no") == str(key))
    shown = of_entries(values["books"].value_entries, entries)
    keys = [
        *(f"ile:{number}" for number in shown["item_ledger_entry_no"].drop_nulls()),
        *(f"gl:{number}" for number in lines),
        *(f"doc:{number}" for number in shown["document_no"]),
    ]
    order_lines = shown.filter(pl.col("order_no") != "").select(
        pl.format("order:{}/{}/{}", "order_type", "order_no", pl.col("order_line_no").fill_null(0))
    )
    keys += order_lines.to_series().to_list()
    return items.filter(pl.col("item_key").is_in(keys))


def proposals_of(proposals: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The proposals for the findings; journals whole, though some lines be about other findings."""
    is_own = pl.col("finding_id").is_in(found["finding_id"].unique().implode())
    acts = proposals.filter(is_own)["proposal_id"].unique().implode()
    return proposals.filter(is_own | ((pl.col("action") == "journal") & pl.col("proposal_id").is_in(acts)))


def known(values: Mapping[str, Any], kind: str) -> str:
    """What there is instead of what was asked for."""
    books: Books = values["books"]
    ledgers = {
        "value entry": (books.value_entries, "value_entry_no"),
        "G/L entry": (books.gl_entries, "gl_entry_no"),
    }
    if kind in ledgers:
        entries, column = ledgers[kind]
        first, last = entries[column].sort().cast(pl.String).gather([0, -1])
        return f"The numbers go from {first} to {last}."
    if kind == "account":
        return f"Accounts with a role: {', '.join(values['tie_outs']['account_no'].drop_nulls())}."
    if kind == "finding":
        return "The column finding_id of differences.csv lists them."
    return "It is compared with the numbers on the entries of both ledgers, capitals or not."
