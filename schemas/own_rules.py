"""A user's own posting rules: rows that adapt the shipped table to a customised company.

Here: what an own row may say, what it replaces, what has changed. Not here: the shipped rows
(``pipelines/tables``) and reading the user's file (``assets.own_rules``).
"""

from collections.abc import Mapping

import polars as pl

from schemas.faults import InputError
from schemas.marts import ROLES
from schemas.rules import CONDITIONS, VARIANCE_TYPES, checked, refuse_unknown

#: What two posting rules may not share; the same with every "any" written out; what holds known words.
RULE_KEY = ("item_ledger_entry_type", "entry_type", "variance_type", "cost_kind", "order_type", "condition")
ATOM = ("item_ledger_entry_type", "entry_type", "_variance_type", "cost_kind", "_order_type", "_condition")
RULE_TYPES = ("item_ledger_entry_type", "entry_type", "variance_type", "condition")


def adapted(shipped: pl.DataFrame, own: pl.DataFrame, file: str) -> pl.DataFrame:
    """The posting rules with the user's own rows in place of those that they replace.

    An own row replaces the shipped row of its ``rule_id``, or the one with the same key (entry types, order
    type, cost kind, condition). Whatever a shipped rule was about must have exactly one rule afterwards, and
    nothing may have two; each own row tells its ``source``. Raises :class:`InputError` with file and line.
    """
    rows = checked("posting_rules_bc", own, file).with_row_index("line", 2)
    for column in RULE_TYPES:
        refuse_unknown(file, rows.drop("line"), column, frozenset(shipped[column]) | _more_values(column))
    for row in rows.iter_rows(named=True):
        if fault := _fault_of(row):
            raise InputError(f"{file}:{row['line']}: {fault}")
    kept = shipped.join(rows, on="rule_id", how="anti").join(rows, on=RULE_KEY, how="anti")
    merged = pl.concat([kept.with_columns(line=pl.lit(None, pl.UInt32)), rows.select(*kept.columns, "line")])
    _refuse_two_that_fit(merged, file)
    _refuse_none_that_fits(shipped, merged, rows, file)
    return merged.drop("line")


def rule_changes(posting_rules: pl.DataFrame, shipped: pl.DataFrame) -> pl.DataFrame:
    """What the user's own rows change: ``rule_id``, ``what``, ``source``; empty where nothing is adapted."""
    own = posting_rules.join(shipped, on=shipped.columns, how="anti")
    by_id = shipped.select("rule_id", _outcome().alias("_by_id"))
    by_key = shipped.select(*RULE_KEY, pl.col("rule_id").alias("_old_id"), _outcome().alias("_by_key"))
    replaced = pl.coalesce(
        pl.format("was {}", "_by_id"),
        pl.format("replaces {}, which was {}", "_old_id", "_by_key"),
        pl.lit("added"),
    )
    return (
        own.join(by_id, on="rule_id", how="left")
        .join(by_key, on=RULE_KEY, how="left")
        .select("rule_id", pl.format("{}: {}; {}", _about(), _outcome(), replaced).alias("what"), "source")
        .sort("rule_id")
    )


def _more_values(column: str) -> frozenset[str]:
    conditions = {c for of_kind in CONDITIONS.values() for c in of_kind}
    return {"condition": frozenset(conditions), "variance_type": frozenset(VARIANCE_TYPES)}.get(
        column, frozenset()
    )


def _fault_of(row: Mapping[str, str]) -> str:
    """What is wrong with an own row by itself; nothing when it can be used."""
    roles = (row["first_role"], row["second_role"])
    if not row["rule_id"] or not row["source"]:
        blank = "rule_id" if not row["rule_id"] else "source"
        return f"{blank} is blank. Say where the rule comes from: the report prints it."
    if row["condition"] not in ("any", *CONDITIONS[row["cost_kind"]]):
        return (
            f"condition {row['condition']!r} doesn't go with cost kind {row['cost_kind']!r}. "
            f"Use any or one of {list(CONDITIONS[row['cost_kind']])}."
        )
    if row["outcome"] != "posted":
        return "" if roles == ("", "") else f"a rule that is {row['outcome']} has no roles. Leave both blank."
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        return f"role {unknown[0]!r} is unknown. Use one of {sorted(ROLES)}."
    return "" if roles[0] != roles[1] else f"both roles are {roles[0]!r}. A line needs a balancing account."


def _atoms(rules: pl.DataFrame) -> pl.DataFrame:
    """The rules with every "any" written out: one row per combination that a rule is about."""
    conditions = pl.DataFrame(
        [(kind, condition) for kind, of_kind in CONDITIONS.items() for condition in of_kind],
        schema=["cost_kind", "_condition"],
        orient="row",
    )
    spelled = {"variance_type": VARIANCE_TYPES, "order_type": ("Assembly", "not Assembly")}
    out = rules.join(conditions, on="cost_kind", how="left")
    for column, values in spelled.items():
        out = out.join(pl.DataFrame({f"_{column}": values}), how="cross")
    fits = ((pl.col(c) == "any") | (pl.col(c) == pl.col(f"_{c}")) for c in (*spelled, "condition"))
    return out.filter(pl.all_horizontal(*fits))


def _refuse_two_that_fit(merged: pl.DataFrame, file: str) -> None:
    pairs = _atoms(merged).filter(pl.struct(ATOM).is_duplicated())
    if not pairs.height:
        return
    first = pairs.sort("line", nulls_last=True).head(1)
    both = pairs.join(first.select(ATOM), on=ATOM, how="semi").sort("line", nulls_last=True)
    other = both["rule_id"][1]
    whose = f"line {both['line'][1]}" if both["line"][1] is not None else "shipped"
    raise InputError(
        f"{file}:{both['line'][0]}: two rules fit {_spoken(first)}: {both['rule_id'][0]!r} and {other!r} "
        f"({whose}). Give the row the rule_id {other!r} to replace it, or the same key, or a narrower "
        "condition."
    )


def _refuse_none_that_fits(
    shipped: pl.DataFrame, merged: pl.DataFrame, rows: pl.DataFrame, file: str
) -> None:
    lost = _atoms(shipped).join(_atoms(merged), on=ATOM, how="anti")
    if not lost.height:
        return
    rule_id = lost["rule_id"][0]
    named = rows.filter(pl.col("rule_id") == rule_id)
    line = named["line"][0] if named.height else rows["line"][0]
    raise InputError(
        f"{file}:{line}: no rule fits {_spoken(lost)} any more: {rule_id!r} was about more "
        "than the row in its place. Add a row for the rest."
    )


def _spoken(atoms: pl.DataFrame) -> str:
    row = atoms.row(0, named=True)
    parts = [
        row["item_ledger_entry_type"] or "(blank)",
        row["entry_type"],
        row["_variance_type"],
        row["cost_kind"],
    ]
    return " / ".join(str(part) for part in parts if part) + f" ({row['_order_type']}, {row['_condition']})"


def _about() -> pl.Expr:
    named = [pl.when(pl.col(c) == "").then(pl.lit("(blank)")).otherwise(c) for c in RULE_KEY]
    return pl.concat_str(named, separator=" / ")


def _outcome() -> pl.Expr:
    posted = pl.format("{} against {}", "first_role", "second_role")
    return pl.when(pl.col("outcome") == "posted").then(posted).otherwise("outcome")
