"""Sentences with the numbers of a row in them.

Here: filling the templates of the rule tables, joining sentences. Not here: the templates (``causes.csv``,
``stock_checks.csv``).
"""

import re

import polars as pl

from schemas.money import QUANTITY

PLACEHOLDER = re.compile(r"{(\w+)}")


def filled(template: str, columns: pl.Schema, scale: int) -> pl.Expr:
    """The template with each ``{column}`` replaced by the row's value.

    Amounts stand at the company's scale, quantities without trailing zeros, a blank as "(blank)"; a
    ``{message}`` that isn't there leaves nothing.
    """
    texts: list[pl.Expr] = []
    end = 0
    for found in PLACEHOLDER.finditer(template):
        texts.append(pl.lit(template[end : found.start()]))
        texts.append(_shown(found[1], columns, scale))
        end = found.end()
    texts.append(pl.lit(template[end:]))
    return pl.concat_str(texts).str.strip_chars()


def _shown(field: str, columns: pl.Schema, scale: int) -> pl.Expr:
    """A notice has no amounts of its own: its sentence shows those that it tells (``told_``)."""
    told = f"told_{field}" if f"told_{field}" in columns else field
    if columns[told] == QUANTITY:
        exact = pl.col(told).cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")
        return exact.fill_null("(blank)")
    if isinstance(columns[told], pl.Decimal):
        return pl.col(told).fill_null(0).cast(pl.Decimal(38, scale)).cast(pl.String)
    text = pl.col(told).cast(pl.String).fill_null("")
    return text if field == "message" else pl.when(text == "").then(pl.lit("(blank)")).otherwise(text)


def joined(first: str, second: str | pl.Expr) -> pl.Expr:
    """Two sentences, either of which may be missing."""
    other = pl.col(second) if isinstance(second, str) else second
    return pl.when(pl.col(first).is_null() | other.is_null()).then(pl.coalesce(first, other)).otherwise(
        pl.concat_str(pl.col(first), other, separator=" ")
    )  # fmt: skip
