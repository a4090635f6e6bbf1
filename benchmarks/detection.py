"""Plants faults into random companies by the thousand and counts what the product finds: writes detection.md.

    python -m benchmarks.detection --companies 10000 --jobs 2

Here: the run over many seeds, the counts, the page. Not here: the companies and their faults
(``tests/made``), laying findings beside the truth (``tests/detection.py``).
"""

import argparse
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.pool import share, spread

PAGE = Path(__file__).with_name("detection.md")
CLEAN_EVERY = 5  # the company of every fifth seed has no fault
MOST_FAULTS = 8


@dataclass
class Tally:
    """What was planted and found in some companies; each counter by cause or kind."""

    companies: Counter[str] = field(default_factory=Counter)  # clean, with faults; of these: right
    entries: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)  # findings that the truth tells
    found: Counter[str] = field(default_factory=Counter)  # of these: named by cause, severity and place
    exact: Counter[str] = field(default_factory=Counter)  # of these: every amount to the cent
    extra: Counter[str] = field(default_factory=Counter)  # errors and warnings that the truth doesn't tell
    seconds: float = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Mapping[str, Any]) -> None:
        for name in ("companies", "kinds", "planted", "found", "exact", "extra"):
            getattr(self, name).update(other[name])
        self.entries += other["entries"]
        self.seconds += other["seconds"]
        self.wrong += other["wrong"]


def tally(seed: int) -> dict[str, Any]:
    """The company of a seed laid beside its truth; one that can't be run is wrong as well."""
    started = time.process_time()
    try:
        one = counted(seed)
    except Exception as error:  # the other companies go on
        one = Tally(wrong=[f"seed {seed}: {error!r}"])
    return {**vars(one), "seconds": time.process_time() - started}


def counted(seed: int) -> Tally:
    from tests.detection import detected, names

    is_clean = seed % CLEAN_EVERY == 0
    result = detected(seed, 0 if is_clean else MOST_FAULTS)
    rows, missed = result.books["differences"].to_dicts(), result.missed
    one = Tally(entries=len(result.company.firm.rows("value_entry")))
    one.companies["clean" if is_clean else "with faults"] += 1
    one.kinds.update(result.company.planted)
    for finding in {row["finding"]: row for row in result.company.truth.rows}.values():
        told = [row for row in result.company.truth.rows if row["finding"] == finding["finding"]]
        one.planted[finding["cause"]] += 1
        one.found[finding["cause"]] += all(any(names(row, line) for row in rows) for line in told)
        one.exact[finding["cause"]] += not any(line in missed for line in told)
    one.extra.update({row["finding_id"]: row["cause"] for row in result.extra}.values())
    if result.is_right:
        one.companies["clean, right" if is_clean else "with faults, right"] += 1
    else:
        status = result.books["summary"]["status"]
        one.wrong.append(f"seed {seed} ({status}): {', '.join(result.company.planted) or 'clean'}")
    return one


def page(total: Tally, first: int) -> str:
    """The results as a page."""
    clean, faulty = total.companies["clean"], total.companies["with faults"]
    planted, found, exact = (sum(c.values()) for c in (total.planted, total.found, total.exact))
    extra = sum(total.extra.values())
    lines = [
        "# Proof of detection",
        "",
        "Random companies with planted faults, each with its truth: cause, severity, accounts, entries,",
        "exact amounts. Written by `python -m benchmarks.detection`; what is planted and how stands in",
        "`tests/made` (`rolled.py`: the companies, `kinds.py`: the faults), which knows nothing of the",
        "product.",
        "",
        f"* {clean + faulty} companies from seed {first} on, {total.entries:,} value entries; 1 to "
        f"{MOST_FAULTS} faults in {faulty} of them, none in {clean}",
        f"* {total.companies['clean, right']} of {clean} clean companies are reconciled without an error or "
        "a warning",
        f"* {total.companies['with faults, right']} of {faulty} companies with faults: every finding and the "
        "verdict are those of the truth, and nothing else is found",
        f"* {planted:,} findings planted, {found:,} found: recall {share(found, planted)}; {extra} found "
        f"that weren't planted: precision {share(found, found + extra)}; amounts exact in "
        f"{share(exact, planted)}",
        f"* `unclassified`: {total.extra['unclassified']}",
        f"* {total.seconds:.0f} s of CPU time; Python {platform.python_version()}, "
        f"Polars {version('polars')}, {os.cpu_count()} cores",
        "",
        "## By cause",
        "",
        "| cause | planted | found | recall | not planted | precision | amounts exact |",
        "|:------|--------:|------:|-------:|------------:|----------:|--------------:|",
    ]
    for cause in sorted({*total.planted, *total.extra}):
        told, hit, more = total.planted[cause], total.found[cause], total.extra[cause]
        lines.append(
            f"| `{cause}` | {told} | {hit} | {share(hit, told)} | {more} | {share(hit, hit + more)} "
            f"| {share(total.exact[cause], told)} |"
        )
    lines += ["", "## By kind of fault", "", "| kind | planted |", "|:-----|--------:|"]
    lines += [f"| {kind} | {count} |" for kind, count in sorted(total.kinds.items())]
    if total.wrong:
        lines += ["", "## Companies that came out otherwise", ""]
        lines += [f"* {wrong}" for wrong in total.wrong[:50]]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument("--companies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start nothing new after them")
    parser.add_argument("--keep", type=Path, help="file of results, to go on where a run ended")
    parser.add_argument("--out", type=Path, default=PAGE)
    given = parser.parse_args()
    seeds = range(given.seed, given.seed + given.companies)
    total = Tally()
    for one in spread(tally, seeds, given.jobs, given.seconds, given.keep):
        total.add(one)
    given.out.write_text(page(total, given.seed), encoding="utf-8", newline="\n")
    return 1 if total.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
