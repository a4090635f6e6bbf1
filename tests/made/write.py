"""Writes a company's tables as CSV, one file a table, columns under BC's own captions."""

import csv
import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.made.ledger import TABLES, Ledger
from tests.made.posting import Row

CAPTIONS: dict[str, str] = {
    "value_entry": "Entry No.|Item No.|Posting Date|Item Ledger Entry Type|Source No.|Document No.|Description|Location Code"
    "|Inventory Posting Group|Item Ledger Entry No.|Valued Quantity|Item Ledger Entry Quantity|Invoiced Quantity|User ID"
    "|Source Code|Applies-to Entry|Source Type|Cost Amount (Actual)|Cost Posted to G/L|Gen. Bus. Posting Group"
    "|Gen. Prod. Posting Group|Document Date|External Document No.|Cost Amount (Actual) (ACY)|Cost Posted to G/L (ACY)"
    "|Document Type|Document Line No.|Order Type|Order No.|Order Line No.|Expected Cost|Item Charge No.|Inventoriable"
    "|Valuation Date|Entry Type|Variance Type|Cost Amount (Expected)|Cost Amount (Non-Invtbl.)|Cost Amount (Expected) (ACY)"
    "|Expected Cost Posted to G/L|Exp. Cost Posted to G/L (ACY)|Dimension Set ID|Job No.|Adjustment"
    "|Capacity Ledger Entry No.|Type|No.|SystemCreatedAt",
    "gl_entry": "Entry No.|G/L Account No.|Posting Date|Document Type|Document No.|Description|Amount|User ID|Source Code"
    "|System-Created Entry|Job No.|Journal Batch Name|Transaction No.|Debit Amount|Credit Amount|Document Date"
    "|External Document No.|Source Type|Source No.|Additional-Currency Amount|Reversed|Reversed by Entry No.|Reversed Entry No."
    "|G/L Register No.|Dimension Set ID|Prod. Order No.|SystemCreatedAt",
    "gl_item_ledger_relation": "G/L Entry No.|Value Entry No.|G/L Register No.",
    "post_value_entry_to_gl": "Value Entry No.|Item No.|Posting Date",
    "gl_register": "No.|From Entry No.|To Entry No.|Creation Date|Source Code|User ID|Journal Batch Name",
    "item_ledger_entry": "Entry No.|Item No.|Posting Date|Entry Type|Source No.|Document No.|Location Code|Quantity"
    "|Remaining Quantity|Invoiced Quantity|Open|Positive|Source Type|Document Date|Document Type|Order Type|Order No."
    "|Order Line No.|Dimension Set ID|Job No.|Completely Invoiced|Last Invoice Date|Applied Entry to Adjust|Correction"
    "|SystemCreatedAt",
    "capacity_ledger_entry": "Entry No.|No.|Posting Date|Type|Document No.|Work Center No.|Quantity|Invoiced Quantity"
    "|Completely Invoiced|Item No.|Document Date|Subcontracting|Order Type|Order No.|Order Line No.",
    "item_application_entry": "Entry No.|Item Ledger Entry No.|Inbound Item Entry No.|Outbound Item Entry No.|Quantity"
    "|Posting Date|Cost Application",
    "inventory_posting_setup": "Location Code|Invt. Posting Group Code|Inventory Account|Inventory Account (Interim)|WIP Account"
    "|Material Variance Account|Capacity Variance Account|Mfg. Overhead Variance Account|Cap. Overhead Variance Account"
    "|Subcontracted Variance Account|Mat. Non-Inv. Variance Acc.",
    "general_posting_setup": "Gen. Bus. Posting Group|Gen. Prod. Posting Group|Purch. Account|COGS Account"
    "|Inventory Adjmt. Account|Blocked|Invt. Accrual Acc. (Interim)|COGS Account (Interim)|Direct Cost Non-Inv. App. Acc."
    "|Direct Cost Applied Account|Overhead Applied Account|Purchase Variance Account",
    "gl_account": "No.|Name|Account Type|Income/Balance|Blocked|Direct Posting",
    "item": "No.|Description|Type|Inventory Posting Group|Costing Method|Unit Cost|Standard Cost|Indirect Cost %"
    "|Cost is Adjusted|Gen. Prod. Posting Group|Inventory Value Zero|Overhead Rate",
    "location": "Code|Name",
    "inventory_setup": "Primary Key|Automatic Cost Posting|Automatic Cost Adjustment|Expected Cost Posting to G/L"
    "|Average Cost Calc. Type|Average Cost Period",
    "manufacturing_setup": "Primary Key|Finish Order without Output|Inc. Non. Inv. Cost To Prod|Copy Loc. to Cap. Val. Entries",
    "general_ledger_setup": "Primary Key|Allow Posting From|Allow Posting To|Additional Reporting Currency|LCY Code"
    "|Amount Rounding Precision|Journal Templ. Name Mandatory",
    "source_code_setup": "Primary Key|Inventory Post Cost|Close Income Statement|Adjust Cost",
    "production_order": "Status|No.",
    "prod_order_line": "Status|Prod. Order No.|Line No.|Item No.|Location Code|Inventory Posting Group|Finished Qty. (Base)",
    "inventory_adjmt_entry_order": "Order Type|Order No.|Order Line No.|Item No.|Cost is Adjusted|Completely Invoiced|Is Finished",
    "dimension_set_entry": "Dimension Set ID|Dimension Code|Dimension Value Code",
    "accounting_period": "Starting Date|New Fiscal Year|Closed|Date Locked",
    "date_compr_register": "No.|Creation Date|Period Length|Ending Date|No. of New Records|No. Records Deleted|Starting Date"
    "|Table ID|Register No.",
}


def snake(caption: str) -> str:
    """The name of a BC field in snake case."""
    bare = re.sub(r"[.'()/&]", "", caption.lower()).replace("%", "pct")
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


def columns(table: str) -> dict[str, str]:
    """Snake-case name to caption, in file order."""
    return {snake(caption): caption for caption in CAPTIONS[table].split("|")}


def text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([text(value) for value in row] for row in rows)


def plain_rows(ledger: Ledger, table: str) -> list[Row]:
    """The table's rows with exactly the exported columns; what BC leaves unset is false, 0 or blank by column."""
    names = columns(table)
    return [{name: row.get(name, default(name)) for name in names} for row in ledger.rows(table)]


def default(name: str) -> Any:
    if name in ("reversed", "system_created_entry", "correction", "blocked", "inventory_value_zero"):
        return False
    if name in ("reversed_by_entry_no", "reversed_entry_no", "dimension_set_id", "order_line_no"):
        return 0
    return ""


def write_company(ledger: Ledger, folder: Path) -> None:
    for table in TABLES:
        names = columns(table)
        write_csv(
            folder / f"{table}.csv", names.values(), (row.values() for row in plain_rows(ledger, table))
        )
