"""Checks an RFC 3161 time stamp over a whole pack: that the file was there, byte for byte, at that moment.

A stamp is made after the pack, by an authority that sees only the file's hash, and lies beside it; making one
takes openssl and a network, checking it takes neither.
"""

import re
from pathlib import Path

from assets.evidence.check import OK, WRONG, Item
from schemas.faults import InputError

NAME = "(time stamp)"


def item(sha256: str, token: Path, authority: Path) -> Item:
    """What the stamp says of a file with this hash; ``authority`` holds the certificates to trust."""
    from cryptography.x509 import load_pem_x509_certificates
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        stamp = decode_timestamp_response(_read(token))
    except ValueError:
        return Item(NAME, WRONG, f"{token.name}: isn't a time stamp (RFC 3161), or it was altered")
    try:
        trusted = load_pem_x509_certificates(_read(authority))
    except ValueError:
        raise InputError(f"{authority}: holds no certificate in PEM.") from None
    try:
        VerifierBuilder(roots=trusted).build().verify(stamp, bytes.fromhex(sha256))
    except (VerificationError, ValueError) as fault:
        return Item(NAME, WRONG, f"{token.name}: {_reason(str(fault))}")
    moment = stamp.tst_info.gen_time.isoformat().replace("+00:00", "Z")
    return Item(NAME, OK, f"the file was as it is at {moment}")


def _reason(fault: str) -> str:
    if "Mismatch between messages" in fault:
        return "stamps another file, or this one was altered since; only SHA-256 is read"
    return f"isn't trusted: {re.sub(r'[^ -~]+', ' ', fault)}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise InputError(f"{path}: can't be read: {fault.strerror}.") from None
