"""Reads the manifest of a pack that may have been altered, and says what its members have to be.

Here: which bytes are the manifest, and whether it is one. Not here: how it is written (``pack``), whether the
members are as it says (``check``).
"""

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from assets.evidence import layout
from assets.evidence.inventory import Entry
from assets.evidence.layout import Member
from assets.evidence.pack import ENVELOPE, MANIFEST, PREDICATE, STATEMENT, as_text
from schemas.faults import InputError

#: What a manifest may take of the memory, how large a member may claim to be, where it is looked for.
LARGEST, LARGEST_FILE, LOOKED_AT = 1 << 26, 1 << 62, 3
#: Where the manifest's content begins: it is the first member, and no header is shorter.
FIRST_CONTENT = 30 + len(MANIFEST)
BEGINNING = as_text({"_type": STATEMENT})[:-3]
SHA256 = re.compile("[0-9a-f]{64}")
CRC32 = re.compile("[0-9a-f]{8}")


class Broken(Exception):
    """A manifest that tieout didn't write."""


def begins_like_a_pack(stream: BinaryIO) -> bool:
    stream.seek(0)
    start = stream.read(FIRST_CONTENT)
    return start[:4] == b"PK\x03\x04" or start[30:] == MANIFEST.encode()


def found(stream: BinaryIO, entries: Sequence[Entry]) -> bytes | None:
    """The manifest, where its bytes fit one of the checksums that the file states for it.

    Size and checksum stand twice, in the header and in the directory, so one of the two may be damaged. A
    manifest under another name is found by how it begins.
    """
    header = first_header(stream)
    listed = [e for e in entries if e.name == MANIFEST] or [e for e in entries if is_statement(stream, e)]
    stated = [*header, *((e.position, e.size, e.crc) for e in listed[:LOOKED_AT])]
    checksums = {crc for _, _, crc in stated}
    for position, size in dict.fromkeys((position, size) for position, size, _ in stated):
        content = read(stream, position, size) if size <= LARGEST else b""
        if len(content) == size and zlib.crc32(content) in checksums:
            return content
    return None


def first_header(stream: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """Position, size and checksum of the manifest as the file's first bytes state them, the size twice."""
    start = read(stream, 0, FIRST_CONTENT)
    if len(start) == FIRST_CONTENT:
        crc, *sizes = (int.from_bytes(start[at : at + 4], "little") for at in (14, 18, 22))
        yield from ((FIRST_CONTENT, size, crc) for size in sizes)


def is_statement(stream: BinaryIO, entry: Entry) -> bool:
    return read(stream, entry.position, len(BEGINNING)) == BEGINNING


def read(stream: BinaryIO, position: int, size: int) -> bytes:
    stream.seek(position)
    return stream.read(size)


def statement(content: bytes) -> Mapping[str, Any]:
    """The statement that the manifest makes; raises :class:`Broken` when tieout can't have written it."""
    try:
        told = json.loads(content)
        if as_text(told) != content:
            raise Broken("isn't written as tieout writes it")
    except (ValueError, RecursionError) as fault:
        raise Broken(f"isn't JSON ({type(fault).__name__})") from None
    if not isinstance(told, dict) or told.get("_type") != STATEMENT:
        raise Broken("isn't an in-toto statement")
    if told.get("predicateType") != PREDICATE:
        raise InputError(
            f"the pack is a {told.get('predicateType')!r}; this version reads {PREDICATE}. Use the version "
            "of tieout that wrote it."
        )
    return told


def members(told: Mapping[str, Any]) -> Sequence[Member]:
    """The members that the statement names, in their order; raises :class:`Broken` where it can't be so."""
    subjects = told.get("subject")
    if not isinstance(subjects, list) or not isinstance(told.get("predicate"), dict):
        raise Broken("names no members")
    named = [member(subject) for subject in subjects]
    names = [member.name for member in named]
    if names != sorted(set(names)) or {MANIFEST, ENVELOPE} & set(names):
        raise Broken("names members twice, or not in the order of their names")
    return named


def member(subject: object) -> Member:
    """One member as a subject of the statement tells of it."""
    match subject:
        case {
            "name": str(name),
            "digest": {"sha256": str(sha256)},
            "annotations": {"size": int(size), "crc32": str(crc)},
        } if layout.is_safe(name) and SHA256.fullmatch(sha256) and CRC32.fullmatch(crc):
            if type(size) is int and 0 <= size < LARGEST_FILE:
                return Member(name, size, int(crc, 16), sha256)
    raise Broken(f"names a member that can't be one: {str(subject)[:80]!r}")


def signed_by(told: Mapping[str, Any]) -> str | None:
    """The key that signed the pack, by its hash; None for a pack without signature."""
    key = told["predicate"].get("signed_by")
    if key is not None and not (isinstance(key, str) and SHA256.fullmatch(key)):
        raise Broken("names a key that can't be one")
    return key
