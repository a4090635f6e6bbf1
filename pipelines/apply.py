"""Applies proposals to an extract: what the company's tables would hold afterwards. Touches nothing real.

Here: the setup filled, the entries posted, the journals booked, as Business Central does it. Not here: what
is proposed (``propose``), and what became of the findings once the chain has run over the tables again
(``foresee``).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from schemas import bc
from schemas.bc import Extract
from schemas.ledger import Books

POST_COST = "Post Inventory Cost to G/L"
CORRECT_DIMENSIONS = "Correct Dimensions"
ADJUST_COST = "Adjust Cost - Item Entries"
#: What the adjustment of cost leaves behind everywhere. What it books isn't told by the tables.
ADJUSTED = (
    ("item", "cost_is_adjusted", True),
    ("item_ledger_entry", "applied_entry_to_adjust", False),
    ("avg_cost_adjmt_entry_point", "cost_is_adjusted", True),
    ("inventory_adjmt_entry_order", "cost_is_adjusted", True),
)
#: Stands for the account that somebody still has to choose: it has no role.
TO_BE_CHOSEN = "(TO BE CHOSEN)"
#: What the user says about the tables as they were: it can't hold of the tables as they would be.
STATED_BEFORE = ("control_totals", "trial_balance")
INVENTORY_COST, JOURNAL = "INVTPCOST", "GENJNL"

Tables = dict[str, pl.DataFrame]


def with_setup(extract: Extract, proposals: pl.DataFrame) -> Extract:
    """The tables with the proposed setup fields filled, dimensions of G/L entries corrected, cost adjusted.

    A field without a proposed value stays as it is. What was stated of the tables as they were is left out.
    """
    tables = {name: rows for name, rows in extract.tables.items() if name not in STATED_BEFORE}
    cells = proposals.filter(pl.col("setup_value").is_not_null())
    for cell in cells.unique(["setup_table", "setup_key_1", "setup_key_2", "setup_field", "setup_value"],
                             maintain_order=True).iter_rows(named=True):  # fmt: skip
        name = cell["setup_table"]
        tables[name] = _with_cell(tables.get(name, bc.empty(name)), name, cell)
    job = proposals.filter(pl.col("job") == CORRECT_DIMENSIONS)
    tables["gl_entry"] = _with_dimensions(tables["gl_entry"], tables["value_entry"], job)
    if (proposals["job"] == ADJUST_COST).any():
        for name, flag, value in ADJUSTED:
            if name in tables:
                tables[name] = tables[name].with_columns(pl.lit(value).alias(flag))
    return replace(extract, tables=tables)


def posted(
    extract: Extract, expected_postings: pl.DataFrame, books: Books, proposals: pl.DataFrame
) -> Extract:
    """The tables after the job has posted the entries that the proposals name: one transaction per entry.

    ``books`` and ``expected_postings`` come from these tables. Each open line becomes a G/L entry with its
    relation row, the entry's posted fields are set, its queue row is gone. An entry of which one line has a
    setup problem isn't posted at all, as in the batch job.
    """
    job = proposals.filter(pl.col("job") == POST_COST).select("value_entry_no").unique()
    lines = _open_lines(expected_postings).join(job, on="value_entry_no", how="semi")
    stopped = lines.filter(pl.col("setup_problem").is_not_null())
    lines = lines.join(stopped, on="value_entry_no", how="anti")
    tables = dict(extract.tables)
    entries = _numbered(_ledger_lines(lines, books), tables["gl_entry"], "value_entry_no").with_columns(
        source_code=pl.lit(_source_code(tables, "inventory_post_cost", INVENTORY_COST)),
        system_created_entry=pl.lit(True),
    )
    tables["value_entry"] = _with_flags(tables["value_entry"], lines)
    if "gl_item_ledger_relation" in tables:
        links = entries.select(pl.col("entry_no").alias("gl_entry_no"), "value_entry_no")
        tables["gl_item_ledger_relation"] = _added(tables, "gl_item_ledger_relation", links)
    if "post_value_entry_to_gl" in tables:
        tables["post_value_entry_to_gl"] = tables["post_value_entry_to_gl"].join(
            lines, on="value_entry_no", how="anti"
        )
    return replace(extract, tables=_booked(tables, entries))


def journalled(extract: Extract, proposals: pl.DataFrame) -> Extract:
    """The tables after the proposed journals were posted, each a transaction of its own.

    An account that somebody still has to choose is one without any role.
    """
    lines = proposals.filter(pl.col("action") == "journal").select(
        pl.col("account_no").fill_null(TO_BE_CHOSEN).alias("gl_account_no"),
        "posting_date", "amount", "document_no", "external_document_no", "description", "dimension_set_id",
        "proposal_id", pl.lit(0).cast(pl.Decimal(38, 5)).alias("additional_currency_amount"),
    )  # fmt: skip
    tables = dict(extract.tables)
    entries = _numbered(lines, tables["gl_entry"], "proposal_id").with_columns(
        source_code=pl.lit(_source_code(tables, "general_journal", JOURNAL)),
        system_created_entry=pl.lit(False),
    )
    return replace(extract, tables=_booked(tables, entries))


def as_of(books: Books, proposals: pl.DataFrame) -> date:
    """The day up to which books must be tied out to see the proposals: no journal may lie beyond it."""
    last = proposals["posting_date"].max()
    return max(books.as_of, last) if isinstance(last, date) else books.as_of


def _with_cell(rows: pl.DataFrame, table: str, cell: Mapping[str, str]) -> pl.DataFrame:
    """The row of that key with the value in that field; a row that isn't there is added."""
    types = {field.column: field.dtype for field in bc.fields()[table]}
    keys = bc.key(table)
    key = dict(zip(keys, (cell["setup_key_1"], cell["setup_key_2"]), strict=False))
    is_it = pl.all_horizontal(pl.col(name) == value for name, value in key.items())
    field, value = cell["setup_field"], pl.Series([cell["setup_value"]])
    typed = _typed(value, types[field])
    if rows.filter(is_it).is_empty():
        added = pl.DataFrame({**{name: [text] for name, text in key.items()}, field: typed})
        return pl.concat([rows, _complete(table, added)])
    wider = {"allow_posting_from": pl.min_horizontal, "allow_posting_to": pl.max_horizontal}
    new = pl.lit(typed[0], types[field])
    new = wider[field](pl.col(field), new) if field in wider else new
    return rows.with_columns(pl.when(is_it).then(new).otherwise(pl.col(field)).alias(field))


def _typed(value: pl.Series, dtype: pl.DataType) -> pl.Series:
    if dtype == pl.Date:
        return value.str.to_date()
    return value == "true" if dtype == pl.Boolean else value


def _with_dimensions(gl_entry: pl.DataFrame, value_entry: pl.DataFrame, job: pl.DataFrame) -> pl.DataFrame:
    """The dimension sets of the value entries on the lines that the job corrects."""
    sets = value_entry.select(
        pl.col("entry_no").alias("value_entry_no"), pl.col("dimension_set_id").alias("_right")
    )
    right = job.join(sets, on="value_entry_no", how="inner").select(
        pl.col("gl_entry_no").alias("entry_no"), "_right"
    ).unique("entry_no", keep="first", maintain_order=True)  # fmt: skip
    return (
        gl_entry.join(right, on="entry_no", how="left", validate="m:1", maintain_order="left")
        .with_columns(dimension_set_id=pl.coalesce("_right", "dimension_set_id"))
        .drop("_right")
    )


def _open_lines(expected_postings: pl.DataFrame) -> pl.DataFrame:
    """What isn't posted of value entries, line by line in posting order."""
    has_amount = (pl.col("amount") != 0) | (pl.col("amount_acy") != 0)
    is_open = (pl.col("outcome") == "posted") & (pl.col("posted_amount") == 0) & has_amount
    return expected_postings.filter(is_open & (pl.col("posted_amount_acy") == 0))


def _ledger_lines(lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    entries = books.value_entries.select(
        "value_entry_no", "document_no", "external_document_no", "dimension_set_id", "job_no", "order_no",
        "entry_type", "source_no",
    )  # fmt: skip
    return (
        lines.select("value_entry_no", "cost_kind", "account_no", "posting_date", "amount", "amount_acy",
                     "ordinal")
        .join(entries, on="value_entry_no", how="left", validate="m:1")
        .sort("value_entry_no", "ordinal", "amount", descending=[False, False, True])
        .select(
            "value_entry_no", "posting_date", "amount", "document_no", "external_document_no",
            "dimension_set_id", "job_no",
            pl.col("account_no").alias("gl_account_no"),
            pl.col("amount_acy").alias("additional_currency_amount"),
            pl.col("order_no").alias("prod_order_no"),
            pl.format("{} {} {}", "entry_type", "source_no", "posting_date").alias("description"),
        )
    )  # fmt: skip


def _numbered(lines: pl.DataFrame, gl_entry: pl.DataFrame, transaction: str) -> pl.DataFrame:
    """The lines with the next entry numbers, and a transaction number each for what belongs together."""
    last, last_transaction = _last(gl_entry, "entry_no"), gl_entry["transaction_no"].max()
    first_of = pl.col(transaction) != pl.col(transaction).shift().fill_null(pl.col(transaction).first())
    numbers = pl.lit(None, pl.Int64) if last_transaction is None else (
        pl.lit(_last(gl_entry, "transaction_no") + 1, pl.Int64) + first_of.cum_sum().cast(pl.Int64)
    )  # fmt: skip
    return lines.with_columns(
        entry_no=pl.int_range(last + 1, last + 1 + pl.len(), dtype=pl.Int64), transaction_no=numbers
    )


def _booked(tables: Tables, entries: pl.DataFrame) -> Tables:
    """The G/L with the lines, and a register over them where registers were given."""
    if entries.is_empty():
        return tables
    moment = tables["gl_entry"]["system_created_at"].min()  # no point in time that is looked at hides it
    register_no = _last(tables["gl_register"], "no") + 1 if "gl_register" in tables else None
    lines = entries.with_columns(
        debit_amount=pl.max_horizontal("amount", pl.lit(0, pl.Decimal(38, 5))),
        credit_amount=pl.max_horizontal(-pl.col("amount"), pl.lit(0, pl.Decimal(38, 5))),
        document_date="posting_date",
        system_created_at=pl.lit(moment, pl.Datetime("ms")),
        gl_register_no=pl.lit(register_no, pl.Int64),
    )
    booked = {**tables, "gl_entry": _added(tables, "gl_entry", lines)}
    if register_no is not None:
        register = lines.select(
            pl.lit(register_no, pl.Int64).alias("no"),
            pl.col("entry_no").min().alias("from_entry_no"),
            pl.col("entry_no").max().alias("to_entry_no"),
            pl.col("source_code").first(),
            pl.col("posting_date").max().alias("creation_date"),
            pl.col("system_created_at").first(),
        )
        booked["gl_register"] = _added(tables, "gl_register", register)
    return booked


#: Per cost kind the posted fields of a value entry and the amounts that they take.
FLAGS = (
    ("actual", "cost_posted_to_gl", "cost_amount_actual"),
    ("actual", "cost_posted_to_gl_acy", "cost_amount_actual_acy"),
    ("expected", "expected_cost_posted_to_gl", "cost_amount_expected"),
    ("expected", "exp_cost_posted_to_gl_acy", "cost_amount_expected_acy"),
)


def _with_flags(value_entry: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The posted fields set for the parts of the entries that were posted."""
    columns = []
    for kind, flag, amount in FLAGS:
        numbers = lines.filter(pl.col("cost_kind") == kind)["value_entry_no"].unique().implode()
        is_posted = pl.col("entry_no").is_in(numbers)
        columns.append(pl.when(is_posted).then(amount).otherwise(flag).alias(flag))
    return value_entry.with_columns(columns)


def _added(tables: Tables, table: str, rows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([tables[table], _complete(table, rows)])


def _complete(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with all columns of their table; what they don't have takes the table's default."""
    return rows.select(
        (pl.col(f.column) if f.column in rows.columns else pl.lit(f.default)).cast(f.dtype).alias(f.column)
        for f in bc.fields()[table]
    )


def _source_code(tables: Tables, setup_field: str, default: str) -> str:
    """The company's own code; none where its ledger has none, so that nothing looks told apart that isn't."""
    if (tables["gl_entry"]["source_code"] == "").all():
        return ""
    setup = tables.get("source_code_setup")
    stated = setup[setup_field][0] if setup is not None and setup.height else ""
    return str(stated or default)


def _last(rows: pl.DataFrame, column: str) -> int:
    last = rows[column].max()
    return last if isinstance(last, int) else 0
