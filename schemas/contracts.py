"""Contracts of tables: what each column and row promises, and the test of a table against them.

Here: the form of a contract, and the test. Not here: what each table promises (``bc``, ``ledger``,
``marts``).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    import pandera.polars as pa

#: A rule of a column's values: its name, and the expression that is true where it holds.
Rule = tuple[str, Callable[[pl.Expr], pl.Expr]]


class Column(NamedTuple):
    """What a column promises. ``values`` are all that it may hold, null aside; none given: anything."""

    dtype: pl.DataType
    is_nullable: bool
    values: Sequence[str] = ()
    rule: Rule | None = None
    title: str = ""
    description: str | None = None


class Contract(NamedTuple):
    """What a table promises: its columns, the key that tells rows apart, and laws that each row keeps."""

    name: str | None
    columns: Mapping[str, Column]
    key: Sequence[str] = ()
    laws: Mapping[str, pl.Expr] = {}
    is_strict: bool = True
    is_ordered: bool = False


def checked(contract: Contract, rows: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """The rows, once they keep the contract; raises Pandera's ``SchemaErrors`` with every breach.

    One query tells whether anything is broken; only then Pandera, which takes a second to load and some
    queries a column, says what. Collects first: on a lazy frame Pandera would look at types only.
    """
    table = rows.lazy().collect()
    return table if keeps(contract, table) else pandera(contract).validate(table, lazy=True)


def keeps(contract: Contract, rows: pl.DataFrame) -> bool:
    """Whether nothing is broken. Where a type isn't exactly the promised one, Pandera decides."""
    names = list(contract.columns)
    given = set(rows.columns)
    if not given.issuperset(names) or (contract.is_strict and len(given) > len(names)):
        return False
    if contract.is_ordered and rows.columns != names:
        return False
    if any(rows.schema[name] != column.dtype for name, column in contract.columns.items()):
        return False
    if not rows.height:
        return True
    of_rows = [pl.col(name).null_count() == 0 for name, c in contract.columns.items() if not c.is_nullable]
    of_rows += [law.all() for law in contract.laws.values()]
    if contract.key:
        of_rows.append(_is_unique(contract.key, rows))
    numbered = (test.alias(str(number)) for number, test in enumerate(of_rows))
    of_values = [_of_values(rows, name, c) for name, c in contract.columns.items() if c.values or c.rule]
    found = pl.collect_all([rows.lazy().select(numbered), *of_values])
    return all(all(tests.row(0)) for tests in found if tests.width)


def _of_values(rows: pl.DataFrame, name: str, column: Column) -> pl.LazyFrame:
    """A column's tests of its values, each value looked at once: most repeat."""
    value = pl.col(name)
    is_constant = rows.select(value.eq_missing(value.first()).all()).item()  # a sixth of telling values apart
    values = rows.lazy().select(value.first() if is_constant else value.unique())
    tests = [value.cast(pl.String).is_in(list(column.values)).all().alias("values")] if column.values else []
    if column.rule:
        tests.append(column.rule[1](value).all().alias("rule"))
    return values.select(tests)


def _is_unique(key: Sequence[str], rows: pl.DataFrame) -> pl.Expr:
    """Whether no key stands twice; numbers that only rise are seen to without a look at each other."""
    if all(rows.schema[column].is_integer() for column in key) and is_rising(rows, key):
        return pl.lit(True)
    return pl.struct(key).n_unique() == pl.len()


def is_rising(rows: pl.DataFrame, columns: Sequence[str]) -> bool:
    """Whether each row's key is greater than the one before: sorted, and none stands twice. False with
    nulls.
    """
    is_greater = pl.lit(False)
    for column in reversed(columns):
        value, last = pl.col(column), pl.col(column).shift()
        is_greater = (value > last) | ((value == last) & is_greater)
    no_nulls = pl.sum_horizontal(pl.col(*columns).null_count()) == 0
    rising = is_greater.slice(1).all() & no_nulls
    return bool(rows.select(rising).item())


def pandera(contract: Contract) -> "pa.DataFrameSchema":
    """The contract as Pandera has it."""
    import pandera.polars as pa

    return pa.DataFrameSchema(
        {name: _column(column) for name, column in contract.columns.items()},
        checks=[pa.Check(_Law(law), name=name) for name, law in contract.laws.items()],
        unique=list(contract.key) or None,
        strict=contract.is_strict,
        ordered=contract.is_ordered,
        name=contract.name,
    )


def _column(column: Column) -> "pa.Column":
    import pandera.polars as pa

    checks = [pa.Check.isin(list(column.values))] if column.values else []
    if column.rule:
        name, rule = column.rule
        checks.append(pa.Check(_Rule(rule), name=name))
    return pa.Column(
        column.dtype,
        checks,
        nullable=column.is_nullable,
        title=column.title or None,
        description=column.description,
    )


class _Rule:
    """A rule of a column as Pandera wants to call it."""

    def __init__(self, rule: Callable[[pl.Expr], pl.Expr]) -> None:
        self.rule = rule

    def __call__(self, data: "pa.PolarsData") -> pl.LazyFrame:
        return data.lazyframe.select(self.rule(pl.col(data.key)))


class _Law:
    """A law as Pandera wants to call it."""

    def __init__(self, law: pl.Expr) -> None:
        self.law = law

    def __call__(self, data: "pa.PolarsData") -> pl.LazyFrame:
        return data.lazyframe.select(self.law.alias("holds"))
