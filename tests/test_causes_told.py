"""The causes as users read of them (docs/causes.md) are those of the rule tables, word by word.

After a change on purpose: ``python -m tests.test_causes_told`` writes the page anew.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipelines import rules

PAGE = Path(__file__).parents[1] / "docs" / "causes.md"
HEAD = """\
# Causes, what to do about them, and what Business Central's page would say

Every difference has one of these causes; the first that fits, in this order. An error counts for the
verdict, a warning only where the configuration says so, an info never. *Proposed* is what `tieout propose`
makes of an open finding: it posts nothing. *BC's page* is the warning under which the cause stands in the
corrected matrix of Inventory - G/L Reconciliation. *In the stock ledger by itself* are the laws that item
ledger, value and application entries keep without any G/L.
"""


def told() -> Iterator[str]:
    """The page: the causes, the remedies, the proposals, the warnings, the laws of the stock ledger."""
    yield HEAD
    yield from table(rules.causes().sort("order").select("cause", "severity", "drift"))
    yield "\n## What to do\n"
    yield from table(rules.remedies())
    yield "\n## Proposed\n"
    yield from table(rules.proposal_rules())
    yield "\n## BC's page\n"
    yield from table(rules.matrix_warnings())
    yield "\n## In the stock ledger by itself\n"
    yield from table(rules.stock_checks().drop("predicate"))


def table(rows: pl.DataFrame) -> Iterator[str]:
    yield f"| {' | '.join(column.replace('_', ' ') for column in rows.columns)} |"
    yield f"|{'|'.join('---' for _ in rows.columns)}|"
    for row in rows.iter_rows():
        yield f"| {' | '.join('' if value is None else str(value) for value in row)} |"


def test_the_page_tells_the_rule_tables() -> None:
    assert "\n".join(told()) + "\n" == PAGE.read_text(encoding="utf-8")


if __name__ == "__main__":
    PAGE.write_text("\n".join(told()) + "\n", encoding="utf-8")
