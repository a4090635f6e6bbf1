"""Small evidence packs for tests, and what somebody may do to one.

Here: packs and alterations. Not here: what must be found (the tests).
"""

import io
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from assets.evidence import layout, manifest, pack
from assets.evidence.collation import STRUCTURE
from assets.evidence.pack import ENVELOPE, MANIFEST, Evidence

FILES: Mapping[str, bytes] = {
    "summary.json": b'{"status": "differences", "unexplained": "0.00"}\n',
    "tie_outs.parquet": b"PAR1" + bytes(range(200)) + b"PAR1",
    "differences.parquet": b"PAR1" + bytes(reversed(range(200))) + b"PAR1",
    "report.html": "<html>é</html>".encode() * 20,
    "empty.txt": b"",
}
CLAIMS = {"company": "Northwind", "as_of": "2026-12-31", "status": "differences"}


def made(folder: Path, sign_key: Path | None = None, files: Mapping[str, bytes] = FILES) -> Path:
    """The pack of a small run in a folder of its own."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return pack.write(
        Evidence(CLAIMS, {"config.json": b"{}\n", "rules/causes.csv": b"cause\n"}, sign_key), folder
    )


def contents(packed: bytes) -> dict[str, bytes]:
    """The members by name, in their order."""
    with zipfile.ZipFile(io.BytesIO(packed)) as found:
        return {name: found.read(name) for name in found.namelist()}


def canonical(members: Mapping[str, bytes]) -> bytes:
    """A pack of these members with every header as it has to be, whatever the manifest says of them."""
    measured = [pack.measured(name, content) for name, content in members.items()]
    return b"".join(pack.laid_out(members, measured))


def zipped(members: Mapping[str, bytes]) -> bytes:
    """The same as any zip tool writes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


def private_key(path: Path, password: bytes | None = None) -> Path:
    """A new key to sign with, readable by its owner alone."""
    locked = BestAvailableEncryption(password) if password else NoEncryption()
    content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def public_key(private: Path) -> Path:
    """The key to check with, beside the one to sign with."""
    key = load_pem_private_key(private.read_bytes(), None).public_key()
    path = private.with_suffix(".pub.pem")
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


def no_key(path: Path) -> Path:
    path.touch(mode=0o600)
    path.write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n")
    return path


class Altered(NamedTuple):
    """An altered pack: what was done, and the member that has to be named; blank: any."""

    done: str
    content: bytes
    named: str


def alterations(packed: bytes, seed: int, count: int) -> Iterator[Altered]:
    """So many alterations of a pack, each of another kind or at another place."""
    chance = random.Random(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        yield kind(packed, chance)


def owner(packed: bytes, position: int) -> str:
    """Whose byte it is: a member's, with its header and its directory entry, or nobody's."""
    told = contents(packed)
    end = 0
    for piece in layout.pieces([pack.measured(name, content) for name, content in told.items()]):
        end += piece.size
        if position < end:
            return STRUCTURE if piece.about is None else piece.about.name
    return STRUCTURE


def bit_flipped(packed: bytes, chance: random.Random) -> Altered:
    place, bit = chance.randrange(len(packed)), chance.randrange(8)
    content = bytearray(packed)
    content[place] ^= 1 << bit
    return Altered(f"bit {bit} of byte {place}", bytes(content), owner(packed, place))


def cut_off(packed: bytes, chance: random.Random) -> Altered:
    place = chance.randrange(manifest.FIRST_CONTENT, len(packed))
    return Altered(f"cut off at {place}", packed[:place], owner(packed, place))


def appended(packed: bytes, chance: random.Random) -> Altered:
    return Altered("appended", packed + chance.randbytes(chance.randint(1, 99)), STRUCTURE)


def prepended(packed: bytes, chance: random.Random) -> Altered:
    return Altered("prepended", chance.randbytes(chance.randint(1, 99)) + packed, STRUCTURE)


def inserted(packed: bytes, chance: random.Random) -> Altered:
    place = chance.randrange(manifest.FIRST_CONTENT, len(packed))
    content = packed[:place] + chance.randbytes(1) + packed[place:]
    return Altered(f"a byte put in at {place}", content, "")


def removed(packed: bytes, chance: random.Random) -> Altered:
    place = chance.randrange(manifest.FIRST_CONTENT, len(packed))
    return Altered(f"byte {place} taken out", packed[:place] + packed[place + 1 :], "")


def by_tool(
    change: Callable[[dict[str, bytes], random.Random], str],
) -> Callable[[bytes, random.Random], Altered]:
    """An alteration of the members, the headers made to fit, by a common tool or as tieout writes them."""

    def alteration(packed: bytes, chance: random.Random) -> Altered:
        members = contents(packed)
        named = change(members, chance)
        write = chance.choice([canonical, zipped])
        return Altered(f"{change.__name__} {named} ({write.__name__})", write(members), named)

    return alteration


def any_of(members: Mapping[str, bytes], chance: random.Random) -> str:
    return chance.choice(sorted(name for name in members if members[name]))


def dropped(members: dict[str, bytes], chance: random.Random) -> str:
    name = any_of(members, chance)
    del members[name]
    return name


def renamed(members: dict[str, bytes], chance: random.Random) -> str:
    name = any_of(members, chance)
    kept = {(f"{name}.bak" if each == name else each): content for each, content in members.items()}
    members.clear()
    members.update(kept)
    return name


def swapped(members: dict[str, bytes], chance: random.Random) -> str:
    one, other = chance.sample(sorted(members.keys() - {MANIFEST, ENVELOPE, "empty.txt"}), 2)
    members[one], members[other] = members[other], members[one]
    return one


def replaced(members: dict[str, bytes], chance: random.Random) -> str:
    name = any_of(members, chance)
    members[name] = members[name][:-1] + bytes([members[name][-1] ^ 1])
    return name


def lengthened(members: dict[str, bytes], chance: random.Random) -> str:
    name = any_of(members, chance)
    members[name] += b" "
    return name


def added(members: dict[str, bytes], chance: random.Random) -> str:
    name = f"added-{chance.randrange(1000)}.csv"
    members[name] = chance.randbytes(9)
    return name


def copied(members: dict[str, bytes], chance: random.Random) -> str:
    name = any_of(members, chance)
    members["copy.bin"] = members[name]
    return "copy.bin"


def moved(members: dict[str, bytes], chance: random.Random) -> str:
    """A member goes to the end: from where it was, nothing stands in its place."""
    name = chance.choice(sorted(members.keys() - {MANIFEST, ENVELOPE, "empty.txt"}))
    members[name] = members.pop(name)
    return STRUCTURE


def twice(packed: bytes, chance: random.Random) -> Altered:
    """A member that stands there a second time, with another content, as an appending tool leaves it."""
    file = io.BytesIO(packed)
    name = any_of(contents(packed), chance)
    with zipfile.ZipFile(file, "a") as found:
        found.writestr(name, b"another content")
    return Altered(f"{name} twice", file.getvalue(), name)


KINDS: tuple[Callable[[bytes, random.Random], Altered], ...] = (
    bit_flipped, bit_flipped, bit_flipped, bit_flipped, bit_flipped, bit_flipped, bit_flipped, cut_off,
    appended, prepended, inserted, removed, twice,
    *map(by_tool, (dropped, renamed, swapped, replaced, lengthened, added, copied, moved)),
)  # fmt: skip
