"""Pieces: which G/L lines belong to which expected line of which value entry.

Here: the claim of every linked G/L line by an expected line, in passes from exact to loose. Not here:
inferring links where no relation table was given (``infer``), what a difference means (``explain``).
"""

from collections.abc import Callable
from functools import partial

import polars as pl

from schemas.ledger import Books
from schemas.money import AMOUNT

LINE = ("value_entry_no", "cost_kind", "account_role")
LINE_NO = pl.get_index_type()  # the place of an expected line, its key in here
#: Passes that give one G/L line to one expected line, strictest first: what must agree beside the value
#: entry.
EXACT = ("account_key", "amount", "amount_acy")
LOOSE = (("amount", "amount_acy", "is_debit"), ("account_key", "is_debit"), ("is_debit",))
PIECE = ("gl_entry_no", "line_no", *LINE, "amount", "amount_acy", "is_residual")


def pieces(remaining_postings: pl.DataFrame, remaining_books: Books, links: pl.DataFrame) -> pl.DataFrame:
    """The G/L lines that value entries account for, split into the pieces that belong to each expected
    line; lines of entries that agree in everything were told apart before.

    ``links`` is the relation table or what was inferred in its place (``gl_entry_no``,
    ``value_entry_no``, ``inferred``). A relation row carries no amount and may point elsewhere, so a link
    is only a hint: a line is claimed by account and amount first, then with one of the two changed. A
    line of a posting group is claimed by all its entries at once; what the entries don't explain is a
    piece with ``value_entry_no`` null and ``is_residual`` true, unless exactly one entry explains it.
    Pieces of one G/L line sum to its amount. Lines with amount 0 in both currencies are left out.
    ``cost_kind`` is null on a line that no expected line of its entry could claim.

    Source: codeunit 5802, CreateGLItemLedgerRelationEntry; table 48, key 1.
    """
    lines, ledger_lines = _with_accounts(
        _claimable(remaining_postings), _with_amount(remaining_books.gl_entries)
    )
    pairs = (
        links.select("gl_entry_no", "value_entry_no")
        .join(remaining_books.value_entries.select("value_entry_no"), on="value_entry_no", how="semi")
        .join(ledger_lines, on="gl_entry_no", how="inner")
        .with_columns(_entry_account())
    )  # a relation row to a zero line or to nowhere claims nothing; ``faults`` lists the latter
    return (
        _in_order(_claimed(lines, pairs, remaining_books), ledger_lines)
        .join(
            remaining_books.gl_entries.select(
                "gl_entry_no", "account_no", "posting_date", "dimension_set_id", "document_no", "source_code",
                "origin", "transaction_no", "reversed_by",
            ),
            on="gl_entry_no",
            how="left",
            validate="m:1",
            maintain_order="left",
        )
        .pipe(_with_inferred, links, remaining_books)
    )  # fmt: skip


def _claimed(lines: pl.DataFrame, pairs: pl.DataFrame, books: Books) -> "Desk":
    """The desk after all passes, exact to loose; in right books the first one leaves nothing to claim."""
    desk = Desk(lines, pairs)
    is_single = pl.col("gl_entry_no").is_unique()
    from_inventory = pl.col("origin").is_in(["inventory_cost", "unknown", "compression"])
    passes: tuple[Callable[[], None], ...] = (
        lambda: desk.take(_claim(desk.free, desk.unclaimed.filter(is_single), EXACT)),
        lambda: desk.take(_claim(desk.free, desk.unclaimed, EXACT)),
        lambda: desk.take(_claim(desk.free, desk.unclaimed, EXACT)),
        lambda: desk.share(_claim_groups(desk.free, desk.unclaimed, account_fits=True)),
        lambda: desk.share(_claim_groups(desk.free, desk.unclaimed, account_fits=False)),
        lambda: desk.share(_claim_groups_with_residual(desk.free, desk.unclaimed)),
        lambda: desk.take(_claim(_in_full(desk.free), desk.unclaimed, EXACT)),
        lambda: desk.take(_claim(desk.free, desk.unclaimed, LOOSE[0])),
        *(partial(_take_inventory, desk, from_inventory, agree) for agree in LOOSE[1:]),
        lambda: desk.share(_claim_groups(lines, desk.unclaimed, account_fits=True)),  # posted again
        lambda: desk.take(_claim_extra(lines, desk.unclaimed.filter(from_inventory), books)),
    )
    for claim in passes:
        if desk.unclaimed.is_empty():
            break
        claim()
    return desk


def _take_inventory(desk: "Desk", from_inventory: pl.Expr, agree: tuple[str, ...]) -> None:
    desk.take(_claim(desk.free, desk.unclaimed.filter(from_inventory), agree))


def _in_order(desk: "Desk", ledger_lines: pl.DataFrame) -> pl.DataFrame:
    """The pieces by G/L entry, value entry, cost kind and role.

    Only the pieces of shared lines need all four: the others are the only ones of their G/L entry. A
    stable sort by one number costs a quarter of one by four columns.
    """
    shares = pl.concat([desk.shares, _remainders(desk.shares, ledger_lines)]).sort(
        "gl_entry_no", "value_entry_no", "cost_kind", "account_role", nulls_last=True
    )
    return pl.concat([desk.pieces, shares]).drop("line_no").sort("gl_entry_no", maintain_order=True)


def _with_inferred(pieces: pl.DataFrame, links: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Which pieces rest on an inferred link; with a relation table none does."""
    if books.has_relations and not links["inferred"].any():
        return pieces.with_columns(unit=pl.lit(None, pl.String), inferred=pl.lit(False))
    return pieces.join(
        links, on=["gl_entry_no", "value_entry_no"], how="left", maintain_order="left"
    ).with_columns(pl.col("inferred").fill_null(not books.has_relations))


def _remainders(claimed: pl.DataFrame, ledger_lines: pl.DataFrame) -> pl.DataFrame:
    """What the pieces of a line leave over, so that they always sum to its amount."""
    return (
        claimed.group_by("gl_entry_no", maintain_order=True)
        .agg(pl.col("account_role").first(), pl.col("amount", "amount_acy").sum().name.suffix("_claimed"))
        .join(ledger_lines, on="gl_entry_no", how="left", validate="1:1")
        .with_columns(
            pl.lit(None, pl.Int64).alias("value_entry_no"),
            pl.lit(None, LINE_NO).alias("line_no"),
            pl.lit(None, pl.String).alias("cost_kind"),
            pl.col("amount") - pl.col("amount_claimed"),
            pl.col("amount_acy") - pl.col("amount_acy_claimed"),
            pl.lit(True).alias("is_residual"),
        )
        .filter((pl.col("amount") != 0) | (pl.col("amount_acy") != 0))
        .select(PIECE)
    )


def _claimable(remaining_postings: pl.DataFrame) -> pl.DataFrame:
    """The lines that can claim: at the amount flagged as posted, else at the expected one."""
    was_posted = (pl.col("posted_amount") != 0) | (pl.col("posted_amount_acy") != 0)
    return remaining_postings.filter(pl.col("outcome") == "posted").select(
        *LINE,
        "balancing_role",
        "ordinal",
        pl.when(was_posted).then("posted_amount").otherwise("amount").alias("amount"),
        pl.when(was_posted).then("posted_amount_acy").otherwise("amount_acy").alias("amount_acy"),
        pl.col("amount", "amount_acy").name.prefix("full_"),
        pl.col("account_no").fill_null("").alias("account_key"),
    ).with_row_index("line_no").pipe(_with_sign)  # fmt: skip


def _in_full(lines: pl.DataFrame) -> pl.DataFrame:
    """Lines whose flag says another amount than their cost, at their cost: the flag may be wrong."""
    is_other = pl.any_horizontal(pl.col(a) != pl.col(f"full_{a}") for a in ("amount", "amount_acy"))
    return lines.filter(is_other).with_columns(amount="full_amount", amount_acy="full_amount_acy")


def _with_amount(gl_entries: pl.DataFrame) -> pl.DataFrame:
    return (
        gl_entries.filter((pl.col("amount") != 0) | (pl.col("amount_acy") != 0))
        .select(
            "gl_entry_no",
            "amount",
            "amount_acy",
            "origin",
            pl.col("account_no").fill_null("").alias("account_key"),
        )
        .pipe(_with_sign)
    )


def _with_accounts(lines: pl.DataFrame, ledger_lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both with their accounts as categories of one list, so that they compare as numbers."""
    accounts = pl.Enum(
        pl.concat([lines["account_key"].unique(), ledger_lines["account_key"].unique()]).unique().sort()
    )
    account = pl.col("account_key").cast(accounts)
    return (
        lines.with_columns(account).with_columns(_entry_account()),
        ledger_lines.with_columns(account),
    )


def _entry_account() -> pl.Expr:
    """Value entry and account as one number; the join on it costs a third of one on number and text.

    BC's entry numbers and a list of accounts take less than 32 bits each.
    """
    account = pl.col("account_key").to_physical().cast(pl.Int64)
    return (pl.col("value_entry_no") * 2**31 + account).alias("entry_account")


def _with_sign(lines: pl.DataFrame) -> pl.DataFrame:
    """BC's sign flag: a credit when the local or the additional-currency amount is negative."""
    return lines.with_columns(is_debit=~((pl.col("amount") < 0) | (pl.col("amount_acy") < 0)))


class Desk:
    """Where lines are claimed: expected lines that are still free, linked lines that nobody claimed, and
    the pieces: whole lines, and shares of lines.
    """

    def __init__(self, lines: pl.DataFrame, pairs: pl.DataFrame) -> None:
        self.free = lines
        self.unclaimed = pairs
        self.pieces = _no_pieces()
        self.shares = _no_pieces()

    def take(self, pieces: pl.DataFrame) -> None:
        """Keeps the whole lines of one pass; what they claim is gone for the passes after it."""
        self.pieces = pl.concat([self.pieces, pieces])
        self._strike(pieces)

    def share(self, pieces: pl.DataFrame) -> None:
        """Keeps the shares of one pass, which may leave some of their lines over."""
        self.shares = pl.concat([self.shares, pieces])
        self._strike(pieces)

    def _strike(self, pieces: pl.DataFrame) -> None:
        if pieces.height:
            self.free = self.free.join(pieces, on="line_no", how="anti")
            self.unclaimed = self.unclaimed.join(pieces, on="gl_entry_no", how="anti")


def _no_pieces() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "gl_entry_no": pl.Int64, "line_no": LINE_NO, "value_entry_no": pl.Int64, "cost_kind": pl.String,
            "account_role": pl.String, "amount": AMOUNT, "amount_acy": AMOUNT, "is_residual": pl.Boolean,
        }
    )  # fmt: skip


def _claim(lines: pl.DataFrame, pairs: pl.DataFrame, agree: tuple[str, ...]) -> pl.DataFrame:
    """Gives each G/L line to one expected line of a linked entry that agrees on the key, in posting order.

    BC writes the lines of an entry in the order of the account roles, so equal candidates pair off by rank.
    """
    key = ["value_entry_no", *agree]
    both = _agreeing(lines, pairs, agree)
    is_alone = pl.col("line_no").is_unique() & pl.col("gl_entry_no").is_unique()
    marked = both.with_columns(is_alone=is_alone)
    alone = marked.filter("is_alone")
    several = marked.filter(~pl.col("is_alone")).select("value_entry_no").unique()
    ranked_lines = (
        lines.join(several, on="value_entry_no", how="semi")
        .join(alone, on="line_no", how="anti")
        .sort("value_entry_no", "cost_kind", "ordinal")
        .with_columns(_rank=pl.int_range(pl.len()).over(key))
    )
    ranked_pairs = (
        pairs.join(several, on="value_entry_no", how="semi")
        .join(alone, on="gl_entry_no", how="anti")
        .sort("value_entry_no", "gl_entry_no")
        .with_columns(_rank=pl.int_range(pl.len()).over(key))
    )
    paired = ranked_pairs.join(ranked_lines, on=[*key, "_rank"], how="inner", suffix="_line").unique(
        "gl_entry_no", keep="first", maintain_order=True
    )
    return pl.concat([part.with_columns(is_residual=pl.lit(False)).select(PIECE) for part in (alone, paired)])


def _agreeing(lines: pl.DataFrame, pairs: pl.DataFrame, agree: tuple[str, ...]) -> pl.DataFrame:
    """Pairs beside the lines of their entry that agree. Joined on one number, the rest compared: an entry
    has few lines, and joining on all of it costs three times as much.
    """
    on = "entry_account" if "account_key" in agree else "value_entry_no"
    rest = [c for c in agree if c != "account_key"]
    ours = lines.select(
        "line_no", "cost_kind", "account_role", on, *(pl.col(c).alias(f"{c}_line") for c in rest)
    )
    theirs = pairs.select(sorted({"gl_entry_no", "value_entry_no", "amount", "amount_acy", on, *rest}))
    return theirs.join(ours, on=on, how="inner").filter(pl.col(c) == pl.col(f"{c}_line") for c in rest)


def _candidates(lines: pl.DataFrame, pairs: pl.DataFrame, account_fits: bool) -> pl.DataFrame:
    """Expected lines that a posting-group line could be the sum of: those of its entries with its sign."""
    on = ["value_entry_no", "is_debit", *(["account_key"] if account_fits else [])]
    is_group = pl.col("value_entry_no").n_unique().over("gl_entry_no") > 1
    return pairs.filter(is_group).join(lines, on=on, how="inner", suffix="_line")


def _sums(candidates: pl.DataFrame) -> pl.DataFrame:
    return candidates.group_by("gl_entry_no", "account_role", "balancing_role").agg(
        pl.col("amount").first(),
        pl.col("amount_acy").first(),
        pl.col("amount_line").sum().alias("_sum"),
        pl.col("amount_acy_line").sum().alias("_sum_acy"),
        pl.col("ordinal").first(),
    )


def _claim_groups(lines: pl.DataFrame, pairs: pl.DataFrame, account_fits: bool) -> pl.DataFrame:
    """Gives a posting-group line to all expected lines of one role whose sum is its amount."""
    candidates = _candidates(lines, pairs, account_fits)
    fits = (pl.col("_sum") == pl.col("amount")) & (pl.col("_sum_acy") == pl.col("amount_acy"))
    chosen = (
        _sums(candidates)
        .filter(fits)
        .sort("gl_entry_no", "ordinal", "balancing_role")
        .unique("gl_entry_no", keep="first", maintain_order=True)
    )
    return _pieces_of(candidates, chosen)


def _pieces_of(candidates: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    return (
        candidates.join(chosen, on=["gl_entry_no", "account_role", "balancing_role"], how="semi")
        .sort("gl_entry_no", "value_entry_no", "cost_kind")
        .unique("line_no", keep="first", maintain_order=True)
        .with_columns(amount="amount_line", amount_acy="amount_acy_line", is_residual=pl.lit(False))
        .select(PIECE)
    )


def _claim_groups_with_residual(lines: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Gives what is left of the posting-group lines to the nearest sum; the rest stays visible at the G/L
    line.

    The rest belongs to one entry where exactly one explains it: its line was left out of the sum, or
    counted twice.
    """
    candidates = _candidates(lines, pairs, account_fits=True)
    rest = pl.col("amount") - pl.col("_sum")
    chosen = (
        _sums(candidates)
        .with_columns(_rest=rest, _rest_acy=pl.col("amount_acy") - pl.col("_sum_acy"), _size=rest.abs())
        .sort("gl_entry_no", "_size", "ordinal", "balancing_role")
        .unique("gl_entry_no", keep="first", maintain_order=True)
    )
    pieces = _pieces_of(candidates, chosen).join(
        chosen.select("gl_entry_no", "_rest", "_rest_acy"), on="gl_entry_no", how="left", validate="m:1"
    )
    explains = (pl.col("amount") == -pl.col("_rest")) | (pl.col("amount") == pl.col("_rest"))
    explained = pieces.with_columns(_explains=explains).with_columns(
        _is_only=pl.col("_explains") & (pl.col("_explains").sum().over("gl_entry_no") == 1)
    )
    settled = explained.with_columns(
        amount=pl.when("_is_only").then(pl.col("amount") + pl.col("_rest")).otherwise("amount"),
        amount_acy=pl.when("_is_only")
        .then(pl.col("amount_acy") + pl.col("_rest_acy"))
        .otherwise("amount_acy"),
    )
    residual = (
        explained.group_by("gl_entry_no", maintain_order=True)
        .agg(pl.col("_rest", "_rest_acy", "account_role").first(), pl.col("_is_only").any())
        .filter(~pl.col("_is_only"))
        .select(
            "gl_entry_no",
            pl.lit(None, LINE_NO).alias("line_no"),
            pl.lit(None, pl.Int64).alias("value_entry_no"),
            pl.lit(None, pl.String).alias("cost_kind"),
            "account_role",
            pl.col("_rest").alias("amount"),
            pl.col("_rest_acy").alias("amount_acy"),
            pl.lit(True).alias("is_residual"),
        )
    )
    return pl.concat([settled.select(PIECE), residual.select(PIECE)])


def _claim_extra(lines: pl.DataFrame, pairs: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Gives a linked line that is one too many to the line of its entry that it repeats, else to the
    entry alone.

    Meant for inventory-cost lines: a relation row of a zero line may point at any G/L entry before it.
    """
    repeated = (
        pairs.sort("gl_entry_no", "value_entry_no")
        .join(lines, on=["value_entry_no", "account_key"], how="left", suffix="_line")
        .with_columns(
            _distance=(pl.col("amount") - pl.col("amount_line")).abs(),
            _other_sign=pl.col("is_debit") != pl.col("is_debit_line"),
        )
        .sort("gl_entry_no", "_distance", "_other_sign", "ordinal", nulls_last=True)
        .unique("gl_entry_no", keep="first", maintain_order=True)
    )
    roles = (
        books.posting_accounts.filter(pl.col("account_no").is_not_null())
        .group_by("account_no", maintain_order=True)
        .agg(pl.col("account_role").first().alias("_setup_role"))
        .select(
            "_setup_role", account_key=pl.col("account_no").cast(pairs["account_key"].dtype, strict=False)
        )
        .drop_nulls("account_key")
    )
    return (
        repeated.join(roles, on="account_key", how="left", validate="m:1")
        .with_columns(
            account_role=pl.coalesce("account_role", "_setup_role"),
            is_residual=pl.lit(False),
            amount=pl.col("amount").cast(AMOUNT),
        )
        .select(PIECE)
    )
