"""Expected postings: for every value entry the G/L lines that the posting rules demand.

Here: which rule fits and how much it demands. Not here: which account (``resolve``), what was really
posted (``link``).
"""

import polars as pl

from schemas.ledger import Books
from schemas.money import AMOUNT
from schemas.rules import CONDITIONS, ORDER_TYPES, VARIANCE_TYPES

MATCH = ("item_ledger_entry_type", "entry_type", "variance_type", "order_type", "cost_kind", "condition")
AMOUNTS = ("amount", "posted_amount", "amount_acy", "posted_amount_acy", "own_amount")


def postings(books: Books, posting_rules: pl.DataFrame) -> pl.DataFrame:
    """Per value entry, cost kind and account role the line that must exist; ``outcome`` says what the
    rule does.

    Comes in: the books' value entries (inventoriable ones count) and the posting rules. Comes out, one
    row a line: ``amount`` = E, for the full amount and not only what is open; ``posted_amount`` = P, what
    the entry's flag says was posted; ``open_amount`` = E - P; each with its additional-currency twin,
    debit positive; ``own_amount`` is the entry's own amount of that kind. A part whose combination is
    refused, or ignored by rule, is one row without a role and with E = 0, so that no part is lost. No
    value entries give no rows. Raises where two rules fit one part.

    Source: codeunit 5802 "Inventory Posting To G/L", rule by rule in ``posting_rules_bc.csv``.
    """
    parts = pl.concat([_actual(books), _expected(books), _write_off(books)])
    ruled = parts.join(_spelled_out(posting_rules), on=MATCH, how="left", validate="m:1")
    ruled = ruled.filter(pl.col("rule_id").is_not_null() | (pl.col("cost_kind") != "write_off"))
    ruled = ruled.with_columns(pl.col("outcome").fill_null("refused"))
    has_amount = pl.any_horizontal(pl.col(AMOUNTS[:4]) != 0)
    posted = ruled.filter((pl.col("outcome") == "posted") & has_amount)
    first = posted.with_columns(account_role="first_role", balancing_role="second_role")
    second = posted.with_columns(
        *(-pl.col(amount) for amount in AMOUNTS), account_role="second_role", balancing_role="first_role"
    )
    nothing = ruled.filter(pl.col("outcome") != "posted").with_columns(
        amount=pl.lit(0, AMOUNT),
        amount_acy=pl.lit(0, AMOUNT),
        account_role=pl.lit(None, pl.String),
        balancing_role=pl.lit(None, pl.String),
    )
    return (
        pl.concat([first, second, nothing])
        .with_columns(open_amount=pl.col("amount") - pl.col("posted_amount"))
        .drop("first_role", "second_role", "condition", "source")
    )


def _actual(books: Books) -> pl.DataFrame:
    """The actual part. Non-inventory cost that was posted while its switch was on keeps its rule."""
    switch = pl.lit(books.switches.mfg_inc_non_inv_cost) | pl.col("is_linked")
    return _part(
        books.value_entries,
        "actual",
        condition=pl.concat_str(pl.lit("mfg_inc_non_inv_cost="), _yes_no(switch)),
        amounts=("amount_actual", "posted_actual", "amount_actual_acy", "posted_actual_acy", "amount_actual"),
    )


def _expected(books: Books) -> pl.DataFrame:
    """The expected part; where it isn't due the rules ignore it."""
    return _part(
        books.value_entries,
        "expected",
        condition=pl.concat_str(pl.lit("expected_cost_due="), _yes_no(pl.col("is_expected_cost_due"))),
        amounts=(
            "amount_expected", "posted_expected", "amount_expected_acy", "posted_expected_acy",
            "amount_expected",
        ),
        also=pl.col("is_expected") | (pl.col("amount_expected_acy") != 0),
    )  # fmt: skip


def _write_off(books: Books) -> pl.DataFrame:
    """WIP of an order line that was finished without output: the amount, or at the finish what had been
    posted.
    """
    at_finish = pl.col("wip_writeoff") == "at_finish"
    entries = books.value_entries.filter(pl.col("wip_writeoff") != "").with_columns(
        _amount=pl.when(at_finish).then("posted_actual").otherwise("amount_actual"),
        _amount_acy=pl.when(at_finish).then("posted_actual_acy").otherwise("amount_actual_acy"),
        posting_date=pl.col("write_off_date"),
    )
    return _part(
        entries,
        "write_off",
        condition=pl.concat_str(pl.lit("wip_writeoff="), "wip_writeoff"),
        amounts=("_amount", "posted_actual", "_amount_acy", "posted_actual_acy", "_amount"),
    )


def _part(
    entries: pl.DataFrame,
    cost_kind: str,
    condition: pl.Expr,
    amounts: tuple[str, ...],
    also: pl.Expr | bool = False,
) -> pl.DataFrame:
    """One cost kind of all entries, in one shape. A part applies where an amount isn't 0, or the entry is
    flagged.
    """
    own, own_acy = amounts[4], amounts[2]
    has_amount = pl.any_horizontal(pl.col(own, own_acy, amounts[1], amounts[3]) != 0)
    return entries.filter(pl.col("is_inventoriable") & (has_amount | also)).select(
        "value_entry_no",
        "posting_date",
        *MATCH[:4],
        pl.lit(cost_kind).alias("cost_kind"),
        condition.alias("condition"),
        *(pl.col(given).alias(name) for given, name in zip(amounts, AMOUNTS, strict=True)),
    )


def _spelled_out(posting_rules: pl.DataFrame) -> pl.DataFrame:
    """The rules with every "any" written out, so that matching is a plain join."""
    kind_conditions = pl.DataFrame(
        [(kind, c) for kind, conditions in CONDITIONS.items() for c in conditions],
        schema=["cost_kind", "_condition"],
        orient="row",
    )
    orders = pl.DataFrame({"_order_type": ORDER_TYPES})
    variances = pl.DataFrame({"_variance_type": VARIANCE_TYPES})
    is_assembly = pl.col("_order_type") == "Assembly"
    fits_order = (
        (pl.col("order_type") == "any")
        | ((pl.col("order_type") == "Assembly") & is_assembly)
        | ((pl.col("order_type") == "not Assembly") & ~is_assembly)
    )
    return (
        posting_rules.join(kind_conditions, on="cost_kind", how="left")
        .filter(_fits("condition"))
        .join(variances, how="cross")
        .filter(_fits("variance_type"))
        .join(orders, how="cross")
        .filter(fits_order)
        .drop("condition", "variance_type", "order_type")
        .rename({"_condition": "condition", "_variance_type": "variance_type", "_order_type": "order_type"})
    )


def _fits(column: str) -> pl.Expr:
    return (pl.col(column) == "any") | (pl.col(column) == pl.col(f"_{column}"))


def _yes_no(claim: pl.Expr) -> pl.Expr:
    return pl.when(claim).then(pl.lit("yes")).otherwise(pl.lit("no"))
