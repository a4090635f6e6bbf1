"""The rooms: who may import whom holds as `pyproject.toml` says, and a planted breach of each is caught."""

import importlib
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
# The reader of the rule tables, and a part of explain that only it knows.
NO_STEPS = {"pipelines.rules", "pipelines.corrections", "pipelines.sentences"}
ROOMS = ("schemas", "pipelines", "reports", "assets")

# Who imports what, and the contract that it breaks.
BREACHES = {
    ("schemas.breach", "pipelines"): "floors",
    ("reports.breach", "pipelines.rules"): "floors",
    ("pipelines.breach", "reports"): "floors",
    ("pipelines.breach", "assets"): "floors",
    ("schemas.breach", "dagster"): "schemas",
    ("pipelines.breach", "dagster"): "pipelines",
    ("pipelines.breach", "great_expectations"): "pipelines",
    ("pipelines.breach", "pandas"): "pipelines",
    ("pipelines.breach", "plotly"): "pipelines",
    ("pipelines.breach", "xlsxwriter"): "pipelines",
    ("reports.breach", "dagster"): "reports",
    ("pipelines.expect", "pipelines.resolve"): "steps",
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """The import linter's verdict on the rooms of a folder."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def contracts() -> dict[str, dict[str, Any]]:
    """The import contracts by their id."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {contract["id"]: contract for contract in tables}


@pytest.fixture(scope="module")
def verdict_on_breaches(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy of the rooms in which every breach is planted."""
    copy = tmp_path_factory.mktemp("rooms")
    for room in ROOMS:
        code_only = shutil.ignore_patterns("*.csv", "*.html", "__pycache__")
        shutil.copytree(ROOT / room, copy / room, ignore=code_only)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for importer, imported in BREACHES:
        with (copy / importer.replace(".", "/")).with_suffix(".py").open("a") as module:
            module.write(f"\nimport {imported}\n")
    verdict = lint_imports(copy)
    assert verdict.returncode == 1, verdict.stdout + verdict.stderr
    return verdict.stdout


def test_the_contracts_hold() -> None:
    verdict = lint_imports(ROOT)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


@pytest.mark.parametrize(("importer", "imported"), BREACHES)
def test_a_planted_import_is_caught(importer: str, imported: str, verdict_on_breaches: str) -> None:
    assert f"{importer} -> {imported} (" in verdict_on_breaches


@pytest.mark.parametrize("contract", contracts())
def test_a_contract_that_is_breached_says_so(contract: str, verdict_on_breaches: str) -> None:
    assert contract in BREACHES.values()
    one_line = " ".join(verdict_on_breaches.split())
    assert f"{contracts()[contract]['name']} BROKEN" in one_line


def test_every_step_is_under_the_contract() -> None:
    modules = {f"pipelines.{file.stem}" for file in (ROOT / "pipelines").glob("[a-z]*.py")}
    assert set(contracts()["steps"]["modules"]) == modules - NO_STEPS


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_the_one_in_this_checkout(room: str) -> None:
    file = importlib.import_module(room).__file__
    assert file is not None
    assert Path(file).is_relative_to(ROOT)
    assert (ROOT / room / "py.typed").exists()
