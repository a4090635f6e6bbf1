"""CRONUS USA, whole: a real company's ledgers, and variants of them that must behave.

The figures are those of the ledgers themselves, told by their origin's README: account 14110 ties, 14140
differs by 240.00 because invoice 107213 for an item that isn't stocked was posted to the inventory
account.
"""

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.whole_books import Outcome, run_books

CRONUS = Path(__file__).parent.parent / "assets" / "companies" / "cronus_usa"
COST_LINE = pl.col("Source Code") == "INVTPCOST"


@pytest.fixture(scope="module")
def cronus() -> Outcome:
    return run_books(CRONUS)


@pytest.fixture
def variant(tmp_path: Path) -> Callable[..., Outcome]:
    """Runs a copy of the ledgers in which some tables were changed."""

    def run(**changes: Callable[[pl.DataFrame], pl.DataFrame]) -> Outcome:
        folder = tmp_path / "cronus_usa"
        shutil.copytree(CRONUS, folder)
        for table, change in changes.items():
            file = folder / f"{table}.csv"
            change(pl.read_csv(file, infer_schema=False)).write_csv(file)
        return run_books(folder)

    return run


def errors(outcome: Outcome) -> list[tuple[Any, ...]]:
    rows = outcome.differences.filter(pl.col("severity") == "error")
    return rows.select("cause", "account_no", "gl_entry_no", "difference").sort("gl_entry_no").rows()


def tie_out(outcome: Outcome, account_no: str) -> dict[str, Any]:
    return next(t for t in outcome.summary["tie_outs"] if t["account_no"] == account_no)


def amounts(outcome: Outcome, account_no: str) -> tuple[str, ...]:
    row = tie_out(outcome, account_no)
    return tuple(row[k] for k in ("subledger", "gl", "other_activity", "difference", "unexplained"))


def test_14110_ties(cronus: Outcome) -> None:
    assert amounts(cronus, "14110") == ("14115.50", "14115.50", "0.00", "0.00", "0.00")


def test_14140_differs_by_the_invoice_of_an_item_that_is_not_stocked(cronus: Outcome) -> None:
    assert amounts(cronus, "14140") == ("2241644.00", "2241884.00", "0.00", "240.00", "0.00")
    assert tie_out(cronus, "14140")["explained"] == {"direct_posting": "240.00"}
    assert errors(cronus) == [("direct_posting", "14140", 2122, Decimal("240.00"))]
    assert cronus.summary["status"] == "differences"


def test_expected_cost_that_the_switch_keeps_out_is_told(cronus: Outcome) -> None:
    assert cronus.summary["causes"]["expected_cost_off"] == {"findings": 24, "amount": "150495.00"}


def test_nothing_but_these_is_found(cronus: Outcome) -> None:
    assert set(cronus.summary["causes"]) == {"direct_posting", "expected_cost_off", "shared_account"}
    assert cronus.differences.filter(pl.col("severity") == "warning").height == 0


def test_the_population_leads_to_the_inventory_role(cronus: Outcome) -> None:
    lines = {row["line"]: row["amount"] for row in cronus.summary["population"]}
    assert lines["cost amount (actual) of all value entries"] == "2255759.50"
    assert lines["subledger of the inventory role"] == "2255759.50"


def test_the_reconciliation_page_shows_240_and_what_it_hides(cronus: Outcome) -> None:
    """As the page shows it, one account in several roles differs by millions on every row; corrected, the
    invoice of an item that isn't stocked is all that differs.
    """
    matrix = cronus.bc_matrix.select("view", "row", "inventory", "difference", "warning")
    differing = matrix.filter((pl.col("difference").fill_null(0) != 0) | (pl.col("row") == "Difference"))
    assert differing.filter(pl.col("view") == "corrected").rows() == [
        (
            "corrected", "Difference", Decimal("240.00"), None,
            "Inventory: Direct Posting 240.00 on 14140; "
            "Inventory (Interim): Expected Cost Setup 150495.00 beside the difference",
        )
    ]  # fmt: skip
    as_bc = {row: (inventory, difference) for view, row, inventory, difference, _ in differing.rows()[:-1]}
    assert as_bc["Difference"] == (Decimal("240.00"), None)
    assert as_bc["Direct Cost Applied"] == (Decimal("-727825.00"), Decimal("2983824.50"))
    assert as_bc["COGS"] == (Decimal("646681.00"), Decimal("-2174615.50"))


def test_the_valuation_is_that_of_the_stock_ledger(cronus: Outcome) -> None:
    sums = cronus.valuation.select(pl.col("value_actual", "value_expected", "subledger", "gl").sum()).row(0)
    assert sums == tuple(map(Decimal, ("2255759.50", "150495.00", "2255759.50", "2255759.50")))


def test_the_240_belong_to_no_item_and_to_one_dimension_set(cronus: Outcome) -> None:
    found = cronus.breakdowns.filter(pl.col("difference") != 0).select(
        "by", "account_no", "key", "difference"
    )
    assert sorted(found.rows()) == [
        ("dimension_set", "14140", "7", Decimal("240.00")),
        ("document", "14140", "(no entry)", Decimal("240.00")),
        ("item", "14140", "(no entry)", Decimal("240.00")),
        ("location", "14140", "(no entry)", Decimal("240.00")),
    ]


def test_the_last_dates_count(cronus: Outcome) -> None:
    assert cronus.summary["as_of"] == "2026-07-01"
    gl = next(i for i in cronus.summary["inputs"] if i["table"] == "gl_entry")
    assert (gl["rows"], gl["rows_used"] + gl["rows_set_aside"]) == (5688, 5688)


def test_a_journal_of_77_77_is_one_more_direct_posting(variant: Callable[..., Outcome]) -> None:
    def journal(entries: pl.DataFrame) -> pl.DataFrame:
        line = entries.filter(pl.col("Entry No.") == "2122").with_columns(
            pl.lit("GENJNL").alias("Source Code"),
            pl.lit("").alias("Source No."),
            pl.lit("").alias("Source Type"),
        )
        debit = line.with_columns(pl.lit("5689").alias("Entry No."), pl.lit("77.77").alias("Amount"))
        credit = line.with_columns(
            pl.lit("5690").alias("Entry No."), pl.lit("-77.77").alias("Amount"),
            pl.lit("18100").alias("G/L Account No."),
        )  # fmt: skip
        return pl.concat([entries, debit, credit])

    assert errors(variant(gl_entry=journal)) == [
        ("direct_posting", "14140", 2122, Decimal("240.00")),
        ("direct_posting", "14140", 5689, Decimal("77.77")),
    ]


def test_a_removed_purchase_leaves_its_pair_and_uncovers_its_document(
    variant: Callable[..., Outcome],
) -> None:
    """Value entry 299 over 1,953.90: its INVTPCOST pair stands on 14140 twice, its invoice line has no
    cover.
    """
    outcome = variant(value_entry=lambda entries: entries.filter(pl.col("Entry No.") != "299"))
    found = [(cause, account, amount) for cause, account, _, amount in errors(outcome)]
    assert sorted(found) == [
        ("direct_posting", "14140", Decimal("240.00")),
        ("direct_posting", "14140", Decimal("1953.90")),
        ("unrelated_inventory_posting", "14140", Decimal("-1953.90")),
        ("unrelated_inventory_posting", "14140", Decimal("1953.90")),
    ]
    assert outcome.summary["causes"]["unrelated_inventory_posting"]["findings"] == 1
    assert outcome.summary["status"] == "differences"


def test_a_removed_sale_leaves_its_pair_on_both_accounts(variant: Callable[..., Outcome]) -> None:
    sale = pl.read_csv(CRONUS / "value_entry.csv", infer_schema=False).filter(
        (pl.col("Item Ledger Entry Type") == "Sale")
        & (pl.col("Cost Posted to G/L").cast(pl.Decimal(38, 2)) != 0)
    )
    entry_no, cost = sale["Entry No."][100], Decimal(sale["Cost Amount (Actual)"][100])
    outcome = variant(value_entry=lambda entries: entries.filter(pl.col("Entry No.") != entry_no))
    found = sorted((cause, account, amount) for cause, account, _, amount in errors(outcome))
    assert found == [
        ("direct_posting", "14140", Decimal("240.00")),
        ("unrelated_inventory_posting", "14140", cost),
        ("unrelated_inventory_posting", "50110", -cost),
    ]
    assert outcome.summary["inconclusive_because"] == []


def test_renumbered_accounts_give_the_same_findings(cronus: Outcome, variant: Callable[..., Outcome]) -> None:
    def renumber(table: pl.DataFrame) -> pl.DataFrame:
        columns = [
            c
            for c in table.columns
            if c.endswith(("Account", "(Interim)", "Acc.", "Account No.")) or c == "No."
        ]
        return table.with_columns(
            pl.when(pl.col(c).fill_null("") != "")
            .then(pl.concat_str(pl.lit("K-"), pl.col(c).str.reverse()))
            .alias(c)
            for c in columns
        )

    outcome = variant(
        gl_entry=renumber,
        gl_account=renumber,
        inventory_posting_setup=renumber,
        general_posting_setup=renumber,
    )
    assert errors(outcome) == [("direct_posting", "K-04141", 2122, Decimal("240.00"))]
    assert outcome.summary["causes"] == cronus.summary["causes"]


@pytest.mark.parametrize("source_no", ["10000", "20000", "30000", "40000", "50000"])
def test_moved_to_a_day_and_vendor_with_stock_invoices_it_is_still_240(
    variant: Callable[..., Outcome], source_no: str
) -> None:
    stocked = pl.read_csv(CRONUS / "gl_entry.csv", infer_schema=False).filter(
        (pl.col("G/L Account No.") == "14140")
        & (pl.col("Source Code") == "PURCHASES")
        & (pl.col("Source No.") == source_no)
        & (pl.col("Entry No.") != "2122")
    )
    day = stocked["Posting Date"][stocked.height // 2]

    def move(entries: pl.DataFrame) -> pl.DataFrame:
        moved = pl.col("Entry No.") == "2122"
        return entries.with_columns(
            pl.when(moved).then(pl.lit(day)).otherwise("Posting Date").alias("Posting Date"),
            pl.when(moved).then(pl.lit(source_no)).otherwise("Source No.").alias("Source No."),
        )

    outcome = variant(gl_entry=move)
    assert errors(outcome) == [("direct_posting", "14140", 2122, Decimal("240.00"))]
    assert amounts(outcome, "14140")[3] == "240.00"


@pytest.mark.parametrize("digits_of", ["document", "description"])
def test_an_export_with_document_numbers_gives_the_same(
    variant: Callable[..., Outcome], digits_of: str
) -> None:
    """Numbers from the description aren't those of the value entries; numbers of the vendor invoice are."""
    receipts = pl.read_csv(CRONUS / "value_entry.csv", infer_schema=False)

    def numbered(entries: pl.DataFrame) -> pl.DataFrame:
        from_text = pl.col("Description").str.extract(r"(\d{6})").fill_null("")
        if digits_of == "description":
            return entries.with_columns(from_text.alias("Document No."))
        documents = receipts.select("Posting Date", "Source No.", pl.col("Document No.")).filter(
            pl.col("Source No.").fill_null("") != ""
        )
        first = documents.unique(["Posting Date", "Source No."], keep="first", maintain_order=True)
        return entries.join(first, on=["Posting Date", "Source No."], how="left").with_columns(
            pl.coalesce("Document No.", from_text).alias("Document No.")
        )

    outcome = variant(gl_entry=numbered)
    assert errors(outcome) == [("direct_posting", "14140", 2122, Decimal("240.00"))]
