"""Starts an extract at a cut-over: what lies before it comes in as balances, not as entries.

Here: when the user's opening balances stand for entries, which rows of the extract they replace, and the
lines that carry them. Not here: what the balances do to an account (``activity``, ``reconcile``).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import NamedTuple

import polars as pl

from schemas.bc import Extract
from schemas.faults import InputError
from schemas.marts import ROLES

INVENTORY_COST = "INVTPCOST"
NUMBER = "_opening_no"  # a ledger line of the opening: -1, -2 … by account
TABLE = "opening_balance"


class CutOver(NamedTuple):
    """The last day that the balances stand for, and the last entries that they hold (null: not stated)."""

    on: date
    value_entry: int | None
    gl_entry: int | None

    def history(self, table: str) -> pl.Expr:
        """The rows that the balances stand for. What was entered later is a movement, whatever its date."""
        last = self.value_entry if table == "value_entry" else self.gl_entry
        in_time = pl.col("posting_date") <= self.on
        return in_time if last is None else in_time & (pl.col("entry_no") <= last)


def carried(extract: Extract) -> Extract:
    """The extract with its opening balances in place of the entries before the cut-over.

    Balances stand for entries when the user states the last entry numbers of the cut-over, or when the
    extract holds no value entry up to its date. Then rows up to it are set aside where they are there at all,
    each balance becomes a G/L line of its own (entry number -1, -2 … in the order of the accounts), relation
    rows that lead to earlier value entries are dropped, and the lines that they named are marked: they settle
    or continue what began before. Else the entries speak for themselves, and the extract stays as it is: the
    table then only tells which lines were loaded.
    """
    cut = _cut_over(extract)
    if cut is None:
        return extract
    tables = dict(extract.tables)
    for table in ("value_entry", "gl_entry"):
        tables[table] = tables[table].filter(~cut.history(table))
    relations, continued = _relations(extract, tables, cut)
    if relations is not None:
        tables["gl_item_ledger_relation"] = relations
    tables[TABLE] = _numbered(tables[TABLE])
    tables["gl_entry"] = _with_lines(_marked(tables["gl_entry"], continued, cut), tables[TABLE])
    return replace(extract, tables=tables, carried_from=cut.on)


def _cut_over(extract: Extract) -> CutOver | None:
    """Where the extract starts, if its opening balances stand for entries."""
    rows = extract.tables.get(TABLE)
    if rows is None or not rows.height:
        return None
    first, on = (date.fromisoformat(str(day)) for day in (rows["date"].min(), rows["date"].max()))
    cut = CutOver(on, _last(rows, "last_value_entry_no"), _last(rows, "last_gl_entry_no"))
    is_stated = cut.value_entry is not None or cut.gl_entry is not None
    if not is_stated and not _lacks_history(extract, rows, cut):
        return None
    if first != on:
        raise InputError(
            f"{TABLE}: has balances of {first} and of {on}, but the entries begin after "
            "them. State all balances at one date."
        )
    return cut


def _last(rows: pl.DataFrame, column: str) -> int | None:
    value = rows[column].max()
    return value if isinstance(value, int) else None


def _lacks_history(extract: Extract, rows: pl.DataFrame, cut: CutOver) -> bool:
    """Whether the entries begin after the balances. G/L lines on their accounts may be the load itself; they
    speak for themselves only where the balances say nothing of the subledger.
    """
    if extract.tables["value_entry"].filter(cut.history("value_entry")).height:
        return False
    accounts = rows["account_no"].implode()
    lines = extract.tables["gl_entry"].filter(
        cut.history("gl_entry") & pl.col("gl_account_no").is_in(accounts)
    )
    setup = extract.tables.get("source_code_setup")
    own = (setup["inventory_post_cost"][0] if setup is not None and setup.height else "") or INVENTORY_COST
    return not lines.height or (rows["subledger"] != 0).any() or (lines["source_code"] == own).any()


def _relations(
    extract: Extract, tables: Mapping[str, pl.DataFrame], cut: CutOver
) -> tuple[pl.DataFrame | None, pl.Series]:
    """The relation rows that stay, and the G/L entries of those that led to an earlier value entry."""
    rows = extract.tables.get("gl_item_ledger_relation")
    if rows is None:
        return None, pl.Series([], dtype=pl.Int64)
    entries, lines = tables["value_entry"]["entry_no"], tables["gl_entry"]["entry_no"]
    before = extract.tables["value_entry"].filter(cut.history("value_entry"))["entry_no"].implode()
    last = cut.value_entry if cut.value_entry is not None else (entries.min() or 0)
    is_missing = ~pl.col("value_entry_no").is_in(entries.implode())
    is_earlier = pl.col("value_entry_no").is_in(before) | (is_missing & (pl.col("value_entry_no") <= last))
    has_line = pl.col("gl_entry_no").is_in(lines.implode())
    was_line = pl.col("gl_entry_no") <= (cut.gl_entry or lines.min() or 0)
    stays = ~is_earlier & (has_line | ~(was_line | is_missing))
    return rows.filter(stays), rows.filter(is_earlier & has_line)["gl_entry_no"].unique()


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """The balances, each with the number of the line that carries it; raises at a role that isn't one."""
    unknown = rows.filter(~pl.col("account_role").is_in(ROLES))
    if unknown.height:
        account_no, role = unknown.select("account_no", "account_role").row(0)
        raise InputError(
            f"{TABLE}: account {account_no} has the role {role!r}. Use one of {', '.join(ROLES)}."
        )
    return rows.sort("account_no", "account_role").with_columns(
        (-1 - pl.int_range(pl.len(), dtype=pl.Int64)).alias(NUMBER)
    )


def _marked(lines: pl.DataFrame, continued: pl.Series, cut: CutOver) -> pl.DataFrame:
    """Lines of earlier value entries: dated before the cut-over they settle it, after it they continue it."""
    when = pl.when(pl.col("posting_date") <= cut.on).then(pl.lit("opening")).otherwise(pl.lit("continued"))
    return lines.with_columns(_carried=pl.when(pl.col("entry_no").is_in(continued.implode())).then(when))


def _with_lines(lines: pl.DataFrame, balances: pl.DataFrame) -> pl.DataFrame:
    """The ledger with a line for each balance in front."""
    opening = balances.select(
        pl.col(NUMBER).alias("entry_no"), pl.col("account_no").alias("gl_account_no"),
        pl.col("date").alias("posting_date"), pl.col("gl").alias("amount"),
        pl.lit("Opening balance").alias("description"), pl.lit("opening").alias("_carried"),
    )  # fmt: skip
    blank = {
        c: pl.lit("" if t == pl.String else None, t)
        for c, t in lines.schema.items()
        if c not in opening.columns
    }
    zero = pl.lit(0, lines.schema["additional_currency_amount"])
    whole = opening.with_columns(**blank).with_columns(additional_currency_amount=zero)
    return pl.concat([whole.select(lines.columns), lines])
