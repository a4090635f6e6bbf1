"""How BC turns a value entry into G/L lines: account pairs, the posting buffer, and the relation rows it
leaves.

Not here: how value entries come about (that is in ledger).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
ZERO = Decimal("0.00")

# The account types in the order of BC's enum, which is also the order of the G/L lines of one value entry.
ACCOUNT_TYPES = (
    "inventory_interim",
    "invt_accrual_interim",
    "inventory",
    "wip",
    "inventory_adjmt",
    "direct_cost_applied",
    "overhead_applied",
    "purchase_variance",
    "cogs",
    "cogs_interim",
    "material_variance",
    "capacity_variance",
    "subcontracted_variance",
    "cap_overhead_variance",
    "mfg_overhead_variance",
    "direct_cost_non_inventory_applied",
    "material_non_inventory_variance",
)
ORDINAL = {account_type: ordinal for ordinal, account_type in enumerate(ACCOUNT_TYPES)}
INVENTORY_SETUP_FIELDS = {
    "inventory": "inventory_account",
    "inventory_interim": "inventory_account_interim",
    "wip": "wip_account",
    "material_variance": "material_variance_account",
    "capacity_variance": "capacity_variance_account",
    "mfg_overhead_variance": "mfg_overhead_variance_account",
    "cap_overhead_variance": "cap_overhead_variance_account",
    "subcontracted_variance": "subcontracted_variance_account",
    "material_non_inventory_variance": "mat_non_inv_variance_acc",
}
GENERAL_SETUP_FIELDS = {
    "inventory_adjmt": "inventory_adjmt_account",
    "invt_accrual_interim": "invt_accrual_acc_interim",
    "cogs": "cogs_account",
    "cogs_interim": "cogs_account_interim",
    "direct_cost_applied": "direct_cost_applied_account",
    "overhead_applied": "overhead_applied_account",
    "purchase_variance": "purchase_variance_account",
    "direct_cost_non_inventory_applied": "direct_cost_non_inv_app_acc",
}
VARIANCES = {
    "Material": "material_variance",
    "Capacity": "capacity_variance",
    "Capacity Overhead": "cap_overhead_variance",
    "Manufacturing Overhead": "mfg_overhead_variance",
    "Subcontracted": "subcontracted_variance",
}
ADJUSTMENTS = ("Positive Adjmt.", "Negative Adjmt.", "Transfer")
ASSEMBLY = ("Assembly Consumption", "Assembly Output")


class RefusedError(Exception):
    """BC stops: this combination of entry types can't be posted."""


@dataclass(frozen=True)
class Switches:
    """The setup that decides whether and where cost is posted."""

    automatic_cost_posting: bool
    expected_cost_posting: bool
    inc_non_inventory_cost: bool
    finish_order_without_output: bool


@dataclass(frozen=True)
class Line:
    """One side of a pair, as it stands in BC's posting buffer."""

    kind: str
    account_type: str
    balancing_type: str
    amount: Decimal
    amount_acy: Decimal


def actual_pair(ve: Row, switches: Switches) -> tuple[str, str] | None:
    """First and second account type of actual cost; none where BC handles the entry without posting."""
    kind, entry_type, variance = ve["item_ledger_entry_type"], ve["entry_type"], ve["variance_type"]
    if kind == "":
        first = "inventory_adjmt" if ve["order_type"] == "Assembly" else "wip"
        if entry_type not in ("Direct Cost", "Indirect Cost"):
            raise RefusedError(f"capacity with {entry_type}")
        return first, "direct_cost_applied" if entry_type == "Direct Cost" else "overhead_applied"
    if entry_type in ("Revaluation", "Rounding"):
        return "inventory", "inventory_adjmt"
    if entry_type == "Direct Cost":
        if kind in ADJUSTMENTS or kind in ASSEMBLY:
            return "inventory", "inventory_adjmt"
        second = {"Purchase": "direct_cost_applied", "Sale": "cogs", "Consumption": "wip", "Output": "wip"}
        return "inventory", second[kind]
    if entry_type == "Indirect Cost" and kind in ("Purchase", "Output", "Assembly Output"):
        return "inventory", "overhead_applied"
    if entry_type == "Variance" and kind == "Purchase" and variance == "Purchase":
        return "inventory", "purchase_variance"
    if entry_type == "Variance" and kind in ("Output", "Assembly Output") and variance in VARIANCES:
        return "inventory", VARIANCES[variance]
    if kind == "Output" and entry_type == "Direct Cost - Non Inventory":
        return ("inventory", "direct_cost_non_inventory_applied") if switches.inc_non_inventory_cost else None
    if kind == "Output" and entry_type == "Variance" and variance == "Material - Non Inventory":
        return ("inventory", "material_non_inventory_variance") if switches.inc_non_inventory_cost else None
    raise RefusedError(f"{kind} with {entry_type} {variance}")


def expected_pair(ve: Row) -> tuple[str, str] | None:
    """First and second account type of the expected part; nothing where BC ignores it."""
    kind, entry_type = ve["item_ledger_entry_type"], ve["entry_type"]
    if entry_type not in ("Direct Cost", "Revaluation"):
        raise RefusedError(f"expected cost with {entry_type}")
    second = {"Purchase": "invt_accrual_interim", "Sale": "cogs_interim", "Output": "wip"}.get(kind)
    if kind in ADJUSTMENTS and entry_type == "Direct Cost":
        second = "cogs_interim"
    return ("inventory_interim", second) if second else None


def pair_lines(kind: str, pair: tuple[str, str] | None, amount: Decimal, amount_acy: Decimal) -> list[Line]:
    if pair is None or not (amount or amount_acy):
        return []
    first, second = pair
    return [Line(kind, first, second, amount, amount_acy), Line(kind, second, first, -amount, -amount_acy)]


def open_lines(ve: Row, switches: Switches, is_written_off: bool) -> list[Line]:
    """What BC would post for a value entry now: the amounts not yet posted."""
    actual = ve["cost_amount_actual"] - ve["cost_posted_to_gl"]
    actual_acy = ve["cost_amount_actual_acy"] - ve["cost_posted_to_gl_acy"]
    expected = ve["cost_amount_expected"] - ve["expected_cost_posted_to_gl"]
    expected_acy = ve["cost_amount_expected_acy"] - ve["exp_cost_posted_to_gl_acy"]
    lines: list[Line] = []
    if actual or actual_acy:
        lines += pair_lines("actual", actual_pair(ve, switches), actual, actual_acy)
        if is_written_off and ve["entry_type"] == "Direct Cost":
            lines += pair_lines("write_off", write_off_pair(ve), actual, actual_acy)
    if switches.expected_cost_posting and (expected or expected_acy):
        lines += pair_lines("expected", expected_pair(ve), expected, expected_acy)
    return lines


def write_off_pair(ve: Row) -> tuple[str, str]:
    """The second pair of consumption and capacity of an order that was finished without output."""
    return ("inventory_adjmt", "wip") if ve["item_ledger_entry_type"] == "" else ("wip", "inventory_adjmt")


def buffer_key(ve: Row, line: Line, group: str, on: date) -> tuple[Any, ...]:
    """BC's summing key; the sign flag keeps debits and credits apart."""
    return (
        on,
        ORDINAL[line.account_type],
        ve["location_code"],
        group,
        ve["gen_bus_posting_group"],
        ve["gen_prod_posting_group"],
        ve["dimension_set_id"],
        line.amount < 0 or line.amount_acy < 0,
        ORDINAL[line.balancing_type],
    )


def summed(
    buffered: Iterable[tuple[tuple[Any, ...], Line, Row]],
) -> Iterator[tuple[tuple[Any, ...], Line, list[Row]]]:
    """The buffer in key order: each line with its sum and the value entries behind it."""
    sums: dict[tuple[Any, ...], tuple[Line, list[Row]]] = {}
    for key, line, ve in buffered:
        if key in sums:
            before, entries = sums[key]
            total = Line(
                line.kind,
                line.account_type,
                line.balancing_type,
                before.amount + line.amount,
                before.amount_acy + line.amount_acy,
            )
            sums[key] = total, entries + [ve] if ve not in entries else entries
        else:
            sums[key] = line, [ve]
    for key in sorted(sums):
        yield key, *sums[key]
