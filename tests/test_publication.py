"""A reader of the output folder sees the old run or the new one; a folder that isn't tieout's stays."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import publication
from assets.publication import Results
from schemas.faults import InputError

TIE_OUTS = pl.DataFrame(
    {"account_no": ["2120", "2110", None], "gl": [Decimal("1.50"), Decimal("250.00"), Decimal("-0.05")]},
    {"account_no": pl.String, "gl": pl.Decimal(38, 2)},
)


def results(status: str = "reconciled", seconds: float = 1.0) -> Results:
    return Results({"tie_outs": TIE_OUTS}, {"status": status}, "<html>é</html>", b"PK", {"seconds": seconds})


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def status(out: Path) -> str:
    return str(json.loads((out / "summary.json").read_text())["status"])


def test_a_run_has_these_files(tmp_path: Path) -> None:
    publication.publish(results(), tmp_path / "out")
    names = {"tie_outs.parquet", "tie_outs.csv", "summary.json", "report.html", "workpapers.xlsx"}
    assert set(contents(tmp_path / "out")) == names | {"evidence.zip", "profile.json"}


def test_amounts_are_exact_in_parquet_and_csv(tmp_path: Path) -> None:
    publication.publish(results(), tmp_path / "out")
    assert (tmp_path / "out/tie_outs.csv").read_text() == "account_no,gl\n2120,1.50\n2110,250.00\n,-0.05\n"
    assert pl.read_parquet(tmp_path / "out/tie_outs.parquet").schema["gl"] == pl.Decimal(38, 2)


def test_rows_have_one_order() -> None:
    accounts = ["2110", "2120", None]
    assert publication.arranged("tie_outs", TIE_OUTS)["account_no"].to_list() == accounts
    assert publication.arranged("tie_outs", TIE_OUTS.reverse())["account_no"].to_list() == accounts


def test_the_same_run_gives_the_same_bytes_but_for_the_profile(tmp_path: Path) -> None:
    publication.publish(results(seconds=1.0), tmp_path / "a")
    publication.publish(results(seconds=2.0), tmp_path / "b")
    first, second = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert first.pop("profile.json") != second.pop("profile.json")
    assert first == second


def test_a_new_run_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    for verdict in ("reconciled", "differences"):
        publication.publish(results(verdict), tmp_path / "out")
        assert status(tmp_path / "out") == verdict


def test_a_reader_always_finds_a_whole_run(tmp_path: Path) -> None:
    publication.publish(results("reconciled"), tmp_path / "out")
    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(publish_often, tmp_path / "out")
        seen = set()
        while not publishing.done():
            seen.add(status(tmp_path / "out"))
    assert seen <= {"reconciled", "differences"}


def publish_often(out: Path) -> None:
    for verdict in ("reconciled", "differences") * 10:
        publication.publish(results(verdict), out)


def test_two_writers_take_turns(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(publish_often, [tmp_path / "out"] * 2))
    assert status(tmp_path / "out") == "differences"


def test_a_reader_in_the_old_run_can_finish(tmp_path: Path) -> None:
    publication.publish(results("reconciled"), tmp_path / "out")
    opened = (tmp_path / "out").resolve()
    publication.publish(results("differences"), tmp_path / "out")
    assert status(opened) == "reconciled"


def test_only_the_run_before_is_kept(tmp_path: Path) -> None:
    for verdict in ("reconciled", "differences", "inconclusive", "inconclusive"):
        publication.publish(results(verdict), tmp_path / "out")
    runs = [path for path in (tmp_path / ".out.runs").iterdir() if path.is_dir()]
    assert [status(run) for run in runs] == ["inconclusive", "inconclusive"]


def interrupted(out: Path) -> None:
    with publication.draft(out) as folder:
        publication.write(results("differences"), folder)
        raise KeyboardInterrupt


def test_a_run_that_breaks_off_changes_nothing(tmp_path: Path) -> None:
    publication.publish(results(), tmp_path / "out")
    before = contents(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "out")
    assert contents(tmp_path) == before


def test_the_draft_of_another_process_is_left_alone(tmp_path: Path) -> None:
    with publication.draft(tmp_path / "out") as other:
        publication.publish(results(), tmp_path / "out")
        assert other.is_dir()


def test_a_draft_that_nobody_writes_any_more_is_removed(tmp_path: Path) -> None:
    publication.publish(results(), tmp_path / "out")
    left_over = tmp_path / ".out.runs" / "draft-killed"
    left_over.mkdir()
    publication.publish(results(), tmp_path / "out")
    assert not left_over.exists()


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    publication.publish(results(), tmp_path / "out")
    assert status(tmp_path / "out") == "reconciled"


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    publication.publish(results(), tmp_path / "2026" / "01" / "out")
    assert status(tmp_path / "2026" / "01" / "out") == "reconciled"


def test_a_moved_parent_folder_still_works(tmp_path: Path) -> None:
    publication.publish(results(), tmp_path / "here" / "out")
    (tmp_path / "here").rename(tmp_path / "there")
    assert status(tmp_path / "there" / "out") == "reconciled"
    publication.publish(results("differences"), tmp_path / "there" / "out")
    assert status(tmp_path / "there" / "out") == "differences"


def foreign_folder(out: Path) -> None:
    out.mkdir()
    (out / "thesis.txt").write_text("the only copy")


def foreign_file(out: Path) -> None:
    out.write_text("the only copy")


def foreign_link(out: Path) -> None:
    (out.parent / "elsewhere").mkdir()
    out.symlink_to("elsewhere")


def foreign_runs(out: Path) -> None:
    foreign_folder(out.parent / ".out.runs")


@pytest.mark.parametrize("lay", [foreign_folder, foreign_file, foreign_link, foreign_runs])
def test_what_is_not_ours_is_refused_and_stays(lay: object, tmp_path: Path) -> None:
    assert callable(lay)
    lay(tmp_path / "out")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=r"tieout|is a file"):
        publication.publish(results(), tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == before


def test_the_working_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is the working folder"):
        publication.publish(results(), Path())


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_place_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        publication.publish(results(), tmp_path / "out")


def test_a_safe_company_name_is_its_folder() -> None:
    companies = ["CRONUS USA, Inc.", "Müller & Söhne"]
    assert publication.folder_names(companies) == {company: company for company in companies}


@given(st.lists(st.text(max_size=300), unique=True))
def test_any_names_give_folders_of_their_own_inside_the_run(companies: list[str]) -> None:
    names = publication.folder_names(companies)
    assert len({name.casefold() for name in names.values()}) == len(companies)
    for name in names.values():
        assert Path(name).name == name
        assert name not in {"", ".", "..", "summary.json"}
        assert len(name.encode()) <= 120
