"""Turns Business Central's tables about dates, dimensions and journals into the limits of a posting.

Here: names, one table of Business Central to one of the limits. Not here: what they forbid
(``pipelines.posttest``), the setup of accounts (``bc``).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from schemas import limits
from schemas.bc import Extract
from schemas.limits import PostingLimits

GL_ACCOUNT_TABLE_NO = 15
Tables = Mapping[str, pl.DataFrame]


def posting_limits(extract: Extract) -> PostingLimits:
    """What the company's setup allows a posting; a table that wasn't given is empty."""
    tables = extract.tables
    ledger_setup, inventory_setup = _row(tables, "general_ledger_setup"), _row(tables, "inventory_setup")
    return PostingLimits(
        allowed_from=ledger_setup.get("allow_posting_from"),
        allowed_to=ledger_setup.get("allow_posting_to"),
        user_dates=_table(
            tables, "user_setup", limits.DATE_RANGES, "user_id", "allow_posting_from", "allow_posting_to"
        ),
        templates=_table(
            tables, "gen_journal_template", limits.DATE_RANGES,
            "name", "allow_posting_date_from", "allow_posting_date_to",
        ),
        batches=_table(
            tables, "gen_journal_batch", limits.BATCHES, "journal_template_name", "name", "no_series"
        ),
        has_batches="gen_journal_batch" in tables,
        is_template_mandatory=bool(ledger_setup.get("journal_templ_name_mandatory")),
        default_template=inventory_setup.get("invt_cost_jnl_template_name", ""),
        default_batch=inventory_setup.get("invt_cost_jnl_batch_name", ""),
        date_formulas=tuple(_date_formulas(tables)),
        dimension_sets=_table(
            tables, "dimension_set_entry", limits.DIMENSION_SETS,
            "dimension_set_id", "dimension_code", "dimension_value_code",
        ),
        dimensions=_table(tables, "dimension", limits.DIMENSIONS, "code", "blocked"),
        dimension_values=_table(
            tables, "dimension_value", limits.DIMENSION_VALUES,
            "dimension_code", "code", "blocked", pl.col("dimension_value_type") == "Standard",
        ),
        dimension_combinations=_table(
            tables, "dimension_combination", limits.DIMENSION_COMBINATIONS,
            "dimension_1_code", "dimension_2_code", "combination_restriction",
        ),
        value_combinations=_table(
            tables, "dimension_value_combination", limits.VALUE_COMBINATIONS,
            "dimension_1_code", "dimension_1_value_code", "dimension_2_code", "dimension_2_value_code",
        ),
        account_dimensions=_account_dimensions(tables),
    )  # fmt: skip


def _row(tables: Tables, table: str) -> dict[str, Any]:
    """The only row of a setup table; nothing where it wasn't given or is empty."""
    rows = tables.get(table)
    return rows.row(0, named=True) if rows is not None and rows.height else {}


def _table(
    tables: Tables, table: str, schema: Mapping[str, pl.DataType], *columns: str | pl.Expr
) -> pl.DataFrame:
    """The columns of one table under the names of the limits; an empty table where it wasn't given."""
    if table not in tables:
        return pl.DataFrame(schema=dict(schema))
    named = zip(columns, schema.items(), strict=True)
    exprs = ((pl.col(c) if isinstance(c, str) else c, name, dtype) for c, (name, dtype) in named)
    return tables[table].select(expr.cast(dtype).alias(name) for expr, name, dtype in exprs)


def _account_dimensions(tables: Tables) -> pl.DataFrame:
    """Default dimensions of G/L accounts; those of customers, items and others don't bind a cost line.

    Without the dimension sets nobody knows whether a line keeps to them: none then.
    """
    of_accounts = {
        name: rows.filter(pl.col("table_id") == GL_ACCOUNT_TABLE_NO)
        for name, rows in tables.items()
        if name == "default_dimension" and "dimension_set_entry" in tables
    }
    return _table(
        of_accounts, "default_dimension", limits.ACCOUNT_DIMENSIONS,
        "no", "dimension_code", "dimension_value_code", "value_posting", "allowed_values_filter",
    )  # fmt: skip


def _date_formulas(tables: Tables) -> Iterator[str]:
    """Where a range of dates is a formula, relative to the day of posting."""
    for table in ("general_ledger_setup", "user_setup"):
        for row in tables[table].iter_rows(named=True) if table in tables else ():
            for column in ("allow_posting_from_dateformula", "allow_posting_to_dateformula"):
                if row[column]:
                    whose = row.get("user_id") or table
                    yield f"{whose}: {column} {row[column]}"
