"""Runs the steps on a company's rows or typed tables, in memory and without Dagster: for books by the hundred.

Here: rows to tables, tables to outcome, tables with something changed. Not here: which books
(``tests/made``), and what must hold of them (the tests).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.sources import bc_extract
from schemas.bc import Extract
from schemas.ledger import Settings
from tests.chain import Chain
from tests.made import random_books
from tests.made.write import columns, text
from tests.page import Page

DISTURBANCES = 3
NO_PAGE = Page(Path("no page"), "", {}, {}, ())


def extract(tables: Mapping[str, Sequence[Mapping[str, Any]]], company: str = "RANDOM") -> Extract:
    """Plain rows as an extract; a table without rows is there and empty."""
    return bc_extract.extract(company, [_table(name, rows) for name, rows in tables.items()])


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> bc_extract.Table:
    named = list(rows[0]) if rows else list(columns(name))
    cells = [[text(row[column]) for column in named] for row in rows]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(named, pl.String), orient="row")
    part = bc_extract.Part(name, frame, lambda row: f"row {row + 1}")
    return bc_extract.Table(name, name, (part,), sha256="")


@cache
def rolled(seed: int) -> Extract:
    """The random company of a seed, without faults."""
    return extract(random_books.books(seed).tables)


@cache
def disturbed(seed: int) -> Extract:
    """The random company of a seed, with random faults."""
    return extract(random_books.books(seed, DISTURBANCES).tables)


def changed(given: Extract, **tables: pl.DataFrame | None) -> Extract:
    """The extract with other tables in place of some; ``None`` takes a table away."""
    kept = {**given.tables, **tables}
    return replace(given, tables={name: table for name, table in kept.items() if table is not None})


def tied_out(given: Extract, **settings: Any) -> Chain:
    """The steps' outcome by noun: ``tied_out(given)["differences"]``."""
    return Chain(NO_PAGE, extract=given, settings=Settings(**settings))
