"""Corrections: findings that were put right, beside what put them right.

Here: which findings a reversal, a journal that names them, or a document that the user names settles. Not
here: the causes themselves (``explain``), nor what should be corrected (``propose``).
"""

import polars as pl

from schemas.ledger import CONTROLLED_ROLES, Books
from schemas.money import AMOUNT

#: What a journal line may name, in the order in which it is believed, and where in its texts it stands.
NAMES = (
    ("finding", r"(?i)\b([0-9a-f]{16})\b"),
    ("value entry", r"(?i)\b(?:value entr(?:y|ies)(?: no\.?| from)?|VE) ?(\d+)\b"),
    ("G/L entry", r"(?i)\b(?:G/L entr(?:y|ies)(?: no\.?| from)?|GLE) ?(\d+)\b"),
)
TEXTS = ("external_document_no", "document_no", "description")
#: A document number within a description.
WORD = r"[\p{L}\d][\p{L}\d/_.-]*[\p{L}\d]"


def settled(rows: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The rows of findings, those that are put right marked so: ``settlement_id``, ``settled_by``, severity
    ``info``.

    Findings settle whole, and only where they and what corrects them cancel to the cent on every account: by
    a reversal (its lines say whose), by a correction journal (a line names a finding, value entry, G/L entry
    or document in its external document number, document number or description), by a disposition (the user
    names the document). On accounts that needn't tie out a correcting line is no finding and counts all the
    same. Rows in = rows out.
    """
    return rows.pipe(_by_reversal, books).pipe(_by_document, books)


def _by_reversal(rows: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Lines that nothing accounts for, and those that take them back. A reversal that was taken back again
    settles what it reversed, and its own reversal stands.
    """
    lines = rows.filter(pl.col("value_entry_no").is_null() & (pl.col("difference") != 0)).select(
        "gl_entry_no", "account_no", "account_role", "finding_id", "difference"
    )
    opposite = lines.select(
        pl.col("gl_entry_no").alias("_reversal"),
        "account_no",
        -pl.col("difference"),
        pl.lit(True).alias("_is_finding"),
    )
    booked = books.gl_entries.select(
        pl.col("gl_entry_no").alias("_reversal"), "account_no", (-pl.col("amount")).alias("difference")
    )
    key = ["_reversal", "account_no", "difference"]
    taken = (
        _reversals(books)
        .join(lines, left_on="_reversed", right_on="gl_entry_no", how="inner")
        .join(booked.with_columns(_is_booked=pl.lit(True)), on=key, how="left", validate="m:1")
        .join(opposite, on=key, how="left", validate="m:m")
        .filter(
            pl.col("_is_finding").fill_null(False)
            | (pl.col("_is_booked").fill_null(False) & ~pl.col("account_role").is_in(CONTROLLED_ROLES))
        )
        .with_columns(
            _settlement=pl.format("reversal {}", pl.col("_reversal").min().over("finding_id"))
        )
    )  # fmt: skip
    ends = [
        taken.select(pl.col(end).alias("gl_entry_no"), "account_no", "_settlement")
        for end in ("_reversed", "_reversal")
    ]
    marks = pl.concat(ends).unique(["gl_entry_no", "account_no"], keep="first", maintain_order=True)
    is_line = pl.col("value_entry_no").is_null() & (pl.col("difference") != 0)
    is_whole = (pl.col("_mark").is_not_null() | (pl.col("difference") == 0)).all().over("finding_id")
    joined = rows.join(
        marks, on=["gl_entry_no", "account_no"], how="left", validate="m:1", maintain_order="left"
    )
    return (
        joined.with_columns(_mark=pl.when(is_line).then("_settlement"))
        .with_columns(
            _mark=pl.when(is_whole).then("_mark"), _is_broken=pl.col("_mark").is_not_null() & ~is_whole
        )
        .with_columns(_is_broken=pl.col("_is_broken").any().over("_settlement"))
        .with_columns(
            settlement_id=pl.when(~pl.col("_is_broken").fill_null(False)).then("_mark"),
        )
        .with_columns(
            settled_by=pl.when(pl.col("settlement_id").is_not_null()).then(pl.lit("reversal")),
            severity=pl.when(pl.col("settlement_id").is_not_null())
            .then(pl.lit("info"))
            .otherwise("severity"),
        )
        .drop("_settlement", "_mark", "_is_broken")
    )


def _reversals(books: Books) -> pl.DataFrame:
    """Reversing line and reversed line, whichever of the two says so."""
    by_reversal = books.gl_entries.select(
        pl.col("gl_entry_no").alias("_reversal"), pl.col("reverses").alias("_reversed")
    )
    by_reversed = books.gl_entries.select(
        pl.col("reversed_by").alias("_reversal"), pl.col("gl_entry_no").alias("_reversed")
    )
    links = pl.concat([by_reversal, by_reversed]).drop_nulls().unique(maintain_order=True)
    reversing = links.select(pl.col("_reversal").alias("_reversed"))
    return links.join(reversing, on="_reversed", how="anti", maintain_order="left")


def _by_document(rows: pl.DataFrame, books: Books) -> pl.DataFrame:
    open_rows = rows.filter((pl.col("severity") != "info") & pl.col("settlement_id").is_null())
    differences = (
        open_rows.group_by("finding_id", "account_no")
        .agg(pl.col("difference").sum().alias("_difference"))
        .filter(pl.col("_difference") != 0)
    )
    if differences.is_empty():
        return rows
    lines = _naming(open_rows, differences, books)
    return _marked(rows, _settlements(lines, differences))


def _naming(open_rows: pl.DataFrame, differences: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Lines with each finding that they name: ``gl_entry_no``, ``journal`` (their document), ``_name``,
    ``_rank`` (how far it is believed), ``finding_id``, account, amount. What a document books on an account
    that the finding doesn't touch corrects nothing.
    """
    lines = books.gl_entries.filter(
        (pl.col("posting_date") <= books.as_of)
        & (pl.col("amount") != 0)
        & pl.col("account_no").is_in(differences["account_no"].drop_nulls().unique().implode())
    ).select(
        "gl_entry_no", "account_no", "amount", "origin", *TEXTS,
        pl.when(pl.col("document_no") != "").then("document_no")
        .otherwise(pl.col("gl_entry_no").cast(pl.String)).alias("journal"),
    )  # fmt: skip
    journals = lines.filter(pl.col("origin").is_in(["journal", "unknown"]))
    text = pl.concat_str(*(pl.col(t).fill_null("") for t in TEXTS), separator=" ")
    external = pl.when(pl.col("external_document_no") != "").then("external_document_no")
    number = pl.coalesce(external, "document_no").str.extract(r"^(\d+)$")
    names = [
        *(
            pl.concat_str(pl.lit(f"{what} "), text.str.extract(where).str.to_lowercase())
            for what, where in NAMES
        ),
        pl.concat_str(pl.lit("document "), external),
        pl.concat_str(pl.lit("value entry "), number),
    ]
    line = ("gl_entry_no", "account_no", "amount", "journal")
    named = [
        _of_dispositions(lines, books),
        *(journals.select(*line, name.alias("_name")) for name in names),
        journals.select(*line, pl.col("description").str.extract_all(WORD).alias("_name"))
        .explode("_name")
        .with_columns(_name=pl.concat_str(pl.lit("document "), pl.col("_name").str.to_uppercase())),
    ]
    return (
        pl.concat(
            frame.drop_nulls("_name").with_columns(_rank=pl.lit(rank)) for rank, frame in enumerate(named)
        )
        .join(_names(open_rows, differences), on="_name", how="inner", maintain_order="left")
        .unique(["gl_entry_no", "finding_id"], keep="first", maintain_order=True)
        .join(differences, on=["finding_id", "account_no"], how="semi")
    )  # fmt: skip


def _of_dispositions(lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Lines of the documents that the user says put a finding right, until the disposition ends."""
    holding = books.dispositions.filter(
        (pl.col("document_no") != "") & (pl.col("until").is_null() | (pl.col("until") >= books.as_of))
    ).select("document_no", pl.format("finding {}", "finding_id").alias("_name"))
    return lines.join(holding, on="document_no", how="inner").select(
        "gl_entry_no", "account_no", "amount", "journal", "_name"
    )


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


def _settlements(lines: pl.DataFrame, differences: pl.DataFrame) -> pl.DataFrame:
    """Documents and findings that cancel to the cent on every account of the findings: one document and all
    findings of the name that it gives, else one of them. A line and a finding settle once.
    """
    group = ["journal", "_name", "_rank"]
    booked = (
        lines.unique(["gl_entry_no", "_name"], maintain_order=True)
        .group_by(*group, "account_no")
        .agg(pl.col("amount").sum().cast(AMOUNT).alias("_booked"))
    )
    open_amounts = lines.select(*group, "finding_id").unique().join(differences, on="finding_id", how="inner")
    each = _cancelling(open_amounts, booked, [*group, "finding_id"])
    together = _cancelling(open_amounts, booked, group).join(
        open_amounts.select(*group, "finding_id").unique(), on=group, how="inner"
    )
    tried = pl.concat([together.with_columns(_turn=0), each.with_columns(_turn=1)], how="diagonal").join(
        lines.group_by(*group).agg(pl.col("gl_entry_no").unique().sort()), on=group, how="left"
    )
    candidates = (
        tried.with_columns(_one=pl.when(pl.col("_turn") == 1).then("finding_id").otherwise(pl.lit("")))
        .group_by("_rank", "_turn", "journal", "_name", "_one")
        .agg(pl.col("finding_id").unique().sort(), pl.col("gl_entry_no").first())
        .sort("_rank", "_turn", "_one", "journal", "_name")
    )
    used: set[str | int] = set()
    rows: list[tuple[str, int | None, str | None, str, str]] = []
    for row in candidates.iter_rows(named=True):
        members = {*row["finding_id"], *row["gl_entry_no"]}
        if used & members:
            continue
        used |= members
        by = "disposition" if row["_rank"] == 0 else "correction journal"
        name = f"correction {row['journal']}"
        rows += [("finding", None, f, name, by) for f in row["finding_id"]]
        rows += [("line", n, None, name, by) for n in row["gl_entry_no"]]
    return pl.DataFrame(
        rows,
        schema={
            "_what": pl.String, "gl_entry_no": pl.Int64, "finding_id": pl.String, "_settlement": pl.String,
            "_by": pl.String,
        },
        orient="row",
    )  # fmt: skip


def _cancelling(open_amounts: pl.DataFrame, booked: pl.DataFrame, group: list[str]) -> pl.DataFrame:
    """The groups whose findings a document takes back on each of their accounts."""
    on = ["journal", "_name", "_rank", "account_no"]
    return (
        open_amounts.group_by(*group, "account_no")
        .agg(pl.col("_difference").sum().cast(AMOUNT))
        .join(booked, on=on, how="left", validate="m:1")
        .group_by(*group)
        .agg((pl.col("_booked") == -pl.col("_difference")).fill_null(False).all().alias("_cancels"))
        .filter("_cancels")
        .drop("_cancels")
    )


def _marked(rows: pl.DataFrame, settlements: pl.DataFrame) -> pl.DataFrame:
    findings = settlements.filter(pl.col("_what") == "finding").select("finding_id", "_settlement", "_by")
    lines = settlements.filter(pl.col("_what") == "line").select(
        "gl_entry_no", pl.col("_settlement").alias("_of_line"), pl.col("_by").alias("_by_line")
    )
    is_line = pl.col("value_entry_no").is_null() & (pl.col("difference") != 0)
    is_free = pl.col("settlement_id").is_null()
    return (
        rows.join(findings, on="finding_id", how="left", validate="m:1", maintain_order="left")
        .join(lines, on="gl_entry_no", how="left", validate="m:1", maintain_order="left")
        .with_columns(
            _new=pl.when(is_free).then(pl.coalesce("_settlement", pl.when(is_line).then("_of_line"))),
            _new_by=pl.coalesce("_by", pl.when(is_line).then("_by_line")),
        )
        .with_columns(
            settlement_id=pl.coalesce("settlement_id", "_new"),
            settled_by=pl.when(pl.col("_new").is_not_null()).then("_new_by").otherwise("settled_by"),
            severity=pl.when(pl.col("_new").is_not_null()).then(pl.lit("info")).otherwise("severity"),
        )
        .drop("_settlement", "_by", "_of_line", "_by_line", "_new", "_new_by")
    )
