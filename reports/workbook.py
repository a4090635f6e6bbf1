"""The workpapers: one run as a workbook in which a reviewer recomputes every total.

Here: the order of the sheets, and what each is written from. Not here: what stands on a sheet (``sheets``), a
figure that the marts don't hold.
"""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from reports.sheets import (
    account,
    ageing,
    basis,
    causes,
    controls,
    details,
    lead,
    legend,
    tables,
    tickmarks,
)
from reports.sheets.account import AccountSheet
from reports.sheets.cells import Book, Sheet
from reports.sheets.details import Refs
from reports.sheets.lead import Details
from reports.sheets.papers import Paper, Sources, papers
from reports.sheets.tables import Table


def workpapers(
    summary: Mapping[str, object],
    marts: Mapping[str, pl.DataFrame],
    subledger_parts: pl.DataFrame,
    ledger_balances: pl.DataFrame,
    stated_balances: pl.DataFrame,
    controlled_tables: Iterable[str] = (),
) -> bytes:
    """The workbook as a file's content, the same bytes for the same run.

    ``summary`` and the marts have the shapes of the published ones; the other frames are the parts of the
    subledgers, the trial balance by the G/L entries, and the one that the user states.
    ``controlled_tables`` are those that the user's control totals name. Amounts are local currency, debit
    positive. Detail rows are values, every other amount is a formula over them that carries its value; data
    is only ever text, number or date.
    """
    sources = Sources(summary, marts, subledger_parts, ledger_balances, stated_balances)
    found = papers(sources)
    results = tickmarks.results(summary, marts["reconciliations"])
    book = Book(str(summary["company"]), sources.as_of, sources.scale)
    front = _front(book)
    own = {p.ref: book.sheet(p.sheet, account.WIDTHS) for p in found if p.sheet}
    further = _details(book, sources, found)
    named = set(controlled_tables)
    _write_front(front, sources, found, further, results, named)
    _write_accounts(own, sources, found, further, results)
    _write_details(further)
    _write_ageing(book, found, further, results)
    _write_basis(book, sources, results, named)
    return book.content()


def _front(book: Book) -> Mapping[str, Sheet]:
    """The sheets that are read first."""
    widths: Mapping[str, Sequence[float]] = {
        lead.NAME: lead.WIDTHS,
        legend.NAME: legend.WIDTHS,
        causes.NAME: causes.WIDTHS,
        controls.NAME: controls.WIDTHS,
    }
    return {name: book.sheet(name, columns) for name, columns in widths.items()}


def _details(book: Book, sources: Sources, found: Sequence[Paper]) -> Details:
    """The sheets with the rows behind the figures, not written yet."""
    refs, marts = Refs(found), sources.marts
    return Details(
        differences=tables.opened(
            book, "Differences", details.DIFFERENCES, details.differences(marts["differences"], refs)
        ),
        subledger=tables.opened(
            book, "Subledger", details.SUBLEDGER, details.subledger(sources.subledger_parts, refs)
        ),
        trial_balance=tables.opened(
            book,
            "Trial balance",
            details.TRIAL_BALANCE,
            details.trial_balance(sources.ledger_balances, refs),
        ),
        stated=_stated(book, sources, refs),
        roll_forward=tables.opened(
            book, "Roll-forward", details.ROLL_FORWARD, details.roll_forward(marts["roll_forward"], refs)
        ),
        clearing=tables.opened(
            book, "Clearing items", details.CLEARING, details.clearing_items(marts["clearing_items"], refs)
        ),
    )


def _stated(book: Book, sources: Sources, refs: Refs) -> Table | None:
    """The sheet of the trial balance given; none where there is none."""
    rows = details.stated(sources.stated_balances, refs)
    return tables.opened(book, "Trial balance given", details.STATED, rows) if rows.height else None


def _write_front(
    front: Mapping[str, Sheet], sources: Sources, found: Sequence[Paper], further: Details,
    results: Mapping[str, str], named: set[str],
) -> None:  # fmt: skip
    lead.write(front[lead.NAME], sources, found, further, results)
    legend.write(front[legend.NAME], [*(p.facts for p in found), *({"stated"} for _ in named)], results)
    causes.write(front[causes.NAME], sources, further.differences)
    compared = controls.controls(sources, found)
    controls.write(front[controls.NAME], compared, sources.scale)
    said = controls.said(compared, sources.scale)
    front[lead.NAME].said(lead.CONTROLS, lead.CONTROLS_AT, controls.verdict().cell, said, "strong")


def _write_accounts(
    own: Mapping[str, Sheet], sources: Sources, found: Sequence[Paper], further: Details,
    results: Mapping[str, str],
) -> None:  # fmt: skip
    for row, paper in enumerate(found, lead.FIRST):
        if paper.sheet:
            AccountSheet(own[paper.ref], paper, sources, further, results, row).write()


def _write_details(further: Details) -> None:
    details.write_differences(further.differences)
    details.write_subledger(further.subledger)
    details.write_trial_balance(further.trial_balance)
    if further.stated:
        details.write_stated(further.stated)
    details.write_roll_forward(further.roll_forward)
    details.write_clearing_items(further.clearing)


def _write_ageing(book: Book, found: Sequence[Paper], further: Details, results: Mapping[str, str]) -> None:
    sheet = book.sheet(ageing.NAME, ageing.widths(further.clearing.rows))
    ageing.write(sheet, found, further, results)


def _write_basis(book: Book, sources: Sources, results: Mapping[str, str], named: set[str]) -> None:
    basis.population(book.sheet("Population", basis.POPULATION_WIDTHS), sources)
    basis.inputs(book.sheet("Inputs", basis.INPUT_WIDTHS), sources, results, named)
    sums = details.control_sums(sources)
    details.write_control_sums(tables.opened(book, "Control sums", details.CONTROL_SUMS, sums))
    totals = sources.marts["reconciliations"].filter(pl.col("key") == "(total)")
    basis.checks(book.sheet("Checks", basis.CHECK_WIDTHS), sources, list(totals.iter_rows(named=True)))
    basis.rules(book.sheet("Rules and switches", basis.RULE_WIDTHS), sources)
