"""The ERP's switches: read from its setup, else from the configuration, else inferred from the entries.

Here: the four switches that decide what is posted. Not here: what they change (``pipelines.expect``).
"""

from collections.abc import Callable, Mapping

import polars as pl

from pipelines.sources.bc_write_offs import written_off
from schemas.ledger import Settings, Switches

NON_INVENTORY_ACCOUNTS = ("direct_cost_non_inv_app_acc", "mat_non_inv_variance_acc")
SETUP_TABLES = ("inventory_posting_setup", "general_posting_setup")


def switches(tables: Mapping[str, pl.DataFrame], relations: pl.DataFrame, settings: Settings) -> Switches:
    """The switches from the setup tables, else from the configuration, else inferred from the entries."""
    asked: tuple[tuple[str, str, str, Callable[[], bool]], ...] = (
        ("expected_cost_posting", "inventory_setup", "expected_cost_posting_to_gl",
         lambda: _posts_expected_cost(tables)),
        ("automatic_cost_posting", "inventory_setup", "automatic_cost_posting",
         (tables["value_entry"]["cost_posted_to_gl"] != 0).any),
        ("mfg_inc_non_inv_cost", "manufacturing_setup", "inc_non_inv_cost_to_prod",
         lambda: _has_non_inventory_lines(tables)),
        ("finish_order_without_output", "manufacturing_setup", "finish_order_without_output",
         lambda: written_off(tables, relations).height > 0),
    )  # fmt: skip
    values: dict[str, bool] = {}
    sources: dict[str, str] = {}
    for switch, table, column, inferred in asked:
        setup = tables.get(table)
        in_setup = (
            setup[column][0] if setup is not None and setup.height and column in setup.columns else None
        )
        configured = getattr(settings, switch)
        if in_setup is not None:
            values[switch], sources[switch] = bool(in_setup), "setup"
        elif configured is not None:
            values[switch], sources[switch] = configured, "config"
        else:
            values[switch], sources[switch] = bool(inferred()), "inferred"
    return Switches(**values, sources=sources)


def _posts_expected_cost(tables: Mapping[str, pl.DataFrame]) -> bool:
    """Whether expected cost is being posted: some was, and it wasn't switched off since.

    Switched off: two expected entries or more after the last posted or queued one stayed unposted although
    actual cost was posted after them. A single one may have been left out by a fault.
    """
    queue = tables.get("post_value_entry_to_gl")
    queued = queue["value_entry_no"] if queue is not None else pl.Series([], dtype=pl.Int64)
    entries = tables["value_entry"]
    last_actual = entries.filter(pl.col("cost_posted_to_gl") != 0)["entry_no"].max() or 0
    was_posted = pl.col("expected_cost_posted_to_gl") != 0
    expected = entries.filter(
        pl.col("expected_cost").fill_null(False) & (pl.col("cost_amount_expected") != 0)
    )
    last_expected = (
        expected.filter(was_posted | pl.col("entry_no").is_in(queued.implode()))["entry_no"].max() or 0
    )
    passed_over = expected.filter(pl.col("entry_no").is_between(last_expected, last_actual, closed="none"))
    return entries.select(was_posted.any()).item() and passed_over.height < 2


def _has_non_inventory_lines(tables: Mapping[str, pl.DataFrame]) -> bool:
    """Whether the G/L reached an account that serves for non-inventory cost of production alone."""
    used = {
        (column, account_no)
        for table in SETUP_TABLES
        for column in tables[table].columns
        for account_no in tables[table][column].unique().to_list()
        if account_no and tables[table].schema[column] == pl.String
    }
    own = {account_no for column, account_no in used if column in NON_INVENTORY_ACCOUNTS}
    shared = {account_no for column, account_no in used if column not in NON_INVENTORY_ACCOUNTS}
    return tables["gl_entry"]["gl_account_no"].is_in(sorted(own - shared)).any()
