"""Writes the evidence pack: the files of a run, what they rest on, and a manifest that names them all.

Here: the members, the manifest (an in-toto statement), the file. Not here: the bytes between the members
(``layout``), what goes in beside the run's own files (``provenance``), keys (``signature``).
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from assets.evidence import layout, signature
from assets.evidence.layout import Member
from schemas.faults import InputError

PACK = "evidence.zip"
MANIFEST = "manifest.json"
ENVELOPE = "manifest.dsse.json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:tieout:evidence-pack:v1"
CHUNK = 1 << 20

Content = Path | bytes


class Evidence(NamedTuple):
    """What a pack holds beside the files of the run: its claims, more contents by name, who signs."""

    claims: Mapping[str, Any] = {}
    contents: Mapping[str, Content] = {}
    sign_key: Path | None = None


def write(evidence: Evidence, folder: Path) -> Path:
    """Packs the files of a run's folder, and what they rest on, into ``evidence.zip`` beside them.

    A table's CSV stays outside: it says what the Parquet file says, and the manifest has its hash. The same
    contents and key give the same bytes.
    """
    files = {name: path for name, path in _files(folder) if name != PACK}
    twins = {name for name in files if name.endswith(".csv") and f"{name[:-4]}.parquet" in files}
    packed = {name: path for name, path in files.items() if name not in twins}
    contents: Mapping[str, Content] = {**packed, **evidence.contents}
    members = [measured(name, contents[name]) for name in sorted(contents)]
    beside = [measured(name, files[name]) for name in sorted(twins)]
    own = statements(evidence, members, beside)
    manifest, *envelope = (measured(name, content) for name, content in own.items())
    with (folder / PACK).open("wb") as file:
        for part in laid_out({**contents, **own}, [manifest, *members, *envelope]):
            file.write(part)
    return folder / PACK


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def statements(
    evidence: Evidence, members: Sequence[Member], beside: Sequence[Member]
) -> Mapping[str, bytes]:
    """The manifest, and where a key is given the envelope with its signature."""
    key = None if evidence.sign_key is None else signature.private_key(evidence.sign_key)
    signed_by = None if key is None else signature.key_id(key.public_key())
    claims = {"signed_by": signed_by, **evidence.claims, "beside": [_told(member) for member in beside]}
    manifest = manifest_text(members, claims)
    return {MANIFEST: manifest} | ({} if key is None else {ENVELOPE: signature.envelope(manifest, key)})


def manifest_text(members: Sequence[Member], claims: Mapping[str, Any]) -> bytes:
    """The in-toto statement that every member is as it was measured, and what the run claims of them."""
    statement = {
        "_type": STATEMENT,
        "subject": [_told(member) for member in members],
        "predicateType": PREDICATE,
        "predicate": claims,
    }
    return as_text(statement)


def as_text(statement: Mapping[str, Any]) -> bytes:
    """The one way in which a manifest is written."""
    return (json.dumps(statement, indent=1, ensure_ascii=False) + "\n").encode()


def _told(member: Member) -> Mapping[str, Any]:
    return {
        "name": member.name,
        "digest": {"sha256": member.sha256},
        "annotations": {"size": member.size, "crc32": f"{member.crc:08x}"},
    }


def measured(name: str, content: Content) -> Member:
    """A member with its size and checksums, read once from beginning to end."""
    if not layout.is_safe(name):
        raise InputError(f"{name!r}: can't be a name in an evidence pack. Rename the file.")
    digest, crc, size = hashlib.sha256(), 0, 0
    for chunk in chunks(content):
        digest.update(chunk)
        crc = zlib.crc32(chunk, crc)
        size += len(chunk)
    return Member(name, size, crc, digest.hexdigest())


def chunks(content: Content) -> Iterator[bytes]:
    """The content in parts that fit into memory."""
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        yield from iter(lambda: file.read(CHUNK), b"")


def laid_out(contents: Mapping[str, Content], members: Sequence[Member]) -> Iterator[bytes]:
    """The bytes of the whole file; a content that isn't as it was measured is a fault."""
    for piece in layout.pieces(members):
        if piece.wanted is not None:
            yield piece.wanted
        elif piece.about is not None:
            yield from unchanged(piece.about, contents[piece.about.name])


def unchanged(member: Member, content: Content) -> Iterator[bytes]:
    """The content once more, as it was when it was measured."""
    size, crc = 0, 0
    for chunk in chunks(content):
        size, crc = size + len(chunk), zlib.crc32(chunk, crc)
        yield chunk
    if (size, crc) != (member.size, member.crc):
        raise InputError(
            f"{member.name}: changed while it was packed. Run it again when nobody writes to it."
        )
