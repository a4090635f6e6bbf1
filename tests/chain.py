"""Runs the steps that a case page asks about, each when it is needed and once.

Here: the world around a page (``tests/cases/WORLD.md``), its tables as an extract, and the nouns that it may
expect. Not here: reading and comparing pages (``tests/page.py``).
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from pipelines import rules
from pipelines.sources import bc_extract, bc_known
from schemas.ledger import Excerpt, Settings
from schemas.limits import Request
from tests import page
from tests.page import CASES, Mismatch, Page, PageError, Row

#: Each noun and the step that computes it; a step's parameters are nouns again.
STEPS: Mapping[str, str] = {
    "account_roles": "pipelines.rules:account_roles",
    "ageing_policies": "pipelines.rules:ageing_policies",
    "causes": "pipelines.rules:causes",
    "clearing_rules": "pipelines.rules:clearing_rules",
    "completeness": "pipelines.rules:completeness",
    "matching_rules": "pipelines.rules:matching_rules",
    "posting_rules": "pipelines.rules:posting_rules",
    "rule_changes": "pipelines.rules:rule_changes",
    "remedies": "pipelines.rules:remedies",
    "reconciliations": "pipelines.rules:reconciliations",
    "setup_messages": "pipelines.rules:setup_messages",
    "source_codes": "pipelines.rules:source_codes",
    "books": "pipelines.sources.bc:books",
    "postings": "pipelines.expect:postings",
    "resolved_postings": "pipelines.resolve:accounts",
    "expected_postings": "pipelines.infer:confirmed",
    "agreed_lines": "pipelines.agree:agreed_lines",
    "agreed_totals": "pipelines.agree:agreed_totals",
    "agreed_parts": "pipelines.agree:agreed_parts",
    "remaining_books": "pipelines.agree:remaining_books",
    "remaining_postings": "pipelines.agree:remaining_postings",
    "links": "pipelines.infer:links",
    "remaining_pieces": "pipelines.link:pieces",
    "actual_postings": "pipelines.agree:actual_postings",
    "agreed_items": "pipelines.cleared:agreed_items",
    "uncleared_lines": "pipelines.cleared:uncleared_lines",
    "account_scope": "pipelines.scope:account_scope",
    "activity": "pipelines.activity:ledger_activity",
    "balances": "pipelines.reconcile:balances",
    "unbalanced": "pipelines.faults:unbalanced_transactions",
    "orphans": "pipelines.faults:orphan_relations",
    "compared_lines": "pipelines.compare:compared_lines",
    "line_findings": "pipelines.explain_lines:line_findings",
    "ledger_findings": "pipelines.explain_ledger:ledger_findings",
    "fault_notices": "pipelines.explain_ledger:fault_notices",
    "clearing_lines": "pipelines.clear:clearing_lines",
    "matched_lines": "pipelines.match:matched_lines",
    "clearing_items": "pipelines.age:clearing_items",
    "clearing_matches": "pipelines.match:clearing_matches",
    "clearing_findings": "pipelines.age:clearing_findings",
    "subjects": "pipelines.subjects:subjects",
    "stock_checks": "pipelines.rules:stock_checks",
    "stock_findings": "pipelines.inspect:stock_findings",
    "differences": "pipelines.explain:differences",
    "accrual_proposals": "pipelines.accrue:accrual_proposals",
    "tie_outs": "pipelines.reconcile:tie_outs",
    "reconciliation_results": "pipelines.reconciliations:results",
    "population": "pipelines.reconcile:population",
    "proposal_rules": "pipelines.rules:proposal_rules",
    "findings_to_correct": "pipelines.propose:findings_to_correct",
    "setup_needs": "pipelines.setup_needs:setup_needs",
    "correction_journals": "pipelines.rebook:correction_journals",
    "proposals": "pipelines.propose:proposals",
    "roll_forward": "pipelines.roll:roll_forward",
    "evidence": "pipelines.completeness:evidence",
    "subledger_parts": "pipelines.trace:subledger_parts",
    "ledger_balances": "pipelines.trace:ledger_balances",
    "stated_balances": "pipelines.sources.bc_stated:stated_balances",
    "attributed_lines": "pipelines.attribute:attributed_lines",
    "entry_items": "pipelines.attribute:entry_items",
    "valuation": "pipelines.value:valuation",
    "breakdowns": "pipelines.value:breakdowns",
    "wip_orders": "pipelines.wip:wip_orders",
    "matrix_formulas": "pipelines.rules:matrix_formulas",
    "matrix_rows": "pipelines.rules:matrix_rows",
    "matrix_warnings": "pipelines.rules:matrix_warnings",
    "bc_matrix": "pipelines.matrix:bc_matrix",
    "summary": "pipelines.judge:summary",
    "posting_limits": "pipelines.sources.bc_limits:posting_limits",
    "post_test": "pipelines.posttest:post_test",
    "setup_timeline": "pipelines.setup_history:setup_timeline",
    "setup_log": "pipelines.setup_history:setup_log",
    "setup_kinds": "pipelines.rules:setup_kinds",
    "setup_findings": "pipelines.setup_advice:setup_findings",
}

#: A page's switch and the setup field behind it.
SWITCHES: Mapping[str, tuple[str, str]] = {
    "automatic cost posting": ("inventory_setup", "automatic_cost_posting"),
    "expected cost posting": ("inventory_setup", "expected_cost_posting_to_gl"),
    "non-inventory cost in production": ("manufacturing_setup", "inc_non_inv_cost_to_prod"),
    "finish order without output": ("manufacturing_setup", "finish_order_without_output"),
}
SETUPS = ("inventory_posting_setup", "general_posting_setup")
LEDGERS = ("value_entry", "gl_entry")

#: Columns that a table has even when a page gives no row of it.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "value_entry": ("entry_no", "item_ledger_entry_no", "cost_amount_expected", "expected_cost_posted_to_gl"),
    "gl_entry": ("entry_no", "gl_account_no", "amount"),
    "gl_item_ledger_relation": ("gl_entry_no", "value_entry_no"),
    "post_value_entry_to_gl": ("value_entry_no",),
}
#: A ledger has rows: the line of a page that gives no G/L entry.
NOTHING_POSTED: Row = {"entry_no": "1", "gl_account_no": "2910", "amount": "0"}


class Chain:
    """The steps from a page's tables to its nouns. What is given needn't be computed."""

    def __init__(self, case: Page, posting_rules: pl.DataFrame | None = None, **given: Any) -> None:
        self.case = case
        self.known: dict[str, Any] = {"settings": _settings(case), "excerpt": _excerpt(case), **given}
        if "posting_rules" in case.given:
            own = pl.DataFrame(_text(case.given["posting_rules"].rows, ()))
            self.known["posting_rules"] = rules.adapted_rules(own, f"{case.path.name}")
        if "request" in case.given:
            self.known["request"] = Request(**case.given["request"].rows[0])
        if posting_rules is not None:
            self.known["posting_rules"] = posting_rules

    def mismatches(self) -> Iterator[Mismatch]:
        """What came out otherwise than the page expects, in its order; nothing when the page is right."""
        found = (page.mismatch(table, self.noun(table)) for table in self.case.expected)
        return (m for m in found if m is not None)

    def __getitem__(self, noun: str) -> Any:
        """The noun, computed by its step from the nouns that the step's parameters name."""
        if noun == "extract" and noun not in self.known:
            self.known[noun] = bc_known.known(_extract(self.case), self["settings"])
        if noun not in self.known:
            step = _step(noun)
            named = inspect.signature(step).parameters.values()
            needs = [p.name for p in named if p.default is p.empty or p.name in self.known]
            came_out = step(**{need: self[need] for need in needs})
            is_lost = page.snake(self.case.parameters.get("lost", "")) == noun
            self.known[noun] = came_out.clear() if is_lost else came_out
        return self.known[noun]

    def noun(self, table: page.Table) -> pl.DataFrame:
        """What came out of the kind that the page's table is about."""
        nouns: Mapping[str, Callable[[], pl.DataFrame]] = {
            "expected postings": lambda: self["expected_postings"].filter(pl.col("outcome") == "posted"),
            "findings": lambda: self._findings(table),
            "tie-outs": lambda: _without_empty(self["tie_outs"], table, "account_no"),
            "roll forward": lambda: _of_accounts(self["roll_forward"], table),
            "population": lambda: _without_empty(self["population"], table, "line"),
            "breakdowns": lambda: _of_named(self["breakdowns"], table, "by", "account_no"),
            "bc matrix": lambda: _of_named(self["bc_matrix"], table, "view", "row"),
            "causes": self._causes,
            "verdict": self._verdict,
            "warnings": lambda: _texts(self["summary"]["warnings"], "warning"),
            "checks off": lambda: _texts(self["summary"]["checks_off"], "check", "why"),
        }
        if table.noun in nouns:
            return nouns[table.noun]()
        came_out: pl.DataFrame = self[page.snake(table.noun)]
        return came_out

    def _findings(self, table: page.Table) -> pl.DataFrame:
        """One row per finding, as far as the page's columns tell its rows apart."""
        plain = [c for c in table.columns if not c.endswith("_mentions")] or ["cause"]
        mentions = [c.removesuffix("_mentions") for c in table.columns if c.endswith("_mentions")]
        by_finding = self["differences"].group_by("finding_id", *plain, maintain_order=True)
        findings: pl.DataFrame = by_finding.agg(pl.col(mentions).str.join(" ")).drop("finding_id")
        return findings

    def _causes(self) -> pl.DataFrame:
        schema = {"cause": pl.String(), "findings": pl.Int64(), "amount": pl.Decimal(38, 5)}
        summed = self["summary"]["causes"].items()
        rows = [(cause, s["findings"], Decimal(s["amount"])) for cause, s in summed if s["findings"]]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _verdict(self) -> pl.DataFrame:
        because = " · ".join(self["summary"]["inconclusive_because"])
        return pl.DataFrame({"status": [self["summary"]["status"]], "because": [because]})


@cache
def of(path: Path) -> Chain:
    """The chain of the page at ``path``, the same one for every test that looks at it."""
    return Chain(page.read(path))


@cache
def _step(noun: str) -> Callable[..., Any]:
    module, function = STEPS[noun].split(":")
    step: Callable[..., Any] = getattr(import_module(module), function)
    return step


def _texts(rows: Sequence[Any], *columns: str) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row" if rows else None)


def _of_accounts(came_out: pl.DataFrame, table: page.Table) -> pl.DataFrame:
    """The lines of the accounts that the page names."""
    return came_out.filter(pl.col("account_no").is_in([row["account_no"] for row in table.rows]))


def _without_empty(came_out: pl.DataFrame, table: page.Table, key: str) -> pl.DataFrame:
    """Rows that the page names, and others that hold an amount: accounts at rest needn't be listed."""
    listed = [row[key] for row in table.rows]
    amounts = [c for c, dtype in came_out.schema.items() if isinstance(dtype, pl.Decimal)]
    return came_out.filter(pl.col(key).is_in(listed) | pl.any_horizontal(pl.col(c) != 0 for c in amounts))


def _of_named(came_out: pl.DataFrame, table: page.Table, *columns: str) -> pl.DataFrame:
    """The rows that share these columns with a row of the page: of one that it names it must tell all."""
    named = pl.DataFrame([[row[c] for c in columns] for row in table.rows], list(columns), orient="row")
    return came_out.join(named, on=columns, how="semi")


# The page's tables and the world around them


def tables(case: Page) -> dict[str, pl.DataFrame]:
    """The page's Given tables and the world around them, as text under Business Central's column names."""
    given = {name: [dict(row) for row in table.rows] for name, table in case.given.items()}
    for told in ("request", "posting_rules"):  # not tables of Business Central
        given.pop(told, None)
    world = _world()
    for name, rows in _switch_tables(given.pop("switches", [])).items():
        given.setdefault(name, rows)
    for name in SETUPS:
        given[name] = [{**world[name], **row} for row in given.get(name, [{}])]
    given.setdefault("gl_entry", [dict(NOTHING_POSTED)])
    if any("value_entry_no" in row for row in given["gl_entry"]):
        links = [link for row in given["gl_entry"] for link in _links(row)]
        given["gl_item_ledger_relation"] = given.get("gl_item_ledger_relation", []) + links
    for name in LEDGERS:
        given[name] = [{**world[name], **row} for row in given[name]]
    given["value_entry"] = [_with_own_item_ledger_entry(row) for row in given["value_entry"]]
    return {name: _text(rows, (*COLUMNS.get(name, ()), *world.get(name, {}))) for name, rows in given.items()}


def _extract(case: Page) -> Any:
    return bc_extract.extract("PAGE", [_table(name, frame) for name, frame in tables(case).items()])


def _table(name: str, frame: pl.DataFrame) -> bc_extract.Table:
    part = bc_extract.Part(f"{name} on the page", frame, lambda row: f"row {row + 1}")
    return bc_extract.Table(name, f"{name} on the page", (part,), sha256="")


@cache
def _world() -> Mapping[str, Row]:
    """The row that each table of a page is laid over."""
    given = page.read(CASES / "WORLD.md").given
    return {name: table.rows[0] for name, table in given.items() if name != "switches"}


@cache
def _switches_of_the_world() -> Mapping[str, str]:
    return {row["switch"]: row["value"] for row in page.read(CASES / "WORLD.md").given["switches"].rows}


def _switch_tables(stated: Sequence[Row]) -> dict[str, list[dict[str, str]]]:
    """The setup tables behind the switches; a switch that is "unknown" leaves its column out."""
    values = {**_switches_of_the_world(), **{row["switch"]: row["value"] for row in stated}}
    if set(values) != set(SWITCHES):
        raise PageError(
            f"no switch is called {sorted(set(values) - set(SWITCHES))}: use {', '.join(SWITCHES)}"
        )
    setups: dict[str, dict[str, str]] = {}
    for switch, (table, column) in SWITCHES.items():
        if values[switch] != "unknown":
            setups.setdefault(table, {})[column] = {"on": "true", "off": "false"}[values[switch]]
    return {table: [row] for table, row in setups.items()}


def _with_own_item_ledger_entry(row: dict[str, str]) -> dict[str, str]:
    """An entry that names no item ledger entry is the only one of its own; capacity entries have none."""
    own = "" if row["item_ledger_entry_type"] == "(blank)" else row["entry_no"]
    return {"item_ledger_entry_no": own, **row}


def _links(row: dict[str, str]) -> list[dict[str, str]]:
    """The relation rows that a G/L entry's cell "value entry no." stands for: none, one or several."""
    numbers = re.findall(r"\d+", row.pop("value_entry_no"))
    return [{"gl_entry_no": row["entry_no"], "value_entry_no": number} for number in numbers]


def _text(rows: Sequence[Row], columns: Sequence[str]) -> pl.DataFrame:
    named = dict.fromkeys([*columns, *(column for row in rows for column in row)])
    cells = [["" if row.get(c) == "(blank)" else row.get(c, "") for c in named] for row in rows]
    return pl.DataFrame(cells, schema=dict.fromkeys(named, pl.String), orient="row")


def _settings(case: Page) -> Settings:
    stated = case.parameters
    return Settings(
        as_of=date.fromisoformat(stated["as of"]) if "as of" in stated else None,
        known_at=datetime.fromisoformat(stated["known at"]) if "known at" in stated else None,
        roll_from=date.fromisoformat(stated["from"]) if "from" in stated else None,
        materiality=Decimal(stated.get("materiality", "0.01")),
        localization=stated.get("localization", ""),
        warnings_count=stated.get("warnings count", "no") == "yes",
        clearing_accounts=_stated(stated, "clearing accounts"),
        stale_after_days={key: int(days) for key, days in _stated(stated, "stale after days").items()},
        age_buckets={
            key: [int(day) for day in days.split(", ")]
            for key, days in _stated(stated, "age buckets").items()
        },
    )


def _stated(parameters: Mapping[str, str], name: str) -> dict[str, str]:
    """``5410 = goods in transit; 2910 = bridging`` as keys and values."""
    pairs = (pair.partition(" = ") for pair in parameters.get(name, "").split("; ") if pair)
    return {key: value for key, _, value in pairs}


def _excerpt(case: Page) -> Excerpt:
    stated = case.parameters
    first, last = stated.get("from"), stated.get("to")
    return Excerpt(
        item_no=stated.get("item"),
        location_code=stated.get("location", "").replace("(blank)", "") if "location" in stated else None,
        date_from=date.fromisoformat(first) if first else None,
        date_to=date.fromisoformat(last) if last else None,
    )
