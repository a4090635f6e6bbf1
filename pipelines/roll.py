"""Rolls each account forward: what stood there when the period began, what moved it, what stands there now.

Here: opening + movements = closing, in the subledger and in the general ledger. Not here: the balances
themselves (``reconcile``), why the two sides differ (``explain``).
"""

from collections.abc import Mapping
from datetime import date

import polars as pl

from schemas.faults import InputError
from schemas.ledger import Books, Settings, counts_in_subledger
from schemas.money import AMOUNT

SIDES = ("subledger", "gl", "other_activity", "difference")
#: What a G/L line is, in words, in the order of the lines.
KINDS: Mapping[str, str] = {
    "linked": "inventory posting",
    "opening": "opening balance",
    "continued": "inventory posting of earlier entries",
    "document": "documents",
    "journal": "journals",
    "reversed": "reversals",
    "compressed": "date compression",
    "inventory_cost": "inventory cost without value entry",
    "closing": "closing entries",
    "blank_account": "lines of deleted accounts",
}
OPENING, MOVEMENT, CLOSING = 0, 1, 2


def roll_forward(
    remaining_postings: pl.DataFrame,
    agreed_totals: pl.DataFrame,
    activity: pl.DataFrame,
    tie_outs: pl.DataFrame,
    books: Books,
    settings: Settings,
) -> pl.DataFrame:
    """Per account and side the lines ``opening``, one per kind of movement, and ``closing``, in ``ordinal``.

    The period runs from ``settings.roll_from`` (the first of as-of's month, where it isn't given) to as-of.
    ``opening`` is what this run says of all earlier dates, so movements that were entered late stand where
    they are dated. Movements of the subledger are told by item ledger entry type and entry type, each with
    the role of its lines; those of the G/L and of other activity by where the line comes from. Every
    closing is the tie-out's own figure. Debit positive; an account at rest has its two lines with 0.
    """
    first_day = _first_day(books, settings)
    agreed = _counted(agreed_totals, tie_outs)
    beside = agreed.filter(~pl.col("counts"))
    sides = {
        "subledger": [
            _expected(remaining_postings, agreed, tie_outs, books), _lines(activity, "carried_amount")
        ],
        "gl": [_lines(activity, "amount"), _held(agreed)],
        "other_activity": [_lines(activity, "other_amount"), _held(beside)],
    }  # fmt: skip
    rolled = [_rolled(pl.concat(rows), side, first_day, tie_outs) for side, rows in sides.items()]
    return (
        pl.concat([*rolled, _difference(pl.concat(rolled))])
        .with_columns(pl.col("side").cast(pl.Enum(SIDES)))
        .sort("account_no", "side", "part", "line", "account_role", nulls_last=True)
        .with_columns(
            pl.col("side").cast(pl.String),
            ordinal=pl.int_range(1, pl.len() + 1).over("account_no", "side"),
        )
        .select("account_no", "side", "ordinal", "line", "account_role", "amount")
    )


def _first_day(books: Books, settings: Settings) -> date:
    first_day = settings.roll_from or books.as_of.replace(day=1)
    if first_day > books.as_of:
        raise InputError(f"from {first_day}: is after the as-of date {books.as_of}. Give an earlier day.")
    return first_day


def _expected(
    remaining_postings: pl.DataFrame, agreed: pl.DataFrame, tie_outs: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """The expected lines that count on their account, each under what its value entry is."""
    until = (pl.col("outcome") == "posted") & (pl.col("posting_date") <= books.as_of)
    remaining = _counted(remaining_postings.filter(until), tie_outs)
    apart = {"expected": " (expected)", "write_off": " (write-off)"}
    kind = pl.col("cost_kind").replace_strict(apart, default="")
    return pl.concat(
        rows.filter("counts").select(
            "account_no", "account_role", "posting_date", "amount",
            line=pl.concat_str(_kind_of_entry(), kind),
        )
        for rows in (remaining, agreed)
    )  # fmt: skip


def _counted(lines: pl.DataFrame, tie_outs: pl.DataFrame) -> pl.DataFrame:
    """The lines on accounts that are tied out, with whether they count in the subledger there."""
    scope = tie_outs.select("account_no", "is_controlled")
    return lines.join(scope, on="account_no", how="inner", nulls_equal=True, validate="m:1").with_columns(
        counts=counts_in_subledger()
    )


def _kind_of_entry() -> pl.Expr:
    """A blank type is that of capacity."""
    types = pl.col("item_ledger_entry_type").replace({"": "Capacity"})
    return pl.concat_str(types, "entry_type", separator=", ")


def _lines(activity: pl.DataFrame, amount: str) -> pl.DataFrame:
    """One side of the G/L lines, each under where it comes from."""
    return activity.select(
        "account_no",
        pl.lit(None, pl.String).alias("account_role"),
        "posting_date",
        pl.col(amount).alias("amount"),
        line=pl.col("nature").replace(KINDS),
    ).filter(pl.col("amount") != 0)


def _held(agreed: pl.DataFrame) -> pl.DataFrame:
    """What the G/L holds of agreed lines: a movement, also where they sum to 0."""
    return agreed.filter("has_amounts").select(
        "account_no",
        pl.lit(None, pl.String).alias("account_role"),
        "posting_date",
        "amount",
        line=pl.lit(KINDS["linked"]),
    )


def _rolled(rows: pl.DataFrame, side: str, first_day: date, tie_outs: pl.DataFrame) -> pl.DataFrame:
    accounts = tie_outs.select("account_no")
    before = rows.filter(pl.col("posting_date") < first_day)
    moved = (
        rows.filter(pl.col("posting_date") >= first_day)
        .group_by("account_no", "account_role", "line")
        .agg(pl.col("amount").sum())
        .with_columns(part=pl.lit(MOVEMENT))
    )
    ends = [
        _sum_of(accounts, part, line, total)
        for part, line, total in ((OPENING, "opening", before), (CLOSING, "closing", rows))
    ]
    shape = ("account_no", "account_role", "line", "part", pl.col("amount").cast(AMOUNT))
    return pl.concat([part.select(*shape) for part in (ends[0], moved, ends[1])]).with_columns(
        side=pl.lit(side)
    )


def _sum_of(accounts: pl.DataFrame, part: int, line: str, rows: pl.DataFrame) -> pl.DataFrame:
    sums = rows.group_by("account_no").agg(pl.col("amount").sum())
    return accounts.join(
        sums, on="account_no", how="left", nulls_equal=True, validate="1:1"
    ).with_columns(
        pl.col("amount").fill_null(0),
        account_role=pl.lit(None, pl.String), line=pl.lit(line), part=pl.lit(part),
    )  # fmt: skip


def _difference(rolled: pl.DataFrame) -> pl.DataFrame:
    """G/L less other activity less subledger: at the opening, what the period brought, at the closing."""
    sign = pl.when(pl.col("side") == "gl").then(1).otherwise(-1)
    named = {OPENING: "opening", MOVEMENT: "movement", CLOSING: "closing"}
    return (
        rolled.with_columns(amount=(pl.col("amount") * sign).cast(AMOUNT))
        .group_by("account_no", "part")
        .agg(pl.col("amount").sum())
        .filter((pl.col("part") != MOVEMENT) | (pl.col("amount") != 0))
        .select(
            "account_no",
            pl.lit(None, pl.String).alias("account_role"),
            pl.col("part").replace_strict(named, return_dtype=pl.String).alias("line"),
            "part",
            "amount",
            pl.lit("difference").alias("side"),
        )
    )
