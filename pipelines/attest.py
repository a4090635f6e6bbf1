"""Attests each published table: the facts that an auditor asks of a report that a program made.

Here: source, filter, moment, rows, control sums and completeness of each table. Not here: what a table shows
and rests on (``figures.csv``), the completeness tests themselves (``completeness``), the file that carries
all this.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from schemas.ledger import CONTROLLED_ROLES, Books
from schemas.money import text

#: What of the summary says which run it was and what it found.
VERDICT = ("company", "as_of", "known_at", "status", "inconclusive_because", "materiality", "scale")
#: What of the summary the figures rest on.
BASIS = ("inputs", "population", "switches", "rules_changed", "notes")


def claims(
    marts: Mapping[str, pl.DataFrame],
    summary: Mapping[str, Any],
    books: Books,
    extracted_at: str | None,
    figures: pl.DataFrame,
    completeness: pl.DataFrame,
) -> dict[str, Any]:
    """The verdict, what it rests on, and for each published table what an auditor asks of it.

    ``figures`` says what each table shows, which exported tables it rests on and which rows count. When the
    tables were exported only the user can state; the newest entry is the earliest that it can have been. A
    completeness test belongs to a figure when it looks at a table that the figure rests on.
    """
    moment = {"stated": extracted_at, "newest_entry": newest_entry(books)}
    tests = completeness_tests(summary, completeness)
    about = {row["mart"]: row for row in figures.iter_rows(named=True)}
    given = [i["table"] for i in summary["inputs"]]
    return {
        **{name: summary[name] for name in VERDICT},
        "extracted_at": moment,
        **{name: summary[name] for name in BASIS},
        "completeness": tests,
        "figures": [
            figure(name, mart, about[name], given, tests, moment, summary["as_of"])
            for name, mart in sorted(marts.items())
        ],
        "balances": [*balances(summary, marts["expected_postings"], books)],
    }


def figure(
    name: str,
    mart: pl.DataFrame,
    about: Mapping[str, str],
    given: Sequence[str],
    tests: Sequence[Mapping[str, Any]],
    moment: Mapping[str, str | None],
    as_of: str,
) -> dict[str, Any]:
    """What an auditor asks of one published table."""
    source = [table for table in given if table in about["tables"].split(";")]
    return {
        "figure": name,
        "shows": about["shows"],
        "member": f"{name}.parquet",
        "source": source,
        "filter": about["filter"].format(as_of=as_of),
        "extracted_at": moment,
        "rows": mart.height,
        "control_sums": dict(control_sums(mart)),
        "completeness": {
            result: [t["check"] for t in tests if t["result"] == result and set(t["tables"]) & set(source)]
            for result in ("passed", "failed", "off")
        },
    }


def control_sums(mart: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """The exact sum of every column of amounts or quantities; nulls count as nothing."""
    for name, dtype in mart.schema.items():
        if dtype.is_decimal():
            total = mart[name].sum()
            assert isinstance(total, Decimal)
            yield name, f"{total:f}"


def balances(
    summary: Mapping[str, Any], expected_postings: pl.DataFrame, books: Books
) -> Iterator[dict[str, Any]]:
    """Both sides of each account of the tie-outs: which rows, how many, their sum, what was carried over.

    ``carried`` is the amount less the control sum: the balance that stands for entries before a cut-over.
    """
    until = pl.col("posting_date") <= books.as_of
    expected = summed(expected_postings, until, "account_no", "account_role")
    posted = summed(books.gl_entries, until & (pl.col("gl_entry_no") > 0), "account_no")
    for account in summary["tie_outs"]:
        is_it = pl.col("account_no").eq_missing(pl.lit(account["account_no"], pl.String))
        counts = roles_that_count(account)
        yield {
            "account_no": account["account_no"],
            "filter": f"posting date up to {books.as_of}",
            "roles": "all" if counts is None else list(counts),
            "subledger": side(account["subledger"], "expected_postings.parquet", of(expected, is_it, counts)),
            "gl": side(account["gl"], "gl_entry", posted.filter(is_it)),
        }


def roles_that_count(account: Mapping[str, Any]) -> Sequence[str] | None:
    """The account roles whose expected lines make an account's subledger; None: all."""
    is_controlled = account["controlled"] and account["account_no"] is not None
    return CONTROLLED_ROLES if is_controlled else None


def summed(rows: pl.DataFrame, counts: pl.Expr, *by: str) -> pl.DataFrame:
    """How many rows of each key count, and their amount: so that accounts are looked up among few."""
    amount = pl.col("amount").filter(counts).sum()
    return rows.group_by(by).agg(counts.sum().alias("rows"), amount)


def of(expected: pl.DataFrame, is_it: pl.Expr, roles: Sequence[str] | None) -> pl.DataFrame:
    lines = expected.filter(is_it)
    return lines if roles is None else lines.filter(pl.col("account_role").is_in(roles))


def side(amount: str, source: str, sums: pl.DataFrame) -> dict[str, Any]:
    """One side of an account: the amount, and what the rows behind it sum to."""
    scale = len(amount.partition(".")[2])
    total = Decimal(sums["amount"].sum() or 0)
    return {
        "amount": amount,
        "source": source,
        "rows": int(sums["rows"].sum()),
        "control_sum": text(total, scale),
        "carried": text(Decimal(amount) - total, scale),
    }


def newest_entry(books: Books) -> str | None:
    """When the newest entry of either ledger was made, in UTC; None where the export doesn't tell."""
    made = [books.value_entries["created_at"].max(), books.gl_entries["created_at"].max()]
    known = [moment for moment in made if isinstance(moment, datetime)]
    return f"{max(known).isoformat()}Z" if known else None


def completeness_tests(summary: Mapping[str, Any], completeness: pl.DataFrame) -> list[dict[str, Any]]:
    """Each test that can find an extract incomplete: its result, why, and the tables that it looks at."""
    needs = {
        row["check"]: sorted({need.partition(".")[0] for need in row["needs"].split(";")})
        for row in completeness.filter(pl.col("evidence") != "").iter_rows(named=True)
    }
    run = [(r["check"], r["result"], r["why"]) for r in summary["checks_run"]]
    off = [(r["check"], "off", r["why"]) for r in summary["checks_off"]]
    return [
        {"check": check, "result": result, "why": why, "tables": needs[check]}
        for check, result, why in [*run, *off]
        if check in needs
    ]
