"""What is proposed puts its finding right: applied to the books, which are then tied out again."""

from pipelines import rules
from schemas import marts


def test_every_cause_has_a_row_that_says_what_puts_it_right() -> None:
    assert set(rules.proposal_rules()["cause"]) == set(marts.CAUSES)
