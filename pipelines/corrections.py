"""Corrections: journals that name what they put right, beside the findings that they name.

Here: which finding a journal settles. Not here: reversals, and the causes themselves (``explain``), nor what
should be corrected (``propose``).
"""

import polars as pl

from schemas.ledger import Books
from schemas.money import AMOUNT

#: What a journal line may name, in the order in which it is believed, and where in its texts it stands.
NAMES = (
    ("finding", r"(?i)\b([0-9a-f]{16})\b"),
    ("value entry", r"(?i)\b(?:value entr(?:y|ies)(?: no\.?| from)?|VE) ?(\d+)\b"),
    ("G/L entry", r"(?i)\b(?:G/L entr(?:y|ies)(?: no\.?| from)?|GLE) ?(\d+)\b"),
)
TEXTS = ("external_document_no", "document_no", "description")


def settled(rows: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The rows of findings, those that a correction journal settles marked so: ``settlement_id``,
    ``settled_by``, severity ``info``.

    A journal line names a finding, a value entry, a G/L entry or a document in its external document number,
    document number or description. The finding is settled when the lines that name it take back its
    difference on each of its accounts exactly; the journal's own findings are settled with it. On accounts
    that needn't tie out the lines aren't findings, and count all the same. Rows in = rows out.
    """
    open_rows = rows.filter((pl.col("severity") != "info") & pl.col("settlement_id").is_null())
    differences = (
        open_rows.group_by("finding_id", "account_no")
        .agg(pl.col("difference").sum().alias("_difference"))
        .filter(pl.col("_difference") != 0)
    )
    if differences.is_empty():
        return rows
    lines = _naming(open_rows, differences, books)
    pairs = _pairs(lines, differences)
    return _marked(rows, lines, pairs)


def _naming(open_rows: pl.DataFrame, differences: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Journal lines with a finding that they name: ``gl_entry_no``, ``journal``, ``finding_id``, account,
    amount.
    """
    journals = books.gl_entries.filter(
        pl.col("origin").is_in(["journal", "unknown"])
        & (pl.col("posting_date") <= books.as_of)
        & (pl.col("amount") != 0)
        & pl.col("account_no").is_in(differences["account_no"].drop_nulls().unique().implode())
    ).select("gl_entry_no", "account_no", "amount", *TEXTS)
    text = pl.concat_str(*(pl.col(t).fill_null("") for t in TEXTS), separator=" ")
    named = pl.coalesce(
        *(
            pl.concat_str(pl.lit(f"{what} "), text.str.extract(where).str.to_lowercase())
            for what, where in NAMES
        ),
        pl.when(pl.col("external_document_no") != "").then(pl.format("document {}", "external_document_no")),
    )
    return (
        journals.select(
            "gl_entry_no", "account_no", "amount", named.alias("_name"),
            pl.when(pl.col("document_no") != "").then("document_no")
            .otherwise(pl.col("gl_entry_no").cast(pl.String)).alias("journal"),
        )
        .join(_names(open_rows, differences), on="_name", how="inner")
        .unique(["gl_entry_no", "finding_id"], keep="first", maintain_order=True)
    )  # fmt: skip


def _names(open_rows: pl.DataFrame, differences: pl.DataFrame) -> pl.DataFrame:
    """What each open finding with an amount may be named by."""
    found = open_rows.join(differences, on="finding_id", how="semi")
    of_line = pl.when(pl.col("value_entry_no").is_null()).then("gl_entry_no")
    names = (
        pl.format("finding {}", "finding_id"),
        pl.format("value entry {}", "value_entry_no"),
        pl.concat_str(pl.lit("G/L entry "), of_line.cast(pl.String)),
        pl.when(pl.col("document_no") != "").then(pl.format("document {}", "document_no")),
    )
    return (
        pl.concat(found.select("finding_id", name.alias("_name")) for name in names)
        .drop_nulls()
        .unique(maintain_order=True)
    )


def _pairs(lines: pl.DataFrame, differences: pl.DataFrame) -> pl.DataFrame:
    """Journals and findings that cancel to the cent on every account of the finding; each of both once."""
    booked = lines.group_by("journal", "_name", "finding_id", "account_no").agg(
        pl.col("amount").sum().cast(AMOUNT).alias("_booked")
    )
    named = lines.select("journal", "_name", "finding_id").unique()
    return (
        named.join(differences, on="finding_id", how="inner")
        .join(booked, on=["journal", "_name", "finding_id", "account_no"], how="left", validate="1:1")
        .group_by("journal", "_name", "finding_id")
        .agg((pl.col("_booked") == -pl.col("_difference")).fill_null(False).all().alias("_cancels"))
        .filter("_cancels")
        .sort("finding_id", "journal", "_name")
        .unique(["journal", "_name"], keep="first", maintain_order=True)
        .unique("finding_id", keep="first", maintain_order=True)
        .with_columns(_settlement=pl.format("correction {}", "journal"))
    )


def _marked(rows: pl.DataFrame, lines: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    own = (
        lines.join(pairs, on=["journal", "_name", "finding_id"], how="inner")
        .select("gl_entry_no", pl.col("_settlement").alias("_of_line"))
        .unique("gl_entry_no", keep="first", maintain_order=True)
    )
    settlement = pl.coalesce("_settlement", pl.when(pl.col("value_entry_no").is_null()).then("_of_line"))
    is_new = pl.col("_new").is_not_null()
    return (
        rows.join(pairs.select("finding_id", "_settlement"), on="finding_id", how="left", validate="m:1",
                  maintain_order="left")
        .join(own, on="gl_entry_no", how="left", validate="m:1", maintain_order="left")
        .with_columns(_new=pl.when(pl.col("settlement_id").is_null()).then(settlement))
        .with_columns(
            settlement_id=pl.coalesce("settlement_id", "_new"),
            settled_by=pl.when(is_new).then(pl.lit("correction journal")).otherwise("settled_by"),
            severity=pl.when(is_new).then(pl.lit("info")).otherwise("severity"),
        )
        .drop("_settlement", "_of_line", "_new")
    )  # fmt: skip
