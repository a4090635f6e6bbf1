"""Clearing lines: what each G/L line on a clearing account belongs to, by the document trail of the stock
ledger.

Here: lineage, from a G/L line by its value entries to an item ledger entry, a production order line or a
document. Not here: lines without lineage that answer each other (``match``), and ages (``age``).
"""

import polars as pl

from schemas.ledger import CLEARING_ROLES, Books

#: Where a line without a value entry comes from when posting wrote it and not a person.
POSTED_FROM = ("inventory_cost", "document", "compression", "closing", "opening", "continued")
#: Lines that stand for a balance, or go on with one: compressed lines, and what was carried over a cut-over.
#: Those of an account are one item.
OF_A_BALANCE = {"compression": "compression", "opening": "opening balance", "continued": "opening balance"}
CARRIED_OVER = f"doc:{OF_A_BALANCE['opening']}"
#: Causes of value entries that posting will still clear: until then nothing is left over.
STILL_TO_POST = ("unposted", "unposted_not_queued", "skipped_setup")
#: The rules of lineage (``matching_rules.csv``), in the order in which a value entry's part is told by them.
BY_STOCK = ("item_ledger_entry", "order_line", "document", "none")
BY_ORDER = ("order_line", "item_ledger_entry", "document", "none")
BY_DOCUMENT = ("document", "item_ledger_entry", "order_line", "none")
PART = (
    "account_no", "account_role", "item_key", "rule_id", "gl_entry_no", "value_entry_no", "posting_date",
    "amount", "document_no", "is_free", "is_passing", "is_done",
)  # fmt: skip


def clearing_lines(
    remaining_pieces: pl.DataFrame,
    uncleared_lines: pl.DataFrame,
    remaining_books: Books,
    account_scope: pl.DataFrame,
    line_findings: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """The G/L lines up to as-of on clearing accounts, in the parts that belong to each item.

    A value entry's part belongs to its item ledger entry (``ile:n``), in the role WIP to its production
    order line (``order:type/no/line``); where it stands there in a role that nothing clears, and on
    accounts that the user named, to its document (``doc:no``). A line without a value entry takes the item
    of the line that it reverses; what posting wrote belongs to its document; what a person wrote stands
    for itself (``gl:n``). ``is_free``: no stock entry says what clears it. ``is_passing``: the part is of a
    role that is cleared, not of stock or cost that stays on a shared account. ``is_done``: its item is
    fully invoiced or its order finished by as-of, and all of that is posted: nothing further clears it.

    Parts sum to the G/L balance of each account, debit positive; items that agreed lines close among
    themselves (``cleared``) aren't here. Lines with amount 0 are left out.
    """
    ledger = pl.concat([remaining_books.gl_entries, _looked_at(uncleared_lines, books)]).sort("gl_entry_no")
    lines = _lines(account_scope, ledger, books)
    pieces = _pieces(remaining_pieces, uncleared_lines)
    linked = (
        _linked(lines, pieces, _compressed(lines, line_findings), books)
        .pipe(_with_done, line_findings, books)
        .pipe(_carried_over, lines, books)
    )
    rest = _rest(lines, linked, pieces)
    reversals = _reversals(rest, lines)
    own = _own(rest.join(reversals, on="gl_entry_no", how="anti"))
    parts = pl.concat([linked.select(PART), own.select(PART)])
    return pl.concat([parts, _taken_back(reversals, parts, lines)]).sort("gl_entry_no", "value_entry_no")


def _looked_at(uncleared_lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The G/L lines of agreed lines that aren't cleared; of the sum of a posting group, their part."""
    parts = uncleared_lines.group_by("gl_entry_no").agg(pl.col("amount").sum().alias("_part"))
    return (
        books.gl_entries.join(parts, on="gl_entry_no", how="inner", validate="1:1")
        .with_columns(amount="_part")
        .drop("_part")
    )


def _pieces(remaining_pieces: pl.DataFrame, uncleared_lines: pl.DataFrame) -> pl.DataFrame:
    """The parts of lines by value entry: an agreed line has one."""
    columns = ("gl_entry_no", "value_entry_no", "account_role", "amount")
    return pl.concat(
        [
            remaining_pieces.select(columns),
            uncleared_lines.select(columns).with_columns(pl.col("account_role").cast(pl.String)),
        ]
    )


def _lines(account_scope: pl.DataFrame, gl_entries: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The G/L lines on clearing accounts, with what makes each account one: a role, else the user's word."""
    roles = pl.col("roles").list
    by_role = account_scope.select(
        "account_no",
        pl.coalesce(pl.when(roles.contains(role)).then(pl.lit(role)) for role in CLEARING_ROLES).alias(
            "account_role"
        ),
        pl.lit(False).alias("is_named"),
    ).drop_nulls()
    by_name = books.clearing_accounts.select(
        "account_no", pl.col("purpose").alias("account_role"), pl.lit(True).alias("is_named")
    )
    accounts = pl.concat([by_role, by_name]).unique("account_no", keep="first", maintain_order=True)
    counting = (pl.col("posting_date") <= books.as_of) & (pl.col("amount") != 0)
    return (
        gl_entries.filter(counting)
        .join(accounts, on="account_no", how="inner", validate="m:1", maintain_order="left")
        .select(
            "gl_entry_no", "account_no", "account_role", "is_named", "posting_date", "amount", "document_no",
            "origin", "reverses", "reversed_by",
        )
    )  # fmt: skip


def _compressed(lines: pl.DataFrame, line_findings: pl.DataFrame) -> pl.DataFrame:
    """What value entries had posted before date compression replaced the lines: parts of the last line
    that compression wrote on the account.
    """
    last = (
        lines.filter(pl.col("origin") == "compression")
        .group_by("account_no")
        .agg(pl.col("gl_entry_no").max())
    )
    return (
        line_findings.filter(pl.col("cause") == "compressed")
        .select(
            "account_no", "value_entry_no", pl.col("account_role").alias("role"),
            (pl.col("expected_amount") - pl.col("actual_amount")).alias("part"),
        )
        .join(last, on="account_no", how="inner", validate="m:1")
        .drop("account_no")
    )  # fmt: skip


def _linked(
    lines: pl.DataFrame, pieces: pl.DataFrame, compressed: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """The parts that value entries claim, each with its item and the rule that tells it."""
    claimed = pieces.filter(pl.col("value_entry_no").is_not_null()).select(
        "gl_entry_no", "value_entry_no", pl.col("account_role").alias("role"), pl.col("amount").alias("part")
    )
    claimed = pl.concat([claimed, compressed.select(claimed.columns)]).filter(pl.col("part") != 0)
    entries = books.entries_of(claimed).select(
        "value_entry_no", "item_ledger_entry_no", "order_type", "order_no", "order_line_no",
        "is_fully_invoiced", pl.col("document_no").alias("entry_document_no"),
    )  # fmt: skip
    role = pl.coalesce("role", "account_role")
    is_cleared = role.is_in(CLEARING_ROLES)
    return (
        lines.join(claimed, on="gl_entry_no", how="inner", validate="1:m")
        .join(entries, on="value_entry_no", how="left", validate="m:1")
        .with_columns(
            amount="part",
            account_role=pl.when(is_cleared & ~pl.col("is_named")).then(role).otherwise("account_role"),
            document_no=pl.when(pl.col("entry_document_no") != "")
            .then("entry_document_no")
            .otherwise("document_no"),
            is_free=pl.col("is_named"),
            is_passing=is_cleared | pl.col("is_named"),
            is_of_document=pl.col("is_named") | ~role.is_in((*CLEARING_ROLES, "inventory")),
            is_of_order=role == "wip",
        )
        .with_columns(rule_id=_rule())
        .with_columns(item_key=_key())
    )


def _with_done(linked: pl.DataFrame, line_findings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Whether anything further is to clear the part's item."""
    order = ["order_no", "order_line_no"]
    late = books.value_entries.join(
        line_findings.filter(pl.col("cause").is_in(STILL_TO_POST)), on="value_entry_no", how="semi"
    )
    late_stock = late.select("item_ledger_entry_no").drop_nulls().unique().with_columns(_late_stock=True)
    late_orders = late.select(order).unique().with_columns(_late_order=True)
    done = {
        "item_ledger_entry": ~pl.col("is_of_order")
        & pl.col("is_fully_invoiced")
        & pl.col("_late_stock").is_null(),
        "order_line": pl.col("is_finished") & pl.col("_late_order").is_null(),
    }
    return (
        linked.join(late_stock, on="item_ledger_entry_no", how="left", validate="m:1")
        .join(late_orders, on=order, how="left", validate="m:1")
        .join(_finished_orders(books), on=order, how="left", validate="m:1")
        .with_columns(
            is_done=pl.coalesce(
                *(pl.when(pl.col("rule_id") == rule).then(is_done) for rule, is_done in done.items()), False
            )
        )
    )  # fmt: skip


def _carried_over(linked: pl.DataFrame, lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Parts of entries and order lines that began before a cut-over, under the balance that was carried over:
    it holds what opened them. Without item ledger entries, those that no value entry of receipt opened.
    """
    is_opening = pl.col("origin") == "opening"
    cut_over = lines.filter(is_opening).group_by("account_no").agg(pl.col("posting_date").max().alias("_cut"))
    if not cut_over.height:
        return linked
    order = ["order_no", "order_line_no"]
    stock = books.item_ledger_entries.select(
        "item_ledger_entry_no", *order, pl.col("posting_date").alias("_began")
    )
    orders = stock.group_by(order).agg(pl.col("_began").min().alias("_order_began"))
    opened = books.value_entries.filter("is_expected")["item_ledger_entry_no"].drop_nulls().implode()
    is_unopened = ~pl.col("item_ledger_entry_no").is_in(opened)
    is_before = (
        pl.when(pl.col("rule_id") == "order_line").then(pl.col("_order_began") <= pl.col("_cut"))
        .when(pl.col("rule_id") == "item_ledger_entry")
        .then(pl.coalesce(pl.col("_began") <= pl.col("_cut"), is_unopened & pl.col("_cut").is_not_null()))
    )  # fmt: skip
    is_carried = is_before.fill_null(False)
    return (
        linked.join(cut_over, on="account_no", how="left", validate="m:1")
        .join(stock.drop(order), on="item_ledger_entry_no", how="left", validate="m:1")
        .join(orders, on=order, how="left", validate="m:1")
        .with_columns(
            item_key=pl.when(is_carried).then(pl.lit(CARRIED_OVER)).otherwise("item_key"),
            rule_id=pl.when(is_carried).then(pl.lit("carried_over")).otherwise("rule_id"),
            is_done=pl.col("is_done") & ~is_carried,
        )
    )


def _finished_orders(books: Books) -> pl.DataFrame:
    """Production order lines that are finished, without a value entry after as-of.

    The status is today's: an order that went on after as-of was not finished then.
    """
    line = ["order_no", "order_line_no"]
    later = books.value_entries.filter(pl.col("posting_date") > books.as_of)
    finished = (pl.col("status") == "Finished") | pl.col("is_adjustment_finished")
    return (
        books.orders.filter(finished.fill_null(False))
        .select(line)
        .unique()
        .join(later, on=line, how="anti")
        .with_columns(is_finished=True)
    )


def _rule() -> pl.Expr:
    """The first rule that can name an item, in the order that the part's role asks for."""
    can = {
        "item_ledger_entry": pl.col("item_ledger_entry_no").is_not_null(),
        "order_line": pl.col("order_no") != "",
        "document": pl.col("document_no") != "",
        "none": pl.lit(True),
    }

    def first(rules: tuple[str, ...]) -> pl.Expr:
        return pl.coalesce(pl.when(can[rule]).then(pl.lit(rule)) for rule in rules)

    return (
        pl.when("is_of_document").then(first(BY_DOCUMENT))
        .when("is_of_order").then(first(BY_ORDER))
        .otherwise(first(BY_STOCK))
    )  # fmt: skip


def _key() -> pl.Expr:
    """The item that the part's rule names."""
    order_type, line_no = pl.col("order_type").fill_null(""), pl.col("order_line_no").fill_null(0)
    rule = pl.col("rule_id")
    return (
        pl.when(rule == "item_ledger_entry").then(pl.format("ile:{}", "item_ledger_entry_no"))
        .when(rule == "order_line").then(pl.format("order:{}/{}/{}", order_type, "order_no", line_no))
        .when(rule == "document").then(pl.format("doc:{}", "document_no"))
        .otherwise(pl.format("gl:{}", "gl_entry_no"))
    )  # fmt: skip


def _rest(lines: pl.DataFrame, linked: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    """What value entries leave of each line; ``is_residual``: they do claim some of it."""
    claimed = linked.group_by("gl_entry_no").agg(pl.col("amount").sum().alias("_claimed"))
    left = (
        lines.join(claimed, on="gl_entry_no", how="left", validate="1:1")
        .with_columns(pl.col("amount") - pl.col("_claimed").fill_null(0))
        .filter(pl.col("amount") != 0)
    )
    touched = pieces.join(left, on="gl_entry_no", how="semi")["gl_entry_no"].unique().implode()
    return left.with_columns(
        is_residual=pl.col("_claimed").is_not_null() | pl.col("gl_entry_no").is_in(touched)
    )


def _own(rest: pl.DataFrame) -> pl.DataFrame:
    """Lines without a value entry: their document's where posting wrote them, else their own."""
    balance = pl.col("origin").replace_strict(OF_A_BALANCE, default=None)
    document = pl.coalesce(balance, pl.when(pl.col("document_no") != "").then("document_no"))
    is_posted = pl.col("is_residual") | pl.col("origin").is_in(POSTED_FROM)
    of_document = is_posted & document.is_not_null()
    return rest.with_columns(
        value_entry_no=pl.lit(None, pl.Int64),
        item_key=pl.when(of_document)
        .then(pl.format("doc:{}", document))
        .otherwise(pl.format("gl:{}", "gl_entry_no")),
        rule_id=pl.when(of_document).then(pl.lit("document")).otherwise(pl.lit("none")),
        is_free=balance.is_null(),
        is_passing=pl.lit(True),
        is_done=pl.lit(False),
    )


def _reversals(rest: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Lines that take back an earlier line of their account to the cent: ``gl_entry_no``, the line at the
    beginning of the chain (``root_no``), and whether it is ``is_opposite``.
    """
    told = pl.concat(
        [
            lines.select("gl_entry_no", pl.col("reverses").alias("target_no")),
            lines.select(
                pl.col("reversed_by").alias("gl_entry_no"), pl.col("gl_entry_no").alias("target_no")
            ),
        ]
    ).drop_nulls()
    targets = lines.select(
        pl.col("gl_entry_no").alias("target_no"), "account_no", (-pl.col("amount")).alias("amount")
    )
    earlier = (
        told.filter(pl.col("target_no") < pl.col("gl_entry_no"))
        .unique("gl_entry_no", keep="first", maintain_order=True)
        .join(rest.filter(~pl.col("is_residual")), on="gl_entry_no", how="inner", validate="1:1")
        .join(targets, on=["target_no", "account_no", "amount"], how="semi")
        .sort("gl_entry_no")
    )
    roots: dict[int, tuple[int, bool]] = {}
    for line_no, target_no in earlier.select("gl_entry_no", "target_no").iter_rows():
        root_no, is_opposite = roots.get(target_no, (target_no, False))
        roots[line_no] = (root_no, not is_opposite)
    return pl.DataFrame(
        [(line_no, *root) for line_no, root in roots.items()],
        schema={"gl_entry_no": pl.Int64, "root_no": pl.Int64, "is_opposite": pl.Boolean},
        orient="row",
    )


def _taken_back(reversals: pl.DataFrame, parts: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The reversing lines in the parts of the line that they take back."""
    own = lines.select("gl_entry_no", pl.col("posting_date").alias("_on"))
    return (
        reversals.join(parts.rename({"gl_entry_no": "root_no"}), on="root_no", how="inner")
        .join(own, on="gl_entry_no", how="left", validate="m:1")
        .with_columns(
            posting_date="_on",
            amount=pl.when("is_opposite").then(-pl.col("amount")).otherwise("amount"),
            rule_id=pl.lit("reversal"),
        )
        .select(PART)
    )
