"""Checks an evidence pack, every byte of it, and says of each member whether it is as it was written.

The pack is read once, from its first byte to its last, beside the bytes that its manifest demands
(``layout``). Only where something differs is the zip file's directory asked what was done (``inventory``).

Here: the answer, item by item. Not here: finding and reading the manifest (``manifest``), time stamps
(``timestamp``), whether the figures come out again (``reperformance``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from assets.evidence import collation, inventory, layout, manifest, pack, signature
from assets.evidence.collation import ALTERED, STRUCTURE, Difference, Tape
from assets.evidence.inventory import Entry, Fault
from assets.evidence.layout import Member
from assets.evidence.pack import ENVELOPE, MANIFEST
from schemas.faults import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

OK, WRONG, UNCHECKED = "ok", "wrong", "not checked"
SIGNATURE = "(signature)"
UNSIGNED = (
    "the pack isn't signed: accidents and careless changes show, but whoever rewrote the manifest as well "
    "can only be found by a hash of the file that you have from elsewhere"
)
MOVED = "something was put in, taken out or moved: nothing stands in its place from byte"


class Item(NamedTuple):
    """One answer: what it is about, ``ok``, ``wrong`` or ``not checked``, and what there is to tell."""

    name: str
    result: str
    told: str = ""


class Report(NamedTuple):
    """All answers about one pack; the statement where its manifest can be read."""

    file: Path
    sha256: str
    items: Sequence[Item]
    statement: Mapping[str, Any] | None = None

    @property
    def is_sound(self) -> bool:
        return all(item.result != WRONG for item in self.items)

    def with_items(self, more: Iterable[Item]) -> "Report":
        return self._replace(items=[*self.items, *more])


def checked(file: Path, public_key: Path | None = None) -> Report:
    """Every member of the pack with its answer; raises :class:`InputError` when the file isn't a pack."""
    key = None if public_key is None else signature.public_key(public_key)
    with opened(file) as stream:
        found = inventory.entries(stream)
        if not found and not manifest.begins_like_a_pack(stream):
            raise InputError(f"{file}: is not an evidence pack. Name the evidence.zip of a run.")
        content = manifest.found(stream, found)
        if content is None:
            return Report(file, Tape(stream).rest(), without_manifest(found))
        try:
            return read(file, stream, content, found, key)
        except manifest.Broken as fault:
            items = [Item(MANIFEST, WRONG, str(fault)), *unchecked(found)]
            return Report(file, Tape(stream).rest(), items)


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    try:
        with file.open("rb") as stream:
            yield stream
    except OSError as fault:
        raise InputError(f"{file}: can't be read: {fault.strerror}.") from None


def read(
    file: Path, stream: BinaryIO, content: bytes, found: Sequence[Entry], key: "Ed25519PublicKey | None"
) -> Report:
    """The answers where the manifest can be read."""
    told = manifest.statement(content)
    signed_by, sealed = manifest.signed_by(told), b""
    members = [pack.measured(MANIFEST, content), *manifest.members(told)]
    if signed_by is not None:
        sealed = seal(stream, members, signature.written(content, signed_by, bytes(signature.SIZE)), found)
        members.append(pack.measured(ENVELOPE, signature.written(content, signed_by, sealed)))
    differing, sha256 = collation.collated(stream, members)
    done = list(inventory.faults(stream, found, members)) if found and differing else None
    items = [*member_items(members, explained(differing, done))]
    items.append(signature_item(signed_by, sealed, content, key))
    return Report(file, sha256, items, told)


def member_items(members: Sequence[Member], wrong: Mapping[str, Sequence[str]]) -> Iterator[Item]:
    """An answer for each member, those that are wrong first."""
    yield from (Item(name, WRONG, "; ".join(why)) for name, why in wrong.items())
    yield from (Item(member.name, OK) for member in members if member.name not in wrong)


def without_manifest(found: Sequence[Entry]) -> Sequence[Item]:
    """The answers where the manifest is gone or damaged: nothing else can be told."""
    is_there = any(entry.name == MANIFEST for entry in found) or not found
    why = "its content was altered: it fits none of its checksums" if is_there else "is missing"
    return [Item(MANIFEST, WRONG, f"{why}; without it nothing else can be checked"), *unchecked(found)]


def unchecked(found: Sequence[Entry]) -> Iterator[Item]:
    yield from (Item(shown(entry.name), UNCHECKED) for entry in found if entry.name != MANIFEST)


def seal(stream: BinaryIO, members: Sequence[Member], unsigned: bytes, found: Sequence[Entry]) -> bytes:
    """The signature in the envelope: that stands where the directory says, else behind the last member."""
    before = sum(piece.size for piece in layout.pieces(members) if piece.what in ("header", "content"))
    listed = (entry.position for entry in found if entry.name == ENVELOPE and not entry.oddity)
    place = next(listed, before + inventory.HEADER + len(ENVELOPE))
    return signature.signature_in(manifest.read(stream, place, len(unsigned)))


def explained(differing: Sequence[Difference], done: Sequence[Fault] | None) -> Mapping[str, Sequence[str]]:
    """What is wrong with each member: what was done to it, and which of its bytes differ.

    Where contents differ in their place that the directory finds whole elsewhere, something was put in, taken
    out or moved. Then only what was done is told, and from where on nothing stands in its place. Without a
    directory (``None``) nobody knows what was done.
    """
    displaced = {difference.name for difference in differing if difference.is_content}
    is_moved = done is not None and not displaced <= {fault.name for fault in done}
    wrong: dict[str, list[str]] = {}
    for fault in done or ():
        if is_moved or not fault.is_content or fault.name in displaced:
            wrong.setdefault(shown(fault.name), []).append(fault.told)
    if is_moved:
        return {**wrong, STRUCTURE: [f"{MOVED} {differing[0].place} on"]}
    return {**wrong, **in_place(differing, wrong, is_known=done is not None)}


def in_place(
    differing: Sequence[Difference], done: Mapping[str, Sequence[str]], is_known: bool
) -> Mapping[str, Sequence[str]]:
    """Which bytes of each member differ, behind what was done to it where that is known."""
    wrong = {name: list(told) for name, told in done.items()}
    for difference in differing:
        if not (difference.is_content and difference.name in done):
            wrong.setdefault(difference.name, []).append(difference.told)
    if is_known and ENVELOPE in wrong.keys() - done.keys():  # its checksum is known from itself alone
        wrong[ENVELOPE] = [ALTERED]
    return wrong


def shown(name: str) -> str:
    """A name from a foreign file, harmless on a terminal."""
    return name if layout.is_safe(name) else repr(name)


def signature_item(
    signed_by: str | None, sealed: bytes, content: bytes, key: "Ed25519PublicKey | None"
) -> Item:
    """Who signed the manifest, as far as it can be told."""
    if key is None:
        by = UNSIGNED if signed_by is None else f"signed with key {signed_by}; --public-key FILE checks it"
        return Item(SIGNATURE, UNCHECKED, by)
    own = signature.key_id(key)
    if signed_by is None:
        return Item(SIGNATURE, WRONG, "the pack isn't signed")
    if signed_by != own:
        return Item(SIGNATURE, WRONG, f"signed with another key: {signed_by}; yours is {own}")
    if not signature.is_good(sealed, content, key):
        return Item(SIGNATURE, WRONG, f"key {own} didn't sign this manifest")
    return Item(SIGNATURE, OK, f"signed with key {own}")
