"""Money is decimal: the types of amounts and quantities, and how an amount is written as text.

Here: exact types and the scale of a column. Not here: currencies and rounding; no amount is ever rounded.
"""

from decimal import Decimal

import polars as pl

#: Amounts in local or additional currency inside the calculation, debit positive.
AMOUNT = pl.Decimal(38, 5)
#: Quantities, unit costs, percentages.
QUANTITY = pl.Decimal(38, 20)

LEAST_SCALE = 2
LARGEST_SCALE = 5


def published(scale: int) -> pl.Decimal:
    """The type of an amount in a published table: the company's own scale."""
    return pl.Decimal(38, scale)


def scale_of(amounts: pl.Series) -> int:
    """The fewest decimal places, 2 to 5, that hold every amount of the column exactly."""
    scales = range(LEAST_SCALE, LARGEST_SCALE)
    return next(
        (s for s in scales if (amounts.cast(published(s)).cast(AMOUNT) == amounts).all()), LARGEST_SCALE
    )


def text(amount: Decimal | int | None, scale: int) -> str:
    """An amount as exact text at a scale that holds it; nothing counts as 0."""
    exact = Decimal(amount or 0)
    written = f"{exact:.{scale}f}"
    if Decimal(written) != exact:
        raise ValueError(f"{exact} needs more than {scale} decimal places")
    return written
