"""What the figures rest on: the population, the tables that were read, the checks, switches and rules.

Here: the sheets that hold what the summary says of the run. Not here: the tie-out.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from reports import wording
from reports.sheets import tickmarks
from reports.sheets.cells import Sheet
from reports.sheets.papers import Sources

HEADER = 3
FIRST = HEADER + 1
INPUTS = ("Table", "Rows", "Used", "Set aside", "Tickmarks", "File", "SHA-256")
INPUT_WIDTHS = (30, 11, 11, 11, 11, 44, 70)
CHECKS = ("Check", "Result", "Why, and what to export")
CHECK_WIDTHS = (58, 11, 110)
RULES = ("What", "Setting", "From")
RULE_WIDTHS = (44, 60, 50)
POPULATION = ("Line", "Amount")
POPULATION_WIDTHS = (60, 22)


def population(sheet: Sheet, sources: Sources) -> None:
    """From the cost of all value entries to the subledger of the inventory role, which is the sum."""
    _head(sheet, "Population", "What leads from the cost of all value entries to the subledger of inventory.")
    sheet.headings(HEADER, POPULATION, (1,))
    lines = [(row["line"], Decimal(row["amount"])) for row in sources.summary.get("population", ())]
    held = sum((abs(amount) for _, amount in lines), Decimal())
    for row, (line, amount) in enumerate(lines[:-1], FIRST):
        sheet.text(row, 0, wording.sentence(line))
        sheet.amount(row, 1, amount)
    last = FIRST + len(lines) - 1
    for line, amount in lines[-1:]:
        sheet.text(last, 0, wording.sentence(line), "total_label")
        sheet.computed(last, 1, f"SUM({sheet.span(FIRST, last - 1, 1)})", amount, held, "grand")
    sheet.finish(HEADER, last, len(POPULATION), filtered=False)


def inputs(sheet: Sheet, sources: Sources, results: Mapping[str, str], stated: Iterable[str]) -> None:
    """The tables that were read, each with its rows and the hash of its bytes.

    ``stated`` are the tables that the user's control totals name.
    """
    _head(
        sheet,
        "Inputs",
        "The tables that were read. Rows set aside lie after the as-of date or before a cut-over.",
    )
    sheet.headings(HEADER, INPUTS, (1, 2, 3))
    named = set(stated)
    rows: Sequence[Mapping[str, Any]] = sources.summary.get("inputs", ())
    for row, given in enumerate(rows, FIRST):
        sheet.text(row, 0, given["table"])
        sheet.number(row, 1, given["rows"], "count")
        sheet.number(row, 2, given["rows_used"], "count")
        sheet.counted(row, 3, f"{sheet.cell(row, 1)}-{sheet.cell(row, 2)}", given["rows_set_aside"])
        facts = {"stated"} if given["table"] in named else set()
        sheet.text(row, 4, tickmarks.marks(facts, results, "input"), "tick")
        sheet.texts(row, (given.get("path", ""), given["sha256"]), "text", 5)
    sheet.finish(HEADER, FIRST + len(rows) - 1, len(INPUTS), frozen=1)


def checks(sheet: Sheet, sources: Sources, reconciliations: Sequence[Mapping[str, Any]]) -> None:
    """The checks of the run: those that found something first, then those that were off, then the rest."""
    _head(sheet, "Checks", "What was tested in this run, what couldn't be, and why.")
    sheet.headings(HEADER, CHECKS)
    summary = sources.summary
    rows = [
        *(_check(c, c["result"]) for c in summary.get("checks_run", ()) if c["result"] == "failed"),
        *(_check(c, "off") for c in summary.get("checks_off", ())),
        *(_check(c, c["result"]) for c in summary.get("checks_run", ()) if c["result"] != "failed"),
        *((f"{r['name']} ({r['reconciliation']})", r["status"], r["statement"]) for r in reconciliations),
    ]
    for row, (check, result, told) in enumerate(rows, FIRST):
        sheet.text(row, 0, check, "wrapped")
        sheet.text(row, 1, result, "result")
        sheet.text(row, 2, told, "wrapped")
    sheet.finish(HEADER, FIRST + len(rows) - 1, len(CHECKS), frozen=1)


def _check(row: Mapping[str, Any], result: str) -> tuple[str, str, str]:
    return wording.sentence(row["check"]), result, row.get("why") or ""


def rules(sheet: Sheet, sources: Sources) -> None:
    """The ERP's switches as they were taken, the posting rules that the user changed, and the run's notes."""
    summary = sources.summary
    _head(sheet, "Rules and switches", "How the figures were reached.")
    sheet.headings(HEADER, RULES)
    switches = summary.get("switches", {})
    changed = summary.get("rules_changed", ())
    rows = [
        *((wording.words(name), "on" if s["on"] else "off", s["from"]) for name, s in switches.items()),
        *((f"Rule changed: {rule['rule_id']}", rule["what"], rule["source"]) for rule in changed),
        *([] if changed else [("Rules changed", "None: the posting rules are those that ship.", "")]),
        *(("Note", note, "") for note in summary.get("notes", ())),
    ]
    for row, cells in enumerate(rows, FIRST):
        sheet.texts(row, cells, "wrapped")
    sheet.finish(HEADER, FIRST + len(rows) - 1, len(RULES), filtered=False)


def _head(sheet: Sheet, title: str, lead: str) -> None:
    sheet.text(0, 0, title, "title")
    sheet.text(1, 0, lead, "lead")
