"""How a proposal reads: what to do, for which findings, the setup fields or the journal lines.

Here: layout. Not here: what is proposed (``pipelines.propose``) and when it is told (``assets.proposing``,
``assets.telling``).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from assets.console import table
from schemas.money import text

SETUP = ["setup_table", "setup_key_1", "setup_key_2", "setup_field"]
JOURNAL = ("line>", "date", "document", "account", "amount>", "description")


def proposal_lines(rows: pl.DataFrame, scale: int) -> Iterator[str]:
    """One proposal as lines of text."""
    first = rows.row(0, named=True)
    outcomes = rows["outcome"].drop_nulls().unique().sort()
    findings = rows["finding_id"].n_unique()
    simulated = f" Simulated: {', '.join(outcomes)}." if outcomes.len() else ""
    causes = ", ".join(rows["cause"].unique().sort()).replace("_", " ")
    yield f"{first['action'].replace('_', ' ')} ({first['proposal_id']}): {first['title']}{simulated}"
    yield f"  for {findings} finding{'' if findings == 1 else 's'}: {causes}"
    fields = rows.filter(pl.col("setup_field").is_not_null()).unique(SETUP, maintain_order=True)
    yield from (
        f"  {row['setup_table']} {row['setup_key_1'] or '(blank)'}, {row['setup_key_2'] or '(blank)'}: "
        f"{row['setup_field']} = {row['setup_value'] or '(to be chosen)'}"
        for row in fields.iter_rows(named=True)
    )
    lines = rows.filter(pl.col("line_no").is_not_null())
    if lines.height:
        cells = [journal_cells(row, scale) for row in lines.iter_rows(named=True)]
        yield from (f"  {line}" for line in table(JOURNAL, cells))
    yield from (
        f"  Beware: {warning}" for warning in rows["warning"].drop_nulls().unique(maintain_order=True)
    )


def journal_cells(row: Mapping[str, Any], scale: int) -> list[str]:
    account = row["account_no"] or "(to be chosen)"
    return [
        str(row["line_no"]), str(row["posting_date"]), row["document_no"], account,
        text(row["amount"], scale), row["description"],
    ]  # fmt: skip
