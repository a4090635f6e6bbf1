"""python -m tests.made OUT [--clean] [--method mixed|entry|group]: writes the made companies."""

import argparse
from pathlib import Path

from tests.made.companies import write


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.made", description="Writes the made companies as CSV folders."
    )
    parser.add_argument("out", type=Path, help="folder that receives one folder a company")
    parser.add_argument("--clean", action="store_true", help="without the planted faults")
    parser.add_argument(
        "--method", choices=("mixed", "entry", "group"), default="mixed", help="how cost is posted"
    )
    parser.add_argument("--truth", type=Path, help="folder that receives the truth beside it")
    given = parser.parse_args()
    write(given.out, clean=given.clean, method=given.method, truth=given.truth)


if __name__ == "__main__":
    main()
