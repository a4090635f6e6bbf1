"""Collates a pack with the bytes that its manifest demands: where the file differs, and how.

Here: one reading of the file from its first byte to its last. Not here: what was done to it (``inventory``),
the answers (``check``).
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from assets.evidence import layout
from assets.evidence.layout import Member, Piece
from assets.evidence.pack import CHUNK

STRUCTURE = "(zip file)"
ALTERED = "its content was altered"


class Difference(NamedTuple):
    """A stretch of the file that isn't as it has to be: whose it is, how it differs, where it begins."""

    name: str
    told: str
    place: int
    is_content: bool


class Tape:
    """A file that is read from its beginning to its end, and hashed on the way."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.place = stream.seek(0)
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        content = self.stream.read(size)
        self.digest.update(content)
        self.place += len(content)
        return content

    def chunks(self, size: int | None = None) -> Iterator[bytes]:
        """The next bytes in parts that fit into memory; without a size all that are left."""
        end = None if size is None else self.place + size
        while chunk := self.read(CHUNK if end is None else min(CHUNK, end - self.place)):
            yield chunk

    def rest(self) -> str:
        """The hash of the whole file, once its rest is read as well."""
        for _ in self.chunks():
            pass
        return self.digest.hexdigest()


def collated(stream: BinaryIO, members: Sequence[Member]) -> tuple[Sequence[Difference], str]:
    """Each stretch of the file that isn't as the manifest demands; the hash of the whole file."""
    tape = Tape(stream)
    differing = list(differences(tape, members))
    end = tape.place
    sha256 = tape.rest()
    if tape.place > end:
        told = f"{tape.place - end} bytes stand behind its end"
        differing.append(Difference(STRUCTURE, told, end, is_content=False))
    return differing, sha256


def differences(tape: Tape, members: Sequence[Member]) -> Iterator[Difference]:
    for piece in layout.pieces(members):
        name, place = STRUCTURE if piece.about is None else piece.about.name, tape.place
        is_content = piece.wanted is None
        told = (of_content if is_content else of_bytes)(tape, piece)
        if told:
            yield Difference(name, told, place, is_content)


def of_bytes(tape: Tape, piece: Piece) -> str:
    """The first byte of a header or of the directory that differs, by its place in the file."""
    wanted, start = piece.wanted or b"", tape.place
    given = tape.read(piece.size)
    if len(given) < len(wanted):
        return f"the file ends within its {piece.what}"
    places = (n for n, (one, other) in enumerate(zip(given, wanted, strict=True)) if one != other)
    place = next(places, None)
    return "" if place is None else f"its {piece.what} was altered, at byte {start + place} of the file"


def of_content(tape: Tape, piece: Piece) -> str:
    """Whether a member's content is another one, or cut off."""
    assert piece.about is not None
    content, end = hashlib.sha256(), tape.place + piece.size
    for chunk in tape.chunks(piece.size):
        content.update(chunk)
    if tape.place < end:
        return f"the file ends {end - tape.place} bytes before the end of its content"
    return "" if content.hexdigest() == piece.about.sha256 else ALTERED
