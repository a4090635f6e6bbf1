"""Collects the case pages: each Markdown file under ``tests/cases`` is a test, told in the page's words."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import page

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr, TracebackStyle


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".md" and file_path.is_relative_to(page.CASES) and not file_path.stem.isupper():
        return PageFile.from_parent(parent, path=file_path)
    return None


class PageFile(pytest.File):
    """A page on disk."""

    def collect(self) -> Iterator[pytest.Item]:
        yield PageItem.from_parent(self, name=self.path.stem)


class PageItem(pytest.Item):
    """A page as a test: it passes when everything that it expects came out, and nothing else of that kind."""

    def runtest(self) -> None:
        from tests import chain

        known = chain.of(self.path)
        wrong = list(known.mismatches())
        if wrong:
            raise PageFailure(known.case.title, wrong)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: "TracebackStyle | None" = None
    ) -> "str | TerminalRepr":
        if isinstance(excinfo.value, PageFailure | page.PageError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, str(self.path.relative_to(page.CASES).with_suffix(""))


class PageFailure(Exception):
    """What a page expects and what came out, as tables."""

    def __init__(self, title: str, wrong: list[page.Mismatch]) -> None:
        super().__init__("\n\n".join([title, *map(str, wrong)]))
