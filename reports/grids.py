"""Grids: rows of a mart as the cells of a table on the page; a column without any value is left out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from reports import wording

Row = Mapping[str, object]


_WRITTEN: Mapping[str, Callable[[object], str]] = {
    "count": wording.count,
    "account": wording.account,
    "cause": lambda name: wording.cause(str(name)).title if name else "",
    "claim": lambda is_so: "yes" if is_so else "",
    "list": wording.listed,
    "quantity": wording.quantity,
    "role": wording.role,
    "roles": lambda roles: wording.listed(roles, wording.role),
    "words": wording.words,
}
_ALIGNMENTS = {
    "amount": "num", "part": "num", "figure": "num", "acy": "num", "count": "num", "quantity": "num",
    "text": "text", "list": "text", "role": "text", "roles": "text", "cause": "text", "hash": "hash",
}  # fmt: skip


class Column(NamedTuple):
    """A column; its ``kind`` tells how a value is written.

    amount, part (an amount, left out where it is 0 in every row), figure (an amount that doesn't add up),
    acy (blank if 0), quantity, count; account, role, roles, cause, finding, claim (yes or blank), words, list
    (nested), code, hash, text.
    """

    name: str
    caption: str
    kind: str = "text"

    @property
    def align(self) -> str:
        """The style class: figures stand right, codes don't break."""
        return _ALIGNMENTS.get(self.kind, "code")


@dataclass(frozen=True)
class Grid:
    """A table ready to be written: its columns and, row by row, the text of its cells."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def grid(rows: Iterable[Row], columns: Iterable[Column], scale: int) -> Grid:
    """The rows as text; columns that are blank in every row are dropped."""
    kept = list(rows)
    named = [(c, [cell(row.get(c.name), c.kind, scale) for row in kept]) for c in columns]
    filled = [(c, cells) for c, cells in named if any(cells)]
    return Grid(
        columns=tuple(c for c, _ in filled),
        rows=tuple(zip(*(cells for _, cells in filled), strict=True)) if filled else (),
    )


def cell(value: object, kind: str, scale: int) -> str:
    """One value as text, by the kind of its column."""
    if kind in ("amount", "part", "figure"):
        return wording.amount(value, scale)
    if kind == "acy":
        return wording.amount(value, scale) if value else ""
    if kind in _WRITTEN:
        return _WRITTEN[kind](value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)
