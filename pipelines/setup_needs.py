"""What the posting setup lacks before open lines can be posted: fields to fill, ranges and accounts to open.

Here: the field, its key, and the value where there is no doubt about it. Not here: whose finding that puts
right (``propose``), what today's setup gives (``resolve``).
"""

import polars as pl

from schemas.ledger import Books


def setup_needs(expected_postings: pl.DataFrame, books: Books, account_roles: pl.DataFrame) -> pl.DataFrame:
    """The setup fields without which an entry's open lines can't be posted, a row per entry and field.

    ``value_entry_no``, ``setup_table``, ``setup_key_1``, ``setup_key_2``, ``setup_field``; ``setup_value`` is
    null where there is doubt about it, and ``setup_warning`` says what to choose from. Entries whose lines
    could be posted today have no row.

    Source: report "Post Inventory Cost to G/L - Test", messages 7 to 14.
    """
    is_open = (pl.col("posted_amount") == 0) & ((pl.col("amount") != 0) | (pl.col("amount_acy") != 0))
    setup = books.posting_accounts.select(
        "account_role", "key_1", "key_2", "is_blocked", pl.lit(True).alias("_has_row")
    )
    accounts = books.accounts.select(
        "account_no", "account_type", pl.col("is_blocked").alias("_is_account_blocked"),
        pl.lit(True).alias("_has_account"),
    )  # fmt: skip
    columns = account_roles.select("account_role", "setup_column")
    lines = (
        expected_postings.filter((pl.col("outcome") == "posted") & is_open)
        .select(
            "value_entry_no", "posting_date", "account_role", "setup_table", "key_1", "key_2", "account_no"
        )
        .join(setup, on=["account_role", "key_1", "key_2"], how="left", validate="m:1")
        .join(accounts, on="account_no", how="left", validate="m:1")
        .join(columns, on="account_role", how="left", validate="m:1")
    )
    suggested = _suggestions(lines.filter(pl.col("account_no").is_null()), books)
    return pl.concat(
        [
            _cells(
                lines.filter(pl.col("account_no").is_null()).join(
                    suggested, on=["account_role", "key_1", "key_2"], how="left", validate="m:1"
                ),
                pl.col("setup_column"), pl.col("suggested"), warning=pl.col("_choice"),
            ),
            _cells(lines.filter(pl.col("is_blocked").fill_null(False)), pl.lit("blocked"), pl.lit("false")),
            *_date_cells(lines, books),
            *_account_cells(lines, books),
        ]
    ).unique(maintain_order=True)  # fmt: skip


def _cells(
    lines: pl.DataFrame, field: pl.Expr, value: pl.Expr, warning: pl.Expr | None = None
) -> pl.DataFrame:
    return lines.select(
        "value_entry_no",
        "setup_table",
        pl.col("key_1").alias("setup_key_1"),
        pl.col("key_2").alias("setup_key_2"),
        field.alias("setup_field"),
        value.cast(pl.String).alias("setup_value"),
        (pl.lit(None, pl.String) if warning is None else warning).alias("setup_warning"),
    )


def _date_cells(lines: pl.DataFrame, books: Books) -> list[pl.DataFrame]:
    """The allowed range must reach the date of the entry: the job stops at the first that it doesn't."""
    dated = lines.with_columns(
        setup_table=pl.lit("general_ledger_setup"), key_1=pl.lit(""), key_2=pl.lit("")
    ).unique("value_entry_no", maintain_order=True)
    reopened = pl.lit("Open the range for this run only, and close it again.")
    bounds = (
        ("allow_posting_from", books.allowed_from, pl.col("posting_date").lt),
        ("allow_posting_to", books.allowed_to, pl.col("posting_date").gt),
    )
    return [
        _cells(dated.filter(is_beyond(bound)), pl.lit(field), pl.col("posting_date"), reopened)
        for field, bound, is_beyond in bounds
        if bound is not None
    ]


def _account_cells(lines: pl.DataFrame, books: Books) -> list[pl.DataFrame]:
    """The account that the setup gives must exist, be open and be of type Posting."""
    if not books.has_accounts:
        return []
    given = lines.filter(pl.col("account_no").is_not_null()).with_columns(
        setup_table=pl.lit("gl_account"), key_1="account_no", key_2=pl.lit("")
    )
    has_account = pl.col("_has_account").fill_null(False)
    types_known = pl.lit("account_type" in books.given["gl_account"])
    other_type = has_account & types_known & (pl.col("account_type") != "Posting")
    return [
        _cells(given.filter(~has_account | other_type), pl.lit("account_type"), pl.lit("Posting")),
        _cells(
            given.filter(pl.col("_is_account_blocked").fill_null(False)), pl.lit("blocked"), pl.lit("false"),
            pl.lit("Find out why the account is blocked before you open it."),
        ),
    ]  # fmt: skip


def _suggestions(lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The account of the neighbouring setup rows, where they agree: rows of the same posting group, or all
    rows where that group has none.
    """
    wanted = lines.select("account_role", "key_1", "key_2").unique(maintain_order=True)
    usable = books.accounts.filter(
        ~pl.col("is_blocked") & (pl.col("account_type").fill_null("Posting") == "Posting")
    )
    filled = books.posting_accounts.filter(pl.col("account_no").is_not_null())
    if books.has_accounts:
        filled = filled.join(usable, on="account_no", how="semi")
    near = _choices(filled, ["account_role", "key_2"], "near")
    far = _choices(filled, ["account_role"], "far")
    return (
        wanted.join(near, on=["account_role", "key_2"], how="left", validate="m:1")
        .join(far, on="account_role", how="left", validate="m:1")
        .with_columns(_all=pl.coalesce("near", "far").fill_null([]))
        .with_columns(
            suggested=pl.when(pl.col("_all").list.len() == 1).then(pl.col("_all").list.first()),
            _choice=pl.when(pl.col("_all").list.len() == 0)
            .then(pl.lit("No other setup row has such an account: choose one."))
            .when(pl.col("_all").list.len() > 1)
            .then(pl.format("Choose the account: other setup rows have {}.", pl.col("_all").list.join(", "))),
        )
        .select("account_role", "key_1", "key_2", "suggested", "_choice")
    )


def _choices(filled: pl.DataFrame, key: list[str], name: str) -> pl.DataFrame:
    return filled.group_by(key).agg(pl.col("account_no").unique().sort().alias(name))
