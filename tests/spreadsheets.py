"""Workbooks read back: as they were written, and as LibreOffice recomputes them.

Here: reading, and the one program that counts by itself. Not here: what a workbook has to say.
"""

import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.cell.cell import Cell

OFFICE = shutil.which("soffice")
#: Always recompute: otherwise LibreOffice takes the values that the file carries.
SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">
<value>0</value></prop></item>
</oor:items>
"""
needs_office = pytest.mark.skipif(
    OFFICE is None, reason="no LibreOffice on this machine: no workbook was recomputed"
)


def values(content: bytes) -> Any:
    """The workbook with the values that its formulas carry."""
    return openpyxl.load_workbook(BytesIO(content), data_only=True)


def formulas(content: bytes) -> Any:
    """The workbook with its formulas as text."""
    return openpyxl.load_workbook(BytesIO(content))


def cells(book: Any) -> Iterator[Cell]:
    """Every cell that holds something."""
    for sheet in book:
        yield from cells_of(sheet)


def cells_of(sheet: Any) -> Iterator[Cell]:
    yield from (cell for row in sheet.iter_rows() for cell in row if cell.value is not None)


def without_values(content: bytes) -> bytes:
    """The workbook with 7 as the value that each formula carries: what is right then was recomputed."""
    return changed(content, lambda xml: re.sub(r"</f><v>[^<]*</v>", "</f><v>7</v>", xml), "sheet")


def changed(content: bytes, change: Any, part: str) -> bytes:
    """The workbook with a change in the text of the parts whose names hold ``part``."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            data = given.read(name)
            made.writestr(name, change(data.decode()).encode() if part in name else data)
    return out.getvalue()


def recomputed(folder: Path, books: Mapping[str, bytes]) -> Mapping[str, Any]:
    """Each workbook after LibreOffice has opened it, recomputed it and saved it."""
    assert OFFICE is not None
    profile, given = folder / "profile" / "user", folder / "given"
    profile.mkdir(parents=True)
    given.mkdir()
    (profile / "registrymodifications.xcu").write_text(SETTINGS)
    for name, content in books.items():
        (given / f"{name}.xlsx").write_bytes(content)
    home = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [
        OFFICE, home, "--headless", "--convert-to", "xlsx", "--outdir",
        str(folder / "saved"), *(str(given / f"{name}.xlsx") for name in books),
    ]  # fmt: skip
    subprocess.run(command, capture_output=True, timeout=300, check=True)
    return {name: values((folder / "saved" / f"{name}.xlsx").read_bytes()) for name in books}
