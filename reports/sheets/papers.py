"""Papers: what the workpapers say of each account, put together from the marts, under a reference of its own.

Here: the figures of one account with what they are made of, and the facts that tickmarks rest on. Not here: a
cell (``cells``), what a tickmark means (``tickmarks``).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from reports import wording
from reports.sheets.cells import sheet_name
from schemas.ledger import CLEARING_ROLES, CONTROLLED_ROLES
from schemas.marts import CAUSES

#: So many accounts have a sheet of their own; all of them stand on the lead sheet.
SHEETS = 100
FIGURES = ("subledger", "other_activity", "gl", "difference", "unexplained")
UNCLASSIFIED = "unclassified"
KINDS: Mapping[str, str] = {
    "actual": "actual cost",
    "expected": "expected cost",
    "write_off": "write-off at finish",
    "opening": "carried over the cut-over",
}


@dataclass(frozen=True)
class Sources:
    """The frames that the workpapers are written from; each but the summary names accounts by number."""

    summary: Mapping[str, Any]
    marts: Mapping[str, pl.DataFrame]
    subledger_parts: pl.DataFrame
    ledger_balances: pl.DataFrame
    stated_balances: pl.DataFrame

    @property
    def as_of(self) -> date:
        return date.fromisoformat(str(self.summary["as_of"]))

    @property
    def scale(self) -> int:
        return int(self.summary["scale"])


@dataclass(frozen=True)
class Item:
    """A cause on an account: how many rows it has there, and what they come to."""

    cause: str
    lines: int
    amount: Decimal


@dataclass(frozen=True)
class Part:
    """A part of a subledger: its role and kind of cost in words, lines and amount."""

    words: str
    lines: int
    amount: Decimal


@dataclass(frozen=True)
class Paper:
    """One account: its reference, its figures, what they are made of.

    ``weight`` sums everything that formulas about the account add up, regardless of sign. ``sheet`` is the
    name of its own sheet, where it has one. ``stated`` and ``open_items`` are null where nothing was given.
    """

    ref: str
    account_no: str | None
    name: str
    roles: str
    is_controlled: bool
    figures: Mapping[str, Decimal]
    balance: Decimal
    stated: Decimal | None
    open_items: Decimal | None
    parts: Sequence[Part]
    items: Sequence[Item]
    weight: Decimal
    facts: frozenset[str]
    sheet: str | None = None

    @property
    def number(self) -> str:
        return wording.account(self.account_no)

    @property
    def reconciling(self) -> Decimal:
        """What the causes come to, without what is not explained."""
        return sum((item.amount for item in self.items if item.cause != UNCLASSIFIED), Decimal())


def papers(sources: Sources) -> list[Paper]:
    """The accounts in the order of the lead sheet: controlled ones first, then by number."""
    stated = {row["account_no"]: bool(row.get("controlled")) for row in sources.summary["tie_outs"]}
    rows = list(sources.marts["tie_outs"].iter_rows(named=True))
    rows.sort(key=lambda r: (not _is_controlled(r, stated), r["account_no"] is None, r["account_no"] or ""))
    digits = max(2, len(str(len(rows))))
    further = _Further(sources)
    found = [
        _paper(f"A-{number:0{digits}}", row, _is_controlled(row, stated), further)
        for number, row in enumerate(rows, 1)
    ]
    return _with_sheets(found)


def _is_controlled(row: Mapping[str, Any], stated: Mapping[str | None, bool]) -> bool:
    return bool({*json.loads(row["roles"])} & {*CONTROLLED_ROLES}) or stated.get(row["account_no"], False)


def _with_sheets(found: Sequence[Paper]) -> list[Paper]:
    """A sheet for each controlled account and each other one with a cause; of too many, the largest."""
    wanted = [p for p in found if p.is_controlled or p.items]
    wanted.sort(key=lambda p: (not p.is_controlled, -abs(p.figures["difference"]), not p.items))
    names = {p.ref: sheet_name(f"{p.ref} {p.number} {p.name}") for p in wanted[:SHEETS]}
    return [Paper(**{**vars(p), "sheet": names.get(p.ref)}) for p in found]


class _Further:
    """What the other frames say of each account, looked up by its number."""

    def __init__(self, sources: Sources) -> None:
        marts = sources.marts
        differences = marts["differences"].with_columns(pl.col("difference").fill_null(0))
        self.absent = {f"no {cause}" for cause in CAUSES if cause not in sources.summary["causes"]}
        self.parts = _by_account(sources.subledger_parts)
        self.items = _by_account(
            differences.group_by("account_no", "cause", maintain_order=True)
            .agg(
                pl.len().alias("lines"),
                pl.col("difference").sum(),
                pl.col("difference").abs().sum().alias("weight"),
            )
            .sort("account_no", "cause", nulls_last=True)
        )
        self.ledger = {r["account_no"]: r for r in sources.ledger_balances.iter_rows(named=True)}
        self.stated = _single(_on(sources.stated_balances, sources.as_of))
        open_items = marts["clearing_items"].group_by("account_no")
        self.open_items = _single(open_items.agg(pl.col("balance").sum()))
        self.aged = _single(open_items.agg(pl.col("balance").abs().sum()))
        lines = marts["roll_forward"]
        self.rolled = _by_account(lines.group_by("account_no", "side").agg(pl.col("amount").abs().sum()))
        self.broken = {
            row[0]
            for row in lines.group_by("account_no", "side")
            .agg(
                moved=pl.col("amount").filter(pl.col("line") != "closing").sum(),
                closing=pl.col("amount").filter(pl.col("line") == "closing").sum(),
            )
            .filter(pl.col("moved") != pl.col("closing"))
            .iter_rows()
        }


def _on(stated: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The balances that are stated for the as-of date."""
    return stated.filter(pl.col("date") == as_of).select("account_no", "stated")


def _by_account(rows: pl.DataFrame) -> Mapping[str | None, list[dict[str, Any]]]:
    found: dict[str | None, list[dict[str, Any]]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(row["account_no"], []).append(row)
    return found


def _single(rows: pl.DataFrame) -> Mapping[str | None, Any]:
    return dict(rows.iter_rows())


def _paper(ref: str, row: Mapping[str, Any], is_controlled: bool, further: _Further) -> Paper:
    number = row["account_no"]
    figures = {name: Decimal(row[name]) for name in FIGURES}
    parts = further.parts.get(number, [])
    items = further.items.get(number, [])
    ledger = further.ledger.get(number, {"debits": Decimal(), "credits": Decimal(), "balance": Decimal()})
    rolled = further.rolled.get(number, [])
    paper = Paper(
        ref=ref,
        account_no=number,
        name=row["account_name"] or "",
        roles=", ".join(wording.role(role) for role in json.loads(row["roles"])),
        is_controlled=is_controlled,
        figures=figures,
        balance=ledger["balance"],
        stated=further.stated.get(number),
        open_items=further.open_items.get(number),
        parts=[Part(part_words(p["account_role"], p["cost_kind"]), p["lines"], p["amount"]) for p in parts],
        items=[Item(i["cause"], i["lines"], i["difference"]) for i in items],
        weight=sum(
            (
                *(abs(p["amount"]) for p in parts), *(i["weight"] for i in items),
                *(r["amount"] for r in rolled), ledger["debits"], ledger["credits"],
                further.aged.get(number, Decimal()),
            ),
            Decimal(),
        ),
        facts=frozenset(),
    )  # fmt: skip
    explained = {cause: Decimal(amount) for cause, amount in json.loads(row["explained"]).items()}
    holds = facts(paper, explained) | (
        {"rolls_forward"} if rolled and number not in further.broken else set()
    )
    return Paper(**{**vars(paper), "facts": frozenset(holds | further.absent)})


def facts(paper: Paper, explained: Mapping[str, Decimal]) -> set[str]:
    """What is so of the account, by the names that the table of tickmarks uses."""
    figures, items = paper.figures, {item.cause: item.amount for item in paper.items}
    by_cause = {cause: amount for cause, amount in items.items() if amount and cause != UNCLASSIFIED}
    claims = {
        "has_amounts": bool(paper.parts or paper.balance or any(figures.values())),
        "has_items": bool(items),
        "subledger_agrees": sum((p.amount for p in paper.parts), Decimal()) == figures["subledger"],
        "items_foot": by_cause == explained
        and items.get(UNCLASSIFIED, Decimal()) == figures["unexplained"]
        and sum(items.values(), Decimal()) == figures["difference"],
        "entries_agree": paper.balance == figures["gl"],
        "stated_agrees": paper.stated is not None and paper.stated == figures["gl"],
        "open_items_agree": paper.open_items is not None and paper.open_items == figures["gl"],
    }
    return {name for name, holds in claims.items() if holds}


def part_words(account_role: str | None, cost_kind: str) -> str:
    """A part of the subledger as its line is called on every sheet."""
    kind = KINDS.get(cost_kind, wording.words(cost_kind))
    return f"{wording.role(account_role)}, {kind}" if account_role else wording.sentence(kind)


def is_clearing(paper: Paper) -> bool:
    """Whether something has to clear what stands on the account."""
    clearing = {wording.role(role) for role in CLEARING_ROLES}
    return paper.open_items is not None or bool(clearing & {*paper.roles.split(", ")})
