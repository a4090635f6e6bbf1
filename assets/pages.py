"""What readers get: the published tables, the report, the workpapers, the folder that holds them.

Here: what goes in. Not here: how page and workbook look (``reports``), how a folder is switched
(``assets.publication``).
"""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from assets import publication as publications
from assets.evidence import provenance
from assets.publication import Results
from assets.run import Run, profile
from pipelines import attest, rules
from pipelines.sources import bc_stated
from reports import pages, workbook
from schemas.bc import Extract
from schemas.ledger import Books

GROUP = "published"


@dg.asset(group_name=GROUP, kinds={"polars"})
def marts(
    tie_outs: pl.DataFrame,
    roll_forward: pl.DataFrame,
    differences: pl.DataFrame,
    expected_postings: pl.DataFrame,
    actual_postings: pl.DataFrame,
    reconciliations: pl.DataFrame,
    post_test: pl.DataFrame,
    setup_timeline: pl.DataFrame,
    setup_findings: pl.DataFrame,
    valuation: pl.DataFrame,
    breakdowns: pl.DataFrame,
    bc_matrix: pl.DataFrame,
    wip_orders: pl.DataFrame,
    proposals: pl.DataFrame,
    clearing_items: pl.DataFrame,
    clearing_matches: pl.DataFrame,
    accrual_proposals: pl.DataFrame,
    books: Books,
) -> dict[str, pl.DataFrame]:
    """The tables as published: the contract's columns, amounts at the company's scale, rows in order."""
    tables = {
        "tie_outs": tie_outs,
        "roll_forward": roll_forward,
        "differences": differences,
        "expected_postings": expected_postings,
        "actual_postings": actual_postings,
        "reconciliations": reconciliations,
        "post_test": post_test,
        "setup_timeline": setup_timeline,
        "setup_findings": setup_findings,
        "valuation": valuation,
        "breakdowns": breakdowns,
        "bc_matrix": bc_matrix,
        "wip_orders": wip_orders,
        "proposals": proposals,
        "clearing_items": clearing_items,
        "clearing_matches": clearing_matches,
        "accrual_proposals": accrual_proposals,
    }
    return publications.marts(tables, books)


@dg.asset(group_name=GROUP, kinds={"plotly"})
def report(summary: dict[str, Any], marts: dict[str, pl.DataFrame], books: Books) -> str:
    """The report as one page that needs no network."""
    return pages.report(summary, marts, value_entries=books.value_entries, gl_entries=books.gl_entries)


@dg.asset(group_name=GROUP, kinds={"polars"})
def claims(run: Run, marts: dict[str, pl.DataFrame], summary: dict[str, Any], books: Books) -> dict[str, Any]:
    """What an auditor asks of each published table: source, filter, rows, control sums, completeness."""
    return attest.claims(marts, summary, books, run.extracted_at, rules.figures(), rules.completeness())


@dg.asset(group_name=GROUP, kinds={"excel"})
def workpapers(
    summary: dict[str, Any],
    marts: dict[str, pl.DataFrame],
    subledger_parts: pl.DataFrame,
    ledger_balances: pl.DataFrame,
    stated_balances: pl.DataFrame,
    outline: Extract,
) -> bytes:
    """The workpapers as a workbook that recomputes: lead sheet, a sheet per account, the rows behind them."""
    return workbook.workpapers(
        summary,
        marts,
        subledger_parts,
        ledger_balances,
        stated_balances,
        controlled_tables=bc_stated.controlled_tables(outline),
    )


@dg.asset(group_name=GROUP)
def publication(
    context: dg.AssetExecutionContext,
    run: Run,
    marts: dict[str, pl.DataFrame],
    summary: dict[str, Any],
    report: str,
    workpapers: bytes,
    claims: dict[str, Any],
) -> str:
    """The folder of the run, published whole; the path that holds it."""
    evidence = provenance.evidence(run, claims)
    results = Results(marts, summary, report, workpapers, profile(context), evidence)
    return str(publications.publish(results, Path(run.out), run.part()))
