"""The journals that put findings right: what they book, on which accounts, against what.

Here: the balanced lines of each journal. Not here: which findings a journal puts right (``proposals.csv``),
its document number and what stands in its way (``propose``), the file that the ERP imports
(``reports.journal``).
"""

from datetime import date

import polars as pl

from pipelines.sentences import joined
from schemas.ledger import Books
from schemas.money import AMOUNT

LINE_STEP = 10_000
INFERRED = pl.lit("It rests on inferred links: export the relation table, or check the lines first.")


def correction_journals(
    findings_to_correct: pl.DataFrame, account_scope: pl.DataFrame, books: Books
) -> pl.DataFrame:
    """The journal lines that take the differences of a finding back, account by account.

    Only findings whose remedy is a journal have lines. They carry ``act`` (lines of one ``act`` are one
    journal and sum to 0), ``line_no``, ``account_no`` (null: to be chosen), ``amount`` (debit positive),
    ``posting_date``, ``description``, ``dimension_set_id``, ``external_document_no`` and ``warning``.

    A finding that doesn't balance by itself joins those of the same transaction; what is left then goes to
    the account on the other side of that transaction.
    """
    rows = _amounts(findings_to_correct.filter(pl.col("action") == "journal"), books)
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
            warning=joined("warning", pl.when(pl.col("inferred").any().over("finding_id")).then(INFERRED)),
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
        joined("warning", doubt).alias("warning"),
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
