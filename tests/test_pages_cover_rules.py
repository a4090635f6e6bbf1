"""Every rule row is used by a case page; ``tests/mutate_rules.py`` shows that a change of each is noticed."""

from collections.abc import Iterator

import polars as pl

from pipelines import rules
from schemas.marts import CAUSES
from tests import chain, page

#: ``unclassified`` labels a difference that no cause explains: no page can plant it on purpose.
NEVER_PLANTED = {"unclassified"}


def test_every_posting_rule_is_used() -> None:
    used = {rule for path in page.paths() for rule in chain.of(path)["postings"]["rule_id"].drop_nulls()}

    assert sorted(set(rules.posting_rules()["rule_id"]) - used) == []


def test_every_account_role_is_expected() -> None:
    assert sorted(set(rules.account_roles()["account_role"]) - set(_expected("account_role"))) == []


def test_every_cause_is_expected() -> None:
    assert sorted(set(rules.causes()["cause"]) - set(_expected("cause")) - NEVER_PLANTED) == []


def test_every_matching_rule_is_expected() -> None:
    kinds = pl.col("kind").is_in(["document", "item_document", "settled", "amount", "lineage"])
    assert sorted(set(rules.matching_rules().filter(kinds)["rule_id"]) - set(_expected("rule_id"))) == []


def test_every_stock_check_hits_on_some_page() -> None:
    hit = {
        key.split(" ")[0]
        for path in page.paths()
        for key in chain.of(path)["stock_findings"]["finding_key"].unique()
    }
    checks = {check.split(".")[0] for check in rules.stock_checks()["stock_check"]}

    assert sorted(checks - hit) == []


def test_every_cell_of_the_matrix_is_expected() -> None:
    formulas = rules.matrix_formulas().filter(pl.col("column") != "by counter-account")
    cells = set(formulas.select("view", "row", "column").iter_rows())

    assert sorted(cells - set(_cells_of_the_matrix())) == []


def test_every_warning_of_the_page_is_expected() -> None:
    told = " ".join(_expected("warning"))

    tested = rules.matrix_warnings().filter(pl.col("bc_test") != "")["warning"]
    assert [warning for warning in tested if warning not in told] == []


def test_every_cause_has_a_warning() -> None:
    assert sorted(set(CAUSES) - set(rules.matrix_warnings()["cause"])) == []


def _cells_of_the_matrix() -> Iterator[tuple[str, str, str]]:
    """The cells that some page expects to hold an amount."""
    for path in page.paths():
        for table in (t for t in page.read(path).expected if t.noun == "bc matrix"):
            for row in table.rows:
                filled = (column for column, cell in row.items() if cell not in ("", "0.00"))
                yield from ((row["view"], row["row"], column) for column in filled)


def _expected(column: str) -> Iterator[str]:
    for path in page.paths():
        for table in page.read(path).expected:
            yield from (row[column] for row in table.rows if column in row)
