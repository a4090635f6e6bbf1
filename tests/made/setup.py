"""The setup tables of a made company: accounts, posting groups, items, switches.

One account a role, but for one pair that shares an account on purpose.
"""

from datetime import date
from decimal import Decimal

from tests.made.business import Business
from tests.made.posting import Switches

VARIANCE_ACCOUNTS = {
    "material_variance_account": "58100",
    "capacity_variance_account": "58200",
    "subcontracted_variance_account": "58300",
    "cap_overhead_variance_account": "58400",
    "mfg_overhead_variance_account": "58400",
    "mat_non_inv_variance_acc": "58500",
}
ACCOUNTS = {
    "11000": "Bank",
    "12000": "Receivables",
    "14100": "Raw Materials",
    "14150": "Raw Materials (Interim)",
    "14200": "Finished Goods",
    "14250": "Finished Goods (Interim)",
    "14300": "Goods for Resale",
    "14310": "Goods for Resale, East",
    "14350": "Goods for Resale (Interim)",
    "14500": "Work in Process",
    "24000": "Payables",
    "24500": "Inventory Accrual (Interim)",
    "30000": "Equity",
    "40000": "Sales",
    "50100": "Purchases",
    "50300": "Purchases, Freight",
    "50400": "Purchases, Subcontracting",
    "50500": "Purchases, Services",
    "52000": "Cost of Goods Sold",
    "52500": "Cost of Goods Sold (Interim)",
    "53000": "Inventory Adjustment",
    "54000": "Direct Cost Applied",
    "54200": "Direct Cost Applied, Capacity",
    "54300": "Direct Cost Applied, Freight",
    "54400": "Direct Cost Applied, Subcontracting",
    "54500": "Direct Cost Non-Inventory Applied",
    "55000": "Overhead Applied",
    "56000": "Purchase Variance",
    "58100": "Material Variance",
    "58200": "Capacity Variance",
    "58300": "Subcontracted Variance",
    "58400": "Overhead Variances",
    "58500": "Material Non-Inventory Variance",
    "67000": "Other Expenses",
}


def add_account(company: Business, no: str, name: str, blocked: bool = False) -> None:
    company.rows("gl_account").append(
        {
            "no": no,
            "name": name,
            "account_type": "Posting",
            "income_balance": "Balance Sheet" if no < "40000" else "Income Statement",
            "blocked": blocked,
            "direct_posting": no in ("11000", "30000", "40000", "67000"),
        }
    )


def add_stock_accounts(
    company: Business, location: str, group: str, inventory: str, interim: str, wip: str = "14500"
) -> None:
    company.rows("inventory_posting_setup").append(
        {
            "location_code": location,
            "invt_posting_group_code": group,
            "inventory_account": inventory,
            "inventory_account_interim": interim,
            "wip_account": wip,
            **VARIANCE_ACCOUNTS,
        }
    )


def add_posting_groups(company: Business, bus: str, prod: str, **accounts: str) -> None:
    company.rows("general_posting_setup").append(
        {
            "gen_bus_posting_group": bus,
            "gen_prod_posting_group": prod,
            "purch_account": "50100",
            "cogs_account": "52000",
            "inventory_adjmt_account": "53000",
            "invt_accrual_acc_interim": "24500",
            "cogs_account_interim": "52500",
            "direct_cost_non_inv_app_acc": "54500",
            "direct_cost_applied_account": "54000",
            "overhead_applied_account": "55000",
            "purchase_variance_account": "56000",
            **accounts,
        }
    )


def add_item(
    company: Business,
    no: str,
    description: str,
    group: str,
    prod: str,
    method: str,
    unit_cost: str,
    overhead_rate: str = "0",
    item_type: str = "Inventory",
) -> None:
    company.rows("item").append(
        {
            "no": no,
            "description": description,
            "type": item_type,
            "inventory_posting_group": group,
            "costing_method": method,
            "unit_cost": Decimal(unit_cost),
            "standard_cost": Decimal(unit_cost) if method == "Standard" else Decimal(0),
            "indirect_cost_pct": Decimal(0),
            "cost_is_adjusted": True,
            "gen_prod_posting_group": prod,
            "overhead_rate": Decimal(overhead_rate),
        }
    )


def add_switches(company: Business, switches: Switches, acy: str, allowed_from: date) -> None:
    """The setup as it stands at the end of the story."""
    company.rows("inventory_setup").append(
        {
            "primary_key": "",
            "automatic_cost_posting": switches.automatic_cost_posting,
            "automatic_cost_adjustment": "Never",
            "expected_cost_posting_to_gl": switches.expected_cost_posting,
            "average_cost_calc_type": "Item",
            "average_cost_period": "Day",
        }
    )
    company.rows("manufacturing_setup").append(
        {
            "primary_key": "",
            "finish_order_without_output": switches.finish_order_without_output,
            "inc_non_inv_cost_to_prod": switches.inc_non_inventory_cost,
            "copy_loc_to_cap_val_entries": False,
        }
    )
    company.rows("general_ledger_setup").append(
        {
            "primary_key": "",
            "allow_posting_from": allowed_from,
            "allow_posting_to": None,
            "additional_reporting_currency": acy,
            "lcy_code": "NOK",
            "amount_rounding_precision": Decimal("0.01"),
            "journal_templ_name_mandatory": False,
        }
    )
    company.rows("source_code_setup").append(
        {
            "primary_key": "",
            "inventory_post_cost": "INVTPCOST",
            "close_income_statement": "CLSINCOME",
            "adjust_cost": "INVTADJMT",
        }
    )


def add_calendar(company: Business, year: int) -> None:
    for month in range(1, 13):
        company.rows("accounting_period").append(
            {
                "starting_date": date(year, month, 1),
                "new_fiscal_year": month == 1,
                "closed": False,
                "date_locked": month == 1,
            }
        )
    company.rows("accounting_period").append(
        {
            "starting_date": date(year + 1, 1, 1),
            "new_fiscal_year": True,
            "closed": False,
            "date_locked": False,
        }
    )


def add_dimensions(company: Business) -> None:
    for set_id, value in ((1, "WORKSHOP"), (2, "STORE"), (3, "PROJECTS")):
        company.rows("dimension_set_entry").append(
            {"dimension_set_id": set_id, "dimension_code": "DEPARTMENT", "dimension_value_code": value}
        )
