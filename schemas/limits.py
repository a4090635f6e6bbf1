"""What a posting has to keep to beyond its accounts: allowed dates, dimensions, journal templates.

Here: the columns of these tables and what a batch run is asked to do. Not here: how an ERP's tables become
them (``pipelines.sources.bc_limits``) and what they forbid (``pipelines.posttest``).
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import polars as pl

METHODS = ("per-entry", "per-group")

DIMENSION_SETS: Mapping[str, pl.DataType] = {
    "dimension_set_id": pl.Int64(),
    "dimension": pl.String(),
    "value": pl.String(),
}
DIMENSIONS: Mapping[str, pl.DataType] = {"dimension": pl.String(), "is_blocked": pl.Boolean()}
DIMENSION_VALUES: Mapping[str, pl.DataType] = {
    "dimension": pl.String(),
    "value": pl.String(),
    "is_blocked": pl.Boolean(),
    "is_standard": pl.Boolean(),  # neither a heading nor a total
}
#: Dimensions that may not stand together at all ("Blocked"), or not with every value ("Limited").
DIMENSION_COMBINATIONS: Mapping[str, pl.DataType] = {
    "dimension_1": pl.String(),
    "dimension_2": pl.String(),
    "restriction": pl.String(),
}
VALUE_COMBINATIONS: Mapping[str, pl.DataType] = {
    "dimension_1": pl.String(),
    "value_1": pl.String(),
    "dimension_2": pl.String(),
    "value_2": pl.String(),
}
#: What an account asks of a dimension; a blank account stands for every account without a row of its own.
ACCOUNT_DIMENSIONS: Mapping[str, pl.DataType] = {
    "account_no": pl.String(),
    "dimension": pl.String(),
    "value": pl.String(),
    "rule": pl.String(),
    "allowed_values": pl.String(),
}
#: A user's or a template's range of posting dates; either end may be open (null).
DATE_RANGES: Mapping[str, pl.DataType] = {
    "name": pl.String(),
    "allowed_from": pl.Date(),
    "allowed_to": pl.Date(),
}
BATCHES: Mapping[str, pl.DataType] = {
    "template": pl.String(),
    "batch": pl.String(),
    "number_series": pl.String(),
}


class PostingLimits(NamedTuple):
    """The tables behind the limits, each empty where it wasn't given; a check without its table is off."""

    allowed_from: date | None
    allowed_to: date | None
    user_dates: pl.DataFrame
    templates: pl.DataFrame
    batches: pl.DataFrame
    has_batches: bool
    is_template_mandatory: bool
    default_template: str
    default_batch: str
    date_formulas: tuple[str, ...]  # ranges relative to the day of posting: told, not worked out
    dimension_sets: pl.DataFrame
    dimensions: pl.DataFrame
    dimension_values: pl.DataFrame
    dimension_combinations: pl.DataFrame
    value_combinations: pl.DataFrame
    account_dimensions: pl.DataFrame


class Request(NamedTuple):
    """What the batch job would be asked to do: its request page."""

    method: str = METHODS[0]
    document_no: str = ""
    template: str = ""
    batch: str = ""
    user: str = ""
