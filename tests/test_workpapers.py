"""The workpapers: every total recomputes to the published one, data stays text, a tickmark has its test.

LibreOffice recomputes the workbooks; where it isn't installed those tests are skipped, and the values that
the formulas carry are compared alone.
"""

import json
import re
import zipfile
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from io import BytesIO
from typing import Any, NamedTuple

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import publication, reconciliation
from assets.run import Run, materialized
from pipelines import rules
from pipelines.sources import bc_stated
from reports import wording
from reports.sheets import cells, controls, lead, papers, tables, tickmarks
from reports.workbook import workpapers
from schemas.bc import Extract
from schemas.marts import CAUSES, MARTS
from tests import spreadsheets
from tests.spreadsheets import needs_office

COMPANIES = ("cronus_usa", "fjord_cycles", "harbour_ceramics")
SMALL = "harbour_ceramics"
LETHAL = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "{=1}", "http://example.com", "<r></t></r>", "007")


class Given(NamedTuple):
    """What a workbook is written from."""

    summary: Mapping[str, Any]
    marts: Mapping[str, pl.DataFrame]
    subledger_parts: pl.DataFrame
    ledger_balances: pl.DataFrame
    stated_balances: pl.DataFrame
    controlled_tables: tuple[str, ...] = ()


@cache
def company(name: str) -> Given:
    """A demo company, run through the assets."""
    source = Run(source=str(reconciliation.demo_companies()), company=name)
    found = materialized("explain", source, lambda *_: None)
    marts = publication.marts({mart: found[mart] for mart in MARTS}, found["books"])
    return Given(
        found["summary"], marts, found["subledger_parts"], found["ledger_balances"], found["stated_balances"]
    )


def written(told: Given) -> bytes:
    return workpapers(*told)


@pytest.fixture(scope="module")
def recomputed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Workbooks that LibreOffice recomputed, from files whose formulas carry no right value: those of the
    demo companies, and some that are odd on purpose.
    """
    books = {name: written(company(name)) for name in COMPANIES}
    books["unexplained"] = written(unexplained(company(SMALL)))
    books["huge"] = written(with_huge_amounts(company(SMALL)))
    books["changed"] = with_a_changed_figure(books[SMALL])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "ROWS", 5)
        books["summed"] = written(company("fjord_cycles"))
    blank = {name: spreadsheets.without_values(content) for name, content in books.items()}
    return spreadsheets.recomputed(tmp_path_factory.mktemp("office"), blank)


def amount(value: Any, scale: int = 2) -> Decimal:
    """A number of a cell at the scale; text is not an amount."""
    assert isinstance(value, int | float), value
    return round(Decimal(repr(value)), scale)


def lead_rows(book: Any) -> Mapping[str, list[Any]]:
    """The lines of the lead sheet by account."""
    rows = (list(row) for row in book["Lead"].iter_rows(min_row=lead.FIRST + 1, values_only=True))
    return {row[1]: row for row in rows if row[1] and row[0]}


def figures(row: list[Any]) -> Mapping[str, Decimal]:
    return {
        "subledger": amount(row[lead.SUBLEDGER]),
        "other_activity": amount(row[lead.OTHER]),
        "gl": amount(row[lead.GL]),
        "difference": amount(row[lead.ITEMS]) + amount(row[lead.UNEXPLAINED]),
        "unexplained": amount(row[lead.UNEXPLAINED]),
    }


def equals_the_summary(book: Any, summary: Mapping[str, Any]) -> None:
    rows = lead_rows(book)
    assert len(rows) == len(summary["tie_outs"])
    for row in summary["tie_outs"]:
        told = {name: Decimal(row[name]) for name in papers.FIGURES}
        assert figures(rows[wording.account(row["account_no"])]) == told, row["account_no"]
    causes = {row[0]: row for row in book["Causes"].iter_rows(min_row=5, values_only=True)}
    for cause, told in summary["causes"].items():
        row = causes[wording.cause(cause).title]
        assert (row[2], amount(row[6])) == (told["findings"], Decimal(told["amount"])), cause
    assert book["Lead"]["D5"].value == "All recomputed figures agree."


def explained(book: Any, sheet: str) -> Mapping[str, Decimal]:
    """The reconciling items on an account's sheet."""
    lines = [(row[1], row[4]) for row in book[sheet].iter_rows(values_only=True)]
    start = lines.index(("Reconciling items, by cause", None))
    end = next(n for n, (words, _) in enumerate(lines) if words == "Reconciling items")
    return {words: amount(value) for words, value in lines[start + 1 : end]}


@pytest.mark.parametrize("name", COMPANIES)
def test_the_totals_that_the_workbook_carries_equal_the_summary(name: str) -> None:
    equals_the_summary(spreadsheets.values(written(company(name))), company(name).summary)


@needs_office
@pytest.mark.parametrize("name", COMPANIES)
def test_recomputed_totals_equal_the_summary(name: str, recomputed: Mapping[str, Any]) -> None:
    equals_the_summary(recomputed[name], company(name).summary)


@needs_office
@pytest.mark.parametrize("name", COMPANIES)
def test_every_formula_recomputes_to_the_value_that_it_carries(
    name: str, recomputed: Mapping[str, Any]
) -> None:
    content = written(company(name))
    carried, counted = spreadsheets.values(content), 0
    for cell in spreadsheets.cells(spreadsheets.formulas(content)):
        if cell.data_type == "f":
            place = (cell.parent.title, cell.coordinate)
            here, there = (book[place[0]][place[1]].value for book in (carried, recomputed[name]))
            assert here == there or amount(here) == amount(there), (*place, cell.value)
            counted += 1
    assert counted > 500


@needs_office
@pytest.mark.parametrize("name", COMPANIES)
def test_the_causes_on_every_account_sheet_are_those_of_the_summary(
    name: str, recomputed: Mapping[str, Any]
) -> None:
    sheets = {title.split(" ")[0]: title for title in recomputed[name].sheetnames if title.startswith("A-")}
    rows = lead_rows(recomputed[name])
    for told in company(name).summary["tie_outs"]:
        sheet = sheets.get(rows[wording.account(told["account_no"])][0])
        wanted = {wording.cause(c).title: Decimal(a) for c, a in told["explained"].items()}
        assert (explained(recomputed[name], sheet) if sheet else {}) == wanted
        assert sheet or not told["controlled"]


def test_what_can_be_recomputed_is_a_formula() -> None:
    book = spreadsheets.formulas(written(company("fjord_cycles")))
    pasted = [
        (sheet.title, cell.coordinate)
        for sheet in book
        for cell in spreadsheets.cells_of(sheet)
        if cell.data_type == "n" and "0.00" in cell.number_format and is_summed(sheet.title, cell)
    ]
    assert pasted == []


def is_summed(sheet: str, cell: Any) -> bool:
    """Whether the amount is one that other cells make: all on the sheets in front, totals on the others."""
    if sheet in ("Lead", "Causes", "Clearing ageing") or sheet.startswith("A-"):
        return bool(cell.value)  # the sum of no reconciling item is written as 0
    return bool(cell.font.b) or (sheet == "Controls" and cell.column != 4)


def unexplained(told: Given) -> Given:
    """The company as if nobody knew where the direct postings come from."""
    rows = [dict(row) for row in told.marts["tie_outs"].iter_rows(named=True)]
    for row in rows:
        explained = json.loads(row["explained"])
        row["unexplained"] = Decimal(explained.pop("direct_posting", "0.00"))
        row["explained"] = json.dumps(explained)
    tie_outs = pl.DataFrame(rows, told.marts["tie_outs"].schema)
    causes = {"unclassified" if c == "direct_posting" else c: f for c, f in told.summary["causes"].items()}
    own = [
        {**row, "unexplained": str(r["unexplained"]), "explained": json.loads(r["explained"])}
        for row, r in zip(told.summary["tie_outs"], rows, strict=True)
    ]
    differences = told.marts["differences"].with_columns(
        pl.col("cause").replace({"direct_posting": "unclassified"})
    )
    marts = {**told.marts, "tie_outs": tie_outs, "differences": differences}
    return told._replace(marts=marts, summary={**told.summary, "tie_outs": own, "causes": causes})


@needs_office
def test_what_has_no_cause_is_left_unexplained_on_the_lead_sheet_and_on_the_account(
    recomputed: Mapping[str, Any],
) -> None:
    book = recomputed["unexplained"]
    equals_the_summary(book, unexplained(company(SMALL)).summary)
    assert figures(lead_rows(book)["14150"])["unexplained"] == Decimal("-6.25")
    lines = {row[1]: row for row in book["A-02 14150 Raw Materials (Inter"].iter_rows(values_only=True)}
    assert amount(lines["Unexplained difference"][4]) == amount(lines["Not explained"][4]) == Decimal("-6.25")
    assert lines["Unexplained difference"][7] == "is left without a cause"
    assert amount(lines["Expected balance per general ledger"][4]) == Decimal("10.00")


def with_a_changed_figure(content: bytes) -> bytes:
    """The workbook as if somebody had typed over the first difference."""
    book = spreadsheets.formulas(content)
    cell = next(row[12] for row in book["Differences"].iter_rows(min_row=tables.FIRST + 1) if row[12].value)
    part = f"worksheets/sheet{1 + book.sheetnames.index('Differences')}.xml"
    pattern = rf'(<c r="{cell.coordinate}"[^>]*><v>)[^<]*'
    return spreadsheets.changed(content, lambda xml: re.sub(pattern, r"\g<1>1234.56", xml), part)


@needs_office
def test_a_figure_that_was_changed_shows_in_the_controls(recomputed: Mapping[str, Any]) -> None:
    book = recomputed["changed"]
    assert re.fullmatch(r"[1-9]\d* of \d+ figures differ\.", book["Lead"]["D5"].value)
    assert any(row[5] == controls.DIFFERS for row in book["Controls"].iter_rows(values_only=True))


def with_texts(told: Given, *texts: str) -> Given:
    """The company with these texts wherever it may name things itself, in turn."""

    def planted(rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
        cycle = [texts[n % len(texts)] for n in range(rows.height)]
        return rows.with_columns(pl.Series(column, cycle, pl.String) for column in columns)

    marts = dict(told.marts)
    marts["tie_outs"] = planted(marts["tie_outs"], "account_name")
    marts["differences"] = planted(
        marts["differences"], "document_no", "explanation", "remedy", "user_id", "item_no", "source_code"
    )
    marts["clearing_items"] = planted(marts["clearing_items"], "document_no", "party_no", "item_key")
    summary = {**told.summary, "company": texts[0], "notes": list(texts)}
    ledger = planted(told.ledger_balances, "account_name")
    return told._replace(summary=summary, marts=marts, ledger_balances=ledger)


def test_data_never_starts_a_formula_or_a_link() -> None:
    content = written(with_texts(company(SMALL), *LETHAL))
    found = list(spreadsheets.cells(spreadsheets.formulas(content)))
    texts = {str(cell.value).strip() for cell in found if cell.data_type == "s"}
    assert {"=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "{=1}", "007", "<r></t></r>"} <= texts
    live = [str(cell.value) for cell in found if cell.data_type == "f"]
    assert live and not [formula for formula in live if "cmd|" in formula or "SUM(1)" in formula]
    parts = zipfile.ZipFile(BytesIO(content)).namelist()
    assert not [part for part in parts if "external" in part.lower() or "worksheets/_rels" in part]


def test_text_that_looks_like_a_formula_stays_text_when_somebody_edits_it() -> None:
    book = spreadsheets.formulas(written(with_texts(company(SMALL), *LETHAL)))
    found = [cell for cell in spreadsheets.cells(book) if str(cell.value).startswith("=cmd|")]
    assert [cell.coordinate for cell in found if not cell.quotePrefix] == []
    assert len(found) > 3


def test_a_sheet_name_from_data_never_reaches_a_formula() -> None:
    content = written(with_texts(company(SMALL), "FILTER(1)", "SORT(SINGLE("))
    book = spreadsheets.formulas(content)
    assert any("SORT(SINGLE(" in name for name in book.sheetnames)
    live = [cell.value for cell in spreadsheets.cells(book) if cell.data_type == "f"]
    assert not [formula for formula in live if not isinstance(formula, str)]  # an array formula
    assert not [formula for formula in live if "FILTER" in formula or "SORT" in formula]


@given(st.lists(st.text(max_size=60), min_size=1, max_size=8))
def test_any_account_names_give_names_of_sheets_that_excel_takes(names: list[str]) -> None:
    found = [cells.sheet_name(f"A-{number:02} {name}") for number, name in enumerate(names)]
    assert len({name.casefold() for name in found}) == len(names)
    for name in found:
        assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
        assert not set(name) & set("[]:*?/\\'")


def test_sheets_of_accounts_with_one_name_are_told_apart_by_their_reference() -> None:
    told = with_texts(company(SMALL), "Stock [1]: 'a/b*c?' \U0001f4e6\U0001f4e6 and very much more of it")
    names = spreadsheets.formulas(written(told)).sheetnames
    assert names[4].startswith("A-01 14100 Stock 1 a b c ")
    assert len({name.casefold() for name in names}) == len(names)


def test_the_same_run_gives_the_same_bytes_dated_by_the_run() -> None:
    content = written(company(SMALL))
    assert content == written(company(SMALL))
    archive = zipfile.ZipFile(BytesIO(content))
    assert {part.date_time for part in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    as_of = company(SMALL).summary["as_of"]
    stamps = re.findall(r">([^<]*Z)</dcterms", archive.read("docProps/core.xml").decode())
    assert stamps == [f"{as_of}T00:00:00Z"] * 2


def marks(told: Given) -> Mapping[str, str]:
    """The tickmarks of each account on the lead sheet."""
    rows = lead_rows(spreadsheets.values(written(told)))
    return {account: row[lead.TICKS] or "" for account, row in rows.items()}


def result_of(told: Given, check: str, result: str) -> Given:
    """The company with another result of one check."""
    ran = [c for c in told.summary["checks_run"] if c["check"] != check]
    off = [c for c in told.summary["checks_off"] if c["check"] != check]
    row = {"check": check, "result": result, "why": "planted"}
    further = {"checks_run": ran, "checks_off": [*off, row]} if result == "off" else {
        "checks_run": [*ran, row], "checks_off": off,
    }  # fmt: skip
    return told._replace(summary={**told.summary, **further})


@pytest.mark.parametrize("mark", [t for t in tickmarks.tickmarks() if t.checks])
@pytest.mark.parametrize("result", ["off", "failed", "not there"])
def test_a_tickmark_rests_on_each_of_its_checks(mark: tickmarks.Tickmark, result: str) -> None:
    passed = dict.fromkeys(mark.checks, "passed")
    assert mark.stands(mark.facts, passed)
    for check in mark.checks:
        assert not mark.stands(mark.facts, {**passed, check: result})


def test_a_tickmark_vanishes_from_every_sheet_when_a_check_was_off() -> None:
    told = with_all_passed(company(SMALL))
    assert set(marks(told)["14100"].split()) == {t.mark for t in tickmarks.tickmarks()} - {"A", "I", "X"}
    off = result_of(told, "registers are without gaps", "off")
    assert set(marks(told)["14100"].split()) - set(marks(off)["14100"].split()) == {"C"}
    for sheet in spreadsheets.values(written(off)):
        if sheet.title != "Legend":
            cells_of_it = (str(cell.value) for row in sheet.iter_rows() for cell in row if cell.font.b)
            assert not [text for text in cells_of_it if "C" in text.split()], sheet.title


def with_all_passed(told: Given) -> Given:
    """The company with every check passed, and a trial balance that agrees."""
    checks = {check for t in tickmarks.tickmarks() for check in t.checks if not check.startswith("bc-")}
    for check in checks:
        told = result_of(told, check, "passed")
    reconciliations = told.marts["reconciliations"].with_columns(status=pl.lit("ties"))
    return told._replace(
        marts={**told.marts, "reconciliations": reconciliations}, stated_balances=stated(told, "0.00")
    )


def stated(told: Given, too_much: str) -> pl.DataFrame:
    """A trial balance on the as-of date that says so much too much."""
    as_of = date.fromisoformat(told.summary["as_of"])
    return told.ledger_balances.drop_nulls("account_no").select(
        "account_no", pl.lit(as_of).alias("date"),
        stated=(pl.col("balance") + Decimal(too_much)).cast(pl.Decimal(38, 5)), by_entries="balance",
    )  # fmt: skip


def test_a_reconciliation_that_differs_takes_its_tickmark_away() -> None:
    told = with_all_passed(company(SMALL))
    assert "D" in marks(told)["14100"].split()
    off = told.marts["reconciliations"].with_columns(
        status=pl.when(pl.col("reconciliation") == "bc-posting-date")
        .then(pl.lit("differs"))
        .otherwise("status")
    )
    assert "D" not in marks(told._replace(marts={**told.marts, "reconciliations": off}))["14100"].split()


def test_an_account_that_the_trial_balance_does_not_hold_has_no_tickmark_of_it() -> None:
    told = with_all_passed(company(SMALL))
    others = told.stated_balances.filter(pl.col("account_no") != "14100")
    found = marks(told._replace(stated_balances=others))
    assert "T" not in found["14100"].split() and "T" in found["14300"].split()


def test_a_trial_balance_that_differs_shows_beside_the_entries() -> None:
    told = company(SMALL)._replace(stated_balances=stated(company(SMALL), "1.25"))
    row = lead_rows(spreadsheets.values(written(told)))["14100"]
    assert (amount(row[lead.OFF_STATED]), amount(row[lead.OFF])) == (Decimal("-1.25"), 0)


def test_facts_that_do_not_hold_take_their_tickmarks_away() -> None:
    told = company(SMALL)
    broken = told._replace(
        subledger_parts=told.subledger_parts.with_columns(pl.col("amount") + Decimal(1)),
        ledger_balances=told.ledger_balances.with_columns(pl.col("balance") + Decimal(1)),
        marts={
            **told.marts,
            "differences": told.marts["differences"].with_columns(pl.col("difference") + Decimal(1)),
            "clearing_items": told.marts["clearing_items"].with_columns(pl.col("balance") + Decimal(1)),
            "roll_forward": told.marts["roll_forward"].with_columns(
                pl.col("amount") + pl.when(pl.col("line") == "closing").then(1).otherwise(0)
            ),
        },
    )
    before, after = ({m for text in marks(t).values() for m in text.split()} for t in (told, broken))
    assert {"S", "R", "X", "G", "A"} <= before
    assert not {"S", "R", "X", "G", "A"} & after


def test_a_cause_that_was_found_takes_the_tickmarks_that_deny_it() -> None:
    told = company("fjord_cycles")  # one-sided transactions, relation rows to nowhere
    assert {"one_sided", "orphan_relation"} <= set(told.summary["causes"])
    given_ = {mark for text in marks(told).values() for mark in text.split()}
    assert given_ and not given_ & {"C", "L", "V"}
    rows = spreadsheets.values(written(told))["Legend"].iter_rows(min_row=5, values_only=True)
    assert {row[0]: row[4] for row in rows}["C"] == "Found: G/L transaction doesn't balance"


def test_every_check_that_a_tickmark_rests_on_is_one_of_the_run() -> None:
    known = {*rules.completeness()["check"], *rules.reconciliations()["reconciliation"]}
    assert {check for t in tickmarks.tickmarks() for check in t.checks} <= known


def test_the_legend_says_why_a_tickmark_was_not_given() -> None:
    rows = spreadsheets.values(written(company("cronus_usa")))["Legend"].iter_rows(
        min_row=5, values_only=True
    )
    told = {row[0]: (row[3], row[4]) for row in rows}
    assert told["T"] == ("0 accounts", "Trial balance agrees: off")
    assert told["G"][1] is None and not told["G"][0].startswith("0 ")


def test_control_totals_give_their_tickmark_to_the_tables_that_they_name() -> None:
    told = result_of(company(SMALL), "control totals agree", "passed")._replace(
        controlled_tables=("gl_entry",)
    )
    rows = spreadsheets.values(written(told))["Inputs"].iter_rows(min_row=5, values_only=True)
    assert {row[0] for row in rows if row[4]} == {"gl_entry"}


def test_the_tables_of_the_control_totals_go_by_their_names_here() -> None:
    totals = pl.DataFrame({"table": ["G/L Entry", "value_entry", "gl_entry"]})
    extract = Extract("X", {"control_totals": totals}, {}, (), 2, 2)
    assert bc_stated.controlled_tables(extract) == ["gl_entry", "value_entry"]


HUGE = Decimal("98765432109876.54")


def with_huge_amounts(told: Given) -> Given:
    """The company with a balance of 16 digits on one account, in both ledgers."""

    def more(rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
        first = pl.int_range(pl.len()) == rows["account_no"].index_of("14300")
        return rows.with_columns(
            pl.when(first).then((pl.col(c) + HUGE).cast(rows.schema[c])).otherwise(c).alias(c)
            for c in columns
        )

    own = [{**row, "subledger": str(Decimal(row["subledger"]) + HUGE), "gl": str(Decimal(row["gl"]) + HUGE)}
           if row["account_no"] == "14300" else row for row in told.summary["tie_outs"]]  # fmt: skip
    rolled = told.marts["roll_forward"]
    of_it = (pl.col("account_no") == "14300") & pl.col("side").is_in(["subledger", "gl"])
    ends = of_it & pl.col("line").is_in(["opening", "closing"])
    marts = {
        **told.marts,
        "tie_outs": more(told.marts["tie_outs"], "subledger", "gl"),
        "roll_forward": rolled.with_columns(
            pl.when(ends).then((pl.col("amount") + HUGE).cast(rolled.schema["amount"])).otherwise("amount")
        ),
    }
    return told._replace(
        summary={**told.summary, "tie_outs": own}, marts=marts,
        subledger_parts=more(told.subledger_parts, "amount"),
        ledger_balances=more(told.ledger_balances, "debits", "balance"),
    )  # fmt: skip


def test_an_amount_that_a_number_cannot_hold_is_exact_text_and_the_controls_say_so() -> None:
    told = with_huge_amounts(company(SMALL))
    content = written(told)
    book = spreadsheets.values(content)
    wanted = next(row for row in told.summary["tie_outs"] if row["account_no"] == "14300")
    shown = lead_rows(book)["14300"]
    assert shown[lead.SUBLEDGER] == wording.amount(wanted["subledger"]) == "98,765,432,109,921.74"
    assert shown[lead.GL] == wording.amount(wanted["gl"])
    said = book["Lead"]["D5"].value
    assert re.fullmatch(
        r"All recomputed figures agree\. 5 of \d+ not recomputed: more than 15 digits\.", said
    )
    live = [c for c in spreadsheets.cells(spreadsheets.formulas(content)) if c.data_type == "f"]
    assert [c for c in live if isinstance(book[c.parent.title][c.coordinate].value, float)
            and abs(book[c.parent.title][c.coordinate].value) > 1e13] == []  # fmt: skip


@needs_office
def test_what_is_no_number_disturbs_no_other_total(recomputed: Mapping[str, Any]) -> None:
    assert re.fullmatch(r"All recomputed figures agree\. 5 of .*", recomputed["huge"]["Lead"]["D5"].value)
    before = lead_rows(recomputed[SMALL])
    for account, row in lead_rows(recomputed["huge"]).items():
        if account != "14300":
            assert figures(row) == figures(before[account])


@pytest.mark.parametrize(
    ("number", "scale", "fits"),
    [("9999999999999.99", 2, True), ("10000000000000.00", 2, False), ("9999999999.99999", 5, True),
     ("-10000000000", 5, False)],
)  # fmt: skip
def test_fifteen_digits_are_what_a_number_holds(number: str, scale: int, fits: bool) -> None:
    assert cells.fits(Decimal(number), scale) is fits


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 5))
def test_an_amount_that_fits_comes_back_from_a_binary_float(units: int, scale: int) -> None:
    exact = Decimal(units).scaleb(-scale)
    assert cells.fits(exact, scale)
    assert round(Decimal(float(exact)), scale) == exact


def test_rows_beyond_the_limit_are_summed_and_said_and_every_total_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tables, "ROWS", 5)
    book = spreadsheets.values(written(company("fjord_cycles")))
    equals_the_summary(book, company("fjord_cycles").summary)
    told = [row[13] for row in book["Differences"].iter_rows(min_row=tables.FIRST + 1, values_only=True)]
    rest = [text for text in told if text and text.endswith("stand in the Parquet file only")]
    height = company("fjord_cycles").marts["differences"].height
    assert sum(int(text.split(" ")[0]) for text in rest) == height - 5


@needs_office
def test_summed_rows_recompute_to_the_same_totals(recomputed: Mapping[str, Any]) -> None:
    equals_the_summary(recomputed["summed"], company("fjord_cycles").summary)


def test_of_too_many_accounts_the_largest_differences_have_a_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "SHEETS", 2)
    book = spreadsheets.values(written(company(SMALL)))
    own = [name for name in book.sheetnames if name.startswith("A-")]
    assert [name.split(" ")[1] for name in own] == ["14500", "24500"]
    assert "have no sheet of their own" in book["Lead"]["A4"].value
    equals_the_summary(book, company(SMALL).summary)


def test_every_sheet_is_set_up_for_screen_and_paper() -> None:
    for sheet in spreadsheets.formulas(written(company(SMALL))):
        assert sheet.freeze_panes, sheet.title
        assert sheet.print_title_rows and sheet.print_area, sheet.title
        assert sheet.page_setup.orientation == "landscape" and sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.oddFooter.center.text == "Page &P of &N"
        assert sheet.oddHeader.right.text == f"as of {company(SMALL).summary['as_of']}"
    filtered = {s.title for s in spreadsheets.formulas(written(company(SMALL))) if s.auto_filter.ref}
    assert {"Lead", "Differences", "Clearing items", "Roll-forward", "Trial balance", "Inputs"} <= filtered


def test_every_link_leads_to_a_cell_of_the_workbook() -> None:
    book = spreadsheets.formulas(written(company("fjord_cycles")))
    links = [cell.hyperlink for cell in spreadsheets.cells(book) if cell.hyperlink]
    assert len(links) > 100
    for link in links:
        assert link.target is None
        name, _, place = link.location.rpartition("!")
        assert book[name.strip("'")][place].value is not None, link.location


def test_each_sheet_can_be_signed() -> None:
    book = spreadsheets.values(written(company(SMALL)))
    for sheet in book:
        if sheet.title == "Lead" or sheet.title.startswith("A-"):
            said = [cell.value for row in sheet.iter_rows(max_row=2) for cell in row]
            assert said.count("Date") == 2 and {"Prepared by", "Reviewed by"} <= set(said)


def test_titles_of_causes_tell_them_apart_where_formulas_go_by_them() -> None:
    titles = [wording.cause(cause).title for cause in CAUSES]
    assert len({title.casefold() for title in titles}) == len(CAUSES)
    assert not [title for title in titles if set(title) & set("*?~<>=")]


def test_a_long_text_is_cut_with_a_sign() -> None:
    told = with_texts(company(SMALL), "x" * 40_000)
    texts = [str(c.value) for c in spreadsheets.cells(spreadsheets.formulas(written(told)))]
    longest = max(texts, key=len)
    assert len(longest) <= 32_767 and longest.endswith("x…")


def test_books_without_findings_make_workpapers_too() -> None:
    told = company(SMALL)
    marts = {name: rows.clear() if name in {"differences", "clearing_items", "reconciliations"} else rows
             for name, rows in told.marts.items()}  # fmt: skip
    tie_outs = marts["tie_outs"].with_columns(
        explained=pl.lit("{}"),
        gl="subledger",
        difference=pl.col("difference") * 0,
        unexplained=pl.col("gl") * 0,
    )
    told = told._replace(
        marts={**marts, "tie_outs": tie_outs},
        summary={**told.summary, "causes": {}, "status": "reconciled",
                 "tie_outs": [{**row, "gl": row["subledger"], "difference": "0.00", "explained": {}}
                              for row in told.summary["tie_outs"]]},
    )  # fmt: skip
    book = spreadsheets.values(written(told))
    assert book["Lead"]["A3"].value.startswith(
        "Verdict: RECONCILED. Every controlled account agrees with the stock"
    )
    assert book["Causes"]["A5"].value == "Nothing was found."


def test_the_largest_errors_are_the_reason_on_the_lead_sheet_and_warnings_where_only_they_count() -> None:
    told = company(SMALL)
    line = spreadsheets.values(written(told))["Lead"]["A3"].value
    assert line.startswith("Verdict: DIFFERENCES. Not posted yet: 14.00 in 1 finding; Interim balance left")
    differences = told.marts["differences"].with_columns(pl.col("severity").replace({"error": "warning"}))
    mild = told._replace(marts={**told.marts, "differences": differences})
    assert "Posted straight to the account: 6.25" in lead.why(papers.Sources(*mild[:5]))


def test_an_inconclusive_run_says_why_on_the_lead_sheet() -> None:
    reasons = ["gl_entry is truncated.", "value_entry is torn.", "c", "d"]
    told = company(SMALL)
    summary = {**told.summary, "status": "inconclusive", "inconclusive_because": reasons}
    line = spreadsheets.values(written(told._replace(summary=summary)))["Lead"]["A3"].value
    assert line == "Verdict: INCONCLUSIVE. gl_entry is truncated.; value_entry is torn.; c; and 1 more"
