"""Takes stock of a pack that isn't as it was written: which members stand in it, by its own directory.

Here: names for what was done to a pack: altered, missing, renamed, swapped, added, twice. Not here: whether
anything was done at all (``check``). Nothing is unpacked, and nothing is believed: a directory may lie.
"""

import hashlib
import io
import os
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

from assets.evidence.layout import Member
from assets.evidence.pack import CHUNK

#: What a directory may take of the memory: names of fifty thousand files.
LARGEST_DIRECTORY = 1 << 22
HEADER = 30
ENCRYPTED, TYPE_OF_FILE, LINK = 0x1, 0o170000, 0o120000


class Entry(NamedTuple):
    """A member as the zip file's directory tells of it, and what is odd about it."""

    name: str
    position: int
    size: int
    crc: int
    oddity: str


class Fault(NamedTuple):
    """What is wrong with a member; whether its content is what differs."""

    name: str
    told: str
    is_content: bool = False


class Cautious(io.BufferedIOBase):
    """A file that gives no more at once than a pack's directory takes: a longer one counts as cut off."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def seekable(self) -> bool:
        return True

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        return self.stream.seek(position, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        asked = LARGEST_DIRECTORY if size is None or size < 0 else size
        return self.stream.read(min(asked, LARGEST_DIRECTORY))


def entries(stream: BinaryIO) -> Sequence[Entry]:
    """What the directory lists; nothing where there is none that can be read."""
    try:
        with zipfile.ZipFile(Cautious(stream)) as found:
            return [entry(stream, info) for info in found.infolist()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, OverflowError, struct.error):
        return ()


def entry(stream: BinaryIO, info: zipfile.ZipInfo) -> Entry:
    stream.seek(max(info.header_offset, 0))
    header = stream.read(HEADER)
    lengths = struct.unpack("<2H", header[26:30]) if len(header) == HEADER else (0, 0)
    position = max(info.header_offset, 0) + HEADER + sum(lengths)
    return Entry(info.filename, position, info.file_size, info.CRC, oddity(info, header))


def oddity(info: zipfile.ZipInfo, header: bytes) -> str:
    """What no pack has: a member that is a link, encrypted, or packed so that its size is anybody's guess."""
    if (info.external_attr >> 16) & TYPE_OF_FILE == LINK:
        return "is a link to another file"
    if info.flag_bits & ENCRYPTED:
        return "is encrypted"
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        return "is compressed, or claims another size than it has"
    return "" if header[:4] == b"PK\x03\x04" else "doesn't stand where the directory says"


def faults(stream: BinaryIO, found: Sequence[Entry], members: Sequence[Member]) -> Iterator[Fault]:
    """What was done to the pack, by member: those that the manifest names, then those that it doesn't."""
    times = Counter(entry.name for entry in found)
    oddities = {entry.name: entry.oddity for entry in found if entry.oddity}
    contents = digests(stream, found)
    wanted = {member.name: member.sha256 for member in members}
    owners = {content: name for name, content in wanted.items()}
    strangers = {content: name for name, content in contents.items() if name not in wanted}
    for name, content in wanted.items():
        if name not in times:
            yield Fault(name, missing(strangers.get(content)))
        elif name in oddities or times[name] > 1:
            yield Fault(name, oddities.get(name, f"stands there {times[name]} times"))
        elif contents.get(name) != content:
            yield Fault(name, altered(owners.get(contents.get(name, ""))), is_content=True)
    for name in sorted(times.keys() - wanted.keys()):
        yield Fault(name, added(owners.get(contents.get(name, "")), oddities.get(name)))


def missing(renamed_to: str | None) -> str:
    return "is missing" if renamed_to is None else f"is missing: renamed to {renamed_to!r}"


def altered(owner: str | None) -> str:
    return "its content was altered" if owner is None else f"holds the content of {owner}: swapped or copied"


def added(owner: str | None, oddity: str | None) -> str:
    known = "added" if owner is None else f"renamed from {owner}, or a copy of it"
    return f"isn't in the manifest: {known}" + (f"; {oddity}" if oddity else "")


def digests(stream: BinaryIO, found: Sequence[Entry]) -> Mapping[str, str]:
    """The hash of each plain member; of none when they claim more bytes than the file has."""
    plain = [entry for entry in found if not entry.oddity]
    if sum(entry.size for entry in plain) > stream.seek(0, os.SEEK_END):
        return {}
    return {entry.name: digest(stream, entry) for entry in plain}


def digest(stream: BinaryIO, entry: Entry) -> str:
    stream.seek(entry.position)
    content = hashlib.sha256()
    left = entry.size
    while left and (chunk := stream.read(min(left, CHUNK))):
        content.update(chunk)
        left -= len(chunk)
    return content.hexdigest()
