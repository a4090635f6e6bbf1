"""Turns Business Central's tables about stock into the books' own: items, quantities, orders, periods, setup
changes.

Here: names and claims, one table of Business Central to one of the books. Not here: value entries, G/L
entries and setups (``bc``), and any judgement on what these tables say (the steps).
"""

from collections.abc import Mapping

import polars as pl

from pipelines.sources.bc_opening import NUMBER
from schemas import ledger

Tables = Mapping[str, pl.DataFrame]


def tables(given: Tables) -> dict[str, pl.DataFrame]:
    """The books' tables about stock by name, each empty where Business Central's table wasn't given."""
    return {
        "items": _items(given),
        "item_ledger_entries": _item_ledger_entries(given),
        "applications": _applications(given),
        "orders": _orders(given),
        "inventory_periods": _inventory_periods(given),
        "average_cost_points": _average_cost_points(given),
        "setup_changes": _setup_changes(given),
        "document_orders": _document_orders(given),
        "opening_balances": _opening_balances(given),
        "dispositions": _named(given, "dispositions", "dispositions"),
    }


def _named(given: Tables, table: str, as_table: str, **columns: pl.Expr) -> pl.DataFrame:
    """The columns of one table under the books' names; an empty table where it wasn't given."""
    types = ledger.TABLES[as_table][0]
    if table not in given:
        return pl.DataFrame(schema=dict(types))
    return given[table].select(
        columns.get(name, pl.col(name)).cast(types[name]).alias(name) for name in types
    )


def _number(column: str) -> pl.Expr:
    """An entry number; 0 means none."""
    return pl.when(pl.col(column) > 0).then(column)


def _items(given: Tables) -> pl.DataFrame:
    return _named(
        given, "item", "items",
        item_no=pl.col("no"), item_type=pl.col("type"), is_cost_adjusted=pl.col("cost_is_adjusted"),
    )  # fmt: skip


def _item_ledger_entries(given: Tables) -> pl.DataFrame:
    return _named(
        given, "item_ledger_entry", "item_ledger_entries",
        item_ledger_entry_no=pl.col("entry_no"), applies_to_entry_no=_number("applies_to_entry"),
        is_open=pl.col("open"), is_positive=pl.col("positive"),
        is_completely_invoiced=pl.col("completely_invoiced"),
        has_applications_to_adjust=pl.col("applied_entry_to_adjust"),
        is_correction=pl.col("correction").fill_null(False),
        is_drop_shipment=pl.col("drop_shipment").fill_null(False),
        created_at=pl.col("system_created_at"),
    ).sort("item_ledger_entry_no")  # fmt: skip


def _applications(given: Tables) -> pl.DataFrame:
    return _named(
        given, "item_application_entry", "applications",
        application_no=pl.col("entry_no"), inbound_entry_no=_number("inbound_item_entry_no"),
        outbound_entry_no=_number("outbound_item_entry_no"),
        transferred_from_entry_no=_number("transferred_from_entry_no"),
        is_cost_application=pl.col("cost_application").fill_null(False),
    )  # fmt: skip


def _orders(given: Tables) -> pl.DataFrame:
    """Production order lines, with the adjustment's own record of each where that table was given too."""
    lines = _named(
        given, "prod_order_line", "orders",
        order_no=pl.col("prod_order_no"), order_line_no=pl.col("line_no"),
        finished_quantity=pl.col("finished_qty_base"), is_cost_adjusted=pl.lit(None),
        is_adjustment_finished=pl.lit(None), is_adjustment_invoiced=pl.lit(None),
    )  # fmt: skip
    if "inventory_adjmt_entry_order" not in given:
        return lines
    adjusted = (
        given["inventory_adjmt_entry_order"]
        .filter(pl.col("order_type") == "Production")
        .select(
            "order_no", "order_line_no", pl.col("item_no").alias("_item_no"),
            pl.col("cost_is_adjusted").alias("_adjusted"), pl.col("is_finished").alias("_finished"),
            pl.col("completely_invoiced").alias("_invoiced"),
        )
    )  # fmt: skip
    both = lines.join(adjusted, on=["order_no", "order_line_no"], how="full", coalesce=True)
    return both.select(
        "order_no", "order_line_no",
        pl.coalesce("item_no", "_item_no").alias("item_no"),
        pl.col("status").fill_null(""), "location_code", "inventory_posting_group", "finished_quantity",
        pl.col("_adjusted").alias("is_cost_adjusted"),
        pl.col("_finished").alias("is_adjustment_finished"),
        pl.col("_invoiced").alias("is_adjustment_invoiced"),
    ).sort("order_no", "order_line_no", "status")  # fmt: skip


def _inventory_periods(given: Tables) -> pl.DataFrame:
    """Each inventory period with the item register at its last closing, where the log was given."""
    periods = _named(
        given, "inventory_period", "inventory_periods",
        is_closed=pl.col("closed").fill_null(False), closed_on=pl.lit(None), closing_register_no=pl.lit(None),
    )  # fmt: skip
    if "inventory_period_entry" not in given:
        return periods
    last = (
        given["inventory_period_entry"]
        .filter(pl.col("entry_type") == "Close")
        .sort("entry_no")
        .group_by("ending_date", maintain_order=True)
        .agg(
            pl.col("creation_date").last().alias("_on"),
            pl.col("closing_item_register_no").last().alias("_register"),
        )
    )
    return periods.join(last, on="ending_date", how="left", validate="m:1").select(
        "ending_date", "is_closed", pl.col("_on").alias("closed_on"),
        pl.col("_register").alias("closing_register_no"),
    )  # fmt: skip


def _average_cost_points(given: Tables) -> pl.DataFrame:
    return _named(
        given,
        "avg_cost_adjmt_entry_point",
        "average_cost_points",
        is_cost_adjusted=pl.col("cost_is_adjusted"),
    )


def _setup_changes(given: Tables) -> pl.DataFrame:
    return _named(
        given, "change_log_entry", "setup_changes",
        change_no=pl.col("entry_no"), changed_at=pl.col("date_and_time"), change=pl.col("type_of_change"),
        key_1=pl.col("primary_key_field_1_value"), key_2=pl.col("primary_key_field_2_value"),
    )  # fmt: skip


def _opening_balances(given: Tables) -> pl.DataFrame:
    """The user's balances, each with the ledger line that carries it where they stand for entries."""
    is_carried = "opening_balance" in given and NUMBER in given["opening_balance"].columns
    return _named(
        given, "opening_balance", "opening_balances",
        gl_entry_no=pl.col(NUMBER) if is_carried else pl.lit(None),
    )  # fmt: skip


def _document_orders(given: Tables) -> pl.DataFrame:
    """The order of each posted receipt, shipment and invoice whose lines name just one.

    An invoice line without an order, as of combined invoices, has that of the receipt or shipment it names.
    """
    schema = dict(ledger.DOCUMENT_ORDERS)
    moves = [
        given[table].select("document_no", "order_no") if table in given else pl.DataFrame(schema=schema)
        for table in ("purch_rcpt_line", "sales_shipment_line")
    ]
    origin = pl.concat(moves).filter(pl.col("order_no") != "").unique()
    invoices = [
        given[table].select("document_no", "order_no", pl.col(moved).alias("_moved"))
        for table, moved in (("purch_inv_line", "receipt_no"), ("sales_invoice_line", "shipment_no"))
        if table in given
    ]
    named = [
        lines.join(
            origin.rename({"document_no": "_moved", "order_no": "_order"}), on="_moved", how="left"
        ).select("document_no", pl.when(pl.col("order_no") != "").then("order_no").otherwise("_order"))
        for lines in invoices
    ]
    lines = pl.concat([origin, *named]).drop_nulls().unique()
    return lines.filter(pl.col("document_no").is_unique()).sort("document_no")
