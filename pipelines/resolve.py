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
    keys = books.value_entries.select(ENTRY_KEYS).unique().with_row_index("keys_no")
    entries = books.value_entries.select("value_entry_no", *ENTRY_KEYS).join(
        keys, on=ENTRY_KEYS, how="left", validate="m:1", nulls_equal=True
    )
    return (
        postings.join(
            entries.select("value_entry_no", "keys_no"), on="value_entry_no", how="left", validate="m:1"
        )
        .join(_looked_up(keys, books, account_roles), on=["keys_no", "account_role"], how="left",
              validate="m:1")
        .with_columns(setup_problem=_setup_problem(books))
        .select(*postings.columns, "ordinal", "setup_table", "key_1", "key_2", "account_no", "setup_problem")
    )  # fmt: skip


def _looked_up(keys: pl.DataFrame, books: Books, account_roles: pl.DataFrame) -> pl.DataFrame:
    """Every account role for every combination of keys that entries have, with what the setup says of it.

    Entries share few combinations: looking these up, instead of every line, halves the step's time.
    """
    roles = account_roles.select("account_role", "ordinal", "setup_table", "entry_key_1", "entry_key_2")
    setup = books.posting_accounts.select("account_role", "key_1", "key_2", "account_no", "is_blocked")
    accounts = books.accounts.select(
        "account_no", "account_type", pl.col("is_blocked").alias("is_account_blocked")
    )
    return (
        keys.join(roles, how="cross")
        .with_columns(key_1=_entry_key("entry_key_1"), key_2=_entry_key("entry_key_2"))
        .select("keys_no", "account_role", "ordinal", "setup_table", "key_1", "key_2")
        .join(
            setup.with_columns(has_setup_row=pl.lit(True)),
            on=["account_role", "key_1", "key_2"],
            how="left",
            validate="m:1",
        )
        .join(accounts.with_columns(has_account=pl.lit(True)), on="account_no", how="left", validate="m:1")
    )


def _entry_key(which: str) -> pl.Expr:
    """The value entry's field that the role's setup table is looked up by."""
    return pl.coalesce(*(pl.when(pl.col(which) == key).then(key) for key in ENTRY_KEYS))


def _setup_problem(books: Books) -> pl.Expr:
    has_row = pl.col("has_setup_row").fill_null(False)
    in_general = pl.col("setup_table") == "general_posting_setup"
    known = pl.lit(books.has_accounts)
    types_known = pl.lit("account_type" in books.given.get("gl_account", frozenset()))
    too_early = pl.col("posting_date") < pl.lit(books.allowed_from)
    too_late = pl.col("posting_date") > pl.lit(books.allowed_to)
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
