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
ROOMS = ("schemas", "pipelines", "reports", "assets")

# One breach a contract: the file that breaks it, the line that does, the contract that must name it.
BREACHES = {
    "a lower floor reaches up": ("schemas/breach.py", "import pipelines", "floors"),
    "the rendering calculates": ("reports/breach.py", "import pipelines.rules", "floors"),
    "the calculation draws": ("pipelines/breach.py", "import reports", "floors"),
    "the calculation runs assets": ("pipelines/breach.py", "import assets", "floors"),
    "a promise needs a scheduler": ("schemas/breach.py", "import dagster", "schemas"),
    "the calculation needs a scheduler": ("pipelines/breach.py", "import dagster", "pipelines"),
    "the calculation needs pandas": ("pipelines/breach.py", "import pandas", "pipelines"),
    "the rendering needs a scheduler": ("reports/breach.py", "from dagster import asset", "reports"),
    "a step calls a step": ("pipelines/expect.py", "import pipelines.resolve", "steps"),
}


def lint_imports(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The import linter's verdict on the rooms of a folder."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def contracts() -> dict[str, dict[str, Any]]:
    """The import contracts by their id."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {contract["id"]: contract for contract in tables}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The rooms' Python files and their contracts in a folder of their own."""
    for room in ROOMS:
        shutil.copytree(
            ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("*.csv", "*.html", "__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold() -> None:
    verdict = lint_imports(ROOT)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


@pytest.mark.parametrize("breach", BREACHES)
def test_a_planted_import_is_caught(breach: str, copy: Path) -> None:
    file, line, contract = BREACHES[breach]
    with (copy / file).open("a") as module:
        module.write(f"\n{line}\n")
    verdict = lint_imports(copy, "--contract", contract)
    assert verdict.returncode == 1, verdict.stdout + verdict.stderr
    assert "BROKEN" in verdict.stdout


def test_every_contract_has_a_breach() -> None:
    assert set(contracts()) == {contract for _, _, contract in BREACHES.values()}


def test_every_step_is_under_the_contract() -> None:
    steps = {f"pipelines.{file.stem}" for file in (ROOT / "pipelines").glob("[a-z]*.py")} - {"pipelines.rules"}
    assert set(contracts()["steps"]["modules"]) == steps


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_the_one_in_this_checkout(room: str) -> None:
    file = importlib.import_module(room).__file__
    assert file is not None
    assert Path(file).is_relative_to(ROOT)
    assert (ROOT / room / "py.typed").exists()
