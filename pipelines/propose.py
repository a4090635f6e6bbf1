"""Proposes what puts a finding right: a job to run, a setup field to fill, a balanced journal. Posts nothing.

Here: the smallest set for each finding, with its warnings. Not here: which causes have which remedy
(``proposals.csv``), what the books look like afterwards (``apply``), the file that the ERP imports
(``reports.journal``).
"""

import hashlib
from collections.abc import Mapping
from datetime import date

import polars as pl
from polars._typing import PolarsDataType

from schemas.ledger import Books
from schemas.money import AMOUNT

POST_COST = "Post Inventory Cost to G/L"
LINE_STEP = 10_000
#: The title of a finding that a journal can't reach: part of it stands on a blank account, or nothing is
#: out by an amount.
OUT_OF_REACH = "No journal settles it: follow what the finding says."

INFERRED = pl.lit("It rests on inferred links: export the relation table, or check the lines first.")

COLUMNS: Mapping[str, PolarsDataType] = {
    "proposal_id": pl.String, "finding_id": pl.String, "cause": pl.String, "action": pl.String,
    "title": pl.String, "job": pl.String,
    "value_entry_no": pl.Int64, "gl_entry_no": pl.Int64,
    "setup_table": pl.String, "setup_key_1": pl.String, "setup_key_2": pl.String, "setup_field": pl.String,
    "setup_value": pl.String,
    "line_no": pl.Int64, "account_no": pl.String, "amount": AMOUNT, "posting_date": pl.Date,
    "document_no": pl.String, "external_document_no": pl.String, "description": pl.String,
    "dimension_set_id": pl.Int64, "warning": pl.String, "simulated": pl.Boolean, "outcome": pl.String,
}  # fmt: skip


def proposals(
    differences: pl.DataFrame,
    expected_postings: pl.DataFrame,
    account_scope: pl.DataFrame,
    books: Books,
    proposal_rules: pl.DataFrame,
    account_roles: pl.DataFrame,
) -> pl.DataFrame:
    """What would put each unsettled error or warning right, a row per finding, setup field, journal line.

    ``action`` is ``run_job``, ``complete_setup`` (then run the job), ``journal`` or ``support``; findings
    whose cause needs no correction have no row. Findings that one act puts right share a ``proposal_id``.
    The lines of a journal sum to 0 (debit positive) and name in ``external_document_no`` the finding that
    each corrects; an ``account_no`` of a journal that can't be told is null and warned of. Nothing is
    simulated yet: ``simulated`` is false and ``outcome`` null.
    """
    is_open = (pl.col("severity") != "info") & pl.col("settlement_id").is_null()
    found = differences.filter(is_open).join(
        proposal_rules.with_columns(pl.col("job", "warning").replace("", None)),
        on="cause",
        how="left",
        validate="m:1",
    )
    journals = _journals(found, account_scope, books)
    unreached = found.filter(pl.col("action") == "journal").join(journals, on="finding_id", how="anti")
    rows = [
        _jobs(found, expected_postings, books, account_roles),
        journals,
        _support(pl.concat([found.filter(pl.col("action") == "support"), unreached.with_columns(
            action=pl.lit("support"), title=pl.lit(OUT_OF_REACH), warning=pl.lit(None, pl.String)
        )])),
    ]  # fmt: skip
    return (
        _in_shape(rows)
        .pipe(_with_ids, books.company)
        .pipe(_with_account_warnings, books)
        .with_columns(
            document_no=pl.when(pl.col("action") == "journal").then(
                pl.format("TIEOUT-{}", pl.col("proposal_id").str.slice(0, 12).str.to_uppercase())
            ),
            simulated=pl.lit(False),
        )
        .select(*COLUMNS)
        .sort("proposal_id", "finding_id", "line_no", "setup_table", "setup_key_1", "setup_key_2",
              "setup_field", nulls_last=True)
    )  # fmt: skip


def _in_shape(parts: list[pl.DataFrame]) -> pl.DataFrame:
    columns: Mapping[str, PolarsDataType] = {**COLUMNS, "act": pl.String()}
    return pl.concat(
        part.select(
            pl.col(c).cast(t) if c in part.columns else pl.lit(None, t).alias(c) for c, t in columns.items()
        )
        for part in parts
    )


def _with_ids(rows: pl.DataFrame, company: str) -> pl.DataFrame:
    """``act`` says what is done; whatever is the same act has the same id, from run to run."""
    acts = rows["act"].unique(maintain_order=True)
    ids = [hashlib.sha256(f"{company}\x1f{act}".encode()).hexdigest()[:16] for act in acts]
    known = pl.DataFrame({"act": acts, "_id": pl.Series(ids, dtype=pl.String)})
    return rows.join(known, on="act", how="left", validate="m:1").with_columns(proposal_id="_id")


# Jobs and the setup that they need


def _jobs(
    found: pl.DataFrame, expected_postings: pl.DataFrame, books: Books, account_roles: pl.DataFrame
) -> pl.DataFrame:
    """One row per finding that a job puts right, or one per setup field that must be filled before it."""
    findings = found.filter(pl.col("action").is_in(["run_job", "complete_setup"])).unique(
        ["finding_id", "value_entry_no", "gl_entry_no"], keep="first", maintain_order=True
    )
    posting = findings.filter(pl.col("job") == POST_COST).unique(
        "finding_id", keep="first", maintain_order=True
    )
    needs = _needs(posting, expected_postings, books, account_roles)
    acts = needs.group_by("value_entry_no", maintain_order=True).agg(
        pl.concat_str(
            "setup_table", "setup_key_1", "setup_key_2", "setup_field", separator="\x1e"
        ).unique().sort().str.join("\x1d").alias("_needs")
    )  # fmt: skip
    missing = (
        posting.drop("account_role")
        .join(needs, on="value_entry_no", how="inner")
        .join(acts, on="value_entry_no", how="left", validate="m:1")
        .with_columns(
            action=pl.lit("complete_setup"),
            act=pl.concat_str(pl.lit("complete_setup"), "job", "_needs", separator="\x1f"),
            title=pl.lit(f"Complete the posting setup, then run {POST_COST}."),
            warning=_joined("warning", "setup_warning"),
        )
    )
    ready = (
        findings.join(missing, on="finding_id", how="anti")
        .with_columns(action=pl.lit("run_job"))
        .with_columns(act=pl.concat_str("action", "job", "title", separator="\x1f"))
    )
    columns = [
        "finding_id", "cause", "action", "act", "title", "job", "value_entry_no", "gl_entry_no", "warning",
    ]  # fmt: skip
    setup = ["setup_table", "setup_key_1", "setup_key_2", "setup_field", "setup_value"]
    return pl.concat(
        [ready.select(columns), missing.select(*columns, *setup)], how="diagonal"
    )  # fmt: skip


def _needs(
    posting: pl.DataFrame, expected_postings: pl.DataFrame, books: Books, account_roles: pl.DataFrame
) -> pl.DataFrame:
    """The setup fields without which an entry's open lines can't be posted: ``value_entry_no``, table, key,
    field, and the value where there is no doubt about it.
    """
    is_open = (pl.col("posted_amount") == 0) & ((pl.col("amount") != 0) | (pl.col("amount_acy") != 0))
    setup = books.posting_accounts.select(
        "account_role", "key_1", "key_2", "is_blocked", pl.lit(True).alias("_has_row")
    )
    accounts = books.accounts.select(
        "account_no", "account_type", pl.col("is_blocked").alias("_is_account_blocked"),
        pl.lit(True).alias("_has_account"),
    )  # fmt: skip
    columns = account_roles.select("account_role", "setup_column")
    lines = (
        expected_postings.filter((pl.col("outcome") == "posted") & is_open)
        .join(posting, on="value_entry_no", how="semi")
        .select(
            "value_entry_no", "posting_date", "account_role", "setup_table", "key_1", "key_2", "account_no"
        )
        .join(setup, on=["account_role", "key_1", "key_2"], how="left", validate="m:1")
        .join(accounts, on="account_no", how="left", validate="m:1")
        .join(columns, on="account_role", how="left", validate="m:1")
    )
    suggested = _suggestions(lines.filter(pl.col("account_no").is_null()), books)
    return pl.concat(
        [
            _cells(
                lines.filter(pl.col("account_no").is_null()).join(
                    suggested, on=["account_role", "key_1", "key_2"], how="left", validate="m:1"
                ),
                pl.col("setup_column"), pl.col("suggested"), warning=pl.col("_choice"),
            ),
            _cells(lines.filter(pl.col("is_blocked").fill_null(False)), pl.lit("blocked"), pl.lit("false")),
            *_date_cells(lines, books),
            *_account_cells(lines, books),
        ]
    ).unique(maintain_order=True)  # fmt: skip


def _cells(
    lines: pl.DataFrame, field: pl.Expr, value: pl.Expr, warning: pl.Expr | None = None
) -> pl.DataFrame:
    return lines.select(
        "value_entry_no",
        "setup_table",
        pl.col("key_1").alias("setup_key_1"),
        pl.col("key_2").alias("setup_key_2"),
        field.alias("setup_field"),
        value.cast(pl.String).alias("setup_value"),
        (pl.lit(None, pl.String) if warning is None else warning).alias("setup_warning"),
    )


def _date_cells(lines: pl.DataFrame, books: Books) -> list[pl.DataFrame]:
    """The allowed range must reach the date of the entry: the job stops at the first that it doesn't."""
    dated = lines.with_columns(
        setup_table=pl.lit("general_ledger_setup"), key_1=pl.lit(""), key_2=pl.lit("")
    ).unique("value_entry_no", maintain_order=True)
    reopened = pl.lit("Open the range for this run only, and close it again.")
    bounds = (
        ("allow_posting_from", books.allowed_from, pl.col("posting_date").lt),
        ("allow_posting_to", books.allowed_to, pl.col("posting_date").gt),
    )
    return [
        _cells(dated.filter(is_beyond(bound)), pl.lit(field), pl.col("posting_date"), reopened)
        for field, bound, is_beyond in bounds
        if bound is not None
    ]


def _account_cells(lines: pl.DataFrame, books: Books) -> list[pl.DataFrame]:
    """The account that the setup gives must exist, be open and be of type Posting."""
    if not books.has_accounts:
        return []
    given = lines.filter(pl.col("account_no").is_not_null()).with_columns(
        setup_table=pl.lit("gl_account"), key_1="account_no", key_2=pl.lit("")
    )
    has_account = pl.col("_has_account").fill_null(False)
    types_known = pl.lit("account_type" in books.given["gl_account"])
    other_type = has_account & types_known & (pl.col("account_type") != "Posting")
    return [
        _cells(given.filter(~has_account | other_type), pl.lit("account_type"), pl.lit("Posting")),
        _cells(
            given.filter(pl.col("_is_account_blocked").fill_null(False)), pl.lit("blocked"), pl.lit("false"),
            pl.lit("Find out why the account is blocked before you open it."),
        ),
    ]  # fmt: skip


def _suggestions(lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The account of the neighbouring setup rows, where they agree: rows of the same posting group, or all
    rows where that group has none.
    """
    wanted = lines.select("account_role", "key_1", "key_2").unique(maintain_order=True)
    usable = books.accounts.filter(
        ~pl.col("is_blocked") & (pl.col("account_type").fill_null("Posting") == "Posting")
    )
    filled = books.posting_accounts.filter(pl.col("account_no").is_not_null())
    if books.has_accounts:
        filled = filled.join(usable, on="account_no", how="semi")
    near = _choices(filled, ["account_role", "key_2"], "near")
    far = _choices(filled, ["account_role"], "far")
    return (
        wanted.join(near, on=["account_role", "key_2"], how="left", validate="m:1")
        .join(far, on="account_role", how="left", validate="m:1")
        .with_columns(_all=pl.coalesce("near", "far").fill_null([]))
        .with_columns(
            suggested=pl.when(pl.col("_all").list.len() == 1).then(pl.col("_all").list.first()),
            _choice=pl.when(pl.col("_all").list.len() == 0)
            .then(pl.lit("No other setup row has such an account: choose one."))
            .when(pl.col("_all").list.len() > 1)
            .then(pl.format("Choose the account: other setup rows have {}.", pl.col("_all").list.join(", "))),
        )
        .select("account_role", "key_1", "key_2", "suggested", "_choice")
    )


def _choices(filled: pl.DataFrame, key: list[str], name: str) -> pl.DataFrame:
    return filled.group_by(key).agg(pl.col("account_no").unique().sort().alias(name))


# Journals


def _journals(found: pl.DataFrame, account_scope: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The lines that take the differences of a finding back, account by account.

    A finding that doesn't balance by itself joins those of the same transaction; what is left then goes to
    the account on the other side of that transaction.
    """
    rows = _amounts(found.filter(pl.col("action") == "journal"), books)
    sums = rows.group_by("finding_id").agg(
        pl.col("amount").sum().alias("_sum"), pl.col("transaction").first()
    )
    bundles = sums.with_columns(
        act=pl.when((pl.col("_sum") == 0) | pl.col("transaction").is_null())
        .then("finding_id")
        .otherwise(pl.format("transaction {}", "transaction"))
    )
    lines = rows.drop("transaction").join(
        bundles.select("finding_id", "act", "transaction"), on="finding_id", how="left", validate="m:1"
    )
    contras = _contras(lines, account_scope, books)
    settled = pl.concat([lines, contras], how="diagonal").filter(pl.col("amount").sum().over("act") == 0)
    return settled.with_columns(
        posting_date=pl.lit(_posting_date(books), pl.Date),
        external_document_no=pl.format("FINDING {}", pl.col("finding_id").str.to_uppercase()),
        act=pl.format("journal {}", "act"),
    ).with_columns(
        line_no=pl.int_range(1, pl.len() + 1).over("act", order_by=["finding_id", "account_no"])
        * LINE_STEP,
    )  # fmt: skip


def _amounts(found: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Per finding, account and dimension set what a journal must book: minus the difference. Findings that
    touch a blank account are left out.
    """
    ledger = books.gl_entries.join(found, on="gl_entry_no", how="semi").select(
        "gl_entry_no",
        pl.col("dimension_set_id").alias("_line_dimensions"),
        pl.col("origin"),
        _transaction().alias("transaction"),
    )
    entries = books.value_entries.join(found, on="value_entry_no", how="semi").select(
        "value_entry_no", pl.col("dimension_set_id").alias("_dimensions")
    )
    beyond = found.filter(pl.col("account_no").is_null() & (pl.col("difference") != 0))
    return (
        found.filter(pl.col("difference") != 0)
        .join(beyond, on="finding_id", how="anti")
        .join(entries, on="value_entry_no", how="left", validate="m:1")
        .join(ledger, on="gl_entry_no", how="left", validate="m:1")
        .with_columns(
            dimension_set_id=pl.coalesce("_dimensions", "_line_dimensions"),
            transaction=pl.col("transaction").drop_nulls().first().over("finding_id"),
            is_of_ledger=pl.col("value_entry_no").is_null().all().over("finding_id"),
            is_of_document=(pl.col("origin") == "document").any().over("finding_id"),
            description=_description(),
            warning=_joined("warning", pl.when(pl.col("inferred").any().over("finding_id")).then(INFERRED)),
        )
        .group_by("finding_id", "account_no", "dimension_set_id", maintain_order=True)
        .agg(
            -pl.col("difference").sum().alias("amount"),
            pl.col(
                "cause", "action", "title", "warning", "transaction", "is_of_ledger", "is_of_document",
                "description",
            ).first(),
            pl.col("value_entry_no", "gl_entry_no").min(),
        )
        .filter(pl.col("amount") != 0)
    )  # fmt: skip


def _transaction() -> pl.Expr:
    """What holds the lines of one posting together: the transaction number, else document and date."""
    number = pl.when(pl.col("transaction_no").fill_null(0) > 0).then("transaction_no")
    document = pl.when(pl.col("document_no") != "").then(pl.format("{} of {}", "document_no", "posting_date"))
    return pl.coalesce(number.cast(pl.String), document)


def _description() -> pl.Expr:
    """The line's text: the entry that it corrects and what was wrong with it."""
    subject = (
        pl.when(pl.col("value_entry_no").n_unique().over("finding_id") > 1)
        .then(pl.format("value entries from {}", pl.col("value_entry_no").min().over("finding_id")))
        .when(pl.col("value_entry_no").is_not_null())
        .then(pl.format("value entry {}", "value_entry_no"))
        .otherwise(pl.format("G/L entry {}", "gl_entry_no"))
    )
    return pl.format("Corrects {}: {}", subject, _spoken(pl.col("cause")))


def _spoken(cause: pl.Expr) -> pl.Expr:
    return cause.str.replace_all("_", " ", literal=True).str.replace(" gl$", " G/L")


def _contras(lines: pl.DataFrame, account_scope: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The other side of a journal that takes back lines which no value entry accounts for: the account on
    the other side of their transaction, null where it can't be told.
    """
    unbalanced = (
        lines.group_by("act", maintain_order=True)
        .agg(
            (-pl.col("amount").sum()).alias("_rest"),
            pl.col(
                "finding_id", "cause", "action", "title", "warning", "transaction", "gl_entry_no",
                "description", "dimension_set_id",
            ).first(),
            pl.col("is_of_ledger").all(),
            pl.col("is_of_document").any(),
        )
        .filter((pl.col("_rest") != 0) & pl.col("is_of_ledger"))
    )  # fmt: skip
    sides = _other_sides(unbalanced, lines, account_scope, books)
    doubt = (
        pl.when(pl.col("_account").is_null() & pl.col("is_of_document"))
        .then(pl.lit("Choose the account: the document's posting groups lead to a stock account."))
        .when(pl.col("_account").is_null())
        .then(pl.lit("Choose the account that the amount belongs on."))
        .when(pl.col("_accounts") > 1)
        .then(pl.lit("The transaction has several other accounts: check that this is the right one."))
    )
    return unbalanced.join(sides, on="act", how="left", validate="1:1").select(
        "act", "finding_id", "cause", "action", "title", "gl_entry_no", "description", "dimension_set_id",
        pl.col("_account").alias("account_no"),
        pl.col("_rest").cast(AMOUNT).alias("amount"),
        _joined("warning", doubt).alias("warning"),
    )  # fmt: skip


def _other_sides(
    unbalanced: pl.DataFrame, lines: pl.DataFrame, account_scope: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """Per journal the account of its transaction with the opposite amount, else with the largest amount of
    opposite sign; accounts that must tie out themselves are none.
    """
    controlled = account_scope.filter("is_controlled")["account_no"].drop_nulls().implode()
    others = _same_postings(lines, books).filter(
        pl.col("account_no").is_not_null() & ~pl.col("account_no").is_in(controlled)
    ).select("gl_entry_no", pl.col("account_no").alias("_account"), pl.col("amount").alias("_amount"),
             _transaction().alias("transaction"))  # fmt: skip
    return (
        unbalanced.filter(~pl.col("is_of_document"))
        .select("act", "_rest", "transaction")
        .join(others, on="transaction", how="inner")
        .join(lines, on="gl_entry_no", how="anti")
        .filter((pl.col("_amount") != 0) & ((pl.col("_amount") < 0) == (pl.col("_rest") > 0)))
        .with_columns(
            _is_exact=pl.col("_amount") == -pl.col("_rest"),
            _accounts=pl.col("_account").n_unique().over("act"),
            _size=pl.col("_amount").abs(),
        )
        .sort("act", "_is_exact", "_size", "_account", descending=[False, True, True, False])
        .unique("act", keep="first", maintain_order=True)
        .select("act", "_account", pl.when("_is_exact").then(1).otherwise("_accounts").alias("_accounts"))
    )


def _same_postings(lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The G/L entries that share a transaction, or document and date, with one of the lines."""
    own = books.gl_entries.join(lines, on="gl_entry_no", how="semi")
    numbers = own["transaction_no"].drop_nulls().unique().implode()
    documents = own["document_no"].unique().implode()
    return books.gl_entries.filter(
        pl.col("transaction_no").is_in(numbers) | pl.col("document_no").is_in(documents)
    )


def _posting_date(books: Books) -> date:
    """The as-of date, or the nearest date that the setup allows."""
    day = books.as_of if books.allowed_to is None else min(books.as_of, books.allowed_to)
    return day if books.allowed_from is None else max(day, books.allowed_from)


def _with_account_warnings(rows: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Accounts that a journal can't be posted to as they are."""
    accounts = books.accounts.select(
        "account_no", "account_type", "is_direct_posting", pl.col("is_blocked").alias("_is_blocked")
    )
    named = rows.join(accounts, on="account_no", how="left", validate="m:1")
    hindrance = pl.coalesce(
        pl.when(pl.col("_is_blocked").fill_null(False)).then(
            pl.format("Account {} is blocked: open it for this journal and block it again.", "account_no")
        ),
        pl.when(pl.col("account_type").fill_null("Posting") != "Posting").then(
            pl.format("Account {} is not of type Posting.", "account_no")
        ),
        pl.when(~pl.col("is_direct_posting").fill_null(True)).then(
            pl.format(
                "Direct Posting is off on account {}: switch it on for this journal and off again.",
                "account_no",
            )
        ),
    )
    return named.with_columns(warning=_joined("warning", hindrance))


# What only others can do


def _support(found: pl.DataFrame) -> pl.DataFrame:
    """One row per finding that no act in the books puts right."""
    return found.unique("finding_id", keep="first", maintain_order=True).select(
        "finding_id", "cause", "action", "title", "warning", "value_entry_no", "gl_entry_no",
        pl.format("support {}", "finding_id").alias("act"),
    )  # fmt: skip


def _joined(first: str, second: str | pl.Expr) -> pl.Expr:
    """Two sentences, either of which may be missing."""
    other = pl.col(second) if isinstance(second, str) else second
    return pl.when(pl.col(first).is_null() | other.is_null()).then(pl.coalesce(first, other)).otherwise(
        pl.concat_str(pl.col(first), other, separator=" ")
    )  # fmt: skip
