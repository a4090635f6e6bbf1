"""Activity: what each G/L line on an account in scope is, seen from the stock ledger.

Here: how much of a line answers value entries, how much is other activity, how much is left to explain.
Not here: the cause of what is left (``explain``) and the balances (``reconcile``).
"""

from collections import defaultdict

import polars as pl

from schemas.ledger import CONTROLLED_ROLES, Books
from schemas.money import AMOUNT


def ledger_activity(
    remaining_pieces: pl.DataFrame,
    remaining_postings: pl.DataFrame,
    agreed_lines: pl.DataFrame,
    account_scope: pl.DataFrame,
    remaining_books: Books,
) -> pl.DataFrame:
    """One row per G/L line up to as-of on an account in scope that isn't an agreed one: amount = linked +
    other + carried + open.

    ``linked_amount`` answers expected lines. ``other_amount`` is other activity: on a controlled account
    lines of its other roles, closing entries, and document lines up to the opposite amount of the same
    document's other-role lines; elsewhere everything that doesn't come from inventory posting.
    ``carried_amount`` answers the subledger's part of an opening balance, or a value entry from before it.
    ``open_amount`` is left to explain; ``nature`` says what the line is (``compressed``, ``reversed``,
    ``inventory_cost``, ``document``, ``journal``, ``blank_account`` …), and ``reversed_value_entry_no``
    whose line it takes back. Lines with amount 0 are left out.
    """
    lines = (
        remaining_books.gl_entries.filter(
            (pl.col("posting_date") <= remaining_books.as_of)
            & ((pl.col("amount") != 0) | (pl.col("origin") == "opening"))
        )
        .join(account_scope.drop("roles"), on="account_no", how="inner", nulls_equal=True, validate="m:1",
              maintain_order="left")
        .join(_linked(remaining_pieces, account_scope), on="gl_entry_no", how="left", validate="1:1")
        .join(_reversals(remaining_pieces, remaining_books), on="gl_entry_no", how="left", validate="1:1")
        .with_columns(pl.col("linked_amount", "other_role_amount").fill_null(0))
        .with_columns(nature=_nature())
        .join(_carried(remaining_books), on="gl_entry_no", how="left", validate="1:1")
        .with_columns(
            carried_amount=pl.when(pl.col("nature") == "continued").then("amount")
            .otherwise(pl.col("carried_amount").fill_null(0))
        )
    )  # fmt: skip
    covered = _covered_documents(
        lines, _offsets(lines, remaining_pieces, agreed_lines, account_scope, remaining_books)
    )
    compressed = _compressed(lines, remaining_postings, remaining_pieces, account_scope, remaining_books)
    controlled, nature, nothing = pl.col("is_controlled"), pl.col("nature"), pl.lit(0, AMOUNT)
    unlinked = pl.col("amount") - pl.col("linked_amount") - pl.col("other_role_amount")
    beside = pl.when(controlled | (pl.col("gl_entry_no") > 0)).then(nothing)
    other = (
        pl.when(nature == "linked").then(nothing)
        .when(nature == "opening")
        .then(pl.coalesce("carried_other", beside.otherwise(unlinked - pl.col("carried_amount"))))
        .when(nature == "continued").then(nothing)
        .when(nature == "blank_account").then(nothing)
        .when(nature == "closing").then(unlinked)
        .when((nature == "reversed") & controlled & pl.col("reversed_other_role")).then(unlinked)
        .when(controlled).then(pl.col("covered_amount").fill_null(0))
        .when(nature == "compressed").then(unlinked - pl.col("compressed_amount").fill_null(0))
        .when(nature.is_in(["reversed", "inventory_cost"])).then(nothing)
        .otherwise(unlinked)
    )  # fmt: skip
    return (
        lines.join(covered, on="gl_entry_no", how="left", validate="1:1")
        .join(compressed, on="gl_entry_no", how="left", validate="1:1")
        .with_columns(other_amount=(pl.col("other_role_amount") + other).cast(AMOUNT))
        .with_columns(
            open_amount=pl.col("amount") - pl.col("linked_amount") - pl.col("other_amount")
            - pl.col("carried_amount")
        )
        .join(account_scope.select("account_no", "roles"), on="account_no", how="left", nulls_equal=True)
        .select(
            "gl_entry_no", "account_no", "posting_date", "amount", "amount_acy", "linked_amount",
            "other_amount", "carried_amount", "open_amount", "compressed_amount",
            "nature", "origin", "is_controlled", "roles",
            "reversed_value_entry_no", "reversed_role", "transaction_no", "document_no", "source_code",
            "description",
            "user_id", "created_at",
        )
        .sort("gl_entry_no")
    )  # fmt: skip


def _carried(books: Books) -> pl.DataFrame:
    """What each line of an opening balance holds of the subledger, and of other activity where stated."""
    return books.opening_balances.filter(pl.col("gl_entry_no").is_not_null()).select(
        "gl_entry_no",
        pl.col("subledger").alias("carried_amount"),
        pl.col("other_activity").alias("carried_other"),
    )


def _linked(remaining_pieces: pl.DataFrame, account_scope: pl.DataFrame) -> pl.DataFrame:
    """Per G/L line what value entries claim of it, apart by whether the role counts on its account."""
    scoped = remaining_pieces.select("gl_entry_no", "account_no", "account_role", "amount").join(
        account_scope.select("account_no", "is_controlled"), on="account_no", how="left", nulls_equal=True
    )
    counts = (
        pl.col("account_role").is_in(CONTROLLED_ROLES).fill_null(True)
        | ~pl.col("is_controlled")
        | pl.col("account_no").is_null()
    )
    nothing = pl.lit(0, AMOUNT)
    pieces = scoped.select(
        "gl_entry_no",
        pl.when(counts).then("amount").otherwise(nothing).alias("linked_amount"),
        pl.when(~counts).then("amount").otherwise(nothing).alias("other_role_amount"),
        pl.lit(True).alias("is_linked"),
        pl.col("gl_entry_no").is_unique().alias("_is_whole"),
    )
    whole = pieces.filter("_is_whole").drop("_is_whole")  # most lines: grouping them costs five times as much
    shared = pieces.filter(~pl.col("_is_whole")).group_by("gl_entry_no").agg(
        pl.col("linked_amount", "other_role_amount").sum(), pl.lit(True).alias("is_linked")
    )  # fmt: skip
    return pl.concat([whole, shared])


def _reversals(remaining_pieces: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Unlinked lines that take back a linked line, with whose line it was."""
    taken_back = pl.concat(
        [
            books.gl_entries.filter(pl.col("reverses").is_not_null()).select(
                "gl_entry_no", pl.col("reverses").alias("_target")
            ),
            books.gl_entries.filter(pl.col("reversed_by").is_not_null()).select(
                pl.col("reversed_by").alias("gl_entry_no"), pl.col("gl_entry_no").alias("_target")
            ),
        ]
    ).unique("gl_entry_no", keep="first", maintain_order=True)
    linked = remaining_pieces.filter(pl.col("value_entry_no").is_not_null())
    target = (
        linked.join(taken_back, left_on="gl_entry_no", right_on="_target", how="semi")
        .unique("gl_entry_no", keep="first", maintain_order=True)
        .select(
            pl.col("gl_entry_no").alias("_target"),
            pl.col("value_entry_no").alias("reversed_value_entry_no"),
            pl.col("account_role").alias("reversed_role"),
            (~pl.col("account_role").is_in(CONTROLLED_ROLES)).alias("reversed_other_role"),
        )
    )
    return taken_back.join(linked, on="gl_entry_no", how="anti").join(target, on="_target").drop("_target")


def _nature() -> pl.Expr:
    return (
        pl.when(pl.col("is_linked").fill_null(False)).then(pl.lit("linked"))
        .when(pl.col("origin").is_in(["opening", "continued"])).then("origin")
        .when(pl.col("account_no").is_null()).then(pl.lit("blank_account"))
        .when(pl.col("origin") == "closing").then(pl.lit("closing"))
        .when(pl.col("origin") == "compression").then(pl.lit("compressed"))
        .when(pl.col("reversed_value_entry_no").is_not_null()).then(pl.lit("reversed"))
        .when(pl.col("origin") == "inventory_cost").then(pl.lit("inventory_cost"))
        .when(pl.col("origin") == "document").then(pl.lit("document"))
        .otherwise(pl.lit("journal"))
    )  # fmt: skip


def _compressed(
    lines: pl.DataFrame,
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """How much of each compression line stands for posted lines that lost their own, so that the cause
    nets to 0.

    What the compressed lines of an account hold beyond that stands at the last of them.
    """
    replaced = _lost_to_compression(remaining_postings, remaining_pieces, account_scope, books)
    totals = replaced.group_by("account_no").agg(pl.col("amount").sum().alias("_lost"))
    on_accounts = lines.filter(pl.col("nature") == "compressed").join(
        totals, on="account_no", how="left", validate="m:1"
    )
    excess = pl.col("amount").sum().over("account_no") - pl.col("_lost").fill_null(0)
    is_last = pl.col("gl_entry_no") == pl.col("gl_entry_no").max().over("account_no")
    return on_accounts.select(
        "gl_entry_no",
        pl.when(is_last).then(pl.col("amount") - excess).otherwise("amount").alias("compressed_amount"),
    )  # fmt: skip


def _lost_to_compression(
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    periods = compressed_periods(books)
    lost = (
        remaining_postings.filter(pl.lit(periods.height > 0))
        .filter(
            (pl.col("posted_amount") != 0)
            & (pl.col("posted_amount") == pl.col("amount"))
            & (pl.col("posting_date") <= books.as_of)
            & (
                pl.col("account_role").is_in(CONTROLLED_ROLES)
                | ~pl.col("account_no").is_in(_controlled(account_scope))
            )
        )
        .join(remaining_pieces, on=["value_entry_no", "cost_kind", "account_role"], how="anti")
    )
    return lost.join_where(
        periods,
        pl.col("posting_date") >= pl.col("starting_date"),
        pl.col("posting_date") <= pl.col("ending_date"),
    ).unique(["value_entry_no", "cost_kind", "account_role"])


def compressed_periods(books: Books) -> pl.DataFrame:
    """The periods of the register of date compressions; without it, all dates up to the month of the last
    such line.
    """
    if books.compressed_periods.height:
        return books.compressed_periods
    last = books.gl_entries.filter(pl.col("origin") == "compression")["posting_date"]
    span = {"starting_date": [last.min()], "ending_date": [last.max()]}
    months = pl.DataFrame(span, schema=books.compressed_periods.schema).drop_nulls()
    return months.select(pl.col("starting_date").dt.month_start(), pl.col("ending_date").dt.month_end())


def _controlled(account_scope: pl.DataFrame) -> pl.Series:
    return account_scope.filter("is_controlled")["account_no"].drop_nulls().implode()


def _covered_documents(lines: pl.DataFrame, offsets: pl.DataFrame) -> pl.DataFrame:
    """How much of each document line on a controlled account its document's other-role lines there cover.

    A document is its number, else posting date + source number. Exact matches come first: all lines of a
    document number, one line against one document, all lines of a date and source; then what is left, in
    order of entry number.
    """
    documents = lines.filter((pl.col("nature") == "document") & pl.col("is_controlled"))
    matched: list[pl.DataFrame] = []
    left_documents, left_offsets = documents, offsets
    for key in (("document_no",), ("posting_date", "source_no")):
        for per_line in (False, True) if key == ("document_no",) else (True, False):
            hit = _equal(left_documents, left_offsets, key, per_line)
            matched.append(hit[0])
            left_documents = left_documents.join(hit[0], on="gl_entry_no", how="anti")
            left_offsets = left_offsets.join(hit[1], on="offset_no", how="anti")
    matched.append(_shared_out(left_documents, left_offsets))
    return pl.concat(matched)


def _offsets(
    lines: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    agreed_lines: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """Other-role lines on controlled accounts, summed per document of their value entries."""
    entries = books.value_entries.select(
        "value_entry_no", "source_no", pl.col("document_no").alias("_document")
    )
    accounts = _controlled(account_scope)
    on_controlled = lines.filter(pl.col("is_controlled")).select("gl_entry_no")
    columns = ("gl_entry_no", "value_entry_no", "account_no", "posting_date", "amount", "document_no")
    agreed = (
        agreed_lines.filter(_is_other_role() & pl.col("account_no").cast(pl.String).is_in(accounts))
        .with_columns(pl.col("account_no").cast(pl.String), document_no=pl.lit(None, pl.String))
        .select(columns)
    )
    pieces = (
        remaining_pieces.filter(_is_other_role())
        .filter(pl.col("account_no").is_null() | pl.col("account_no").is_in(accounts))
        .join(on_controlled, on="gl_entry_no", how="semi")
        .select(columns)
    )
    return (
        pl.concat([pieces, agreed])
        .sort("gl_entry_no", maintain_order=True)
        .join(entries, on="value_entry_no", how="left", validate="m:1", maintain_order="left")
        .with_columns(document_no=pl.coalesce("_document", "document_no"))
        .group_by("account_no", "document_no", "posting_date", "source_no", maintain_order=True)
        .agg(pl.col("amount").sum())
        .with_row_index("offset_no")
    )


def _is_other_role() -> pl.Expr:
    return ~pl.col("account_role").is_in(CONTROLLED_ROLES) & (pl.col("amount") != 0)


def _equal(
    documents: pl.DataFrame, offsets: pl.DataFrame, key: tuple[str, ...], per_line: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Document lines and offsets of one key that cancel exactly: line by line, or all lines together."""
    on = ["account_no", *key]
    known = pl.all_horizontal(pl.col(k).is_not_null() & (pl.col(k).cast(pl.String) != "") for k in key)
    if per_line:
        ours = documents.filter(known).with_columns(_rank=pl.int_range(pl.len()).over(*on, "amount"))
        theirs = offsets.filter(known).with_columns(amount=-pl.col("amount"))
        theirs = theirs.with_columns(_rank=pl.int_range(pl.len()).over(*on, "amount"))
        both = ours.join(theirs, on=[*on, "amount", "_rank"], how="inner", suffix="_offset")
        return both.select("gl_entry_no", covered_amount="amount"), both.select("offset_no")
    ours = documents.filter(known).group_by(on).agg(pl.col("amount").sum())
    theirs = offsets.filter(known).group_by(on).agg(-pl.col("amount").sum())
    both = ours.join(theirs, on=[*on, "amount"], how="inner").select(on)
    return (
        documents.join(both, on=on, how="semi").select("gl_entry_no", covered_amount="amount"),
        offsets.join(both, on=on, how="semi").select("offset_no"),
    )


def _shared_out(documents: pl.DataFrame, offsets: pl.DataFrame) -> pl.DataFrame:
    """Covers what is left, by document number and then by date and source, never beyond the opposite
    amount.
    """
    remaining = {row["offset_no"]: row["amount"] for row in offsets.iter_rows(named=True)}
    by_number: dict[tuple[object, ...], list[int]] = defaultdict(list)
    by_day: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for row in offsets.iter_rows(named=True):
        by_number[row["account_no"], row["document_no"]].append(row["offset_no"])
        by_day[row["account_no"], row["posting_date"], row["source_no"]].append(row["offset_no"])
    covered = []
    for row in documents.sort("gl_entry_no").iter_rows(named=True):
        open_amount = row["amount"]
        candidates = list(by_number[row["account_no"], row["document_no"]]) if row["document_no"] else []
        if row["source_no"]:
            candidates += by_day[row["account_no"], row["posting_date"], row["source_no"]]
        for offset_no in candidates:
            offset = remaining[offset_no]
            if open_amount * offset < 0:
                taken = min(abs(open_amount), abs(offset)) * (1 if open_amount > 0 else -1)
                open_amount -= taken
                remaining[offset_no] = offset + taken
        covered.append((row["gl_entry_no"], row["amount"] - open_amount))
    return pl.DataFrame(covered, schema={"gl_entry_no": pl.Int64, "covered_amount": AMOUNT}, orient="row")
