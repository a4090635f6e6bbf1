"""Tears right books apart by the thousand and counts what comes of it: writes tears.md.

    python -m benchmarks.tears --injections 10000 --jobs 2

Here: the run over many companies, the counts, the page. Not here: the tears (``tests/tears.py``).
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.pool import share, spread

PAGE = Path(__file__).with_name("tears.md")
PER_COMPANY = 50
REFUSED = "doubled under the same keys"


@dataclass
class Tally:
    """What came of the tears of some companies; each counter by tear."""

    twins: Counter[str] = field(default_factory=Counter)  # the whole companies' status
    torn: Counter[str] = field(default_factory=Counter)
    inconclusive: Counter[str] = field(default_factory=Counter)
    named: Counter[str] = field(default_factory=Counter)  # of these: the reason names the right table
    differences: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Mapping[str, Any]) -> None:
        for name in ("twins", "torn", "inconclusive", "named", "differences"):
            getattr(self, name).update(other[name])
        self.seconds += other["seconds"]
        self.wrong += other["wrong"]


def tally(seed: int) -> dict[str, Any]:
    """One company: its unaltered twin, and so many tears of it."""
    started = time.process_time()
    try:
        one = counted(seed)
    except Exception as error:  # the other companies go on
        one = Tally(wrong=[f"seed {seed}: {error!r}"])
    return {**vars(one), "seconds": time.process_time() - started}


def counted(seed: int) -> Tally:
    from tests import tears
    from tests.small_books import tied_out

    one, books, dice = Tally(), tears.company(seed), Random(f"tears of {seed}")
    status = tied_out(books.whole)["summary"]["status"]
    one.twins[status] += 1
    if status != "reconciled":
        one.wrong.append(f"seed {seed}: the whole company is {status}")
    while one.torn.total() < PER_COMPANY:
        name = dice.choice([*tears.TEARS, REFUSED])
        if name == REFUSED:
            is_right = tears.doubled_rows_are_refused(books, dice)
            one.torn[name] += 1
            one.inconclusive[name] += is_right
            one.named[name] += is_right
            one.wrong += [] if is_right else [f"seed {seed}: {name} is not refused"]
        elif torn := tears.TEARS[name](books, dice):
            outcome = tears.outcome(torn)
            one.torn[name] += 1
            one.inconclusive[name] += outcome.status == "inconclusive"
            one.differences[name] += outcome.status == "differences"
            one.named[name] += outcome.is_named
            if outcome.status == "reconciled" or not outcome.is_named:
                one.wrong.append(f"seed {seed}: {name} of {' or '.join(torn.tables)} gives {outcome.status}")
    return one


def page(total: Tally, first: int) -> str:
    """The results as a page."""
    torn, wrong = total.torn.total(), len(total.wrong)
    lines = [
        "# Torn extracts",
        "",
        "Right companies whose tables were cut off, doubled, taken from another moment or company, or told",
        "otherwise by a register, a control total or the trial balance. Written by",
        "`python -m benchmarks.tears`; the tears stand in `tests/tears.py`. A tear that contradicts nothing",
        "(the last transaction cut from all tables alike) can't be known and isn't one of them.",
        "",
        f"* {torn} tears of {total.twins.total()} companies from seed {first} on: none may be reconciled,",
        "  and the reason must name the right table",
        f"* unaltered twins reconciled: {total.twins['reconciled']} of {total.twins.total()}",
        f"* reconciled in spite of the tear, or without the right table in the reason: {wrong}",
        f"* {total.seconds:.0f} s of CPU time",
        "",
        "| tear | times | inconclusive | differences | reason names the table |",
        "|:-----|------:|-------------:|------------:|-----------------------:|",
    ]
    for name in sorted(total.torn):
        count = total.torn[name]
        lines.append(
            f"| {name} | {count} | {total.inconclusive[name]} | {total.differences[name]} "
            f"| {share(total.named[name], count)} |"
        )
    lines += ["", f"`{REFUSED}` is refused as an input error that names the file; nothing is published."]
    if total.wrong:
        lines += ["", "## Otherwise", "", *(f"* {wrong}" for wrong in total.wrong[:50])]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tears", description=__doc__)
    parser.add_argument("--injections", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the first company's seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start nothing new after them")
    parser.add_argument("--keep", type=Path, help="file of results, to go on where a run ended")
    parser.add_argument("--out", type=Path, default=PAGE)
    given = parser.parse_args()
    seeds = range(given.seed, given.seed + -(-given.injections // PER_COMPANY))
    total = Tally()
    for one in spread(tally, seeds, given.jobs, given.seconds, given.keep):
        total.add(one)
    given.out.write_text(page(total, given.seed), encoding="utf-8", newline="\n")
    return 1 if total.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
