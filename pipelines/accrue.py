"""Proposes the month-end accrual of what was received or shipped and isn't invoiced, where the ERP posts no
expected cost.

Here: the amounts that the findings tell, with the accounts that would carry them. Not here: why they aren't
in the G/L (``explain``). Nothing is posted.
"""

import polars as pl

from schemas.ledger import Books


def accrual_proposals(
    differences: pl.DataFrame, books: Books, posting_rules: pl.DataFrame, account_roles: pl.DataFrame
) -> pl.DataFrame:
    """One row per item ledger entry whose expected cost the switch keeps out of the G/L.

    ``amount`` debits ``debit_account_no`` (inventory interim) and credits ``credit_account_no`` (accrual,
    cost of sales interim or WIP, by the kind of entry); a negative amount, as of a shipment, does the
    reverse. The amounts sum to those of the findings ``expected_cost_off``. An account that the setup lacks
    is null.
    """
    entries = books.value_entries.select(
        "value_entry_no", "item_ledger_entry_type", "location_code", "inventory_posting_group",
        "wip_posting_group", "gen_bus_posting_group", "gen_prod_posting_group",
        pl.when(pl.col("source_type").is_in(["Customer", "Vendor"])).then("source_no").alias("party_no"),
    )  # fmt: skip
    roles = _roles(posting_rules)
    return (
        differences.filter(pl.col("cause") == "expected_cost_off")
        .drop("location_code")
        .join(entries, on="value_entry_no", how="left", validate="m:1")
        .join(roles, on="item_ledger_entry_type", how="left", validate="m:1")
        .pipe(_with_account, "debit", books, account_roles)
        .pipe(_with_account, "credit", books, account_roles)
        .select(
            "item_ledger_entry_no", "value_entry_no", "document_no", "party_no", "item_no",
            pl.col("posting_date").alias("received_on"),
            (pl.lit(books.as_of) - pl.col("posting_date")).dt.total_days().alias("age_days"),
            pl.col("expected_amount").alias("amount"), "debit_account_no", "credit_account_no", "debit_role",
            "credit_role",
        )
        .sort("received_on", "value_entry_no")
    )  # fmt: skip


def _roles(posting_rules: pl.DataFrame) -> pl.DataFrame:
    """The two roles that expected cost moves, by the kind of entry."""
    posted = (
        (pl.col("cost_kind") == "expected")
        & (pl.col("entry_type") == "Direct Cost")
        & (pl.col("outcome") == "posted")
    )
    return (
        posting_rules.filter(posted)
        .select(
            "item_ledger_entry_type",
            pl.col("first_role").alias("debit_role"),
            pl.col("second_role").alias("credit_role"),
        )
        .unique()
    )


def _with_account(rows: pl.DataFrame, side: str, books: Books, account_roles: pl.DataFrame) -> pl.DataFrame:
    """The account that today's setup gives the role of one side."""
    found = [rows.clear().with_columns(pl.lit(None, pl.String).alias(f"{side}_account_no"))]
    for role in account_roles.iter_rows(named=True):
        on = [role["entry_key_1"], role["entry_key_2"]]
        setup = books.posting_accounts.filter(pl.col("account_role") == role["account_role"]).select(
            pl.col("key_1").alias(on[0]), pl.col("key_2").alias(on[1]),
            pl.col("account_no").alias(f"{side}_account_no"),
        )  # fmt: skip
        of_role = rows.filter(pl.col(f"{side}_role") == role["account_role"])
        found.append(of_role.join(setup, on=on, how="left", validate="m:1"))
    return pl.concat([*found, rows.filter(pl.col(f"{side}_role").is_null())], how="diagonal")
