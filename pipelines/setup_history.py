"""The posting setup as the entries remember it: which account each key really used, from when to when.

Here: the periods of use, read off the linked G/L lines, beside today's setup and the change log. Not here:
what to make of them (``setup_advice``), and which line belongs to which entry (``link``).
"""

import polars as pl

from schemas.bc import SETUP_TABLES
from schemas.ledger import Books
from schemas.marts import COST_KINDS
from schemas.money import AMOUNT

KEY = ["setup_table", "key_1", "key_2", "account_role"]
#: What a stretch of lines has a first and a last of.
ENDS = {"posted_on": "posting_date", "gl_entry_no": "gl_entry_no", "value_entry_no": "value_entry_no"}
#: From so many periods on, a key's accounts were not changed one after the other but used side by side.
SIDE_BY_SIDE = 6


def setup_timeline(
    remaining_postings: pl.DataFrame,
    remaining_pieces: pl.DataFrame,
    agreed_lines: pl.DataFrame,
    books: Books,
    account_roles: pl.DataFrame,
) -> pl.DataFrame:
    """One row per setup key, role and period in which it used one account, in the order of G/L entry numbers.

    A period ends with the first G/L entry on another account. Keys that used several accounts in turn, six
    times or more, have one row per account instead (``side_by_side``). ``status``: ``today`` (what the setup
    says), ``former``, ``side_by_side``, ``no_row`` and ``blank`` (the setup has no row, or no account),
    ``unused`` (today's account of a key that only ever used others). ``changed_at``, ``changed_by`` and
    ``logged_account`` come from the change log; ``log_agrees`` is null where no log was given or nothing
    ended. Amounts are the lines' own, debit positive, up to as-of.
    """
    lines = _lines(remaining_postings, remaining_pieces, books)
    today = books.posting_accounts.select(
        *KEY, pl.col("account_no").alias("today_account_no"), pl.lit(True).alias("_has_row")
    )
    periods = _periods(lines, _numbered(agreed_lines)).join(today, on=KEY, how="left", validate="m:1")
    rows = pl.concat([periods, _unused(periods, today)], how="diagonal").with_columns(status=_status())
    return (
        rows.pipe(_with_log, books, account_roles)
        .join(books.accounts.select("account_no", "account_name"), on="account_no", how="left")
        .drop("_has_row", "is_mixed")
        .sort(*KEY, "first_gl_entry_no", "account_no", nulls_last=True)
    )


def setup_log(books: Books, account_roles: pl.DataFrame) -> pl.DataFrame:
    """The changes of accounts that the change log tells, by setup key and role, oldest first."""
    tables = pl.DataFrame(
        list(SETUP_TABLES.items()), schema={"setup_table": pl.String, "table_no": pl.Int64}, orient="row"
    )
    fields = account_roles.select(
        "account_role", "setup_table", pl.col("setup_field_no").cast(pl.Int64).alias("field_no")
    ).join(tables, on="setup_table", how="inner")
    return (
        books.setup_changes.join(fields, on=["table_no", "field_no"], how="inner")
        .with_columns(pl.col("key_1", "key_2", "old_value", "new_value").fill_null("").str.to_uppercase())
        .sort("changed_at", "change_no")
    )


def _lines(remaining_postings: pl.DataFrame, remaining_pieces: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The G/L lines of value entries with the setup key that each went by.

    A line's key is one number: a join on entry, kind and role takes three times as long.
    """
    number = _line_number(remaining_postings["account_role"].drop_nulls().unique().sort().to_list())
    keys = remaining_postings.filter(pl.col("outcome") == "posted").select(
        number, "setup_table", "key_1", "key_2"
    )
    return (
        remaining_pieces.filter(pl.col("cost_kind").is_not_null() & (pl.col("posting_date") <= books.as_of))
        .select(
            number, "account_role", "account_no", "gl_entry_no", "value_entry_no", "posting_date", "amount"
        )
        .join(keys, on="_line", how="inner", validate="m:1")
    )


def _line_number(roles: list[str]) -> pl.Expr:
    kind = pl.col("cost_kind").cast(pl.Enum(COST_KINDS)).to_physical().cast(pl.Int64)
    role = pl.col("account_role").cast(pl.Enum(roles), strict=False).to_physical().cast(pl.Int64)
    return ((pl.col("value_entry_no") * len(COST_KINDS) + kind) * len(roles) + role).alias("_line")


def _periods(lines: pl.DataFrame, agreed: pl.DataFrame) -> pl.DataFrame:
    """Lines that follow one another on one account; per account where the accounts alternate.

    Most keys only ever used one account: their lines needn't be put in order. Of the others the agreed lines,
    which all stand on today's account, are put in order by what lies between two lines that were looked at.
    """
    alone = _alone(lines, agreed)
    per_account = _summed(pl.concat([alone, _together(agreed, ["_key"])]), [*KEY, "account_no"])
    several = per_account.filter(pl.len().over(KEY) > 1).select(KEY).unique()
    looked_at = alone.join(several, on=KEY, how="semi")
    between = _between(agreed, looked_at.drop_nulls("_key"), alone)
    changed = pl.any_horizontal(pl.col(c).ne_missing(pl.col(c).shift()) for c in (*KEY, "account_no"))
    numbered = (
        pl.concat([looked_at, between.join(several, on=KEY, how="semi")])
        .sort(*KEY, "first_gl_entry_no", "first_value_entry_no")
        .with_columns(_period=changed.cast(pl.Int64).cum_sum())
        .with_columns(is_mixed=pl.col("_period").n_unique().over(KEY) >= SIDE_BY_SIDE)
    )
    in_turn = _summed(numbered.filter(~pl.col("is_mixed")), [*KEY, "account_no", "_period"]).drop("_period")
    mixed = numbered.filter("is_mixed").select(KEY).unique().with_columns(is_mixed=pl.lit(True))
    undivided = per_account.join(in_turn, on=KEY, how="anti").join(mixed, on=KEY, how="left", validate="m:1")
    return pl.concat([undivided, in_turn], how="diagonal").with_columns(pl.col("is_mixed").fill_null(False))


def _numbered(agreed_lines: pl.DataFrame) -> pl.DataFrame:
    """The agreed lines with their setup key as one number: they share few keys, and numbers group fast."""
    key = pl.lit(0, pl.Int64)
    for column in KEY:
        kind = agreed_lines.schema[column]
        size = len(kind.categories) if isinstance(kind, pl.Enum) else 1
        key = key * size + pl.col(column).to_physical().cast(pl.Int64)
    return agreed_lines.with_columns(_key=key)


def _alone(lines: pl.DataFrame, agreed: pl.DataFrame) -> pl.DataFrame:
    """Every line as a stretch of its own, with the number of its key where agreed lines share it."""
    keys = agreed.select(*KEY, "_key").unique("_key").cast(dict.fromkeys(KEY, pl.String))
    ends = [pl.col(c).alias(f"{end}_{name}") for name, c in ENDS.items() for end in ("first", "last")]
    return lines.join(keys, on=KEY, how="left", validate="m:1").select(
        *KEY, "account_no", "_key", *ends, "gl_entry_no", pl.lit(0, pl.Int64).alias("_agreed"), "amount"
    )


def _between(agreed: pl.DataFrame, looked_at: pl.DataFrame, shape: pl.DataFrame) -> pl.DataFrame:
    """The agreed lines in stretches: those of a key between two of its lines that were looked at."""
    marks = looked_at.select("_key", "gl_entry_no").unique().sort("gl_entry_no").with_columns(
        _mark=pl.col("gl_entry_no")
    )  # fmt: skip
    if marks.is_empty():
        return shape.clear()
    placed = (
        agreed.filter(pl.col("_key").is_in(marks["_key"].unique().implode()))
        .sort("gl_entry_no")
        .join_asof(marks, on="gl_entry_no", by="_key", strategy="backward", check_sortedness=False)
    )
    return _together(placed, ["_key", "_mark"])


def _together(agreed: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Agreed lines of one key as one stretch, with the number of their G/L lines."""
    first = [pl.col(c).min().alias(f"first_{name}") for name, c in ENDS.items()]
    last = [pl.col(c).max().alias(f"last_{name}") for name, c in ENDS.items()]
    sums = agreed.group_by(by).agg(
        pl.col(*KEY, "account_no").first().cast(pl.String),
        *first,
        *last,
        pl.col("gl_entry_no").n_unique().cast(pl.Int64).alias("_agreed"),
        pl.col("amount").sum().cast(AMOUNT),
    )
    ends = [f"{end}_{name}" for name in ENDS for end in ("first", "last")]
    return sums.select(
        *KEY, "account_no", "_key", *ends, pl.lit(None, pl.Int64).alias("gl_entry_no"), "_agreed", "amount"
    )


def _summed(stretches: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return stretches.group_by(key).agg(
        *(pl.col(f"first_{name}").min() for name in ENDS),
        *(pl.col(f"last_{name}").max() for name in ENDS),
        (pl.col("gl_entry_no").drop_nulls().n_unique() + pl.col("_agreed").sum())
        .cast(pl.Int64)
        .alias("lines"),
        pl.col("amount").sum().cast(AMOUNT),
    )


def _unused(periods: pl.DataFrame, today: pl.DataFrame) -> pl.DataFrame:
    """Today's account of keys that so far only used others."""
    return (
        periods.filter(pl.col("today_account_no").is_not_null())
        .select(*KEY, "today_account_no", "_has_row")
        .unique()
        .join(periods.select(*KEY, today_account_no="account_no"), on=[*KEY, "today_account_no"], how="anti")
        .with_columns(
            account_no=pl.col("today_account_no"),
            is_mixed=pl.lit(False),
            lines=pl.lit(0, pl.Int64),
            amount=pl.lit(0, AMOUNT),
        )
    )


def _status() -> pl.Expr:
    return (
        pl.when(pl.col("_has_row").is_null()).then(pl.lit("no_row"))
        .when(pl.col("today_account_no").is_null()).then(pl.lit("blank"))
        .when(pl.col("lines") == 0).then(pl.lit("unused"))
        .when(pl.col("account_no").eq_missing(pl.col("today_account_no"))).then(pl.lit("today"))
        .when(pl.col("is_mixed")).then(pl.lit("side_by_side"))
        .otherwise(pl.lit("former"))
    )  # fmt: skip


def _with_log(rows: pl.DataFrame, books: Books, account_roles: pl.DataFrame) -> pl.DataFrame:
    """The logged change that ended each period: the first that takes its account away, and whether it was
    made after the period's last line and before the next period's first.
    """
    ends = pl.concat([rows.select(gl_entry_no=f"{end}_gl_entry_no") for end in ("first", "last")])
    times = books.lines_of(ends).select("gl_entry_no", "created_at")
    ordered = rows.sort(*KEY, "first_gl_entry_no", nulls_last=True)
    for end in ("first", "last"):
        ordered = ordered.join(
            times.rename({"gl_entry_no": f"{end}_gl_entry_no", "created_at": f"{end}_created_at"}),
            on=f"{end}_gl_entry_no", how="left", validate="m:1", maintain_order="left",
        )  # fmt: skip
    ordered = ordered.with_columns(
        _next_created_at=pl.col("first_created_at").shift(-1).over(KEY),
        _is_last=pl.col("first_gl_entry_no").shift(-1).over(KEY).is_null(),
    )
    is_over = (
        (pl.col("lines") > 0) & ~pl.col("is_mixed") & (~pl.col("_is_last") | (pl.col("status") != "today"))
    )
    ended = ordered.with_row_index("_row").with_columns(_is_over=is_over)
    log = setup_log(books, account_roles).select(
        *KEY, pl.col("old_value").alias("account_no"), "changed_at", pl.col("user_id").alias("changed_by"),
        pl.col("new_value").alias("logged_account"),
    )  # fmt: skip
    fits = (
        (pl.col("changed_at") >= pl.col("last_created_at")).fill_null(True)
        & (pl.col("changed_at") <= pl.col("_next_created_at")).fill_null(True)
    )  # fmt: skip
    found = (
        ended.filter("_is_over")
        .select("_row", *KEY, "account_no", "last_created_at", "_next_created_at")
        .join(log, on=[*KEY, "account_no"], how="inner")
        .with_columns(_fits=fits)
        .sort("_row", pl.col("_fits").not_(), "changed_at")
        .unique("_row", keep="first", maintain_order=True)
        .select("_row", "changed_at", "changed_by", "logged_account", "_fits")
    )
    is_given = pl.lit("change_log_entry" in books.given)
    return (
        ended.join(found, on="_row", how="left", validate="1:1")
        .with_columns(
            log_agrees=pl.when(is_given & pl.col("_is_over")).then(pl.col("_fits").fill_null(False))
        )
        .drop(
            "_row", "_fits", "_is_over", "_is_last", "_next_created_at", "first_created_at", "last_created_at"
        )
    )
