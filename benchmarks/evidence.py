"""Writes an evidence pack of a gigabyte and checks it: seconds, and the memory that the check takes at most.

Each step runs in a process of its own, whose memory is measured from outside.

    python -m benchmarks.evidence [--megabytes 1024] [--folder /tmp]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEGABYTE = 1 << 20
MEMBERS = 8
WRITE = "from assets.evidence import pack; from pathlib import Path; pack.write(pack.Evidence(), Path({!r}))"
CHECK = "from assets import cli; cli.app(['evidence', 'verify', {!r}])"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--megabytes", type=int, default=1024)
    asked.add_argument("--folder", type=Path)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        for number in range(MEMBERS):
            fill(folder / f"table_{number}.parquet", given.megabytes // MEMBERS)
        told("write", WRITE.format(str(folder)), given.megabytes)
        told("verify", CHECK.format(str(folder / "evidence.zip")), given.megabytes)
        spoil(folder / "evidence.zip")
        told("verify, altered", CHECK.format(str(folder / "evidence.zip")), given.megabytes)


def fill(path: Path, megabytes: int) -> None:
    """A file of random bytes."""
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(MEGABYTE))


def spoil(path: Path) -> None:
    """Flips one bit in the middle of the file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def told(step: str, code: str, megabytes: int) -> None:
    """Runs the code in a process and prints what it took."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds, peak = time.perf_counter() - began, usage.ru_maxrss / 1024
    code_of = os.waitstatus_to_exitcode(status)
    print(f"{step}: {megabytes} MB in {seconds:.1f} s, at most {peak:.0f} MB of memory, exit code {code_of}")


if __name__ == "__main__":
    main()
