"""Lays what the product finds beside the truth of a company with planted faults.

Here: one company from its seed to what was missed and what was found too much. Not here: how faults are
planted (``tests/made``), and running companies by the thousand (``benchmarks/detection.py``).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from tests.chain import Chain
from tests.made.injector import Made, made
from tests.made.kinds import KINDS
from tests.made.ledger import TABLES
from tests.small_books import tied_out, typed

NAMED = ("account_no", "account_role", "cost_kind", "value_entry_no", "gl_entry_no")
Row = Mapping[str, Any]


class Detected(NamedTuple):
    """One company: its truth and findings, what was missed and what was found too much."""

    company: Made
    books: Chain
    missed: list[Row]
    extra: list[Row]


def detected(seed: int, most: int = 8, kinds: Any = KINDS) -> Detected:
    """The company of a seed with up to so many faults (none: clean), run through the chain."""
    company = made(seed, kinds, most)
    books = tied_out(typed(tables(company), f"SEED {seed}"), materiality=company.materiality)
    missed, extra = unmatched(books["differences"].to_dicts(), company.truth.rows)
    return Detected(company, books, missed, [row for row in extra if row["severity"] != "info"])


def tables(company: Made) -> dict[str, list[Row]]:
    """The firm's tables as it exports them: some without relations."""
    has_relations = company.firm.rolled.has_relations
    return {
        name: company.firm.rows(name)
        for name in TABLES
        if has_relations or name != "gl_item_ledger_relation"
    }


def fits(row: Row, told: Row) -> bool:
    """Whether a row of the differences is the one that the truth tells; ``*`` stands for anything."""
    if (row["cause"], row["severity"]) != (told["cause"], told["severity"]):
        return False
    if any(told[c] != "*" and told[c] != ("" if row[c] is None else row[c]) for c in NAMED):
        return False
    amounts = ("difference", "expected_amount") if told["match"] == "row" else ("expected_amount",)
    return all(told[a] == "*" or row[a] == Decimal(told[a]) for a in amounts)


def unmatched(rows: list[dict[str, Any]], told: list[dict[str, Any]]) -> tuple[list[Row], list[Row]]:
    """What the truth tells and the run lacks, and what the run has and the truth doesn't tell."""
    left, missing = list(rows), []
    for line in told:
        hit = next((row for row in left if fits(row, line)), None)
        if hit is None:
            missing.append(line)
            continue
        whole = line["match"] == "finding"
        left = [r for r in left if (r["finding_id"] != hit["finding_id"] if whole else r is not hit)]
    return missing, left
