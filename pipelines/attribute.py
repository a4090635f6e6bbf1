"""Attributes every amount of the tie-outs to an account role and, where there is one, to a value entry.

Here: the finest parts of the tie-outs, from which every view of them foots. Not here: the sums themselves
(``reconcile``) and the views that are made of the parts (``value``, ``matrix``, ``wip``).
"""

import polars as pl

from schemas.ledger import CONTROLLED_ROLES, Books

SIDES = pl.Enum(["subledger", "gl", "other_activity"])
ORDER = ("order_no", "order_line_no")
PART = (
    "side", "account_no", "account_role", "balancing_role", "cost_kind", "value_entry_no", "gl_entry_no",
    "posting_date", "amount", "counts", "is_agreed", "document_no",
)  # fmt: skip


def attributed_lines(
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    agreed_parts: pl.DataFrame,
    activity: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
) -> pl.DataFrame:
    """One row per amount that a tie-out sums, up to as-of; debit positive.

    ``side`` says which figure it belongs to. Per account, the amounts of side ``gl`` sum to the tie-out's
    ``gl``, those of ``other_activity`` to its ``other_activity``, and those of ``subledger`` whose role
    ``counts`` to its ``subledger``: on a controlled account only the controlled roles count. A line of a
    posting group is there in the parts that belong to each value entry. A G/L line without a value entry
    has none, or the one whose line it takes back; its role is the account's own: the first controlled one,
    else the first (null where the account has none).

    Agreed lines are there in the sums of ``agreed_parts`` (``is_agreed``): the value entry is the first of
    those that it stands for, ``document_no`` is told where the sum is of one document alone.
    """
    own = _own_roles(account_scope)
    expected = remaining_postings.filter(
        (pl.col("outcome") == "posted") & (pl.col("posting_date") <= books.as_of)
    ).with_columns(gl_entry_no=pl.lit(None, pl.Int64))
    agreed = agreed_parts.with_columns(gl_entry_no=pl.lit(None, pl.Int64), is_agreed=True)
    pieces = pl.concat([_pieces(remaining_pieces, activity), agreed], how="diagonal")
    lines = activity.filter(pl.col("nature") != "linked").with_columns(
        value_entry_no="reversed_value_entry_no", account_role="reversed_role"
    )
    ledger = pl.concat([_side("gl", pieces, own), _side("gl", lines, own)])
    other = lines.with_columns(amount="other_amount").filter(pl.col("amount") != 0)
    carried = lines.with_columns(amount="carried_amount").filter(pl.col("amount") != 0)
    beside = _side("gl", pieces, own).filter(~pl.col("counts"))
    return pl.concat(
        [
            _side("subledger", expected, own),
            _side("subledger", agreed, own),
            _side("subledger", carried, own),
            ledger,
            _side("other_activity", other, own),
            beside.with_columns(side=pl.lit("other_activity", SIDES)),
        ]
    )


def entry_items(books: Books) -> pl.DataFrame:
    """Per value entry the item and the location that it is told under: ``value_entry_no``, ``item_no``,
    ``location_code``.

    A capacity entry belongs to the item that it helped to produce: that of its order line or of the line's
    output, else its source; blank where none is known.
    """
    source = pl.when(pl.col("source_type") == "Item").then("source_no")
    return (
        books.value_entries.select("value_entry_no", "item_no", "location_code", *ORDER, _source=source)
        .join(_produced(books), on=ORDER, how="left", validate="m:1", maintain_order="left")
        .select(
            "value_entry_no",
            pl.when(pl.col("item_no") == "").then(pl.coalesce("_produced", "_source", pl.lit("")))
            .otherwise("item_no").alias("item_no"),
            "location_code",
        )
    )  # fmt: skip


def _produced(books: Books) -> pl.DataFrame:
    """The item of each production order line, by the line itself or by what it put out."""
    outputs = books.value_entries.filter(
        (pl.col("item_ledger_entry_type") == "Output") & (pl.col("order_no") != "")
    )
    named = pl.concat([books.orders.select(*ORDER, "item_no"), outputs.select(*ORDER, "item_no")])
    return named.unique(ORDER, keep="first", maintain_order=True).rename({"item_no": "_produced"})


def _own_roles(account_scope: pl.DataFrame) -> pl.DataFrame:
    controlled = pl.col("roles").list.eval(pl.element().filter(pl.element().is_in(CONTROLLED_ROLES)))
    return account_scope.select(
        "account_no",
        "is_controlled",
        own_role=pl.coalesce(controlled.list.first(), pl.col("roles").list.first()),
    )


def _pieces(remaining_pieces: pl.DataFrame, activity: pl.DataFrame) -> pl.DataFrame:
    """The pieces of linked lines that a tie-out sums; they sum to their lines."""
    return remaining_pieces.join(
        activity.filter(pl.col("nature") == "linked").select("gl_entry_no"), on="gl_entry_no", how="semi"
    )


def _side(side: str, rows: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    counts = (
        pl.col("account_role").is_in(CONTROLLED_ROLES).fill_null(True)
        | ~pl.col("is_controlled")
        | pl.col("account_no").is_null()
    )
    kinds = {
        "balancing_role": pl.String,
        "cost_kind": pl.String,
        "document_no": pl.String,
        "is_agreed": pl.Boolean,
    }
    absent = [pl.lit(None, kind).alias(c) for c, kind in kinds.items() if c not in rows.columns]
    return (
        rows.drop("is_controlled", strict=False)
        .with_columns(*absent, side=pl.lit(side, SIDES))
        .with_columns(pl.col("is_agreed").fill_null(False))
        .with_columns(document_no=pl.when("is_agreed").then("document_no"))
        .join(own, on="account_no", how="inner", nulls_equal=True, validate="m:1")
        .with_columns(account_role=pl.coalesce("account_role", "own_role"))
        .with_columns(counts=counts)
        .select(PART)
    )
