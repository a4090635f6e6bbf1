"""Changes every row of the posting-rule table on purpose: a page must turn red each time.

    .venv/bin/python tests/mutate_rules.py [RULE_ID …]

Runs the case pages only, in process. A posted row has its accounts swapped, each of them replaced, and is
ignored; a refused or ignored row is posted, and changed into the other. Prints the changes that no page
notices; the exit status is 1 where there is one.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # pages are small: threads would only wait for each other
sys.path.insert(0, str(Path(__file__).parent.parent))

import polars as pl

from pipelines import rules
from tests import page
from tests.chain import Chain

Change = tuple[str, Mapping[str, str]]

OTHER_ROLE, ANOTHER_ROLE = "cogs_interim", "purchase_variance"
POST: Change = ("posted", {"outcome": "posted", "first_role": "inventory", "second_role": "inventory_adjmt"})
NOT_POSTED = {"first_role": "", "second_role": ""}
IGNORE: Change = ("ignored", {"outcome": "ignored", **NOT_POSTED})
REFUSE: Change = ("refused", {"outcome": "refused", **NOT_POSTED})


def changes(rule: Mapping[str, str]) -> Iterator[Change]:
    """The changes to a rule row, each with a name: what it says instead."""
    if rule["outcome"] != "posted":
        yield POST
        yield IGNORE if rule["outcome"] == "refused" else REFUSE
        return
    first, second = rule["first_role"], rule["second_role"]
    yield "accounts swapped", {"first_role": second, "second_role": first}
    yield "first account replaced", {"first_role": _other(first, second)}
    yield "second account replaced", {"second_role": _other(first, second)}
    yield IGNORE


def users(chains: Sequence[Chain]) -> dict[str, list[Chain]]:
    """Per rule the pages that use it, the quickest first: those about postings, and the short ones."""
    using: dict[str, list[Chain]] = {}
    for known in sorted(chains, key=_effort):
        for rule_id in known["postings"]["rule_id"].drop_nulls().unique():
            using.setdefault(rule_id, []).append(known)
    return using


def survivors(rule: Mapping[str, str], posting_rules: pl.DataFrame, using: Sequence[Chain]) -> list[str]:
    """The changes to the rule that leave every page green."""
    return [
        name
        for name, change in changes(rule)
        if not any(_is_red(known, _changed(posting_rules, rule["rule_id"], change)) for known in using)
    ]


def _other(first: str, second: str) -> str:
    return OTHER_ROLE if OTHER_ROLE not in (first, second) else ANOTHER_ROLE


def _changed(posting_rules: pl.DataFrame, rule_id: str, change: Mapping[str, str]) -> pl.DataFrame:
    is_rule = pl.col("rule_id") == rule_id
    return posting_rules.with_columns(
        pl.when(is_rule).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
        for column, value in change.items()
    )


def _is_red(known: Chain, posting_rules: pl.DataFrame) -> bool:
    """Whether the page, from its books on, differs under these rules; a refused rule table is red as well."""
    changed = Chain(known.case, posting_rules, extract=known["extract"], books=known["books"])
    try:
        return next(changed.mismatches(), None) is not None
    except (pl.exceptions.PolarsError, ValueError):
        return True


def _effort(known: Chain) -> tuple[bool, int]:
    expected = known.case.expected
    return expected[0].noun != "expected postings", sum(len(table.rows) for table in expected)


def main(wanted: Sequence[str]) -> int:
    posting_rules = rules.posting_rules()
    using = users([Chain(page.read(path)) for path in page.paths()])
    rows = [r for r in posting_rules.iter_rows(named=True) if not wanted or r["rule_id"] in wanted]
    unnoticed = 0
    for rule in rows:
        for name in survivors(rule, posting_rules, using.get(rule["rule_id"], [])):
            unnoticed += 1
            where = "no page uses it" if rule["rule_id"] not in using else "no page turns red"
            print(f"{rule['rule_id']}: {name}: {where}")
    print(f"{len(rows)} rules changed, {unnoticed} changes unnoticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
