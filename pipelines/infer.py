"""Links between value entries and G/L lines, inferred where the relation table can't be exported.

Here: recognising the lines that one entry, or one posting group, must have left, by account, amount, date
and document. Not here: giving lines to expected lines (``link``). Where the relation table is given, it
is the answer.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from schemas.ledger import Books

#: What must agree beside an entry's lines, pass by pass: what of the lines (accounts and amounts, or one
#: of them), then whose.
SURE: Mapping[bool, Sequence[tuple[str, ...]]] = {
    True: [
        ("full", "posting_date", "document_no", "dimension_set_id"),
        ("full", "posting_date", "document_no"),
    ],
    False: [("full", "posting_date", "dimension_set_id"), ("full", "posting_date")],
}
#: What a posting group still agrees on when its amount, its account or its date is wrong.
ODD_GROUPS = (
    ("posting_date", "account_no", "is_debit"),
    ("posting_date", "amount"),
    ("account_no", "amount"),
)
LOOSE: Mapping[bool, Sequence[tuple[str, ...]]] = {
    True: [
        ("amounts", "posting_date", "document_no"),
        ("full", "document_no"),
        ("accounts", "posting_date", "document_no"),
    ],
    False: [("amounts", "posting_date")],
}
#: The summing key of postings per posting group. Source: table 48 "Invt. Posting Buffer", key 1.
GROUP_KEY = (
    "posting_date", "account_role", "balancing_role", "location_code", "posting_group",
    "gen_bus_posting_group", "gen_prod_posting_group", "dimension_set_id", "is_debit",
)  # fmt: skip


def links(resolved_postings: pl.DataFrame, remaining_books: Books) -> pl.DataFrame:
    """The relation rows (``inferred`` false), or rows inferred from the lines themselves (``inferred``
    true).

    One entry's lines follow one another in the order of the account roles, so each posted entry leaves a
    pattern of accounts and amounts. Patterns are looked for among the inventory-cost lines, strictest
    first: with document, date and dimensions, then without dimensions, with other accounts (a changed
    setup), with another date, with other amounts; then the sums of posting groups. Equal patterns pair
    off in order of entry number. What fits no pattern gets no link.
    """
    if remaining_books.has_relations:
        return remaining_books.relations.with_columns(unit=pl.lit(None, pl.String), inferred=pl.lit(False))
    posted = _lines(resolved_postings.filter(_was_posted()), remaining_books, "posted_amount")
    ledger_lines = _cost_lines(remaining_books)
    has_documents = _has_documents(posted, ledger_lines)
    sure, loose = SURE[has_documents], LOOSE[has_documents]
    found: list[pl.DataFrame] = []
    for by in sure:
        found.extend(_together(_without(posted, found), _unused(ledger_lines, found), by))
        found.extend(_patterns(_without(posted, found), _unused(ledger_lines, found), by))
    if has_documents:
        for by in loose:
            found.extend(_patterns(_without(posted, found), _unused(ledger_lines, found), by))
    for at_least in (2, 1):
        found.append(_groups(_without(posted, found), _unused(ledger_lines, found), at_least))
        posted = posted.filter(~pl.col("is_doubtful") | ~_is_left(posted, found))
        found.append(_groups(_without(posted, found), _unused(ledger_lines, found), at_least))
    found.append(_batches(_without(posted, found), _unused(ledger_lines, found)))
    found.append(_single(_without(posted, found), _unused(ledger_lines, found)))
    if not has_documents:  # an amount alone says less than an account and a sum
        for by in loose:
            found.extend(_patterns(_without(posted, found), _unused(ledger_lines, found), by))
    # another line of the entry was in a sum, this one is alone in its group
    found.append(_groups(_left_over(posted, found, ledger_lines), _unused(ledger_lines, found), 1))
    found.append(_moved(_left_over(posted, found, ledger_lines), _unused(ledger_lines, found)))
    for key in ODD_GROUPS:
        left = pl.concat([_without(posted, found), _left_over(posted, found, ledger_lines)])
        found.append(_odd_groups(left, _unused(ledger_lines, found), key, 2))
    if not has_documents:
        found.append(_odd_groups(_without(posted, found), _unused(ledger_lines, found), ODD_GROUPS[0], 1))
    found.append(_groups(posted, _unused(ledger_lines, found), 2))  # posted again
    if has_documents:
        found.extend(_patterns(posted, _unused(ledger_lines, found), sure[1]))  # posted again
        still_open = _lines(resolved_postings.filter(_is_open()), remaining_books, "amount")
        found.extend(
            _patterns(still_open, _unused(ledger_lines, found), sure[1])
        )  # posted, says the G/L alone
    rows = pl.concat(found).unique(["gl_entry_no", "value_entry_no"], keep="first", maintain_order=True)
    return rows.with_columns(inferred=pl.lit(True)).sort("gl_entry_no", "value_entry_no")


def confirmed(resolved_postings: pl.DataFrame, links: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The expected postings: without a relation table, write-offs that only the finish of an order makes
    need their lines.

    Whether an entry was posted before its order was finished is told by the relation table. Where that is
    missing, entries that are written off at the finish alone (overhead, revaluation, rounding) are
    expected to be so only if the lines are there. The date of the finish is that of its lines.
    """
    if books.has_relations:
        return resolved_postings
    seen = (
        links.filter(pl.col("unit") == "write_off")
        .join(books.gl_entries.select("gl_entry_no", "posting_date"), on="gl_entry_no", how="inner")
        .group_by("value_entry_no")
        .agg(pl.col("posting_date").min().alias("_finished_on"))
    )
    doubtful = resolved_postings.filter(_only_at_finish()).join(seen, on="value_entry_no", how="anti")
    is_write_off = pl.col("cost_kind") == "write_off"
    return (
        resolved_postings.join(doubtful, on=["value_entry_no", "cost_kind", "account_role"], how="anti")
        .join(seen, on="value_entry_no", how="left", validate="m:1", maintain_order="left")
        .with_columns(
            posting_date=pl.when(is_write_off).then("_finished_on").fill_null(pl.col("posting_date"))
        )
        .drop("_finished_on")
    )


def _only_at_finish() -> pl.Expr:
    return (pl.col("cost_kind") == "write_off") & (pl.col("entry_type") != "Direct Cost")


def _is_left(posted: pl.DataFrame, found: list[pl.DataFrame]) -> pl.Series:
    """Which lines no pass has found yet."""
    done = pl.concat(found).select("value_entry_no", "unit").unique().with_columns(_done=pl.lit(True))
    return posted.join(done, on=["value_entry_no", "unit"], how="left", maintain_order="left")[
        "_done"
    ].is_null()


def _was_posted() -> pl.Expr:
    return (pl.col("posted_amount") != 0) | (pl.col("posted_amount_acy") != 0)


def _is_open() -> pl.Expr:
    return (pl.col("outcome") == "posted") & ~_was_posted()


def _lines(postings: pl.DataFrame, books: Books, amount: str) -> pl.DataFrame:
    """Lines at what was posted (or must be), with a unit: lines written in one go.

    A write-off at the finish is a unit of its own.
    """
    keys = books.value_entries.select(
        "value_entry_no", "document_no", "dimension_set_id", "location_code", "inventory_posting_group",
        "gen_bus_posting_group", "gen_prod_posting_group", "wip_writeoff",
    )  # fmt: skip
    apart = (pl.col("cost_kind") == "write_off") & (pl.col("wip_writeoff") == "at_finish")
    return (
        postings.join(keys, on="value_entry_no", how="left", validate="m:1")
        .select(
            "value_entry_no", "cost_kind", "account_role", "balancing_role", "ordinal", "posting_date",
            "key_1", "key_2",
            pl.col("account_no").fill_null("").alias("account_no"),
            pl.col(amount).alias("amount"),
            pl.col(f"{amount}_acy").alias("amount_acy"),
            pl.when(apart).then(pl.lit("write_off")).otherwise(pl.lit("own")).alias("unit"),
            _only_at_finish().alias("is_doubtful"),
            *keys.columns[1:-1],
        )
        .with_columns(is_debit=~((pl.col("amount") < 0) | (pl.col("amount_acy") < 0)))
        .sort("value_entry_no", "unit", "ordinal", pl.col("is_debit").not_(), "cost_kind")
    )  # fmt: skip


def _cost_lines(books: Books) -> pl.DataFrame:
    return (
        books.gl_entries.filter(
            pl.col("origin").is_in(["inventory_cost", "unknown"])
            & ((pl.col("amount") != 0) | (pl.col("amount_acy") != 0))
        )
        .select(
            "gl_entry_no", "posting_date", "document_no", "dimension_set_id", "amount",
            pl.col("account_no").fill_null("").alias("account_no"),
        )
        .sort("gl_entry_no")
        .with_row_index("place")
        .with_columns(is_debit=pl.col("amount") > 0)
    )  # fmt: skip


def _has_documents(posted: pl.DataFrame, ledger_lines: pl.DataFrame) -> bool:
    """Document numbers tell entries apart only where both ledgers carry the same ones."""
    ours = posted.filter(pl.col("document_no") != "")["document_no"].unique().implode()
    return ledger_lines.filter((pl.col("document_no") != "") & pl.col("document_no").is_in(ours)).height > 0


def _without(posted: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
    return posted.join(pl.concat(found), on=["value_entry_no", "unit"], how="anti") if found else posted


def _unused(ledger_lines: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
    return ledger_lines.join(pl.concat(found), on="gl_entry_no", how="anti") if found else ledger_lines


def _together(posted: pl.DataFrame, ledger_lines: pl.DataFrame, by: tuple[str, ...]) -> list[pl.DataFrame]:
    """Entries whose write-off was posted in one go with their own lines, after the order was finished."""
    written_off = posted.filter(pl.col("unit") == "write_off").select("value_entry_no").unique()
    whole = (
        posted.join(written_off, on="value_entry_no", how="semi")
        .with_columns(unit=pl.lit("own"))
        .sort("value_entry_no", "ordinal", pl.col("is_debit").not_(), "cost_kind")
    )
    found = pl.concat(_patterns(whole, ledger_lines, by))
    return [found, found.with_columns(unit=pl.lit("write_off"))]


def _patterns(posted: pl.DataFrame, ledger_lines: pl.DataFrame, by: tuple[str, ...]) -> list[pl.DataFrame]:
    """Units found among the G/L lines by their pattern; longer patterns first, since they hold shorter
    ones.
    """
    what, keys = by[0], list(by[1:])
    units = posted.group_by("value_entry_no", "unit", maintain_order=True).agg(
        pl.col("posting_date", "document_no", "dimension_set_id").first(),
        _spelling(what).str.join("|").alias("pattern"),
        pl.len().alias("size"),
    )
    free_date = (pl.col("unit") == "write_off") & (pl.lit("posting_date" in keys))
    found: list[pl.DataFrame] = []
    for size in sorted(units["size"].unique().to_list(), reverse=True):
        for dated in (True, False):
            on = [k for k in keys if dated or k != "posting_date"]
            sized = units.filter((pl.col("size") == size) & (free_date != dated))
            unused = _unused(ledger_lines, found)
            windows = _windows(unused, size, what)
            found.append(_pair_off(sized, windows, unused, size, ["pattern", *on]))
    return [f for f in found if f.height] or [_no_links()]


def _spelling(what: str) -> pl.Expr:
    account, amount = pl.col("account_no"), pl.col("amount").cast(pl.String)
    side = pl.when("is_debit").then(pl.lit("D")).otherwise(pl.lit("C"))
    spelling = {
        "full": pl.concat_str(account, amount, separator=":"),
        "amounts": amount,
        "accounts": pl.concat_str(account, side, separator=":"),
    }
    return spelling[what]


def _windows(ledger_lines: pl.DataFrame, size: int, what: str) -> pl.DataFrame:
    """Every run of ``size`` neighbouring cost lines of one date and document, with its pattern."""
    spelled = ledger_lines.with_columns(_s=_spelling(what))
    last = size - 1
    alike = ("posting_date", "document_no", "dimension_set_id")
    same = [pl.col(c).eq_missing(pl.col(c).shift(-i)) for c in alike for i in range(1, size)]
    return spelled.with_columns(
        pattern=pl.concat_str(*(pl.col("_s").shift(-i) for i in range(size)), separator="|"),
    ).filter(
        pl.col("pattern").is_not_null()
        & (pl.col("place").shift(-last) == pl.col("place") + last).fill_null(False)
        & pl.all_horizontal(pl.lit(True), *same)
    )  # fmt: skip


def _pair_off(
    units: pl.DataFrame, windows: pl.DataFrame, ledger_lines: pl.DataFrame, size: int, on: list[str]
) -> pl.DataFrame:
    """Pairs units and windows of equal key by rank, then writes out the lines of each chosen window."""
    if not units.height or not windows.height:
        return _no_links()
    ranked_units = units.sort("value_entry_no").with_columns(_rank=pl.int_range(pl.len()).over(on))
    apart = windows.sort("place").filter(
        (pl.col("place") - pl.col("place").shift().over(on)).fill_null(size) >= size
    )
    ranked = apart.with_columns(_rank=pl.int_range(pl.len()).over(on))
    chosen = (
        ranked.join(ranked_units, on=[*on, "_rank"], how="inner", suffix="_unit", nulls_equal=True)
        .sort("place")
        .filter((pl.col("place") - pl.col("place").shift()).fill_null(size) >= size)
    )
    return (
        chosen.select("place", "value_entry_no", "unit")
        .with_columns(_step=pl.int_ranges(pl.lit(0), pl.lit(size)))
        .explode("_step")
        .with_columns(place=pl.col("place") + pl.col("_step"))
        .join(ledger_lines.select("place", "gl_entry_no"), on="place", how="inner", validate="1:1")
        .select("gl_entry_no", "value_entry_no", "unit")
    )


def _groups(posted: pl.DataFrame, ledger_lines: pl.DataFrame, at_least: int) -> pl.DataFrame:
    """Lines of posting groups: the sum of all entries that share BC's summing key, on one account and
    date.
    """
    sums = _sums(posted).filter(pl.col("value_entry_no").list.len() >= at_least)
    found: list[pl.DataFrame] = []
    for dimensions in (["dimension_set_id"], []):
        key = ["posting_date", "account_no", "amount", *dimensions]
        rest = sums.join(pl.concat(found), on="group_no", how="anti") if found else sums
        matched = (
            _unused(ledger_lines, found)
            .with_columns(_rank=pl.int_range(pl.len()).over(key))
            .join(
                rest.with_columns(_rank=pl.int_range(pl.len()).over(key)),
                on=[*key, "_rank"],
                how="inner",
                nulls_equal=True,
            )
        )
        found.append(matched.select("gl_entry_no", "group_no", "value_entry_no", "unit"))
    return pl.concat(found).explode("value_entry_no", "unit").drop("group_no")


def _batches(posted: pl.DataFrame, ledger_lines: pl.DataFrame) -> pl.DataFrame:
    """Posting groups that were posted in several runs of the batch job: their entries, in order, sum to
    one line after the other.
    """
    key = ["posting_date", "account_no", "is_debit"]
    running = pl.col("amount").abs().cum_sum().over(key).alias("running")
    is_one_group = pl.struct(GROUP_KEY[1:-1]).n_unique().over(key) == 1
    is_wip = pl.col("account_role") == "wip"
    entries = (
        posted.with_columns(posting_group=pl.when(is_wip).then("key_2").otherwise("inventory_posting_group"))
        .filter(is_one_group)
        .sort("value_entry_no")
        .with_columns(running)
    )
    lines = ledger_lines.sort("gl_entry_no").with_columns(running)
    ends = lines.join(
        entries.select(*key, "running").with_columns(_hit=pl.lit(True)), on=[*key, "running"], how="left"
    )
    whole = (
        ends.group_by(key)
        .agg(pl.col("_hit").fill_null(False).all(), pl.col("running").max())
        .filter("_hit")
        .join(entries.group_by(key).agg(pl.col("running").max()), on=[*key, "running"], how="semi")
    )
    return (
        entries.join(whole, on=key, how="semi")
        .join(lines.select(*key, "gl_entry_no", pl.col("running").alias("_end")), on=key, how="inner")
        .filter(pl.col("_end") >= pl.col("running"))
        .sort("_end")
        .unique(["value_entry_no", "unit", "cost_kind", "account_role"], keep="first", maintain_order=True)
        .select("gl_entry_no", "value_entry_no", "unit")
    )


def _single(posted: pl.DataFrame, ledger_lines: pl.DataFrame) -> pl.DataFrame:
    """Lines of entries that were alone in their posting group: one line, one G/L line of its amount."""
    key = ["posting_date", "account_no", "amount", "dimension_set_id"]
    rank = pl.int_range(pl.len()).over(key).alias("_rank")
    matched = ledger_lines.with_columns(rank).join(
        posted.with_columns(rank), on=[*key, "_rank"], how="inner", nulls_equal=True
    )
    return matched.select("gl_entry_no", "value_entry_no", "unit")


def _left_over(posted: pl.DataFrame, found: list[pl.DataFrame], ledger_lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of entries of which only some lines were found."""
    seen = pl.concat(found).join(ledger_lines, on="gl_entry_no", how="inner")
    partly = posted.join(seen, on=["value_entry_no", "unit"], how="semi")
    return partly.join(seen, on=["value_entry_no", "account_no", "is_debit"], how="anti")


def _moved(left_over: pl.DataFrame, ledger_lines: pl.DataFrame) -> pl.DataFrame:
    """The only line and the only G/L line left of a date and an amount: it stands on another account."""
    key = ["posting_date", "amount"]
    alone = pl.len().over(key) == 1
    matched = ledger_lines.filter(alone).join(left_over.filter(alone), on=key, how="inner", suffix="_line")
    return matched.select("gl_entry_no", "value_entry_no", "unit")


def _sums(posted: pl.DataFrame) -> pl.DataFrame:
    """The entries of each posting group with the sum of their lines."""
    is_wip = pl.col("account_role") == "wip"
    return (
        posted.with_columns(posting_group=pl.when(is_wip).then("key_2").otherwise("inventory_posting_group"))
        .group_by(*GROUP_KEY, "account_no", maintain_order=True)
        .agg(pl.col("amount").sum(), pl.col("value_entry_no", "unit"))
        .with_row_index("group_no")
    )


def _odd_groups(
    posted: pl.DataFrame, ledger_lines: pl.DataFrame, key: tuple[str, ...], at_least: int
) -> pl.DataFrame:
    """Posting groups with one thing wrong: the only group and the only line left that agree on the rest."""
    alone = pl.len().over(key) == 1
    sums = _sums(posted).filter(alone & (pl.col("value_entry_no").list.len() >= at_least))
    matched = ledger_lines.filter(alone).join(sums, on=key, how="inner", suffix="_sum")
    return matched.explode("value_entry_no", "unit").select("gl_entry_no", "value_entry_no", "unit")


def _no_links() -> pl.DataFrame:
    return pl.DataFrame(schema={"gl_entry_no": pl.Int64, "value_entry_no": pl.Int64, "unit": pl.String})
