"""The shape of the rule tables: a table that contradicts itself is refused before anything is computed.

Here: the columns of each rule table and the values they may hold. Not here: the rows (``pipelines/tables``)
nor how they are matched (the steps).
"""

from collections.abc import Mapping

import polars as pl

from schemas.faults import InputError

ORDER_TYPES = ("", "Production", "Transfer", "Service", "Assembly")
VARIANCE_TYPES = (
    "", "Purchase", "Material", "Capacity", "Capacity Overhead", "Manufacturing Overhead",
    "Subcontracted", "Material - Non Inventory",
)  # fmt: skip
#: What a posting rule may be conditional on, by the part of an entry that it is about.
CONDITIONS: Mapping[str, tuple[str, ...]] = {
    "actual": ("mfg_inc_non_inv_cost=yes", "mfg_inc_non_inv_cost=no"),
    "expected": ("expected_cost_due=yes", "expected_cost_due=no"),
    "write_off": ("wip_writeoff=yes", "wip_writeoff=at_finish"),
}
POSTING_RULES = (
    "rule_id", "item_ledger_entry_type", "entry_type", "variance_type", "cost_kind", "order_type",
    "condition", "outcome", "first_role", "second_role", "source",
)  # fmt: skip
ACCOUNT_ROLES = (
    "account_role", "ordinal", "bc_name", "setup_table", "setup_column",
    "setup_field_no", "setup_key_1", "setup_key_2", "entry_key_1", "entry_key_2",
)  # fmt: skip
CAUSES = ("cause", "order", "layer", "severity", "drift", "predicate", "explanation")
REMEDIES = ("cause", "origin", "remedy")
SOURCE_CODES = ("origin", "source_code", "setup_column", "source")
COMPLETENESS = ("check", "needs", "evidence", "loses", "export")
RECONCILIATIONS = (
    "reconciliation", "name", "grain", "left_fact", "left_roles", "left_types", "left_entry_types",
    "left_sign", "right_fact", "right_roles", "right_types", "right_entry_types", "right_sign", "rule",
    "needs", "statement",
)  # fmt: skip
SETUP_MESSAGES = ("message_no", "problem", "batch", "check", "message")
PROPOSALS = ("cause", "action", "job", "title", "warning")
MATCHING_RULES = ("rule_id", "kind", "parts", "amount_tolerance", "day_tolerance", "source")
CLEARING_RULES = ("rule_id", "told_by", "description", "source")
AGEING_POLICIES = (
    "policy_id", "account_no", "account_role", "buckets", "stale_after_days", "age_from", "source",
)  # fmt: skip
SETUP_FINDINGS = ("kind", "order", "severity", "sentence", "remedy")
FIGURES = ("mart", "shows", "tables", "filter")

MATRIX = (
    "row_no", "row", "column", "account_role", "item_ledger_entry_type", "entry_type", "variance_type",
    "order_type", "amount", "sign", "condition", "source",
)  # fmt: skip
MATRIX_ROWS = ("row_no", "row", "column", "account_role", "lines_of")
MATRIX_WARNINGS = ("warning", "ordinal", "cause", "bc_test", "meaning")
STOCK_CHECKS = (
    "stock_check", "cause", "about", "predicate", "needs", "severity", "account_role", "amount", "sentence",
    "source",
)  # fmt: skip

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "posting_rules_bc": POSTING_RULES,
    "account_roles_bc": ACCOUNT_ROLES,
    "causes": CAUSES,
    "remedies": REMEDIES,
    "source_codes_bc": SOURCE_CODES,
    "completeness": COMPLETENESS,
    "setup_messages_bc": SETUP_MESSAGES,
    "setup_findings": SETUP_FINDINGS,
    "matrix_bc": MATRIX,
    "matrix_corrected": MATRIX_ROWS,
    "matrix_warnings_bc": MATRIX_WARNINGS,
    "reconciliations": RECONCILIATIONS,
    "proposals": PROPOSALS,
    "clearing_rules": CLEARING_RULES,
    "matching_rules": MATCHING_RULES,
    "ageing_policies": AGEING_POLICIES,
    "stock_checks": STOCK_CHECKS,
    "figures": FIGURES,
}

KEYS: Mapping[str, tuple[str, ...]] = {
    "posting_rules_bc": ("rule_id",),
    "account_roles_bc": ("account_role",),
    "causes": ("cause",),
    "remedies": ("cause", "origin"),
    "source_codes_bc": ("source_code",),
    "completeness": ("check",),
    "reconciliations": ("reconciliation",),
    "setup_messages_bc": ("problem",),
    "proposals": ("cause",),
    "clearing_rules": ("rule_id",),
    "matching_rules": ("rule_id",),
    "ageing_policies": ("account_no", "account_role"),
    "setup_findings": ("kind",),
    "matrix_bc": tuple(c for c in MATRIX if c != "row"),
    "matrix_corrected": ("row_no", "column"),
    "matrix_warnings_bc": ("cause",),
    "stock_checks": ("stock_check",),
    "figures": ("mart",),
}

#: What a reconciliation may compare; ``pipelines.reconciliations`` makes them.
FACTS = frozenset(
    {"demanded", "posted", "open", "linked", "ledger", "finding", "cost", "project", "purchases"}
)

VALUES: Mapping[tuple[str, str], frozenset[str]] = {
    ("posting_rules_bc", "cost_kind"): frozenset({"actual", "expected", "write_off"}),
    ("posting_rules_bc", "outcome"): frozenset({"posted", "ignored", "refused"}),
    ("posting_rules_bc", "order_type"): frozenset({"any", "Assembly", "not Assembly"}),
    ("reconciliations", "left_fact"): FACTS,
    ("reconciliations", "right_fact"): FACTS | {""},
    ("reconciliations", "rule"): frozenset({"equal", "where_left", "dates"}),
    ("reconciliations", "left_sign"): frozenset({"1", "-1"}),
    ("reconciliations", "right_sign"): frozenset({"1", "-1"}),
    ("matrix_bc", "amount"): frozenset({"actual", "expected"}),
    ("matrix_bc", "sign"): frozenset({"+", "-"}),
    ("causes", "severity"): frozenset({"error", "warning", "info"}),
    ("setup_findings", "severity"): frozenset({"error", "warning", "info"}),
    ("setup_messages_bc", "batch"): frozenset({"does not start", "stops", "skips", "posts anyway"}),
    ("proposals", "action"): frozenset({"run_job", "complete_setup", "journal", "support", "none"}),
    ("clearing_rules", "told_by"): frozenset({"lineage", "match"}),
    ("matching_rules", "kind"): frozenset({"settled", "amount", "miss"}),
    ("ageing_policies", "age_from"): frozenset({"opened", "last_activity"}),
    ("stock_checks", "severity"): frozenset({"error", "warning", "info"}),
}


def checked(name: str, table: pl.DataFrame, file: str = "") -> pl.DataFrame:
    """The rule table itself, or an :class:`InputError` that names the file, the line and what to do."""
    file = file or f"{name}.csv"
    missing = [c for c in COLUMNS[name] if c not in table.columns]
    if missing:
        raise InputError(f"{file}: column {missing[0]!r} is missing. Add it to the header.")
    for (where, column), allowed in VALUES.items():
        if where == name:
            refuse_unknown(file, table, column, allowed)
    twice = table.with_row_index("line", 2).filter(pl.struct(KEYS[name]).is_duplicated())
    if twice.height:
        line, key = twice["line"][1], ", ".join(str(twice[k][1]) for k in KEYS[name])
        raise InputError(f"{file}:{line}: {key!r} stands twice. Delete one of the rows.")
    return table.select(COLUMNS[name])


def refuse_unknown(file: str, table: pl.DataFrame, column: str, allowed: frozenset[str]) -> None:
    """Raises at the first row whose value isn't among those that are allowed."""
    unknown = table.with_row_index("line", 2).filter(~pl.col(column).is_in(sorted(allowed)))
    if unknown.height:
        line, value = unknown["line"][0], unknown[column][0]
        raise InputError(f"{file}:{line}: {column} {value!r} is unknown. Use one of {sorted(allowed)}.")
