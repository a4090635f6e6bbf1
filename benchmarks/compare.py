"""Measures the main job against others that do part of it, and writes RESULTS.md.

Each side runs in a process of its own, all in turn, from the same Parquet files: `floor` only reads and sums
the columns; `sql` is totals.sql in DuckDB; `pandas` a script of merges; `datacompy` the comparison alone, of
sums that DuckDB prepared outside the time; `tied` the assets from the books to the differences, of tables
that were read and typed outside the time; `core` every asset from the extract to the verdict with its
checks, nothing published; `job` the whole command with report and files. No figure is written unless every
side finds the same subledger and G/L on every account and the same number of places where entry and lines
disagree, as far as it looks for them.
"""

import argparse
import importlib
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import rivals

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
DATACOMPY = HERE / "data" / "datacompy"
LABELS = {
    "floor": "reading and summing the columns",
    "sql": "DuckDB, hand-written",
    "pandas": "pandas, a script",
    "datacompy": "datacompy, the comparison alone",
    "tied": "tieout, differences and balances from typed tables",
    "core": "tieout, every figure and its checks",
    "job": "`tieout run`, report and files",
}
#: What holds all of the books in memory: beyond a size that has to be stated they don't run.
WHOLE = ("pandas", "datacompy", "tied", "core", "job")
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
        values = materialized("explain", Run(source=str(folder)), lambda *_: None)
        return told(values["tie_outs"], values["differences"])

    return totals


def tied(folder: Path) -> Callable[[], Totals]:
    """From tables that are read and typed: books, expected and actual postings, balances, differences."""
    from assets import storage
    from assets.run import Run, materialized

    extract = storage.read_company(folder)

    def totals() -> Totals:
        values = materialized("foresee", Run(source=str(folder)), lambda *_: None, extract=extract)
        return told(values["balances"], values["differences"])

    return totals


def told(accounts: Any, differences: Any) -> Totals:
    """What every side is asked: both ledgers of each controlled account, and where they disagree."""
    import polars as pl

    controlled = accounts.filter(pl.col("subledger").is_not_null() & controlled_roles(pl))
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


def controlled_roles(pl: Any) -> Any:
    from schemas.ledger import CONTROLLED_ROLES

    return pl.col("roles").list.eval(pl.element().is_in(CONTROLLED_ROLES)).list.any()


def prepared(folder: Path) -> Any:
    """DuckDB with the expected lines, the linked ones and what stands for what."""
    import duckdb

    connection = duckdb.connect()
    for file in sorted(folder.glob("*.parquet")):
        connection.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM '{file}'")
    for statement in ("legs", "linked", "shared", "expected", "held"):
        connection.execute(statements()[statement])
    return connection


def statements() -> Mapping[str, str]:
    """The statements of totals.sql by the word that names each."""
    _, *parts = (HERE / "totals.sql").read_text().split("-- statement: ")
    return {part.split(",")[0].split("\n")[0]: part.split("\n", 1)[1] for part in parts}


def sql(folder: Path) -> Callable[[], Totals]:
    """The query of totals.sql over the same files."""

    def totals() -> Totals:
        connection = prepared(folder)
        rows = connection.execute(statements()["accounts"]).fetchall()
        entries_off, lines_off, lines_alone = connection.execute(statements()["mismatches"]).fetchone()
        return {
            "accounts": [[account, f"{subledger:.2f}", f"{gl:.2f}"] for account, subledger, gl in rows],
            "entries off": entries_off,
            "lines alone": lines_alone + lines_off,
        }

    return totals


SIDES: Mapping[str, Callable[[Path], Callable[[], Totals]]] = {
    "floor": lambda folder: lambda: rivals.floor(folder),
    "sql": sql,
    "pandas": lambda folder: lambda: rivals.pandas(folder),
    "tied": tied,
    "core": core,
}
LIBRARIES = {
    "floor": "polars", "sql": "duckdb", "pandas": "pandas", "tied": "assets.run", "core": "assets.run"
}  # fmt: skip


def measure_here(side: str, folder: Path, report: Path) -> None:
    """Runs one side in this process and leaves its seconds and totals in a file."""
    importlib.import_module(LIBRARIES[side])
    totals = SIDES[side](folder)
    wall, cpu = time.perf_counter(), time.process_time()
    found = totals()
    report.write_text(
        json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "totals": found})
    )


def measured(command: Sequence[str], report: Path | None) -> tuple[Measure, Totals]:
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


def command(side: str, folder: Path, scratch: Path) -> Sequence[str]:
    report = str(scratch / f"{side}.json")
    if side == "job":
        tieout = Path(sys.executable).parent / "tieout"
        return [str(tieout), "run", "--source", str(folder), "--out", str(scratch / "out")]
    if side == "datacompy":
        return [str(with_datacompy()), str(HERE / "side_by_side.py"), str(summed(folder, scratch)), report]
    return [sys.executable, __file__, "--side", side, "--data", str(folder), "--report", report]


def summed(folder: Path, scratch: Path) -> Path:
    """A folder with the two tables that datacompy lays side by side."""
    if not (scratch / "held.parquet").exists():
        connection = prepared(folder)
        for table in ("expected", "held"):
            connection.execute(f"COPY {table} TO '{scratch / table}.parquet'")
    return scratch


def with_datacompy() -> Path:
    """An interpreter that has datacompy: it wants older versions of pandas and Polars than the project."""
    python = DATACOMPY / "bin" / "python"
    if not python.exists():
        locked = HERE.parent / "requirements" / "datacompy.txt"
        subprocess.run([sys.executable, "-m", "venv", str(DATACOMPY)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(locked)]
        subprocess.run([str(python), *install], check=True)
    return python


def compared(folder: Path, sides: Sequence[str], rounds: int) -> Mapping[str, list[Measure]]:
    """All sides in turn, round by round; stops where their totals differ."""
    measures: dict[str, list[Measure]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for _ in range(rounds):
            found = {}
            for side in sides:
                report = None if side == "job" else scratch / f"{side}.json"
                measure, found[side] = measured(command(side, folder, scratch), report)
                measures[side].append(measure)
                print(f"{side}: {measure.wall:.2f} s, {measure.peak_gb:.2f} GB", flush=True)
            require_equal(found)
    return measures


def require_equal(found: Mapping[str, Totals]) -> None:
    """A ratio between programs that find different things says nothing."""
    for side, totals in found.items():
        for name, figure in totals.items():
            if name in found["sql"] and found["sql"][name] != figure:
                raise SystemExit(f"{name}: {side} finds {figure}, the query {found['sql'][name]}")


def median(measures: list[Measure]) -> Measure:
    return Measure(*(statistics.median(column) for column in zip(*measures, strict=True)))


def page(measures: Mapping[int, Mapping[str, Measure]], lines: Mapping[int, int], rounds: int) -> str:
    """The page with the figures, a table for each size."""
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    often = "Once" if rounds == 1 else f"Median of {rounds} runs"
    parts = [HEAD.format(often=often)]
    for entries, of_size in measures.items():
        parts.append(f"## {entries:,} value entries, {lines[entries]:,} G/L entries\n")
        parts.append("\n".join(table(of_size)) + "\n")
    parts.append("## How time grows\n")
    parts.append("\n".join(growth(measures)) + "\n")
    parts.append(f"{datetime.now():%Y-%m-%d}, {machine}; {versions}.\n{FOOT}")
    return "\n".join(parts)


def table(measures: Mapping[str, Measure]) -> Iterator[str]:
    """A row a side; the last columns say how many times the floor and the query it takes."""
    floor, query = measures["floor"], measures["sql"]
    yield "| | wall s | CPU s | peak GB | load before | wall / floor | CPU / query |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for side, m in measures.items():
        yield (
            f"| {LABELS[side]} | {m.wall:.1f} | {m.cpu:.1f} | {m.peak_gb:.2f} | {m.load:.1f} "
            f"| {m.wall / floor.wall:.1f} | {m.cpu / query.cpu:.1f} |"
        )


def growth(measures: Mapping[int, Mapping[str, Measure]]) -> Iterator[str]:
    """By which power of the number of entries each side's CPU time grows, between the sizes that it ran."""
    yield "| | from | to | CPU time grows with n to the power of | peak GB from | to |"
    yield "|---|---:|---:|---:|---:|---:|"
    for side, label in LABELS.items():
        sizes = [entries for entries, of_size in measures.items() if side in of_size]
        if len(sizes) > 1:
            small, large = sizes[0], sizes[-1]
            first, last = measures[small][side], measures[large][side]
            power = math.log(last.cpu / first.cpu) / math.log(large / small)
            yield (
                f"| {label} | {small:,} | {large:,} | {power:.2f} "
                f"| {first.peak_gb:.2f} | {last.peak_gb:.2f} |"
            )


HEAD = """\
# Results

One entry in a thousand is at fault; books of `generate.py`, Parquet. {often}, all in turn, a process each.
Every side found the same subledger and G/L on every controlled account and the same number of places where
entry and lines disagree (datacompy: the latter for entries; reading and summing finds nothing).

tieout validates every cell, hashes every file, names a cause for every difference and judges; the others do
none of this. Seconds leave out starting Python and imports, except those of `tieout run`.
"""
FOOT = """\
Where the load is above the number of processors, other work ran beside it: wall times are inflated then, the
CPU times less so. Repeat it with `make bench`.
"""


def rows_of(file: Path) -> int:
    import polars as pl

    return int(pl.scan_parquet(file).select(pl.len()).collect().item())


def generated(entries: int) -> Path:
    folder = HERE / "data" / str(entries)
    if not folder.exists():
        made = ["--entries", str(entries), "--out", str(folder)]
        subprocess.run([sys.executable, str(HERE / "generate.py"), *made], check=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the main job against others that do part of it.")
    parser.add_argument("--entries", type=int, nargs="+", default=[200_000, 1_000_000], help="value entries")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side runs")
    parser.add_argument(
        "--most", type=int, default=2_000_000, help="the most for sides that hold all in memory"
    )
    parser.add_argument("--without", nargs="*", default=[], choices=list(LABELS), help="sides to leave out")
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        return measure_here(arguments.side, arguments.data, arguments.report)
    measures, lines = {}, {}
    for entries in sorted(arguments.entries):
        folder = generated(entries)
        left_out = {*arguments.without, *(WHOLE if entries > arguments.most else ())}
        of_size = compared(folder, [side for side in LABELS if side not in left_out], arguments.rounds)
        measures[entries] = {side: median(each) for side, each in of_size.items()}
        lines[entries] = rows_of(folder / "gl_entry.parquet")
    RESULTS.write_text(page(measures, lines, arguments.rounds))
    print(RESULTS.read_text())
    return None


if __name__ == "__main__":
    main()
