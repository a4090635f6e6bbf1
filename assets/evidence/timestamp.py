"""Checks an RFC 3161 time stamp over a whole pack: that the file was there, byte for byte, at that moment.

A stamp is made after the pack, by an authority that sees only the file's hash, and lies beside it. openssl
checks it, without a network: libraries for it refuse stamps whose certificates stand in another order than
theirs, as those of authorities that run on openssl do.
"""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from assets.evidence.check import OK, WRONG, Item
from schemas.faults import InputError

NAME = "(time stamp)"
STAMPED = re.compile(r"^Time stamp: (\w{3} +\d+ [\d:]+)(?:\.\d+)? (\d{4}) GMT$", re.MULTILINE)


def item(sha256: str, token: Path, authority: Path) -> Item:
    """What the stamp says of a file with this hash; ``authority`` holds the certificates to trust, in PEM.

    A certificate counts when it was valid at the moment of the stamp, though it may have run out since.
    """
    for path in (token, authority):
        if not path.is_file():
            raise InputError(f"{path}: there is no such file.")
    moment = stamped_at(token)
    if moment is None:
        return Item(NAME, WRONG, f"{token.name}: isn't a time stamp (RFC 3161), or it was altered")
    trusted = ["-CAfile", str(authority), "-attime", f"{moment.timestamp():.0f}"]
    checked = openssl("-verify", "-digest", sha256, "-in", str(token), *trusted)
    if checked.returncode:
        return Item(NAME, WRONG, f"{token.name}: {reason(checked.stderr)}")
    return Item(NAME, OK, f"the file was as it is at {moment:%Y-%m-%dT%H:%M:%SZ}")


def stamped_at(token: Path) -> datetime | None:
    """The moment that a stamp names, believed or not; None where it is no stamp."""
    named = STAMPED.search(openssl("-reply", "-in", str(token), "-text").stdout)
    if named is None:
        return None
    return datetime.strptime(" ".join(named.groups()), "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)


def reason(told: str) -> str:
    """Why openssl doesn't believe a stamp, in words."""
    if "message imprint mismatch" in told:
        return "stamps another file, or this one was altered since"
    why = re.findall(r"Verify error:(.+)", told) or re.findall(r"routines:[^:]*:([^:]+):", told)
    return f"isn't trusted: {', '.join(dict.fromkeys(why)) or 'openssl refuses it'}"


def openssl(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """What openssl answers about time stamps."""
    program = shutil.which("openssl")
    if program is None:
        raise InputError("checking a time stamp takes openssl, which isn't installed. Without: leave it out.")
    return subprocess.run(
        [program, "ts", *arguments], capture_output=True, text=True, errors="replace", check=False
    )
