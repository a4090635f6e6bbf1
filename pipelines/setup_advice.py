"""What stands out in the posting setup: doors left open, accounts with two purposes, rows that are missing.

Here: the predicates behind each kind. Not here: the words and remedies (``setup_findings.csv``) and the
periods of use (``setup_history``).
"""

from collections.abc import Mapping

import polars as pl

from schemas import sentences
from schemas.bc import Extract
from schemas.ledger import CONTROLLED_ROLES, Books
from schemas.money import AMOUNT

SETUP_KEY = ["setup_table", "key_1", "key_2"]
KEY = [*SETUP_KEY, "account_role"]
INTERIM = ("inventory_interim", "invt_accrual_interim", "cogs_interim")
SETUP_NAMES: Mapping[str, str] = {
    "inventory_posting_setup": "Inventory Posting Setup",
    "general_posting_setup": "General Posting Setup",
}
#: A hint at customised posting needs so many entries, and so large a share of a cause's, in one shape.
SHAPE_ENTRIES, SHAPE_SHARE = 5, (4, 5)
#: What entries of one shape share, and how it is told.
FEATURES: Mapping[str, str] = {
    "accounts": "accounts {}",
    "item_ledger_entry_type": "type {}",
    "entry_type": "{}",
    "source_code": "source code {}",
    "gen_bus_posting_group": "gen. bus. posting group {}",
    "gen_prod_posting_group": "gen. prod. posting group {}",
    "inventory_posting_group": "inventory posting group {}",
    "location_code": "location {}",
    "user_id": "user {}",
}
#: Layers of the causes that customised posting can be behind; what isn't posted yet has no shape of its own.
SHAPED_LAYERS = ("row", "posted", "lines", "agreeing", "unlinked")
DETAILS: Mapping[str, pl.DataType] = {
    "setup_table": pl.String(), "key_1": pl.String(), "key_2": pl.String(), "account_role": pl.String(),
    "account_no": pl.String(), "entries": pl.Int64(), "amount": AMOUNT, "roles": pl.String(),
    "lines": pl.Int64(), "today_account_no": pl.String(), "first_posted_on": pl.Date(),
    "last_posted_on": pl.Date(), "last_gl_entry_no": pl.Int64(), "changed_by": pl.String(),
    "changed_at": pl.String(), "reason": pl.String(), "total": pl.Int64(), "cause": pl.String(),
    "shape": pl.String(),
}  # fmt: skip


def setup_findings(
    remaining_postings: pl.DataFrame,
    setup_timeline: pl.DataFrame,
    setup_log: pl.DataFrame,
    differences: pl.DataFrame,
    extract: Extract,
    books: Books,
    causes: pl.DataFrame,
    setup_kinds: pl.DataFrame,
) -> pl.DataFrame:
    """What stands out in the setup, one row each with its sentence and remedy; advice, never a verdict.

    ``amount`` is the sum of what it concerns by absolute value of debits, ``entries`` the number of value
    entries. An empty frame means that nothing stands out. Kinds whose tables weren't given find nothing.
    """
    found = {
        "row_missing": _rows_missing(remaining_postings, books),
        "account_blank": _accounts_blank(remaining_postings, books),
        **_shared(books),
        "direct_posting_open": _doors_open(books),
        "wip_differs_by_location": _wip_differs(books),
        **_history(setup_timeline),
        "log_ends_elsewhere": _log_ends_elsewhere(setup_log, books),
        "row_needed": _rows_needed(remaining_postings, extract, books),
        "one_shape": _shapes(differences, causes, books),
    }
    shaped = [_shaped(kind, rows) for kind, rows in found.items()]
    return (
        pl.concat(shaped)
        .join(setup_kinds, on="kind", how="left", validate="m:1")
        .with_columns(setup_name=pl.col("setup_table").replace(SETUP_NAMES))
        .pipe(sentences.filled, "sentence", books.scale)
        .sort("order", *KEY, "account_no", "sentence", nulls_last=True)
    )


def _shaped(kind: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of one kind in the columns that any sentence may name."""
    columns = (
        (pl.col(c) if c in rows.columns else pl.lit(None)).cast(dtype).alias(c)
        for c, dtype in DETAILS.items()
    )
    return rows.select(*columns).with_columns(kind=pl.lit(kind))


# Keys that the data use


def _used(remaining_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Every line that the rules demand, with whether today's setup has its row."""
    has_row = books.posting_accounts.select(*KEY, pl.lit(True).alias("_has_row"))
    return remaining_postings.filter(
        (pl.col("outcome") == "posted") & (pl.col("posting_date") <= books.as_of)
    ).join(has_row, on=KEY, how="left", validate="m:1")


def _summed(lines: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return lines.group_by(key, maintain_order=True).agg(
        pl.col("value_entry_no").n_unique().cast(pl.Int64).alias("entries"),
        pl.col("amount").abs().sum().cast(AMOUNT).alias("amount"),
    )


def _rows_missing(remaining_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    used = _used(remaining_postings, books).filter(pl.col("_has_row").is_null())
    return _summed(used, SETUP_KEY)


def _accounts_blank(remaining_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    used = _used(remaining_postings, books).filter(pl.col("_has_row") & pl.col("account_no").is_null())
    return _summed(used, KEY)


# Accounts


def _roles_of_accounts(books: Books) -> pl.DataFrame:
    """Each account of today's setup with its roles."""
    return (
        books.posting_accounts.filter(pl.col("account_no").is_not_null())
        .select("account_no", "account_role")
        .unique()
        .sort("account_no", "account_role")
        .group_by("account_no", maintain_order=True)
        .agg(pl.col("account_role").alias("_roles"))
        .with_columns(
            roles=pl.col("_roles").list.join(", ").str.replace_all("_", " ", literal=True),
            _interim=pl.col("_roles").list.set_intersection(list(INTERIM)).list.len(),
        )
    )


def _shared(books: Books) -> dict[str, pl.DataFrame]:
    """Accounts in several roles: interim and final ones together, and all others."""
    several = _roles_of_accounts(books).filter(pl.col("_roles").list.len() > 1)
    is_both = (pl.col("_interim") > 0) & (pl.col("_interim") < pl.col("_roles").list.len())
    return {"interim_is_final": several.filter(is_both), "two_purposes": several.filter(~is_both)}


def _doors_open(books: Books) -> pl.DataFrame:
    """Controlled accounts that journals and document lines can post to."""
    open_accounts = books.accounts.filter(pl.col("is_direct_posting").fill_null(False)).select("account_no")
    is_controlled = pl.col("_roles").list.set_intersection(list(CONTROLLED_ROLES)).list.len() > 0
    return _roles_of_accounts(books).filter(is_controlled).join(open_accounts, on="account_no", how="semi")


def _wip_differs(books: Books) -> pl.DataFrame:
    """Inventory posting groups whose WIP stands on another account at another location."""
    shown = pl.format(
        "{} {}",
        pl.when(pl.col("key_1") == "").then(pl.lit(sentences.BLANK)).otherwise("key_1"),
        pl.col("account_no"),
    )
    return (
        books.posting_accounts.filter((pl.col("account_role") == "wip") & pl.col("account_no").is_not_null())
        .sort("key_2", "key_1")
        .group_by("setup_table", "account_role", "key_2", maintain_order=True)
        .agg(shown.str.join(", ").alias("roles"), pl.col("account_no").n_unique().alias("_accounts"))
        .filter(pl.col("_accounts") > 1)
    )


# The setup over time


def _history(setup_timeline: pl.DataFrame) -> dict[str, pl.DataFrame]:
    rows = setup_timeline.drop("changed_at").filter(pl.col("account_no").is_not_null())
    return {
        "accounts_side_by_side": rows.filter(pl.col("status") == "side_by_side"),
        "account_replaced": rows.filter(pl.col("status") == "former"),
        "change_not_logged": rows.filter(~pl.col("log_agrees")),
    }


def _log_ends_elsewhere(setup_log: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Keys whose last logged account isn't the one that the setup has."""
    last = setup_log.group_by(KEY, maintain_order=True).agg(
        pl.col("new_value").last().alias("account_no"),
        pl.col("changed_at").last().dt.strftime("%Y-%m-%d"),
        pl.col("user_id").last().alias("changed_by"),
    )
    today = books.posting_accounts.select(*KEY, pl.col("account_no").alias("today_account_no"))
    return last.join(today, on=KEY, how="left", validate="1:1").filter(
        pl.col("account_no") != pl.col("today_account_no").fill_null("")
    )


# Rows that the data will need


def _rows_needed(remaining_postings: pl.DataFrame, extract: Extract, books: Books) -> pl.DataFrame:
    """Keys without a row that items, locations and open orders lead to, though nothing was posted there."""
    there = books.posting_accounts.select(SETUP_KEY).unique()
    used = remaining_postings.filter(pl.col("outcome") == "posted").select(SETUP_KEY).unique()
    needed = pl.concat(
        [_groups_at_locations(extract, books), _groups_of_orders(books), _blank_business(books)]
    )
    return (
        needed.unique(SETUP_KEY, keep="first", maintain_order=True)
        .join(there, on=SETUP_KEY, how="anti")
        .join(used, on=SETUP_KEY, how="anti")
    )


def _stock_items(books: Books) -> pl.DataFrame:
    is_stock = pl.col("item_type").fill_null("Inventory") == "Inventory"
    return books.items.filter(is_stock & (pl.col("inventory_posting_group").fill_null("") != ""))


def _groups_at_locations(extract: Extract, books: Books) -> pl.DataFrame:
    """Every inventory posting group of the items at every location there is."""
    seen = books.value_entries.filter(~pl.col("is_capacity")).select(key_1="location_code")
    known = [t.select(key_1="code") for name, t in extract.tables.items() if name == "location"]
    locations = pl.concat([seen, *known]).unique(maintain_order=True)
    groups = _stock_items(books).select(key_2="inventory_posting_group").unique(maintain_order=True)
    return locations.join(groups, how="cross").select(
        pl.lit("inventory_posting_setup").alias("setup_table"), "key_1", "key_2",
        pl.lit("there are items of this group, and stock may come to this location").alias("reason"),
    )  # fmt: skip


def _groups_of_orders(books: Books) -> pl.DataFrame:
    """Location and group of production order lines that aren't finished."""
    return books.orders.filter(pl.col("status") == "Released").select(
        pl.lit("inventory_posting_setup").alias("setup_table"),
        pl.col("location_code").fill_null("").alias("key_1"),
        pl.col("inventory_posting_group").fill_null("").alias("key_2"),
        pl.format("production order {} will post there", "order_no").alias("reason"),
    )


def _blank_business(books: Books) -> pl.DataFrame:
    """Product posting groups of the items without a business group, as journals and transfers post them."""
    items = _stock_items(books).filter(pl.col("gen_prod_posting_group").fill_null("") != "")
    return items.select("gen_prod_posting_group").unique(maintain_order=True).select(
        pl.lit("general_posting_setup").alias("setup_table"),
        pl.lit("").alias("key_1"),
        pl.col("gen_prod_posting_group").alias("key_2"),
        pl.lit("item journals, revaluations and transfers post without a business group").alias("reason"),
    )  # fmt: skip


# Findings of one shape


def _shapes(differences: pl.DataFrame, causes: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Causes most of whose entries share accounts and more: so regular is no breakage."""
    shaped = causes.filter(pl.col("layer").is_in(SHAPED_LAYERS))["cause"].implode()
    rows = differences.filter(
        pl.col("cause").is_in(shaped) & (pl.col("severity") != "info") & pl.col("settlement_id").is_null()
    )
    parts = [_shape(part) for part in _entries(rows, books).partition_by("cause", maintain_order=True)]
    return pl.concat(
        [pl.DataFrame(schema={"cause": pl.String}), *(p for p in parts if p.height)], how="diagonal"
    )


def _entries(rows: pl.DataFrame, books: Books) -> pl.DataFrame:
    """One row per cause and entry with what may be alike in them."""
    groups = books.value_entries.select(
        "value_entry_no", "item_ledger_entry_type", "entry_type", "gen_bus_posting_group",
        "gen_prod_posting_group", "inventory_posting_group",
    )  # fmt: skip
    entry = pl.coalesce(
        pl.format("ve {}", "value_entry_no"), pl.format("gl {}", "gl_entry_no"), pl.lit("none")
    )
    account = pl.format(
        "{} as {}",
        pl.col("account_no").fill_null(sentences.BLANK),
        pl.col("account_role").fill_null("other").str.replace_all("_", " ", literal=True),
    )
    return (
        rows.join(groups, on="value_entry_no", how="left", validate="m:1")
        .with_columns(_entry=entry, _account=account)
        .group_by("cause", "_entry", maintain_order=True)
        .agg(
            pl.col("_account").unique().sort().str.join(", ").alias("accounts"),
            pl.col(*(f for f in FEATURES if f != "accounts")).drop_nulls().first(),
            pl.col("difference").filter(pl.col("difference") > 0).sum().cast(AMOUNT).alias("amount"),
        )
    )


def _shape(entries: pl.DataFrame) -> pl.DataFrame:
    """The shape that most entries of one cause have; no row where they have none."""
    alike = entries.filter(pl.col("accounts") == entries["accounts"].mode().sort()[0])
    times, of = SHAPE_SHARE
    if alike.height < SHAPE_ENTRIES or alike.height * of < entries.height * times:
        return entries.clear()
    told = [FEATURES["accounts"].format(alike["accounts"][0])]
    for feature in [f for f in FEATURES if f != "accounts"]:
        values = alike[feature].fill_null("").unique()
        if len(values) == 1 and values[0]:
            told.append(FEATURES[feature].format(values[0]))
    return alike.select(
        pl.col("cause").first(),
        pl.lit(alike.height, pl.Int64).alias("entries"),
        pl.lit(entries.height, pl.Int64).alias("total"),
        pl.col("amount").sum().cast(AMOUNT),
        pl.lit("; ".join(told)).alias("shape"),
    )
