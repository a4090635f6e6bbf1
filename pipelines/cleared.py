"""Clearing items that agreed lines close among themselves: they are only counted.

Here: those items, and which agreed lines on clearing accounts have to be looked at. Not here: what a line
that is looked at belongs to (``clear``), and how old open items are (``age``).
"""

from collections.abc import Mapping

import polars as pl

from schemas.ledger import CLEARING_ROLES, Books
from schemas.money import AMOUNT

#: What tells the items of agreed lines apart, by the rule of lineage: roles, key, whether the entry has one.
KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], pl.Expr]] = {
    "item_ledger_entry": (
        (*(role for role in CLEARING_ROLES if role != "wip"), "inventory"),
        ("item_ledger_entry_no",),
        pl.col("item_ledger_entry_no").is_not_null(),
    ),
    "order_line": (("wip",), ("order_type", "order_no", "order_line_no"), pl.col("order_no") != ""),
}


def agreed_items(
    agreed_lines: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    line_findings: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """The items of agreed lines on clearing accounts by role, with ``lines``, ``debits`` and ``credits``.

    ``is_closed``: the lines sum to 0, and no line in doubt, no finding and no line that another rule tells
    belongs to the same item ledger entry or order line. Where balances were carried over, nothing is closed:
    they hold what opened older items. Lines with amount 0 are left out.
    """
    lines = _with_keys(agreed_lines, _cleared_by_role(account_scope), books)
    otherwise = lines.filter(~pl.any_horizontal(_is_told(rule) for rule in KEYS))
    doubtful = (remaining_pieces, line_findings, otherwise)
    named = pl.concat([rows.select("value_entry_no").drop_nulls() for rows in doubtful])
    touched = _keys(books).join(named, on="value_entry_no", how="semi")
    is_carried = pl.lit((books.gl_entries["origin"] == "opening").any())
    return pl.concat(
        [_of_rule(lines, touched, rule).with_columns(pl.col("is_closed") & ~is_carried) for rule in KEYS],
        how="diagonal",
    )


def uncleared_lines(
    agreed_lines: pl.DataFrame, agreed_items: pl.DataFrame, account_scope: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """The agreed lines on clearing accounts that aren't part of a closed item of agreed lines."""
    named = books.clearing_accounts.select("account_no")
    accounts = pl.concat([named, _cleared_by_role(account_scope)]).unique()
    lines = _with_keys(agreed_lines, accounts, books)
    for rule, (_, key, _) in KEYS.items():
        closed = agreed_items.filter((pl.col("rule_id") == rule) & pl.col("is_closed")).select(
            "account_no", *key
        )
        lines = lines.join(
            closed.with_columns(pl.col("account_no").cast(lines.schema["account_no"]), _is_closed=True),
            on=["account_no", *key],
            how="left",
            validate="m:1",
            nulls_equal=True,
        )
        lines = lines.filter(~(_is_told(rule) & pl.col("_is_closed").fill_null(False))).drop("_is_closed")
    return lines.select(agreed_lines.columns)


def _of_rule(lines: pl.DataFrame, touched: pl.DataFrame, rule: str) -> pl.DataFrame:
    _, key, has_key = KEYS[rule]
    nothing = pl.lit(0, AMOUNT)
    items = (
        lines.filter(_is_told(rule))
        .group_by("account_no", *key)
        .agg(
            pl.len().cast(pl.Int64).alias("lines"),
            pl.max_horizontal("amount", nothing).sum().cast(AMOUNT).alias("debits"),
            pl.max_horizontal(-pl.col("amount"), nothing).sum().cast(AMOUNT).alias("credits"),
        )
    )
    in_doubt = touched.filter(has_key).select(key).unique().with_columns(_is_touched=True)
    return items.join(in_doubt, on=key, how="left", validate="m:1", nulls_equal=True).select(
        pl.col("account_no").cast(pl.String), pl.lit(rule).alias("rule_id"),
        *key, "lines", "debits", "credits",
        is_closed=(pl.col("debits") == pl.col("credits")) & pl.col("_is_touched").is_null(),
    )  # fmt: skip


def _is_told(rule: str) -> pl.Expr:
    """Whether the rule tells the line's item: by its role, and by what its entry has."""
    roles, _, has_key = KEYS[rule]
    return pl.col("account_role").is_in(roles) & has_key


def _cleared_by_role(account_scope: pl.DataFrame) -> pl.DataFrame:
    is_cleared = pl.col("roles").list.set_intersection(list(CLEARING_ROLES)).list.len() > 0
    return account_scope.filter(is_cleared).select("account_no")


def _with_keys(agreed_lines: pl.DataFrame, accounts: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The lines with an amount on these accounts, with what may tell their item."""
    kind = agreed_lines.schema["account_no"]
    wanted = accounts["account_no"].drop_nulls().cast(kind, strict=False).drop_nulls().implode()
    on_account = pl.col("account_no").is_in(wanted) & (pl.col("amount") != 0)
    return agreed_lines.filter(on_account).join(_keys(books), on="value_entry_no", how="left", validate="m:1")


def _keys(books: Books) -> pl.DataFrame:
    return books.value_entries.select(
        "value_entry_no", "item_ledger_entry_no", "order_type", "order_no", "order_line_no"
    )
