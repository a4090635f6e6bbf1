"""What would put one company's findings right, told, tried out and written for import. Never posted.

Here: the order of things and what is printed. Not here: the proposals (``pipelines.propose``), what they
would do to the tables (``pipelines.apply``), the file (``reports.journal``).
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import typer

from assets import console, run
from assets.config import Assignment
from assets.console import Step
from assets.proposal_text import proposal_lines
from assets.reconciliation import chosen
from assets.run import Run
from pipelines import apply, foresee
from reports import journal
from schemas import marts
from schemas.faults import InputError


class Foreseen(NamedTuple):
    """The proposals with what became of their findings, and what changed beside them."""

    proposals: pl.DataFrame
    side_effects: pl.DataFrame


def proposed(
    assignment: Assignment,
    simulate: bool,
    export: Path | None,
    journal_names: tuple[str, str],
    as_json: bool = False,
) -> int:
    """Prints what is proposed; tries it out and writes the import file where that was asked for.

    1 when something was tried out and a finding stays or a new one appears, else 0.
    """
    companies = chosen(assignment)
    if len(companies) > 1:
        raise InputError(f"choose one company with --company: {', '.join(companies)}")
    resource = run.as_resource(assignment, companies[0])
    with console.progress(companies[0]) as step:
        values = run.materialized("propose", resource, step)
        found = foreseen(values, resource, step) if simulate else Foreseen(values["proposals"], NOTHING)
    if export is not None:
        write(values, export, journal_names)
    typer.echo(as_text(found, values["books"].scale) if as_json else "\n".join(told(found, values)))
    return int(found.side_effects.height > 0 or (found.proposals["outcome"] == "stays").any())


NOTHING = pl.DataFrame(schema={"finding_id": pl.String, "cause": pl.String, "effect": pl.String})


def foreseen(values: Mapping[str, Any], resource: Run, step: Step) -> Foreseen:
    """All proposals applied to the tables at once, and the chain run again over these."""
    extract, proposals = values["extract"], values["proposals"]
    day = apply.as_of(values["books"], proposals)
    before = values if day == values["books"].as_of else again(extract, resource, day, step)
    completed = apply.with_setup(extract, proposals)
    ready = again(completed, resource, day, step)
    posted = apply.posted(completed, ready["expected_postings"], ready["books"], proposals)
    after = again(apply.journalled(posted, proposals), resource, day, step)
    differences = before["differences"], after["differences"]
    return Foreseen(foresee.outcomes(proposals, *differences), foresee.side_effects(proposals, *differences))


def again(extract: Any, resource: Run, day: date, step: Step) -> Mapping[str, Any]:
    """The chain over an extract that no file holds, up to the day."""
    return run.materialized(
        "foresee", resource.model_copy(update={"as_of": day.isoformat()}), step, extract=extract
    )


def write(values: Mapping[str, Any], path: Path, names: tuple[str, str]) -> None:
    """Writes the journals; a file that is there already stays as it is."""
    if path.exists():
        raise InputError(f"{path}: is there already. Give another name for the import file.")
    sets = values["extract"].tables.get("dimension_set_entry")
    content = journal.import_file(values["proposals"], sets, values["books"].scale, *names)
    path.write_text(content, encoding="utf-8", newline="")
    console.say(f"{path} is written: {content.count(chr(10)) - 1} journal lines; nothing is posted")


def as_text(found: Foreseen, scale: int) -> str:
    """The proposals as JSON, amounts as text."""
    rows = marts.published("proposals", found.proposals, scale).to_dicts()
    effects = found.side_effects.select("finding_id", "cause", "effect").to_dicts()
    return json.dumps({"proposals": rows, "side_effects": effects}, indent=2, default=str, ensure_ascii=False)


def told(found: Foreseen, values: Mapping[str, Any]) -> Iterator[str]:
    """Each proposal once: what to do, for which findings, the setup fields or the journal lines."""
    books = values["books"]
    yield f"{books.company}, as of {books.as_of}: proposals. Nothing is posted."
    if found.proposals.is_empty():
        yield "  no finding asks for a correction"
    order = pl.col("action").replace_strict(dict(zip(marts.ACTIONS, range(4), strict=True)))
    for rows in found.proposals.sort(order, "proposal_id", "line_no", nulls_last=True).partition_by(
        "proposal_id", maintain_order=True
    ):
        yield ""
        yield from proposal_lines(rows, books.scale)
    for row in found.side_effects.iter_rows(named=True):
        yield f"  {row['effect']}: {row['cause']} ({row['finding_id']})"
