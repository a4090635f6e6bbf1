"""Every rule row is used by a case page; ``tests/mutate_rules.py`` shows that a change of each is noticed."""

from collections.abc import Iterator

from pipelines import rules
from tests import chain, page

#: ``unclassified`` labels a difference that no cause explains: no page can plant it on purpose.
NEVER_PLANTED = {"unclassified"}


def test_every_posting_rule_is_used() -> None:
    used = {rule for path in page.paths() for rule in chain.of(path)["postings"]["rule_id"].drop_nulls()}

    assert sorted(set(rules.posting_rules()["rule_id"]) - used) == []


def test_every_account_role_is_expected() -> None:
    assert sorted(set(rules.account_roles()["account_role"]) - set(_expected("account_role"))) == []


def test_every_cause_is_expected() -> None:
    assert sorted(set(rules.causes()["cause"]) - set(_expected("cause")) - NEVER_PLANTED) == []


def test_every_clearing_rule_is_expected() -> None:
    assert sorted(set(rules.clearing_rules()["rule_id"]) - set(_expected("rule_id"))) == []


def _expected(column: str) -> Iterator[str]:
    for path in page.paths():
        for table in page.read(path).expected:
            yield from (row[column] for row in table.rows if column in row)
