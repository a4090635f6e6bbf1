"""What the user states of the G/L, beside what its entries say: the ERP's own trial balance.

Here: the balance by the entries on each stated date. Not here: what a difference means (``completeness``),
the balances on the as-of date (``trace``).
"""

import polars as pl

from schemas.bc import Extract, snake
from schemas.ledger import Books
from schemas.money import AMOUNT

TABLE = "trial_balance"
SHAPE = {"account_no": pl.String(), "date": pl.Date(), "stated": AMOUNT, "by_entries": AMOUNT}


def stated_balances(extract: Extract, books: Books) -> pl.DataFrame:
    """Each row of the trial balance given: ``account_no``, ``date``, ``stated``, ``by_entries``, debit
    positive.

    ``by_entries`` sums the G/L entries up to the date, all of them where none is stated. It is null where the
    entries can't tell: of a day before a cut-over, and of an account whose balance wasn't carried over it.
    Without a trial balance, or with rows as they were at an earlier moment, there is no row.
    """
    if TABLE not in extract.tables or extract.known_at is not None:
        return pl.DataFrame(schema=SHAPE)
    stated = extract.tables[TABLE].select("account_no", "date", pl.col("balance").alias("stated"))
    summed = _with_sums(stated.with_row_index("_row"), books).sort("_row")
    return summed.with_columns(by_entries=pl.when(_is_told(books)).then("by_entries")).select(*SHAPE)


def controlled_tables(extract: Extract) -> list[str]:
    """The tables whose rows or sums the user states in ``control_totals``, by their names here."""
    stated = extract.tables.get("control_totals")
    return [] if stated is None else sorted({snake(name) for name in stated["table"]})


def _with_sums(stated: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The rows with ``by_entries``: the running sum of the account's lines on the last day that counts."""
    days = (
        books.gl_entries.group_by("account_no", "posting_date")
        .agg(pl.col("amount").sum())
        .sort("posting_date")
        .with_columns(by_entries=pl.col("amount").cum_sum().over("account_no").cast(AMOUNT))
        .drop("amount")
    )
    until = stated.with_columns(_until=pl.col("date").fill_null(days["posting_date"].max())).sort("_until")
    found = until.join_asof(
        days, left_on="_until", right_on="posting_date", by="account_no", check_sortedness=False
    )
    return found.with_columns(pl.col("by_entries").fill_null(0))


def _is_told(books: Books) -> pl.Expr:
    carried = books.opening_balances.filter(pl.col("gl_entry_no").is_not_null())
    if carried.is_empty():
        return pl.lit(True)
    on = pl.lit(carried["date"].max(), pl.Date)
    return pl.col("account_no").is_in(carried["account_no"].implode()) & (pl.col("date") >= on).fill_null(
        True
    )
