"""What the main job is measured against, each in a process of its own: the floor, pandas, datacompy.

Here: those programs, written for the books of ``generate.py`` alone. Not here: the query (``totals.sql``),
the timing and the page (``compare``).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

Totals = Mapping[str, Any]
CONTROLLED = ("inventory", "inventory_interim", "wip", "invt_accrual_interim", "cogs_interim")
CENTS = 100
#: The columns that the calculation reads, and what each table is summed by.
SCANNED = {
    "value_entry": (
        ["item_ledger_entry_type", "entry_type", "gen_bus_posting_group", "inventory_posting_group"],
        ["cost_amount_actual", "cost_amount_expected", "cost_posted_to_gl", "expected_cost_posted_to_gl"],
        ["entry_no", "posting_date", "item_no", "location_code", "gen_prod_posting_group", "source_no"],
    ),
    "gl_entry": (["gl_account_no", "source_code"], ["amount"], ["entry_no", "posting_date"]),
    "gl_item_ledger_relation": ([], [], ["gl_entry_no", "value_entry_no"]),
}
#: Type and entry type of a value entry: kind of cost, account debited, account credited.
PAIRS = [
    ("Purchase", "Direct Cost", "actual", "inventory", "direct_cost_applied"),
    ("Purchase", "Direct Cost", "expected", "inventory_interim", "invt_accrual_interim"),
    ("Purchase", "Indirect Cost", "actual", "inventory", "overhead_applied"),
    ("Purchase", "Revaluation", "actual", "inventory", "inventory_adjmt"),
    ("Sale", "Direct Cost", "actual", "inventory", "cogs"),
    ("Sale", "Direct Cost", "expected", "inventory_interim", "cogs_interim"),
    ("Positive Adjmt.", "Direct Cost", "actual", "inventory", "inventory_adjmt"),
    ("Negative Adjmt.", "Direct Cost", "actual", "inventory", "inventory_adjmt"),
    ("Consumption", "Direct Cost", "actual", "inventory", "wip"),
    ("", "Direct Cost", "actual", "wip", "direct_cost_applied"),
    ("Output", "Direct Cost", "actual", "inventory", "wip"),
    ("Output", "Direct Cost", "expected", "inventory_interim", "wip"),
]
STOCK_COLUMNS = {
    "inventory": "inventory_account",
    "inventory_interim": "inventory_account_interim",
    "wip": "wip_account",
}
GENERAL_COLUMNS = {
    "inventory_adjmt": "inventory_adjmt_account",
    "invt_accrual_interim": "invt_accrual_acc_interim",
    "cogs": "cogs_account",
    "cogs_interim": "cogs_account_interim",
    "direct_cost_applied": "direct_cost_applied_account",
    "overhead_applied": "overhead_applied_account",
}


def floor(folder: Path) -> Totals:
    """The time merely to read the columns that the calculation needs, and to sum them."""
    import polars as pl

    sums = []
    for table, (by, amounts, numbers) in SCANNED.items():
        rows = pl.scan_parquet(folder / f"{table}.parquet")
        figures = [pl.col(amounts).sum() if amounts else pl.len(), pl.col(numbers).max()]
        sums.append(rows.group_by(by).agg(figures) if by else rows.select(figures))
    return {"rows": [found.height for found in pl.collect_all(sums, engine="streaming")]}


def pandas(folder: Path) -> Totals:
    """Merges and group-bys as an analyst writes them; amounts are whole cents once they are read."""
    import pandas as pd

    def read(table: str) -> Any:
        rows = pd.read_parquet(folder / f"{table}.parquet")
        for column in rows.columns.intersection([*SCANNED["value_entry"][1], "amount"]):
            rows[column] = (rows[column].astype(float) * CENTS).round().astype("int64")
        return rows

    entries, ledger, relation = read("value_entry"), read("gl_entry"), read("gl_item_ledger_relation")
    legs = _legs(pd, entries[entries["inventoriable"]], read)
    linked = relation.merge(ledger, left_on="gl_entry_no", right_on="entry_no").rename(
        columns={"gl_account_no": "account_no"}
    )
    linked["members"] = linked.groupby("gl_entry_no")["value_entry_no"].transform("size")
    return {
        "accounts": _accounts(legs, ledger),
        "entries off": _entries_off(pd, legs, linked),
        "lines alone": _lines_alone(legs, ledger, linked) + _lines_off(legs, linked),
    }


def _legs(pd: Any, entries: Any, read: Any) -> Any:
    """The line that each entry should have made, one a side and cost kind, with its account."""
    items, stock, general = (read(t) for t in ("item", "inventory_posting_setup", "general_posting_setup"))
    products = items.set_index("no")["inventory_posting_group"]
    is_made = (entries["source_type"] == "Item") & (entries["source_no"] != entries["item_no"])
    entries = entries.assign(
        wip_group=entries["source_no"].where(is_made).map(products).fillna(entries["inventory_posting_group"])
    )
    sides = []
    for type_, entry_type, kind, debit, credit in PAIRS:
        fits = (entries["item_ledger_entry_type"] == type_) & (entries["entry_type"] == entry_type)
        part = entries[fits & (entries[f"cost_amount_{kind}"] != 0)]
        for role, sign in ((debit, 1), (credit, -1)):
            sides.append(part.assign(role=role, leg=sign * part[f"cost_amount_{kind}"]))
    legs = pd.concat(sides, ignore_index=True)
    legs["group"] = legs["inventory_posting_group"].where(legs["role"] != "wip", legs["wip_group"])
    by_stock = stock.melt(
        ["location_code", "invt_posting_group_code"], list(STOCK_COLUMNS.values()), "column", "account_no"
    )
    by_stock["role"] = by_stock["column"].map({c: role for role, c in STOCK_COLUMNS.items()})
    by_general = general.melt(
        ["gen_bus_posting_group", "gen_prod_posting_group"],
        list(GENERAL_COLUMNS.values()),
        "column",
        "account_no",
    )
    by_general["role"] = by_general["column"].map({c: role for role, c in GENERAL_COLUMNS.items()})
    of_stock = legs[legs["role"].isin(list(STOCK_COLUMNS))].merge(
        by_stock.rename(columns={"invt_posting_group_code": "group"}),
        on=["location_code", "group", "role"],
        how="left",
    )
    of_general = legs[legs["role"].isin(list(GENERAL_COLUMNS))].merge(
        by_general, on=["gen_bus_posting_group", "gen_prod_posting_group", "role"], how="left"
    )
    kept = ["entry_no", "role", "account_no", "leg"]
    return pd.concat([of_stock[kept], of_general[kept]]).rename(columns={"entry_no": "value_entry_no"})


def _accounts(legs: Any, ledger: Any) -> list[list[str]]:
    subledger = legs[legs["role"].isin(CONTROLLED)].groupby("account_no")["leg"].sum()
    booked = ledger.groupby("gl_account_no")["amount"].sum()
    return [
        [account, _money(total), _money(booked.get(account, 0))]
        for account, total in subledger.sort_index().items()
    ]


def _money(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(int(cents)) // CENTS}.{abs(int(cents)) % CENTS:02d}"


def _shared(legs: Any, linked: Any) -> Any:
    """Lines of several entries in the parts that each entry expects."""
    lines = linked[linked["members"] > 1].merge(legs, on=["value_entry_no", "account_no"])
    return lines[(lines["leg"] > 0) == (lines["amount"] > 0)]


def _entries_off(pd: Any, legs: Any, linked: Any) -> int:
    key = ["value_entry_no", "account_no"]
    expected = legs.groupby(key)["leg"].sum().rename("expected")
    alone = linked[linked["members"] == 1][[*key, "amount"]]
    parts = _shared(legs, linked)[[*key, "leg"]].rename(columns={"leg": "amount"})
    held = pd.concat([alone, parts]).groupby(key)["amount"].sum().rename("held")
    both = pd.merge(expected, held, left_index=True, right_index=True, how="outer").fillna(0)
    return int((both["expected"] != both["held"]).sum())


def _lines_off(legs: Any, linked: Any) -> int:
    lines = _shared(legs, linked).groupby(["gl_entry_no", "amount"])["leg"].sum().reset_index()
    return int((lines["amount"] != lines["leg"]).sum())


def _lines_alone(legs: Any, ledger: Any, linked: Any) -> int:
    controlled = legs[legs["role"].isin(CONTROLLED)]["account_no"].unique()
    rest = ledger[~ledger["entry_no"].isin(linked["gl_entry_no"])]
    return int(rest["gl_account_no"].isin(controlled).sum())
