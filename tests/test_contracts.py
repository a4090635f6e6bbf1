"""Contracts hold data to its promise, not only its types: one planted breach of each kind is caught."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from pandera.errors import SchemaErrors

from assets.storage import read_company
from schemas import bc, contracts, ledger, marts, money

CRONUS_USA = Path(__file__).parent.parent / "assets" / "companies" / "cronus_usa"
BC_TABLES = 41
USER_TABLES = 4

TWICE = "multiple_fields_uniqueness"

Breach = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.fixture(scope="module")
def entries() -> pl.DataFrame:
    return read_company(CRONUS_USA).tables["value_entry"].head(5)


def breaches(error: SchemaErrors) -> set[tuple[str, str]]:
    """Column (or table) and check of everything that the contract found."""
    return {
        (str(row["column"]), str(row["check"]).split("([")[0])
        for row in error.failure_cases.iter_rows(named=True)
    }


def first(column: str, value: object) -> Breach:
    """The same rows with another value in the first row of a column."""
    return lambda rows: rows.with_columns(
        pl.when(pl.int_range(pl.len()) == 0)
        .then(pl.lit(value, rows.schema[column]))
        .otherwise(column)
        .alias(column)
    )


def test_there_is_a_contract_for_every_table() -> None:
    assert len(bc.fields()) == BC_TABLES + USER_TABLES
    for table, fields in bc.fields().items():
        assert bc.checked(table, bc.empty(table)).columns == [field.column for field in fields]


def test_every_row_of_the_fields_says_what_it_needs_to() -> None:
    for field in (field for fields in bc.fields().values() for field in fields):
        assert field.column in {bc.snake(field.caption), field.column}
        assert bool(field.unit) == (field.type == "decimal"), field
        assert bool(field.options) == (field.type == "option"), field
        assert field.default is None or not field.options or field.default in field.options.values(), field


def test_every_table_of_cronus_usa_keeps_its_contract() -> None:
    extract = read_company(CRONUS_USA)
    for table, frame in extract.tables.items():
        assert bc.checked(table, frame).equals(frame)


def test_what_one_query_lets_pass_pandera_lets_pass() -> None:
    for table, frame in read_company(CRONUS_USA).tables.items():
        assert contracts.keeps(bc.contract(table), frame), table
        contracts.pandera(bc.contract(table)).validate(frame, lazy=True)


PROMISES = contracts.Contract(
    "numbers",
    {
        "number": contracts.Column(pl.Int64(), is_nullable=True),
        "word": contracts.Column(
            pl.String(),
            is_nullable=True,
            values=("X", "y"),
            rule=("upper", lambda w: w == w.str.to_uppercase()),
        ),
    },
    key=("number",),
    laws={"positive": pl.col("number") > 0},
)


@pytest.mark.parametrize("numbers", [[1, 2], [2, 1], [1, 1], [None, 1], [None, None], [3, -1], [3, 1, 3]])
@pytest.mark.parametrize("word", ["X", "y", "Z", None])
def test_the_query_and_pandera_agree(numbers: list[int | None], word: str | None) -> None:
    """On keys that stand twice, nulls, values that aren't promised, rules and laws that don't hold."""
    rows = pl.DataFrame({"number": numbers}, schema={"number": pl.Int64}).with_columns(
        word=pl.lit(word, pl.String)
    )
    try:
        contracts.pandera(PROMISES).validate(rows, lazy=True)
        is_kept = True
    except SchemaErrors:
        is_kept = False
    assert contracts.keeps(PROMISES, rows) == is_kept


BROKEN: dict[str, tuple[Breach, tuple[str, str]]] = {
    "a key that stands twice": (first("entry_no", 2), ("value_entry", TWICE)),
    "a key that is null": (first("entry_no", None), ("entry_no", "not_nullable")),
    "a required date that is null": (first("posting_date", None), ("posting_date", "not_nullable")),
    "a required amount that is null": (
        first("cost_amount_actual", None),
        ("cost_amount_actual", "not_nullable"),
    ),
    "a defaulted amount that is null": (
        first("cost_amount_expected", None),
        ("cost_amount_expected", "not_nullable"),
    ),
    "a blank code that became null": (first("location_code", None), ("location_code", "not_nullable")),
    "an unknown option": (first("entry_type", "Discount"), ("entry_type", "isin")),
    "a code in lower case": (first("item_no", "1896-s"), ("item_no", "trimmed and upper case")),
    "an amount at another scale": (
        lambda rows: rows.cast({"cost_amount_actual": pl.Decimal(38, 2)}),
        ("cost_amount_actual", "dtype('Decimal(precision=38, scale=5)')"),
    ),
    "an amount as a binary float": (
        lambda rows: rows.cast({"cost_amount_actual": pl.Float64}),
        ("cost_amount_actual", "dtype('Decimal(precision=38, scale=5)')"),
    ),
    "a column that isn't there": (lambda rows: rows.drop("item_no"), ("value_entry", "column_in_dataframe")),
    "a column that nobody promised": (
        lambda rows: rows.with_columns(x=1),
        ("value_entry", "column_in_schema"),
    ),
}


@pytest.mark.parametrize("lazy", [False, True], ids=["frame", "lazy frame"])
@pytest.mark.parametrize("breach", BROKEN)
def test_a_breach_of_a_table_is_caught(breach: str, lazy: bool, entries: pl.DataFrame) -> None:
    plant, found = BROKEN[breach]
    rows = plant(entries)
    with pytest.raises(SchemaErrors) as error:
        bc.checked("value_entry", rows.lazy() if lazy else rows)
    assert found in breaches(error.value)


def amount(text: str) -> Decimal:
    return Decimal(text)


def mart(name: str, *rows: dict[str, object]) -> pl.DataFrame:
    """Published rows of a mart; columns that a row omits are null."""
    schema = {column: promise.dtype(2, 2) for column, promise in marts.MARTS[name].items()}
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema)


def nothing(name: str) -> dict[str, object]:
    """0.00 in every amount of a mart."""
    return {c: amount("0.00") for c, promise in marts.MARTS[name].items() if promise.type == marts.LCY}


@pytest.fixture
def published() -> dict[str, pl.DataFrame]:
    """One sound row or pair of each mart."""
    line = {
        "value_entry_no": 1,
        "cost_kind": "actual",
        "account_no": "2130",
        "posting_date": date(2026, 1, 5),
        "amount_acy": amount("0.00"),
    }
    expected = line | {
        "posted_amount": amount("250.00"),
        "open_amount": amount("0.00"),
        "rule_id": "purchase",
    }
    return {
        "tie_outs": mart(
            "tie_outs",
            {
                "account_no": "2130",
                "roles": '["inventory"]',
                "subledger": amount("220.00"),
                "gl": amount("250.00"),
                "other_activity": amount("0.00"),
                "difference": amount("30.00"),
                "explained": '{"direct_posting": "30.00"}',
                "unexplained": amount("0.00"),
            },
        ),
        "differences": mart(
            "differences",
            {
                "finding_id": "f1",
                "cause": "direct_posting",
                "severity": "error",
                "account_role": "inventory",
                "gl_entry_no": 7,
                "expected_amount": amount("0.00"),
                "actual_amount": amount("30.00"),
                "difference": amount("30.00"),
                "inferred": False,
                "explanation": "30.00 was booked by hand.",
                "remedy": "Reverse the journal.",
            },
        ),
        "expected_postings": mart(
            "expected_postings",
            expected | {"account_role": "inventory", "amount": amount("250.00")},
            expected
            | {
                "account_role": "direct_cost_applied",
                "amount": amount("-250.00"),
                "posted_amount": amount("-250.00"),
            },
        ),
        "actual_postings": mart(
            "actual_postings",
            line
            | {"gl_entry_no": 7, "account_role": "inventory", "amount": amount("250.00"), "inferred": True},
        ),
        "post_test": mart(
            "post_test",
            line
            | {
                "message_no": 12,
                "batch_job": "stops",
                "message": "G/L account 2130 does not exist.",
                "account_no": "2130",
                "account_role": "inventory",
                "balancing_role": "direct_cost_applied",
                "amount": amount("250.00"),
                "entries": 1,
                "group_amount": amount("250.00"),
                "group_entries": 1,
            },
        ),
        "valuation": mart(
            "valuation",
            {
                **dict.fromkeys(("item_no", "variant_code", "location_code", "inventory_posting_group"), ""),
                **nothing("valuation"),
                "item_no": "CHAIR",
                "value": amount("110.00"),
                "value_actual": amount("60.00"),
                "value_expected": amount("50.00"),
                "unresolved": amount("-20.00"),
                "subledger": amount("40.00"),
            },
        ),
        "breakdowns": mart(
            "breakdowns",
            {
                **nothing("breakdowns"),
                "by": "item",
                "account_no": "2110",
                "key": "CHAIR",
                "subledger": amount("40.00"),
                "difference": amount("-40.00"),
            },
        ),
        "bc_matrix": mart(
            "bc_matrix",
            {
                **nothing("bc_matrix"),
                "view": "corrected",
                "row_no": 8,
                "row": "COGS",
                "inventory": amount("7.00"),
                "total": amount("7.00"),
                "difference": amount("-7.00"),
                "warning": "Post Cost to G/L -7.00 on 7190",
                "warnings": "[]",
                "accounts": "[]",
            },
        ),
        "wip_orders": mart(
            "wip_orders",
            {
                **nothing("wip_orders"),
                "order_no": "P1",
                "material": amount("150.00"),
                "output": amount("-90.00"),
                "subledger": amount("60.00"),
                "difference": amount("-60.00"),
                "has_wip_left": True,
                "is_on_several_accounts": False,
            },
        ),
        "reconciliations": mart(
            "reconciliations",
            {
                "reconciliation": "R1",
                "name": "Dates",
                "key": "(total)",
                "left_amount": amount("1.00"),
                "right_amount": amount("1.00"),
                "difference": amount("0.00"),
                "keys": 0,
                "status": "ties",
                "statement": "Both sides hold 1.00.",
            },
        ),
        "proposals": mart(
            "proposals",
            {
                "proposal_id": "p1",
                "finding_id": "f1",
                "cause": "unposted",
                "action": "run_job",
                "title": "Run Post Inventory Cost to G/L.",
                "job": "Post Inventory Cost to G/L",
                "simulated": False,
            },
        ),
        "clearing_items": mart(
            "clearing_items",
            {
                "account_no": "2131",
                "account_role": "inventory_interim",
                "item_key": "ile:1",
                "opened_on": date(2026, 1, 5),
                "last_activity_on": date(2026, 1, 9),
                "debits": amount("250.00"),
                "credits": amount("100.00"),
                "balance": amount("150.00"),
                "age_days": 26,
                "days_since_activity": 22,
                "bucket": "0-30",
                "stale": False,
                "reason": "received and not invoiced in full",
                "rule_id": "item_ledger_entry",
                "policy_id": "inventory_interim",
            },
        ),
        "clearing_matches": mart(
            "clearing_matches",
            {
                "account_no": "2131",
                "rule_id": "item_ledger_entry",
                "description": "the value entries of one item ledger entry",
                "items": 3,
                "closed_items": 2,
                "lines": 6,
                "debits": amount("450.00"),
                "credits": amount("300.00"),
                "balance": amount("150.00"),
            },
        ),
        "accrual_proposals": mart(
            "accrual_proposals",
            {
                "value_entry_no": 1,
                "received_on": date(2026, 1, 5),
                "age_days": 26,
                "amount": amount("250.00"),
                "debit_account_no": "2131",
                "credit_account_no": "5530",
            },
        ),
    }


def test_a_sound_mart_keeps_its_contract(published: dict[str, pl.DataFrame]) -> None:
    assert set(published) <= set(marts.MARTS)
    for name, rows in published.items():
        assert marts.checked(name, rows, 2).equals(rows)


def other(column: str, text: str) -> Breach:
    return first(column, amount(text))


BROKEN_MARTS: dict[str, tuple[str, Breach, str]] = {
    "a tie-out that doesn't foot": (
        "tie_outs", other("subledger", "221.00"), "difference = gl - other activity - subledger",
    ),
    "causes that don't add up": (
        "tie_outs",
        other("unexplained", "0.01"),
        "difference = explained + unexplained on a controlled account",
    ),
    "a clearing item that doesn't foot": (
        "clearing_items", other("debits", "251.00"), "balance = debits - credits",
    ),
    "a clearing item that is cleared": (
        "clearing_items",
        lambda rows: rows.with_columns(credits="debits", balance=pl.col("balance") * 0),
        "an item is open",
    ),
    "negative credits": (
        "clearing_items",
        lambda rows: rows.with_columns(credits=-pl.col("credits"), balance=pl.col("balance") + 200),
        "debits and credits aren't negative",
    ),
    "an item younger than its last line": (
        "clearing_items", first("age_days", 1), "an item isn't younger than its last line",
    ),
    "matches that don't foot": (
        "clearing_matches", other("credits", "301.00"), "balance = debits - credits",
    ),
    "more matches closed than made": (
        "clearing_matches", first("closed_items", 4), "no more items are closed than there are",
    ),
    "a value that isn't its parts": ("valuation", other("value", "1.00"), "value = actual + expected"),
    "a value that doesn't lead to the subledger": (
        "valuation", other("subledger", "60.00"),
        "actual value + the lines of the population = subledger",
    ),
    "a breakdown that doesn't foot": (
        "breakdowns", other("gl", "1.00"), "difference = gl - other activity - subledger",
    ),
    "a breakdown by the weather": ("breakdowns", first("by", "weather"), "isin"),
    "a matrix row that doesn't foot": (
        "bc_matrix", other("inventory", "8.00"), "corrected rows foot",
    ),
    "a matrix row with another difference": (
        "bc_matrix", other("gl_total", "8.00"), "difference = G/L total - other activity - total",
    ),
    "WIP that isn't its components": (
        "wip_orders", other("capacity", "1.00"), "the components sum to the subledger",
    ),
    "WIP that doesn't foot": (
        "wip_orders", other("gl", "1.00"), "difference = gl - other activity - subledger",
    ),
    "an account with two tie-outs": ("tie_outs", lambda rows: pl.concat([rows, rows]), TWICE),
    "an unknown cause": ("differences", first("cause", "bad_luck"), "isin"),
    "an unknown severity": ("differences", first("severity", "fatal"), "isin"),
    "an unknown role": ("differences", first("account_role", "cash"), "isin"),
    "a difference that isn't one": (
        "differences", other("actual_amount", "31.00"), "difference = actual - expected",
    ),
    "an amount that names no entry": (
        "differences", first("gl_entry_no", None), "a row with an amount names an entry",
    ),
    "a settled finding that still counts": (
        "differences", first("settlement_id", "s1"), "a settled finding is info",
    ),
    "a finding without a word": ("differences", first("explanation", " "), "an explanation says something"),
    "one side of a pair": (
        "expected_postings", lambda rows: rows.head(1), "each value entry debits what it credits",
    ),
    "an open amount that isn't": (
        "expected_postings", other("open_amount", "1.00"), "open = amount - posted",
    ),
    "a line that stands twice": (
        "expected_postings", lambda rows: pl.concat([rows, rows]), TWICE,
    ),
    "an unknown kind of cost": ("actual_postings", first("cost_kind", "planned"), "isin"),
    "a line without an amount": ("actual_postings", first("amount", None), "not_nullable"),
    "an amount at another scale": (
        "actual_postings",
        lambda rows: rows.cast({"amount": pl.Decimal(38, 3)}),
        "dtype('Decimal(precision=38, scale=2)')",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lazy", [False, True], ids=["frame", "lazy frame"])
@pytest.mark.parametrize("breach", BROKEN_MARTS)
def test_a_breach_of_a_mart_is_caught(breach: str, lazy: bool, published: dict[str, pl.DataFrame]) -> None:
    name, plant, check = BROKEN_MARTS[breach]
    rows = plant(published[name])
    with pytest.raises(SchemaErrors) as error:
        marts.checked(name, rows.lazy() if lazy else rows, 2)
    assert check in {found for _, found in breaches(error.value)}


def test_publication_takes_the_columns_in_order_at_the_scale(published: dict[str, pl.DataFrame]) -> None:
    rows = published["expected_postings"].cast({"amount": money.AMOUNT, "posted_amount": money.AMOUNT})
    working = rows.select(reversed(rows.columns)).with_columns(note=pl.lit("not published"))
    assert marts.published("expected_postings", working, 2).equals(published["expected_postings"])


def test_publication_writes_nested_values_as_json(published: dict[str, pl.DataFrame]) -> None:
    working = published["tie_outs"].with_columns(
        roles=pl.lit(pl.Series([["inventory"]])),
        explained=pl.struct(
            pl.lit(amount("30"), money.AMOUNT).alias("direct_posting"),
            pl.lit(None, money.AMOUNT).alias("unposted"),
        ),
    )
    assert marts.published("tie_outs", working, 2).equals(published["tie_outs"])


def test_publication_never_rounds(published: dict[str, pl.DataFrame]) -> None:
    rows = published["actual_postings"].with_columns(amount=pl.lit(amount("0.001"), money.AMOUNT))
    with pytest.raises(ValueError, match="more than 2 decimal places"):
        marts.published("actual_postings", rows, 2)


def test_an_amount_is_written_exactly_or_not_at_all() -> None:
    assert money.text(amount("-1.5"), 2) == "-1.50"
    assert money.text(None, 2) == "0.00"
    with pytest.raises(ValueError, match="more than 2"):
        money.text(amount("0.001"), 2)


ACCOUNT_2110 = {"account_no": "2110", "account_name": "Stock", "account_type": "Posting", "is_blocked": False}
RELATION = {"gl_entry_no": 1, "value_entry_no": 1}
GL_LINE = {
    "gl_entry_no": 1, "account_no": "2110", "posting_date": date(2025, 1, 15), "amount": Decimal("1.00"),
    "amount_acy": Decimal(0), "document_no": "D1", "source_code": "INVTPCOST", "origin": "inventory_cost",
    "source_no": "", "description": "", "transaction_no": 1, "reversed_by": None, "reverses": None,
    "dimension_set_id": 0, "user_id": "", "created_at": None, "external_document_no": "", "source_type": "",
    "journal_batch_name": "", "job_no": "", "order_no": "", "register_no": None, "is_system_created": True,
}  # fmt: skip


def book(table: str, *rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict(ledger.TABLES[table][0]), orient="row")


@pytest.mark.parametrize(
    ("table", "row"), [("accounts", ACCOUNT_2110), ("relations", RELATION), ("gl_entries", GL_LINE)]
)
def test_books_that_keep_their_contract_pass(table: str, row: dict[str, object]) -> None:
    assert ledger.checked(table, book(table, row)).height == 1


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        pytest.param("accounts", [ACCOUNT_2110, ACCOUNT_2110], id="an account twice"),
        pytest.param("relations", [RELATION, RELATION], id="a relation row twice"),
        pytest.param("relations", [RELATION | {"value_entry_no": None}], id="a relation to nothing"),
        pytest.param("gl_entries", [GL_LINE | {"amount": None}], id="a line without amount"),
        pytest.param("gl_entries", [GL_LINE | {"posting_date": None}], id="a line without date"),
        pytest.param("gl_entries", [GL_LINE | {"origin": "elsewhere"}], id="a line of unknown origin"),
    ],
)
def test_books_that_break_their_contract_are_refused(table: str, rows: list[dict[str, object]]) -> None:
    with pytest.raises(SchemaErrors):
        ledger.checked(table, book(table, *rows))
