"""Differences: the findings of a run as rows, each with its cause, its words and an id that stays from
run to run.

Here: putting findings together, their ids and sentences, and what remains unclassified. Not here: the
predicates (``explain_lines``, ``explain_ledger``), the order and words of the causes (``causes.csv``,
``remedies.csv``).
"""

import hashlib
from collections.abc import Mapping

import polars as pl
from polars._typing import PolarsDataType

from pipelines import corrections
from pipelines.sentences import filled
from schemas.ledger import CONTROLLED_ROLES, Books
from schemas.money import AMOUNT

SETUP_CAUSES = ("account_changed", "wip_account_changed")
PLACE_FIELDS = ("item_ledger_entry_no", "item_no", "location_code", "order_no")
ENTRY_FIELDS = ("document_no", "source_code", "user_id", "created_at")
RAW: Mapping[str, PolarsDataType] = {
    "cause": pl.String, "cost_kind": pl.String, "account_no": pl.String, "account_role": pl.String,
    "posting_date": pl.Date, "value_entry_no": pl.Int64, "gl_entry_no": pl.Int64, "expected_amount": AMOUNT,
    "actual_amount": AMOUNT, "difference_acy": AMOUNT, "inferred": pl.Boolean, "is_notice": pl.Boolean,
    "entry_type": pl.String, "item_ledger_entry_type": pl.String, "own_amount": AMOUNT,
    "posted_amount": AMOUNT,
    "message": pl.String, "key_1": pl.String, "key_2": pl.String, "old_account": pl.String,
    "new_account": pl.String,
    "moved_amount": AMOUNT, "imbalance": AMOUNT, "transaction_no": pl.Int64, "setup_table": pl.String,
    "gl_posting_date": pl.Date, "gl_dimension_set_id": pl.Int64, "entry_dimension_set_id": pl.Int64,
    "description": pl.String,
    "origin": pl.String, "pair_no": pl.Int64, "missing_value_entry_no": pl.Int64,
    "relation_problem": pl.String,
    "roles": pl.String, "item_ledger_entry_no": pl.Int64, "severity": pl.String,
    "finding_key": pl.String, "item_no": pl.String, "location_code": pl.String, "order_no": pl.String,
    "document_no": pl.String,
}  # fmt: skip


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
    causes: pl.DataFrame,
    remedies: pl.DataFrame,
) -> pl.DataFrame:
    """All findings, one row per account and entry that each touches, in the columns of the mart.

    ``difference = actual_amount - expected_amount``, debit positive, 0 for findings that only tell an
    amount (their ``expected_amount``). Per account the rows sum to the account's difference: what no
    cause explains is added as ``unclassified``. An empty run gives no rows. Ids are hashes of company,
    cause, cost kind and entry numbers.

    ``clearing_findings`` only tell: ``cause`` (``stale_clearing``), ``account_no``, ``account_role``,
    ``expected_amount`` (the item's balance), ``message`` (the sentence), ``finding_key`` (what tells the item
    apart), and where known ``value_entry_no``, ``gl_entry_no``, ``item_ledger_entry_no``, ``posting_date``,
    ``item_no``, ``document_no``, ``order_no``.
    """
    notices = [
        _expected_cost_off(remaining_postings, books),
        _shared_accounts(balances, activity, agreed_totals),
        _closing_entries(activity, books),
        stock_findings.with_columns(is_notice=pl.lit(True)),
        clearing_findings.with_columns(is_notice=pl.lit(True)),
    ]
    found = _raw([line_findings, ledger_findings, fault_notices, *notices])
    if not books.has_relations:
        found = _without_agreeing_totals(found)
    rows = _raw([found, _unclassified(found, balances, activity, agreed_totals)])
    return (
        rows.pipe(_with_difference)
        .pipe(_with_change, setup_log)
        .pipe(_with_circumstances, books)
        .pipe(_with_entry, books)
        .pipe(_with_line, books)
        .pipe(_with_cause, causes, remedies)
        .with_columns(finding_id=_finding_id(books.company))
        .pipe(corrections.settled, books)
        .pipe(_with_explanation, causes, books)
        .pipe(_in_columns)
    )


def _raw(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Findings in one shape: every column there, typed, null where a finding has nothing to say."""
    shaped = [
        part.select(
            pl.col(c).cast(t) if c in part.columns else pl.lit(None, t).alias(c) for c, t in RAW.items()
        )
        for part in parts
    ]
    return pl.concat(shaped)


def _without_agreeing_totals(found: pl.DataFrame) -> pl.DataFrame:
    """Without a relation table: entries and inventory-cost lines that no inference could pair, where an
    account's entries and lines of one date agree in total. They count in totals only and aren't findings.
    """
    key = ["account_no", "posting_date"]
    unpaired = pl.col("cause").is_in(["posted_without_gl", "unrelated_inventory_posting"])
    agreeing = (
        found.filter(unpaired)
        .pipe(_with_difference)
        .group_by(key)
        .agg(pl.col("difference").sum(), pl.col("cause").n_unique())
        .filter((pl.col("difference") == 0) & (pl.col("cause") == 2))
        .select(*key, pl.lit(True).alias("_agrees"))
    )
    return (
        found.join(agreeing, on=key, how="left", validate="m:1", maintain_order="left")
        .filter(~(unpaired & pl.col("_agrees").fill_null(False)))
        .drop("_agrees")
    )


def _with_difference(rows: pl.DataFrame) -> pl.DataFrame:
    """A notice tells its amounts in its sentence (``told_``) and has no difference."""
    is_notice = pl.col("is_notice").fill_null(False)
    actual, expected = pl.col("actual_amount").fill_null(0), pl.col("expected_amount").fill_null(0)
    return rows.with_columns(
        pl.col("difference_acy").fill_null(0),
        pl.col("inferred").fill_null(False),
        told_actual_amount=actual,
        told_difference=actual - expected,
        actual_amount=pl.when(~is_notice).then(actual),
        difference=pl.when(is_notice).then(pl.lit(0, AMOUNT)).otherwise(actual - expected),
    )


def _is_carried(books: Books) -> bool:
    """Whether balances stand for earlier entries: what began before them shows only how it went on."""
    return books.opening_balances["gl_entry_no"].is_not_null().any()


def _with_change(rows: pl.DataFrame, setup_log: pl.DataFrame) -> pl.DataFrame:
    """Who gave the setup today's account, and when, where the change log tells it."""
    key = ["account_role", "key_1", "key_2", "new_account"]
    changes = (
        setup_log.filter(pl.col("new_value") != "")
        .rename({"new_value": "new_account"})
        .group_by(key, maintain_order=True)
        .agg(pl.col("changed_at", "user_id", "old_value").last())
        .select(
            *key,
            pl.format(
                "The change log tells that {} put it in the place of {} on {}.",
                pl.col("user_id").fill_null("somebody"), pl.col("old_value"), pl.col("changed_at").dt.date(),
            ).alias("_change"),
        )
    )  # fmt: skip
    by_setup = pl.col("cause").is_in(SETUP_CAUSES)
    return (
        rows.join(changes, on=key, how="left", validate="m:1", maintain_order="left")
        .with_columns(message=pl.when(by_setup).then("_change").otherwise("message"))
        .drop("_change")
    )


def _with_circumstances(rows: pl.DataFrame, books: Books) -> pl.DataFrame:
    """What the books around a finding say of how it came about: a job that was run with an item filter."""
    queued = books.value_entries.filter(pl.col("is_queued").fill_null(False))
    is_filtered = (pl.col("cause") == "unposted") & (
        pl.lit(bool(queued.height) and bool(queued["is_capacity"].all()))
    )
    filtered = pl.lit(
        "The queue holds nothing but capacity entries, which have no item: Post Inventory Cost to G/L was "
        "run with an item filter."
    )
    return rows.with_columns(
        message=pl.when(is_filtered).then(filtered).otherwise("message"),
        origin=pl.when(is_filtered).then(pl.lit("item_filter")).otherwise("origin"),
    )


def _expected_cost_off(remaining_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Per item ledger entry the expected cost that stays out of the G/L because the switch is off."""
    open_cost = pl.col("amount_expected") - pl.col("posted_expected")
    ignored = remaining_postings.filter(
        (pl.col("cost_kind") == "expected")
        & (pl.col("outcome") == "ignored")
        & (pl.col("posting_date") <= books.as_of)
    ).select("value_entry_no")
    if books.switches.expected_cost_posting:
        ignored = ignored.clear()
    account = books.posting_accounts.filter(pl.col("account_role") == "inventory_interim").select(
        pl.col("key_1").alias("location_code"), pl.col("key_2").alias("inventory_posting_group"), "account_no"
    )
    entry = pl.col("item_ledger_entry_no").fill_null(-pl.col("value_entry_no"))
    return (
        books.value_entries.join(ignored, on="value_entry_no", how="semi")
        .sort("value_entry_no")
        .group_by(entry.alias("_entry"), maintain_order=True)
        .agg(
            pl.col("item_ledger_entry_no", "value_entry_no", "posting_date").first(),
            pl.col("location_code", "inventory_posting_group").first(),
            open_cost.sum().alias("expected_amount"),
            pl.col("is_expected").any().alias("_began"),
        )
        .filter((pl.col("expected_amount") != 0) & (pl.col("_began") | pl.lit(not _is_carried(books))))
        .join(account, on=["location_code", "inventory_posting_group"], how="left", validate="m:1")
        .with_columns(
            cause=pl.lit("expected_cost_off"),
            cost_kind=pl.lit("expected"),
            account_role=pl.lit("inventory_interim"),
            is_notice=pl.lit(True),
        )
    )  # fmt: skip


def _shared_accounts(
    balances: pl.DataFrame, activity: pl.DataFrame, agreed_totals: pl.DataFrame
) -> pl.DataFrame:
    """Accounts in two roles: a warning with the amount where other activity on a controlled one doesn't
    net to 0.
    """
    in_other_roles = agreed_totals.filter(~pl.col("account_role").is_in(CONTROLLED_ROLES))
    without_closings = (
        pl.concat(
            [
                activity.filter(pl.col("origin") != "closing").select("account_no", "other_amount"),
                in_other_roles.select("account_no", pl.col("amount").alias("other_amount")),
            ]
        )
        .group_by("account_no")
        .agg(pl.col("other_amount").sum())
    )
    net = pl.when("is_controlled").then(pl.col("other_amount").fill_null(0)).otherwise(pl.lit(0, AMOUNT))
    return (
        balances.filter((pl.col("roles").list.len() > 1) & pl.col("account_no").is_not_null())
        .join(without_closings, on="account_no", how="left", validate="1:1")
        .with_columns(
            cause=pl.lit("shared_account"),
            expected_amount=net,
            account_role=pl.col("roles").list.first(),
            roles=pl.col("roles").list.join(", "),
            severity=pl.when(net != 0).then(pl.lit("warning")),
            is_notice=pl.lit(True),
        )
    )


def _closing_entries(activity: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Lines that close a fiscal year, on controlled accounts; a closing only empties income accounts."""
    statements = books.accounts.select("account_no", "statement")
    is_odd = pl.col("statement") == "Balance Sheet"
    return (
        activity.filter((pl.col("nature") == "closing") & pl.col("is_controlled"))
        .join(statements, on="account_no", how="left", validate="m:1")
        .with_columns(
            cause=pl.lit("closing_entry"),
            expected_amount="other_amount",
            account_role=pl.col("roles").list.first(),
            roles=pl.col("roles").list.join(", "),
            message=pl.when(is_odd).then(
                pl.lit("Look at it: it is a balance sheet account, which no closing empties.")
            ),
            is_notice=pl.lit(True),
        )
    )


def _unclassified(
    found: pl.DataFrame, balances: pl.DataFrame, activity: pl.DataFrame, agreed_totals: pl.DataFrame
) -> pl.DataFrame:
    """What the findings of an account leave over, named at its last G/L line."""
    sums = (
        found.pipe(_with_difference)
        .group_by("account_no")
        .agg(pl.col("difference").sum().alias("_explained"))
    )
    columns = ("account_no", "gl_entry_no", "posting_date")
    lines = pl.concat([activity.select(columns), agreed_totals.select(columns)])
    last = lines.group_by("account_no").agg(pl.col("gl_entry_no", "posting_date").max())
    return (
        balances.join(sums, on="account_no", how="left", nulls_equal=True, validate="1:1")
        .join(last, on="account_no", how="left", nulls_equal=True, validate="1:1")
        .with_columns(actual_amount=pl.col("difference") - pl.col("_explained").fill_null(0))
        .filter(pl.col("actual_amount") != 0)
        .select(
            "account_no", "gl_entry_no", "posting_date", "actual_amount",
            pl.lit("unclassified").alias("cause"), pl.lit(0, AMOUNT).alias("expected_amount"),
            pl.col("roles").list.first().alias("account_role"),
        )
    )  # fmt: skip


def _with_entry(rows: pl.DataFrame, books: Books) -> pl.DataFrame:
    entries = books.entries_of(rows).select(
        "value_entry_no", *(pl.col(c).alias(f"_entry_{c}") for c in (*PLACE_FIELDS, *ENTRY_FIELDS))
    )  # fmt: skip
    return rows.join(entries, on="value_entry_no", how="left", validate="m:1").with_columns(
        pl.coalesce(c, f"_entry_{c}").alias(c) for c in PLACE_FIELDS
    )


def _with_line(rows: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Document, source code, user and time from the G/L line where the finding is about one, else from
    the entry.
    """
    lines = books.lines_of(rows).select(
        "gl_entry_no",
        pl.col("origin").alias("_line_origin"),
        *(pl.col(c).alias(f"_line_{c}") for c in ENTRY_FIELDS),
    )
    own = (
        pl.coalesce(
            *(["document_no"] if c == "document_no" else []),
            pl.when(pl.col("value_entry_no").is_not_null()).then(f"_entry_{c}"),
            f"_line_{c}",
        ).alias(c)
        for c in ENTRY_FIELDS
    )
    return rows.join(lines, on="gl_entry_no", how="left", validate="m:1").with_columns(
        *own, origin=pl.coalesce("_line_origin", "origin")
    )


def _with_cause(rows: pl.DataFrame, causes: pl.DataFrame, remedies: pl.DataFrame) -> pl.DataFrame:
    """Severity and drift of the cause; the remedy that fits the line's origin, else the cause's general
    one.
    """
    words = causes.select("cause", pl.col("severity").alias("_severity"), "drift", "order", "explanation")
    general = remedies.filter(pl.col("origin") == "any").select("cause", pl.col("remedy").alias("_general"))
    return (
        rows.join(words, on="cause", how="left", validate="m:1")
        .join(remedies, on=["cause", "origin"], how="left", validate="m:1")
        .join(general, on="cause", how="left", validate="m:1")
        .with_columns(severity=pl.coalesce("severity", "_severity"), remedy=pl.coalesce("remedy", "_general"))
    )


def _finding_id(company: str) -> pl.Expr:
    """A hash of company, cause, cost kind and entry numbers, never of amounts or dates.

    Findings by setup are one per key with old and new account; lines of one posting without an entry are one.
    """
    text = pl.concat_str(
        pl.lit(company), "cause", pl.col("cost_kind").fill_null(""), _entry_key(), separator="\x1f"
    )
    return text.map_elements(lambda t: hashlib.sha256(t.encode()).hexdigest()[:16], return_dtype=pl.String)


def _entry_key() -> pl.Expr:
    by_setup = pl.concat_str(
        *(
            pl.col(c).fill_null("")
            for c in ("setup_table", "key_1", "key_2", "account_role", "old_account", "new_account")
        ),
        separator="\x1e",
    )
    first_of_pair = pl.col("gl_entry_no").min().over("cause", "pair_no")
    return (
        pl.when(pl.col("cause").is_in(SETUP_CAUSES)).then(by_setup)
        .when(pl.col("finding_key").is_not_null()).then("finding_key")
        .when(pl.col("cause") == "shared_account").then("account_no")
        .when((pl.col("cause") == "one_sided") & pl.col("transaction_no").is_not_null())
        .then(pl.format("transaction {}", "transaction_no"))
        .when(pl.col("missing_value_entry_no").is_not_null())
        .then(pl.format("missing {}", "missing_value_entry_no"))
        .when(pl.col("pair_no").is_not_null()).then(pl.format("gl {}", first_of_pair))
        .when(pl.col("value_entry_no").is_not_null()).then(pl.format("ve {}", "value_entry_no"))
        .otherwise(pl.format("gl {}", pl.col("gl_entry_no").fill_null(0)))
    )  # fmt: skip


def _with_explanation(rows: pl.DataFrame, causes: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The cause's sentence with the numbers of the row in it; a finding with a key brings its own."""
    named = rows.join(
        books.accounts.select("account_no", "account_name"), on="account_no", how="left", validate="m:1"
    ).with_columns(entry_text=_entry_text())
    own = pl.when(pl.col("finding_key").is_not_null()).then("message")
    parts = [
        part.with_columns(
            explanation=pl.coalesce(own, filled(part["explanation"][0], part.schema, books.scale))
        )
        for part in named.partition_by("cause", maintain_order=True)
    ]
    return pl.concat(parts) if parts else named


def _entry_text() -> pl.Expr:
    of_group = pl.format("the posting group of G/L entry {}", pl.col("gl_entry_no").fill_null(0))
    return pl.coalesce(pl.format("value entry {}", "value_entry_no"), of_group)


def _in_columns(rows: pl.DataFrame) -> pl.DataFrame:
    return (
        rows.sort(
            "order", "finding_id", "account_no", "value_entry_no", "gl_entry_no", "account_role",
            nulls_last=True,
        )
        .select(
            "finding_id", "cause", "drift", "severity", "account_no", "account_role", "posting_date",
            "document_no",
            "source_code", "user_id", "created_at", "value_entry_no", "item_ledger_entry_no", "gl_entry_no",
            "item_no",
            "location_code", "order_no", "expected_amount", "actual_amount", "difference", "difference_acy",
            "inferred",
            "settled_by", "settlement_id", "explanation", "remedy", "cost_kind",
        )
    )  # fmt: skip
