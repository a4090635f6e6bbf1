"""Sections for the further marts: what ``templates/marts.csv`` says of a mart becomes a part of the page.

Here: which columns and rows of a mart are shown, in which order, under which words, and what stands out.
Not here: computing a mart, and how the tables look (``templates``). A published mart without a row in
``marts.csv`` is shown with all its columns; a row whose mart wasn't published is skipped.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import polars as pl

from reports import wording
from reports.grids import Column, Grid, grid

ROWS = 100


class Mark(NamedTuple):
    """The column whose value makes a row stand out, and what the box says that shows only such rows."""

    column: str
    caption: str


class Plan(NamedTuple):
    """What the page says of one mart: a row of ``marts.csv``."""

    mart: str
    section: str
    title: str
    lead: str = ""
    columns: tuple[tuple[str, ...], ...] = ()
    sort: tuple[str, ...] = ()
    mark: Mark | None = None
    rows: int = ROWS
    unless_zero: str = ""
    empty: str = "No rows."


@dataclass(frozen=True)
class Table:
    """One mart as it stands on the page: the rows that are shown, and the totals of all of them.

    Nothing is marked where every row that is shown would be.
    """

    plan: Plan
    grid: Grid
    marked: tuple[bool, ...]
    totals: tuple[str, ...]
    count: int
    count_marked: int

    @property
    def left(self) -> int:
        """How many rows stand only in the mart's CSV file."""
        return self.count - len(self.grid.rows)


@dataclass(frozen=True)
class Section:
    """Marts that belong together, under the title of the first."""

    anchor: str
    title: str
    tables: tuple[Table, ...]


def sections(marts: Mapping[str, pl.DataFrame], scale: int) -> list[Section]:
    """A section for every mart, in the order of ``marts.csv``; what isn't listed there comes last."""
    tables = [table(plan, marts[plan.mart], scale) for plan in _planned(marts)]
    names = dict.fromkeys(t.plan.section for t in tables)
    together = {name: tuple(t for t in tables if t.plan.section == name) for name in names}
    return [
        Section(wording.anchor("mart", name), found[0].plan.title, found) for name, found in together.items()
    ]


def table(plan: Plan, mart: pl.DataFrame, scale: int) -> Table:
    """The mart's first rows in the plan's order, with totals of its amounts over all rows."""
    columns = _columns(plan, mart)
    order = _order(plan, mart)
    in_order = mart.sort(order, nulls_last=True, maintain_order=True) if order else mart
    if plan.unless_zero in mart.columns:
        in_order = in_order.filter(pl.col(plan.unless_zero) != 0)
    shown = in_order.head(plan.rows)
    cells = grid(shown.iter_rows(named=True), columns, scale)
    is_marked = _is_marked(plan, mart)
    marked = tuple(shown.select(is_marked).to_series())
    stands_out = any(marked) and not all(marked)
    return Table(
        plan=plan,
        grid=cells,
        marked=marked if stands_out else (False,) * len(marked),
        totals=tuple(_total(mart, column, scale) for column in cells.columns),
        count=mart.height,
        count_marked=int(mart.select(is_marked.sum()).item()) if stands_out else 0,
    )


@cache
def plans() -> Mapping[str, Plan]:
    """The rows of ``marts.csv`` by mart."""
    lines = (wording.LIBRARY / "marts.csv").read_text(encoding="utf-8").splitlines()
    return {row["mart"]: _plan(row) for row in csv.DictReader(lines)}


def _planned(marts: Iterable[str]) -> list[Plan]:
    listed = [plan for name, plan in plans().items() if name in marts]
    others = sorted(name for name in marts if name not in plans())
    return [*listed, *(Plan(name, name, wording.words(name)) for name in others)]


def _plan(row: Mapping[str, str]) -> Plan:
    mark, _, caption = row["mark"].partition(":")
    return Plan(
        mart=row["mart"],
        section=row["section"] or row["mart"],
        title=row["title"],
        lead=row["lead"],
        columns=tuple(tuple(column.strip().split(":")) for column in row["columns"].split(";") if column),
        sort=tuple(row["sort"].split()),
        mark=Mark(mark, caption) if mark else None,
        rows=int(row["rows"] or ROWS),
        unless_zero=row["unless_zero"],
        empty=row["empty"] or "No rows.",
    )


def _columns(plan: Plan, mart: pl.DataFrame) -> list[Column]:
    """The plan's columns that the mart has, else all; name and type tell what isn't said."""
    stated = [c for c in plan.columns if c[0] in mart.columns] or [(name,) for name in mart.columns]
    columns = (_column(mart.schema, *column) for column in stated)
    return [c for c in columns if c.kind != "part" or mart.select((pl.col(c.name) != 0).any()).item()]


def _column(schema: pl.Schema, name: str, caption: str = "", kind: str = "") -> Column:
    return Column(name, caption or wording.words(name), kind or _kind(name, schema[name]))


#: The kind of a column that is known by how its name ends; else its type tells.
_KINDS: Mapping[str, str] = {
    "account_no": "account", "account_role": "role", "roles": "roles", "finding_id": "finding",
    "findings": "findings", "cause": "cause", "_no": "code", "_code": "code", "_key": "code", "_on": "code",
    "_id": "code", "group": "code",
}  # fmt: skip


def _kind(name: str, dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Decimal):
        return "quantity" if "quantity" in name or name.startswith(("unit_", "rate")) else "amount"
    if dtype == pl.Boolean:
        return "claim"
    named = next((kind for ending, kind in _KINDS.items() if name.endswith(ending)), "")
    if dtype.is_integer():
        return named or "count"
    return named or ("text" if dtype == pl.String else "code")


def _order(plan: Plan, mart: pl.DataFrame) -> list[pl.Expr]:
    """The plan's sort keys; with a minus the largest first, amounts regardless of their sign."""
    keys = [(key.lstrip("-"), key.startswith("-")) for key in plan.sort]
    return [_key(mart.schema[name], name, falls) for name, falls in keys if name in mart.columns]


def _key(dtype: pl.DataType, name: str, falls: bool) -> pl.Expr:
    if not falls:
        return pl.col(name)
    if dtype == pl.Boolean:
        return ~pl.col(name)
    if dtype.is_numeric():
        return -pl.col(name).abs()
    return pl.col(name).rank("dense", descending=True)


def _is_marked(plan: Plan, mart: pl.DataFrame) -> pl.Expr:
    if plan.mark is None or plan.mark.column not in mart.columns:
        return pl.repeat(False, pl.len()).alias("is_marked")
    value, dtype = pl.col(plan.mark.column), mart.schema[plan.mark.column]
    said = value if dtype == pl.Boolean else value != ("" if dtype == pl.String else 0)
    return said.fill_null(False).alias("is_marked")


def _total(mart: pl.DataFrame, column: Column, scale: int) -> str:
    """The exact sum of an amount over all rows of the mart; blank for what doesn't add up."""
    if column.kind not in ("amount", "part"):
        return ""
    return wording.amount(mart[column.name].sum(), scale)
