"""Turns Business Central's tables into the books.

Here: names, switches, the rules that decide which posting group or date an entry carries. Not here:
reading files (``assets.storage``), typing cells (``bc_extract``), and what must be posted
(``pipelines.expect``).
"""

from collections.abc import Mapping
from datetime import date

import polars as pl

from pipelines.sources import bc_opening, bc_stock, bc_switches, bc_write_offs
from schemas import ledger
from schemas.bc import Extract
from schemas.contracts import is_rising
from schemas.ledger import Books, Settings, Switches

GL_TABLE_NO = 17


def books(
    extract: Extract, settings: Settings, account_roles: pl.DataFrame, source_codes: pl.DataFrame
) -> Books:
    """One company's books at the as-of date.

    Every row of the extract stays; what lies after as-of is told by its date. Blank codes stay a key; a blank
    G/L account becomes null. Amounts are in local currency, debit positive, null amounts are 0.
    """
    extract = bc_opening.carried(extract)
    tables = extract.tables
    posting_accounts = _posting_accounts(tables, account_roles)
    gl_entries = _gl_entries(extract, source_codes)
    relations = _relations(tables)
    as_of = settings.as_of or _last_date(tables["value_entry"], gl_entries, posting_accounts, relations)
    switches = bc_switches.switches(tables, relations, settings)
    return Books(
        company=extract.company,
        as_of=as_of,
        scale=extract.scale,
        scale_acy=extract.scale_acy,
        value_entries=_value_entries(tables, extract.given, gl_entries, relations, switches, as_of),
        gl_entries=gl_entries,
        relations=relations,
        has_relations="gl_item_ledger_relation" in tables,
        posting_accounts=posting_accounts,
        accounts=_accounts(tables),
        has_accounts="gl_account" in tables,
        compressed_periods=_compressed_periods(tables),
        opening_accounts=_opening_accounts(extract),
        **bc_stock.tables(tables),
        clearing_accounts=_clearing_accounts(settings),
        ageing_wishes=_ageing_wishes(settings),
        allowed_from=_setup_date(tables, "allow_posting_from"),
        allowed_to=_setup_date(tables, "allow_posting_to"),
        switches=switches,
        given=extract.given,
    )


def _value_entries(
    tables: Mapping[str, pl.DataFrame],
    given: Mapping[str, frozenset[str]],
    gl_entries: pl.DataFrame,
    relations: pl.DataFrame,
    switches: Switches,
    as_of: date,
) -> pl.DataFrame:
    entries = tables["value_entry"].select(
        pl.col("entry_no").alias("value_entry_no"),
        pl.when(pl.col("item_ledger_entry_no") > 0).then("item_ledger_entry_no"),
        "posting_date", "item_ledger_entry_type", "entry_type", "variance_type", "order_type", "order_no",
        "order_line_no", "item_no", "source_type", "source_no", "document_no", "location_code",
        "inventory_posting_group", "gen_bus_posting_group", "gen_prod_posting_group",
        pl.col("cost_amount_actual").alias("amount_actual"),
        pl.col("cost_posted_to_gl").alias("posted_actual"),
        pl.col("cost_amount_expected").alias("amount_expected"),
        pl.col("expected_cost_posted_to_gl").alias("posted_expected"),
        pl.col("cost_amount_actual_acy").alias("amount_actual_acy"),
        pl.col("cost_posted_to_gl_acy").alias("posted_actual_acy"),
        pl.col("cost_amount_expected_acy").alias("amount_expected_acy"),
        pl.col("exp_cost_posted_to_gl_acy").alias("posted_expected_acy"),
        pl.col("expected_cost").fill_null(False).alias("is_expected"),
        pl.col("inventoriable").fill_null(True).alias("is_inventoriable"),
        (pl.col("item_ledger_entry_type") == "").alias("is_capacity"),
        "dimension_set_id", "source_code", "user_id",
        pl.col("system_created_at").alias("created_at"),
        "valued_quantity", "invoiced_quantity", "item_ledger_entry_quantity", "cost_per_unit",
        "valuation_date",
        pl.col("adjustment").fill_null(False).alias("is_adjustment"),
        pl.when(pl.col("applies_to_entry") > 0).then("applies_to_entry").alias("applies_to_entry_no"),
        pl.when(pl.col("capacity_ledger_entry_no") > 0).then("capacity_ledger_entry_no"),
        pl.col("cost_amount_non_invtbl").alias("amount_non_inventoriable"),
        pl.col("purchase_amount_actual").alias("purchase_amount"),
        "purchase_amount_expected",
        pl.col("valued_by_average_cost").fill_null(False).alias("is_valued_by_average"),
        "item_charge_no", "variant_code", "external_document_no", "document_type", "document_line_no",
        "job_no", "item_register_no",
        pl.col("system_modified_at").alias("modified_at"),
    )  # fmt: skip
    return (
        entries.pipe(_with_wip_group, tables)
        .pipe(_with_queue, tables)
        .pipe(_with_invoicing, tables, given, switches, as_of)
        .pipe(bc_write_offs.with_write_off, tables, gl_entries, relations, switches)
        .pipe(_with_lines, gl_entries, relations)
        .pipe(_in_order, "value_entry_no")
    )


def _with_wip_group(entries: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The WIP account follows the produced item's group of today when the entry's source is another item.

    Source: CU5802.GetInvPostingGroupCode.
    """
    own = pl.col("inventory_posting_group")
    if "item" not in tables:
        return entries.with_columns(wip_posting_group=own)
    items = tables["item"].select(
        pl.col("no").alias("source_no"), pl.col("inventory_posting_group").alias("_produced_group")
    )
    is_other_item = (pl.col("source_type") == "Item") & (pl.col("source_no") != pl.col("item_no"))
    return (
        entries.join(items, on="source_no", how="left", validate="m:1")
        .with_columns(wip_posting_group=pl.when(is_other_item).then("_produced_group").fill_null(own))
        .drop("_produced_group")
    )


def _with_lines(entries: pl.DataFrame, gl_entries: pl.DataFrame, relations: pl.DataFrame) -> pl.DataFrame:
    """Whether the relation table leads from the entry to a G/L line with an amount."""
    with_amount = gl_entries.filter((pl.col("amount") != 0) | (pl.col("amount_acy") != 0)).select(
        "gl_entry_no"
    )
    linked = relations.join(with_amount, on="gl_entry_no", how="semi")["value_entry_no"].unique().implode()
    return entries.with_columns(is_linked=pl.col("value_entry_no").is_in(linked))


def _with_queue(entries: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    if "post_value_entry_to_gl" not in tables:
        return entries.with_columns(is_queued=pl.lit(None, pl.Boolean))
    queued = tables["post_value_entry_to_gl"]["value_entry_no"].implode()
    return entries.with_columns(is_queued=pl.col("value_entry_no").is_in(queued))


def _with_invoicing(
    entries: pl.DataFrame,
    tables: Mapping[str, pl.DataFrame],
    given: Mapping[str, frozenset[str]],
    switches: Switches,
    as_of: date,
) -> pl.DataFrame:
    """Whether the item ledger entry is fully invoiced by entries up to as-of, and whether expected cost
    is due.

    Due: the entry or a sibling has expected cost posted; or the switch is on and the item ledger entry is
    not fully invoiced or the entry is queued. Without quantities, fully invoiced means that its expected
    cost sums to 0.
    """
    until = pl.col("posting_date") <= as_of
    was_posted = pl.any_horizontal(pl.col("posted_expected", "posted_expected_acy") != 0)
    invoices = until & (pl.col("entry_type") == "Direct Cost") & (pl.col("item_charge_no") == "")
    items = entries.filter(pl.col("item_ledger_entry_no").is_not_null())
    ledger_entries = items.group_by("item_ledger_entry_no").agg(
        pl.col("invoiced_quantity").filter(invoices).sum().alias("_invoiced"),
        pl.col("invoiced_quantity").filter(invoices).is_not_null().any().alias("_has_invoiced"),
        pl.col("item_ledger_entry_quantity").sum().alias("_quantity"),
        pl.col("amount_expected").filter(until).sum().alias("_expected"),
        (was_posted.any() | _was_carried(tables)).alias("_sibling_posted"),
    )
    if "item_ledger_entry" in tables and "quantity" in given["item_ledger_entry"]:
        quantities = tables["item_ledger_entry"].select(
            pl.col("entry_no").alias("item_ledger_entry_no"), pl.col("quantity").alias("_ile_quantity")
        )
        ledger_entries = ledger_entries.join(quantities, on="item_ledger_entry_no", how="left").with_columns(
            _quantity=pl.coalesce("_ile_quantity", "_quantity")
        )
    has_quantities = pl.col("_has_invoiced") & (pl.col("_quantity") != 0).fill_null(False)
    joined = entries.join(
        ledger_entries.with_columns(
            is_fully_invoiced=pl.when(has_quantities)
            .then(pl.col("_invoiced") == pl.col("_quantity"))
            .otherwise(pl.col("_expected") == 0)
        ).select("item_ledger_entry_no", "is_fully_invoiced", "_sibling_posted"),
        on="item_ledger_entry_no",
        how="left",
        validate="m:1",
    ).with_columns(
        pl.col("is_fully_invoiced").fill_null(pl.col("amount_expected") == 0),
        pl.col("_sibling_posted").fill_null(was_posted),
    )
    switched_on = pl.lit(switches.expected_cost_posting)
    due_by_switch = switched_on & (~pl.col("is_fully_invoiced") | pl.col("is_queued").fill_null(False))
    return joined.with_columns(is_expected_cost_due=pl.col("_sibling_posted") | due_by_switch).drop(
        "_sibling_posted"
    )


def _was_carried(tables: Mapping[str, pl.DataFrame]) -> pl.Expr:
    """Whether expected cost of an item ledger entry that began before the cut-over was posted: its first
    entries aren't there, so the carried interim balances tell.
    """
    carried = tables.get(bc_opening.TABLE, pl.DataFrame())
    if bc_opening.NUMBER not in carried.columns:
        return pl.lit(False)
    is_interim = (pl.col("account_role") == "inventory_interim") & (pl.col("subledger") != 0)
    began_before = ~pl.col("is_expected").any() & (pl.col("amount_expected") != 0).any()
    return began_before & pl.lit(carried.select(is_interim.any()).item())


def _gl_entries(extract: Extract, source_codes: pl.DataFrame) -> pl.DataFrame:
    entries = extract.tables["gl_entry"]
    origins = _origins(extract.tables, source_codes)
    has_codes = (entries["source_code"] != "").any()
    unknown = pl.lit("journal" if has_codes else "unknown")
    is_carried = extract.carried_from is not None
    carried = pl.col("_carried") if is_carried else pl.lit(None, pl.String)
    return (
        entries.join(origins, on="source_code", how="left", validate="m:1")
        .select(
            pl.col("entry_no").alias("gl_entry_no"),
            pl.when(pl.col("gl_account_no") != "").then("gl_account_no").alias("account_no"),
            "posting_date", "amount",
            pl.col("additional_currency_amount").alias("amount_acy"),
            "document_no", "source_code",
            pl.when(carried.is_not_null()).then(carried)
            .when(pl.col("closing_entry").fill_null(False)).then(pl.lit("closing"))
            .otherwise(pl.col("origin").fill_null(unknown)).alias("origin"),
            "source_no", "description", "transaction_no",
            pl.when(pl.col("reversed_by_entry_no") > 0).then("reversed_by_entry_no").alias("reversed_by"),
            pl.when(pl.col("reversed_entry_no") > 0).then("reversed_entry_no").alias("reverses"),
            "dimension_set_id", "user_id",
            pl.col("system_created_at").alias("created_at"),
            "external_document_no", "source_type", "journal_batch_name", "job_no",
            pl.col("prod_order_no").alias("order_no"),
            pl.col("gl_register_no").alias("register_no"),
            pl.col("system_created_entry").fill_null(False).alias("is_system_created"),
        )
        .pipe(_in_order, "gl_entry_no")
    )  # fmt: skip


def _in_order(entries: pl.DataFrame, number: str) -> pl.DataFrame:
    """Sorted by entry number, as they mostly are already."""
    return entries if entries[number].is_sorted() else entries.sort(number)


def _origins(tables: Mapping[str, pl.DataFrame], source_codes: pl.DataFrame) -> pl.DataFrame:
    """Source code -> origin: the company's own codes where its setup names them, else BC's defaults."""
    setup = tables.get("source_code_setup", pl.DataFrame())
    rows = []
    for row in source_codes.iter_rows(named=True):
        column = row["setup_column"]
        own = setup[column][0] if setup.height and column in setup.columns else None
        rows.append((own or row["source_code"], row["origin"]))
    return pl.DataFrame(rows, schema={"source_code": pl.String, "origin": pl.String}, orient="row").unique(
        "source_code", keep="first", maintain_order=True
    )


def _relations(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    if "gl_item_ledger_relation" not in tables:
        return pl.DataFrame(schema=dict(ledger.RELATIONS))
    relation = tables["gl_item_ledger_relation"].select("gl_entry_no", "value_entry_no")
    if is_rising(relation, relation.columns):  # as exported; telling rows apart costs 1.5 s a million entries
        return relation
    return relation.unique(maintain_order=True).sort("gl_entry_no", "value_entry_no")


def _posting_accounts(tables: Mapping[str, pl.DataFrame], account_roles: pl.DataFrame) -> pl.DataFrame:
    """Both setups as one long table: role, its two keys, account (null where the field is blank)."""
    parts = []
    for role in account_roles.iter_rows(named=True):
        setup = tables[role["setup_table"]]
        blocked = pl.col("blocked").fill_null(False) if "blocked" in setup.columns else pl.lit(False)
        parts.append(
            setup.select(
                pl.lit(role["account_role"]).alias("account_role"),
                pl.lit(role["setup_table"]).alias("setup_table"),
                pl.col(role["setup_key_1"]).alias("key_1"),
                pl.col(role["setup_key_2"]).alias("key_2"),
                pl.when(pl.col(role["setup_column"]) != "").then(role["setup_column"]).alias("account_no"),
                blocked.alias("is_blocked"),
            )
        )
    return pl.concat(parts)


def _accounts(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    if "gl_account" not in tables:
        return pl.DataFrame(schema=dict(ledger.ACCOUNTS))
    return tables["gl_account"].select(
        pl.col("no").alias("account_no"),
        pl.col("name").alias("account_name"),
        "account_type",
        pl.col("blocked").fill_null(False).alias("is_blocked"),
        pl.col("direct_posting").alias("is_direct_posting"),
        pl.col("incomebalance").alias("statement"),
    )


def _compressed_periods(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    schema = {"starting_date": pl.Date, "ending_date": pl.Date}
    if "date_compr_register" not in tables:
        return pl.DataFrame(schema=schema)
    register = tables["date_compr_register"].filter(pl.col("table_id").fill_null(GL_TABLE_NO) == GL_TABLE_NO)
    return register.select("starting_date", "ending_date")


def _opening_accounts(extract: Extract) -> pl.DataFrame:
    """The accounts whose loaded lines speak for themselves; carried balances have lines of their own."""
    if "opening_balance" not in extract.tables or extract.carried_from is not None:
        return pl.DataFrame(schema={"account_no": pl.String, "opening_date": pl.Date})
    rows = extract.tables["opening_balance"]
    return rows.group_by("account_no").agg(pl.col("date").max().alias("opening_date"))


def _clearing_accounts(settings: Settings) -> pl.DataFrame:
    named = sorted(settings.clearing_accounts.items())
    return pl.DataFrame(named, schema=dict(ledger.CLEARING_ACCOUNTS), orient="row")


def _ageing_wishes(settings: Settings) -> pl.DataFrame:
    days, buckets = settings.stale_after_days, settings.age_buckets
    wishes = [
        (key, days.get(key), list(buckets[key]) if key in buckets else None)
        for key in sorted({*days, *buckets})
    ]
    return pl.DataFrame(wishes, schema=dict(ledger.AGEING_WISHES), orient="row")


def _setup_date(tables: Mapping[str, pl.DataFrame], column: str) -> date | None:
    setup = tables.get("general_ledger_setup")
    value = setup[column][0] if setup is not None and setup.height else None
    return value if isinstance(value, date) else None


def _last_date(
    value_entry: pl.DataFrame,
    gl_entries: pl.DataFrame,
    posting_accounts: pl.DataFrame,
    relations: pl.DataFrame,
) -> date:
    """The later of the last value-entry date and the last G/L date on a controlled account.

    An account that inventory posting reached but today's setup doesn't name counts as controlled here: it
    held stock before the setup changed, or its date does no harm.
    """
    today = posting_accounts.filter(pl.col("account_role").is_in(ledger.CONTROLLED_ROLES))
    other = gl_entries.select(pl.col("account_no").drop_nulls().unique()).join(
        posting_accounts, on="account_no", how="anti"
    )
    on_other = gl_entries.filter(pl.col("account_no").is_in(other["account_no"].implode()))
    is_linked = pl.col("gl_entry_no").is_in(relations["gl_entry_no"].implode())
    former = on_other.filter((pl.col("origin") == "inventory_cost") | is_linked)
    accounts = pl.concat([today["account_no"], former["account_no"]]).drop_nulls().unique()
    on_controlled = gl_entries.filter(pl.col("account_no").is_in(accounts.implode()))
    dates = [value_entry["posting_date"].max(), on_controlled["posting_date"].max()]
    return max((d for d in dates if isinstance(d, date)), default=date(1900, 1, 1))
