"""Makes books of any size: value entries, the G/L lines that posted them, the relation table and the setups.

Every block of ten value entries is one item's life: received, invoiced, loaded with overhead, shipped,
invoiced to a customer, consumed, worked on, put out, costed, and one adjustment. Postings are per entry until
the last month, which was posted per posting group. One entry in a thousand carries a fault; every fault keeps
the G/L balanced. The same size gives the same books: all variety comes from integer arithmetic on entry
numbers. Knows nothing of the rooms that it measures.
"""

import argparse
from datetime import date
from pathlib import Path

import polars as pl

BLOCK = 10
DAYS = 360
LAST_MONTH = 330
FIRST_DAY = date(2025, 1, 1)
LOCATIONS, GROUPS, ITEMS, PRODUCT_GROUPS = 4, 6, 5000, 4
MONEY = pl.Decimal(18, 2)
QUANTITY = pl.Decimal(18, 5)

# Account types in the order in which Business Central numbers the lines of one entry.
INTERIM, ACCRUAL, INVENTORY, WIP, ADJMT, APPLIED, OVERHEAD, COGS, COGS_INTERIM = 0, 1, 2, 3, 4, 5, 6, 8, 9

# Place in the block: item ledger entry type, entry type, business group, account pairs of both cost kinds.
PLACES = pl.DataFrame(
    [
        (0, "Purchase", "Direct Cost", "DOMESTIC", None, None, INTERIM, ACCRUAL),
        (1, "Purchase", "Direct Cost", "DOMESTIC", INVENTORY, APPLIED, INTERIM, ACCRUAL),
        (2, "Purchase", "Indirect Cost", "DOMESTIC", INVENTORY, OVERHEAD, None, None),
        (3, "Sale", "Direct Cost", "EXPORT", None, None, INTERIM, COGS_INTERIM),
        (4, "Sale", "Direct Cost", "EXPORT", INVENTORY, COGS, INTERIM, COGS_INTERIM),
        (5, "Consumption", "Direct Cost", "PRODUCTION", INVENTORY, WIP, None, None),
        (6, "", "Direct Cost", "PRODUCTION", WIP, APPLIED, None, None),
        (7, "Output", "Direct Cost", "PRODUCTION", None, None, INTERIM, WIP),
        (8, "Output", "Direct Cost", "PRODUCTION", INVENTORY, WIP, INTERIM, WIP),
        (9, "Positive Adjmt.", "Direct Cost", "", INVENTORY, ADJMT, None, None),
    ],
    schema={
        "place": pl.Int64,
        "item_ledger_entry_type": pl.String,
        "entry_type": pl.String,
        "gen_bus_posting_group": pl.String,
        "actual_first": pl.Int64,
        "actual_second": pl.Int64,
        "expected_first": pl.Int64,
        "expected_second": pl.Int64,
    },
    orient="row",
)


def number(of: pl.Expr, salt: int, below: int) -> pl.Expr:
    """An integer from 0 to below - 1 that looks random and always is the same."""
    mixed = ((of + salt * 7919) * 2654435761) % 4294967291
    return (mixed * 48271 % 2147483647) // 7 % below


def code(prefix: str, of: pl.Expr, digits: int) -> pl.Expr:
    return pl.lit(prefix) + of.cast(pl.String).str.zfill(digits)


def money(cents: str) -> pl.Expr:
    """Whole cents as an exact amount."""
    return (pl.col(cents).cast(pl.Decimal(18, 0)) * pl.lit("0.01").cast(MONEY)).cast(MONEY)


def blocks(entries: int) -> pl.LazyFrame:
    """One row a block: its items, place, date and amounts in cents."""
    b = pl.col("block")
    amounts = {
        "received": 90_000,
        "surcharge": 900,
        "overhead": 500,
        "consumed": 40_000,
        "worked": 9_000,
        "planned": 50_000,
    }
    return (
        pl.LazyFrame({"block": pl.int_range(entries // BLOCK, eager=True)})
        .with_columns(
            item=number(b, 1, ITEMS),
            produced=number(b, 2, ITEMS),
            location=number(b, 3, LOCATIONS),
            quantity=number(b, 4, 90) + 1,
            day=b * DAYS // (entries // BLOCK),
            **{
                name: number(b, salt, most) + 100
                for salt, (name, most) in enumerate(amounts.items(), start=10)
            },
        )
        .with_columns(posting_date=pl.lit(FIRST_DAY).dt.offset_by(pl.format("{}d", "day")))
    )


def chosen(by_place: dict[int, pl.Expr], otherwise: pl.Expr) -> pl.Expr:
    """An expression for each place in the block, and one for the rest."""
    result = otherwise
    for place, expression in by_place.items():
        result = pl.when(pl.col("place") == place).then(expression).otherwise(result)
    return result


def costed(entries: int) -> pl.LazyFrame:
    """One row a value entry: what it is, its cost in cents, how it was posted and the fault in it."""
    received, consumed, worked, planned = (pl.col(n) for n in ("received", "consumed", "worked", "planned"))
    shipped = received // 2
    entry, place, b = pl.col("entry_no"), pl.col("place"), pl.col("block")
    owner = pl.when(place.is_in([6, 7, 8])).then(pl.col("produced")).otherwise(pl.col("item"))
    adjusted = pl.when(b % 2 == 0).then(pl.col("surcharge")).otherwise(-pl.col("surcharge"))
    actual = {
        1: received + pl.col("surcharge"),
        2: pl.col("overhead"),
        4: -shipped,
        5: -consumed,
        6: worked,
        8: consumed + worked,
        9: adjusted,
    }
    expected = {0: received, 1: -received, 3: -shipped, 4: shipped, 7: planned, 8: -planned}
    revalued = (place == 9) & (b % 4 == 2)
    adjustment = (
        pl.when(b % 4 == 2)
        .then(pl.lit("Purchase"))
        .when(b % 2 == 0)
        .then(pl.lit("Positive Adjmt."))
        .otherwise(pl.lit("Negative Adjmt."))
    )
    ledger = {0: 1, 1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 7: 4, 8: 4}
    ledger_entry = chosen({place: b * 5 + nth for place, nth in ledger.items()} | {6: pl.lit(0)}, b * 5 + 5)
    posted_per_entry = pl.col("day") < LAST_MONTH
    return (
        blocks(entries)
        .join(PLACES.lazy(), how="cross")
        .with_columns(
            entry_no=b * BLOCK + place + 1,
            owner=owner,
            group=owner % GROUPS,
            product_group=owner % PRODUCT_GROUPS,
            wip_group=pl.when(place.is_in([5, 6, 7, 8])).then(pl.col("produced") % GROUPS),
            actual_cents=chosen(actual, pl.lit(0)),
            expected_cents=chosen(expected, pl.lit(0)),
            item_ledger_entry_type=pl.when(place == 9).then(adjustment).otherwise("item_ledger_entry_type"),
            entry_type=pl.when(revalued).then(pl.lit("Revaluation")).otherwise("entry_type"),
            item_ledger_entry_no=pl.when(revalued).then(b * 5 + 1).otherwise(ledger_entry),
            location=pl.when(place == 6).then(0).otherwise("location"),
            is_per_entry=posted_per_entry,
        )
        .with_columns(
            fault=pl.when(posted_per_entry & (number(entry, 20, 1000) == 0)).then(number(entry, 21, 6)),
            document_no=code("D", b * 4 + place // 3, 9),
        )
    )


# Faults: lines missing, never posted, a wrong amount, posted twice, a journal beside it, a wrong account.
MISSING, UNPOSTED, WRONG_AMOUNT, TWICE, JOURNAL, WRONG_ACCOUNT = range(6)


def account(account_type: pl.Expr) -> pl.Expr:
    """The account that the setups give an account type: by inventory posting group or by product group."""
    by_group = account_type.is_in([INTERIM, INVENTORY])
    group = (
        pl.when(account_type == WIP).then("wip_group").when(by_group).then("group").otherwise("product_group")
    )
    return 1000 + account_type * 10 + group


def legs(entries: pl.DataFrame) -> pl.DataFrame:
    """Every line that posting the entries makes: both cost kinds, both sides, faults built in."""
    sides = [("first", "second", 1), ("second", "first", -1)]
    carried = ["entry_no", "posting_date", "document_no", "location", "group", "wip_group", "product_group"]
    lines = pl.concat(
        entries.filter(pl.col(f"{kind}_cents") != 0).select(
            *carried,
            "gen_bus_posting_group",
            "is_per_entry",
            pl.col("fault").fill_null(-1),
            account_type=f"{kind}_{own}",
            balancing_type=f"{kind}_{other}",
            cents=pl.col(f"{kind}_cents") * sign,
        )
        for kind in ("actual", "expected")
        for own, other, sign in sides
    )
    posted = lines.filter(~pl.col("fault").is_in([MISSING, UNPOSTED])).with_columns(
        account=account(pl.col("account_type")),
        order=pl.struct("account_type", -pl.col("cents")).rank("ordinal").over("entry_no"),
    )
    is_first, is_second = pl.col("order") == 1, pl.col("order") == 2
    off = pl.when(is_first).then(100).when(is_second).then(-100).otherwise(0)
    another = 1000 + pl.col("account_type") * 10 + (pl.col("account") + 1) % 10 % PRODUCT_GROUPS
    return posted.with_columns(
        cents=pl.when(pl.col("fault") == WRONG_AMOUNT).then(pl.col("cents") + off).otherwise("cents"),
        account=pl.when((pl.col("fault") == WRONG_ACCOUNT) & is_first).then(another).otherwise("account"),
    )


def per_entry(lines: pl.DataFrame) -> pl.DataFrame:
    """One G/L line a leg; the copies of what was posted twice come in a transaction of their own."""
    once = lines.filter("is_per_entry")
    twice = once.filter(pl.col("fault") == TWICE)
    return pl.concat([once.with_columns(run=pl.lit(1)), twice.with_columns(run=pl.lit(2))]).select(
        "entry_no",
        "run",
        "order",
        "account",
        "posting_date",
        "document_no",
        "cents",
        source_code=pl.lit("INVTPCOST"),
    )


def per_group(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One G/L line for all legs of a key, debits and credits apart, and the entries that each stands for."""
    key = ["posting_date", "account_type", "location", "group_key", "product_group", "gen_bus_posting_group"]
    key = [*key, "is_credit", "balancing_type", "account"]
    summed = (
        lines.filter(~pl.col("is_per_entry"))
        .with_columns(is_credit=pl.col("cents") < 0, group_key=pl.col("wip_group").fill_null(pl.col("group")))
        .group_by(key)
        .agg(pl.col("cents").sum(), pl.col("entry_no").unique().sort().alias("members"))
        .sort(key)
        .with_row_index("order")
        .with_columns(pl.col("order").cast(pl.Int64))
    )
    gl = summed.select(
        pl.lit(None, pl.Int64).alias("entry_no"),
        pl.lit(3).alias("run"),
        "order",
        "account",
        "posting_date",
        pl.lit("MONTHEND").alias("document_no"),
        "cents",
        pl.lit("INVTPCOST").alias("source_code"),
    )
    return gl, summed.select("order", pl.col("members").alias("value_entry_no")).explode("value_entry_no")


def beside(entries: pl.DataFrame) -> pl.DataFrame:
    """G/L lines that don't come from inventory: invoices, and journals on inventory accounts."""
    place, paid = pl.col("place"), pl.col("actual_cents")
    manual = pl.col("fault") == JOURNAL
    pairs = [
        (entries.filter(place == 1), 0, "PURCHASES", pl.lit(7100), pl.lit(5400), paid),
        (entries.filter(place == 4), 0, "SALES", pl.lit(2300), pl.lit(6100), -paid * 2),
        (
            entries.filter(manual),
            4,
            "GENJNL",
            1000 + INVENTORY * 10 + pl.col("group"),
            pl.lit(8100),
            pl.lit(3000),
        ),
    ]
    return pl.concat(
        rows.select(
            "entry_no",
            pl.lit(run).alias("run"),
            pl.lit(order, pl.Int64).alias("order"),
            side.cast(pl.Int64).alias("account"),
            "posting_date",
            "document_no",
            (amount * sign).cast(pl.Int64).alias("cents"),
            pl.lit(source).alias("source_code"),
        )
        for rows, run, source, debit, credit, amount in pairs
        for order, side, sign in ((1, debit, 1), (2, credit, -1))
    )


def general_ledger(entries: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The G/L entries in posting order, and the relation table to the value entries."""
    lines = legs(entries).with_columns(pl.col("order").cast(pl.Int64))
    grouped, members = per_group(lines)
    batch = pl.col("entry_no").is_null()
    transaction = (
        pl.when(batch).then(pl.col("posting_date").rle_id()).otherwise(pl.struct("entry_no", "run").rle_id())
    )
    gl = (
        pl.concat([per_entry(lines), beside(entries), grouped])
        .sort(batch, "entry_no", "run", "order")
        .with_row_index("gl_entry_no", offset=1)
        .with_columns(
            pl.col("gl_entry_no").cast(pl.Int64),
            transaction=transaction + pl.when(batch).then(10**8).otherwise(1),
        )
    )
    is_cost = pl.col("source_code") == "INVTPCOST"
    direct = gl.filter(is_cost & ~batch).select("gl_entry_no", value_entry_no="entry_no")
    shared = gl.filter(batch).join(members, on="order").select("gl_entry_no", "value_entry_no")
    return gl, pl.concat([direct, shared]).sort("gl_entry_no", "value_entry_no")


def gl_entry(gl: pl.DataFrame) -> pl.DataFrame:
    return gl.select(
        entry_no="gl_entry_no",
        gl_account_no=pl.col("account").cast(pl.String),
        posting_date="posting_date",
        document_no="document_no",
        amount=money("cents"),
        source_code="source_code",
        system_created_entry=pl.col("source_code") == "INVTPCOST",
        transaction_no="transaction",
        dimension_set_id=pl.lit(0),
    )


def value_entry(entries: pl.DataFrame) -> pl.DataFrame:
    """The value entries with Business Central's names, captions and decimals."""
    is_posted = pl.col("fault").fill_null(-1) != UNPOSTED
    is_capacity = pl.col("place") == 6
    is_made = pl.col("place").is_in([5, 6, 7, 8])
    is_out = pl.col("item_ledger_entry_type").is_in(["Sale", "Consumption", "Negative Adjmt."])
    moves = pl.col("entry_type") == "Direct Cost"
    quantity = pl.when(is_out).then(-pl.col("quantity")).otherwise("quantity").cast(QUANTITY)
    none = pl.lit(0).cast(QUANTITY)
    return entries.select(
        "entry_no",
        "posting_date",
        "document_no",
        "item_ledger_entry_type",
        "entry_type",
        "gen_bus_posting_group",
        "item_ledger_entry_no",
        item_no=pl.when(is_capacity).then(pl.lit("")).otherwise(code("I", pl.col("owner"), 5)),
        source_type=pl.when(is_made).then(pl.lit("Item")).otherwise(pl.lit("")),
        source_no=pl.when(is_made).then(code("I", pl.col("produced"), 5)).otherwise(pl.lit("")),
        location_code=location(pl.col("location")),
        inventory_posting_group=code("GROUP", pl.col("group"), 1),
        gen_prod_posting_group=code("PROD", pl.col("product_group"), 1),
        valued_quantity=quantity,
        item_ledger_entry_quantity=pl.when(moves & pl.col("place").is_in([0, 3, 5, 7, 9]))
        .then(quantity)
        .otherwise(none),
        invoiced_quantity=pl.when(moves & pl.col("place").is_in([1, 4, 5, 8, 9]))
        .then(quantity)
        .otherwise(none),
        cost_amount_actual=money("actual_cents"),
        cost_posted_to_gl=pl.when(is_posted).then(money("actual_cents")).otherwise(pl.lit(0).cast(MONEY)),
        cost_amount_expected=money("expected_cents"),
        expected_cost_posted_to_gl=pl.when(is_posted)
        .then(money("expected_cents"))
        .otherwise(pl.lit(0).cast(MONEY)),
        expected_cost=pl.col("place").is_in([0, 3, 7]),
        inventoriable=pl.lit(True),
        variance_type=pl.lit(""),
        order_type=pl.when(is_made).then(pl.lit("Production")).otherwise(pl.lit("")),
        order_no=pl.when(is_made).then(code("P", pl.col("block"), 8)).otherwise(pl.lit("")),
        order_line_no=pl.when(is_made).then(10_000).otherwise(0),
        capacity_ledger_entry_no=pl.when(is_capacity).then(pl.col("block") + 1).otherwise(0),
        dimension_set_id=pl.lit(0),
    )


def item_ledger_entry(value_entries: pl.DataFrame) -> pl.DataFrame:
    """The quantity side: every item ledger entry that the value entries name, all of them fully invoiced."""
    first = value_entries.filter(pl.col("item_ledger_entry_quantity") != 0)
    return first.sort("item_ledger_entry_no").select(
        "posting_date",
        "item_no",
        "location_code",
        "document_no",
        entry_no="item_ledger_entry_no",
        entry_type="item_ledger_entry_type",
        quantity="item_ledger_entry_quantity",
        invoiced_quantity="item_ledger_entry_quantity",
        completely_invoiced=pl.lit(True),
    )


def location(of: pl.Expr) -> pl.Expr:
    return pl.when(of == 0).then(pl.lit("")).otherwise(code("LOC", of, 1))


def inventory_posting_setup() -> pl.DataFrame:
    rows = pl.DataFrame({"location": range(LOCATIONS)}).join(
        pl.DataFrame({"group": range(GROUPS)}), how="cross"
    )
    accounts = {"inventory_account": INVENTORY, "inventory_account_interim": INTERIM, "wip_account": WIP}
    return rows.select(
        location_code=location(pl.col("location")),
        invt_posting_group_code=code("GROUP", pl.col("group"), 1),
        **{name: (1000 + kind * 10 + pl.col("group")).cast(pl.String) for name, kind in accounts.items()},
    )


def general_posting_setup() -> pl.DataFrame:
    business = pl.DataFrame({"gen_bus_posting_group": ["", "DOMESTIC", "EXPORT", "PRODUCTION"]})
    rows = business.join(pl.DataFrame({"product_group": range(PRODUCT_GROUPS)}), how="cross")
    accounts = {
        "cogs_account": COGS,
        "inventory_adjmt_account": ADJMT,
        "invt_accrual_acc_interim": ACCRUAL,
        "cogs_account_interim": COGS_INTERIM,
        "direct_cost_applied_account": APPLIED,
        "overhead_applied_account": OVERHEAD,
    }
    return rows.select(
        "gen_bus_posting_group",
        gen_prod_posting_group=code("PROD", pl.col("product_group"), 1),
        **{
            name: (1000 + kind * 10 + pl.col("product_group")).cast(pl.String)
            for name, kind in accounts.items()
        },
    )


def item() -> pl.DataFrame:
    items = pl.DataFrame({"item": pl.int_range(ITEMS, eager=True)})
    return items.select(
        no=code("I", pl.col("item"), 5),
        inventory_posting_group=code("GROUP", pl.col("item") % GROUPS, 1),
        gen_prod_posting_group=code("PROD", pl.col("item") % PRODUCT_GROUPS, 1),
    )


def books(entries: int) -> dict[str, pl.DataFrame]:
    """All tables of a company with so many value entries, by name."""
    of_entries = costed(entries).sort("entry_no").collect()
    gl, relation = general_ledger(of_entries)
    value_entries = value_entry(of_entries)
    return {
        "value_entry": value_entries,
        "item_ledger_entry": item_ledger_entry(value_entries),
        "gl_entry": gl_entry(gl),
        "gl_item_ledger_relation": relation,
        "inventory_posting_setup": inventory_posting_setup(),
        "general_posting_setup": general_posting_setup(),
        "inventory_setup": pl.DataFrame(
            {"automatic_cost_posting": [True], "expected_cost_posting_to_gl": [True]}
        ),
        "source_code_setup": pl.DataFrame({"inventory_post_cost": ["INVTPCOST"]}),
        "item": item(),
    }


def write(entries: int, folder: Path) -> None:
    """Writes the books as Parquet, one file a table; the folder appears when all of them are there."""
    draft = folder.with_name(f"{folder.name}.draft")
    draft.mkdir(parents=True, exist_ok=True)
    for table, rows in books(entries).items():
        rows.write_parquet(draft / f"{table}.parquet")
        print(f"{table}: {rows.height:,} rows")
    draft.rename(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write books of any size as Parquet.")
    parser.add_argument("--entries", type=int, default=1_000_000, help="value entries, a multiple of ten")
    parser.add_argument("--out", type=Path, help="folder (default: benchmarks/data/<entries>)")
    arguments = parser.parse_args()
    size = arguments.entries // BLOCK * BLOCK
    write(size, arguments.out or Path(__file__).parent / "data" / str(size))
