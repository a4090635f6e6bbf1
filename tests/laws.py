"""What must hold of every outcome, right or wrong, whatever the books: each law gives the rows that break it.

Here: the laws. Not here: the books that they are tried on (``tests/test_laws.py``).
"""

from collections.abc import Callable

import polars as pl

from pipelines.reconcile import INVENTORY_BRIDGE
from schemas.ledger import CLEARING_ROLES, CONTROLLED_ROLES
from tests.chain import Chain

Law = Callable[[Chain], pl.DataFrame]
AMOUNTS = ("amount", "posted_amount", "open_amount", "amount_acy", "posted_amount_acy")


def entries_debit_what_they_credit(books: Chain) -> pl.DataFrame:
    lines = books["expected_postings"].filter(pl.col("outcome") == "posted")
    sums = lines.group_by("value_entry_no", "cost_kind").agg(pl.col(AMOUNTS).sum())
    return sums.filter(pl.any_horizontal(pl.col(AMOUNTS) != 0))


def differences_are_ledger_less_other_activity_less_subledger(books: Chain) -> pl.DataFrame:
    difference = pl.col("gl") - pl.col("other_activity") - pl.col("subledger")
    return books["tie_outs"].filter(pl.col("difference") != difference)


def differences_are_explained_or_unexplained(books: Chain) -> pl.DataFrame:
    told = pl.col("explained").list.eval(pl.element().struct.field("difference")).list.sum()
    return books["tie_outs"].filter(pl.col("difference") != told + pl.col("unexplained"))


def findings_sum_to_what_is_explained_under_each_cause(books: Chain) -> pl.DataFrame:
    """A finding with an amount stands on an account that is tied out."""
    told = books["tie_outs"].select("account_no", "explained").explode("explained").unnest("explained")
    unexplained = books["tie_outs"].select(
        "account_no", cause=pl.lit("unclassified"), difference="unexplained"
    )
    found = books["differences"].group_by("account_no", "cause").agg(found=pl.col("difference").sum())
    both = pl.concat([told, unexplained]).drop_nulls("cause").join(
        found, on=["account_no", "cause"], how="full", coalesce=True, nulls_equal=True
    )  # fmt: skip
    return both.filter(pl.col("difference").fill_null(0) != pl.col("found").fill_null(0))


def ledger_balances_are_those_of_the_ledger(books: Chain) -> pl.DataFrame:
    entries, as_of = books["books"].gl_entries, books["books"].as_of
    sums = (
        entries.filter(pl.col("posting_date") <= as_of).group_by("account_no").agg(sum=pl.col("amount").sum())
    )
    joined = books["tie_outs"].join(sums, on="account_no", how="left", nulls_equal=True)
    return joined.filter(pl.col("gl") != pl.col("sum").fill_null(0))


def subledgers_are_the_expected_lines_of_their_roles(books: Chain) -> pl.DataFrame:
    controls = (
        pl.col("account_role").is_in(CONTROLLED_ROLES)
        | ~pl.col("is_controlled")
        | pl.col("account_no").is_null()
    )
    lines = books["expected_postings"].filter(
        (pl.col("outcome") == "posted") & (pl.col("posting_date") <= books["books"].as_of)
    )
    accounts = books["tie_outs"].select("account_no", "is_controlled", "subledger")
    sums = (
        lines.join(accounts, on="account_no", how="left", nulls_equal=True)
        .filter(controls)
        .group_by("account_no")
        .agg(sum=pl.col("amount").sum())
    )
    both = accounts.join(sums, on="account_no", how="full", coalesce=True, nulls_equal=True)
    return both.filter(pl.col("subledger").fill_null(0) != pl.col("sum").fill_null(0))


def differences_are_actual_less_expected(books: Chain) -> pl.DataFrame:
    """But for notices, which tell an amount without a difference: they have no actual amount."""
    is_notice = pl.col("actual_amount").is_null()
    difference = pl.col("actual_amount") - pl.col("expected_amount")
    wrong = pl.when(is_notice).then(pl.col("difference") != 0).otherwise(pl.col("difference") != difference)
    return books["differences"].filter(wrong)


def amounts_name_an_entry(books: Chain) -> pl.DataFrame:
    nameless = pl.col("value_entry_no").is_null() & pl.col("gl_entry_no").is_null()
    return books["differences"].filter((pl.col("difference") != 0) & nameless)


def findings_have_one_cause(books: Chain) -> pl.DataFrame:
    return (
        books["differences"]
        .group_by("finding_id")
        .agg(pl.col("cause").n_unique())
        .filter(pl.col("cause") > 1)
    )


def findings_touch_an_entry_once(books: Chain) -> pl.DataFrame:
    row = ("finding_id", "account_no", "account_role", "value_entry_no", "gl_entry_no")
    return books["differences"].filter(pl.struct(row).is_duplicated())


def findings_are_told_whole(books: Chain) -> pl.DataFrame:
    """A sentence, a remedy, a severity in every row, and no place in the sentence left open."""
    sentence = pl.col("explanation").fill_null("")
    open_place = (sentence == "") | sentence.str.contains(r"[{}]|None|null")
    return books["differences"].filter(
        open_place | (pl.col("remedy").fill_null("") == "") | pl.col("severity").is_null()
    )


def pieces_sum_to_their_line(books: Chain) -> pl.DataFrame:
    lines = books["books"].gl_entries.select(
        "gl_entry_no", pl.col("amount", "amount_acy").name.suffix("_line")
    )
    pieces = books["actual_postings"].group_by("gl_entry_no").agg(pl.col("amount", "amount_acy").sum())
    wrong = (pl.col("amount") != pl.col("amount_line")) | (pl.col("amount_acy") != pl.col("amount_acy_line"))
    return pieces.join(lines, on="gl_entry_no", how="left").filter(wrong.fill_null(True))


def no_part_is_lost(books: Chain) -> pl.DataFrame:
    """Every part of an inventoriable entry with an amount is posted, ignored by rule, or refused."""
    entries = books["books"].value_entries.filter("is_inventoriable")
    parts = pl.concat(
        [
            entries.filter(pl.any_horizontal(pl.col(f"amount_{kind}", f"amount_{kind}_acy") != 0)).select(
                "value_entry_no", cost_kind=pl.lit(kind)
            )
            for kind in ("actual", "expected")
        ]
    )
    told = books["postings"].filter(pl.col("outcome").is_in(["posted", "ignored", "refused"]))
    return parts.join(told, on=["value_entry_no", "cost_kind"], how="anti")


def population_leads_to_the_subledger(books: Chain) -> pl.DataFrame:
    steps, last = books["population"].head(-1), books["population"].tail(1)
    assert set(INVENTORY_BRIDGE) <= set(steps["line"])
    return last.filter(pl.col("amount") != steps["amount"].sum())


def parts_sum_to_the_tie_outs(books: Chain) -> pl.DataFrame:
    """Every figure of a tie-out is the sum of its parts; only roles that count make a subledger."""
    parts = books["attributed_lines"].filter((pl.col("side") != "subledger") | pl.col("counts"))
    return _not_the_tie_outs(books, parts.group_by("account_no").agg(_by_side("amount")))


def breakdowns_foot_in_every_direction(books: Chain) -> pl.DataFrame:
    wrong = [
        _not_the_tie_outs(books, rows.group_by("account_no").agg(pl.col(FIGURES).sum()))
        for _, rows in books["breakdowns"].group_by("by", maintain_order=True)
    ]
    return pl.concat(wrong) if wrong else pl.DataFrame()


def valuation_leads_from_the_population_to_the_subledger(books: Chain) -> pl.DataFrame:
    """The actual value is that of all entries but capacity and later ones; what rows take out of it, and
    what is left, are the population's.
    """
    population = dict(books["population"].iter_rows())
    total = "cost amount (actual) of all value entries"
    told = {
        "value_actual": sum(population[line] for line in (total, "after as-of", "capacity entries")),
        "not_inventoriable": population["not inventoriable"],
        "refused": population["refused combinations"],
        "handled_without_posting": population["handled without posting"],
        "unresolved": population["unresolved"],
        "subledger": population["subledger of the inventory role"],
    }
    sums = [(column, books["valuation"][column].sum(), amount) for column, amount in told.items()]
    return pl.DataFrame(sums, schema=["column", "sum", "told"], orient="row").filter(
        pl.col("sum") != pl.col("told")
    )


def orders_sum_to_wip(books: Chain) -> pl.DataFrame:
    """On an account whose only controlled role is WIP, the orders sum to its tie-out."""
    roles = pl.col("roles").list.set_intersection(list(CONTROLLED_ROLES))
    only_wip = books["tie_outs"].filter(roles == ["wip"]).select("account_no")
    sums = books["wip_orders"].group_by("account_no").agg(pl.col(FIGURES).sum())
    return _not_the_tie_outs(books, sums, only_wip)


def orders_hold_all_parts_of_wip(books: Chain) -> pl.DataFrame:
    parts = books["attributed_lines"].filter(pl.col("account_role") == "wip").select(_by_side("amount"))
    sums = books["wip_orders"].select(pl.col(FIGURES[:3]).sum())
    return sums.filter(pl.any_horizontal(pl.col(f) != parts[f][0] for f in FIGURES[:3]))


def corrected_matrix_leads_to_the_tie_outs(books: Chain) -> pl.DataFrame:
    """Account by account: each G/L line in one role, and what counts of the roles is the tie-out."""
    told = _corrected(books).select("account_role", "accounts").explode("accounts").unnest("accounts")
    accounts = books["tie_outs"].select("account_no", "is_controlled")
    told = told.filter(pl.col("total").is_not_null())
    role = pl.coalesce("column", "account_role")
    counts = (
        role.is_in(CONTROLLED_ROLES).fill_null(True)
        | ~pl.col("is_controlled")
        | pl.col("account_no").is_null()
    )
    sums = (
        told.join(accounts, on="account_no", how="left", nulls_equal=True)
        .group_by("account_no")
        .agg(
            subledger=pl.col("total").filter(counts).sum(),
            gl=pl.col("gl_total").sum(),
            difference=pl.col("difference").filter(counts).sum(),
        )
        .with_columns(other_activity=pl.col("gl") - pl.col("difference") - pl.col("subledger"))
    )
    return _not_the_tie_outs(books, sums)


def matrix_foots_both_ways(books: Chain) -> pl.DataFrame:
    """Rows: the cells are the row's total. Columns: what the column's account holds, all its counter-accounts
    hold the other way round.
    """
    rows = _corrected(books)
    total = rows.filter(pl.col("row") == "Total")
    body = rows.filter(pl.col("row_no") < total["row_no"][0])
    cells = pl.sum_horizontal("inventory", "inventory_interim", "wip", "other")
    columns = [(c, body[c].sum(), total[c][0]) for c in ("inventory", "inventory_interim", "wip")]
    wrong = [c for c, counter, held in columns if counter + held != 0]
    in_row = body.filter((cells != pl.col("total")).fill_null(False))["row"].to_list()
    return pl.DataFrame({"wrong": [*wrong, *in_row]}, schema={"wrong": pl.String})


def warnings_sum_to_the_differences(books: Chain) -> pl.DataFrame:
    rows = _corrected(books)
    told = rows.select("row_no", "warnings").explode("warnings").unnest("warnings").filter("in_difference")
    by_row = told.group_by("row_no", "column").agg(pl.col("amount").sum())
    at_the_foot = rows.filter(pl.col("row") == "Difference").drop("difference")
    foot = at_the_foot.unpivot(
        ["inventory", "inventory_interim", "wip"],
        index="row_no",
        variable_name="column",
        value_name="difference",
    )
    body = rows.filter(pl.col("difference").is_not_null()).select(
        "row_no", pl.lit(None, pl.String).alias("column"), "difference"
    )
    both = pl.concat([foot, body]).join(
        by_row, on=["row_no", "column"], how="full", coalesce=True, nulls_equal=True
    )
    return both.filter(pl.col("difference").fill_null(0) != pl.col("amount").fill_null(0))


def _corrected(books: Chain) -> pl.DataFrame:
    return books["bc_matrix"].filter(pl.col("view") == "corrected")


FIGURES = ("subledger", "gl", "other_activity", "difference")


def _by_side(amount: str) -> list[pl.Expr]:
    sides = [pl.col(amount).filter(pl.col("side") == side).sum().alias(side) for side in FIGURES[:3]]
    return [*sides, (sides[1] - sides[2] - sides[0]).alias("difference")]


def _not_the_tie_outs(books: Chain, sums: pl.DataFrame, accounts: pl.DataFrame | None = None) -> pl.DataFrame:
    """Accounts whose figures, 0 where there is none, aren't those of their tie-out."""
    told = books["tie_outs"].select("account_no", *FIGURES)
    if accounts is not None:
        told, sums = (t.join(accounts, on="account_no", how="semi", nulls_equal=True) for t in (told, sums))
    both = told.join(sums, on="account_no", how="full", coalesce=True, nulls_equal=True, suffix="_sum")
    return both.filter(
        pl.any_horizontal(pl.col(f).fill_null(0) != pl.col(f"{f}_sum").fill_null(0) for f in FIGURES)
    )


def rows_in_are_rows_out(books: Chain) -> pl.DataFrame:
    tables = {"value_entry": books["books"].value_entries, "gl_entry": books["books"].gl_entries}
    counts = [(name, books["extract"].tables[name].height, table.height) for name, table in tables.items()]
    return pl.DataFrame(counts, schema=["table", "given", "kept"], orient="row").filter(
        pl.col("given") != pl.col("kept")
    )


def causes_are_counted_as_they_are_found(books: Chain) -> pl.DataFrame:
    found = dict(books["differences"].group_by("cause").agg(pl.col("finding_id").n_unique()).iter_rows())
    told = {cause: counted["findings"] for cause, counted in books["summary"]["causes"].items()}
    rows = [(cause, found.get(cause, 0), told.get(cause, 0)) for cause in sorted({*found, *told})]
    return pl.DataFrame(rows, schema=["cause", "found", "told"], orient="row").filter(
        pl.col("found") != pl.col("told")
    )


def accounts_roll_forward_to_their_tie_out(books: Chain) -> pl.DataFrame:
    """Opening and movements sum to the closing, and the closing is the tie-out's own figure, side by side."""
    figures = ("subledger", "gl", "other_activity", "difference")
    tied = books["tie_outs"].unpivot(on=figures, index="account_no", variable_name="side", value_name="tied")
    is_closing = pl.col("line") == "closing"
    rolled = books["roll_forward"].group_by("account_no", "side").agg(
        moved=pl.col("amount").filter(~is_closing).sum(), closing=pl.col("amount").filter(is_closing).sum()
    )  # fmt: skip
    both = tied.join(rolled, on=["account_no", "side"], how="full", coalesce=True, nulls_equal=True)
    is_right = (pl.col("closing") == pl.col("tied")) & (pl.col("moved") == pl.col("tied"))
    return both.filter(~is_right.fill_null(False))


def clearing_items_sum_to_the_ledger(books: Chain) -> pl.DataFrame:
    """On every account with a role that is cleared or that the user named, and on no other."""
    is_cleared = pl.col("roles").list.eval(pl.element().is_in(CLEARING_ROLES)).list.any()
    is_named = pl.col("account_no").is_in(books["books"].clearing_accounts["account_no"].implode())
    items = books["clearing_items"].group_by("account_no").agg(pl.col("balance").sum())
    accounts = books["tie_outs"].filter((is_cleared | is_named) & pl.col("account_no").is_not_null())
    both = accounts.join(items, on="account_no", how="full", coalesce=True)
    return both.filter(pl.col("gl").fill_null(0) != pl.col("balance").fill_null(0))


def clearing_lines_are_all_in_the_matches(books: Chain) -> pl.DataFrame:
    """Closed items too: no line of a clearing account is lost and none counts twice."""
    sums = books["clearing_matches"].group_by("account_no").agg(pl.col("debits", "credits", "lines").sum())
    items = books["clearing_items"].group_by("account_no").agg(pl.col("balance").sum())
    both = sums.join(items, on="account_no", how="full", coalesce=True)
    return both.filter(pl.col("debits") - pl.col("credits") != pl.col("balance").fill_null(0))


def clearing_items_stand_once_and_are_open(books: Chain) -> pl.DataFrame:
    items = books["clearing_items"]
    is_double = pl.struct("account_no", "item_key").is_duplicated()
    return items.filter(is_double | (pl.col("balance") == 0) | pl.col("bucket").is_null())


def only_lines_of_journals_explain_themselves(books: Chain) -> pl.DataFrame:
    """``gl:n`` is a line of a person's journal, or one that names no document at all."""
    line_no = pl.col("item_key").str.strip_prefix("gl:").cast(pl.Int64, strict=False)
    items = books["clearing_items"].filter(pl.col("item_key").str.starts_with("gl:"))
    lines = items.with_columns(gl_entry_no=line_no).join(
        books["books"].gl_entries, on="gl_entry_no", how="left", suffix="_line"
    )
    from_posting = ~pl.col("origin").is_in(["journal", "unknown"])
    names_a_document = pl.col("document_no").is_not_null()
    return lines.filter((from_posting | pl.col("value_entry_no").is_not_null()) & names_a_document)


def accruals_are_what_the_switch_keeps_out(books: Chain) -> pl.DataFrame:
    told = books["differences"].filter(pl.col("cause") == "expected_cost_off")
    proposed = books["accrual_proposals"].select("value_entry_no", "amount")
    both = proposed.join(told, on="value_entry_no", how="full", coalesce=True)
    return both.filter((pl.col("amount") != pl.col("expected_amount")).fill_null(True))


LAWS: tuple[Law, ...] = (
    entries_debit_what_they_credit,
    differences_are_ledger_less_other_activity_less_subledger,
    differences_are_explained_or_unexplained,
    findings_sum_to_what_is_explained_under_each_cause,
    ledger_balances_are_those_of_the_ledger,
    subledgers_are_the_expected_lines_of_their_roles,
    differences_are_actual_less_expected,
    amounts_name_an_entry,
    findings_have_one_cause,
    findings_touch_an_entry_once,
    findings_are_told_whole,
    pieces_sum_to_their_line,
    no_part_is_lost,
    population_leads_to_the_subledger,
    parts_sum_to_the_tie_outs,
    breakdowns_foot_in_every_direction,
    valuation_leads_from_the_population_to_the_subledger,
    orders_sum_to_wip,
    orders_hold_all_parts_of_wip,
    corrected_matrix_leads_to_the_tie_outs,
    matrix_foots_both_ways,
    warnings_sum_to_the_differences,
    rows_in_are_rows_out,
    causes_are_counted_as_they_are_found,
    accounts_roll_forward_to_their_tie_out,
    clearing_items_sum_to_the_ledger,
    clearing_lines_are_all_in_the_matches,
    clearing_items_stand_once_and_are_open,
    only_lines_of_journals_explain_themselves,
    accruals_are_what_the_switch_keeps_out,
)


def broken(books: Chain) -> dict[str, pl.DataFrame]:
    """The laws that these books break, each with the rows that show it."""
    shown = {law.__name__: law(books) for law in LAWS}
    return {law: rows for law, rows in shown.items() if rows.height}
