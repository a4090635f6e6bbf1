"""The made companies by name, with or without their faults."""

from pathlib import Path

from tests.made import fjord
from tests.made.write import write_company


def write(out: Path, clean: bool = False, method: str = "mixed", truth: Path | None = None) -> None:
    write_company(fjord.build(method), out / "fjord_cycles")
