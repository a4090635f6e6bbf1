"""The bytes of a pack around the contents of its members: a zip file in which nothing is left to choose.

Members are stored as they are, dated 1980, with the same rights, one after the other without a gap. So names,
sizes and checksums determine every byte that isn't content: the same members give the same file on every
machine, and whoever checks a pack knows what each of its bytes has to be. That is also why the bytes are laid
out here: a library that writes a header otherwise in its next release would make old packs look altered.

Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3 (zip64, from 4 GiB on).
"""

import re
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

#: From here on a number doesn't fit its field, which is filled up and the number stands in a zip64 field.
FULL, FULL_COUNT = 0xFFFFFFFF, 0xFFFF
PLAIN, ZIP64 = 20, 45  # the versions of the format that a reader must know
UNIX = 3
UTF8_NAMES = 0x0800
STORED = 0
MIDNIGHT, NEW_YEAR_1980 = 0, 0x0021
RIGHTS = 0o100644 << 16  # a plain file that its owner may write and all may read


class Member(NamedTuple):
    """One file of a pack: its name, and what tells its content."""

    name: str
    size: int
    crc: int
    sha256: str


class Piece(NamedTuple):
    """A stretch of a pack in its order: what it is, and its bytes, or the member whose content it is."""

    what: str
    about: Member | None
    size: int
    wanted: bytes | None


def pieces(members: Sequence[Member]) -> Iterator[Piece]:
    """The whole pack from its first byte to its last."""
    directory, position = [], 0
    for member in members:
        header = local_header(member)
        yield Piece("header", member, len(header), header)
        yield Piece("content", member, member.size, None)
        directory.append(Piece("directory entry", member, 0, directory_entry(member, position)))
        position += len(header) + member.size
    for entry in directory:
        assert entry.wanted is not None
        yield entry._replace(size=len(entry.wanted))
    end = end_record(len(members), sum(len(entry.wanted or b"") for entry in directory), position)
    yield Piece("end record", None, len(end), end)


def local_header(member: Member) -> bytes:
    """What stands before a member's content."""
    name, extra = member.name.encode(), zip64_field(member.size, member.size)
    known = (ZIP64 if extra else PLAIN, UTF8_NAMES, STORED, MIDNIGHT, NEW_YEAR_1980)
    sizes = (member.crc, field(member.size), field(member.size), len(name), len(extra))
    return struct.pack("<4s5H3L2H", b"PK\x03\x04", *known, *sizes) + name + extra


def directory_entry(member: Member, position: int) -> bytes:
    """What the directory at the end says of a member whose header stands at the position."""
    name, extra = member.name.encode(), zip64_field(member.size, member.size, position)
    version = ZIP64 if extra else PLAIN
    known = (UNIX << 8 | version, version, UTF8_NAMES, STORED, MIDNIGHT, NEW_YEAR_1980)
    sizes = (member.crc, field(member.size), field(member.size), len(name), len(extra))
    rest = (0, 0, 0, RIGHTS, field(position))  # no comment, one disk, no inner attributes
    return struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *known, *sizes, *rest) + name + extra


def end_record(count: int, size: int, position: int) -> bytes:
    """The last bytes: how many members the directory holds, its size and where it begins."""
    short = min(count, FULL_COUNT)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, short, short, field(size), field(position), 0)
    if short < FULL_COUNT and not zip64_field(size, position):
        return end
    version = (UNIX << 8 | ZIP64, ZIP64)
    large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, *version, 0, 0, count, count, size, position)
    return large + struct.pack("<4sLQL", b"PK\x06\x07", 0, position + size, 1) + end


def field(number: int) -> int:
    """The number as a field of four bytes holds it."""
    return number if number < FULL else 0xFFFFFFFF


def zip64_field(*numbers: int) -> bytes:
    """The extra field with the numbers that four bytes don't hold; empty where they do."""
    large = [number for number in numbers if number >= FULL]
    return struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""


def is_safe(name: str) -> bool:
    """Whether a name stays inside the folder that a pack is unpacked to, on every system."""
    parts = name.split("/")
    is_plain = re.search(r'[\x00-\x1f\x7f\\:*?"<>|]', name) is None and name.isprintable()
    return is_plain and all(part and part == part.rstrip(" .") for part in parts)
