"""Rebuilds BC's page Inventory - G/L Reconciliation: as it shows itself, and corrected.

Here: the cells, totals and warnings of both views, for all or for one item, location or span of dates. Not
here: the formulas, rows and warnings themselves (``matrix_bc.csv``, ``matrix_corrected.csv``,
``matrix_warnings_bc.csv``) and the causes behind a difference (``explain``).
"""

from datetime import date

import polars as pl

from schemas.ledger import Books, Excerpt
from schemas.money import AMOUNT

COLUMNS = ("inventory", "inventory_interim", "wip")
CAPTIONS = ("Inventory", "Inventory (Interim)", "WIP Inventory")
CELLS = (*COLUMNS, "other")
FIGURES = ("total", "gl_total", "other_activity", "difference")
#: The rows at the foot: what the columns' own accounts hold.
FOOT = {"total": (18, "Total"), "gl_total": (19, "G/L Total"), "other_activity": (20, "Other Activity"),
        "difference": (21, "Difference")}  # fmt: skip
KINDS = ("item_ledger_entry_type", "entry_type", "variance_type", "order_type")
WARNING = ("warning", "account_no", "amount", "findings", "in_difference")
ACCOUNT = ("account_no", *FIGURES)
EXPECTED_COST = ("inventory_interim", "wip", "invt_accrual_interim", "cogs_interim")
INVENTORY_TYPE = "Inventory"


def bc_matrix(
    attributed_lines: pl.DataFrame,
    agreed_lines: pl.DataFrame,
    entry_items: pl.DataFrame,
    differences: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
    matrix_formulas: pl.DataFrame,
    matrix_rows: pl.DataFrame,
    matrix_warnings: pl.DataFrame,
    excerpt: Excerpt,
) -> pl.DataFrame:
    """Both views of the page, row by row: a cell is the amount in the row's account whose counter-account
    is the column's; the rows at the foot are what the columns' own accounts hold. Debit positive.

    View ``as_bc`` is what the page shows: all value entries by its formulas, the balance of every account
    that today's setup names, ``difference = gl_total - total`` and the warnings that it would set, without
    amounts; of an item or a location it knows no G/L side. View ``corrected`` foots to the tie-outs: the
    lines that rules demand, in every role and between all accounts, against the G/L lines of the same role,
    each line once, ``difference = gl_total - other_activity - total``. Its ``warnings`` are all that apply,
    each with the amount behind it; those that are ``in_difference`` sum to the row's difference. ``warning``
    says the same in words; at the foot ``column`` tells whose a warning or an account is. With an item or
    location both sides are those of its value entries; G/L lines without one are left out. Only lines up to
    as-of count.

    Source: codeunit 5845 "Get Inventory Report", page 9297.
    """
    views = [
        _as_bc(books, matrix_formulas, matrix_warnings, excerpt),
        _corrected(
            _with_days(attributed_lines, agreed_lines, excerpt), entry_items, differences, account_scope,
            books, matrix_rows, matrix_warnings, excerpt,
        ),
    ]  # fmt: skip
    return pl.concat(views).with_columns(warning=_in_words(books.scale)).sort("view", "row_no")


def _in_words(scale: int) -> pl.Expr:
    """The row's warnings as one text: "Direct Posting 240.00 on 2110"; at the foot with their columns."""
    said = pl.element().struct
    caption = said.field("column").replace_strict(COLUMNS, CAPTIONS, default="")
    amount = said.field("amount").cast(pl.Decimal(38, scale)).cast(pl.String)
    words = pl.concat_str(
        pl.when(caption != "").then(pl.concat_str(caption, pl.lit(": "))).otherwise(pl.lit("")),
        said.field("warning"),
        pl.concat_str(pl.lit(" "), amount).fill_null(""),
        pl.concat_str(pl.lit(" on "), said.field("account_no")).fill_null(""),
        pl.when(said.field("in_difference") == pl.lit(False)).then(pl.lit(" beside the difference"))
        .otherwise(pl.lit("")),
    )  # fmt: skip
    return pl.col("warnings").list.eval(words).list.join("; ")


# As the page shows it


def _as_bc(
    books: Books, matrix_formulas: pl.DataFrame, matrix_warnings: pl.DataFrame, excerpt: Excerpt
) -> pl.DataFrame:
    formulas = matrix_formulas.filter(
        (pl.col("condition") == "any") | pl.lit(books.switches.mfg_inc_non_inv_cost)
    )
    cells = _by_formula(_entries_of_the_page(books, excerpt), formulas)
    totals = pl.concat(
        [
            cells.filter(pl.col("column") == "total").select("account_role", total="amount"),
            cells.filter(pl.col("row") == "Total").select(account_role="column", total="amount"),
        ]
    )
    accounts = _setup_accounts(books, excerpt).join(
        totals.select("account_role"), on="account_role", how="semi"
    )
    ledger = accounts.group_by("account_role").agg(pl.col("gl_total").sum())
    has_ledger = pl.lit(excerpt.item_no is None and excerpt.location_code is None)
    figures = (
        totals.join(ledger, on="account_role", how="left", validate="1:1")
        .with_columns(gl_total=pl.when(has_ledger).then(pl.col("gl_total").fill_null(0)))
        .with_columns(other_activity=pl.lit(None, AMOUNT), difference=pl.col("gl_total") - pl.col("total"))
    )
    return _laid_out(
        "as_bc",
        formulas.filter(pl.col("row") != "Total"),
        cells.filter((pl.col("row") != "Total") & (pl.col("column") != "total")),
        figures,
        _warnings_of_the_page(figures, cells, matrix_warnings, books, excerpt),
        accounts.filter(has_ledger),
    )


def _entries_of_the_page(books: Books, excerpt: Excerpt) -> pl.DataFrame:
    """The value entries that the page sums: of items that are stocked by today's card, of capacity too."""
    other = books.items.filter(pl.col("item_type") != INVENTORY_TYPE).select("item_no")
    return (
        books.value_entries.filter(_dated(books, excerpt))
        .filter(_is(excerpt.item_no, "item_no") & _is(excerpt.location_code, "location_code"))
        .join(other, on="item_no", how="anti")
    )


def _by_formula(entries: pl.DataFrame, formulas: pl.DataFrame) -> pl.DataFrame:
    """Each formula's amount, summed per cell; the entries come down to their few combinations first."""
    sums = entries.group_by(pl.col(k).fill_null("").alias(f"_{k}") for k in KINDS).agg(
        pl.col("amount_actual", "amount_expected").sum()
    )
    amount = pl.when(pl.col("amount") == "actual").then("amount_actual").otherwise("amount_expected")
    signed = pl.when(pl.col("sign") == "-").then(-amount).otherwise(amount)
    cell = ("row_no", "row", "column", "account_role")
    fitting = formulas.join(sums, how="cross").filter(_fits(k) for k in KINDS)
    found = fitting.group_by(cell).agg(signed.sum().alias("amount"))
    return (
        formulas.select(cell)
        .unique()
        .join(found, on=cell, how="left", validate="1:1")
        .with_columns(pl.col("amount").fill_null(0).cast(AMOUNT))
    )


def _fits(kind: str) -> pl.Expr:
    named = pl.col(kind).str.replace("(blank)", "", literal=True).str.split("|")
    return (pl.col(kind) == "any") | named.list.contains(pl.col(f"_{kind}"))


def _setup_accounts(books: Books, excerpt: Excerpt) -> pl.DataFrame:
    """Each distinct account of a setup field with its net change; one that two fields name is there twice."""
    accounts = books.posting_accounts.select("account_role", "account_no").drop_nulls().unique()
    if books.has_accounts:
        accounts = accounts.join(books.accounts, on="account_no", how="semi")
    changes = (
        books.gl_entries.filter(_dated(books, excerpt))
        .group_by("account_no")
        .agg(pl.col("amount").sum().alias("gl_total"))
    )
    return (
        accounts.join(changes, on="account_no", how="left", validate="m:1")
        .with_columns(
            pl.col("gl_total").fill_null(0).cast(AMOUNT),
            *(pl.lit(None, AMOUNT).alias(f) for f in ("total", "other_activity", "difference")),
        )
        .sort("account_role", "account_no")
    )


def _warnings_of_the_page(
    figures: pl.DataFrame, cells: pl.DataFrame, matrix_warnings: pl.DataFrame, books: Books, excerpt: Excerpt
) -> pl.DataFrame:
    """On every row that differs the one warning that the page shows: that of expected cost on its accounts
    where the switch is off, else the first whose test holds.
    """
    differing = figures.filter(pl.col("difference") != 0)
    claims = _claims(differing, cells, books, excerpt)
    tests = matrix_warnings.filter(pl.col("bc_test") != "").sort("ordinal").select("warning", "bc_test")
    first, *others = tests.rows()
    held = next((warning for warning, test in others if claims[test]), None)
    is_expected_cost = pl.col("account_role").is_in(EXPECTED_COST) & pl.lit(claims[first[1]])
    return (
        differing.select(
            "account_role",
            pl.when(is_expected_cost)
            .then(pl.lit(first[0]))
            .otherwise(pl.lit(held, pl.String))
            .alias("warning"),
            pl.lit(None, pl.String).alias("account_no"),
            pl.lit(None, AMOUNT).alias("amount"),
            pl.lit(None, pl.Int64).alias("findings"),
            pl.lit(None, pl.Boolean).alias("in_difference"),
        )
        .drop_nulls("warning")
        .sort("account_role")
    )


def _claims(differing: pl.DataFrame, cells: pl.DataFrame, books: Books, excerpt: Excerpt) -> dict[str, bool]:
    """The tests behind the warnings, by the names that ``matrix_warnings_bc.csv`` gives them."""
    entries = books.value_entries.filter(_dated(books, excerpt))
    lines = books.gl_entries.filter(_dated(books, excerpt))
    unposted = (pl.col("posted_actual") == 0) & (pl.col("amount_actual") != 0)
    first, last = excerpt.date_from or date.min, _until(books, excerpt)
    in_range = pl.any_horizontal(
        pl.col(end).is_between(first, last) for end in ("starting_date", "ending_date")
    )
    on_results = ~differing["account_role"].is_in([*COLUMNS, *EXPECTED_COST])
    return {
        "interim_differs_and_switch_off": not books.switches.expected_cost_posting,
        "entry_unposted": entries.filter(unposted).height > 0,
        "compressed_in_range": books.compressed_periods.filter(in_range).height > 0,
        "closing_line_in_range": bool(on_results.any())
        and lines.filter(pl.col("origin") == "closing").height > 0,
        "blank_account_in_range": lines["account_no"].null_count() > 0,
        "inventory_agrees_over_all_dates": _inventory_of_all_time(books),
        "differences_do_not_sum_to_zero": bool(differing["difference"].sum() != _hidden(cells)),
    }


def _hidden(cells: pl.DataFrame) -> object:
    """The page's sum of differences runs over fields that have no G/L side as well: both halves of Direct
    Cost and Overhead Applied, and the transfers.
    """
    halves = pl.col("row").is_in(["Direct Cost Applied", "Overhead Applied"]) & pl.col("column").is_in(
        COLUMNS
    )
    transfers = ((pl.col("row") == "Inventory to WIP") & (pl.col("column") == "wip")) | (
        (pl.col("row") == "WIP to Interim") & (pl.col("column") == "inventory_interim")
    )
    return cells.filter(halves | transfers)["amount"].sum()


def _inventory_of_all_time(books: Books) -> bool:
    """Whether inventory agrees when no date is asked for."""
    stock = books.value_entries.filter(~pl.col("is_capacity") & (pl.col("item_no") != ""))
    accounts = books.posting_accounts.filter(pl.col("account_role") == "inventory")["account_no"].drop_nulls()
    held = books.gl_entries.filter(pl.col("account_no").is_in(accounts.unique().implode()))
    return bool(stock["amount_actual"].sum() == held["amount"].sum())


# Corrected


def _corrected(
    attributed_lines: pl.DataFrame,
    entry_items: pl.DataFrame,
    differences: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
    matrix_rows: pl.DataFrame,
    matrix_warnings: pl.DataFrame,
    excerpt: Excerpt,
) -> pl.DataFrame:
    formulas = matrix_rows.with_columns(pl.col("account_role", "lines_of").replace({"(none)": None}))
    lines = _excerpt(attributed_lines, entry_items, books, excerpt)
    figures = _of_all_roles(lines.group_by("account_role").agg(_figures()), formulas)
    by_counter = pl.when(pl.col("balancing_role").is_in(COLUMNS)).then("balancing_role").otherwise(
        pl.lit("other")
    )  # fmt: skip
    amounts = (
        lines.filter(pl.col("side") == "subledger")
        .group_by(lines_of="account_role", counter=by_counter)
        .agg(pl.col("amount").sum().alias("cell"))
    )
    is_any = pl.col("column") == "by counter-account"
    cells = (
        formulas.join(amounts, on="lines_of", how="inner", nulls_equal=True)
        .filter(is_any | (pl.col("column") == pl.col("counter")))
        .select("row_no", "row", pl.col("counter").alias("column"), "account_role", amount="cell")
    )
    findings = _excerpt(
        differences.drop("item_no", "location_code", "settled_by", strict=False), entry_items, books, excerpt
    )
    accounts = lines.group_by("account_role", "account_no").agg(_figures()).pipe(_with_difference)
    return _laid_out(
        "corrected",
        formulas,
        cells,
        figures,
        _warnings(findings, figures, account_scope, matrix_warnings, excerpt),
        accounts.sort("account_role", "account_no", nulls_last=True),
    )


def _with_days(attributed_lines: pl.DataFrame, agreed_lines: pl.DataFrame, excerpt: Excerpt) -> pl.DataFrame:
    """Agreed lines stand in sums over all days; where days are asked for, they stand there one by one."""
    if not excerpt.has_dates:
        return attributed_lines
    key = ("account_no", "account_role", "balancing_role", "cost_kind")
    of = attributed_lines.filter("is_agreed").select(*key, "side", "counts").unique()
    lines = (
        agreed_lines.with_columns(pl.col(key).cast(pl.String))
        .join(of, on=key, how="inner")
        .select(*key, "side", "counts", "value_entry_no", "posting_date", "amount")
    )
    return pl.concat([attributed_lines.filter(~pl.col("is_agreed")), lines], how="diagonal")


def _excerpt(rows: pl.DataFrame, entry_items: pl.DataFrame, books: Books, excerpt: Excerpt) -> pl.DataFrame:
    """The rows of the item, the location and the dates that are asked for."""
    dated = rows.filter(_dated(books, excerpt)) if excerpt.has_dates else rows
    if excerpt.item_no is None and excerpt.location_code is None:
        return dated
    return dated.join(entry_items, on="value_entry_no", how="left", validate="m:1").filter(
        _is(excerpt.item_no, "item_no") & _is(excerpt.location_code, "location_code")
    )


def _figures() -> list[pl.Expr]:
    side, amount = pl.col("side"), pl.col("amount")
    return [
        amount.filter(side == "subledger").sum().cast(AMOUNT).alias("total"),
        amount.filter(side == "gl").sum().cast(AMOUNT).alias("gl_total"),
        amount.filter((side == "other_activity") & pl.col("counts"))
        .sum()
        .cast(AMOUNT)
        .alias("other_activity"),
    ]


def _of_all_roles(figures: pl.DataFrame, formulas: pl.DataFrame) -> pl.DataFrame:
    """The figures of every role that has a row or a column, 0 where nothing happened in it."""
    roles = pl.concat(
        [formulas.filter(_has_role()).select("account_role"), pl.DataFrame({"account_role": COLUMNS})]
    )
    return (
        roles.unique()
        .join(figures, on="account_role", how="full", coalesce=True, nulls_equal=True, validate="1:1")
        .with_columns(pl.col(FIGURES[:3]).fill_null(0).cast(AMOUNT))
        .pipe(_with_difference)
    )


def _with_difference(figures: pl.DataFrame) -> pl.DataFrame:
    return figures.with_columns(difference=pl.col("gl_total") - pl.col("other_activity") - pl.col("total"))


def _warnings(
    findings: pl.DataFrame,
    figures: pl.DataFrame,
    account_scope: pl.DataFrame,
    matrix_warnings: pl.DataFrame,
    excerpt: Excerpt,
) -> pl.DataFrame:
    """The causes of each role's difference under the warning that tells them, those that only tell an
    amount, and what is left: dated on both sides of the excerpt, else between two roles of one account.
    """
    first_role = account_scope.select("account_no", pl.col("roles").list.first().alias("_role"))
    told = (
        findings.join(first_role, on="account_no", how="left", nulls_equal=True, validate="m:1")
        .with_columns(account_role=pl.coalesce("account_role", "_role"))
        .join(matrix_warnings, on="cause", how="left", validate="m:1")
    )
    is_notice = pl.col("actual_amount").is_null()
    key = ("account_role", "warning", "ordinal", "account_no")
    count = pl.col("finding_id").n_unique().cast(pl.Int64).alias("findings")
    with_amount = ~is_notice & (pl.col("difference") != 0)
    differing = told.filter(with_amount).group_by(key).agg(pl.col("difference").sum().alias("amount"), count)
    noticed = (
        told.filter(is_notice & (pl.col("expected_amount") != 0))
        .group_by(key)
        .agg(pl.col("expected_amount").sum().alias("amount"), count)
    )
    explained = differing.group_by("account_role").agg(pl.col("amount").sum().alias("_told"))
    rest = (
        figures.join(explained, on="account_role", how="left", nulls_equal=True, validate="1:1")
        .with_columns(amount=pl.col("difference") - pl.col("_told").fill_null(0))
        .select(
            "account_role",
            pl.lit("Posting Date" if excerpt.has_dates else "Similar Accounts").alias("warning"),
            pl.lit(999, pl.Int64).alias("ordinal"), pl.lit(None, pl.String).alias("account_no"), "amount",
            pl.lit(None, pl.Int64).alias("findings"),
        )
        .filter(pl.col("amount") != 0)
    )  # fmt: skip
    parts = [(differing, True), (noticed, False), (rest, True)]
    return (
        pl.concat([p.with_columns(pl.col("amount").cast(AMOUNT), in_difference=pl.lit(c)) for p, c in parts])
        .sort("account_role", "ordinal", "account_no", "in_difference", nulls_last=True)
        .select("account_role", *WARNING)
    )


# Both


def _dated(books: Books, excerpt: Excerpt) -> pl.Expr:
    until = pl.col("posting_date") <= _until(books, excerpt)
    return until if excerpt.date_from is None else until & (pl.col("posting_date") >= excerpt.date_from)


def _until(books: Books, excerpt: Excerpt) -> date:
    return min(books.as_of, excerpt.date_to or books.as_of)


def _is(wanted: str | None, column: str) -> pl.Expr:
    return pl.lit(True) if wanted is None else (pl.col(column) == wanted).fill_null(False)


def _laid_out(
    view: str,
    formulas: pl.DataFrame,
    cells: pl.DataFrame,
    figures: pl.DataFrame,
    warnings: pl.DataFrame,
    accounts: pl.DataFrame,
) -> pl.DataFrame:
    """The rows with their cells and figures, then the foot."""
    rows = formulas.select("row_no", "row", "account_role").unique()
    shown = CELLS if view == "corrected" else COLUMNS
    wide = cells.group_by("row_no").agg(
        pl.col("amount").filter(pl.col("column") == c).sum().alias(c) for c in shown
    )
    return pl.concat(
        [
            rows.join(wide, on="row_no", how="left", validate="1:1")
            .with_columns(pl.col(shown).fill_null(0).cast(AMOUNT))
            .join(figures, on="account_role", how="left", nulls_equal=True, validate="m:1")
            .join(_listed(warnings, "warnings", WARNING), on="account_role", how="left", nulls_equal=True)
            .join(_listed(accounts, "accounts", ACCOUNT), on="account_role", how="left", nulls_equal=True)
            .with_columns(account_role=pl.when(_has_role()).then("account_role")),
            _foot(figures, warnings, accounts),
        ],
        how="diagonal_relaxed",
    ).select(
        pl.lit(view).alias("view"), "row_no", "row", "account_role",
        *(pl.col(c) if c in shown else pl.lit(None, AMOUNT).alias(c) for c in CELLS), *FIGURES,
        pl.col("warnings").fill_null([]), pl.col("accounts").fill_null([]),
    )  # fmt: skip


def _has_role() -> pl.Expr:
    """A row between two columns has no account of its own; that of lines without a role has: none."""
    return (pl.col("account_role") != "").fill_null(True)


def _listed(rows: pl.DataFrame, name: str, members: tuple[str, ...]) -> pl.DataFrame:
    """Per role a list of what there is to tell of it."""
    told = pl.struct(pl.lit(None, pl.String).alias("column"), *members)
    return rows.group_by("account_role", maintain_order=True).agg(told.alias(name))


def _foot(figures: pl.DataFrame, warnings: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    held = figures.filter(pl.col("account_role").is_in(COLUMNS))
    rows = [
        held.select(
            pl.lit(number, pl.Int64).alias("row_no"),
            pl.lit(caption).alias("row"),
            *(pl.col(figure).filter(pl.col("account_role") == c).first().alias(c) for c in COLUMNS),
        )
        for figure, (number, caption) in FOOT.items()
        if held[figure].null_count() < max(held.height, 1)
    ]
    told = {
        name: of_column.filter(pl.col("account_role").is_in(COLUMNS))
        .select(pl.struct(pl.col("account_role").alias("column"), *members).alias(name))
        .to_series()
        .implode()
        for name, of_column, members in (("warnings", warnings, WARNING), ("accounts", accounts, ACCOUNT))
    }
    foot = pl.concat(rows)
    is_last = pl.col("row_no") == foot["row_no"].max()
    return foot.with_columns(pl.when(is_last).then(pl.lit(v)).alias(name) for name, v in told.items())
