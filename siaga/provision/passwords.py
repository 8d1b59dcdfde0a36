"""Mosquitto's password file: `NAME:$7$ITERATIONS$SALT$HASH`, PBKDF2 with SHA-512. Mosquitto 2.0 and 2.1 read it."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

from siaga.provision.damaged import DamagedFile

__all__ = ["hash_password", "matches", "new_password", "read_passwords", "write_passwords"]

ITERATIONS = 101
"""Mosquitto 2.0's own number. More would protect nothing, as every password has 256 random bits; and at a reload
Mosquitto hashes the password of each connected client once more, in its only thread."""
SALT_BYTES = 12
"""Mosquitto 2.0 takes no other length."""
HASH_BYTES = 64

_HASH = re.compile(r"\$7\$([0-9]{1,9})\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*)", re.ASCII)
# What other programs wrote is left as it is: $6$ of Mosquitto 1.6, $argon2id$ of 2.1
_FOREIGN = re.compile(r"\$(6|argon2id)\$[!-~]+", re.ASCII)


def new_password() -> str:
    """Returns a password of 256 random bits, in letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(32)


def hash_password(password: str) -> str:
    """Returns the hash of a password with a new salt."""
    salt = secrets.token_bytes(SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS, HASH_BYTES)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def matches(password: str, hashed: str) -> bool:
    """Returns whether a hash of the form `$7$` is this password's."""
    found = _HASH.fullmatch(hashed)
    if found is None:
        return False
    try:
        salt, digest = (base64.b64decode(text, validate=True) for text in found.groups()[1:])
    except binascii.Error:
        return False
    again = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, int(found[1]), HASH_BYTES)
    return hmac.compare_digest(again, digest)


def read_passwords(text: str, filename: str) -> dict[str, str]:
    """Returns the hashes by user name.

    Raises:
        DamagedFile: a line is not one of a password file. Mosquitto 2.1 ends at a reload of such a file.
    """
    hashes: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, hashed = line.partition(":")
        if not colon or not name or name in hashes or not (_HASH.fullmatch(hashed) or _FOREIGN.fullmatch(hashed)):
            raise DamagedFile(
                f"{filename} line {number}: is not a name and a hashed password: mend it with mosquitto_passwd, or "
                "move the file away"
            )
        hashes[name] = hashed
    return hashes


def write_passwords(hashes: Mapping[str, str]) -> str:
    """Returns the text of a password file."""
    return "".join(f"{name}:{hashed}\n" for name, hashed in hashes.items())
