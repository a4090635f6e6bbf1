"""Foresees what proposals do: the findings before beside those of the books to which they were applied.

Here: what becomes of each finding, and what appears. Not here: applying (``apply``) and the chain between.
"""

import polars as pl

from schemas.money import AMOUNT

#: What a finding comes to when a proposal is applied; ``incomplete``: a value must be chosen first.
OUTCOMES = ("gone", "settled", "stays", "incomplete")


def outcomes(proposals: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The proposals with ``simulated`` true and ``outcome``: what became of the finding. Support cases can't
    be simulated and stay as they are.

    ``before`` and ``after`` are the differences of the books without and with the proposals.
    """
    left = _states(after).select("finding_id", pl.col("is_open").alias("_is_open"))
    is_act = pl.col("action") != "support"
    incomplete = is_act & pl.col("setup_field").is_not_null() & pl.col("setup_value").is_null()
    outcome = (
        pl.when(incomplete.any().over("proposal_id")).then(pl.lit("incomplete"))
        .when(pl.col("_is_open").is_null()).then(pl.lit("gone"))
        .when(~pl.col("_is_open")).then(pl.lit("settled"))
        .otherwise(pl.lit("stays"))
    )  # fmt: skip
    known = before.select("finding_id").unique()
    return (
        proposals.join(known, on="finding_id", how="semi", maintain_order="left")
        .join(left, on="finding_id", how="left", validate="m:1", maintain_order="left")
        .with_columns(simulated=is_act, outcome=pl.when(is_act).then(outcome))
        .drop("_is_open")
    )


def side_effects(proposals: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """What changed beside the findings that the proposals are about: ``finding_id``, ``cause``, ``effect``
    (``new``, ``changed``), ``amount`` before and after. Only errors and warnings count.
    """
    was = _states(before).filter("is_open").select("finding_id", pl.col("amount").alias("amount_before"))
    named = proposals.select("finding_id").unique()
    now = _states(after).filter("is_open").select("finding_id", "cause", "amount")
    return (
        now.join(named, on="finding_id", how="anti")
        .join(was, on="finding_id", how="left", validate="1:1")
        .with_columns(
            effect=pl.when(pl.col("amount_before").is_null())
            .then(pl.lit("new"))
            .when(pl.col("amount") != pl.col("amount_before"))
            .then(pl.lit("changed"))
        )
        .filter(pl.col("effect").is_not_null())
        .select("finding_id", "cause", "effect", "amount_before", pl.col("amount").alias("amount_after"))
        .sort("finding_id")
    )


def _states(differences: pl.DataFrame) -> pl.DataFrame:
    """One row per finding: its cause, whether it still counts, and the sum of its rows without sign."""
    is_open = (pl.col("severity") != "info") & pl.col("settlement_id").is_null()
    return differences.group_by("finding_id").agg(
        pl.col("cause").first(),
        is_open.any().alias("is_open"),
        pl.col("difference").fill_null(0).abs().sum().cast(AMOUNT).alias("amount"),
    )
