"""Signs a pack's manifest with the user's own Ed25519 key, and checks such a signature.

The envelope is DSSE, as in-toto attestations use it: https://github.com/secure-systems-lab/dsse. Keys are PEM
files that openssl makes; a private key is never copied, shown or written down, only its file is named.
"""

import base64
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.faults import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
PASSWORD = "TIEOUT_SIGN_PASSWORD"
SIZE = 64


def envelope(manifest: bytes, key: "Ed25519PrivateKey") -> bytes:
    """The manifest with the key's signature; the same key and manifest always give the same bytes."""
    return written(manifest, key_id(key.public_key()), key.sign(signed_bytes(manifest)))


def written(manifest: bytes, named: str, signature: bytes) -> bytes:
    """The envelope as the one text that it may be."""
    content = {
        "payload": base64.b64encode(manifest).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": named, "sig": base64.b64encode(signature).decode()}],
    }
    return (json.dumps(content, indent=2) + "\n").encode()


def signature_in(found: bytes) -> bytes:
    """The signature of an envelope; as many zeros where it can't be read."""
    try:
        return base64.b64decode(json.loads(found)["signatures"][0]["sig"], validate=True)
    except (ValueError, LookupError, TypeError, RecursionError):
        return bytes(SIZE)


def signed_bytes(manifest: bytes) -> bytes:
    """What is signed: the manifest with its kind and length before it (DSSE's PAE)."""
    return f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(manifest)} ".encode() + manifest


def is_good(signature: bytes, manifest: bytes, key: "Ed25519PublicKey") -> bool:
    """Whether the owner of the key signed these very bytes."""
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, signed_bytes(manifest))
    except InvalidSignature:
        return False
    return True


def key_id(key: "Ed25519PublicKey") -> str:
    """The SHA-256 of the public key, by which people tell each other which key it is."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def private_key(path: Path) -> "Ed25519PrivateKey":
    """The key to sign with, from a PEM file that nobody but its owner may read."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = _text(path)
    require_private(path)
    password = os.environ.get(PASSWORD)
    try:
        key = load_pem_private_key(text, None if password is None else password.encode())
    except TypeError:  # a password for a key that has none, or none for a key that has one
        remedy = f"unset {PASSWORD}" if password else f"put its password into the environment as {PASSWORD}"
        raise InputError(
            f"{path}: is {'not ' if password else ''}protected by a password; {remedy}."
        ) from None
    except ValueError:
        raise InputError(_no_key(path, "private")) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(_no_key(path, "private"))
    return key


def public_key(path: Path) -> "Ed25519PublicKey":
    """The key to check with, from a PEM file."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_text(path))
    except ValueError:
        raise InputError(_no_key(path, "public")) from None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(_no_key(path, "public"))
    return key


def require_private(path: Path) -> None:
    """Refuses a key that others can read: whoever reads it can sign in its owner's name."""
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{path}: others can read this private key. Make it yours alone: chmod 600 {path}")


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise InputError(f"{path}: the key can't be read: {fault.strerror}.") from None


def _no_key(path: Path, kind: str) -> str:
    make = {
        "private": "or its password is another. Make one: openssl genpkey -algorithm ed25519 -out key.pem",
        "public": "as it should be. Make one: openssl pkey -in key.pem -pubout -out key.pub.pem",
    }
    return f"{path}: isn't a {kind} Ed25519 key in PEM, {make[kind]}"
