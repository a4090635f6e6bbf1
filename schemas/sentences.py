"""Sentences of rule tables with a row's own values in them.

Here: filling placeholders such as ``{account_no}``. Not here: the sentences (``pipelines/tables``).
"""

import re

import polars as pl

PLACEHOLDER = re.compile(r"{(\w+)}")
BLANK = "(blank)"


def filled(rows: pl.DataFrame, sentence: str, scale: int, *, to: str | None = None) -> pl.DataFrame:
    """The rows with every placeholder of the column ``sentence`` replaced by the row's value of that name.

    Amounts stand at the scale, roles without underscores, and what is blank or null as "(blank)".
    """
    named = {name for text in rows[sentence].unique() for name in PLACEHOLDER.findall(text or "")}
    text = pl.col(sentence)
    for name in sorted(named):
        text = text.str.replace_all(f"{{{name}}}", _shown(name, rows.schema[name], scale), literal=True)
    return rows.with_columns(text.alias(to or sentence))


def _shown(name: str, dtype: pl.DataType, scale: int) -> pl.Expr:
    value = pl.col(name)
    if isinstance(dtype, pl.Decimal):
        return value.cast(pl.Decimal(38, scale)).cast(pl.String).fill_null("0")
    text = value.cast(pl.String).fill_null("")
    if name.endswith("role"):
        text = text.str.replace_all("_", " ", literal=True)
    return pl.when(text == "").then(pl.lit(BLANK)).otherwise(text)
