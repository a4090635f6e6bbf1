"""The main job over the companies of a source: each through the assets in process, all published in one step.

Here: which companies, in what order, and the exit code. Not here: the assets (``assets.definitions``), the
switch to the new results (``assets.publication``).
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import typer

from assets import console, explanation, publication, run, storage, telling, together
from assets.config import Assignment
from assets.console import Step
from assets.evidence import signature
from schemas import bc
from schemas.faults import InputError

CODES: Mapping[str, int] = {"reconciled": 0, "differences": 1, "trouble": 2, "inconclusive": 3}
WORST_FIRST = ("trouble", "inconclusive", "differences", "reconciled")


class Outcome(NamedTuple):
    """How one company's run ended: its summary, or the trouble that kept it from having one."""

    company: str
    folder: str
    summary: Mapping[str, Any] | None
    trouble: str | None = None

    @property
    def status(self) -> str:
        return "trouble" if self.summary is None else str(self.summary["status"])


def demo_companies() -> Path:
    """The folder of the companies that ship with the package."""
    return Path(str(files("assets") / "companies"))


def reconciled(assignment: Assignment, as_json: bool = False) -> int:
    """Runs each company, publishes all results in one step, prints them; the exit code is the worst of all.

    One company's trouble doesn't stop the others. When there is only one, trouble changes nothing in ``out``.
    """
    companies = chosen(assignment)
    if assignment.sign_key is not None:
        signature.private_key(assignment.sign_key)  # a key that can't sign is told before the work is done
    with publication.draft(assignment.out) as draft:
        outcomes = all_of(assignment, folders(companies), draft)
        if len(outcomes) > 1:
            publication.write_json(overview(outcomes), draft / "summary.json")
        if len(outcomes) > 1 or outcomes[0].summary is not None:
            publication.switch(draft, assignment.out)
            typer.echo(published(assignment.out, as_json, outcomes))
    return worst(outcomes)


def all_of(assignment: Assignment, places: Mapping[str, str], draft: Path) -> Sequence[Outcome]:
    """Every company's outcome, in their order; several are run at one time where there are processors."""
    jobs = assignment.jobs or together.usual_jobs()
    if jobs == 1 or len(places) == 1:
        return [one(assignment, company, folder, draft) for company, folder in places.items()]
    arguments = [(assignment, company, folder, draft) for company, folder in places.items()]
    return together.each(one_beside_others, arguments, jobs, lost)


def chosen(assignment: Assignment) -> Sequence[str]:
    """The companies to run: the one that is named, or all of the source."""
    found = [company.name for company in storage.companies(assignment.source)]
    if assignment.company is None:
        return found
    if assignment.company not in found:
        raise InputError(
            f"{assignment.source}: there is no company {assignment.company!r}. "
            f"Choose one of: {', '.join(found)}."
        )
    return [assignment.company]


def folders(companies: Sequence[str]) -> Mapping[str, str]:
    """Where each company's files go within the run; a single company has it to itself."""
    return publication.folder_names(companies) if len(companies) > 1 else dict.fromkeys(companies, ".")


def one(
    assignment: Assignment,
    company: str,
    folder: str,
    draft: Path,
    progress: console.Progress = console.progress,
) -> Outcome:
    """One company through all assets; what it wrote before it got into trouble doesn't stay."""
    resource = run.as_resource(assignment, company, draft / folder)
    outcome = attempted(
        company, folder, lambda step: run.materialized("reconcile", resource, step)["summary"], progress
    )
    if outcome.summary is None and folder != ".":
        shutil.rmtree(draft / folder, ignore_errors=True)
    return outcome


def one_beside_others(assignment: Assignment, company: str, folder: str, draft: Path) -> Outcome:
    """The same in a process beside others: several bars would overwrite one another."""
    return one(assignment, company, folder, draft, console.lines)


def lost(assignment: Assignment, company: str, folder: str, draft: Path) -> Outcome:
    """The outcome of a company whose process was ended from outside."""
    shutil.rmtree(draft / folder, ignore_errors=True)
    told = "its process was ended from outside, twice; is there enough memory for its books?"
    console.say(f"tieout: {company}: {told}")
    return Outcome(company, folder, None, told)


def attempted(
    company: str,
    folder: str,
    body: Callable[[Step], Mapping[str, Any]],
    progress: console.Progress = console.progress,
) -> Outcome:
    """The outcome of a company's run; a fault is told at once and kept as this company's trouble."""
    try:
        with progress(company) as step:
            return Outcome(company, folder, body(step))
    except (Exception, pl.exceptions.PanicException) as fault:
        console.say(f"tieout: {company}: {console.trouble(fault)}")
        return Outcome(company, folder, None, console.trouble(fault))


def overview(outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    """The summary of a run of several companies."""
    return {
        "companies": [
            {"company": o.company, "status": o.status, "folder": o.folder}
            | ({} if o.trouble is None else {"trouble": o.trouble})
            for o in outcomes
        ]
    }


def published(out: Path, as_json: bool, outcomes: Sequence[Outcome]) -> str:
    """What standard output gets: the summary as it was published, or a page of text."""
    if as_json:
        return (out / "summary.json").read_text(encoding="utf-8").rstrip()
    lines = [line for o in outcomes if o.summary is not None for line in told(o, out)]
    troubles = [
        f"{o.company}: TROUBLE, nothing published; see the message above" for o in outcomes if o.trouble
    ]
    return "\n".join([*lines, *troubles])


def told(outcome: Outcome, out: Path) -> Sequence[str]:
    assert outcome.summary is not None
    page = out / outcome.folder / "report.html"
    return [*console.result(outcome.summary), "", f"  report: {page}", ""]


def worst(outcomes: Sequence[Outcome]) -> int:
    """The exit code of the outcome that weighs most."""
    return CODES[min((o.status for o in outcomes), key=WORST_FIRST.index)]


def checked(assignment: Assignment, as_json: bool = False) -> int:
    """Reads and validates each company's sources and prints what they hold."""
    outcomes = [attempted(company, ".", validation(assignment, company)) for company in chosen(assignment)]
    found = [o.summary for o in outcomes if o.summary is not None]
    typer.echo(json.dumps({"companies": found}, indent=2, ensure_ascii=False) if as_json else listed(found))
    return CODES["trouble"] if len(found) < len(outcomes) else 0


def validation(assignment: Assignment, company: str) -> Callable[[Step], Mapping[str, Any]]:
    resource = run.as_resource(assignment, company)
    return lambda step: sources(run.materialized("check", resource, step))


def sources(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What one company's sources hold, as plain values."""
    extract = values["extract"]
    return {
        "company": extract.company,
        "as_of": values["books"].as_of.isoformat(),
        "tables": [
            {
                "table": given.table,
                "rows": given.rows,
                "path": given.path,
                "sha256": given.sha256,
                "unknown_columns": list(given.unknown_columns),
            }
            for given in extract.inputs
        ],
        "not_given": [table for table in bc.fields() if table not in extract.tables],
    }


def listed(found: Sequence[Mapping[str, Any]]) -> str:
    return "\n\n".join("\n".join(console.inputs(each)) for each in found)


def explained(assignment: Assignment, kind: str, key: str | int, as_json: bool = False) -> int:
    """Prints why: everything that the figures say about one entry, account, document, order or finding."""
    companies = chosen(assignment)
    if len(companies) > 1:
        raise InputError(f"choose one company with --company: {', '.join(companies)}")
    with console.progress(companies[0]) as step:
        values = run.materialized("explain", run.as_resource(assignment, companies[0]), step)
    told = explanation.answer(values, kind, key)
    as_text = json.dumps(explanation.as_plain(told), indent=2, ensure_ascii=False) if as_json else None
    typer.echo(as_text or "\n".join(telling.lines(told)))
    return 0
