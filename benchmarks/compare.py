"""Measures the main job against a hand-written DuckDB query for the same totals, and writes RESULTS.md.

Each side runs in a process of its own, both in turn, from the same Parquet files: `core` is every asset from
the extract to the verdict with its checks, nothing published; `sql` is totals.sql; `job` is the whole command
with report and files. No figure is written unless both sides find the same subledger and G/L on every account
and the same number of places where entry and lines disagree.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
PACKAGES = ("polars", "duckdb", "dagster", "pandera", "great-expectations")
Totals = Mapping[str, Any]


class Measure(NamedTuple):
    """What one process took; the seconds exclude starting Python and importing."""

    wall: float
    cpu: float
    peak_gb: float
    load: float


def core(folder: Path) -> Callable[[], Totals]:
    """Extract, books, expected and actual postings, differences, tie-outs, verdict: through the assets."""
    from assets.run import Run, materialized

    def totals() -> Totals:
        import polars as pl

        values = materialized("explain", Run(source=str(folder)), lambda *_: None)
        controlled = values["tie_outs"].filter(pl.col("subledger").is_not_null() & controlled_roles(pl))
        differences = values["differences"]
        entries = (
            differences.filter(pl.col("value_entry_no").is_not_null())
            .group_by("value_entry_no", "account_no")
            .agg(pl.col("difference").sum())
            .filter(pl.col("difference") != 0)
        )
        alone = differences.filter(pl.col("value_entry_no").is_null() & pl.col("gl_entry_no").is_not_null())
        return {
            "accounts": sorted(
                [account, f"{subledger:.2f}", f"{gl:.2f}"]
                for account, subledger, gl in controlled.select("account_no", "subledger", "gl").iter_rows()
            ),
            "entries off": entries.height,
            "lines alone": alone["gl_entry_no"].n_unique(),
        }

    return totals


def controlled_roles(pl: Any) -> Any:
    from schemas.ledger import CONTROLLED_ROLES

    return pl.col("roles").list.eval(pl.element().is_in(CONTROLLED_ROLES)).list.any()


def sql(folder: Path) -> Callable[[], Totals]:
    """The query of totals.sql over the same files."""
    import duckdb

    def totals() -> Totals:
        connection = duckdb.connect()
        for file in sorted(folder.glob("*.parquet")):
            connection.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM '{file}'")
        _, legs, linked, accounts, mismatches = (HERE / "totals.sql").read_text().split("-- statement: ")
        for statement in (legs, linked):
            connection.execute(_query(statement))
        rows = connection.execute(_query(accounts)).fetchall()
        found = connection.execute(_query(mismatches)).fetchone()
        assert found is not None
        entries_off, lines_off, lines_alone = found
        return {
            "accounts": [[account, f"{subledger:.2f}", f"{gl:.2f}"] for account, subledger, gl in rows],
            "entries off": entries_off,
            "lines alone": lines_alone + lines_off,
        }

    return totals


def _query(statement: str) -> str:
    """The statement without the words that name it."""
    return statement.split("\n", 1)[1]


SIDES = {"core": core, "sql": sql}


def measure_here(side: str, folder: Path, report: Path) -> None:
    """Runs one side in this process and leaves its seconds and totals in a file."""
    totals = SIDES[side](folder)
    wall, cpu = time.perf_counter(), time.process_time()
    found = totals()
    report.write_text(
        json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "totals": found})
    )


def measured(command: list[str], report: Path | None) -> tuple[Measure, Totals]:
    """Runs a command to its end: its seconds, its peak memory, the load beside it, and its totals."""
    load = os.getloadavg()[0]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in ((0,) if report else (0, 1)):
        raise SystemExit(f"{' '.join(command)}: exit code {code}")
    peak_gb = usage.ru_maxrss / 1024**2
    if report is None:
        return Measure(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, peak_gb, load), {}
    said = json.loads(report.read_text())
    return Measure(said["wall"], said["cpu"], peak_gb, load), said["totals"]


def side(name: str, folder: Path, scratch: Path) -> tuple[Measure, Totals]:
    report = scratch / f"{name}.json"
    return measured(
        [sys.executable, __file__, "--side", name, "--data", str(folder), "--report", str(report)], report
    )


def job(folder: Path, scratch: Path) -> tuple[Measure, Totals]:
    tieout = Path(sys.executable).parent / "tieout"
    return measured([str(tieout), "run", "--source", str(folder), "--out", str(scratch / "out")], None)


def compared(folder: Path, rounds: int) -> Mapping[str, list[Measure]]:
    """Both sides in turn, then the whole job; stops where their totals differ."""
    measures: dict[str, list[Measure]] = {"core": [], "sql": [], "job": []}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for _ in range(rounds):
            found = {}
            for each in SIDES:
                measure, found[each] = side(each, folder, scratch)
                measures[each].append(measure)
                print(f"{each}: {measure.wall:.2f} s, {measure.peak_gb:.2f} GB", flush=True)
            require_equal(found["core"], found["sql"])
        measure, _ = job(folder, scratch)
        measures["job"].append(measure)
    return measures


def require_equal(ours: Totals, theirs: Totals) -> None:
    """A ratio between two programs that find different things says nothing."""
    for name, figure in theirs.items():
        if ours[name] != figure:
            raise SystemExit(f"{name}: the core finds {ours[name]}, the query {figure}")


def median(measures: list[Measure]) -> Measure:
    return Measure(*(statistics.median(column) for column in zip(*measures, strict=True)))


def results(entries: int, lines: int, rounds: int, measures: Mapping[str, list[Measure]]) -> str:
    """The page with the figures."""
    core_, sql_, job_ = (median(measures[name]) for name in ("core", "sql", "job"))
    rows = [
        ("core, through the assets", core_),
        ("DuckDB, hand-written", sql_),
        ("`tieout run`, everything", job_),
    ]
    table = "\n".join(
        f"| {name} | {m.wall:.1f} | {m.cpu:.1f} | {m.peak_gb:.2f} | {m.load:.1f} |" for name, m in rows
    )
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    wall, cpu = core_.wall / sql_.wall, core_.cpu / sql_.cpu
    often = "Once" if rounds == 1 else f"Median of {rounds}"
    return f"""# Results

**The core takes {cpu:.1f} times the CPU time and {wall:.1f} times the wall time of a hand-written query
in DuckDB for the same totals.**

{entries:,} value entries, {lines:,} G/L entries, one entry in a thousand at fault; books of `generate.py`,
Parquet. {often}, both in turn in one run, a process each. Both found the same subledger and G/L on every
controlled account and the same places where entry and lines disagree.

| | wall s | CPU s | peak GB | load before |
|---|---:|---:|---:|---:|
{table}

The core validates every cell, hashes every file, names a cause for every difference and judges; the query
does none of this. Seconds of the first two leave out starting Python and imports; those of `tieout run`
include them, and the report and all files.

{datetime.now():%Y-%m-%d}, {machine}; {versions}.
Where the load is above the number of processors, other work ran beside it: wall times are inflated then, the
CPU times less so. Repeat it with `make bench`.
"""


def rows_of(file: Path) -> int:
    import polars as pl

    return int(pl.scan_parquet(file).select(pl.len()).collect().item())


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the core against a hand-written query.")
    parser.add_argument("--entries", type=int, default=1_000_000, help="value entries")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side runs")
    parser.add_argument("--data", type=Path, help="books that generate.py has written")
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = arguments.data or HERE / "data" / str(arguments.entries)
    if arguments.side:
        return measure_here(arguments.side, folder, arguments.report)
    if not folder.exists():
        generate = [
            sys.executable,
            str(HERE / "generate.py"),
            "--entries",
            str(arguments.entries),
            "--out",
            str(folder),
        ]
        subprocess.run(generate, check=True)
    measures = compared(folder, arguments.rounds)
    page = results(
        rows_of(folder / "value_entry.parquet"),
        rows_of(folder / "gl_entry.parquet"),
        arguments.rounds,
        measures,
    )
    RESULTS.write_text(page)
    print(page)
    return None


if __name__ == "__main__":
    main()
