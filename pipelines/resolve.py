"""Resolution: the account of each expected line by today's posting setup.

Here: the exact lookup and what would stop BC from posting. Not here: which line (``expect``), what was
posted (``link``).
"""

import polars as pl

from schemas.ledger import Books

ENTRY_KEYS = (
    "location_code", "inventory_posting_group", "wip_posting_group", "gen_bus_posting_group",
    "gen_prod_posting_group",
)  # fmt: skip


def accounts(postings: pl.DataFrame, books: Books, account_roles: pl.DataFrame) -> pl.DataFrame:
    """The expected postings with ``account_no``, the setup key that gave it, and ``setup_problem``.

    The lookup is exact on both keys: blank is a normal key and there is no fallback. A missing row or a
    blank field leaves ``account_no`` null. ``setup_problem`` names what BC's test report would say (null:
    nothing). Rows in = rows out.

    Source: CU5802.SetAccNo and CheckAccNo; report "Post Inventory Cost to G/L - Test", messages 7 to 14.
    """
    keyed = postings.join(
        account_roles.select("account_role", "ordinal", "setup_table", "entry_key_1", "entry_key_2"),
        on="account_role",
        how="left",
        validate="m:1",
    ).join(
        books.value_entries.select("value_entry_no", *ENTRY_KEYS),
        on="value_entry_no",
        how="left",
        validate="m:1",
    )
    setup = books.posting_accounts.select("account_role", "key_1", "key_2", "account_no", "is_blocked")
    resolved = (
        keyed.with_columns(key_1=_entry_key("entry_key_1"), key_2=_entry_key("entry_key_2"))
        .join(
            setup.with_columns(has_setup_row=pl.lit(True)),
            on=["account_role", "key_1", "key_2"],
            how="left",
            validate="m:1",
        )
        .join(
            books.accounts.select(
                "account_no", "account_type", pl.col("is_blocked").alias("is_account_blocked")
            ).with_columns(has_account=pl.lit(True)),
            on="account_no",
            how="left",
            validate="m:1",
        )
    )
    return (
        resolved.with_columns(setup_problem=_setup_problem(books))
        .drop(
            "entry_key_1", "entry_key_2", "is_blocked", "has_setup_row", "account_type", "is_account_blocked",
            "has_account", *ENTRY_KEYS,
        )
        .sort("value_entry_no", "cost_kind", "ordinal")
    )  # fmt: skip


def _entry_key(which: str) -> pl.Expr:
    """The value entry's field that the role's setup table is looked up by."""
    return pl.coalesce(*(pl.when(pl.col(which) == key).then(key) for key in ENTRY_KEYS))


def _setup_problem(books: Books) -> pl.Expr:
    has_row = pl.col("has_setup_row").fill_null(False)
    in_general = pl.col("setup_table") == "general_posting_setup"
    known = pl.lit(books.has_accounts)
    types_known = pl.lit("account_type" in books.given.get("gl_account", frozenset()))
    too_early = (pl.col("posting_date") < books.allowed_from) if books.allowed_from else pl.lit(False)
    too_late = (pl.col("posting_date") > books.allowed_to) if books.allowed_to else pl.lit(False)
    return (
        pl.when(pl.col("account_role").is_null()).then(None)
        .when(~has_row & ~in_general).then(pl.lit("inventory_setup_missing"))
        .when(~has_row).then(pl.lit("general_setup_missing"))
        .when(in_general & pl.col("is_blocked").fill_null(False)).then(pl.lit("general_setup_blocked"))
        .when(pl.col("account_no").is_null()).then(pl.lit("account_blank"))
        .when(too_early | too_late).then(pl.lit("date_not_allowed"))
        .when(known & pl.col("has_account").is_null()).then(pl.lit("account_missing"))
        .when(known & pl.col("is_account_blocked").fill_null(False)).then(pl.lit("account_blocked"))
        .when(types_known & (pl.col("account_type") != "Posting")).then(pl.lit("account_not_posting"))
    )  # fmt: skip
