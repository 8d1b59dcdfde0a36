"""Passwords: hashed by Argon2id, and checked at the same cost whether there is somebody of that name or not."""

import unicodedata
from base64 import b64encode
from secrets import token_bytes

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

__all__ = ["LONGEST", "Passwords"]

LONGEST = 200
"""Characters of a password: more would only cost time."""


class Passwords:
    """Hashes passwords and compares them. Safe to use from several threads.

    Its cost is the second choice of RFC 9106, section 4: 64 MiB, three passes, four lanes. A Raspberry Pi 5 has four
    cores and 4 GB or more. OWASP's cheat sheet for stored passwords asks for 19 MiB and two passes at least. Each call
    takes those 64 MiB for a tenth of a second, so the caller lets few run at once.
    """

    def __init__(self, cost: Parameters = RFC_9106_LOW_MEMORY) -> None:
        self._hasher = PasswordHasher.from_parameters(cost)
        self._nobodys = _nobodys(cost)

    def hash(self, password: str) -> str:
        """Returns the hash of a password in PHC form, with its salt and its cost."""
        return self._hasher.hash(_one_form(password))

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether a password is the one of a stored hash. Without one it is compared with nobody's, and is wrong."""
        try:
            self._hasher.verify(self._nobodys if stored is None else stored, _one_form(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether a stored hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(stored)


def _nobodys(cost: Parameters) -> str:
    """Returns a hash at a cost that no password has: random bytes. To make one of a password would take that cost."""
    salt, hashed = (b64encode(token_bytes(length)).rstrip(b"=").decode() for length in (cost.salt_len, cost.hash_len))
    costs = f"m={cost.memory_cost},t={cost.time_cost},p={cost.parallelism}"
    return f"$argon2id$v={cost.version}${costs}${salt}${hashed}"


def _one_form(password: str) -> bytes:
    """Returns the bytes of a password, the same however a keyboard composes its characters (NIST SP 800-63B: NFKC)."""
    return unicodedata.normalize("NFKC", password[:LONGEST]).encode("utf-8", "surrogatepass")
