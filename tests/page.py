"""Case pages: Markdown that an accountant can read and pytest can run.

Here: reading a page into tables, and laying what came out beside what it expects. Not here: the steps that a
page runs (``tests/chain.py``), the pages (``tests/cases``), and figures: a page never computes one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

CASES = Path(__file__).parent / "cases"

Row = Mapping[str, str]

#: What a page calls a table, and Business Central's table behind it.
TABLES: Mapping[str, str] = {
    "value entries": "value_entry",
    "g/l entries": "gl_entry",
    "relations": "gl_item_ledger_relation",
    "item ledger entries": "item_ledger_entry",
    "capacity ledger entries": "capacity_ledger_entry",
    "queue": "post_value_entry_to_gl",
    "inventory posting setup": "inventory_posting_setup",
    "general posting setup": "general_posting_setup",
    "inventory setup": "inventory_setup",
    "manufacturing setup": "manufacturing_setup",
    "general ledger setup": "general_ledger_setup",
    "source code setup": "source_code_setup",
    "g/l accounts": "gl_account",
    "g/l registers": "gl_register",
    "items": "item",
    "locations": "location",
    "production orders": "production_order",
    "production order lines": "prod_order_line",
    "date compression registers": "date_compr_register",
    "control totals": "control_totals",
    "trial balance": "trial_balance",
    "opening balances": "opening_balance",
    "dispositions": "dispositions",
    "inventory periods": "inventory_period",
    "inventory period entries": "inventory_period_entry",
    "accounting periods": "accounting_period",
    "item application entries": "item_application_entry",
    "average cost entry points": "avg_cost_adjmt_entry_point",
    "order adjustments": "inventory_adjmt_entry_order",
    "item registers": "item_register",
    "change log entries": "change_log_entry",
    "dimension set entries": "dimension_set_entry",
    "user setup": "user_setup",
    "purchase receipt lines": "purch_rcpt_line",
    "purchase invoice lines": "purch_inv_line",
    "sales shipment lines": "sales_shipment_line",
    "sales invoice lines": "sales_invoice_line",
    "journal templates": "gen_journal_template",
    "journal batches": "gen_journal_batch",
    "dimensions": "dimension",
    "dimension values": "dimension_value",
    "dimension combinations": "dimension_combination",
    "dimension value combinations": "dimension_value_combination",
    "default dimensions": "default_dimension",
    "switches": "switches",
    "request": "request",
    "posting rules": "posting_rules",
}

#: What a page may expect.
NOUNS = (
    "postings",
    "agreed lines",
    "remaining postings",
    "expected postings",
    "actual postings",
    "differences",
    "findings",
    "tie-outs",
    "population",
    "reconciliation results",
    "roll forward",
    "valuation",
    "breakdowns",
    "bc matrix",
    "wip orders",
    "clearing items",
    "clearing matches",
    "accrual proposals",
    "setup timeline",
    "setup findings",
    "post test",
    "rule changes",
    "subledger parts",
    "ledger balances",
    "stated balances",
    "activity",
    "proposals",
    "causes",
    "verdict",
    "warnings",
    "checks off",
)

_TITLE = re.compile(r"^# +(?P<title>.+)$")
_HEADING = re.compile(r"^## +(?P<kind>Given|Expect) +(?P<noun>.+?) *$")
_PARAMETER = re.compile(
    r"^(?:[-*] +)?(?P<name>As of|Known at|From|To|Item|Location|Materiality|Localization|Warnings count|"
    r"Clearing accounts|Stale after days|Age buckets|Lost): *(?P<value>.+?) *$"
)
_UNDERLINE = re.compile(r"^\|[ :|-]+\|$")
_MENTIONS = "_mentions"


class PageError(Exception):
    """A page that can't be read: says file, line, what is wrong and what to write instead."""


@dataclass(frozen=True)
class Table:
    """A table as it stands on the page: its columns in snake case, its cells as text."""

    noun: str
    line: int
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Page:
    """One case page."""

    path: Path
    title: str
    parameters: Mapping[str, str]
    given: Mapping[str, Table]
    expected: tuple[Table, ...]


@dataclass(frozen=True)
class Mismatch:
    """What a page expects of one noun and what came out, row by row."""

    noun: str
    line: int
    columns: tuple[str, ...]
    absent: tuple[tuple[str, ...], ...]
    surplus: tuple[tuple[str, ...], ...]
    agreed: int

    def __str__(self) -> str:
        rows = [("on the page", *r) for r in self.absent] + [("came out", *r) for r in self.surplus]
        heading = f"{self.noun} (line {self.line}): {self.agreed} rows agree, these don't"
        return "\n".join([heading, "", *_laid_out(("", *self.columns), rows)])


def read(path: Path) -> Page:
    """The page at ``path``; raises :class:`PageError` where it can't be understood."""
    return _Reader(path).page()


def paths() -> list[Path]:
    """Every case page; a page in capitals explains the others and is not a case."""
    return sorted(p for p in CASES.rglob("*.md") if not p.stem.isupper())


def mismatch(table: Table, came_out: pl.DataFrame) -> Mismatch | None:
    """Where the rows that came out differ from the page's table, as multisets of the columns that it has.

    A table without columns expects no rows. A column "… mentions" holds a text that the cell must contain.
    """
    columns = table.columns or tuple(came_out.columns)
    wanted = [_wanted(row, columns, came_out.schema, table) for row in table.rows]
    found = [tuple(told(row[_named(c)]) for c in columns) for row in came_out.iter_rows(named=True)]
    left = Counter(found)
    absent = [row for row in wanted if not _taken(row, columns, left)]
    surplus = [row for row in found if left[row] > 0 and not left.subtract([row])]
    if not absent and not surplus:
        return None
    return Mismatch(table.noun, table.line, columns, tuple(absent), tuple(surplus), len(wanted) - len(absent))


def snake(caption: str) -> str:
    """A caption as the contract spells columns: "G/L entry no." -> ``gl_entry_no``."""
    kept = re.sub(r"[.'()/&]", "", caption.lower()).replace("%", "pct")
    return re.sub(r"[^a-z0-9]+", "_", kept).strip("_")


def told(value: object) -> str:
    """A value as a page tells it: amounts with two decimals or more, yes and no, blank for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Decimal():
            short = value.normalize() + 0
            return f"{short:.2f}" if short == short.quantize(Decimal("0.01")) else f"{short:f}"
        case datetime():
            return value.isoformat(" ", "seconds")
        case date():
            return value.isoformat()
        case list() | tuple():
            return ", ".join(told(v) for v in value)
        case dict():
            return ", ".join(f"{k} {told(v)}" for k, v in sorted(value.items()) if v)
        case _:
            return str(value)


# Reading


@dataclass
class _Reader:
    path: Path
    title: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    given: dict[str, Table] = field(default_factory=dict)
    expected: list[Table] = field(default_factory=list)

    def page(self) -> Page:
        section: tuple[str, str, int] | None = None
        cells: list[tuple[int, list[str]]] = []
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            if heading := _HEADING.match(line):
                self._close(section, cells)
                section, cells = (heading["kind"], heading["noun"].lower(), number), []
            elif line.startswith("#") and self.title:
                raise self._error(number, "a heading starts with '## Given ' or '## Expect '")
            elif title := _TITLE.match(line):
                self.title = title["title"]
            elif parameter := _PARAMETER.match(line):
                self.parameters[parameter["name"].lower()] = parameter["value"]
            elif line.startswith("|") and not _UNDERLINE.match(line):
                cells.append((number, [c.strip() for c in line.strip()[1:-1].split("|")]))
        self._close(section, cells)
        if not self.title:
            raise self._error(1, "a page opens with a sentence for a title: '# …'")
        return Page(self.path, self.title, self.parameters, self.given, tuple(self.expected))

    def _close(self, section: tuple[str, str, int] | None, cells: list[tuple[int, list[str]]]) -> None:
        if section is None:
            if cells:
                raise self._error(cells[0][0], "a table stands under '## Given …' or '## Expect …'")
            return
        kind, noun, line = section
        if kind == "Given":
            if noun not in TABLES:
                raise self._error(line, f"no table is called {noun!r}: give one of {', '.join(TABLES)}")
            self.given[TABLES[noun]] = self._table(TABLES[noun], line, cells)
        else:
            noun = noun.removeprefix("no ")
            if noun not in NOUNS:
                raise self._error(line, f"nobody computes {noun!r}: expect one of {', '.join(NOUNS)}")
            self.expected.append(self._table(noun, line, cells))

    def _table(self, noun: str, line: int, cells: list[tuple[int, list[str]]]) -> Table:
        if not cells:
            return Table(noun, line)
        columns = tuple(snake(c) for c in cells[0][1])
        for number, row in cells[1:]:
            if len(row) != len(columns):
                raise self._error(number, f"{len(row)} cells under {len(columns)} columns")
        return Table(noun, line, columns, tuple(dict(zip(columns, row, strict=True)) for _, row in cells[1:]))

    def _error(self, line: int, what: str) -> PageError:
        return PageError(f"{self.path}:{line}: {what}")


# Comparing


def _named(column: str) -> str:
    return column.removesuffix(_MENTIONS)


def _wanted(row: Row, columns: Iterable[str], schema: pl.Schema, table: Table) -> tuple[str, ...]:
    """The page's cells in the spelling of what came out, so that 30 and 30.00 are one amount."""
    cells = []
    for column in columns:
        if _named(column) not in schema:
            raise PageError(
                f"line {table.line}: {table.noun} have no column {_named(column)!r}, but {list(schema)}"
            )
        cell = row[column]
        is_amount = isinstance(schema[_named(column)], pl.Decimal) and cell and column == _named(column)
        cells.append(told(Decimal(cell)) if is_amount else "" if cell == "(blank)" else cell)
    return tuple(cells)


def _taken(row: tuple[str, ...], columns: Sequence[str], left: Counter[tuple[str, ...]]) -> bool:
    """Whether a row that came out fits; it is then used up."""
    mentions = [c.endswith(_MENTIONS) for c in columns]
    fitting = [row] if not any(mentions) else [r for r in left if _fits(row, r, mentions)]
    for candidate in fitting:
        if left[candidate] > 0:
            left[candidate] -= 1
            return True
    return False


def _fits(row: tuple[str, ...], candidate: tuple[str, ...], mentions: Sequence[bool]) -> bool:
    return all(
        (w in c) if is_mention else (w == c)
        for w, c, is_mention in zip(row, candidate, mentions, strict=True)
    )


def _laid_out(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(r[i]) for r in [columns, *rows]) for i in range(len(columns))]
    lines = [
        [c.ljust(w) for c, w in zip(r, widths, strict=True)]
        for r in [columns, ["-" * w for w in widths], *rows]
    ]
    return ["| " + " | ".join(line) + " |" for line in lines]
