"""The truth beside a made company: the rows that a right reconciliation must find, stated where the fault
is planted.

An asterisk means "any": the row isn't compared in that column. A blank is null. `finding` groups the rows
of one finding; `match` says whether each row must stand exactly so ("row"), or only a finding of this cause
on this entry ("finding").
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.made.write import write_csv

ANY = "*"
SEVERITIES = {
    "posting_date_mismatch": "warning",
    "dimension_mismatch": "warning",
    "opening_balance": "warning",
    "group_changed_with_stock": "warning",
    "expected_cost_off": "info",
    "not_inventoriable": "info",
    "shared_account": "info",
    "compressed": "info",
    "handled_without_posting": "info",
    "closing_entry": "info",
    "transfer_of_uninvoiced": "info",
    "acy_mismatch": "warning",
    "backdated_adjustment": "warning",
    "cost_not_adjusted": "warning",
    "costing_error": "warning",
    "negative_inventory": "warning",
    "product_defect": "warning",
    "stale_clearing": "warning",
    "wip_residue": "warning",
}
COLUMNS = (
    "finding",
    "match",
    "cause",
    "severity",
    "account_no",
    "account_role",
    "cost_kind",
    "value_entry_no",
    "gl_entry_no",
    "difference",
    "expected_amount",
    "why",
)


class Truth:
    """Rows as they are planted; `held` names the value entries that the batch job must leave in the queue."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.held: set[int] = set()
        self.findings = 0

    def finding(self) -> str:
        """The label of a new finding."""
        self.findings += 1
        return f"F{self.findings:02d}"

    def row(self, finding: str, cause: str, why: str, **values: Any) -> None:
        given = {
            "finding": finding,
            "match": "row",
            "cause": cause,
            "severity": SEVERITIES.get(cause, "error"),
            "account_no": ANY,
            "account_role": ANY,
            "cost_kind": ANY,
            "value_entry_no": "",
            "gl_entry_no": "",
            "item_no": ANY,
            "order_no": ANY,
            "difference": Decimal("0.00"),
            "expected_amount": ANY,
            "why": why,
        }
        self.rows.append(given | values)

    def write(self, path: Path) -> None:
        write_csv(path, COLUMNS, ([row[name] for name in COLUMNS] for row in self.rows))
        counts: dict[str, set[str]] = {}
        for row in self.rows:
            counts.setdefault(row["cause"], set()).add(row["finding"])
        write_csv(
            path.with_name(f"{path.stem}_findings.csv"),
            ("cause", "severity", "findings"),
            ((cause, SEVERITIES.get(cause, "error"), len(found)) for cause, found in sorted(counts.items())),
        )
