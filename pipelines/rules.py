"""Reads the rule tables that ship with the package.

Here: reading and checking. Not here: the shape of a table (``schemas.rules``) and its use (the steps).
"""

from functools import cache
from importlib.resources import files
from pathlib import Path

import polars as pl

from schemas import own_rules, rules


@cache
def posting_rules(path: Path | None = None) -> pl.DataFrame:
    """Which account roles a value entry debits and credits: one row per combination that Business Central
    knows.
    """
    return _table("posting_rules_bc", path)


def adapted_rules(own: pl.DataFrame, file: str) -> pl.DataFrame:
    """The posting rules with a user's own rows in place of those that they replace."""
    return own_rules.adapted(posting_rules(), own.fill_null(""), file)


def rule_changes(posting_rules: pl.DataFrame) -> pl.DataFrame:
    """What the rules of a run have otherwise than those that ship: ``rule_id``, ``what``, ``source``."""
    return own_rules.rule_changes(posting_rules, _table("posting_rules_bc"))


@cache
def account_roles() -> pl.DataFrame:
    """Each account role with its place in the posting order and the setup field that gives its account."""
    return _table("account_roles_bc").with_columns(pl.col("ordinal").cast(pl.Int64))


@cache
def causes() -> pl.DataFrame:
    """The causes of a difference, in the order in which they are tried."""
    return _table("causes").with_columns(pl.col("order").cast(pl.Int64))


@cache
def remedies() -> pl.DataFrame:
    """What to do about a cause, by where the G/L line comes from."""
    return _table("remedies")


@cache
def source_codes() -> pl.DataFrame:
    """Source codes that tell where a G/L line comes from."""
    return _table("source_codes_bc")


@cache
def completeness() -> pl.DataFrame:
    """The checks behind "inconclusive", with what each needs."""
    return _table("completeness")


@cache
def reconciliations() -> pl.DataFrame:
    """Further reconciliations: which two sums must agree, and by what key."""
    return _table("reconciliations")


@cache
def setup_messages() -> pl.DataFrame:
    """The messages of BC's report "Post Inventory Cost to G/L - Test": what each problem says and does."""
    return _table("setup_messages_bc")


@cache
def proposal_rules() -> pl.DataFrame:
    """What puts each cause right: a job, a setup row, a journal, a support case, or nothing."""
    return _table("proposals")


@cache
def clearing_rules() -> pl.DataFrame:
    """What tells the items of clearing accounts: lineage, which needs no guess, or a match."""
    return _table("clearing_rules")


@cache
def matching_rules() -> pl.DataFrame:
    """How lines without lineage are matched by amount and date: tolerances, in the order of trial."""
    return _table("matching_rules")


@cache
def ageing_policies() -> pl.DataFrame:
    """The age buckets of open items and when an item is stale, by account, role, or for all others."""
    return _table("ageing_policies")


@cache
def setup_kinds() -> pl.DataFrame:
    """The kinds of what may stand out in the posting setup, with their words and remedies."""
    return _table("setup_findings").with_columns(pl.col("order").cast(pl.Int64))


@cache
def matrix_formulas() -> pl.DataFrame:
    """The rows of BC's page Inventory - G/L Reconciliation, and which amounts fill each cell."""
    return _table("matrix_bc").with_columns(pl.col("row_no").cast(pl.Int64))


@cache
def matrix_rows() -> pl.DataFrame:
    """The rows of the corrected page: the account roles whose lines each shows, and in which column."""
    return _table("matrix_corrected").with_columns(pl.col("row_no").cast(pl.Int64))


@cache
def matrix_warnings() -> pl.DataFrame:
    """The warnings of that page and more, each with the causes that it tells."""
    return _table("matrix_warnings_bc").with_columns(pl.col("ordinal").cast(pl.Int64))


@cache
def stock_checks() -> pl.DataFrame:
    """What must hold in the stock ledger by itself, with the cause of what doesn't."""
    return _table("stock_checks")


@cache
def figures() -> pl.DataFrame:
    """What each published table shows, which exported tables it rests on and which of their rows count."""
    return _table("figures")


def _table(name: str, path: Path | None = None) -> pl.DataFrame:
    text = (path or files("pipelines").joinpath("tables", f"{name}.csv")).read_bytes()
    table = pl.read_csv(text, infer_schema=False).fill_null("")
    return rules.checked(name, table)
