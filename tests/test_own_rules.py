"""A user's own posting rules: which rows are refused, with file, line and what to do; and a run with them."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from assets import config, own_rules, reconciliation
from assets.cli import app
from pipelines import rules
from schemas.faults import InputError

HEADER = (
    "rule_id,item_ledger_entry_type,entry_type,variance_type,cost_kind,order_type,condition,outcome,"
    "first_role,second_role,source"
)
SALE = "sale-direct-cost-actual,Sale,Direct Cost,any,actual,any,any,posted,inventory,purchase_variance,ext 1"


def written(folder: Path, *rows: str, header: str = HEADER) -> Path:
    file = folder / "my_rules.csv"
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return file


REFUSED: dict[str, tuple[str, str]] = {
    "a row that fits beside a shipped one": (
        "mine,Sale,Direct Cost,any,actual,Assembly,any,posted,inventory,cogs_interim,ext 1",
        "my_rules.csv:2: two rules fit Sale / Direct Cost / actual (Assembly, mfg_inc_non_inv_cost=yes): "
        "'mine' and 'sale-direct-cost-actual' (shipped). Give the row the rule_id 'sale-direct-cost-actual' "
        "to replace it, or the same key, or a narrower condition.",
    ),
    "a row that leaves a gap": (
        SALE.replace("actual,any,any", "actual,Assembly,any"),
        "my_rules.csv:2: no rule fits Sale / Direct Cost / actual (not Assembly, mfg_inc_non_inv_cost=yes) "
        "any more: 'sale-direct-cost-actual' was about more than the row in its place. Add a row for "
        "the rest.",
    ),
    "no source": (
        SALE.replace("ext 1", ""),
        "my_rules.csv:2: source is blank. Say where the rule comes from: the report prints it.",
    ),
    "no id": (SALE.replace("sale-direct-cost-actual", ""), "my_rules.csv:2: rule_id is blank."),
    "an unknown role": (SALE.replace("purchase_variance", "bank"), "my_rules.csv:2: role 'bank' is unknown."),
    "one role twice": (
        SALE.replace("purchase_variance", "inventory"),
        "my_rules.csv:2: both roles are 'inventory'. A line needs a balancing account.",
    ),
    "roles of a rule that posts nothing": (
        SALE.replace("posted", "ignored"),
        "my_rules.csv:2: a rule that is ignored has no roles. Leave both blank.",
    ),
    "an unknown entry type": (SALE.replace("Sale,", "Sales,"), "item_ledger_entry_type 'Sales' is unknown."),
    "an unknown outcome": (SALE.replace("posted", "booked"), "my_rules.csv:2: outcome 'booked' is unknown."),
    "a condition of another kind": (
        SALE.replace("any,any,posted", "any,wip_writeoff=yes,posted"),
        "my_rules.csv:2: condition 'wip_writeoff=yes' doesn't go with cost kind 'actual'. Use any or one of",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_row_that_can_not_be_used_is_refused_with_its_place(case: str, tmp_path: Path) -> None:
    row, message = REFUSED[case]
    with pytest.raises(InputError) as fault:
        own_rules.posting_rules(written(tmp_path, row))
    assert message in str(fault.value)


def test_the_second_row_of_an_id_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"my_rules\.csv:3: 'sale-direct-cost-actual' stands twice"):
        own_rules.posting_rules(written(tmp_path, SALE, SALE))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"my_rules\.csv: column 'source' is missing"):
        own_rules.posting_rules(written(tmp_path, SALE[:-6], header=HEADER.removesuffix(",source")))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: there is no such file"):
        own_rules.posting_rules(tmp_path / "none.csv")


def test_a_rule_may_be_split_in_two_that_cover_it(tmp_path: Path) -> None:
    apart = [
        SALE.replace("actual,any,any", "actual,not Assembly,any"),
        SALE.replace("sale-direct-cost-actual", "mine").replace("actual,any,any", "actual,Assembly,any"),
    ]
    found = own_rules.posting_rules(written(tmp_path, *apart))
    assert found.height == rules.posting_rules().height + 1
    assert rules.rule_changes(found)["rule_id"].to_list() == ["mine", "sale-direct-cost-actual"]


def test_without_own_rows_nothing_is_changed() -> None:
    assert own_rules.posting_rules(None).equals(rules.posting_rules())
    assert rules.rule_changes(rules.posting_rules()).is_empty()


def test_a_run_prints_the_rules_that_the_user_changed(tmp_path: Path) -> None:
    written(tmp_path, SALE)
    source = reconciliation.demo_companies() / "harbour_ceramics"
    file = tmp_path / "tieout.toml"
    file.write_text(
        f'[source]\npath = "{source}"\n[run]\nout = "out"\n[rules]\nposting_rules = "my_rules.csv"\n',
        encoding="utf-8",
    )
    assert config.assignment(config.read(file)).posting_rules == tmp_path / "my_rules.csv"
    result = CliRunner().invoke(app, ["run", str(file)])
    assert result.exit_code == 1, result.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert [(change["rule_id"], change["source"]) for change in summary["rules_changed"]] == [
        ("sale-direct-cost-actual", "ext 1")
    ]
    note = "The user changed the posting rule sale-direct-cost-actual"
    assert note in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    postings = pl.read_parquet(tmp_path / "out" / "expected_postings.parquet")
    of_rule = postings.filter(pl.col("rule_id") == "sale-direct-cost-actual")
    assert set(of_rule["account_role"]) == {"inventory", "purchase_variance"}
