"""Ages the open items of the clearing accounts: since when, how much, in which bucket, whether stale.

Here: ages, the policy of each account, the words of the reason, and what is worth a finding. Not here: which
line belongs to which item (``clear``, ``match``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from polars._typing import PolarsDataType

from schemas.ledger import CLEARING_ROLES, Books

ITEM = ["account_no", "item_key"]
CARRIED_OVER = "doc:opening balance"
#: What an item waits for, by the kind of entry that opened it.
WAITING: Mapping[str, str] = {
    "Purchase": "received and not invoiced in full",
    "Sale": "shipped and not invoiced in full",
    "Output": "output of an order that isn't settled yet",
    "Transfer": "transferred and not invoiced in full",
}


def clearing_items(
    matched_lines: pl.DataFrame,
    line_findings: pl.DataFrame,
    ledger_findings: pl.DataFrame,
    stock_findings: pl.DataFrame,
    books: Books,
    ageing_policies: pl.DataFrame,
) -> pl.DataFrame:
    """The open items of each clearing account at as-of, in the columns of the mart.

    ``debits`` and ``credits`` (both at least 0) are sums of G/L lines, ``balance`` is what they leave; the
    items of an account sum to its G/L balance. An item is open while its balance isn't 0. ``age_days``
    counts from its first line, ``days_since_activity`` from its last. It is ``stale`` by the policy of its
    account, else of its role: at once where nothing further will clear it, else by its age. ``is_told``:
    another finding names it already.
    """
    return (
        _open(matched_lines)
        .pipe(_with_entry, books)
        .pipe(_with_order, books)
        .pipe(_with_line, books)
        .pipe(_with_told, line_findings, ledger_findings, stock_findings, matched_lines, books)
        .pipe(_with_ages, books)
        .pipe(_with_policy, books, ageing_policies)
        .pipe(_with_counterpart)
        .pipe(_with_staleness)
        .pipe(_with_reason)
        .select(
            "account_no", "account_role", "item_key", "document_no", "party_no", "item_no", "opened_on",
            "last_activity_on", "debits", "credits", "balance", "age_days", "days_since_activity", "bucket",
            "stale", "reason", "rule_id", "policy_id", "value_entry_no", "gl_entry_no", "is_told",
        )
        .sort("account_no", "opened_on", "item_key")
    )  # fmt: skip


def clearing_findings(clearing_items: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Stale items that no other finding names, in the raw shape of ``explain``: they tell an amount and
    make no difference.
    """
    stale = clearing_items.filter(pl.col("stale") & ~pl.col("is_told"))
    has_role = pl.col("account_role").is_in(CLEARING_ROLES)
    amount = pl.col("balance").cast(pl.Decimal(38, books.scale)).cast(pl.String)
    return stale.select(
        pl.lit("stale_clearing").alias("cause"), "account_no", pl.when(has_role).then("account_role"),
        pl.col("opened_on").alias("posting_date"), "value_entry_no",
        pl.when(pl.col("value_entry_no").is_null()).then("gl_entry_no").alias("gl_entry_no"),
        pl.col("balance").alias("expected_amount"),
        pl.format("{} on account {}", "item_key", "account_no").alias("finding_key"),
        pl.format(
            "{} of {} stands open on clearing account {} since {}, its last line is of {}: {}.",
            amount, "item_key", "account_no", "opened_on", "last_activity_on", "reason",
        ).alias("message"),
    )  # fmt: skip


def _debits() -> pl.Expr:
    return pl.col("amount").filter(pl.col("amount") > 0).sum()


def _credits() -> pl.Expr:
    return -pl.col("amount").filter(pl.col("amount") < 0).sum()


def _open(matched_lines: pl.DataFrame) -> pl.DataFrame:
    """The items that aren't cleared, each with its first line."""
    balances = matched_lines.group_by(ITEM).agg(pl.col("amount").sum().alias("balance"))
    first = pl.col("value_entry_no", "gl_entry_no", "account_role", "document_no", "rule_id", "near_miss")
    return (
        matched_lines.join(balances.filter(pl.col("balance") != 0), on=ITEM, how="semi")
        .sort("posting_date", "gl_entry_no", "value_entry_no", nulls_last=True)
        .group_by(ITEM, maintain_order=True)
        .agg(
            first.first(),
            pl.col("posting_date").min().alias("opened_on"),
            pl.col("posting_date").max().alias("last_activity_on"),
            _debits().alias("debits"),
            _credits().alias("credits"),
            pl.col("is_done").any(),
            pl.col("is_passing").all(),
        )
        .with_columns(balance=pl.col("debits") - pl.col("credits"))
    )


def _with_entry(items: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Party, item and document of the entry that opened the item; those of its item ledger entry first."""
    entries = books.entries_of(items).select(
        "value_entry_no", "item_ledger_entry_no", "item_ledger_entry_type", "order_no", "order_line_no",
        _given("item_no").alias("item_no"), _party().alias("_party"),
    )  # fmt: skip
    stock = books.item_ledger_entries.select(
        pl.format("ile:{}", "item_ledger_entry_no").alias("item_key"),
        _party().alias("_stock_party"),
        _given("document_no").alias("_stock_document"),
    )
    return (
        items.join(entries, on="value_entry_no", how="left", validate="m:1")
        .join(stock, on="item_key", how="left", validate="m:1")
        .with_columns(
            party_no=pl.coalesce("_stock_party", "_party"),
            document_no=pl.coalesce("_stock_document", "document_no"),
        )
    )


def _party() -> pl.Expr:
    return pl.when(pl.col("source_type").is_in(["Customer", "Vendor"])).then(_given("source_no"))


def _given(code: str) -> pl.Expr:
    return pl.when(pl.col(code) != "").then(code)


def _with_order(items: pl.DataFrame, books: Books) -> pl.DataFrame:
    """An item of a production order line is about what the line produces."""
    line = ["order_no", "order_line_no"]
    produced = books.orders.select(*line, _given("item_no").alias("_produced")).unique(line, keep="first")
    is_order = pl.col("item_key").str.starts_with("order:")
    return items.join(produced, on=line, how="left", validate="m:1").with_columns(
        document_no=pl.when(is_order).then("order_no").otherwise("document_no"),
        party_no=pl.when(~is_order).then("party_no"),
        item_no=pl.when(is_order).then("_produced").otherwise("item_no"),
    )


def _with_line(items: pl.DataFrame, books: Books) -> pl.DataFrame:
    """What no entry opened has the party of its G/L line."""
    lines = books.lines_of(items).select("gl_entry_no", _given("source_no").alias("_line_party"))
    without_entry = pl.col("value_entry_no").is_null()
    return items.join(lines, on="gl_entry_no", how="left", validate="m:1").with_columns(
        party_no=pl.when(without_entry).then("_line_party").otherwise("party_no"),
        document_no=pl.when(pl.col("document_no") != "").then("document_no"),
    )


def _with_told(
    items: pl.DataFrame,
    line_findings: pl.DataFrame,
    ledger_findings: pl.DataFrame,
    stock_findings: pl.DataFrame,
    matched_lines: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """Which items another finding with an amount names on their account, by entry, order line or G/L line.

    What is left of an invoiced entry is a finding of its own (``expected_cost_stranded``), and so is what is
    left of a finished order (``wip_residue``).
    """
    stranded = stock_findings.filter(pl.col("cause") == "expected_cost_stranded")["item_ledger_entry_no"]
    order = ["account_no", "order_no", "order_line_no"]
    found = pl.concat(
        [
            rows.select("account_no", "value_entry_no", "gl_entry_no", "expected_amount", "actual_amount")
            for rows in (line_findings, ledger_findings)
        ]
    ).filter(pl.col("expected_amount") != pl.col("actual_amount"))
    entries = found.join(
        books.entries_of(found).select("value_entry_no", "item_ledger_entry_no", "order_no", "order_line_no"),
        on="value_entry_no",
        how="inner",
        validate="m:1",
    )
    stock = entries.select("account_no", "item_ledger_entry_no").drop_nulls().unique()
    orders = entries.filter(pl.col("order_no") != "").select(order).unique()
    lines = matched_lines.join(found, on=["account_no", "gl_entry_no"], how="semi").select(ITEM).unique()
    is_stranded = pl.col("item_ledger_entry_no").is_in(stranded.drop_nulls().implode())
    is_stock, is_order = (pl.col("item_key").str.starts_with(kind) for kind in ("ile:", "order:"))
    return (
        items.join(stock.with_columns(_stock=True), on=stock.columns, how="left", validate="m:1")
        .join(orders.with_columns(_order=True), on=order, how="left", validate="m:1")
        .join(lines.with_columns(_line=True), on=ITEM, how="left", validate="1:1")
        .with_columns(
            is_told=(is_stock & (pl.col("_stock").fill_null(False) | is_stranded))
            | (is_order & (pl.col("_order").fill_null(False) | pl.col("is_done")))
            | pl.col("_line").fill_null(False)
        )
    )


def _with_ages(items: pl.DataFrame, books: Books) -> pl.DataFrame:
    as_of = pl.lit(books.as_of)
    return items.with_columns(
        age_days=(as_of - pl.col("opened_on")).dt.total_days(),
        days_since_activity=(as_of - pl.col("last_activity_on")).dt.total_days(),
    )


def _with_policy(items: pl.DataFrame, books: Books, ageing_policies: pl.DataFrame) -> pl.DataFrame:
    """The policy of each item's account, else of its role, else the default; the user's wishes on top."""
    accounts = items.select("account_no", "account_role").unique(maintain_order=True)
    rows = [
        {**account, **_policy(account, books, ageing_policies)} for account in accounts.iter_rows(named=True)
    ]
    schema: dict[str, PolarsDataType] = {
        "account_no": pl.String, "account_role": pl.String, "policy_id": pl.String,
        "buckets": pl.List(pl.Int64), "stale_after_days": pl.Int64, "age_from": pl.String,
    }  # fmt: skip
    policies = pl.DataFrame(rows, schema=schema)
    return items.join(policies, on=["account_no", "account_role"], how="left", validate="m:1").pipe(
        _with_bucket
    )


def _policy(account: Mapping[str, Any], books: Books, ageing_policies: pl.DataFrame) -> dict[str, Any]:
    of_account = ageing_policies.filter(pl.col("account_no") == account["account_no"])
    of_role = ageing_policies.filter(
        (pl.col("account_no") == "") & pl.col("account_role").is_in(["", account["account_role"]])
    ).sort("account_role", descending=True)
    row = pl.concat([of_account, of_role]).row(0, named=True)
    policy = {
        "policy_id": row["policy_id"],
        "buckets": [int(days) for days in row["buckets"].split(";")],
        "stale_after_days": int(row["stale_after_days"]),
        "age_from": row["age_from"],
    }
    for key in ("account_role", "account_no"):
        for wish in books.ageing_wishes.filter(pl.col("account_or_role") == account[key]).iter_rows(
            named=True
        ):
            said = {name: wish[name] for name in ("buckets", "stale_after_days") if wish[name] is not None}
            policy |= {**said, "policy_id": f"user:{account[key]}"}
    return policy


def _with_bucket(items: pl.DataFrame) -> pl.DataFrame:
    """The bucket that the age falls in: ``0-30``, ``31-60``, up to ``over 365``."""
    aged = items.with_columns(
        bucket=pl.lit(None, pl.String),
        days=pl.when(pl.col("age_from") == "opened")
        .then("age_days")
        .when(pl.col("age_from") == "last_activity")
        .then("days_since_activity"),
    )
    parts = aged.partition_by("account_no", "policy_id")
    return pl.concat(
        [aged.clear(), *(p.with_columns(bucket=_bucket(p["buckets"][0].to_list())) for p in parts)]
    )


def _bucket(bounds: Sequence[int]) -> pl.Expr:
    first_days = [0, *(bound + 1 for bound in bounds)]
    spans = [
        pl.when(pl.col("days") <= bound).then(pl.lit(f"{first}-{bound}"))
        for first, bound in zip(first_days, bounds, strict=False)
    ]
    return pl.coalesce(*spans, pl.lit(f"over {bounds[-1]}"))


def _with_staleness(items: pl.DataFrame) -> pl.DataFrame:
    """What stays on a shared account for good, stock or cost of sales, is never stale; nor is what another
    account of the same purpose holds with the opposite sign: the user named both to be cleared together.
    """
    together = pl.col("other_no").is_not_null() & ~pl.col("account_role").is_in(CLEARING_ROLES)
    is_old = (pl.col("days") > pl.col("stale_after_days")) & pl.col("is_passing") & ~together
    return items.with_columns(
        is_old=is_old, stale=is_old | (pl.col("is_passing") & pl.col("is_done")), is_cleared_together=together
    )


def _with_reason(items: pl.DataFrame) -> pl.DataFrame:
    """Why the item is open, where its counterpart stands, what nearly answers it, and whether it is old."""
    kind = pl.col("item_key").str.split(":").list.first()
    waits = pl.col("item_ledger_entry_type").replace_strict(
        WAITING, default="posted and not invoiced in full"
    )
    state = (
        pl.when("is_cleared_together").then(pl.lit("cleared together with another account"))
        .when(~pl.col("is_passing")).then(pl.lit("in a role of this account that keeps its balance"))
        .when((kind == "ile") & pl.col("is_done")).then(pl.lit("invoiced in full, nothing further clears it"))
        .when(kind == "ile").then(waits)
        .when((kind == "order") & pl.col("is_done"))
        .then(pl.lit("the order is finished, nothing further clears it"))
        .when(kind == "order").then(pl.lit("the order is in progress"))
        .when(pl.col("item_key") == CARRIED_OVER).then(pl.lit("what is left of the balance carried over"))
        .when(kind == "doc").then(pl.lit("the lines of the document don't cancel out"))
        .otherwise(pl.lit("no value entry and no other line accounts for it"))
    )  # fmt: skip
    old = pl.format("older than {} days (policy {})", "stale_after_days", "policy_id")
    told = [
        state,
        pl.format("its opposite stands on account {}", "other_no"),
        "near_miss",
        pl.when("is_old").then(old),
    ]
    return items.with_columns(reason=pl.concat_str(told, separator="; ", ignore_nulls=True))


def _with_counterpart(items: pl.DataFrame) -> pl.DataFrame:
    """The account where the same item stands with the opposite balance in the same role: the setup changed in
    between, or the user named two accounts for one purpose.
    """
    others = items.select("item_key", "account_role", "balance", pl.col("account_no").alias("other_no"))
    found = (
        items.with_columns(-pl.col("balance"))
        .join(others, on=["item_key", "account_role", "balance"], how="inner")
        .group_by(ITEM)
        .agg(pl.col("other_no").min())
    )
    return items.join(found, on=ITEM, how="left", validate="1:1")
