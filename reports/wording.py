"""How a figure, a code or a key of the marts is written for a reader."""

import csv
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

NO_ACCOUNT = "(no account)"
LIBRARY = files("reports") / "templates"

#: Severities with the symbol that stands beside the word, worst first.
SEVERITIES: Mapping[str, str] = {"error": "✕", "warning": "▲", "info": "○"}

ABBREVIATIONS: Mapping[str, str] = {
    "gl": "G/L", "acy": "ACY", "wip": "WIP", "cogs": "COGS", "invt": "Invt.", "adjmt": "Adjmt.",
    "no": "No.", "cap": "Cap.", "mfg": "Mfg.", "id": "ID",
}  # fmt: skip


@dataclass(frozen=True)
class Cause:
    """What a reader is told about a cause: its title, who acts on it, what it means."""

    name: str
    title: str
    who: str
    meaning: str


def amount(value: object, scale: int = 2) -> str:
    """An amount with thousands separators at the company's scale; digits beyond it stay, null is blank."""
    if value is None or value == "":
        return ""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    rounded = round(exact, scale)
    shown = exact.normalize() if rounded != exact else rounded
    return f"{shown + 0:,f}"  # adding 0 turns a negative zero into 0


def count(value: object) -> str:
    """A number of rows with thousands separators; null is blank."""
    return "" if value is None else f"{int(str(value)):,}"


def quantity(value: object) -> str:
    """A quantity or a rate with thousands separators, without zeros behind the last digit; null is blank."""
    if value is None:
        return ""
    shown = (value if isinstance(value, Decimal) else Decimal(str(value))).normalize() + 0
    return f"{shown:,f}"


def listed(value: object, written: Callable[[object], str] = str) -> str:
    """A nested value, or its JSON text, as words: members after each other, names before their values."""
    found = json.loads(value) if isinstance(value, str) and value[:1] in "[{" and value else value
    if isinstance(found, Mapping):
        return ", ".join(f"{words(name)} {listed(v, written)}" for name, v in found.items() if v is not None)
    if isinstance(found, list):
        return ("; " if any(isinstance(v, Mapping) for v in found) else ", ").join(
            listed(v, written) for v in found
        )
    return "" if found is None else written(found)


def words(code: object) -> str:
    """A snake-case name as a reader's words: ``gl_entry_no`` becomes "G/L entry No."; null is blank."""
    if code is None:
        return ""
    parts = [ABBREVIATIONS.get(part, part) for part in str(code).split("_") if part]
    text = " ".join(parts)
    return text[:1].upper() + text[1:]


def sentence(text: object) -> str:
    """A name in words or snake case as the start of a line: "g/l sums to 0" becomes "G/L sums to 0"."""
    if text is None or " " not in str(text):
        return words(text)
    written = re.sub(r"\b(g/l|wip|acy)\b", lambda found: found[0].upper(), str(text))
    return written[:1].upper() + written[1:]


def role(account_role: object) -> str:
    """An account role as the ERP captions it: ``cogs_interim`` becomes "COGS (Interim)"."""
    if account_role is None:
        return ""
    name = str(account_role)
    return f"{words(name.removesuffix('_interim'))} (Interim)" if name.endswith("_interim") else words(name)


def account(account_no: object) -> str:
    """An account number, or the words for the row of the lines that resolve to none."""
    return NO_ACCOUNT if account_no is None else str(account_no)


def anchor(*keys: object) -> str:
    """An id that is unique for the keys and safe in HTML and in a link."""
    return "-".join(re.sub(r"[^A-Za-z0-9]", lambda c: f"_{ord(c[0]):x}", str(key)) for key in keys)


def cause(name: str) -> Cause:
    """The words for a cause; one that the table doesn't know is shown by its own name."""
    return _causes().get(name, Cause(name, words(name), "", ""))


@cache
def _causes() -> Mapping[str, Cause]:
    lines = (LIBRARY / "causes.csv").read_text(encoding="utf-8").splitlines()
    return {
        row["cause"]: Cause(row["cause"], row["title"], row["who"], row["meaning"])
        for row in csv.DictReader(lines)
    }
