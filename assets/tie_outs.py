"""The tie-out: what the rules expect, what the ledger holds, each difference with its cause, the verdict.

Here: the order of the steps. Not here: any arithmetic (``pipelines``).
"""

from typing import Any

import dagster as dg
import polars as pl

from assets.run import Run
from pipelines import activity as activities
from pipelines import (
    age,
    agree,
    clear,
    cleared,
    compare,
    completeness,
    expect,
    explain,
    explain_ledger,
    explain_lines,
    faults,
    infer,
    inspect,
    judge,
    link,
    match,
    reconcile,
    resolve,
    rules,
    scope,
    subjects,
)
from schemas.bc import Extract
from schemas.ledger import Books

GROUP = "tie_out"


@dg.asset(group_name=GROUP, kinds={"polars"})
def postings(books: Books, posting_rules: pl.DataFrame) -> pl.DataFrame:
    """For every value entry the lines that the posting rules demand, by account role."""
    return expect.postings(books, posting_rules)


@dg.asset(group_name=GROUP, kinds={"polars"})
def resolved_postings(postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The demanded lines with the account that today's posting setup gives them."""
    return resolve.accounts(postings, books, rules.account_roles())


@dg.asset(group_name=GROUP, kinds={"polars"})
def agreed_lines(resolved_postings: pl.DataFrame, unbalanced: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The lines of value entries in which both ledgers agree in everything: no later step looks at them."""
    return agree.agreed_lines(resolved_postings, unbalanced, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def agreed_totals(agreed_lines: pl.DataFrame) -> pl.DataFrame:
    """The agreed lines summed by account, role and day."""
    return agree.agreed_totals(agreed_lines)


@dg.asset(group_name=GROUP)
def remaining_books(books: Books, agreed_lines: pl.DataFrame) -> Books:
    """The books without the G/L lines and links of value entries that agree."""
    return agree.remaining_books(books, agreed_lines)


@dg.asset(group_name=GROUP, kinds={"polars"})
def links(resolved_postings: pl.DataFrame, remaining_books: Books) -> pl.DataFrame:
    """Which G/L line belongs to which value entry: by the relation table, inferred where there is none."""
    return infer.links(resolved_postings, remaining_books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def expected_postings(resolved_postings: pl.DataFrame, links: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The lines that must exist: those demanded, less write-offs that only their own lines tell of."""
    return infer.confirmed(resolved_postings, links, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def remaining_postings(expected_postings: pl.DataFrame, agreed_lines: pl.DataFrame) -> pl.DataFrame:
    """The lines that must exist and have to be looked at one by one."""
    return agree.remaining_postings(expected_postings, agreed_lines)


@dg.asset(group_name=GROUP, kinds={"polars"})
def remaining_pieces(
    remaining_postings: pl.DataFrame, remaining_books: Books, links: pl.DataFrame
) -> pl.DataFrame:
    """The G/L lines that are linked to these, in the parts that belong to each."""
    return link.pieces(remaining_postings, remaining_books, links)


@dg.asset(group_name=GROUP, kinds={"polars"})
def actual_postings(remaining_pieces: pl.DataFrame, agreed_lines: pl.DataFrame) -> pl.DataFrame:
    """The G/L lines that are linked to value entries, in the parts that belong to each."""
    return agree.actual_postings(remaining_pieces, agreed_lines)


@dg.asset(group_name=GROUP, kinds={"polars"})
def account_scope(
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    agreed_totals: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """The accounts that are tied out, with their roles, and which of them are controlled."""
    return scope.account_scope(
        remaining_postings, remaining_pieces, agreed_totals, books, rules.account_roles()
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def activity(
    remaining_pieces: pl.DataFrame,
    remaining_postings: pl.DataFrame,
    agreed_lines: pl.DataFrame,
    account_scope: pl.DataFrame,
    remaining_books: Books,
) -> pl.DataFrame:
    """What each other G/L line on these accounts is: linked, other activity, or left to explain."""
    return activities.ledger_activity(
        remaining_pieces, remaining_postings, agreed_lines, account_scope, remaining_books
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def balances(
    remaining_postings: pl.DataFrame,
    agreed_totals: pl.DataFrame,
    activity: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """Per account: subledger, general ledger, other activity, difference."""
    return reconcile.balances(remaining_postings, agreed_totals, activity, account_scope, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def unbalanced(books: Books) -> pl.DataFrame:
    """G/L transactions whose debits and credits differ."""
    return faults.unbalanced_transactions(books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def orphans(books: Books) -> pl.DataFrame:
    """Relation rows that lead to a value entry or a G/L entry that isn't there."""
    return faults.orphan_relations(books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def compared_lines(
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    unbalanced: pl.DataFrame,
    orphans: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """What must exist, what was flagged as posted and what the G/L holds, side by side."""
    return compare.compared_lines(
        remaining_postings, remaining_pieces, unbalanced, orphans, books, rules.setup_messages()
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def line_findings(
    compared_lines: pl.DataFrame,
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    account_scope: pl.DataFrame,
    unbalanced: pl.DataFrame,
    orphans: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """What is wrong on value entries: open, posted without lines, posted elsewhere or otherwise."""
    return explain_lines.line_findings(
        compared_lines,
        remaining_postings,
        remaining_pieces,
        account_scope,
        unbalanced,
        orphans,
        books,
        rules.causes(),
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def ledger_findings(
    activity: pl.DataFrame, unbalanced: pl.DataFrame, orphans: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """What is wrong on G/L lines that no value entry accounts for."""
    return explain_ledger.ledger_findings(activity, unbalanced, orphans, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def fault_notices(
    unbalanced: pl.DataFrame,
    orphans: pl.DataFrame,
    line_findings: pl.DataFrame,
    ledger_findings: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """Faulty transactions and relation rows that no other finding names."""
    return explain_ledger.fault_notices(unbalanced, orphans, line_findings, ledger_findings, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def agreed_items(
    agreed_lines: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    line_findings: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """The items of agreed lines on clearing accounts, and which of them these lines close."""
    return cleared.agreed_items(agreed_lines, remaining_pieces, line_findings, account_scope, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def uncleared_lines(
    agreed_lines: pl.DataFrame, agreed_items: pl.DataFrame, account_scope: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """The agreed lines on clearing accounts whose item they don't close."""
    return cleared.uncleared_lines(agreed_lines, agreed_items, account_scope, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def clearing_lines(
    remaining_pieces: pl.DataFrame,
    uncleared_lines: pl.DataFrame,
    remaining_books: Books,
    account_scope: pl.DataFrame,
    line_findings: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """What each G/L line on a clearing account belongs to: item ledger entry, order line, document."""
    return clear.clearing_lines(
        remaining_pieces, uncleared_lines, remaining_books, account_scope, line_findings, books
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def matched_lines(clearing_lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The lines of clearing accounts once those that nothing explains have found what answers them."""
    return match.matched_lines(clearing_lines, books, rules.matching_rules())


@dg.asset(group_name=GROUP, kinds={"polars"})
def clearing_items(
    matched_lines: pl.DataFrame,
    line_findings: pl.DataFrame,
    ledger_findings: pl.DataFrame,
    stock_findings: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """The open items of the clearing accounts: what opened each, what is left, how old and whether stale."""
    return age.clearing_items(
        matched_lines, line_findings, ledger_findings, stock_findings, books, rules.ageing_policies()
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def clearing_findings(clearing_items: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Stale clearing items that no other finding names."""
    return age.clearing_findings(clearing_items, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def stock_findings(books: Books, expected_postings: pl.DataFrame) -> pl.DataFrame:
    """What contradicts itself in the stock ledger: quantities, costs, dates, WIP of finished orders."""
    return inspect.stock_findings(
        subjects.subjects(books, expected_postings), books, rules.stock_checks(), rules.completeness()
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def differences(
    line_findings: pl.DataFrame,
    ledger_findings: pl.DataFrame,
    fault_notices: pl.DataFrame,
    clearing_findings: pl.DataFrame,
    stock_findings: pl.DataFrame,
    balances: pl.DataFrame,
    activity: pl.DataFrame,
    remaining_postings: pl.DataFrame,
    agreed_totals: pl.DataFrame,
    books: Books,
    setup_log: pl.DataFrame,
) -> pl.DataFrame:
    """Every difference between stock ledger and general ledger, with one cause each."""
    return explain.differences(
        line_findings,
        ledger_findings,
        fault_notices,
        clearing_findings,
        stock_findings,
        balances,
        activity,
        remaining_postings,
        agreed_totals,
        books,
        setup_log,
        rules.causes(),
        rules.remedies(),
    )


@dg.asset(group_name=GROUP, kinds={"polars"})
def tie_outs(balances: pl.DataFrame, differences: pl.DataFrame) -> pl.DataFrame:
    """The balances with what explains their difference, cause by cause."""
    return reconcile.tie_outs(balances, differences)


@dg.asset(group_name=GROUP, kinds={"polars"})
def population(remaining_postings: pl.DataFrame, agreed_totals: pl.DataFrame, books: Books) -> pl.DataFrame:
    """What leads from the cost of all value entries to the inventory accounts' subledger."""
    return reconcile.population(remaining_postings, agreed_totals, books)


@dg.asset(group_name=GROUP, kinds={"polars"})
def evidence(run: Run, extract: Extract, books: Books) -> pl.DataFrame:
    """Whether the extract is complete: each test with its result, and those that couldn't run."""
    return completeness.evidence(extract, books, run.settings(), rules.completeness())


@dg.asset(group_name=GROUP)
def summary(
    run: Run,
    outline: Extract,
    books: Books,
    tie_outs: pl.DataFrame,
    differences: pl.DataFrame,
    population: pl.DataFrame,
    evidence: pl.DataFrame,
    posting_rules: pl.DataFrame,
) -> dict[str, Any]:
    """The verdict, and the figures that it rests on."""
    changes = rules.rule_changes(posting_rules)
    return judge.summary(outline, books, tie_outs, differences, population, evidence, changes, run.settings())
