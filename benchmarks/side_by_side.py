"""Lays what entries should have beside what they have, with datacompy, and counts where they differ.

Run with an interpreter that has datacompy, which wants older versions of pandas and Polars than the project:
``python side_by_side.py FOLDER REPORT``. The two tables to compare are made by ``compare`` beforehand,
outside the time that is measured.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import datacompy
import polars as pl


def main(folder: Path, report: Path) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    expected, held = (pl.read_parquet(folder / f"{name}.parquet") for name in ("expected", "held"))
    found = datacompy.PolarsCompare(expected, held, join_columns=["value_entry_no", "account_no"])
    differing = found.intersect_rows.filter(~pl.col("amount_match")).height
    only_one = [
        rows.filter(pl.col("amount") != 0).height for rows in (found.df1_unq_rows, found.df2_unq_rows)
    ]
    report.write_text(
        json.dumps(
            {
                "wall": time.perf_counter() - wall,
                "cpu": time.process_time() - cpu,
                "totals": {"entries off": differing + sum(only_one)},
                "versions": {name: version(name) for name in ("datacompy", "polars", "pandas")},
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
