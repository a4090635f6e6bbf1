"""The answer of ``tieout explain`` in words and columns.

Here: layout. Not here: what is known (``assets.explanation``) and how a proposal reads
(``assets.proposal_text``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from assets.console import Row, table
from assets.explanation import SHOWN, Answer
from assets.proposal_text import proposal_lines
from schemas.money import text

EXPECTED = (
    "cost kind", "account role", "account", "amount>", "posted>", "open>", "rule", "setup row", "problem",
)  # fmt: skip
ACTUAL = ("G/L entry>", "date", "account", "amount>", "account role", "cost kind", "document", "link")
RULES = ("rule", "outcome", "first role", "second role", "source")
TIE_OUT = (
    "account", "name", "subledger>", "general ledger>", "other activity>", "difference>", "unexplained>",
)  # fmt: skip
LEDGER = ("G/L entry>", "date", "account", "amount>", "document", "source code", "description", "it is")
ORDERS = (
    "order", "line>", "account", "material>", "capacity>", "output>", "expected output>", "write-off>",
    "subledger>", "general ledger>", "difference>", "it is",
)  # fmt: skip
CLEARING = (
    "account",
    "item",
    "opened",
    "debits>",
    "credits>",
    "balance>",
    "days>",
    "bucket",
    "why it is open",
)
FINDING_ROWS = (
    "account",
    "account role",
    "value entry>",
    "G/L entry>",
    "expected>",
    "actual>",
    "difference>",
)
NAMED = (
    ("document", "document_no"),
    ("item", "item_no"),
    ("location", "location_code"),
    ("order", "order_no"),
)


def lines(told: Answer) -> Iterator[str]:
    """The whole answer, line by line."""
    yield f"{told.company}, as of {told.as_of}: {told.kind} {told.key}"
    yield from account_lines(told)
    yield from order_lines(told)
    for entry in told.value_entries.iter_rows(named=True):
        yield from value_entry_lines(told, entry)
    yield from missing_entries(told)
    if told.gl_entries.height:
        yield ""
        yield from headed(
            "G/L entries", LEDGER, [ledger_line(row, told.scale) for row in rows(told.gl_entries)]
        )
    yield from clearing_lines(told)
    yield from finding_lines(told)
    yield from rest("value entries", told.left_out["value_entries"])
    yield from rest("G/L entries", told.left_out["gl_entries"])


def rows(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    return frame.iter_rows(named=True)


def account_lines(told: Answer) -> Iterator[str]:
    """The account's row of the tie-outs and what its difference is made of."""
    for row in rows(told.tie_out):
        names = ("subledger", "gl", "other_activity", "difference", "unexplained")
        amounts = [text(row[name], told.scale) for name in names]
        yield f"  roles: {', '.join(row['roles']) or 'none'}"
        yield from table(TIE_OUT, [[row["account_no"], row["account_name"] or "", *amounts]])
        yield from (f"  {part['cause']}: {text(part['difference'], told.scale)}" for part in row["explained"])


def order_lines(told: Answer) -> Iterator[str]:
    """The work in process of the order lines, account by account."""
    if told.orders.height:
        yield ""
        yield from headed(
            "work in process", ORDERS, [order_line(row, told.scale) for row in rows(told.orders)]
        )


def order_line(row: Mapping[str, Any], scale: int) -> Row:
    names = (
        "material", "capacity", "output", "expected_output", "write_off", "subledger", "gl", "difference",
    )  # fmt: skip
    state = "finished" if row["is_finished"] else "not finished" if row["is_finished"] is False else ""
    left = ", WIP left" if row["has_wip_left"] else ""
    amounts = [text(row[name], scale) for name in names]
    number = "" if row["order_line_no"] is None else str(row["order_line_no"])
    return [row["order_no"] or "", number, row["account_no"] or "(none)", *amounts, f"{state}{left}"]


def value_entry_lines(told: Answer, entry: Mapping[str, Any]) -> Iterator[str]:
    """One value entry: what it is, the rules that it hits, the lines expected and posted."""
    is_it, scale = pl.col("value_entry_no") == entry["value_entry_no"], told.scale
    yield ""
    yield entry_line(entry, scale)
    yield from headed("rules hit", RULES, [rule(row) for row in rows(told.rules_hit.filter(is_it))])
    expected = [expected_line(row, scale) for row in rows(told.expected_lines.filter(is_it))]
    yield from headed("lines expected", EXPECTED, expected)
    actual = [actual_line(row, scale) for row in rows(told.actual_lines.filter(is_it))]
    yield from headed("lines posted", ACTUAL, actual)


def missing_entries(told: Answer) -> Iterator[str]:
    """Numbers that a link or a finding names and no value entry has."""
    there = set(told.value_entries["value_entry_no"])
    linked = set(told.actual_lines["value_entry_no"].drop_nulls())
    yield from (f"value entry {number} is not among the value entries" for number in sorted(linked - there))


def entry_line(row: Mapping[str, Any], scale: int) -> str:
    kinds = (row[name] for name in ("item_ledger_entry_type", "entry_type", "variance_type"))
    parts = [
        f"value entry {row['value_entry_no']}",
        str(row["posting_date"]),
        " ".join(kind for kind in kinds if kind),
        *(f"{name} {row[column]}" for name, column in NAMED if row[column]),
        f"actual cost {text(row['amount_actual'], scale)}, posted {text(row['posted_actual'], scale)}",
        f"expected cost {text(row['amount_expected'], scale)}, posted {text(row['posted_expected'], scale)}",
    ]
    return " · ".join(parts)


def rule(row: Mapping[str, Any]) -> Row:
    return [row[name] or "" for name in ("rule_id", "outcome", "first_role", "second_role", "source")]


def expected_line(row: Mapping[str, Any], scale: int) -> Row:
    amounts = [text(row[name], scale) for name in ("amount", "posted_amount", "open_amount")]
    setup_row = f"{row['setup_table']}: {row['key_1'] or '(blank)'}, {row['key_2'] or '(blank)'}"
    problem = (row["setup_problem"] or "").replace("_", " ") if row["open_amount"] else ""
    return [
        row["cost_kind"], row["account_role"], row["account_no"] or "(none)", *amounts, row["rule_id"],
        setup_row, problem,
    ]  # fmt: skip


def actual_line(row: Mapping[str, Any], scale: int) -> Row:
    link = "inferred" if row["inferred"] else "relation table"
    return [
        str(row["gl_entry_no"]), str(row["posting_date"]), row["account_no"] or "(none)",
        text(row["amount"], scale),
        row["account_role"] or "", row["cost_kind"] or "", row["document_no"] or "", link,
    ]  # fmt: skip


def ledger_line(row: Mapping[str, Any], scale: int) -> Row:
    nature = (row["nature"] or "not on an account with a role").replace("_", " ")
    texts = [row[name] or "" for name in ("document_no", "source_code", "description")]
    account, amount = row["account_no"] or "(none)", text(row["amount"], scale)
    return [str(row["gl_entry_no"]), str(row["posting_date"]), account, amount, *texts, nature]


def clearing_lines(told: Answer) -> Iterator[str]:
    """The open items, the largest first."""
    if told.clearing_items.is_empty():
        return
    shown = told.clearing_items.sort(pl.col("balance").abs(), descending=True, maintain_order=True)
    yield ""
    yield from headed(
        "clearing items", CLEARING, [clearing_line(row, told.scale) for row in rows(shown.head(SHOWN))]
    )
    yield from rest("clearing items", max(shown.height - SHOWN, 0))


def clearing_line(row: Mapping[str, Any], scale: int) -> Row:
    amounts = [text(row[name], scale) for name in ("debits", "credits", "balance")]
    stale = ", stale" if row["stale"] else ""
    return [
        row["account_no"], row["item_key"], str(row["opened_on"]), *amounts, str(row["age_days"]),
        f"{row['bucket']}{stale}", row["reason"],
    ]  # fmt: skip


def finding_lines(told: Answer) -> Iterator[str]:
    """Each finding once: its sentence, what was expected and what is there, what to do, what is proposed."""
    yield ""
    if told.findings.is_empty():
        yield "no findings"
    shown = told.findings.partition_by("finding_id", maintain_order=True)
    for found in shown[:SHOWN]:
        first = found.row(0, named=True)
        yield f"{first['severity']}: {first['cause']} ({first['finding_id']})"
        yield f"  {first['explanation']}"
        yield from table(FINDING_ROWS, [finding_row(row, told.scale) for row in rows(found.head(SHOWN))])
        yield from rest("rows of the finding", max(found.height - SHOWN, 0))
        if first["settlement_id"]:
            yield f"  Settled by {first['settled_by']}: {first['settlement_id']}"
        yield f"  What to do: {first['remedy']}"
        yield from proposed(told, first["finding_id"])
    yield from rest("findings", max(len(shown) - SHOWN, 0))


def finding_row(row: Mapping[str, Any], scale: int) -> Row:
    amounts = [
        "" if row[name] is None else text(row[name], scale)
        for name in ("expected_amount", "actual_amount", "difference")
    ]
    numbers = ["" if row[name] is None else str(row[name]) for name in ("value_entry_no", "gl_entry_no")]
    return [row["account_no"] or "(none)", row["account_role"] or "", *numbers, *amounts]


def proposed(told: Answer, finding_id: str) -> Iterator[str]:
    """What would put the finding right, whole: a journal may be about other findings as well."""
    own = told.proposals.filter(pl.col("finding_id") == finding_id)
    whole = told.proposals.join(own, on="proposal_id", how="semi", maintain_order="left")
    for proposal in whole.partition_by("proposal_id", maintain_order=True):
        first, *others = proposal_lines(proposal, told.scale)
        yield f"  Proposed: {first}"
        yield from (f"  {line}" for line in others)


def headed(title: str, header: Row, cells: Sequence[Row]) -> Iterator[str]:
    if not cells:
        yield f"  no {title}"
        return
    yield f"  {title}"
    yield from (f"  {line}" for line in table(header, cells))


def rest(name: str, left: int) -> Iterator[str]:
    if left:
        yield f"{left} more {name} are not shown; those with findings come first."
