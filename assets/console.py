"""What a run says: progress on standard error while it works, the result on standard output when it is done.

Here: lines of text. Not here: the report for readers (``reports``).
"""

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from typing import Any

from schemas.faults import InputError

Step = Callable[[str, int], None]
Row = Sequence[str]
Summary = Mapping[str, Any]


def trouble(fault: BaseException) -> str:
    """What to tell about a fault: bad input as it is, a system's refusal, or a fault of tieout's own."""
    if isinstance(fault, InputError):
        return str(fault)
    if isinstance(fault, OSError):
        return f"{fault.filename or 'the system'}: {fault.strerror or fault}; nothing was published"
    if "TIEOUT_TRACEBACK" in os.environ:
        return "".join(traceback.format_exception(fault))
    where = "TIEOUT_TRACEBACK=1 shows where it happened"
    return f"a fault inside tieout, nothing was published: {type(fault).__name__}: {fault}\n{where}"


#: What a reader is told when a step starts; the steps between go without saying.
STAGES: Mapping[str, str] = {
    "extract": "reading the tables",
    "books": "setting up the books",
    "postings": "applying the posting rules",
    "links": "linking value entries to G/L entries",
    "line_findings": "naming the differences",
    "marts": "footing the figures",
    "expectations": "signing them off",
    "report": "drawing the report",
    "workpapers": "writing the workpapers",
    "publication": "publishing",
}


Progress = Callable[[str], AbstractContextManager[Step]]


@contextmanager
def lines(title: str) -> Iterator[Step]:
    """Tells the stages of a run line by line."""
    yield lambda name, total: say(f"{title}: {STAGES[name]}") if name in STAGES else None


@contextmanager
def progress(title: str) -> Iterator[Step]:
    """Shows the stages of a run: a bar on a terminal, plain lines otherwise."""
    if not sys.stderr.isatty():
        with lines(title) as step:
            yield step
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def step(name: str, total: int) -> None:
            stage = f"{title}: {STAGES[name]}" if name in STAGES else None
            bar.update(task, total=total, advance=1, description=stage)

        yield step


def say(line: str) -> None:
    """A line for the person who waits; standard output is for results."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def result(summary: Summary) -> Iterator[str]:
    """One company's result: the verdict, its reasons, the controlled accounts, the causes."""
    known = f", known at {summary['known_at']}" if summary.get("known_at") else ""
    yield f"{summary['company']}, as of {summary['as_of']}{known}: {summary['status'].upper()}"
    yield from (f"  {reason}" for reason in summary["inconclusive_because"])
    yield ""
    yield from table(ACCOUNTS, [account(row) for row in summary["tie_outs"] if row["controlled"]])
    if summary["causes"]:
        yield ""
        yield from table(CAUSES, [cause(name, figures) for name, figures in summary["causes"].items()])


ACCOUNTS = (
    "account",
    "name",
    "subledger>",
    "general ledger>",
    "other activity>",
    "difference>",
    "unexplained>",
)
CAUSES = ("cause", "findings>", "amount>")


def account(row: Mapping[str, Any]) -> Row:
    amounts = (row[name] for name in ("subledger", "gl", "other_activity", "difference", "unexplained"))
    return (row["account_no"] or "(none)", row["account_name"] or "", *(money(amount) for amount in amounts))


def cause(name: str, figures: Mapping[str, Any]) -> Row:
    return (name, str(figures["findings"]), money(figures["amount"]))


def inputs(found: Summary) -> Iterator[str]:
    """What one company's source holds, table by table."""
    yield f"{found['company']}, as of {found['as_of']}: the sources can be run"
    yield ""
    yield from table(TABLES, [source(row) for row in found["tables"]])
    if found["not_given"]:
        yield ""
        yield f"  not given: {', '.join(found['not_given'])}"


TABLES = ("table", "rows>", "file", "columns that aren't used")


def source(row: Mapping[str, Any]) -> Row:
    return (row["table"], f"{row['rows']:,}", row["path"], ", ".join(row["unknown_columns"]))


def table(header: Row, rows: Iterable[Row]) -> Iterator[str]:
    """Lines of a table, indented; a heading that ends in > stands over figures."""
    names = [name.rstrip(">") for name in header]
    lines = [names, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    for line in lines:
        cells = (
            cell.rjust(width) if name.endswith(">") else cell.ljust(width)
            for cell, width, name in zip(line, widths, header, strict=True)
        )
        yield f"  {'  '.join(cells)}".rstrip()


def money(amount: str) -> str:
    """An exact amount with its thousands apart."""
    return f"{Decimal(amount):,}"
