"""What is proposed puts its finding right: applied to the tables, which are then tied out again."""

import csv
import io

import polars as pl
import pytest

from assets import reconciliation, storage
from pipelines import apply, foresee, rules
from reports import journal
from schemas import marts
from schemas.bc import Extract
from tests.chain import Chain
from tests.made import random_books
from tests.small_books import disturbed, edited, rolled, tied_out
from tests.test_canaries import CAUSES, SEED, SETUP_PROBLEMS, Plant

MADE = ("fjord_cycles", "harbour_ceramics")
DISTURBED_SEEDS = range(300, 306)


class Applied:
    """The books after proposals, beside the books before."""

    def __init__(self, given: Extract, before: Chain, proposals: pl.DataFrame) -> None:
        day = apply.as_of(before["books"], proposals)
        completed = apply.with_setup(given, proposals)
        ready = tied_out(completed, as_of=day)
        posted = apply.posted(completed, ready["expected_postings"], ready["books"], proposals)
        self.after = tied_out(apply.journalled(posted, proposals), as_of=day)
        found = (tied_out(given, as_of=day)["differences"], self.after["differences"])
        self.proposals = foresee.outcomes(proposals, *found)
        self.side_effects = foresee.side_effects(proposals, *found)

    @property
    def left(self) -> list[tuple[object, ...]]:
        """What stays although it was acted on, and what appeared."""
        stays = self.proposals.filter(pl.col("outcome") == "stays").select("cause", "finding_id").rows()
        return stays + self.side_effects.select("cause", "effect").rows()


def acts(books: Chain) -> pl.DataFrame:
    proposals: pl.DataFrame = books["proposals"]
    return proposals.filter(pl.col("action") != "support")


def test_every_cause_has_a_row_that_says_what_puts_it_right() -> None:
    assert set(rules.proposal_rules()["cause"]) == set(marts.CAUSES)


def test_a_journal_is_proposed_only_where_the_remedy_is_one() -> None:
    """The remedies say so in their own words."""
    journals = rules.proposal_rules().filter(pl.col("action") == "journal")["cause"]
    for cause in journals:
        words = " ".join(rules.remedies().filter(pl.col("cause") == cause)["remedy"]).lower()
        assert any(word in words for word in ("journal", "reclassify", "book")), cause


@pytest.mark.parametrize("cause", [cause for cause in CAUSES if cause != "unclassified"])
def test_what_is_proposed_for_a_cause_puts_it_right(cause: str) -> None:
    given = CAUSES[cause](rolled(SEED))
    before = tied_out(given)
    found = before["differences"].filter(
        (pl.col("cause") == cause) & (pl.col("severity") != "info") & pl.col("settlement_id").is_null()
    )
    action = rules.proposal_rules().filter(pl.col("cause") == cause)["action"][0]
    proposals = before["proposals"].join(found, on="finding_id", how="semi")
    if action == "none":
        assert proposals.is_empty()
        return
    assert set(proposals["finding_id"]) == set(found["finding_id"])
    applied = Applied(given, before, acts(before).join(found, on="finding_id", how="semi"))
    assert applied.left == []


@pytest.mark.parametrize("problem", SETUP_PROBLEMS)
def test_a_setup_that_stops_the_posting_is_completed(problem: str) -> None:
    plant: Plant = SETUP_PROBLEMS[problem]
    given = plant(rolled(SEED))
    before = tied_out(given)
    proposals = acts(before).filter(pl.col("action") == "complete_setup")
    assert proposals.height
    chosen = proposals.with_columns(pl.col("setup_value").fill_null("14300"))
    assert Applied(given, before, chosen).left == []


@pytest.mark.parametrize("company", MADE)
def test_all_proposals_of_a_made_company_together_put_right_what_can_be(company: str) -> None:
    given = storage.read_company(reconciliation.demo_companies(), company)
    before = tied_out(given)
    applied = Applied(given, before, acts(before))
    assert applied.left == []
    errors = applied.after["differences"].filter(pl.col("severity") == "error")
    supported = before["proposals"].filter(pl.col("action") == "support")
    assert set(errors["finding_id"]) <= set(supported["finding_id"])


def test_each_proposal_of_a_made_company_alone_changes_nothing_else() -> None:
    given = storage.read_company(reconciliation.demo_companies(), "harbour_ceramics")
    before = tied_out(given)
    for proposal in acts(before).partition_by("proposal_id"):
        assert Applied(given, before, proposal).left == []


@pytest.mark.parametrize("seed", DISTURBED_SEEDS)
def test_proposals_for_random_faults_put_them_right(seed: int) -> None:
    given = disturbed(seed)
    before = tied_out(given)
    applied = Applied(given, before, acts(before))
    assert applied.left == [], random_books.books(seed, 3).disturbances


@pytest.mark.parametrize("seed", DISTURBED_SEEDS)
def test_every_open_finding_with_a_remedy_has_a_proposal_and_no_other_has(seed: int) -> None:
    before = tied_out(disturbed(seed))
    is_open = (pl.col("severity") != "info") & pl.col("settlement_id").is_null()
    nothing = rules.proposal_rules().filter(pl.col("action") == "none")["cause"].implode()
    asked = before["differences"].filter(is_open & ~pl.col("cause").is_in(nothing))
    assert set(before["proposals"]["finding_id"]) == set(asked["finding_id"])


def test_a_wrong_journal_settles_nothing() -> None:
    """The canary of all of the above: twice the amount, and the finding stays."""
    given = CAUSES["posted_without_gl"](rolled(SEED))
    before = tied_out(given)
    doubled = acts(before).with_columns(pl.col("amount") * 2)
    assert {cause for cause, _ in Applied(given, before, doubled).left} >= {"posted_without_gl"}


# The import file


def lines_of(given: Extract, books: Chain) -> list[dict[str, str]]:
    sets = given.tables.get("dimension_set_entry")
    content = journal.import_file(books["proposals"], sets, given.scale, "GENERAL", "TIEOUT")
    return list(csv.DictReader(io.StringIO(content)))


def test_the_import_file_has_the_captions_of_the_general_journal_and_balances() -> None:
    given = storage.read_company(reconciliation.demo_companies(), "harbour_ceramics")
    lines = lines_of(given, tied_out(given))
    assert list(lines[0])[: len(journal.COLUMNS)] == list(journal.COLUMNS)
    told = [(line["Line No."], line["Account No."], line["Amount"]) for line in lines]
    assert told == [
        ("10000", "14150", "-10.00"),
        ("20000", "24500", "10.00"),
        ("30000", "14150", "6.25"),
        ("40000", "67000", "-6.25"),
    ]


def test_a_text_in_the_import_file_starts_no_formula() -> None:
    given = CAUSES["direct_posting"](rolled(SEED))
    live = edited(given, "gl_entry", pl.lit(True), gl_account_no=pl.lit("=") + pl.col("gl_account_no"))
    setups = ("inventory_posting_setup", "general_posting_setup")
    for setup in setups:
        accounts = [c for c in live.tables[setup].columns if "acc" in c]
        live = edited(live, setup, pl.lit(True), **{c: pl.lit("=") + pl.col(c) for c in accounts})
    lines = lines_of(live, tied_out(live))
    assert lines
    assert all(line["Account No."].startswith("'=") for line in lines)


def test_the_import_file_names_the_dimensions_of_each_line() -> None:
    given = storage.read_company(reconciliation.demo_companies(), "fjord_cycles")
    lines = lines_of(given, tied_out(given))
    workshop = {line["Account No."] for line in lines if line["DEPARTMENT"] == "WORKSHOP"}
    assert workshop == {"14500", "14510"}
