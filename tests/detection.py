"""Lays what the product finds beside the truth of a company with planted faults.

Here: one company from its seed to what was missed and what was found too much. Not here: how faults are
planted (``tests/made``), and running companies by the thousand (``benchmarks/detection.py``).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from tests.chain import Chain
from tests.made.injector import Kind, Made, made
from tests.made.kinds import KINDS
from tests.made.ledger import TABLES
from tests.made.stock_kinds import STOCK_KINDS
from tests.small_books import tied_out, typed

ALL_KINDS = (*KINDS, *STOCK_KINDS)
NAMED = ("account_no", "account_role", "cost_kind", "value_entry_no", "gl_entry_no", "item_no", "order_no")
Row = Mapping[str, Any]


class Detected(NamedTuple):
    """One company: its truth and findings, what was missed and what was found too much."""

    company: Made
    books: Chain
    missed: list[Row]
    extra: list[Row]

    @property
    def is_right(self) -> bool:
        """Whether findings and verdict are those of the truth, to the cent, and nothing else."""
        status = self.books["summary"]["status"]
        return not self.missed and not self.extra and status == verdict(self.company)


def detected(seed: int, most: int = 8, kinds: Sequence[Kind] = ALL_KINDS) -> Detected:
    """The company of a seed with up to so many faults (none: clean), run through the chain."""
    company = made(seed, kinds, most)
    books = tied_out(typed(tables(company), f"SEED {seed}"), materiality=company.materiality)
    missed, extra = unmatched(books["differences"].to_dicts(), company.truth.rows, fits)
    return Detected(company, books, missed, [row for row in extra if row["severity"] != "info"])


def tables(company: Made) -> dict[str, list[Row]]:
    """The firm's tables as it exports them: some without relations."""
    has_relations = company.firm.rolled.has_relations
    return {
        name: company.firm.rows(name) for name in TABLES if has_relations or name != "gl_item_ledger_relation"
    }


def verdict(company: Made) -> str:
    """What the truth alone says: an error of amount 0 or of materiality, or errors of one account that
    together reach it.
    """
    findings: dict[str, list[Decimal]] = {}
    accounts: dict[str, Decimal] = defaultdict(Decimal)
    for row in company.truth.rows:
        if row["severity"] == "error":
            findings.setdefault(row["finding"], []).append(row["difference"])
            accounts[row["account_no"]] += abs(row["difference"])
    weights = [
        max(sum(d for d in rows if d > 0), -sum(d for d in rows if d < 0)) for rows in findings.values()
    ]
    reaches = [weight == 0 or weight >= company.materiality for weight in weights]
    reaches += [small >= company.materiality for small in accounts.values()]
    return "differences" if any(reaches) else "reconciled"


def fits(row: Row, told: Row) -> bool:
    """Whether a row of the differences is the one that the truth tells; ``*`` stands for anything."""
    amounts = ("difference", "expected_amount") if told["match"] == "row" else ("expected_amount",)
    return names(row, told) and all(told[a] == "*" or row[a] == Decimal(told[a]) for a in amounts)


def names(row: Row, told: Row) -> bool:
    """Whether a row has the cause, the severity and the place that the truth tells, whatever its amount."""
    if (row["cause"], row["severity"]) != (told["cause"], told["severity"]):
        return False
    return all(told[c] in ("*", "" if row[c] is None else row[c]) for c in NAMED)


def unmatched(
    rows: list[dict[str, Any]], told: Sequence[Row], fits: Callable[[Row, Any], bool]
) -> tuple[list[Row], list[Row]]:
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
