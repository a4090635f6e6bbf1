"""Does a pack's run again, from its inputs and with its settings, and compares what comes out.

Here: which inputs, the run, the comparison figure by figure. Not here: whether the pack itself is whole
(``check``, which comes first). Nothing is published and nothing is left behind.
"""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from assets import console, storage
from assets import run as runs
from assets.evidence import pack, provenance
from assets.evidence.check import OK, UNCHECKED, WRONG, Item, Report
from assets.evidence.pack import PACK
from assets.run import Run
from schemas.faults import InputError

INPUTS, LOGIC, AGAIN = "(inputs)", "(program)", "(reperformance)"
SHOWN = 5
#: What a manifest tells of the run that it is about.
TOLD = {"company", "config", "inputs", "logic", "versions"}


def items(report: Report, source: Path | None) -> Sequence[Item]:
    """What comes out again: an answer for the inputs, the program, and each file that the run makes anew."""
    if report.statement is None or not report.is_sound:
        return [Item(AGAIN, UNCHECKED, "the pack isn't whole, so there is nothing to compare with")]
    claimed = report.statement["predicate"]
    if missing := TOLD - claimed.keys():
        return [Item(AGAIN, WRONG, f"the manifest doesn't tell of a run: {min(missing)} is missing")]
    with tempfile.TemporaryDirectory(prefix="tieout-") as folder, zipfile.ZipFile(report.file) as packed:
        place = Path(folder)
        given = placed(packed, claimed, place / "source", source)
        inputs = list(differing_inputs(given, claimed))
        if inputs:
            return [Item(INPUTS, WRONG, f"are others than those of the pack: {', '.join(inputs)}")]
        again = run_again(asked(claimed, given, unpacked_rules(packed, place), place / "out"), place / "out")
        same_inputs = Item(INPUTS, OK, "are those of the pack, by their hashes")
        return [same_inputs, program(claimed), *compared(packed, again, report.statement)]


def placed(packed: zipfile.ZipFile, claimed: Mapping[str, Any], place: Path, source: Path | None) -> Path:
    """The folder to run on: the inputs of the pack, or those that lie elsewhere, under the company's name."""
    names = [name for name in packed.namelist() if name.startswith(provenance.INPUTS)]
    if source is None and not names:
        raise InputError("the pack doesn't hold its inputs. Name the folder that the run read: --source DIR")
    company = str(claimed["company"])
    is_name = Path(company).name == company != ".."
    folder = place / (company if is_name else "company")
    folder.mkdir(parents=True)
    if source is None:
        for name in names:
            unpacked(packed, name, folder / name.removeprefix(provenance.INPUTS))
        return folder
    return named_as(source, folder, company)


def named_as(source: Path, folder: Path, company: str) -> Path:
    """The source, where it holds the company by its name; else the folder, filled with links to its files.

    A folder of tables is a company of its name: inputs that were moved since would be another company.
    """
    found = [each.name for each in storage.companies(source)]
    if company in found or len(found) > 1:
        return source
    for path in source.iterdir():
        (folder / path.name).symlink_to(path.resolve())
    return folder


def unpacked(packed: zipfile.ZipFile, name: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(name) as member, path.open("wb") as file:
        shutil.copyfileobj(member, file, pack.CHUNK)


def unpacked_rules(packed: zipfile.ZipFile, place: Path) -> str | None:
    """The user's own posting rules, as a file; None where there were none."""
    if provenance.OWN_RULES not in packed.namelist():
        return None
    unpacked(packed, provenance.OWN_RULES, place / "own_posting_rules.csv")
    return str(place / "own_posting_rules.csv")


def differing_inputs(source: Path, claimed: Mapping[str, Any]) -> Iterator[str]:
    """The tables that aren't byte for byte those that the pack names."""
    given = storage.input_files(source, claimed["config"]["company"] or claimed["company"])
    wanted = {each["table"]: each["sha256"] for each in claimed["inputs"]}
    for table in sorted(wanted.keys() | given.keys()):
        if table not in given:
            yield f"{table} is missing"
        elif table not in wanted:
            yield f"{table} wasn't among them"
        elif given[table].sha256 != wanted[table]:
            yield f"{table} was changed"


def asked(claimed: Mapping[str, Any], source: Path, own_rules: str | None, out: Path) -> Run:
    """The run that the pack tells of, in other places."""
    told = claimed["config"]
    known = {name: told[name] for name in Run.model_fields if name in told and name not in provenance.PLACES}
    try:
        return Run(**known, source=str(source), posting_rules=own_rules, out=str(out), draft=str(out))
    except ValidationError as fault:
        raise InputError(f"the pack's settings can't be those of a run: {fault.errors()[0]['msg']}") from None


def run_again(run: Run, folder: Path) -> Path:
    """The folder that the same job fills."""
    with console.progress(run.company or "again") as step:
        runs.materialized(runs.PUBLISHING, run, step)
    return folder


def program(claimed: Mapping[str, Any]) -> Item:
    """Whether the run was done again by the same program with the same libraries."""
    now = {"tieout": provenance.logic_digest(), **provenance.versions()}
    then = {"tieout": claimed["logic"]["sha256"], **claimed["versions"]}
    others = [name for name in then if now.get(name) != then[name]]
    if not others:
        return Item(LOGIC, OK, "is the same, down to its libraries")
    return Item(LOGIC, UNCHECKED, f"differs, so bytes may differ where figures don't: {', '.join(others)}")


def compared(packed: zipfile.ZipFile, again: Path, statement: Mapping[str, Any]) -> Iterator[Item]:
    """An answer for each file of the run: the same bytes, the same figures, or what differs."""
    made = {path.relative_to(again).as_posix(): path for path in again.rglob("*") if path.is_file()}
    for subject in statement["subject"]:
        name = subject["name"]
        if name.startswith((provenance.INPUTS, "rules/")) or name in {"config.json", PACK}:
            continue
        if name not in made:
            yield Item(again_of(name), WRONG, "didn't come out again")
        elif pack.measured(name, made[name]).sha256 == subject["digest"]["sha256"]:
            yield Item(again_of(name), OK, "came out again, the same bytes")
        else:
            yield difference(packed, name, made[name])


def again_of(name: str) -> str:
    """What an answer is about that isn't about the member itself."""
    return f"{name} (again)"


def difference(packed: zipfile.ZipFile, name: str, made: Path) -> Item:
    """What differs in a file that came out in other bytes."""
    if name.endswith(".json"):
        before, now = json.loads(packed.read(name)), json.loads(made.read_bytes())
        return figures(name, list(changes("", before, now)))
    if name.endswith(".parquet"):
        with packed.open(name) as member:
            before, now = pl.read_parquet(member), pl.read_parquet(made)
        return figures(name, list(changed_columns(before, now)))
    return Item(again_of(name), UNCHECKED, "came out in other bytes; what it shows stands in the tables")


def figures(name: str, found: Sequence[str]) -> Item:
    if not found:
        return Item(again_of(name), OK, "came out again, the same figures in other bytes")
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return Item(again_of(name), WRONG, f"other figures came out: {'; '.join(found[:SHOWN])}{more}")


def changes(place: str, before: Any, now: Any) -> Iterator[str]:
    """Each value of two JSON texts that differs, by its place."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            yield from changes(f"{place}.{key}".lstrip("."), before.get(key), now.get(key))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from changes(f"{place}[{named(one, number)}]", one, other)
    elif before != now:
        yield f"{place}: {shown(before)} in the pack, {shown(now)} now"


def named(value: Any, number: int) -> str:
    """How people call an element of a list: by what it is about, else by its number."""
    keys = ("account_no", "table", "check", "line")
    return next((str(value[key]) for key in keys if isinstance(value, dict) and value.get(key)), str(number))


def shown(value: Any) -> str:
    return f"{len(value)} entries" if isinstance(value, list | dict) else repr(value)


def changed_columns(before: pl.DataFrame, now: pl.DataFrame) -> Iterator[str]:
    """Each column of a table whose values differ, with its sum where it is of amounts."""
    if before.height != now.height:
        yield f"{before.height} rows in the pack, {now.height} now"
        return
    for name in {**before.schema, **now.schema}:
        if name not in before.columns or name not in now.columns:
            yield f"{name} is a column of one of the two only"
        elif not before[name].equals(now[name]):
            rows = (before[name].cast(pl.String).ne_missing(now[name].cast(pl.String))).sum()
            yield f"{name} in {rows} of {now.height} rows"
