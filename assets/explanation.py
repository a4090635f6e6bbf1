"""Why a figure is what it is: one entry, account, document, order or finding with all that is known of it.

Here: looking up and laying out. Not here: any computation (``pipelines``); every figure stands in an asset.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from assets.console import Row, table
from schemas.faults import InputError
from schemas.ledger import Books
from schemas.money import text

SHOWN = 10

EXPECTED = (
    "cost kind",
    "account role",
    "account",
    "amount>",
    "posted>",
    "open>",
    "rule",
    "setup row",
    "problem",
)
ACTUAL = ("G/L entry>", "date", "account", "amount>", "account role", "cost kind", "document", "link")
RULES = ("rule", "outcome", "first role", "second role", "source")
TIE_OUT = (
    "account",
    "name",
    "subledger>",
    "general ledger>",
    "other activity>",
    "difference>",
    "unexplained>",
)


class Touched(NamedTuple):
    """The entries that a question is about, in the order in which they are shown."""

    value_entries: Sequence[int]
    gl_entries: Sequence[int]


def explanation(values: Mapping[str, Any], kind: str, key: str | int) -> Iterator[str]:
    """The explanation, line by line; an error that says what there is when nothing has that key."""
    touched = LOOKUPS[kind](values, key)
    found = findings(values["differences"], kind, key, touched)
    is_account = kind == "account" and not values["tie_outs"].filter(pl.col("account_no") == key).is_empty()
    if not any(touched) and found.is_empty() and not is_account:
        raise InputError(f"there is no {kind} {key}. {known(values, kind)}")
    shown = {number for number in found["value_entry_no"] if number is not None}
    entries = sorted(touched.value_entries, key=lambda number: (number not in shown, number))
    lines = sorted(touched.gl_entries)
    yield f"{values['books'].company}, as of {values['books'].as_of}: {kind} {key}"
    if is_account:
        yield from account_lines(values, str(key))
    for number in entries[:SHOWN]:
        yield from value_entry_lines(values, number)
    yield from gl_entry_lines(values, lines[:SHOWN])
    yield from finding_lines(found)
    yield from rest("value entries", entries)
    yield from rest("G/L entries", lines)


def by_value_entry(values: Mapping[str, Any], key: str | int) -> Touched:
    entries = values["books"].value_entries.filter(pl.col("value_entry_no") == key)
    return Touched(numbers(entries, "value_entry_no"), [])


def by_gl_entry(values: Mapping[str, Any], key: str | int) -> Touched:
    lines = values["books"].gl_entries.filter(pl.col("gl_entry_no") == key)
    linked = values["actual_postings"].filter(pl.col("gl_entry_no") == key)
    return Touched(numbers(linked, "value_entry_no"), numbers(lines, "gl_entry_no"))


def by_account(values: Mapping[str, Any], key: str | int) -> Touched:
    on_account = pl.col("account_no") == key
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
    rows = values["differences"].filter(pl.col("finding_id") == key)
    return Touched(numbers(rows, "value_entry_no"), numbers(rows, "gl_entry_no"))


LOOKUPS = {
    "value entry": by_value_entry,
    "G/L entry": by_gl_entry,
    "account": by_account,
    "document": by_document,
    "order": by_order,
    "finding": by_finding,
}


def numbers(rows: pl.DataFrame, column: str) -> list[int]:
    return sorted(rows[column].drop_nulls().unique())


def findings(differences: pl.DataFrame, kind: str, key: str | int, touched: Touched) -> pl.DataFrame:
    """The rows of the findings that a question is about."""
    if kind == "finding":
        return differences.filter(pl.col("finding_id") == key)
    if kind == "account":
        return differences.filter(pl.col("account_no") == key)
    return differences.filter(
        pl.col("value_entry_no").is_in(list(touched.value_entries))
        | pl.col("gl_entry_no").is_in(list(touched.gl_entries))
    )


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
    return "It is compared with the numbers on value entries and G/L entries, capitals or not."


def account_lines(values: Mapping[str, Any], account_no: str) -> Iterator[str]:
    """The account's row of the tie-outs and what its difference is made of."""
    scale = values["books"].scale
    row = values["tie_outs"].filter(pl.col("account_no") == account_no).row(0, named=True)
    amounts = [
        text(row[name], scale) for name in ("subledger", "gl", "other_activity", "difference", "unexplained")
    ]
    yield f"  roles: {', '.join(row['roles']) or 'none'}"
    yield from table(TIE_OUT, [[account_no, row["account_name"], *amounts]])
    yield from (f"  {part['cause']}: {text(part['difference'], scale)}" for part in row["explained"])


def value_entry_lines(values: Mapping[str, Any], number: int) -> Iterator[str]:
    """One value entry: what it is, the rules that it hits, the lines expected and posted."""
    scale = values["books"].scale
    is_it = pl.col("value_entry_no") == number
    entry = values["books"].value_entries.filter(is_it)
    expected, actual = values["expected_postings"].filter(is_it), values["actual_postings"].filter(is_it)
    yield ""
    yield from (
        (entry_line(row, scale) for row in entry.iter_rows(named=True))
        if entry.height
        else [f"value entry {number} is not among the value entries"]
    )
    yield from headed("rules hit", RULES, [rule(row) for row in rules_hit(expected, values["posting_rules"])])
    yield from headed(
        "lines expected", EXPECTED, [expected_line(row, scale) for row in rows_with_role(expected)]
    )
    yield from headed(
        "lines posted", ACTUAL, [actual_line(row, scale) for row in actual.iter_rows(named=True)]
    )


def entry_line(row: Mapping[str, Any], scale: int) -> str:
    kind = " ".join(
        row[name] for name in ("item_ledger_entry_type", "entry_type", "variance_type") if row[name]
    )
    parts = [
        f"value entry {row['value_entry_no']}",
        str(row["posting_date"]),
        kind,
        *(f"{name} {row[column]}" for name, column in NAMED if row[column]),
        f"actual cost {text(row['amount_actual'], scale)}, posted {text(row['posted_actual'], scale)}",
        f"expected cost {text(row['amount_expected'], scale)}, posted {text(row['posted_expected'], scale)}",
    ]
    return " · ".join(parts)


NAMED = (
    ("document", "document_no"),
    ("item", "item_no"),
    ("location", "location_code"),
    ("order", "order_no"),
)


def rules_hit(expected: pl.DataFrame, posting_rules: pl.DataFrame) -> Iterable[Mapping[str, Any]]:
    hit = expected["rule_id"].drop_nulls().unique().implode()
    return posting_rules.filter(pl.col("rule_id").is_in(hit)).iter_rows(named=True)


def rule(row: Mapping[str, Any]) -> Row:
    return [row[name] or "" for name in ("rule_id", "outcome", "first_role", "second_role", "source")]


def rows_with_role(expected: pl.DataFrame) -> Iterable[Mapping[str, Any]]:
    return expected.filter(pl.col("account_role").is_not_null()).iter_rows(named=True)


def expected_line(row: Mapping[str, Any], scale: int) -> Row:
    amounts = [text(row[name], scale) for name in ("amount", "posted_amount", "open_amount")]
    setup_row = f"{row['setup_table']}: {row['key_1'] or '(blank)'}, {row['key_2'] or '(blank)'}"
    account = row["account_no"] or "(none)"
    problem = (row["setup_problem"] or "").replace("_", " ") if row["open_amount"] else ""
    return [
        row["cost_kind"],
        row["account_role"],
        account,
        *amounts,
        row["rule_id"],
        setup_row,
        problem,
    ]


def actual_line(row: Mapping[str, Any], scale: int) -> Row:
    link = "inferred" if row["inferred"] else "relation table"
    return [
        str(row["gl_entry_no"]), str(row["posting_date"]), row["account_no"] or "(none)",
        text(row["amount"], scale),
        row["account_role"] or "", row["cost_kind"] or "", row["document_no"] or "", link,
    ]  # fmt: skip


def gl_entry_lines(values: Mapping[str, Any], shown: Sequence[int]) -> Iterator[str]:
    """G/L entries as they stand in the ledger, and what each is to the stock ledger."""
    if not shown:
        return
    scale = values["books"].scale
    nature = values["activity"].select("gl_entry_no", "nature")
    lines = values["books"].gl_entries.filter(pl.col("gl_entry_no").is_in(list(shown)))
    joined = lines.join(nature, on="gl_entry_no", how="left", validate="1:1").sort("gl_entry_no")
    yield ""
    yield from headed(
        "G/L entries", LEDGER, [ledger_line(row, scale) for row in joined.iter_rows(named=True)]
    )


LEDGER = ("G/L entry>", "date", "account", "amount>", "document", "source code", "description", "it is")


def ledger_line(row: Mapping[str, Any], scale: int) -> Row:
    nature = (row["nature"] or "not on an account with a role").replace("_", " ")
    texts = [row[name] or "" for name in ("document_no", "source_code", "description")]
    account = row["account_no"] or "(none)"
    return [
        str(row["gl_entry_no"]),
        str(row["posting_date"]),
        account,
        text(row["amount"], scale),
        *texts,
        nature,
    ]


def finding_lines(found: pl.DataFrame) -> Iterator[str]:
    """Each finding once: its cause, its sentence, what to do."""
    yield ""
    if found.is_empty():
        yield "no findings"
    for row in (
        found.unique("finding_id", keep="first", maintain_order=True).head(SHOWN).iter_rows(named=True)
    ):
        yield f"{row['severity']}: {row['cause']} ({row['finding_id']})"
        yield f"  {row['explanation']}"
        yield f"  What to do: {row['remedy']}"


def headed(title: str, header: Row, rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        yield f"  no {title}"
        return
    yield f"  {title}"
    yield from (f"  {line}" for line in table(header, rows))


def rest(name: str, entries: Sequence[int]) -> Iterator[str]:
    if len(entries) > SHOWN:
        yield f"{len(entries) - SHOWN} more {name} are not shown; those with findings come first."
