"""Clearing items of whole books: they sum to the G/L, nothing stands for itself where nobody posted directly,
and what a company's story ends with isn't stale.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from schemas.bc import Extract
from schemas.ledger import CLEARING_ROLES
from tests import laws
from tests import test_opening as opening
from tests.chain import Chain
from tests.made.companies import COMPANIES
from tests.made.ledger import TABLES
from tests.made.write import plain_rows
from tests.small_books import added, changed, extract, outcome, rolled, tied_out
from tests.test_cronus_usa import CRONUS

CLEARING_LAWS = (
    laws.clearing_items_sum_to_the_ledger,
    laws.clearing_lines_are_all_in_the_matches,
    laws.clearing_items_stand_once_and_are_open,
    laws.only_lines_of_journals_explain_themselves,
    laws.accruals_are_what_the_switch_keeps_out,
)
SEED = 266  # posted automatically, with expected cost and production
DIRECT = "direct_posting"


def made(company: str, is_clean: bool, method: str = "mixed") -> Chain:
    ledger, _ = COMPANIES[company](is_clean, method)
    return tied_out(extract({name: plain_rows(ledger, name) for name in TABLES}, company))


def own_lines(books: Chain) -> set[int]:
    """The G/L lines that stand for themselves."""
    items = books["clearing_items"].filter(pl.col("item_key").str.starts_with("gl:"))
    return {int(key.removeprefix("gl:")) for key in items["item_key"]}


def direct_lines(books: Chain) -> set[int]:
    return set(books["differences"].filter(pl.col("cause") == DIRECT)["gl_entry_no"])


@pytest.mark.parametrize("company", COMPANIES)
@pytest.mark.parametrize("method", ["mixed", "entry", "group"])
def test_items_of_a_clean_company_foot_and_none_is_a_finding(company: str, method: str) -> None:
    """However its entries were posted; its story ends with receipts and orders of the last weeks open.

    An order that was given up keeps the overhead that was posted before: finished orders are no finding here.
    """
    books = made(company, True, method)
    assert [law(books).rows() for law in CLEARING_LAWS] == [[] for _ in CLEARING_LAWS]
    assert own_lines(books) == set()
    assert books["clearing_findings"].rows() == []
    stale = books["clearing_items"].filter("stale")
    assert set(stale["account_role"]) <= {"wip"}
    assert books["clearing_items"].height > stale.height


@pytest.mark.parametrize("company", COMPANIES)
def test_items_of_a_company_with_faults_foot_and_only_direct_postings_stand_alone(company: str) -> None:
    books = made(company, False)
    assert [law(books).rows() for law in CLEARING_LAWS] == [[] for _ in CLEARING_LAWS]
    assert own_lines(books) <= direct_lines(books)
    assert "stale_clearing" not in books["summary"]["causes"]


def test_the_accrual_of_cronus_usa_is_what_its_switch_keeps_out() -> None:
    """24 item ledger entries; the amount is that of the findings, told by the origin's README."""
    from assets.storage import read_company

    books = tied_out(read_company(CRONUS))
    assert books["accrual_proposals"]["amount"].sum() == sum_of_findings(books)
    assert books["accrual_proposals"].height == 24
    assert [law(books).rows() for law in CLEARING_LAWS] == [[] for _ in CLEARING_LAWS]


def sum_of_findings(books: Chain) -> Decimal:
    told = books["differences"].filter(pl.col("cause") == "expected_cost_off")
    return Decimal(told["expected_amount"].sum())


@pytest.mark.parametrize("account", ["53000", "55000", "54000", "52000"])
def test_any_account_that_the_user_names_foots(account: str) -> None:
    """A balancing account too: its lines stand by document, whatever became of them."""
    books = tied_out(rolled(SEED), clearing_accounts={account: "watched"})
    items = books["clearing_items"].filter(pl.col("account_no") == account)
    gl = books["tie_outs"].filter(pl.col("account_no") == account)["gl"].sum()
    assert items["balance"].sum() == gl
    assert set(items["account_role"]) <= {"watched"}


def test_an_account_without_a_role_is_tied_out_when_the_user_names_it() -> None:
    given = rolled(SEED)
    free = next(a for a in given.tables["gl_entry"]["gl_account_no"].unique().sort() if not has_role(a))
    named = tied_out(given, clearing_accounts={free: "bridging"})
    assert free in set(named["tie_outs"]["account_no"])
    assert free not in set(outcome(SEED)["tie_outs"]["account_no"])
    assert laws.broken(named) == {}


def has_role(account_no: str) -> bool:
    return account_no in set(outcome(SEED)["tie_outs"]["account_no"])


def journal(given: Extract, *lines: tuple[str, str, str]) -> Extract:
    """Journal lines at the end of the ledger: account, amount, document number."""
    last = given.tables["gl_entry"]["entry_no"].max()
    assert isinstance(last, int)
    for number, (account, amount, document) in enumerate(lines, last + 1):
        row: dict[str, Any] = {
            "entry_no": number, "gl_account_no": account, "amount": Decimal(amount), "document_no": document,
            "posting_date": date(2025, 2, 1), "source_code": "GENJNL", "description": "", "source_no": "",
            "additional_currency_amount": Decimal(0), "dimension_set_id": 0, "user_id": "",
        }  # fmt: skip
        given = added(given, "gl_entry", **row)
    return given


@pytest.mark.parametrize("seed", [0, 1, 3, 6])
def test_direct_postings_stand_alone_and_the_rest_stays_as_it_was(seed: int) -> None:
    books = outcome(seed)
    account = books["clearing_items"]["account_no"][0]
    posted = tied_out(journal(rolled(seed), (account, "12.34", "X1"), ("9999", "-12.34", "X1")))
    alone = posted["clearing_items"].join(books["clearing_items"], on=["account_no", "item_key"], how="anti")
    assert alone.select("account_no", "document_no", "balance").rows() == [(account, "X1", Decimal("12.34"))]
    assert own_lines(posted) == direct_lines(posted)


def test_a_journal_that_is_taken_back_leaves_no_item() -> None:
    account = outcome(SEED)["clearing_items"]["account_no"][0]
    lines = ((account, "12.34", "X1"), (account, "-12.34", "X2"))
    posted = tied_out(journal(rolled(SEED), *lines))
    assert posted["clearing_items"].height == outcome(SEED)["clearing_items"].height
    told = posted["clearing_matches"].filter(pl.col("rule_id") == "one_to_one")
    assert told.select("account_no", "items", "closed_items", "lines").rows() == [(account, 1, 1, 2)]


def test_the_same_lines_in_another_order_match_the_same() -> None:
    account = outcome(SEED)["clearing_items"]["account_no"][0]
    amounts = ("10.00", "-4.00", "-6.00", "7.00", "-7.00", "10.00", "-10.03", "1.00")
    lines = [(account, amount, f"X{number}") for number, amount in enumerate(amounts)]
    books = journal(rolled(SEED), *lines)
    shuffled = changed(books, gl_entry=books.tables["gl_entry"].sample(fraction=1, shuffle=True, seed=3))
    first, second = tied_out(books), tied_out(shuffled)
    for noun in ("clearing_items", "clearing_matches"):
        assert first[noun].equals(second[noun])


def test_every_role_that_is_cleared_has_items_somewhere() -> None:
    roles = {role for seed in (0, 1, 3, 6) for role in outcome(seed)["clearing_items"]["account_role"]}
    assert roles == set(CLEARING_ROLES)


@pytest.mark.parametrize(("company", "month"), [("harbour_ceramics", 2), ("fjord_cycles", 9)])
def test_after_a_cut_over_later_items_are_those_of_the_whole_history(company: str, month: int) -> None:
    """What began before lies in one item of each account, with the balance that its own items have."""
    item = ("account_no", "item_key", "balance", "opened_on", "stale")
    cut, history = tied_out(opening.cut(company, month)), opening.whole(company)
    is_carried = pl.col("item_key") == "doc:opening balance"
    later = cut["clearing_items"].filter(~is_carried).select(item)
    assert later.join(history["clearing_items"].select(item), on=item, how="anti").rows() == []
    assert [law(cut).rows() for law in CLEARING_LAWS] == [[] for _ in CLEARING_LAWS]
    assert cut["clearing_findings"].rows() == []
