"""Proposes what puts a finding right: a job to run, a setup field to fill, a balanced journal. Posts nothing.

Here: the smallest set for each finding, with its warnings. Not here: which causes have which remedy
(``proposals.csv``), the fields that the setup lacks (``setup_needs``), the lines of a journal (``rebook``),
what the books look like afterwards (``apply``).
"""

import hashlib
from collections.abc import Mapping

import polars as pl
from polars._typing import PolarsDataType

from pipelines.sentences import joined
from schemas.ledger import Books
from schemas.money import AMOUNT

POST_COST = "Post Inventory Cost to G/L"
#: The title of a finding that a journal can't reach: part of it stands on a blank account, or nothing is
#: out by an amount.
OUT_OF_REACH = "No journal settles it: follow what the finding says."

COLUMNS: Mapping[str, PolarsDataType] = {
    "proposal_id": pl.String, "finding_id": pl.String, "cause": pl.String, "action": pl.String,
    "title": pl.String, "job": pl.String,
    "value_entry_no": pl.Int64, "gl_entry_no": pl.Int64,
    "setup_table": pl.String, "setup_key_1": pl.String, "setup_key_2": pl.String, "setup_field": pl.String,
    "setup_value": pl.String,
    "line_no": pl.Int64, "account_no": pl.String, "amount": AMOUNT, "posting_date": pl.Date,
    "document_no": pl.String, "external_document_no": pl.String, "description": pl.String,
    "dimension_set_id": pl.Int64, "warning": pl.String, "simulated": pl.Boolean, "outcome": pl.String,
}  # fmt: skip


def findings_to_correct(differences: pl.DataFrame, proposal_rules: pl.DataFrame) -> pl.DataFrame:
    """The rows of unsettled errors and warnings with what their cause asks for: ``action``, ``title``,
    ``job``, ``warning``; null where nothing is to be done.
    """
    is_open = (pl.col("severity") != "info") & pl.col("settlement_id").is_null()
    return differences.filter(is_open).join(
        proposal_rules.with_columns(pl.col("job", "warning").replace("", None)),
        on="cause",
        how="left",
        validate="m:1",
    )


def proposals(
    findings_to_correct: pl.DataFrame,
    setup_needs: pl.DataFrame,
    correction_journals: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """What would put each unsettled error or warning right, a row per finding, setup field, journal line.

    ``action`` is ``run_job``, ``complete_setup`` (then run the job), ``journal`` or ``support``; findings
    whose cause needs no correction have no row. Findings that one act puts right share a ``proposal_id``.
    The lines of a journal sum to 0 (debit positive) and name in ``external_document_no`` the finding that
    each corrects; an ``account_no`` of a journal that can't be told is null and warned of. Nothing is
    simulated yet: ``simulated`` is false and ``outcome`` null.
    """
    found = findings_to_correct
    for_journals = found.filter(pl.col("action") == "journal")
    unreached = for_journals.join(correction_journals, on="finding_id", how="anti")
    rows = [
        _jobs(found, setup_needs),
        correction_journals,
        _support(pl.concat([found.filter(pl.col("action") == "support"), unreached.with_columns(
            action=pl.lit("support"), title=pl.lit(OUT_OF_REACH), warning=pl.lit(None, pl.String)
        )])),
    ]  # fmt: skip
    return (
        _in_shape(rows)
        .pipe(_with_ids, books.company)
        .pipe(_with_account_warnings, books)
        .with_columns(
            document_no=pl.when(pl.col("action") == "journal").then(
                pl.format("TIEOUT-{}", pl.col("proposal_id").str.slice(0, 12).str.to_uppercase())
            ),
            simulated=pl.lit(False),
        )
        .select(*COLUMNS)
        .sort("proposal_id", "finding_id", "line_no", "setup_table", "setup_key_1", "setup_key_2",
              "setup_field", nulls_last=True)
    )  # fmt: skip


def _in_shape(parts: list[pl.DataFrame]) -> pl.DataFrame:
    columns: Mapping[str, PolarsDataType] = {**COLUMNS, "act": pl.String()}
    return pl.concat(
        part.select(
            pl.col(c).cast(t) if c in part.columns else pl.lit(None, t).alias(c) for c, t in columns.items()
        )
        for part in parts
    )


def _with_ids(rows: pl.DataFrame, company: str) -> pl.DataFrame:
    """``act`` says what is done; whatever is the same act has the same id, from run to run."""
    acts = rows["act"].unique(maintain_order=True)
    ids = [hashlib.sha256(f"{company}\x1f{act}".encode()).hexdigest()[:16] for act in acts]
    known = pl.DataFrame({"act": acts, "_id": pl.Series(ids, dtype=pl.String)})
    return rows.join(known, on="act", how="left", validate="m:1").with_columns(proposal_id="_id")


# Jobs and the setup that they need


def _jobs(found: pl.DataFrame, setup_needs: pl.DataFrame) -> pl.DataFrame:
    """One row per finding that a job puts right, or one per setup field that must be filled before it."""
    findings = found.filter(pl.col("action").is_in(["run_job", "complete_setup"])).unique(
        ["finding_id", "value_entry_no", "gl_entry_no"], keep="first", maintain_order=True
    )
    posting = findings.filter(pl.col("job") == POST_COST).unique(
        "finding_id", keep="first", maintain_order=True
    )
    acts = setup_needs.group_by("value_entry_no", maintain_order=True).agg(
        pl.concat_str(
            "setup_table", "setup_key_1", "setup_key_2", "setup_field", separator="\x1e"
        ).unique().sort().str.join("\x1d").alias("_needs")
    )  # fmt: skip
    missing = (
        posting.drop("account_role")
        .join(setup_needs, on="value_entry_no", how="inner")
        .join(acts, on="value_entry_no", how="left", validate="m:1")
        .with_columns(
            action=pl.lit("complete_setup"),
            act=pl.concat_str(pl.lit("complete_setup"), "job", "_needs", separator="\x1f"),
            title=pl.lit(f"Complete the posting setup, then run {POST_COST}."),
            warning=joined("warning", "setup_warning"),
        )
    )
    ready = (
        findings.join(missing, on="finding_id", how="anti")
        .with_columns(action=pl.lit("run_job"))
        .with_columns(act=pl.concat_str("action", "job", "title", separator="\x1f"))
    )
    columns = [
        "finding_id", "cause", "action", "act", "title", "job", "value_entry_no", "gl_entry_no", "warning",
    ]  # fmt: skip
    setup = ["setup_table", "setup_key_1", "setup_key_2", "setup_field", "setup_value"]
    return pl.concat(
        [ready.select(columns), missing.select(*columns, *setup)], how="diagonal"
    )  # fmt: skip


def _with_account_warnings(rows: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Accounts that a journal can't be posted to as they are."""
    accounts = books.accounts.select(
        "account_no", "account_type", "is_direct_posting", pl.col("is_blocked").alias("_is_blocked")
    )
    named = rows.join(accounts, on="account_no", how="left", validate="m:1")
    hindrance = pl.coalesce(
        pl.when(pl.col("_is_blocked").fill_null(False)).then(
            pl.format("Account {} is blocked: open it for this journal and block it again.", "account_no")
        ),
        pl.when(pl.col("account_type").fill_null("Posting") != "Posting").then(
            pl.format("Account {} is not of type Posting.", "account_no")
        ),
        pl.when(~pl.col("is_direct_posting").fill_null(True)).then(
            pl.format(
                "Direct Posting is off on account {}: switch it on for this journal and off again.",
                "account_no",
            )
        ),
    )
    return named.with_columns(warning=joined("warning", hindrance))


# What only others can do


def _support(found: pl.DataFrame) -> pl.DataFrame:
    """One row per finding that no act in the books puts right."""
    return found.unique("finding_id", keep="first", maintain_order=True).select(
        "finding_id", "cause", "action", "title", "warning", "value_entry_no", "gl_entry_no",
        pl.format("support {}", "finding_id").alias("act"),
    )  # fmt: skip
