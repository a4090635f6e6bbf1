"""Contracts as checks that stop a run: the tables as they were read, the tables as they are published.

Here: which contract guards which asset, what a breach says. Not here: the contracts (``schemas``) and what a
controller expects of the figures (``assets.expectations``).
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import dagster as dg
import polars as pl

from schemas import bc, ledger, marts
from schemas.bc import Extract
from schemas.ledger import Books

Contract = Callable[[pl.DataFrame], pl.DataFrame]
SHOWN = 5


@dg.asset_check(asset="extract", name="contract", blocking=True)
def extract_contract(extract: Extract) -> dg.AssetCheckResult:
    """Every table as read keeps its contract: types, options, codes, keys."""
    return verdict({table: (partial(bc.checked, table), rows) for table, rows in extract.tables.items()})


@dg.asset_check(asset="books", name="contract", blocking=True)
def books_contract(books: Books) -> dg.AssetCheckResult:
    """The ledgers and setups of the books keep their contract."""
    return verdict({t: (partial(ledger.checked, t), getattr(books, t)) for t in ledger.TABLES})


@dg.asset_check(asset="marts", name="contract", blocking=True, additional_ins={"books": dg.AssetIn("books")})
def marts_contract(marts: dict[str, pl.DataFrame], books: Books) -> dg.AssetCheckResult:
    """Every table as published keeps its contract: columns, types, known values, and the laws of its rows."""
    return verdict({mart: (contract_of(mart, books), rows) for mart, rows in marts.items()})


def contract_of(mart: str, books: Books) -> Contract:
    return lambda rows: marts.checked(mart, rows, books.scale, books.scale_acy)


def verdict(guarded: Mapping[str, tuple[Contract, pl.DataFrame]]) -> dg.AssetCheckResult:
    """Passed when every table keeps its contract; else what breaks it, table by table."""
    found = [
        breach for table, (contract, rows) in guarded.items() for breach in breaches(table, contract, rows)
    ]
    return dg.AssetCheckResult(
        passed=not found,
        description="; ".join(found) if found else f"{len(guarded)} tables keep their contracts.",
        metadata={table: rows.height for table, (_, rows) in guarded.items()},
    )


def breaches(table: str, contract: Contract, rows: pl.DataFrame) -> Iterable[str]:
    """The first breaches of a table's contract, each with its column, the rule and the value."""
    try:
        contract(rows)
    except Exception as fault:
        from pandera.errors import SchemaError, SchemaErrors  # loaded by now, and not before it is needed

        if isinstance(fault, SchemaErrors):
            for case in fault.failure_cases.head(SHOWN).iter_rows(named=True):
                place = f"{table}.{case['column']}" if case["column"] else table
                yield f"{place}: {case['check']} does not hold for {case['failure_case']}"
        elif isinstance(fault, (SchemaError, pl.exceptions.PolarsError)):
            yield f"{table}: {fault}"  # Pandera stumbles where a key column is missing
        else:
            raise
