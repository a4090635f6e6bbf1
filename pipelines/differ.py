"""Lays two runs of a company side by side: what is new, gone or altered, and why accounts moved.

Here: published marts of a run before and a run after in, rows of changes out. Not here: reading the runs and
telling the changes (``assets.comparison``), what a single run finds (``explain``).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import polars as pl

from schemas.ledger import CONTROLLED_ROLES
from schemas.money import AMOUNT

FIGURES = ("subledger", "gl", "other_activity", "difference")
#: Per mart: what tells its rows apart, and what about a row may have been altered.
EXPECTED = (
    ("value_entry_no", "cost_kind", "account_role"),
    ("account_no", "posting_date", "amount", "amount_acy", "posted_amount", "rule_id"),
)
ACTUAL = (
    ("gl_entry_no", "value_entry_no", "cost_kind", "account_role"),
    ("account_no", "posting_date", "amount", "amount_acy"),
)
FINDINGS = (
    ("finding_id", "account_no", "account_role", "value_entry_no", "gl_entry_no"),
    ("expected_amount", "actual_amount", "difference", "difference_acy", "severity", "settlement_id"),
)
CHANGES: Mapping[str, pl.DataType] = {
    "mart": pl.String(),
    "change": pl.String(),
    "account_no": pl.String(),
    "account_role": pl.String(),
    "value_entry_no": pl.Int64(),
    "cost_kind": pl.String(),
    "gl_entry_no": pl.Int64(),
    "finding_id": pl.String(),
    "cause": pl.String(),
    "posting_date": pl.Date(),
    "amount_before": AMOUNT,
    "amount_after": AMOUNT,
    "what": pl.String(),
}


class Run(NamedTuple):
    """One run as it was published: its marts, its as-of date, the accounts that it calls controlled."""

    marts: Mapping[str, pl.DataFrame]
    as_of: date
    controlled: frozenset[str | None]


class Changes(NamedTuple):
    """``rows``: each line that is not as it was; ``footing``: what made each figure of an account move."""

    rows: pl.DataFrame
    footing: pl.DataFrame


def changes(before: Run, after: Run) -> Changes:
    """What changed between two runs of one company.

    ``rows`` (columns ``CHANGES``) has a row per line of ``expected_postings`` and ``actual_postings`` and
    per row of ``differences`` that is ``new``, ``backdated`` (new, but dated up to the earlier run's as-of),
    ``posted`` (only the posted amount came), ``altered`` or ``vanished``; findings are ``new``, ``gone`` or
    ``changed``. ``what`` tells the altered columns. ``footing`` has per account and figure a line ``before``,
    lines that sum to the change (``amount``), and a line ``after``; only figures that moved or have lines.
    """
    expected = _compared(before, after, "expected_postings", *EXPECTED)
    actual = _compared(before, after, "actual_postings", *ACTUAL)
    found = _compared(before, after, "differences", *FINDINGS)
    lines = [
        _by_change(expected, before, after, "subledger"),
        _by_change(actual, before, after, "gl"),
        _by_cause(found),
    ]
    return Changes(
        pl.concat([_told(expected, "expected_postings"), _told(actual, "actual_postings"), _findings(found)]),
        _footing(before, after, pl.concat(lines)),
    )


def _compared(before: Run, after: Run, mart: str, key: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    """Both runs' rows of a mart by key, with ``change`` (null: as it was) and ``altered``, the columns that
    differ.

    Rows of one key are told apart by their order, so that none is lost.
    """
    sides = [_numbered(run.marts[mart], key, values) for run in (before, after)]
    both = (
        sides[0].with_columns(_was=True)
        .join(
            sides[1].with_columns(_is=True), on=[*key, "_rank"], how="full", coalesce=True,
            nulls_equal=True, suffix="_after", maintain_order="left_right", validate="1:1",
        )
    )  # fmt: skip
    was, now = pl.col("_was").fill_null(False), pl.col("_is").fill_null(False)
    differing = {c: ~pl.col(c).eq_missing(pl.col(f"{c}_after")) for c in values if c not in key}
    told = [
        pl.when(differs).then(
            pl.format(
                f"{c.replace('_', ' ')} {{}} -> {{}}",
                _plain(c, both.schema),
                _plain(f"{c}_after", both.schema),
            )
        )
        for c, differs in differing.items()
    ]
    is_backdated = pl.col(_date(values)) <= before.as_of if _date(values) else pl.lit(False)
    others = [differs for c, differs in differing.items() if c != "posted_amount"]
    was_open = (pl.col("posted_amount") == 0) if "posted_amount" in values else pl.lit(False)
    return both.with_columns(
        altered=pl.concat_str(told, separator="; ", ignore_nulls=True),
        change=pl.when(~was & is_backdated.fill_null(False)).then(pl.lit("backdated"))
        .when(~was).then(pl.lit("new"))
        .when(~now).then(pl.lit("vanished"))
        .when(~pl.any_horizontal(differing.values())).then(pl.lit(None, pl.String))
        .when(was_open & ~pl.any_horizontal(others)).then(pl.lit("posted"))
        .otherwise(pl.lit("altered")),
    )  # fmt: skip


def _date(values: Sequence[str]) -> str:
    return "posting_date_after" if "posting_date" in values else ""


def _numbered(rows: pl.DataFrame, key: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    also = [c for c in ("cause", "posting_date") if c in rows.columns and c not in (*key, *values)]
    exact = [pl.col(c).cast(AMOUNT) for c, t in rows.schema.items() if isinstance(t, pl.Decimal)]
    named = rows.with_columns(exact).select(*key, *values, *also).sort([*key, *values], nulls_last=True)
    return named.with_columns(_rank=pl.int_range(pl.len()).over(key))


def _plain(column: str, schema: pl.Schema) -> pl.Expr:
    """The value as text; amounts without the zeros that only their type carries."""
    text = pl.col(column).cast(pl.String)
    if isinstance(schema[column], pl.Decimal):
        text = text.str.replace(r"(\.\d\d\d*?)0+$", "$1")
    return text.fill_null("(none)")


# What each change did to the accounts


def _by_change(compared: pl.DataFrame, before: Run, after: Run, figure: str) -> pl.DataFrame:
    """Per account what each kind of change did to a figure. Lines that are as they were may still come into
    the period, or leave it, when as-of moves.
    """
    moved = "came into the period" if after.as_of > before.as_of else "left the period"
    names = {"new": "new", "backdated": "backdated", "posted": "altered", "altered": "altered"}
    named = pl.col("change").replace({**names, "vanished": "vanished"}).fill_null(moved)
    sides = [
        compared.filter(pl.col("_was").fill_null(False)).select(
            "account_no", named.alias("line"), amount=-_counted(before, "", figure)
        ),
        compared.filter(pl.col("_is").fill_null(False)).select(
            pl.col("account_no_after").alias("account_no"), named.alias("line"),
            amount=_counted(after, "_after", figure),
        ),
    ]  # fmt: skip
    return (
        pl.concat(sides)
        .group_by("account_no", "line")
        .agg(pl.col("amount").sum().cast(AMOUNT))
        .filter(pl.col("amount") != 0)
        .select("account_no", pl.lit(figure).alias("figure"), "line", "amount")
    )


def _counted(run: Run, suffix: str, figure: str) -> pl.Expr:
    """What a line adds to the figure in that run: nothing after as-of, and of the subledger of a controlled
    account nothing but controlled roles.
    """
    account, nothing = pl.col(f"account_no{suffix}"), pl.lit(0, AMOUNT)
    is_plain = account.is_not_null() & ~account.is_in(sorted(a for a in run.controlled if a is not None))
    counts = pl.col("account_role").is_in(CONTROLLED_ROLES) | is_plain.fill_null(False) | account.is_null()
    in_time = pl.col(f"posting_date{suffix}") <= run.as_of
    is_counted = in_time if figure == "gl" else in_time & counts
    return pl.when(is_counted).then(f"amount{suffix}").otherwise(nothing).fill_null(0)


def _by_cause(found: pl.DataFrame) -> pl.DataFrame:
    """Per account and cause by how much the findings' differences moved."""
    change = pl.col("difference_after").fill_null(0) - pl.col("difference").fill_null(0)
    return (
        found.group_by("account_no", line=pl.coalesce("cause", "cause_after"))
        .agg(amount=change.sum().cast(AMOUNT))
        .filter(pl.col("amount") != 0)
        .select("account_no", pl.lit("difference").alias("figure"), "line", "amount")
    )


def _footing(before: Run, after: Run, lines: pl.DataFrame) -> pl.DataFrame:
    """Before + lines = after, per account and figure. What no line of the marts tells is the line ``other
    lines``: G/L lines without a value entry, or balances that were carried forward.
    """
    ends = _figures(before).join(
        _figures(after), on=["account_no", "figure"], how="full", coalesce=True, nulls_equal=True,
        suffix="_after",
    ).with_columns(pl.col("amount", "amount_after").fill_null(0))  # fmt: skip
    told = lines.group_by("account_no", "figure").agg(pl.col("amount").sum().alias("_told"))
    rest = (
        ends.join(told, on=["account_no", "figure"], how="left", nulls_equal=True)
        .with_columns(amount=pl.col("amount_after") - pl.col("amount") - pl.col("_told").fill_null(0))
        .filter(pl.col("amount") != 0)
    )
    moved = ends.filter(pl.col("amount") != pl.col("amount_after"))
    shown = pl.concat([moved.select("account_no", "figure"), lines.select("account_no", "figure")]).unique()
    named = [
        (0, ends.select("account_no", "figure", line=pl.lit("before"), amount="amount")),
        (1, lines.select("account_no", "figure", "line", "amount")),
        (2, rest.select("account_no", "figure", line=pl.lit("other lines"), amount="amount")),
        (3, ends.select("account_no", "figure", line=pl.lit("after"), amount="amount_after")),
    ]
    return (
        pl.concat([part.with_columns(pl.col("amount").cast(AMOUNT), _part=pl.lit(no)) for no, part in named])
        .join(shown, on=["account_no", "figure"], how="semi", nulls_equal=True)
        .with_columns(pl.col("figure").cast(pl.Enum(FIGURES)))
        .sort("account_no", "figure", "_part", "line", nulls_last=True)
        .with_columns(pl.col("figure").cast(pl.String))
        .drop("_part")
    )


def _figures(run: Run) -> pl.DataFrame:
    figures = run.marts["tie_outs"].select("account_no", *(pl.col(f).cast(AMOUNT) for f in FIGURES))
    return figures.unpivot(on=FIGURES, index="account_no", variable_name="figure", value_name="amount")


# The rows that are told


def _told(compared: pl.DataFrame, mart: str) -> pl.DataFrame:
    """Changed lines: where they stand now, else where they stood."""
    return (
        compared.filter(pl.col("change").is_not_null())
        .with_columns(
            pl.coalesce("account_no_after", "account_no").alias("account_no"),
            pl.coalesce("posting_date_after", "posting_date").alias("posting_date"),
            mart=pl.lit(mart),
            amount_before="amount",
            what=pl.when(pl.col("change").is_in(["posted", "altered"])).then("altered").otherwise(pl.lit("")),
        )
        .pipe(_in_columns)
    )


def _findings(found: pl.DataFrame) -> pl.DataFrame:
    names = {"backdated": "new", "vanished": "gone", "altered": "changed"}
    return (
        found.filter(pl.col("change").is_not_null())
        .with_columns(
            pl.col("change").replace(names),
            pl.coalesce("cause_after", "cause").alias("cause"),
            pl.coalesce("posting_date_after", "posting_date").alias("posting_date"),
            mart=pl.lit("differences"),
            amount_before="difference",
            amount_after="difference_after",
            what=pl.when(pl.col("change") == "altered").then("altered").otherwise(pl.lit("")),
        )
        .pipe(_in_columns)
    )


def _in_columns(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        (pl.col(c) if c in rows.columns else pl.lit(None)).cast(t).alias(c) for c, t in CHANGES.items()
    ).sort("change", "account_no", "value_entry_no", "gl_entry_no", "finding_id", nulls_last=True)
