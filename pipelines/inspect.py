"""Inspects the stock ledger by itself: findings that need no G/L line to be wrong.

Here: the claims behind the rows of ``stock_checks.csv`` and the findings of those that hold. Not here: the
figures that they compare (``subjects``), the words of a cause (``causes.csv``, ``explain``).
"""

from collections.abc import Mapping, Sequence

import polars as pl

from pipelines.sentences import filled
from schemas.ledger import Books
from schemas.money import AMOUNT

#: What a finding may say about where it lies, as far as its subject knows.
PLACES: Mapping[str, pl.DataType] = {
    "account_no": pl.String(),
    "posting_date": pl.Date(),
    "document_no": pl.String(),
    "value_entry_no": pl.Int64(),
    "item_ledger_entry_no": pl.Int64(),
    "item_no": pl.String(),
    "location_code": pl.String(),
    "order_no": pl.String(),
}
FINDING = ("cause", "severity", "account_role", "finding_key", "message", "expected_amount", *PLACES)
#: Causes that rest on a flag of the ERP or on dates, whatever came before.
FLAGGED = ("cost_not_adjusted", "backdated_adjustment")
MUST_GROW = ("Positive Adjmt.", "Assembly Output")
MUST_SHRINK = ("Negative Adjmt.", "Assembly Consumption")


def stock_findings(
    subjects: Mapping[str, pl.LazyFrame],
    books: Books,
    stock_checks: pl.DataFrame,
    completeness: pl.DataFrame,
) -> pl.DataFrame:
    """Every hit of every stock check whose data was given, in the raw shape of ``explain``.

    One row per check and subject; they only tell, so none has a difference. ``expected_amount`` is the amount
    that the check is about, where it is about one; ``finding_key`` names check and subject and nothing else.
    """
    claims = predicates()
    needs = dict(completeness.select("check", "needs").iter_rows())
    asked = [
        row for row in stock_checks.iter_rows(named=True) if _is_given(needs.get(row["needs"], ""), books)
    ]
    struck = _struck(subjects, asked, claims)
    hits = [
        _found(subjects[row["about"]].filter(claims[row["predicate"]]), row, books.scale)
        for row in asked
        if row["stock_check"] in struck
    ]
    return pl.concat(pl.collect_all(hits)).pipe(_with_account, books).pipe(_after_cut_over, books)


def _after_cut_over(found: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Where balances stand for earlier entries: the findings that rest on later ones alone.

    What an item, a place or an order holds, and what became of an item ledger entry that began before, can't
    be told then.
    """
    carried = books.opening_balances.filter(pl.col("gl_entry_no").is_not_null())["date"].max()
    if carried is None:
        return found
    later = books.item_ledger_entries.filter(pl.col("posting_date") > pl.lit(carried, pl.Date))
    began_later = pl.col("item_ledger_entry_no").is_in(later["item_ledger_entry_no"].implode())
    return found.filter(began_later.fill_null(False) | pl.col("cause").is_in(FLAGGED))


def _struck(
    subjects: Mapping[str, pl.LazyFrame], asked: Sequence[Mapping[str, str]], claims: Mapping[str, pl.Expr]
) -> set[str]:
    """The checks that hit anything, and the first one so that there always is a table: looking at a subject
    once costs a fifth of telling the findings of each check, and in most books few checks have any.
    """
    looks = [
        subjects[about].select(
            claims[row["predicate"]].any().fill_null(False).alias(row["stock_check"])
            for row in asked
            if row["about"] == about
        )
        for about in sorted({row["about"] for row in asked})
    ]
    told = [seen.row(0, named=True) for seen in pl.collect_all(looks)]
    return {asked[0]["stock_check"], *(check for seen in told for check, is_hit in seen.items() if is_hit)}


def _is_given(needs: str, books: Books) -> bool:
    """Whether every table and column that a check of ``completeness.csv`` needs was given."""
    tables = (need.partition(".") for need in needs.split(";") if need)
    return all(table in books.given and (not c or c in books.given[table]) for table, _, c in tables)


def _found(hits: pl.LazyFrame, check: Mapping[str, str], scale: int) -> pl.LazyFrame:
    """The hits of one check as findings. What stands before a dot in its name tells the finding apart."""
    columns = hits.collect_schema()
    amount = pl.col(check["amount"]) if check["amount"] else pl.lit(None)
    places = [
        (pl.col(name) if name in columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in {**PLACES, "inventory_posting_group": pl.String()}.items()
    ]
    return hits.select(
        pl.lit(check["cause"]).alias("cause"),
        pl.lit(check["severity"]).alias("severity"),
        pl.lit(check["account_role"] or None, pl.String).alias("account_role"),
        pl.concat_str(pl.lit(check["stock_check"].split(".")[0] + " "), "key").alias("finding_key"),
        filled(check["sentence"], columns, scale).alias("message"),
        amount.cast(AMOUNT).alias("expected_amount"),
        *places,
    )


def _with_account(found: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The account that today's setup gives the place, where the check says in which role it lies."""
    accounts = books.posting_accounts.filter(pl.col("setup_table") == "inventory_posting_setup").select(
        "account_role",
        pl.col("key_1").alias("location_code"),
        pl.col("key_2").alias("inventory_posting_group"),
        pl.col("account_no").alias("_account_no"),
    )
    key = ["account_role", "location_code", "inventory_posting_group"]
    return found.join(accounts, on=key, how="left", validate="m:1", maintain_order="left").select(
        *(c for c in FINDING if c != "account_no"),
        pl.coalesce("account_no", "_account_no").alias("account_no"),
    )


def predicates() -> dict[str, pl.Expr]:
    """The claims that ``stock_checks.csv`` names, each about one subject."""
    return {**_of_value(), **_of_quantity(), **_of_applications(), **_of_value_entries(), **_of_dates()}


def _of_value() -> dict[str, pl.Expr]:
    """Value under two groups, not final, without quantity, at the wrong place, left in WIP or interim."""
    value = pl.col("value")
    is_left = (pl.col("line_value") != 0) & (pl.col("line_value_ever") != 0) & (value != 0)
    unadjusted = pl.col("is_cost_adjusted").not_().fill_null(False)
    without_output = (pl.col("finished_quantity") == 0).fill_null(False)
    is_whole = pl.col("is_posted_whole") & (value != 0)
    return {
        "group_left_behind": (pl.col("inventory_posting_group") != pl.col("todays_group"))
        & (pl.col("group_value") != 0)
        & (value != 0),
        "item_not_adjusted": unadjusted & pl.col("item_type").fill_null("").is_in(["", "Inventory"]),
        "entry_not_adjusted": pl.col("has_applications_to_adjust"),
        "point_not_adjusted": unadjusted,
        "order_not_adjusted": unadjusted & pl.col("is_adjustment_finished"),
        "wip_left_unadjusted": is_left & unadjusted,
        "wip_left_without_output": is_left & ~unadjusted & without_output,
        "wip_left": is_left & ~unadjusted & ~without_output,
        "interim_left": is_whole & pl.col("is_fully_invoiced"),
        "interim_switched_off": is_whole & ~pl.col("is_fully_invoiced") & pl.col("is_switched_off"),
        "value_without_quantity": pl.col("has_quantities") & (pl.col("quantity") == 0) & (value != 0),
        "transferred_before_invoice": (value < 0)
        & (pl.col("transferred") < 0)
        & (pl.col("item_expected") > 0)
        & (pl.col("item_value") >= 0),
        "transfer_cost_left": (pl.col("sides") > 1) & (value != 0),
        "transfer_quantity_left": (pl.col("sides") > 1) & (pl.col("quantity") != 0),
    }


def _of_quantity() -> dict[str, pl.Expr]:
    """Quantity, remaining and invoiced quantity of an item ledger entry, and what its value entries carry."""
    quantity, remaining = pl.col("quantity"), pl.col("remaining_quantity")
    invoiced, has_entries = pl.col("invoiced_quantity"), pl.col("has_value_entry")
    grows = pl.col("entry_type").is_in(MUST_GROW) & (quantity < 0)
    shrinks = pl.col("entry_type").is_in(MUST_SHRINK) & (quantity > 0)
    expected = pl.any_horizontal(pl.col("entries_expected", "entries_expected_acy") != 0)
    return {
        "outbound_open": (pl.col("is_open") & ~pl.col("is_positive")) | (remaining < 0),
        "quantity_is_zero": quantity == 0,
        "remaining_beyond_quantity": (remaining.abs() > quantity.abs())
        | ((remaining > 0) & (quantity < 0))
        | ((remaining < 0) & (quantity > 0)),
        "sign_against_claim": (quantity > 0) != pl.col("is_positive"),
        "sign_against_type": (grows | shrinks) & ~pl.col("is_correction"),
        "open_against_remaining": (remaining != 0) != pl.col("is_open"),
        "quantity_differs": has_entries & (pl.col("entries_quantity") != quantity),
        "invoiced_not_whole": pl.col("is_completely_invoiced") & (invoiced != quantity),
        "invoiced_quantity_differs": has_entries & (pl.col("entries_invoiced") != invoiced),
        "invoice_date_blank": (invoiced != 0) & pl.col("last_invoice_date").is_null(),
        "expected_cost_left": pl.col("is_completely_invoiced") & expected,
        "without_value_entry": ~has_entries & pl.col("is_since_start"),
    }


def _of_applications() -> dict[str, pl.Expr]:
    """What is applied against what is there."""
    quantity, remaining = pl.col("quantity"), pl.col("remaining_quantity")
    applied, is_applied = pl.col("applied_quantity"), pl.col("applications") > 0
    waits = ~pl.col("is_positive") & pl.col("is_open")
    whole = waits & (remaining == quantity)
    own, inbound, outbound = (
        pl.col(f"{end}_entry_no").fill_null(0) for end in ("item_ledger", "inbound", "outbound")
    )
    return {
        "never_applied": ~is_applied & ~waits & (quantity != 0),
        "applied_while_open": whole & is_applied,
        "partly_applied_differs": waits & ~whole & is_applied & (applied + remaining != quantity),
        "applied_differs": ~waits & is_applied & (applied != quantity),
        "remaining_against_applications": pl.col("is_positive") & (pl.col("left_quantity") != remaining),
        "applied_twice": pl.col("is_again"),
        "application_sign": ((own == inbound) & (quantity < 0))
        | ((own != inbound) & (quantity > 0))
        | ((own != outbound) & (quantity < 0)),
    }


def _of_value_entries() -> dict[str, pl.Expr]:
    """A value entry against its item ledger entry, its item, and the purchase account."""
    kind, theirs = pl.col("item_ledger_entry_type"), pl.col("ile_entry_type")
    has_own = pl.col("has_item_ledger_entry").fill_null(False)
    own_item, their_item = pl.col("item_no"), pl.col("ile_item_no")
    is_service = (theirs == "Sale") & (kind == "Negative Adjmt.")  # consumed after its shipment
    outside, is_charge = pl.col("outside"), pl.col("item_charge_no") != ""
    amount, expected = pl.col("amount_expected"), pl.col("purchase_amount_expected")
    is_receipt = (kind == "Purchase") & pl.col("is_expected") & (pl.col("entry_type") == "Direct Cost")
    is_receipt &= pl.col("item_ledger_entry_quantity") > 0  # what goes back goes at the cost it came in at
    is_invoice = (kind == "Purchase") & (pl.col("entry_type") == "Direct Cost") & pl.col("is_inventoriable")
    return {
        "without_item_entry": pl.col("item_ledger_entry_no").is_not_null() & ~has_own,
        "of_other_type": has_own & (kind != theirs) & ~is_charge & ~is_service,
        "of_other_item": has_own & (own_item != their_item) & (own_item != "") & (their_item != ""),
        "of_other_location": has_own & (pl.col("location_code") != pl.col("ile_location_code")),
        "adjustment_with_quantity": pl.col("is_adjustment")
        & pl.any_horizontal(pl.col("invoiced_quantity", "item_ledger_entry_quantity").fill_null(0) != 0),
        "average_on_other_method": pl.col("is_valued_by_average") & (pl.col("costing_method") != "Average"),
        "average_inbound": pl.col("is_valued_by_average")
        & (pl.col("costing_method") == "Average")
        & (pl.col("valued_quantity") > 0)
        & ~pl.col("is_correction"),
        "expected_at_price": is_receipt
        & (pl.col("costing_method") == "Standard")
        & (amount != 0)
        & (amount != pl.col("at_standard"))
        & ((expected == 0) | (expected == amount))
        & (pl.col("last_revalued_on").is_null() | (pl.col("last_revalued_on") < pl.col("posting_date"))),
        "charge_outside_inventory": (outside != 0) & is_charge,
        "outside_inventory": (outside != 0) & ~is_charge,
        "purchase_not_direct_cost": is_invoice & ~pl.col("is_expected") & (pl.col("beside") != 0),
        "numbers_lost": pl.col("is_one_run") & (pl.col("missing") > 0),
    }


def _of_dates() -> dict[str, pl.Expr]:
    """Dates that contradict each other, or a closing."""
    posted, adjusted = pl.col("posting_date"), pl.col("applied_date")
    # Adjustments of what lies before the first allowed date are moved there: [CU5895.PostItemJnlLine]
    is_moved = (posted > adjusted) & (
        (posted.dt.day() == 1) | (posted == pl.col("first_allowed")).fill_null(False)
    )
    return {
        "adjusted_on_other_date": pl.col("is_adjustment") & (posted != adjusted) & ~is_moved,
        "posted_after_inventory_period": pl.col("item_register_no") > pl.col("closing_register_no"),
        "created_after_inventory_period": pl.col("created_on") > pl.col("closed_on"),
        "created_after_fiscal_year": pl.col("created_at") > pl.col("year_closed_at"),
        "valuation_dates_differ": pl.col("first_valued_on") != pl.col("last_valued_on"),
        "valued_before_inbound": (pl.col("quantity") < 0)
        & (pl.col("outbound_valued_on") < pl.col("inbound_valued_on")),
        "average_mixed": pl.col("averages") > 1,
    }
