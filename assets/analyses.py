"""The further marts: what the tie-out's figures say beyond the verdict.

Here: the order of the steps. Not here: any arithmetic (``pipelines``), and what the verdict rests on
(``tie_outs``).
"""

import dagster as dg
import polars as pl

from assets.run import Run
from pipelines import (
    accrue,
    agree,
    attribute,
    match,
    matrix,
    posttest,
    propose,
    rebook,
    roll,
    rules,
    setup_advice,
    setup_history,
    trace,
    value,
    wip,
)
from pipelines import reconciliations as further
from pipelines import setup_needs as lacking
from pipelines.sources import bc_stated
from schemas.bc import Extract
from schemas.ledger import Books, Excerpt
from schemas.limits import PostingLimits

GROUP = "analysis"


@dg.asset(group_name=GROUP, kinds={"polars"})
def findings_to_correct(differences: pl.DataFrame) -> pl.DataFrame:
    """The errors and warnings that are open, with what their cause asks for."""
    return propose.findings_to_correct(differences, rules.proposal_rules())


@dg.asset(group_name=GROUP, kinds={"polars"})
def setup_needs(expected_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """What the posting setup lacks before open lines can be posted."""
    return lacking.setup_needs(expected_postings, books, rules.account_roles())


@dg.asset(group_name=GROUP, kinds={"polars"})
def correction_journals(
    findings_to_correct: pl.DataFrame, account_scope: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """The lines of the journals that put findings right."""
    return rebook.correction_journals(findings_to_correct, account_scope, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def proposals(
    findings_to_correct: pl.DataFrame,
    setup_needs: pl.DataFrame,
    correction_journals: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """What would put each finding right: a job, a setup field, a balanced journal. Nothing is posted."""
    return propose.proposals(findings_to_correct, setup_needs, correction_journals, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def roll_forward(
    run: Run,
    remaining_postings: pl.DataFrame,
    agreed_totals: pl.DataFrame,
    activity: pl.DataFrame,
    tie_outs: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """Per account what stood there when the period began, what moved it and what stands there now."""
    return roll.roll_forward(remaining_postings, agreed_totals, activity, tie_outs, books, run.settings())


@dg.asset(group_name=GROUP, kinds={"polars"})
def reconciliations(
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    agreed_lines: pl.DataFrame,
    activity: pl.DataFrame,
    differences: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """Further reconciliations of the two ledgers: dates, interim accounts, purchases, projects, variances."""
    return further.results(
        remaining_postings,
        remaining_pieces,
        agreed_lines,
        activity,
        differences,
        books,
        rules.reconciliations(),
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def post_test(expected_postings: pl.DataFrame, books: Books, posting_limits: PostingLimits) -> pl.DataFrame:
    """What would stop the batch job, or be skipped by it, for everything not yet posted."""
    return posttest.post_test(expected_postings, books, posting_limits, rules.setup_messages())


@dg.asset(group_name=GROUP, kinds={"polars"})
def agreed_parts(
    agreed_lines: pl.DataFrame,
    remaining_postings: pl.DataFrame,
    activity: pl.DataFrame,
    entry_items: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """The agreed lines summed over value entries that no view of the tie-outs tells apart."""
    return agree.agreed_parts(agreed_lines, remaining_postings, activity, entry_items, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def attributed_lines(
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    agreed_parts: pl.DataFrame,
    activity: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """Every amount of the tie-outs with the account role and the value entry that it belongs to."""
    return attribute.attributed_lines(
        remaining_postings, remaining_pieces, agreed_parts, activity, account_scope, books
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def entry_items(books: Books) -> pl.DataFrame:
    """The item and location of each value entry; capacity belongs to the item that it helped to produce."""
    return attribute.entry_items(books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def valuation(attributed_lines: pl.DataFrame, remaining_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Stock by item and location, to be laid beside Business Central's Inventory Valuation report."""
    return value.valuation(attributed_lines, remaining_postings, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def breakdowns(attributed_lines: pl.DataFrame, entry_items: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The tie-out of each account by item, location, document and dimension set, both sides."""
    return value.breakdowns(attributed_lines, entry_items, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def bc_matrix(
    attributed_lines: pl.DataFrame,
    agreed_lines: pl.DataFrame,
    entry_items: pl.DataFrame,
    differences: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """Business Central's page Inventory - G/L Reconciliation: as it shows itself, and corrected."""
    return matrix.bc_matrix(
        attributed_lines,
        agreed_lines,
        entry_items,
        differences,
        account_scope,
        books,
        rules.matrix_formulas(),
        rules.matrix_rows(),
        rules.matrix_warnings(),
        Excerpt(),
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def wip_orders(attributed_lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Work in process by production order line and account: what went in, what came out, what is left."""
    return wip.wip_orders(attributed_lines, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def clearing_matches(matched_lines: pl.DataFrame, agreed_items: pl.DataFrame) -> pl.DataFrame:
    """How the items of each clearing account were told, rule by rule, and how many of them are closed."""
    return match.clearing_matches(matched_lines, agreed_items, rules.clearing_rules())


@dg.asset(group_name=GROUP, kinds={"polars"})
def accrual_proposals(differences: pl.DataFrame, books: Books, posting_rules: pl.DataFrame) -> pl.DataFrame:
    """Received or shipped and not invoiced, where the ERP posts no expected cost: the month-end accrual."""
    return accrue.accrual_proposals(differences, books, posting_rules, rules.account_roles())


@dg.asset(group_name=GROUP, kinds={"polars"})
def setup_timeline(
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    agreed_lines: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """The posting setup as the entries remember it: which account each key used, from when to when."""
    return setup_history.setup_timeline(
        remaining_postings, remaining_pieces, agreed_lines, books, rules.account_roles()
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def setup_log(books: Books) -> pl.DataFrame:
    """The changes of posting accounts that the change log tells."""
    return setup_history.setup_log(books, rules.account_roles())


@dg.asset(group_name=GROUP, kinds={"polars"})
def setup_findings(
    remaining_postings: pl.DataFrame,
    setup_timeline: pl.DataFrame,
    setup_log: pl.DataFrame,
    differences: pl.DataFrame,
    outline: Extract,
    books: Books,
) -> pl.DataFrame:
    """What stands out in the posting setup: doors left open, two purposes, rows that will be missing."""
    return setup_advice.setup_findings(
        remaining_postings, setup_timeline, setup_log, differences, outline, books, rules.causes(),
        rules.setup_kinds(),
    )  # fmt: skip


@dg.asset(group_name=GROUP, kinds={"polars"})
def subledger_parts(
    expected_postings: pl.DataFrame, activity: pl.DataFrame, tie_outs: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """What each account's subledger is made of, by role and kind of cost, summed anew."""
    return trace.subledger_parts(expected_postings, activity, tie_outs, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def ledger_balances(books: Books) -> pl.DataFrame:
    """The trial balance by the G/L entries, every account of the ledger."""
    return trace.ledger_balances(books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def stated_balances(outline: Extract, books: Books) -> pl.DataFrame:
    """The trial balance that the user states, each row beside what the entries say of its date."""
    return bc_stated.stated_balances(outline, books)
