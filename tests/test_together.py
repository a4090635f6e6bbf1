"""Several companies at one time: the results are those of one after another, and no process is waited for in
vain.
"""

import os
import shutil
from pathlib import Path

from typer.testing import CliRunner

from assets import cli, reconciliation, together

SMALL = reconciliation.demo_companies() / "harbour_ceramics"


def files(out: Path) -> dict[str, bytes]:
    """All that is published, except how long it took."""
    found = (path for path in out.rglob("*") if path.is_file() and path.name != "profile.json")
    return {str(path.relative_to(out)): path.read_bytes() for path in found}


def test_results_come_in_order() -> None:
    assert together.each(pow, [(2, 5), (3, 2), (2, 3)], 2, lost=pow) == [32, 9, 8]


def test_a_process_that_is_ended_twice_from_outside_is_told() -> None:
    assert together.each(os._exit, [(9,), (9,)], 2, lost="lost {}".format) == ["lost 9", "lost 9"]


def ended_once(number: int, trace: Path) -> int:
    """Ends its process the first time that anybody calls it."""
    if not trace.exists():
        trace.touch()
        os._exit(9)
    return number


def test_a_process_that_is_ended_once_costs_a_repetition_and_nothing_else(tmp_path: Path) -> None:
    arguments = [(number, tmp_path / "trace") for number in range(5)]
    assert together.each(ended_once, arguments, 2, lost=repr) == [0, 1, 2, 3, 4]


def test_two_companies_at_one_time_give_the_same_files_to_the_byte(tmp_path: Path) -> None:
    for name in ("north", "south"):
        shutil.copytree(SMALL, tmp_path / "exports" / name)
    for jobs in ("1", "2"):
        arguments = [
            "run",
            "--source",
            str(tmp_path / "exports"),
            "--out",
            str(tmp_path / jobs),
            "--jobs",
            jobs,
        ]
        assert CliRunner().invoke(cli.app, arguments).exit_code == 1
    one_by_one, together_ = files(tmp_path / "1"), files(tmp_path / "2")
    assert len(one_by_one) > 50
    assert together_ == one_by_one
