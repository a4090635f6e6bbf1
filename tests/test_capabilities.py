"""The table of capabilities in the docs names what shows each of them, and it is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROMISED = [*(f"A{number:02d}" for number in range(1, 20)), "D16"]


def table() -> dict[str, list[str]]:
    text = (ROOT / "docs" / "capabilities.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z]\d\d) \|.*\|([^|]+)\|$", text, re.MULTILINE)
    return {capability: re.findall(r"`([^`]+)`", shown_by) for capability, shown_by in rows}


def test_every_capability_has_something_that_shows_it() -> None:
    assert list(table()) == PROMISED
    assert all(table().values())


def test_what_shows_a_capability_is_a_test() -> None:
    for capability, places in table().items():
        for place in places:
            path = ROOT / "tests" / place
            pages = list(path.glob("*.md")) if path.is_dir() else [path]
            assert pages and all(page.is_file() for page in pages), (capability, place)
