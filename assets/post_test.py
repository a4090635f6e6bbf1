"""What ``tieout post-test`` tells: what would stop the batch job, or be skipped by it, company by company.

Here: the command's texts, JSON and exit code. Not here: the test itself (``pipelines.posttest``).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import polars as pl
import typer

from assets import console, reconciliation, run
from assets.config import Assignment
from assets.console import Row
from pipelines import posttest, rules
from schemas import marts
from schemas.faults import InputError
from schemas.limits import METHODS, PostingLimits, Request
from schemas.money import text

NOTHING_STOPS, MESSAGES = 0, 1
HIT = (
    "no.>", "batch job", "value entry>", "date", "role", "account", "amount>", "entries>", "message",
)  # fmt: skip


def outcome(assignment: Assignment, request: Request, as_json: bool) -> int:
    """Tests each company's open postings and prints the messages; trouble in one doesn't stop the others."""
    if request.method not in METHODS:
        raise InputError(f"--method: {request.method!r} is not known. Use one of: {', '.join(METHODS)}.")
    companies = reconciliation.chosen(assignment)
    outcomes = [
        reconciliation.attempted(company, ".", partial(found, assignment, company, request))
        for company in companies
    ]
    told = [outcome.summary for outcome in outcomes if outcome.summary is not None]
    if told:
        typer.echo(as_text(told) if not as_json else as_document(told, len(companies) > 1))
    if len(told) < len(outcomes):
        return reconciliation.CODES["trouble"]
    return MESSAGES if any(each["messages"] for each in told) else NOTHING_STOPS


def found(assignment: Assignment, company: str, request: Request, step: console.Step) -> Mapping[str, Any]:
    """What the test says of one company, as plain values."""
    values = run.materialized("test", run.as_resource(assignment, company), step)
    books, limits = values["books"], values["posting_limits"]
    hits = posttest.post_test(
        values["expected_postings"], books, limits, rules.setup_messages(), request
    ).sort("message_no", "message", "value_entry_no", maintain_order=True)
    published = marts.published("post_test", hits, books.scale, books.scale_acy)
    lines = posttest.not_posted(values["expected_postings"], books)
    return {
        "company": books.company,
        "as_of": books.as_of.isoformat(),
        "method": request.method,
        "not_posted": {
            "entries": lines["value_entry_no"].n_unique(),
            "lines": lines.height,
            "debits": text(Decimal(lines.filter(pl.col("amount") > 0)["amount"].sum()), books.scale),
        },
        "messages": [plain(row, books.scale) for row in published.iter_rows(named=True)],
        "checks_off": checks_off(values["evidence"]),
        "notes": list(notes(limits, request)),
    }


def plain(row: Mapping[str, Any], scale: int) -> Mapping[str, Any]:
    """A row as JSON carries it: exact amounts as text, dates as text."""
    amounts = ("amount", "group_amount")
    return {
        name: None if value is None
        else text(value, scale) if name in amounts
        else value.isoformat() if name == "posting_date"
        else value
        for name, value in row.items()
    }  # fmt: skip


def checks_off(evidence: pl.DataFrame) -> Sequence[Mapping[str, str]]:
    """The messages that couldn't be tested, and what to export for them."""
    checks = rules.setup_messages()["check"].unique().implode()
    off = evidence.filter((pl.col("result") == "off") & pl.col("check").is_in(checks))
    return [
        {"check": row["check"], "why": f"{row['why']}; off: {row['loses']}. Export {row['export']}."}
        for row in off.iter_rows(named=True)
    ]


def notes(limits: PostingLimits, request: Request) -> Iterator[str]:
    """What the test doesn't work out."""
    if limits.date_formulas:
        yield (
            "Message 11 goes by dates alone; these formulas, relative to the day of posting, aren't worked "
            f"out: {', '.join(limits.date_formulas)}."
        )
    if limits.user_dates.height and not request.user:
        yield (
            "Message 11 goes by the general ledger setup; --user NAME tests with a user's own range of dates."
        )


def as_document(told: Sequence[Mapping[str, Any]], is_several: bool) -> str:
    return json.dumps({"companies": list(told)} if is_several else told[0], indent=2, ensure_ascii=False)


def as_text(told: Sequence[Mapping[str, Any]]) -> str:
    return "\n\n".join("\n".join(lines(each)) for each in told)


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """One company's messages as a table, then what wasn't tested."""
    open_now = told["not_posted"]
    yield f"{told['company']}, as of {told['as_of']}, {told['method']}: {headline(told['messages'])}"
    debits = console.money(open_now["debits"])
    yield f"  not yet posted: {open_now['entries']} value entries, {debits} in debits"
    if told["messages"]:
        yield ""
        yield from console.table(HIT, [hit(row) for row in told["messages"]])
    for check in told["checks_off"]:
        yield f"  not tested: {check['check']}: {check['why']}"
    yield from (f"  {note}" for note in told["notes"])


def headline(messages: Sequence[Mapping[str, Any]]) -> str:
    if not messages:
        return "NOTHING WOULD STOP"
    return f"{len(messages)} MESSAGES" if len(messages) > 1 else "1 MESSAGE"


def hit(row: Mapping[str, Any]) -> Row:
    entry, amount = row["value_entry_no"], row["amount"]
    return (
        str(row["message_no"]), row["batch_job"], "" if entry is None else str(entry),
        row["posting_date"] or "", (row["account_role"] or "").replace("_", " "), row["account_no"] or "",
        "" if amount is None else console.money(amount), str(row["entries"]), row["message"],
    )  # fmt: skip
