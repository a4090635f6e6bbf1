"""Work in process by production order line: what went in, what came out, what is left and where.

Here: the WIP role's part of the tie-outs by order line and account. Not here: how amounts got their role
(``attribute``), and when WIP that is left is a finding (``explain``).
"""

import polars as pl

from schemas.ledger import Books
from schemas.money import AMOUNT

ORDER = ("order_no", "order_line_no")
#: What the value entries put on WIP and took from it.
COMPONENTS = (
    "material", "capacity", "capacity_overhead", "subcontracting", "output", "expected_output", "write_off",
    "other",
)  # fmt: skip
SIDES = ("subledger", "gl", "other_activity")
VARIANCES = (
    "material_variance", "capacity_variance", "subcontracted_variance", "cap_overhead_variance",
    "mfg_overhead_variance", "material_non_inventory_variance",
)  # fmt: skip


def wip_orders(attributed_lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """One row per order line and WIP account, up to as-of; debit positive.

    ``subledger`` is the sum of the components: material, capacity, its overhead and subcontracting went
    in, output (invoiced or expected) and write-offs came out. ``gl`` and ``other_activity`` are what the
    G/L holds of the same, ``difference = gl - other_activity - subledger``. ``variance`` is what the
    variance accounts took at the finish; it never was on WIP and is told once per order line, on its first
    account. Amounts without an order line, such as a journal on the WIP account, are rows whose
    ``order_no`` is null. So per account the rows sum to what its tie-out holds in the role of WIP.
    ``is_finished`` is null where the orders weren't given.
    """
    wip = attributed_lines.filter(pl.col("account_role") == "wip").pipe(_with_order, books)
    rows = (
        wip.with_columns(component=_component())
        .group_by(*ORDER, "account_no")
        .agg(*(_sum(pl.col("component") == name, name) for name in COMPONENTS),
             *(_sum(pl.col("side") == side, side) for side in SIDES),
             pl.col("item_no").filter(_is_output()).first().alias("_put_out"),
             pl.col("posting_date").max().alias("last_activity_on"))
        .with_columns(difference=pl.col("gl") - pl.col("other_activity") - pl.col("subledger"))
    )  # fmt: skip
    return (
        rows.sort(*ORDER, "account_no", nulls_last=True)
        .pipe(_with_variance, attributed_lines, books)
        .pipe(_with_line, books)
        .with_columns(
            has_wip_left=pl.col("is_finished").fill_null(False) & _any_left(),
            is_on_several_accounts=pl.col("order_no").is_not_null() & (_accounts_with_balance() > 1),
        )
    )


def _with_order(lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The order line of each amount: its value entry's, else the order that the G/L line itself names."""
    entries = books.entries_of(lines).select(
        "value_entry_no", "item_ledger_entry_type", "entry_type", "source_type", "item_no", *ORDER
    )
    named = books.lines_of(lines).select("gl_entry_no", pl.col("order_no").alias("_named"))
    order_no = pl.coalesce(_given("order_no"), pl.when(pl.col("order_no").is_null()).then(_given("_named")))
    return (
        lines.join(entries, on="value_entry_no", how="left", validate="m:1")
        .join(named, on="gl_entry_no", how="left", validate="m:1")
        .with_columns(order_no=order_no)
        .with_columns(order_line_no=pl.when(pl.col("order_no").is_not_null()).then("order_line_no"))
    )


def _given(column: str) -> pl.Expr:
    return pl.when(pl.col(column) != "").then(column)


def _is_output() -> pl.Expr:
    return pl.col("item_ledger_entry_type") == "Output"


def _component() -> pl.Expr:
    """A subcontractor's cost comes from a vendor; all other capacity comes from the company's own centers."""
    is_capacity = pl.col("item_ledger_entry_type") == ""
    return pl.when(pl.col("side") == "subledger").then(
        pl.when(pl.col("cost_kind") == "write_off").then(pl.lit("write_off"))
        .when(pl.col("cost_kind") == "expected").then(pl.lit("expected_output"))
        .when(pl.col("item_ledger_entry_type") == "Consumption").then(pl.lit("material"))
        .when(_is_output()).then(pl.lit("output"))
        .when(is_capacity & (pl.col("entry_type") == "Indirect Cost")).then(pl.lit("capacity_overhead"))
        .when(is_capacity & (pl.col("source_type") == "Vendor")).then(pl.lit("subcontracting"))
        .when(is_capacity).then(pl.lit("capacity"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip


def _sum(claim: pl.Expr, name: str) -> pl.Expr:
    return pl.col("amount").filter(claim).sum().cast(AMOUNT).alias(name)


def _with_variance(rows: pl.DataFrame, attributed_lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    taken = attributed_lines.filter(
        pl.col("account_role").is_in(VARIANCES) & (pl.col("side") == "subledger")
    ).pipe(_with_order, books)
    by_line = taken.group_by(ORDER).agg(pl.col("amount").sum().alias("_variance"))
    is_first = pl.int_range(pl.len()).over(ORDER) == 0
    return (
        rows.join(by_line, on=ORDER, how="left", validate="m:1", maintain_order="left")
        .with_columns(variance=pl.when(is_first).then("_variance").fill_null(0).cast(AMOUNT))
        .drop("_variance")
    )


def _with_line(rows: pl.DataFrame, books: Books) -> pl.DataFrame:
    """What the production order line says of itself; an order line is finished by its status or by the
    adjustment's record of it.
    """
    is_finished = (pl.col("status") == "Finished") | pl.col("is_adjustment_finished").fill_null(False)
    lines = books.orders.group_by(ORDER, maintain_order=True).agg(
        pl.col("item_no").first(), is_finished.any().alias("is_finished"), pl.col("is_cost_adjusted").all()
    )
    item_no = pl.coalesce("item_no", pl.col("_put_out").drop_nulls().first().over(ORDER))
    return (
        rows.join(lines, on=ORDER, how="left", validate="m:1", maintain_order="left")
        .with_columns(item_no=pl.when(pl.col("order_no").is_not_null()).then(item_no))
        .drop("_put_out")
    )


def _any_left() -> pl.Expr:
    return pl.any_horizontal(pl.col(side).sum().over(ORDER) != 0 for side in ("subledger", "gl"))


def _accounts_with_balance() -> pl.Expr:
    has_balance = (pl.col("subledger") != 0) | (pl.col("gl") != 0)
    return has_balance.sum().over(ORDER)
