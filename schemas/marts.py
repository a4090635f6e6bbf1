"""The published marts: what a run promises to everybody who reads its tables.

Here: the columns, types and laws of each mart, and the step from a working frame to the published one.
Not here: computing a mart (`pipelines`) and writing it (`assets`).

Debit is positive. Amounts are Decimal at the company's scale. `difference = actual - expected`: G/L minus
subledger.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl

from schemas import contracts, money
from schemas.contracts import Contract
from schemas.ledger import CONTROLLED_ROLES

ROLES = (
    *CONTROLLED_ROLES,
    "inventory_adjmt", "direct_cost_applied", "direct_cost_non_inventory_applied", "overhead_applied",
    "purchase_variance", "cogs", "material_variance", "material_non_inventory_variance", "capacity_variance",
    "subcontracted_variance", "cap_overhead_variance", "mfg_overhead_variance",
)  # fmt: skip
#: What BC's batch job does about a message of its test report.
BATCH_JOB = ("does not start", "stops", "skips", "posts anyway")
#: What an account is to its setup key: what the setup says today, what it said, what it never said.
SETUP_STATUSES = ("today", "former", "side_by_side", "unused", "blank", "no_row")
COST_KINDS = ("actual", "expected", "write_off")
SEVERITIES = ("error", "warning", "info")
CAUSES = (
    "unposted", "skipped_setup", "unposted_not_queued", "posted_without_gl", "direct_posting",
    "account_changed", "wip_account_changed", "amount_mismatch", "duplicate_posting",
    "flag_inconsistent", "one_sided", "orphan_relation", "unrelated_inventory_posting", "reversed",
    "expected_cost_stranded", "invalid_combination", "deleted_account", "unclassified",
    "posting_date_mismatch", "dimension_mismatch", "acy_mismatch", "group_changed_with_stock",
    "cost_not_adjusted", "wip_residue", "backdated_adjustment", "negative_inventory", "costing_error",
    "stale_clearing", "opening_balance", "product_defect", "expected_cost_off", "shared_account",
    "compressed", "closing_entry", "not_inventoriable", "transfer_of_uninvoiced",
    "handled_without_posting",
)  # fmt: skip

#: What a proposal asks for, and what a simulation of it came to (``incomplete``: a value must be chosen).
ACTIONS = ("run_job", "complete_setup", "journal", "support")
OUTCOMES = ("gone", "settled", "stays", "incomplete")

LCY, ACY = "LCY", "ACY"


class Column(NamedTuple):
    """One column of a mart: its type (an amount: its currency), whether it may be null, its known values."""

    type: pl.DataType | str
    is_nullable: bool = True
    values: tuple[str, ...] = ()

    def dtype(self, scale: int, scale_acy: int) -> pl.DataType:
        """The Polars type at the company's scales."""
        if isinstance(self.type, str):
            return money.published(scale if self.type == LCY else scale_acy)
        return self.type


_TEXT, _NUMBER, _DATE, _CLAIM = pl.String(), pl.Int64(), pl.Date(), pl.Boolean()
_JSON = pl.String()
_QUANTITY = pl.Decimal(38, 10)

MARTS: Mapping[str, Mapping[str, Column]] = {
    "tie_outs": {
        "account_no": Column(_TEXT),
        "account_name": Column(_TEXT),
        "roles": Column(_JSON, is_nullable=False),
        "subledger": Column(LCY, is_nullable=False),
        "gl": Column(LCY, is_nullable=False),
        "other_activity": Column(LCY, is_nullable=False),
        "difference": Column(LCY, is_nullable=False),
        "explained": Column(_JSON, is_nullable=False),
        "unexplained": Column(LCY, is_nullable=False),
    },
    "differences": {
        "finding_id": Column(_TEXT, is_nullable=False),
        "cause": Column(_TEXT, is_nullable=False, values=CAUSES),
        "drift": Column(_TEXT),
        "severity": Column(_TEXT, is_nullable=False, values=SEVERITIES),
        "account_no": Column(_TEXT),
        "account_role": Column(_TEXT, values=ROLES),
        "posting_date": Column(_DATE),
        "document_no": Column(_TEXT),
        "source_code": Column(_TEXT),
        "user_id": Column(_TEXT),
        "created_at": Column(pl.Datetime("ms")),
        "value_entry_no": Column(_NUMBER),
        "item_ledger_entry_no": Column(_NUMBER),
        "gl_entry_no": Column(_NUMBER),
        "item_no": Column(_TEXT),
        "location_code": Column(_TEXT),
        "order_no": Column(_TEXT),
        "expected_amount": Column(LCY),
        "actual_amount": Column(LCY),
        "difference": Column(LCY),
        "difference_acy": Column(ACY),
        "inferred": Column(_CLAIM, is_nullable=False),
        "settled_by": Column(_TEXT),
        "settlement_id": Column(_TEXT),
        "explanation": Column(_TEXT, is_nullable=False),
        "remedy": Column(_TEXT, is_nullable=False),
    },
    "expected_postings": {
        "value_entry_no": Column(_NUMBER, is_nullable=False),
        "cost_kind": Column(_TEXT, is_nullable=False, values=COST_KINDS),
        "account_role": Column(_TEXT, is_nullable=False, values=ROLES),
        "account_no": Column(_TEXT),
        "posting_date": Column(_DATE, is_nullable=False),
        "amount": Column(LCY, is_nullable=False),
        "amount_acy": Column(ACY, is_nullable=False),
        "posted_amount": Column(LCY, is_nullable=False),
        "open_amount": Column(LCY, is_nullable=False),
        "rule_id": Column(_TEXT, is_nullable=False),
    },
    "actual_postings": {
        "gl_entry_no": Column(_NUMBER, is_nullable=False),
        "value_entry_no": Column(_NUMBER),
        "cost_kind": Column(_TEXT, values=COST_KINDS),
        "account_role": Column(_TEXT, values=ROLES),
        "account_no": Column(_TEXT),
        "posting_date": Column(_DATE, is_nullable=False),
        "amount": Column(LCY, is_nullable=False),
        "amount_acy": Column(ACY, is_nullable=False),
        "inferred": Column(_CLAIM, is_nullable=False),
    },
    "reconciliations": {
        "reconciliation": Column(_TEXT, is_nullable=False),
        "name": Column(_TEXT, is_nullable=False),
        "key": Column(_TEXT, is_nullable=False),  # "(total)": the sums of the reconciliation
        "left_amount": Column(LCY),
        "right_amount": Column(LCY),
        "difference": Column(LCY),
        "keys": Column(_NUMBER, is_nullable=False),
        "status": Column(_TEXT, is_nullable=False, values=("ties", "differs", "off")),
        "statement": Column(_TEXT, is_nullable=False),
    },
    "roll_forward": {
        "account_no": Column(_TEXT),
        "side": Column(_TEXT, is_nullable=False, values=("subledger", "gl", "other_activity", "difference")),
        "ordinal": Column(_NUMBER, is_nullable=False),
        "line": Column(_TEXT, is_nullable=False),
        "account_role": Column(_TEXT, values=ROLES),
        "amount": Column(LCY, is_nullable=False),
    },
    "setup_timeline": {
        "setup_table": Column(_TEXT, is_nullable=False),
        "key_1": Column(_TEXT, is_nullable=False),
        "key_2": Column(_TEXT, is_nullable=False),
        "account_role": Column(_TEXT, is_nullable=False, values=ROLES),
        "account_no": Column(_TEXT),  # null: the line's account was deleted
        "account_name": Column(_TEXT),
        "status": Column(_TEXT, is_nullable=False, values=SETUP_STATUSES),
        "today_account_no": Column(_TEXT),
        "first_posted_on": Column(_DATE),
        "last_posted_on": Column(_DATE),
        "lines": Column(_NUMBER, is_nullable=False),
        "amount": Column(LCY, is_nullable=False),
        "first_gl_entry_no": Column(_NUMBER),
        "last_gl_entry_no": Column(_NUMBER),
        "first_value_entry_no": Column(_NUMBER),
        "last_value_entry_no": Column(_NUMBER),
        "changed_at": Column(pl.Datetime("ms")),
        "changed_by": Column(_TEXT),
        "logged_account": Column(_TEXT),
        "log_agrees": Column(_CLAIM),  # null: no change log, or nothing ended
    },
    "setup_findings": {
        "kind": Column(_TEXT, is_nullable=False),
        "severity": Column(_TEXT, is_nullable=False, values=SEVERITIES),
        "setup_table": Column(_TEXT),
        "key_1": Column(_TEXT),
        "key_2": Column(_TEXT),
        "account_role": Column(_TEXT, values=ROLES),
        "account_no": Column(_TEXT),
        "entries": Column(_NUMBER),
        "amount": Column(LCY),
        "sentence": Column(_TEXT, is_nullable=False),
        "remedy": Column(_TEXT, is_nullable=False),
    },
    "post_test": {
        "message_no": Column(_NUMBER, is_nullable=False),
        "batch_job": Column(_TEXT, is_nullable=False, values=BATCH_JOB),
        "message": Column(_TEXT, is_nullable=False),
        "value_entry_no": Column(_NUMBER),
        "cost_kind": Column(_TEXT, values=COST_KINDS),
        "account_role": Column(_TEXT, values=ROLES),
        "account_no": Column(_TEXT),
        "posting_date": Column(_DATE),
        "amount": Column(LCY),
        "entries": Column(_NUMBER, is_nullable=False),
        "balancing_role": Column(_TEXT, values=ROLES),
        "location_code": Column(_TEXT),
        "posting_group": Column(_TEXT),
        "gen_bus_posting_group": Column(_TEXT),
        "gen_prod_posting_group": Column(_TEXT),
        "dimension_set_id": Column(_NUMBER),
        "is_credit": Column(_CLAIM),
        "group_amount": Column(LCY),
        "group_entries": Column(_NUMBER),
    },
    "valuation": {
        "item_no": Column(_TEXT, is_nullable=False),
        "variant_code": Column(_TEXT, is_nullable=False),
        "location_code": Column(_TEXT, is_nullable=False),
        "inventory_posting_group": Column(_TEXT, is_nullable=False),
        "quantity": Column(_QUANTITY),
        "invoiced_quantity": Column(_QUANTITY),
        "value": Column(LCY, is_nullable=False),
        "value_actual": Column(LCY, is_nullable=False),
        "value_expected": Column(LCY, is_nullable=False),
        "posted_to_gl": Column(LCY, is_nullable=False),
        "expected_posted_to_gl": Column(LCY, is_nullable=False),
        "value_by_valuation_date": Column(LCY),
        "not_inventoriable": Column(LCY, is_nullable=False),
        "refused": Column(LCY, is_nullable=False),
        "handled_without_posting": Column(LCY, is_nullable=False),
        "unresolved": Column(LCY, is_nullable=False),
        "subledger": Column(LCY, is_nullable=False),
        "gl": Column(LCY, is_nullable=False),
    },
    "breakdowns": {
        "by": Column(_TEXT, is_nullable=False, values=("item", "location", "document", "dimension_set")),
        "account_no": Column(_TEXT),
        "key": Column(_TEXT, is_nullable=False),
        "subledger": Column(LCY, is_nullable=False),
        "gl": Column(LCY, is_nullable=False),
        "other_activity": Column(LCY, is_nullable=False),
        "difference": Column(LCY, is_nullable=False),
    },
    "bc_matrix": {
        "view": Column(_TEXT, is_nullable=False, values=("as_bc", "corrected")),
        "row_no": Column(_NUMBER, is_nullable=False),
        "row": Column(_TEXT, is_nullable=False),
        "account_role": Column(_TEXT, values=ROLES),
        "inventory": Column(LCY),
        "inventory_interim": Column(LCY),
        "wip": Column(LCY),
        "other": Column(LCY),
        "total": Column(LCY),
        "gl_total": Column(LCY),
        "other_activity": Column(LCY),
        "difference": Column(LCY),
        "warning": Column(_TEXT, is_nullable=False),
        "warnings": Column(_JSON, is_nullable=False),
        "accounts": Column(_JSON, is_nullable=False),
    },
    "wip_orders": {
        "order_no": Column(_TEXT),
        "order_line_no": Column(_NUMBER),
        "item_no": Column(_TEXT),
        "is_finished": Column(_CLAIM),
        "is_cost_adjusted": Column(_CLAIM),
        "account_no": Column(_TEXT),
        "material": Column(LCY, is_nullable=False),
        "capacity": Column(LCY, is_nullable=False),
        "capacity_overhead": Column(LCY, is_nullable=False),
        "subcontracting": Column(LCY, is_nullable=False),
        "output": Column(LCY, is_nullable=False),
        "expected_output": Column(LCY, is_nullable=False),
        "write_off": Column(LCY, is_nullable=False),
        "other": Column(LCY, is_nullable=False),
        "subledger": Column(LCY, is_nullable=False),
        "gl": Column(LCY, is_nullable=False),
        "other_activity": Column(LCY, is_nullable=False),
        "difference": Column(LCY, is_nullable=False),
        "variance": Column(LCY, is_nullable=False),
        "last_activity_on": Column(_DATE),
        "has_wip_left": Column(_CLAIM, is_nullable=False),
        "is_on_several_accounts": Column(_CLAIM, is_nullable=False),
    },
    "proposals": {
        "proposal_id": Column(_TEXT, is_nullable=False),
        "finding_id": Column(_TEXT, is_nullable=False),
        "cause": Column(_TEXT, is_nullable=False, values=CAUSES),
        "action": Column(_TEXT, is_nullable=False, values=ACTIONS),
        "title": Column(_TEXT, is_nullable=False),
        "job": Column(_TEXT),
        "value_entry_no": Column(_NUMBER),
        "gl_entry_no": Column(_NUMBER),
        "setup_table": Column(_TEXT),
        "setup_key_1": Column(_TEXT),
        "setup_key_2": Column(_TEXT),
        "setup_field": Column(_TEXT),
        "setup_value": Column(_TEXT),
        "line_no": Column(_NUMBER),
        "account_no": Column(_TEXT),
        "amount": Column(LCY),
        "posting_date": Column(_DATE),
        "document_no": Column(_TEXT),
        "external_document_no": Column(_TEXT),
        "description": Column(_TEXT),
        "dimension_set_id": Column(_NUMBER),
        "warning": Column(_TEXT),
        "simulated": Column(_CLAIM, is_nullable=False),
        "outcome": Column(_TEXT, values=OUTCOMES),
    },
    "clearing_items": {
        "account_no": Column(_TEXT, is_nullable=False),
        "account_role": Column(_TEXT, is_nullable=False),  # or what the user calls the account
        "item_key": Column(_TEXT, is_nullable=False),
        "document_no": Column(_TEXT),
        "party_no": Column(_TEXT),
        "item_no": Column(_TEXT),
        "opened_on": Column(_DATE, is_nullable=False),
        "last_activity_on": Column(_DATE, is_nullable=False),
        "debits": Column(LCY, is_nullable=False),
        "credits": Column(LCY, is_nullable=False),
        "balance": Column(LCY, is_nullable=False),
        "age_days": Column(_NUMBER, is_nullable=False),
        "days_since_activity": Column(_NUMBER, is_nullable=False),
        "bucket": Column(_TEXT, is_nullable=False),
        "stale": Column(_CLAIM, is_nullable=False),
        "reason": Column(_TEXT, is_nullable=False),
        "rule_id": Column(_TEXT, is_nullable=False),
        "policy_id": Column(_TEXT, is_nullable=False),
    },
    "clearing_matches": {
        "account_no": Column(_TEXT, is_nullable=False),
        "rule_id": Column(_TEXT, is_nullable=False),
        "item_key": Column(_TEXT),  # null: all items that the rule tells by lineage
        "description": Column(_TEXT, is_nullable=False),
        "items": Column(_NUMBER, is_nullable=False),
        "closed_items": Column(_NUMBER, is_nullable=False),
        "lines": Column(_NUMBER, is_nullable=False),
        "debits": Column(LCY, is_nullable=False),
        "credits": Column(LCY, is_nullable=False),
        "balance": Column(LCY, is_nullable=False),
    },
    "accrual_proposals": {
        "item_ledger_entry_no": Column(_NUMBER),
        "value_entry_no": Column(_NUMBER, is_nullable=False),
        "document_no": Column(_TEXT),
        "party_no": Column(_TEXT),
        "item_no": Column(_TEXT),
        "received_on": Column(_DATE, is_nullable=False),
        "age_days": Column(_NUMBER, is_nullable=False),
        "amount": Column(LCY, is_nullable=False),
        "debit_account_no": Column(_TEXT),
        "credit_account_no": Column(_TEXT),
        "debit_role": Column(_TEXT, values=ROLES),
        "credit_role": Column(_TEXT, values=ROLES),
    },
}

#: What tells the rows of a mart apart, where something does.
KEYS: Mapping[str, tuple[str, ...]] = {
    "tie_outs": ("account_no",),
    "roll_forward": ("account_no", "side", "ordinal"),
    "expected_postings": ("value_entry_no", "cost_kind", "account_role"),
    "valuation": ("item_no", "variant_code", "location_code", "inventory_posting_group"),
    "breakdowns": ("by", "account_no", "key"),
    "bc_matrix": ("view", "row_no"),
    "wip_orders": ("order_no", "order_line_no", "account_no"),
    "clearing_items": ("account_no", "item_key"),
    "clearing_matches": ("account_no", "rule_id", "item_key"),
    "accrual_proposals": ("value_entry_no",),
}
_DIFFERENCE = pl.col("gl") - pl.col("other_activity") - pl.col("subledger") == pl.col("difference")

#: Laws that hold for each row by itself.
ROW_LAWS: Mapping[str, Mapping[str, pl.Expr]] = {
    "tie_outs": {
        "difference = gl - other activity - subledger": _DIFFERENCE,
    },
    "differences": {
        "difference = actual - expected": (
            pl.col("actual_amount") - pl.col("expected_amount") == pl.col("difference")
        ).fill_null(True),
        "a row with an amount names an entry": (pl.col("difference").fill_null(0) == 0)
        | pl.col("value_entry_no").is_not_null()
        | pl.col("gl_entry_no").is_not_null(),
        "a settled finding is info": pl.col("settlement_id").is_null() | (pl.col("severity") == "info"),
        "an explanation says something": pl.col("explanation").str.strip_chars() != "",
    },
    "expected_postings": {
        "open = amount - posted": pl.col("amount") - pl.col("posted_amount") == pl.col("open_amount"),
        "each value entry debits what it credits": pl.col("amount").sum().over("value_entry_no") == 0,
    },
    "actual_postings": {},
    "reconciliations": {
        "difference = right - left": (
            pl.col("right_amount") - pl.col("left_amount") == pl.col("difference")
        ).fill_null(True),
    },
    "roll_forward": {
        "opening + movements = closing": pl.when(pl.col("line") == "closing")
        .then(-pl.col("amount"))
        .otherwise("amount")
        .sum()
        .over("account_no", "side")
        == 0,
    },
    "setup_timeline": {
        "a period ends after it began": (pl.col("last_gl_entry_no") >= pl.col("first_gl_entry_no")).fill_null(
            pl.col("lines") == 0
        ),
    },
    "setup_findings": {"a sentence says something": pl.col("sentence").str.strip_chars() != ""},
    "post_test": {
        "a message says something": pl.col("message").str.strip_chars() != "",
        "a row is about an entry, some entries or the request": pl.col("value_entry_no").is_null()
        | (pl.col("entries") == 1),
    },
    "valuation": {
        "value = actual + expected": pl.col("value_actual") + pl.col("value_expected") == pl.col("value"),
        "actual value + the lines of the population = subledger": pl.sum_horizontal(
            "value_actual", "not_inventoriable", "refused", "handled_without_posting", "unresolved"
        )
        == pl.col("subledger"),
    },
    "breakdowns": {"difference = gl - other activity - subledger": _DIFFERENCE},
    "bc_matrix": {
        "difference = G/L total - other activity - total": (
            pl.col("gl_total") - pl.col("other_activity").fill_null(0) - pl.col("total")
            == pl.col("difference")
        ).fill_null(True),
        "corrected rows foot": (
            pl.sum_horizontal("inventory", "inventory_interim", "wip", "other") == pl.col("total")
        ).fill_null(True)
        | (pl.col("view") == "as_bc"),
    },
    "wip_orders": {
        "difference = gl - other activity - subledger": _DIFFERENCE,
        "the components sum to the subledger": pl.sum_horizontal(
            "material",
            "capacity",
            "capacity_overhead",
            "subcontracting",
            "output",
            "expected_output",
            "write_off",
            "other",
        )
        == pl.col("subledger"),
    },
    "proposals": {
        "a journal sums to 0": pl.col("amount").sum().over("proposal_id") == 0,
        "only a journal has lines": (pl.col("action") == "journal") == pl.col("line_no").is_not_null(),
        "only setup names a field": (pl.col("action") == "complete_setup")
        == pl.col("setup_field").is_not_null(),
        "an outcome was simulated": pl.col("outcome").is_not_null() == pl.col("simulated"),
    },
    "clearing_items": {
        "balance = debits - credits": pl.col("debits") - pl.col("credits") == pl.col("balance"),
        "debits and credits aren't negative": (pl.col("debits") >= 0) & (pl.col("credits") >= 0),
        "an item is open": pl.col("balance") != 0,
        "an item isn't younger than its last line": pl.col("age_days") >= pl.col("days_since_activity"),
    },
    "clearing_matches": {
        "balance = debits - credits": pl.col("debits") - pl.col("credits") == pl.col("balance"),
        "no more items are closed than there are": pl.col("closed_items") <= pl.col("items"),
    },
    "accrual_proposals": {},
}


def published(mart: str, rows: pl.DataFrame, scale: int, scale_acy: int = money.LEAST_SCALE) -> pl.DataFrame:
    """The mart as it is published: its columns in order, amounts at the scale, nested values as JSON text.

    Raises ``ValueError`` where an amount needs more decimal places than the scale has: nothing is rounded.
    """
    columns = []
    for name, column in MARTS[mart].items():
        values = _as_json(rows[name], scale) if rows.schema[name].is_nested() else rows[name]
        columns.append(_cast(values, column.dtype(scale, scale_acy)))
    return pl.DataFrame(columns)


def checked(mart: str, rows: pl.DataFrame | pl.LazyFrame, scale: int, scale_acy: int = 2) -> pl.DataFrame:
    """The published rows, once they keep the contract; Pandera's ``SchemaErrors`` have all breaches."""
    return contracts.checked(contract(mart, scale, scale_acy), rows)


def contract(mart: str, scale: int, scale_acy: int = money.LEAST_SCALE) -> Contract:
    """What the published mart promises at the company's scales."""
    columns = {
        name: contracts.Column(
            column.dtype(scale, scale_acy), is_nullable=column.is_nullable, values=column.values or ()
        )
        for name, column in MARTS[mart].items()
    }
    return Contract(mart, columns, KEYS.get(mart, ()), _laws(mart), is_ordered=True)


def _laws(mart: str) -> Mapping[str, pl.Expr]:
    if mart != "tie_outs":
        return ROW_LAWS[mart]
    footed = pl.struct("roles", "explained", "unexplained", "difference").map_elements(
        _foots, return_dtype=pl.Boolean
    )
    return {**ROW_LAWS[mart], "difference = explained + unexplained on a controlled account": footed}


def _foots(row: Mapping[str, Any]) -> bool:
    if not set(CONTROLLED_ROLES) & set(json.loads(row["roles"])):
        return True
    explained = sum((Decimal(amount) for amount in json.loads(row["explained"]).values()), Decimal())
    return bool(explained + row["unexplained"] == row["difference"])


def _cast(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    cast = values.cast(dtype)
    if isinstance(dtype, pl.Decimal) and not (cast.cast(money.AMOUNT) == values.cast(money.AMOUNT)).all():
        raise ValueError(f"{values.name} holds an amount that needs more than {dtype.scale} decimal places")
    return cast


def _as_json(values: pl.Series, scale: int) -> pl.Series:
    """Lists and structs as JSON text, amounts as text at the scale, absent members left out."""
    written = [None if value is None else json.dumps(_plain(value, scale)) for value in values.to_list()]
    return pl.Series(values.name, written, dtype=pl.String)


def _plain(value: Any, scale: int) -> Any:
    if isinstance(value, Decimal):
        return money.text(value, scale)
    if isinstance(value, Mapping):
        return {name: _plain(member, scale) for name, member in value.items() if member is not None}
    return [_plain(member, scale) for member in value] if isinstance(value, list) else value
