"""What a run rests on beside its tables: settings, rule tables, the program and its versions, the inputs.

Here: where these are found. Not here: what the figures say of themselves (``pipelines.attest``), the pack.
"""

import hashlib
import platform
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from assets import storage
from assets.evidence.pack import Content, Evidence, as_text
from assets.run import Run
from schemas.faults import InputError

ROOMS = ("assets", "pipelines", "reports", "schemas")
#: Folders of the rooms that don't say how a figure is made: the demo's data, and what Python keeps.
NO_LOGIC = {"companies", "__pycache__"}
#: What tieout itself asks for: a name here and its version in each pack.
PACKAGES = (
    "cryptography", "dagster", "dagster-webserver", "great-expectations", "jinja2", "pandera", "plotly",
    "polars", "pyarrow", "pydantic", "rich", "typer", "xlsxwriter",
)  # fmt: skip
#: Settings that say where, not what.
PLACES = frozenset({"source", "out", "months", "draft", "posting_rules", "sign_key", "with_inputs"})
OWN_RULES = "rules/own_posting_rules.csv"
INPUTS = "inputs/"


def evidence(run: Run, claims: Mapping[str, Any]) -> Evidence:
    """All that a run's pack holds beside the run's files."""
    told = {"logic": logic(), "versions": versions(), "config": config(run), **claims}
    given = inputs(run, {i["table"]: i["sha256"] for i in claims["inputs"]}) if run.with_inputs else {}
    contents = {"config.json": as_text(config(run)), **rule_tables(run), **given}
    return Evidence(told, contents, None if run.sign_key is None else Path(run.sign_key))


def config(run: Run) -> Mapping[str, Any]:
    """The settings of the run as they were given; places aren't among them, they change no figure."""
    return {name: getattr(run, name) for name in sorted(type(run).model_fields) if name not in PLACES}


def logic() -> Mapping[str, str]:
    """Which program it was: its version, and a hash over all its modules, rule tables and templates."""
    return {"version": version(), "sha256": logic_digest()}


def version() -> str:
    try:
        return metadata.version("tieout")
    except metadata.PackageNotFoundError:  # run from a checkout: the hash tells which
        return "not installed"


@cache
def logic_digest() -> str:
    digest = hashlib.sha256()
    for name, file in sorted(_modules()):
        digest.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _modules() -> Iterator[tuple[str, Traversable]]:
    for room in ROOMS:
        yield from _files_in(files(room), room)


def _files_in(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for child in folder.iterdir():
        if child.is_dir():
            yield from () if child.name in NO_LOGIC else _files_in(child, f"{name}/{child.name}")
        else:
            yield f"{name}/{child.name}", child


def versions() -> Mapping[str, str]:
    """Python's version and those of the packages that tieout asks for."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def rule_tables(run: Run) -> Mapping[str, Content]:
    """The rule tables that ship, and the user's own rows where there are any."""
    tables = files("pipelines").joinpath("tables")
    shipped = {f"rules/{t.name}": t.read_bytes() for t in tables.iterdir() if t.name.endswith(".csv")}
    own = {} if run.posting_rules is None else {OWN_RULES: Path(run.posting_rules).read_bytes()}
    return shipped | own


def inputs(run: Run, hashes: Mapping[str, str]) -> Mapping[str, Content]:
    """The files that the run read, by their place in the source; an error when one was changed since."""
    contents: dict[str, Content] = {}
    for table, given in storage.input_files(Path(run.source), run.company).items():
        if given.sha256 != hashes.get(table):
            raise InputError(f"{given.path}: was changed while the run was under way. Run it again.")
        contents |= {f"{INPUTS}{place}": file for place, file in given.files.items()}
    return contents
