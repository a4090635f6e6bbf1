"""Made companies without an optional table: nothing is found that the table's absence made up."""

import shutil
from pathlib import Path

import pytest

from tests.whole_books import run_books

FJORD = Path(__file__).parent.parent / "assets" / "companies" / "fjord_cycles"


@pytest.mark.parametrize("missing", ["manufacturing_setup", "prod_order_line"])
def test_write_offs_are_told_from_their_lines_where_a_table_is_missing(tmp_path: Path, missing: str) -> None:
    folder = shutil.copytree(FJORD, tmp_path / "fjord_cycles")
    (folder / f"{missing}.csv").unlink()
    whole, partial = run_books(FJORD), run_books(folder)
    assert partial.differences.equals(whole.differences)
    assert partial.tie_outs.equals(whole.tie_outs)
    off = {check["check"]: check["why"] for check in partial.summary["checks_off"]}
    assert missing in off["orders finished without output are known"]
