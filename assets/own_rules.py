"""A user's own posting rules: rows of a CSV file that the configuration names.

Here: reading the file. Not here: what a row may say and what it replaces (``schemas.rules``).
"""

from pathlib import Path

import polars as pl

from pipelines import rules
from schemas.faults import InputError


def posting_rules(file: Path | None) -> pl.DataFrame:
    """The posting rules that ship, adapted by the rows of the file where one is named."""
    return rules.posting_rules() if file is None else rules.adapted_rules(read(file), str(file))


def read(file: Path) -> pl.DataFrame:
    """The rows of the file as text, blank where a cell is empty."""
    try:
        return pl.read_csv(file, infer_schema=False)
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such file. [rules] posting_rules names it.") from None
    except (OSError, pl.exceptions.PolarsError) as fault:
        raise InputError(f"{file}: can't be read as CSV: {fault}. Save it as CSV in UTF-8.") from None
