"""What a controller would sign before the figures go out: Great Expectations on the published tables.

Here: the expectations, the small tables of evidence that they look at, and the asset check that runs them.
Not here: columns and types (``assets.checks``), how Great Expectations is run (``assets.validation``).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import dagster as dg
import polars as pl

from assets import validation
from schemas.ledger import CONTROLLED_ROLES
from schemas.marts import CAUSES, SEVERITIES

Marts = Mapping[str, pl.DataFrame]
TOUCHED = ("finding_id", "account_no", "account_role", "value_entry_no", "gl_entry_no")


class Expectation(NamedTuple):
    """One sentence to sign, and the call on one table of evidence that tells whether it holds."""

    name: str
    sentence: str
    evidence: str
    kind: str
    arguments: Mapping[str, Any]
    is_blocking: bool = True


class Outcome(NamedTuple):
    """Whether an expectation holds, and what was seen that breaks it."""

    expectation: Expectation
    holds: bool
    seen: str


def is_zero(column: str) -> Mapping[str, Any]:
    return {"column": column, "value_set": [0]}


def suite() -> Sequence[Expectation]:
    """The expectations, in the order in which they are signed."""
    values = "ExpectColumnValuesToBeInSet"
    return (
        Expectation(
            "an_account_stands_once", "Every account stands once among the tie-outs.",
            "accounts", "ExpectColumnValuesToBeUnique", {"column": "account"},
        ),
        Expectation(
            "difference_is_ledger_less_subledger",
            "On every controlled account the difference is G/L less other activity less subledger.",
            "controlled_accounts", values, is_zero("not_in_formula"),
        ),
        Expectation(
            "difference_is_explained_or_unexplained",
            "On every controlled account the difference is the sum of its causes and of what is unexplained.",
            "controlled_accounts", values, is_zero("not_by_cause"),
        ),
        Expectation(
            "findings_foot_to_the_difference",
            "On every controlled account the findings add up to the difference.",
            "controlled_accounts", values, is_zero("not_in_findings"),
        ),
        Expectation(
            "causes_are_known", "Every finding has one of the causes that the table of causes lists.",
            "findings", values, {"column": "cause", "value_set": list(CAUSES)},
        ),
        Expectation(
            "severities_are_known", "Every finding is an error, a warning or an information.",
            "findings", values, {"column": "severity", "value_set": list(SEVERITIES)},
        ),
        Expectation(
            "amounts_name_an_entry", "Every row with an amount names a value entry or a G/L entry.",
            "findings", values, is_zero("amounts_without_entry"),
        ),
        Expectation(
            "a_finding_touches_an_entry_once",
            "A finding has one row for each account and entry that it touches.",
            "findings", values, is_zero("repeated_rows"),
        ),
        Expectation(
            "a_finding_has_one_cause", "A finding number stands for one cause.",
            "findings", values, is_zero("shared_numbers"),
        ),
        Expectation(
            "causes_are_counted", "The summary counts as many findings for each cause as the table holds.",
            "counts", values, is_zero("not_counted"),
        ),
        Expectation(
            "entries_balance", "The expected lines of every value entry add up to 0.",
            "totals", values, is_zero("entries_out_of_balance"),
        ),
        Expectation(
            "nothing_is_unclassified", "Every amount has a cause.",
            "accounts", values, is_zero("unexplained"), is_blocking=False,
        ),
    )  # fmt: skip


def outcomes(marts: Marts, summary: Mapping[str, Any]) -> Sequence[Outcome]:
    """The suite run on the evidence from one company's published tables."""
    calls = [validation.Call(e.name, e.evidence, e.kind, e.arguments) for e in SUITE]
    found = validation.answers(calls, evidence(marts, summary))
    return [Outcome(e, *found[e.name]) for e in SUITE]


def evidence(marts: Marts, summary: Mapping[str, Any]) -> Mapping[str, pl.DataFrame]:
    """What the suite looks at: some rows for each account and cause, however large the books are."""
    accounts = account_evidence(marts["tie_outs"], marts["differences"])
    return {
        "accounts": accounts,
        "controlled_accounts": accounts.filter("is_controlled"),
        "findings": finding_evidence(marts["differences"]),
        "counts": count_evidence(marts["differences"], summary),
        "totals": posting_evidence(marts["expected_postings"]),
    }


def account_evidence(tie_outs: pl.DataFrame, differences: pl.DataFrame) -> pl.DataFrame:
    """Per account what is left over in each formula that has to foot."""
    found = differences.group_by("account_no").agg(pl.col("difference").sum().alias("found"))
    by_cause = pl.Series(
        "by_cause", [sum_of_causes(text) for text in tie_outs["explained"]], pl.Decimal(38, 5)
    )
    is_controlled = [bool({*CONTROLLED_ROLES} & {*json.loads(roles)}) for roles in tie_outs["roles"]]
    return (
        tie_outs.with_columns(by_cause, pl.Series("is_controlled", is_controlled, pl.Boolean))
        .join(found, on="account_no", how="left", nulls_equal=True, validate="m:1")
        .select(
            pl.col("account_no").fill_null("(no account)").alias("account"),
            "is_controlled",
            "unexplained",
            not_in_formula=pl.col("gl")
            - pl.col("other_activity")
            - pl.col("subledger")
            - pl.col("difference"),
            not_by_cause=pl.col("difference") - pl.col("by_cause") - pl.col("unexplained"),
            not_in_findings=pl.col("difference") - pl.col("found").fill_null(0),
        )
    )


def sum_of_causes(explained: str) -> Decimal:
    return sum((Decimal(amount) for amount in json.loads(explained).values()), Decimal())


def finding_evidence(differences: pl.DataFrame) -> pl.DataFrame:
    """Per cause and severity the rows that nobody could follow up."""
    names_entry = pl.col("value_entry_no").is_not_null() | pl.col("gl_entry_no").is_not_null()
    return (
        differences.with_columns(
            has_nameless_amount=(pl.col("difference").fill_null(0) != 0) & ~names_entry,
            is_repeated=pl.struct(TOUCHED).is_duplicated(),
            is_shared=pl.col("cause").n_unique().over("finding_id") > 1,
        )
        .group_by("cause", "severity", maintain_order=True)
        .agg(
            amounts_without_entry=pl.col("has_nameless_amount").sum(),
            repeated_rows=pl.col("is_repeated").sum(),
            shared_numbers=pl.col("is_shared").sum(),
        )
    )


def count_evidence(differences: pl.DataFrame, summary: Mapping[str, Any]) -> pl.DataFrame:
    """Per cause how many findings the summary counts too many."""
    counted = {cause: int(figures["findings"]) for cause, figures in summary["causes"].items()}
    listed = dict(differences.group_by("cause").agg(pl.col("finding_id").n_unique()).iter_rows())
    causes = sorted({*counted, *listed})
    surplus = [counted.get(cause, 0) - listed.get(cause, 0) for cause in causes]
    return pl.DataFrame(
        {"cause": causes, "not_counted": surplus}, {"cause": pl.String, "not_counted": pl.Int64}
    )


def posting_evidence(expected_postings: pl.DataFrame) -> pl.DataFrame:
    """How many value entries expect more on one side than on the other."""
    sums = expected_postings.group_by("value_entry_no").agg(pl.col("amount").sum())
    return sums.select(entries_out_of_balance=(pl.col("amount") != 0).sum())


SUITE = suite()


@dg.multi_asset_check(
    name="expectations",
    specs=[
        dg.AssetCheckSpec(
            e.name,
            asset="marts",
            description=e.sentence,
            blocking=e.is_blocking,
            additional_deps=["summary"],
        )
        for e in SUITE
    ],
    ins={"marts": dg.AssetIn("marts"), "summary": dg.AssetIn("summary")},
)
def expectations(marts: dict[str, pl.DataFrame], summary: dict[str, Any]) -> Iterator[dg.AssetCheckResult]:
    """What a controller would sign, on the tables as they are published."""
    for expectation, holds, what in outcomes(marts, summary):
        yield dg.AssetCheckResult(
            passed=holds,
            asset_key="marts",
            check_name=expectation.name,
            severity=dg.AssetCheckSeverity.ERROR if expectation.is_blocking else dg.AssetCheckSeverity.WARN,
            description=f"{expectation.sentence} {what}".strip(),
        )
