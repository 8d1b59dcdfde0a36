"""Random secrets: what links and cookies carry. The database holds their digests alone."""

import hashlib
import secrets

__all__ = ["digest", "new_secret"]


def new_secret() -> str:
    """Returns a new secret of 256 random bits, in characters that an address may hold.

    Nothing in it can be guessed, so one plain hash protects it as well as a slow one would.
    """
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Returns the SHA-256 of a secret, in hexadecimal; of any text from outside, too."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
