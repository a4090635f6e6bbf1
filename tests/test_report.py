"""The report: what a controller reads on it, that data can't break out of it, that a browser draws it.

The marts are written by hand here, in the shape of the published ones; no step of the pipeline takes part.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from reports import figures, wording
from reports.pages import report
from reports.sections import plans
from schemas.marts import MARTS

MONEY = pl.Decimal(38, 2)
SCRIPT = "</script><script>alert('owned')</script>"


class Marts(NamedTuple):
    """What the report is written from."""

    summary: Mapping[str, object]
    tie_outs: pl.DataFrame
    differences: pl.DataFrame
    expected_postings: pl.DataFrame
    actual_postings: pl.DataFrame
    value_entries: pl.DataFrame
    gl_entries: pl.DataFrame


TIE_OUT: Mapping[str, Any] = {
    "account_no": pl.String, "account_name": pl.String, "roles": pl.String, "subledger": MONEY,
    "gl": MONEY,
    "other_activity": MONEY, "difference": MONEY, "explained": pl.String, "unexplained": MONEY,
}  # fmt: skip
DIFFERENCE: Mapping[str, Any] = {
    "finding_id": pl.String, "cause": pl.String, "drift": pl.String, "severity": pl.String,
    "account_no": pl.String,
    "account_role": pl.String, "posting_date": pl.Date, "document_no": pl.String, "source_code": pl.String,
    "user_id": pl.String, "created_at": pl.Datetime("ms", "UTC"), "value_entry_no": pl.Int64,
    "item_ledger_entry_no": pl.Int64, "gl_entry_no": pl.Int64, "item_no": pl.String,
    "location_code": pl.String,
    "order_no": pl.String, "expected_amount": MONEY, "actual_amount": MONEY, "difference": MONEY,
    "difference_acy": MONEY, "inferred": pl.Boolean, "settled_by": pl.String, "settlement_id": pl.String,
    "explanation": pl.String, "remedy": pl.String,
}  # fmt: skip
EXPECTED: Mapping[str, Any] = {
    "value_entry_no": pl.Int64, "cost_kind": pl.String, "account_role": pl.String, "account_no": pl.String,
    "posting_date": pl.Date, "amount": MONEY, "amount_acy": MONEY, "posted_amount": MONEY,
    "open_amount": MONEY,
    "rule_id": pl.String,
}  # fmt: skip
ACTUAL: Mapping[str, Any] = {
    "gl_entry_no": pl.Int64, "value_entry_no": pl.Int64, "cost_kind": pl.String, "account_role": pl.String,
    "account_no": pl.String, "posting_date": pl.Date, "amount": MONEY, "amount_acy": MONEY,
    "inferred": pl.Boolean,
}  # fmt: skip
VALUE_ENTRY: Mapping[str, Any] = {
    "value_entry_no": pl.Int64, "posting_date": pl.Date, "item_ledger_entry_type": pl.String,
    "entry_type": pl.String,
    "item_no": pl.String, "location_code": pl.String, "document_no": pl.String, "amount_actual": MONEY,
    "posted_actual": MONEY, "amount_expected": MONEY, "posted_expected": MONEY,
}  # fmt: skip
GL_ENTRY: Mapping[str, Any] = {
    "gl_entry_no": pl.Int64, "posting_date": pl.Date, "account_no": pl.String, "document_no": pl.String,
    "source_code": pl.String, "amount": MONEY, "description": pl.String, "user_id": pl.String,
}  # fmt: skip
NO_EXPLANATION = "{}"


def mart(schema: Mapping[str, Any], *rows: Mapping[str, object]) -> pl.DataFrame:
    """The rows as a mart; what a row omits is null, amounts are text."""
    return pl.DataFrame(
        [{name: _typed(row.get(name), kind) for name, kind in schema.items()} for row in rows],
        schema=dict(schema),
    )


def _typed(value: object, kind: object) -> object:
    if kind == MONEY:
        return None if value is None else Decimal(str(value))
    return date.fromisoformat(value) if kind == pl.Date and isinstance(value, str) else value


def tie_out(account: str | None, name: str, roles: list[str], **amounts: object) -> dict[str, object]:
    """A tie-out row; amounts that are left out are zero."""
    zero = {"subledger": "0", "gl": "0", "other_activity": "0", "difference": "0", "unexplained": "0"}
    explained = json.dumps(amounts.pop("explained", {}))
    return {
        "account_no": account,
        "account_name": name,
        "roles": json.dumps(roles),
        **zero,
        **amounts,
        "explained": explained,
    }


def cronus(description: str = "Invoice 107213") -> Marts:
    """CRONUS USA: 14110 ties, 14140 is 240.00 too high through one G/L line, 24 receipts aren't invoiced."""
    receipts = range(847, 871)
    off = [
        {
            "finding_id": f"off{no}", "cause": "expected_cost_off", "drift": "", "severity": "info",
            "account_no": "14140", "account_role": "inventory_interim", "posting_date": "2026-06-28",
            "document_no": f"1071{no}", "value_entry_no": no, "item_ledger_entry_no": no - 40,
            "item_no": "1896-S",
            "expected_amount": "6270.63" if no > 847 else "6270.51", "actual_amount": "0", "difference": "0",
            "explanation": f"Value entry {no} is received, not invoiced; expected cost is off.",
        }
        for no in receipts
    ]  # fmt: skip
    direct = {
        "finding_id": "9f1c2ab04e55", "cause": "direct_posting", "drift": "D5", "severity": "error",
        "account_no": "14140", "posting_date": "2026-04-06", "source_code": "PURCHASES", "gl_entry_no": 2122,
        "actual_amount": "240", "difference": "240", "inferred": False,
        "explanation": "G/L entry 2122 puts 240.00 on account 14140 through source code PURCHASES; no value "
        "entry of its document covers it.",
        "remedy": "Correct the purchase line: post a credit memo for it and invoice it again on the item or "
        "on an expense account.",
    }  # fmt: skip
    amounts = {
        "subledger": "2241644.00",
        "gl": "2241884.00",
        "other_activity": "0.00",
        "difference": "240.00",
    }
    summary: Mapping[str, object] = {
        "contract": "1",
        "company": "CRONUS USA, Inc.",
        "as_of": "2026-07-01",
        "status": "differences",
        "inconclusive_because": [],
        "materiality": "0.01",
        "scale": 2,
        "causes": {
            "direct_posting": {"findings": 1, "amount": "240.00"},
            "expected_cost_off": {"findings": 24, "amount": "150495.00"},
        },
        "checks_run": [
            {"check": "g/l sums to 0", "result": "passed", "why": "5,688 lines sum to 0.00"},
            {"check": "entry_numbers", "result": "No reference beyond the last row"},
            {"check": "combinations", "result": "870 value entries, each with exactly one rule"},
        ],
        "checks_off": [
            {"check": "relations", "why": "gl_item_ledger_relation isn't there: links are inferred. "
             "Export table 5823 G/L - Item Ledger Relation."},
            {"check": "unposted_not_queued", "why": "post_value_entry_to_gl isn't there. Export table 5811."},
        ],
        "inputs": [
            {"table": "gl_entry", "rows": 5688, "rows_used": 5620, "rows_set_aside": 68,
             "sha256": "3f7a" * 16, "control_totals": {"amount": "0.00"},
             "unknown_columns": ["SystemModifiedAt"]},
            {"table": "value_entry", "rows": 870, "rows_used": 870, "rows_set_aside": 0,
             "sha256": "b01c" * 16, "control_totals": {"cost_amount_actual": "2255759.50",
                                                      "cost_posted_to_gl": "2255759.50"}},
        ],
        "population": [
            {"line": "Cost amount (actual) of all value entries", "amount": "2255759.50"},
            {"line": "less capacity entries", "amount": "0.00"},
            {"line": "less not inventoriable", "amount": "0.00"},
            {"line": "less after the as-of date", "amount": "0.00"},
            {"line": "Subledger of the role Inventory", "amount": "2255759.50"},
        ],
        "switches": {"expected_cost_posting": {"on": False, "from": "inferred"}},
        "notes": ["Lines of amount 0 in the general ledger, never a finding: 88."],
    }  # fmt: skip
    return Marts(
        summary=summary,
        tie_outs=mart(
            TIE_OUT,
            tie_out("14110", "Finished goods", ["inventory"], subledger="14115.50", gl="14115.50"),
            tie_out("14140", "Resale inventory", ["inventory", "direct_cost_applied"], **amounts,
                    explained={"direct_posting": "240.00"}),
            tie_out("50110", "Cost of goods sold", ["cogs", "inventory_adjmt"], subledger="-1527934.50",
                    gl="-1527934.50"),
        ),
        differences=mart(DIFFERENCE, direct, *off),
        expected_postings=mart(EXPECTED),
        actual_postings=mart(ACTUAL),
        value_entries=mart(VALUE_ENTRY, *(
            {"value_entry_no": no, "posting_date": "2026-06-28", "item_ledger_entry_type": "Purchase",
             "entry_type": "Direct Cost", "item_no": "1896-S", "location_code": "EAST",
             "document_no": f"1071{no}",
             "amount_actual": "0", "posted_actual": "0", "amount_expected": "6270.63", "posted_expected": "0"}
            for no in receipts
        )),
        gl_entries=mart(GL_ENTRY, {
            "gl_entry_no": 2122, "posting_date": "2026-04-06", "account_no": "14140", "document_no": "",
            "source_code": "PURCHASES", "amount": "240", "description": description, "user_id": None,
        }),
    )  # fmt: skip


def made() -> Marts:
    """A made company with several causes, a setup change with many members, a settled pair."""

    def row(
        finding: str, cause: str, account: str | None, difference: str, **more: object
    ) -> dict[str, object]:
        base = {
            "finding_id": finding,
            "cause": cause,
            "severity": "error",
            "account_no": account,
            "account_role": "inventory",
            "posting_date": "2026-03-31",
            "document_no": f"D-{finding}",
            "source_code": "INVTPCOST",
            "user_id": "ANNA",
            "item_no": "BIKE-1000",
            "location_code": "MAIN",
            "difference": difference,
            "inferred": False,
            "expected_amount": "0",
            "actual_amount": difference,
            "explanation": f"{wording.cause(cause).title}: {difference} on account {account}.",
            "remedy": "Run the batch Post Inventory Cost to G/L for the entry, then tie out again.",
        }
        return {**base, **more}

    moved = [
        pair
        for no in range(400, 440)
        for pair in (
            row("moved", "account_changed", "2110", "-125.00", value_entry_no=no, expected_amount="125.00",
                actual_amount="0", explanation="40 value entries of MAIN / FINISHED stand on 2190; today's "
                "setup gives 2110. 5,000.00 move.", remedy="Reclassify 5,000.00 from 2190 to 2110."),
            row("moved", "account_changed", "2190", "125.00", value_entry_no=no, gl_entry_no=9000 + no,
                explanation="40 value entries of MAIN / FINISHED stand on 2190; today's setup gives 2110."),
        )
    ]  # fmt: skip
    differences = [
        row("u1", "unposted", "2110",
        "-812.40", value_entry_no=17, expected_amount="812.40", actual_amount="0",
            explanation="Value entry 17 (Purchase, Direct Cost) is due with 812.40 and isn't posted."),
        row("u1", "unposted", "7291", "812.40", value_entry_no=17, account_role="direct_cost_applied"),
        row("g1", "direct_posting", "2110",
        "1500.00", gl_entry_no=3310, source_code="GENJNL", user_id="BORIS",
            explanation="G/L entry 3310 puts 1,500.00 on account 2110 through a general journal.",
            remedy="Reverse the journal, or post the item journal that it stands for."),
        row("a1", "amount_mismatch", "2140", "-0.05", value_entry_no=55, gl_entry_no=1203, account_role="wip",
            expected_amount="310.05", actual_amount="310.00", inferred=True),
        row("b1", "deleted_account", None, "77.00", gl_entry_no=4001),
        row("r1", "reversed", "2110", "-60.00", value_entry_no=61, gl_entry_no=1411, severity="info",
            settlement_id="S-1", settled_by="reversed by G/L entry 1420"),
        row("r2", "reversed", "2110", "60.00", gl_entry_no=1420, severity="info", settlement_id="S-1"),
        row("x1", "unclassified", "2140", "-12.00", gl_entry_no=1999, account_role="wip"),
        row("p1", "posting_date_mismatch", "2110",
        "0", value_entry_no=70, gl_entry_no=1500, severity="warning",
            expected_amount="45.00", actual_amount="45.00"),
        *moved,
    ]  # fmt: skip
    tie_outs = mart(
        TIE_OUT,
        tie_out("2110", "Finished goods", ["inventory"], subledger="1184250.00", gl="1179937.60",
                difference="-4312.40", explained={"unposted": "-812.40", "direct_posting": "1500.00",
                                                  "account_changed": "-5000.00", "reversed": "0.00"}),
        tie_out("2140",
        "Work in process", ["wip"], subledger="-23412.10", gl="-18424.15", other_activity="5000.00",
                difference="-12.05", explained={"amount_mismatch": "-0.05"}, unexplained="-12.00"),
        tie_out("5510", "Goods received, not invoiced", ["invt_accrual_interim"], subledger="-40310.00",
                gl="-40310.00"),
        tie_out("2190",
        "Finished goods, old", ["inventory"], subledger="0.00", gl="5000.00", difference="5000.00",
                explained={"account_changed": "5000.00"}),
        tie_out("2130", "Raw materials", ["inventory"], subledger="100.00", gl="100.00",
                explained={"unposted": "-35.00", "direct_posting": "35.00"}),
        tie_out(None, "", [], gl="77.00", difference="77.00", explained={"deleted_account": "77.00"}),
        tie_out("7291",
        "Direct cost applied", ["direct_cost_applied"], subledger="-812.40", difference="812.40",
                explained={"unposted": "812.40"}),
        tie_out("7995", "Capacity variance", ["capacity_variance"]),
        tie_out("7990", "Cost of goods sold", ["cogs"], subledger="801200.00", gl="801200.00"),
    )  # fmt: skip
    names = ("unposted", "direct_posting", "account_changed", "amount_mismatch", "deleted_account",
    "reversed",
             "unclassified", "posting_date_mismatch")  # fmt: skip
    amounts = ("812.40", "1500.00", "5000.00", "0.05", "77.00", "120.00", "12.00", "45.00")
    lines = [
        {"value_entry_no": no, "cost_kind": "actual", "account_role": role, "account_no": account,
         "posting_date": "2026-03-31", "amount": amount, "posted_amount": posted, "open_amount": left,
         "rule_id": "BC-001"}
        for no, role, account, amount, posted, left in (
            (17, "inventory", "2110", "812.40", "0", "812.40"),
            (17, "direct_cost_applied", "7291", "-812.40", "0", "-812.40"),
            (55, "wip", "2140", "310.05", "310.05", "0"),
            (61, "inventory", "2110", "60.00", "60.00", "0"),
        )
    ]  # fmt: skip
    linked = [
        {"gl_entry_no": gl, "value_entry_no": no, "cost_kind": "actual", "account_role": role,
         "account_no": account,
         "posting_date": "2026-03-31", "amount": amount, "inferred": False}
        for gl, no, role, account, amount in (
            (1203, 55, "wip", "2140", "310.00"),
            (1411, 61, "inventory", "2110", "60.00"),
            *((9000 + no, no, "inventory", "2190", "125.00") for no in range(400, 440)),
        )
    ]  # fmt: skip
    entries = [
        {"value_entry_no": no, "posting_date": "2026-03-31", "item_ledger_entry_type": "Purchase",
         "entry_type": "Direct Cost", "item_no": "BIKE-1000", "location_code": "MAIN",
         "document_no": f"PR-{no}",
         "amount_actual": "812.40", "posted_actual": "0", "amount_expected": "0", "posted_expected": "0"}
        for no in (17, 55, 61, 70, *range(400, 440))
    ]  # fmt: skip
    ledger = [
        {"gl_entry_no": no, "posting_date": "2026-03-31", "account_no": account, "document_no": "G04-12",
         "source_code": "GENJNL", "amount": "1500.00", "description": "Bicycle <b>& parts</b>",
         "user_id": "BORIS"}
        for no, account in ((3310, "2110"), (4001, None), (1203, "2140"), (1411, "2110"), (1420, "2110"))
    ]  # fmt: skip
    summary = {
        **cronus().summary,
        "company": "Made & Sons <Ltd>",
        "status": "inconclusive",
        "inconclusive_because": ["The whole G/L sums to 77.00, not to 0: entry 4001 has no counterpart."],
        "causes": {n: {"findings": 2 if n == "reversed" else 1, "amount": a}
                   for n, a in zip(names, amounts, strict=True)},
    }  # fmt: skip
    return Marts(
        summary, tie_outs, mart(DIFFERENCE, *differences), mart(EXPECTED, *lines), mart(ACTUAL, *linked),
        mart(VALUE_ENTRY, *entries), mart(GL_ENTRY, *ledger),
    )  # fmt: skip


def many(findings: int) -> Marts:
    """CRONUS with thousands of entries that aren't posted, each a finding of its own amount."""
    base = cronus()
    unposted = [
        {
            "finding_id": f"u{no:06}", "cause": "unposted", "severity": "error", "account_no": "14110",
            "account_role": "inventory", "posting_date": "2026-05-05", "value_entry_no": no,
            "expected_amount": str(no), "actual_amount": "0", "difference": str(-no),
            "explanation": f"Entry {no}.",
            "remedy": "Run the batch.",
        }
        for no in range(1, findings + 1)
    ]  # fmt: skip
    causes = {"unposted": {"findings": findings, "amount": "78006000.00"}}
    return base._replace(summary={**base.summary, "causes": causes}, differences=mart(DIFFERENCE, *unposted))


class _Page(HTMLParser):
    """The page taken apart: its text outside of scripts, its elements, its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        (self.raw if self._inside in {"script", "style"} else self.words).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, name: str) -> list[str]:
        return [value for _, found in self.elements if (value := found.get(name))]


def written(marts: Marts, **further: pl.DataFrame) -> str:
    """The report of the marts, and of further ones by their names."""
    core = {
        "tie_outs": marts.tie_outs,
        "differences": marts.differences,
        "expected_postings": marts.expected_postings,
        "actual_postings": marts.actual_postings,
    }
    return report(marts.summary, {**core, **further}, marts.value_entries, marts.gl_entries)


def page(marts: Marts, **further: pl.DataFrame) -> _Page:
    """The report of the marts, taken apart."""
    return _Page(written(marts, **further))


CLEARING_ITEM: Mapping[str, Any] = {
    "account_no": pl.String, "account_role": pl.String, "item_key": pl.String, "document_no": pl.String,
    "party_no": pl.String, "item_no": pl.String, "opened_on": pl.Date, "last_activity_on": pl.Date,
    "debits": MONEY, "credits": MONEY, "balance": MONEY, "age_days": pl.Int64,
    "days_since_activity": pl.Int64, "bucket": pl.String, "stale": pl.Boolean, "reason": pl.String,
}  # fmt: skip


def clearing_items(number: int = 3) -> pl.DataFrame:
    """Open items of one accrual account, the n-th of -n.00 and 40 n days old; the third is stale."""
    return mart(CLEARING_ITEM, *(
        {"account_no": "5510", "account_role": "invt_accrual_interim", "item_key": f"ile:{n}",
         "document_no": f"R-{n}", "party_no": "V10000", "item_no": "BIKE-1000", "opened_on": "2026-01-31",
         "last_activity_on": "2026-02-28", "debits": "0", "credits": str(n), "balance": str(-n),
         "age_days": 40 * n, "days_since_activity": 40 * n - 28,
         "bucket": ("31-60", "61-90", "91-180")[min(n, 3) - 1], "stale": n == 3,
         "reason": "Received, not invoiced."}
        for n in range(1, number + 1)
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("reconciled", "✓ Reconciled The stock ledger and the general ledger agree"),
        ("differences", "≠ Differences The stock ledger and the general ledger do not agree."),
        ("inconclusive", "? Inconclusive The input contradicts itself or is incomplete."),
    ],
)
def test_the_verdict_stands_first(status: str, sentence: str) -> None:
    marts = cronus()
    text = page(marts._replace(summary={**marts.summary, "status": status})).text
    assert sentence in text
    assert text.index(sentence) < text.index("What is open, and who acts")


def test_an_inconclusive_verdict_gives_its_reasons_on_top() -> None:
    text = page(made()).text
    assert text.index("The whole G/L sums to 77.00, not to 0") < text.index("Controlled accounts that tie")


def test_what_is_open_and_who_acts_is_said_before_any_detail() -> None:
    text = page(cronus()).text
    opening = text[: text.index("Subledger against general ledger")]
    assert "the general ledger stands 240.00 above the subledger" in opening
    assert "Posted straight to the account 240.00 General ledger · 1 finding" in opening
    assert "Correct the purchase line" in opening


def test_every_account_stands_with_its_amounts_controlled_ones_first() -> None:
    text = page(made()).text
    accounts = text[text.index("Controlled accounts 2110") : text.index("From subledger to general ledger")]
    controlled, others = accounts.split("Other accounts that inventory posts to")
    assert [no for no in ("2110", "2140", "5510", "2190", "2130") if no not in controlled] == []
    assert [no for no in ("(no account)", "7291", "7990") if no not in others] == []
    assert (
        "2110 Finished goods Inventory 1,184,250.00 1,179,937.60 0.00 -4,312.40 0.00 ≠ differs" in controlled
    )
    assert "2130 Raw materials Inventory 100.00 100.00 0.00 0.00 0.00 ± differences offset" in controlled
    assert "without any amount (✓ tie at 0): 7995 Capacity variance" in accounts
    assert "5510 Goods received, not invoiced Invt. accrual (Interim)" in controlled


def test_a_bridge_leads_from_subledger_to_general_ledger() -> None:
    text = page(made()).text
    assert (
        "Subledger -23,412.10 Other activity on the account 5,000.00 G/L amount differs -0.05 Not explained "
        "-12.00 General ledger -18,424.15"
    ) in text


def test_the_lines_of_every_bridge_add_up() -> None:
    for row in made().tie_outs.iter_rows(named=True):
        *lines, gl = figures.bridge_steps(row)
        assert sum(line.amount for line in lines) == gl.amount


def test_other_activity_that_would_dwarf_the_causes_shares_a_bar_with_the_subledger() -> None:
    drawn = figures.bridge(made().tie_outs, "2140", 2).to_plotly_json()["data"][0]
    assert drawn["text"] == ["-23,412.10 +5,000.00", "-0.05", "-12.00", "-18,424.15"]
    assert drawn["x"] == ["-18412.10", "-0.05", "-12.00", "-18424.15"]


def test_a_finding_opens_down_to_value_entry_and_gl_entry() -> None:
    text = page(made()).text
    drill = text[text.index("G/L amount differs: -0.05 on account 2140.") :]
    assert drill.index("Expected by rule and setup") < drill.index("310.05 310.05 0.00")
    assert drill.index("Found in the general ledger") < drill.index(
        "1203 55 2140 WIP Actual 2026-03-31 310.00"
    )
    assert "55 2026-03-31 Purchase Direct Cost BIKE-1000 MAIN PR-55 812.40" in drill
    assert "link inferred" in text
    assert "settled: S-1 reversed by G/L entry 1420" in text


def test_every_link_leads_to_an_element_of_the_page() -> None:
    for marts in (cronus(), made()):
        found = page(marts)
        ids = found.attributes("id")
        assert len(ids) == len(set(ids))
        assert {link.removeprefix("#") for link in found.attributes("href")} <= set(ids)


def test_checks_inputs_and_population_are_stated() -> None:
    text = page(cronus()).text
    assert "Export table 5823 G/L - Item Ledger Relation." in text
    assert "G/L sums to 0 ✓ passed · 5,688 lines sum to 0.00" in text
    assert "Expected cost posting off inferred" in text
    assert "value_entry 870 870 0 Cost amount actual 2,255,759.50; Cost posted to G/L 2,255,759.50" in text
    assert "b01c" * 16 in text
    assert "Subledger of the role Inventory 2,255,759.50" in text
    assert "never a finding: 88" in text


def test_ten_thousand_findings_show_totals_and_the_largest() -> None:
    found = page(many(12_489))
    assert "12,489 findings · 78,006,000.00" in found.text
    assert (
        "200 of 12,489 findings are shown, the largest first; the other 12,289 stand in differences.csv."
        in found.text
    )
    finding_ids = [i for i in found.attributes("id") if i.startswith("finding-")]
    assert (len(finding_ids), finding_ids[0], finding_ids[-1]) == (200, "finding-u012489", "finding-u012290")


def test_a_finding_with_many_members_says_how_many_are_left_out() -> None:
    assert "60 more rows of this finding stand in differences.csv." in page(made()).text


def test_books_without_findings_make_a_page_too() -> None:
    marts = cronus()
    clean = Marts(
        {**marts.summary, "status": "reconciled", "causes": {}},
        marts.tie_outs.filter(pl.col("difference") == 0),
        mart(DIFFERENCE),
        mart(EXPECTED),
        mart(ACTUAL),
        pl.DataFrame(),
        pl.DataFrame(),
    )
    text = page(clean).text
    assert "✓ No account differs." in text
    assert "✓ No finding asks for a correction." in text


def test_data_cannot_break_out_of_the_page() -> None:
    marts = cronus(description=SCRIPT)
    hostile = Marts(
        {**marts.summary, "company": SCRIPT, "notes": [SCRIPT]},
        marts.tie_outs.with_columns(
            account_no=pl.lit(SCRIPT), explained=pl.lit(json.dumps({SCRIPT: "240.00"}))
        ).tail(1).with_columns(difference=pl.lit(240, MONEY)),
        marts.differences.with_columns(explanation=pl.lit(SCRIPT), account_no=pl.lit(SCRIPT)),
        marts.expected_postings, marts.actual_postings, marts.value_entries, marts.gl_entries,
    )  # fmt: skip
    html = written(hostile)
    assert "<script>alert" not in html
    assert "</script><script>" not in html.replace("</script>\n<script>", "")
    scripts = [found for tag, found in _Page(html).elements if tag == "script"]
    assert [s.get("type") for s in scripts] == ["application/json", None, None]


def test_the_page_asks_the_network_for_nothing() -> None:
    found = page(made())
    assert [link for link in found.attributes("href") if not link.startswith("#")] == []
    assert found.attributes("src") == []
    assert not re.search(r"url\(|@import", "".join(t for t in found.raw if len(t) < 100_000))
    (policy,) = [e["content"] for _, e in found.elements if e.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy


def test_a_mart_stands_as_a_table_marked_rows_first_with_totals_and_its_file() -> None:
    text = page(made(), clearing_items=clearing_items()).text
    section = text[text.index("Clearing accounts: open items What opened") : text.index("What was checked")]
    assert "clearing_items.csv · 3 rows" in section
    assert "only stale items (1)" in section
    first, second, third = (section.index(f"ile:{n}") for n in (3, 2, 1))
    assert first < second < third
    assert "5510 ile:3 R-3 V10000 BIKE-1000 2026-01-31 -3.00 120 91-180 yes Received, not" in section
    assert "All 3 rows -6.00 0.00 6.00" in section


def test_a_mart_links_to_the_account_that_it_names() -> None:
    found = page(made(), clearing_items=clearing_items())
    assert found.attributes("href").count("#account-5510") == 3


def test_rows_beyond_the_first_hundred_stay_in_the_file_and_in_the_totals() -> None:
    found = page(made(), clearing_items=clearing_items(250))
    assert "150 more rows in clearing_items.csv; the totals are those of all rows." in found.text
    assert "All 250 rows -31,375.00 0.00 31,375.00" in found.text
    assert found.text.count("Received, not invoiced.") == 100


def test_a_mart_that_nobody_planned_stands_there_with_all_its_columns() -> None:
    surprise = pl.DataFrame({"order_no": ["P-1"], "cost_left": [Decimal("12.50")], "is_late": [True]})
    text = page(cronus(), surprise_of_the_day=surprise).text
    assert "surprise_of_the_day.csv · 1 row" in text
    assert "Order No. Cost left Is late P-1 12.50 yes All 1 rows 12.50" in text


def test_an_empty_mart_says_so() -> None:
    text = page(cronus(), clearing_items=mart(CLEARING_ITEM)).text
    assert "No clearing account has an open item." in text


def test_sections_keep_their_letters_in_a_row() -> None:
    text = page(cronus(), clearing_items=clearing_items(), zebra=clearing_items(1)).text
    for heading in (
        "F Clearing accounts: open items",
        "G Zebra",
        "H What was checked",
        "I Inputs",
        "J How to",
    ):
        assert heading in text


def test_every_planned_column_is_one_of_the_mart() -> None:
    planned = {
        f"{plan.mart}.{name}"
        for plan in plans().values()
        if plan.mart in MARTS
        for name in [
            *(column[0] for column in plan.columns),
            *(key.lstrip("-") for key in plan.sort),
            *([plan.mark.column] if plan.mark else []),
        ]
    }
    assert planned - {f"{mart}.{name}" for mart, columns in MARTS.items() for name in columns} == set()


def test_the_ages_of_clearing_items_are_drawn_to_the_cent() -> None:
    drawn = figures.ageing(clearing_items(), 2).to_plotly_json()
    assert [(bar["name"], bar["x"]) for bar in drawn["data"]] == [
        ("31-60", ["-1.00"]), ("61-90", ["-2.00"]), ("91-180", ["-3.00"]),
    ]  # fmt: skip
    assert drawn["layout"]["yaxis"]["ticktext"] == ["5510  -6.00"]


ROLL_FORWARD: Mapping[str, Any] = {
    "account_no": pl.String, "side": pl.String, "ordinal": pl.Int64, "line": pl.String,
    "account_role": pl.String, "amount": MONEY,
}  # fmt: skip


def test_a_controlled_account_is_drawn_from_opening_to_closing() -> None:
    lines = (
        ("subledger", "opening", None, "100.00"),
        ("subledger", "Purchase, Direct Cost", "inventory", "40.00"),
        ("subledger", "Sale, Direct Cost", "inventory", "-25.00"), ("subledger", "closing", None, "115.00"),
        ("gl", "opening", None, "100.00"), ("gl", "closing", None, "100.00"),
    )  # fmt: skip
    moved = mart(ROLL_FORWARD, *(
        {"account_no": "2110", "side": side, "ordinal": n, "line": line, "account_role": role,
         "amount": amount}
        for n, (side, line, role, amount) in enumerate(lines)
    ))  # fmt: skip
    (drawn,) = figures.drawings("roll_forward", moved, 2)
    assert drawn.caption == "Account 2110: the subledger from opening to closing (the axis is cut)"
    bars = drawn.figure.to_plotly_json()
    assert bars["data"][0]["text"] == ["100.00", "+40.00", "-25.00", "115.00"]
    assert bars["layout"]["yaxis"]["ticktext"] == [
        "Opening", "Purchase, Direct Cost", "Sale, Direct Cost", "Closing",
    ]  # fmt: skip


def test_nested_values_are_written_as_words() -> None:
    assert wording.listed('[{"account_no": "2110", "amount": "5.00"}, {"account_no": "2190"}]') == (
        "Account No. 2110, Amount 5.00; Account No. 2190"
    )
    assert wording.listed('["wip", "cogs_interim"]', wording.role) == "WIP, COGS (Interim)"
    assert wording.quantity(Decimal("1250.50000")) == "1,250.5"


def test_plotly_is_embedded_once() -> None:
    assert written(made()).count("* plotly.js v") == 1


def test_the_same_marts_give_the_same_bytes() -> None:
    assert written(made()) == written(made())


def test_amounts_are_written_exactly() -> None:
    assert wording.amount(Decimal("-1234567.80")) == "-1,234,567.80"
    assert wording.amount("0.00000") == "0.00"
    assert wording.amount(Decimal("-0.00")) == "0.00"
    assert wording.amount("12.34567", 2) == "12.34567"
    assert wording.amount("1500", 3) == "1,500.000"
    assert wording.amount(None) == ""


def test_every_cause_title_fits_beside_a_bar() -> None:
    lines = (wording.LIBRARY / "causes.csv").read_text(encoding="utf-8").splitlines()[1:]
    titles = [wording.cause(line.split(",")[0]).title for line in lines]
    assert [title for title in titles if len(title) > figures.LABEL_LENGTH] == []


BROWSER = next(
    (b for name in ("chromium", "chromium-browser", "google-chrome") if (b := shutil.which(name))), None
)


def browsed(folder: Path, html: str) -> subprocess.CompletedProcess[str]:
    """The page as a browser leaves it once its scripts have run, and what it complains about."""
    assert BROWSER is not None
    (folder / "report.html").write_text(html, encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=10000", "--dump-dom",
        (folder / "report.html").as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def played(html: str, script: str) -> str:
    """The page with a reader's clicks at its end; the policy would refuse a script that it doesn't know."""
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    return free.replace("</body>", f"<script>{script}</script></body>")


SORT_AND_FILTER = """
const mart = document.querySelector(".mart"), filter = mart.querySelector("[type=search]");
const age = [...mart.querySelectorAll("thead button")].find(b => b.textContent === "Age (days)");
age.click(); age.click();
filter.value = "ile:1"; filter.dispatchEvent(new Event("input"));
"""


@pytest.mark.skipif(
    BROWSER is None, reason="no chromium on this machine: the report was not opened in a browser"
)
def test_a_browser_draws_the_bridges_without_a_complaint(tmp_path: Path) -> None:
    assert BROWSER is not None
    html = written(made(), clearing_items=clearing_items())
    opened = browsed(tmp_path, html)
    assert [line for line in opened.stderr.splitlines() if "CONSOLE" in line] == []
    bars = re.findall(r'<g class="trace bars".*?</g></g></g>', opened.stdout, re.DOTALL)
    assert len(bars) == 6 + 3  # six bridges, three ages
    assert 'class="xtick"' in opened.stdout
    assert "+1,500.00" in opened.stdout
    assert '<button type="button">Balance</button>' in opened.stdout
    assert '<div class="tools">' in opened.stdout


@pytest.mark.skipif(
    BROWSER is None, reason="no chromium on this machine: the report was not opened in a browser"
)
def test_a_reader_sorts_and_filters_a_mart_and_sees_the_sum_of_what_is_left(tmp_path: Path) -> None:
    html = played(written(made(), clearing_items=clearing_items(12)), SORT_AND_FILTER)
    opened = browsed(tmp_path, html)
    assert [line for line in opened.stderr.splitlines() if "CONSOLE" in line] == []
    section = opened.stdout[opened.stdout.index('<section id="mart-clearing"') :]
    rows = re.findall(
        r"<tr[^>]*?( hidden=\"\")?>\s*<th scope=\"row\".*?(ile:\d+)", section.split("<tfoot>")[0], re.DOTALL
    )
    assert [item for hidden, item in rows if not hidden] == ["ile:12", "ile:11", "ile:10", "ile:1"]
    assert "4 of 12 rows shown" in section
    assert re.search(r"These 4 rows</th>.*?>-34.00<.*?>0.00<.*?>34.00<.*?All 12 rows", section, re.DOTALL)
