"""Runs the steps on rows or typed tables, in memory and without Dagster: for books by the hundred.

Here: rows to tables, tables to outcome, tables with something changed. Not here: which books
(``tests/made``), and what must hold of them (the tests).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.sources import bc_extract
from schemas import bc
from schemas.bc import Extract, Input
from schemas.ledger import Settings
from tests.chain import Chain
from tests.made import random_books
from tests.made.write import columns, text
from tests.page import Page

DISTURBANCES = 3
NO_PAGE = Page(Path("no page"), "", {}, {}, ())


def extract(
    tables: Mapping[str, Sequence[Mapping[str, Any]]], company: str = "RANDOM", parts: int = 1
) -> Extract:
    """Plain rows as an extract, each table in so many part files; a table without rows is there and empty."""
    return bc_extract.extract(company, [_table(name, rows, parts) for name, rows in tables.items()])


def typed(tables: Mapping[str, Sequence[Mapping[str, Any]]], company: str = "RANDOM") -> Extract:
    """The same extract without the way through text, for companies by the thousand; a table without rows is
    there with the columns that a made company exports.
    """
    frames = {name: _typed(name, rows) for name, rows in tables.items()}
    given = {name: _given(name, rows) for name, rows in tables.items()}
    inputs = tuple(Input(name, name, frame.height, "", {}, ()) for name, frame in frames.items())
    return Extract(company, frames, given, inputs, scale=2, scale_acy=2)


def _typed(name: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The table's fields; what no row says is a literal, which takes no time."""
    keys = {key for row in rows for key in row}
    named = [(field, _named(field, keys)) for field in bc.fields()[name]]
    given = [_series(field, [row.get(key) for row in rows]) for field, key in named if key]
    absent = [pl.lit(field.default, field.dtype).alias(field.column) for field, key in named if not key]
    frame = pl.DataFrame(given, height=len(rows)).with_columns(absent)
    return frame.select(field.column for field, _ in named)


def _series(field: bc.Field, values: Sequence[Any]) -> pl.Series:
    """The field's values; blank is the default, but where it is an option of its own."""
    blank = "" if "" in field.options.values() else field.default
    values = [blank if value is None or value == "" else value for value in values]
    return pl.Series(field.column, values, dtype=field.dtype)


def _named(field: bc.Field, keys: Collection[str]) -> str:
    """Which of the keys means the field; blank if none does."""
    return next((key for key in (field.column, _caption(field.caption)) if key in keys), "")


@cache
def _caption(caption: str) -> str:
    return bc.snake(caption)


def _given(name: str, rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    keys = {key for row in rows for key in row} or set(columns(name))
    return frozenset(field.column for field in bc.fields()[name] if _named(field, keys))


def _table(name: str, rows: Sequence[Mapping[str, Any]], parts: int) -> bc_extract.Table:
    named = list(rows[0]) if rows else list(columns(name))
    cells = [[text(row[column]) for column in named] for row in rows]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(named, pl.String), orient="row")
    size = -(-frame.height // parts) or 1
    slices = [frame.slice(start, size) for start in range(0, frame.height, size)] or [frame]
    files = tuple(bc_extract.Part(name, rows, lambda row: f"row {row + 1}") for rows in slices)
    return bc_extract.Table(name, name, files, sha256="")


@cache
def rolled(seed: int) -> Extract:
    """The random company of a seed, without faults."""
    return extract(random_books.books(seed).tables)


@cache
def disturbed(seed: int) -> Extract:
    """The random company of a seed, with random faults."""
    return extract(random_books.books(seed, DISTURBANCES).tables)


@cache
def outcome(seed: int, is_disturbed: bool = False) -> Chain:
    """What comes out of the random company of a seed."""
    return tied_out(disturbed(seed) if is_disturbed else rolled(seed))


def changed(given: Extract, /, **tables: pl.DataFrame | None) -> Extract:
    """The extract with other tables in place of some; ``None`` takes a table away."""
    kept = {name: table for name, table in {**given.tables, **tables}.items() if table is not None}
    inputs = tuple(read for read in given.inputs if read.table in kept)
    return replace(given, tables=kept, inputs=inputs)


def tied_out(given: Extract, **settings: Any) -> Chain:
    """The steps' outcome by noun: ``tied_out(given)["differences"]``."""
    return Chain(NO_PAGE, extract=given, settings=Settings(**settings))


def edited(given: Extract, table: str, claim: pl.Expr, /, **values: Any) -> Extract:
    """The rows of a table that fit the claim get other values."""
    return _replaced(given, table, given.tables[table].pipe(_with_values, claim, values))


def without(given: Extract, table: str, claim: pl.Expr) -> Extract:
    """The rows of a table that fit the claim are gone."""
    return _replaced(given, table, given.tables[table].filter(~claim))


def repeated(given: Extract, table: str, claim: pl.Expr, /, **values: Any) -> Extract:
    """The rows of a table that fit the claim stand there once more, with other values."""
    rows = given.tables[table]
    return _replaced(
        given, table, pl.concat([rows, rows.filter(claim).pipe(_with_values, pl.lit(True), values)])
    )


def _with_values(rows: pl.DataFrame, claim: pl.Expr, values: Mapping[str, Any]) -> pl.DataFrame:
    return rows.with_columns(
        pl.when(claim)
        .then(value if isinstance(value, pl.Expr) else pl.lit(value, rows.schema[name]))
        .otherwise(pl.col(name))
        .cast(rows.schema[name])
        .alias(name)
        for name, value in values.items()
    )


def _replaced(given: Extract, table: str, rows: pl.DataFrame) -> Extract:
    return changed(given, **{table: rows})


def added(given: Extract, table: str, /, **values: Any) -> Extract:
    """One row more, in a table that may not have been given; what isn't said is null."""
    types = {field.column: field.dtype for field in bc.fields()[table]}
    rows = given.tables.get(table, pl.DataFrame(schema=types))
    more = _replaced(given, table, pl.concat([rows, pl.DataFrame([values], schema=rows.schema)]))
    return replace(more, given={table: frozenset(types), **given.given})
