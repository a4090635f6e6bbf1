"""Which entries of finished orders without output are written off, and when.

Here: the two ways in which Business Central takes their cost out of WIP. Not here: the lines that follow
from it (``pipelines.expect``).
"""

from collections.abc import Mapping

import polars as pl

from schemas.ledger import Switches


def with_write_off(
    entries: pl.DataFrame,
    tables: Mapping[str, pl.DataFrame],
    gl_entries: pl.DataFrame,
    relations: pl.DataFrame,
    switches: Switches,
) -> pl.DataFrame:
    """How WIP of a finished order line without output is written off: ``yes``, ``at_finish`` or blank.

    An entry that reached the G/L before the order was finished is written off ``at_finish``, in a run of
    its own and on the finishing date; one posted later is written off with its own lines (``yes``). The
    finish is told from the relation table: lines of an entry that stand in a later transaction than its
    first line. Source: spec of CU5802.AdjustPostedWIPForProduction and
    ProdOrderStatusManagement.AdjustWIPForProduction.
    """
    plain = entries.with_columns(
        wip_writeoff=pl.lit(""),
        write_off_date=pl.col("posting_date"),
        is_finished_without_output=pl.lit(False),
    )
    if not switches.finish_order_without_output:
        return plain
    finished = _finished_without_output(tables, relations).with_columns(_finished=pl.lit(True))
    uses_wip = (pl.col("item_ledger_entry_type") == "Consumption") | (
        pl.col("is_capacity") & (pl.col("order_type") != "Assembly")
    )
    flagged = entries.join(
        finished, on=["order_no", "order_line_no"], how="left", validate="m:1"
    ).with_columns(
        is_finished_without_output=pl.col("_finished").fill_null(False) & uses_wip & ~pl.col("is_expected")
    )
    runs = _runs(flagged.filter("is_finished_without_output"), gl_entries, relations)
    finishes = runs.group_by("order_no", "order_line_no").agg(
        pl.col("_second_no").min().alias("_finish_no"), pl.col("_second_date").min().alias("_finish_date")
    )
    known = flagged.join(finishes, on=["order_no", "order_line_no"], how="left", validate="m:1").join(
        runs.select("value_entry_no", "_first_no"), on="value_entry_no", how="left", validate="1:1"
    )
    has_relations = "gl_item_ledger_relation" in tables
    was_posted = (pl.col("posted_actual") != 0) | (pl.col("posted_actual_acy") != 0)
    before_finish = (pl.col("_first_no") < pl.col("_finish_no")).fill_null(not has_relations)
    return known.with_columns(
        wip_writeoff=pl.when(~pl.col("is_finished_without_output"))
        .then(pl.lit(""))
        .when(was_posted & before_finish)
        .then(pl.lit("at_finish"))
        .otherwise(pl.lit("yes")),
    ).with_columns(
        write_off_date=pl.when(pl.col("wip_writeoff") == "at_finish")
        .then("_finish_date").fill_null(pl.col("posting_date"))
    ).drop("_finished", "_finish_no", "_finish_date", "_first_no")  # fmt: skip


def _finished_without_output(tables: Mapping[str, pl.DataFrame], relations: pl.DataFrame) -> pl.DataFrame:
    """The order lines (``order_no``, ``order_line_no``) that were finished without output; without the
    table of order lines, those that the G/L shows as written off.
    """
    if "prod_order_line" not in tables:
        return written_off(tables, relations)
    is_finished = (pl.col("status") == "Finished") & (pl.col("finished_qty_base") == 0)
    return (
        tables["prod_order_line"]
        .filter(is_finished)
        .select(pl.col("prod_order_no").alias("order_no"), pl.col("line_no").alias("order_line_no"))
        .unique()
    )


def written_off(tables: Mapping[str, pl.DataFrame], relations: pl.DataFrame) -> pl.DataFrame:
    """The order lines whose entries have the four lines of a write-off: one account took the amount and
    gave it back, two others hold it. Duplicates and reversals touch two accounts only.
    """
    order_line = ("order_no", "order_line_no")
    entries = tables["value_entry"].filter(
        pl.col("item_ledger_entry_type").is_in(["Consumption", ""])
        & (pl.col("order_type") != "Assembly")
        & (pl.col("order_no") != "")
    )
    lines = _lines_of(entries, tables, relations).filter(
        (pl.len().over("value_entry_no") >= 4) & (pl.col("amount") != 0)
    )
    accounts = lines.group_by("value_entry_no", *order_line, "twins", "gl_account_no").agg(
        pl.col("amount").sum().alias("balance"), pl.len().alias("lines")
    )
    passed_through = (pl.col("balance") == 0) & (pl.col("lines") == 2 * pl.col("twins"))
    return (
        accounts.group_by("value_entry_no", *order_line, "twins")
        .agg(
            pl.len().alias("accounts"),
            pl.col("lines").sum(),
            passed_through.sum().alias("passed_through"),
        )
        .filter(
            (pl.col("accounts") == 3)
            & (pl.col("lines") == 4 * pl.col("twins"))
            & (pl.col("passed_through") == 1)
        )
        .select(order_line)
        .unique()
    )


def _lines_of(
    entries: pl.DataFrame, tables: Mapping[str, pl.DataFrame], relations: pl.DataFrame
) -> pl.DataFrame:
    """The G/L lines of each entry by the relation table; without it, those of its document and amount.

    ``twins`` is how many entries share their lines: those of one document over one amount.
    """
    order_line = ("order_no", "order_line_no")
    ledger_lines = tables["gl_entry"].select(
        pl.col("entry_no").alias("gl_entry_no"), "gl_account_no", "amount", "document_no",
        pl.col("amount").abs().alias("size"),
    )  # fmt: skip
    named = entries.select(
        pl.col("entry_no").alias("value_entry_no"), *order_line, "document_no",
        pl.col("cost_amount_actual").abs().alias("size"),
    )  # fmt: skip
    if "gl_item_ledger_relation" in tables:
        by_relation = relations.join(named.drop("document_no", "size"), on="value_entry_no")
        return by_relation.join(ledger_lines, on="gl_entry_no").with_columns(twins=pl.lit(1, pl.UInt32))
    with_document = named.filter(pl.col("document_no") != "").with_columns(
        twins=pl.len().over("document_no", "size")
    )
    return with_document.join(ledger_lines, on=["document_no", "size"], how="inner")


def _runs(entries: pl.DataFrame, gl_entries: pl.DataFrame, relations: pl.DataFrame) -> pl.DataFrame:
    """Per entry its first linked line, and the first line of a later run if there is one."""
    lines = (
        relations.join(entries.select("value_entry_no", "order_no", "order_line_no"), on="value_entry_no")
        .join(gl_entries.select("gl_entry_no", "posting_date", "transaction_no"), on="gl_entry_no")
        .sort("value_entry_no", "gl_entry_no")
    )
    first = pl.col("gl_entry_no") == pl.col("gl_entry_no").min().over("value_entry_no")
    gap = (pl.col("gl_entry_no") - pl.col("gl_entry_no").shift().over("value_entry_no")) > 1
    first_transaction = pl.col("transaction_no").first().over("value_entry_no")
    apart = pl.coalesce(pl.col("transaction_no") != first_transaction, gap).fill_null(False) & ~first
    return (
        lines.with_columns(_apart=apart)
        .group_by("value_entry_no", "order_no", "order_line_no", maintain_order=True)
        .agg(
            pl.col("gl_entry_no").min().alias("_first_no"),
            pl.col("gl_entry_no").filter("_apart").min().alias("_second_no"),
            pl.col("posting_date").filter("_apart").min().alias("_second_date"),
        )
    )
