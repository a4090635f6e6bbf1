"""The pages' own reader: a wrong figure turns a page red, and a slip of the pen is told with its line."""

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests import page
from tests.chain import Chain

CASE = """# A receipt that was never posted
## Given value entries
| entry no. | item ledger entry type | cost amount (actual) |
|----------:|------------------------|---------------------:|
|         1 | Purchase               |               250.00 |
## Expect expected postings
| account role        | account no. |  amount |
|---------------------|------------:|--------:|
| inventory           |        2110 |  250.00 |
| direct_cost_applied |        7291 | -250.00 |
"""


def _page(folder: Path, text: str) -> page.Page:
    path = folder / "case.md"
    path.write_text(text, encoding="utf-8")
    return page.read(path)


def test_a_right_page_is_green(tmp_path: Path) -> None:
    assert not list(Chain(_page(tmp_path, CASE)).mismatches())


def test_a_wrong_figure_turns_the_page_red_and_is_shown_beside_the_right_one(tmp_path: Path) -> None:
    (wrong,) = Chain(_page(tmp_path, CASE.replace("| -250.00", "| -250.01"))).mismatches()

    assert str(wrong).splitlines() == [
        "expected postings (line 6): 1 rows agree, these don't",
        "",
        "|             | account_role        | account_no | amount  |",
        "| ----------- | ------------------- | ---------- | ------- |",
        "| on the page | direct_cost_applied | 7291       | -250.01 |",
        "| came out    | direct_cost_applied | 7291       | -250.00 |",
    ]


def test_a_row_too_few_and_a_row_too_many_turn_the_page_red(tmp_path: Path) -> None:
    last = CASE.splitlines(keepends=True)[-1]

    assert list(Chain(_page(tmp_path, CASE.removesuffix(last))).mismatches())
    assert list(Chain(_page(tmp_path, CASE + last)).mismatches())


@pytest.mark.parametrize(
    ("slip", "message"),
    [
        (("Given value entries", "Given valeu entries"), "case.md:2: no table is called 'valeu entries'"),
        (("Expect expected postings", "Expect wonders"), "case.md:6: nobody computes 'wonders'"),
        (("|        2110 ", ""), "case.md:9: 2 cells under 3 columns"),
        (("# A receipt", "A receipt"), "case.md:1: a page opens with a sentence for a title"),
        (("## Expect ", "## Hope for "), "case.md:6: a heading starts with '## Given ' or '## Expect '"),
    ],
)
def test_a_slip_of_the_pen_is_told_with_its_line(tmp_path: Path, slip: tuple[str, str], message: str) -> None:
    with pytest.raises(page.PageError, match=message):
        _page(tmp_path, CASE.replace(*slip))


def test_an_unknown_column_names_those_that_there_are(tmp_path: Path) -> None:
    case = _page(tmp_path, CASE.replace("account role", "account rule"))

    with pytest.raises(page.PageError, match=r"line 6: .* no column 'account_rule'.*'account_role'"):
        list(Chain(case).mismatches())


def test_amounts_are_told_to_the_cent_and_to_the_last_digit_that_counts() -> None:
    told = [page.told(Decimal(a)) for a in ("30", "30.10000", "-0.00000", "1.00500")]

    assert told == ["30.00", "30.10", "0.00", "1.005"]


def test_rows_are_compared_as_often_as_they_stand_there() -> None:
    table = page.Table("differences", 1, ("cause",), ({"cause": "unposted"}, {"cause": "unposted"}))

    assert page.mismatch(table, pl.DataFrame({"cause": ["unposted", "unposted"]})) is None
    assert page.mismatch(table, pl.DataFrame({"cause": ["unposted"]})) is not None
