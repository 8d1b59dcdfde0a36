"""Messages that only one browser can read (RFC 8291: Web Push on RFC 8188, `aes128gcm`, in one record)."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["LONGEST", "BadKey", "base64url", "from_base64url", "point_of", "public_key", "seal", "secret_of"]

RECORD = 4096
"""The size of a record, and what every push service takes at least (RFC 8030, section 7.2)."""
LONGEST = 3_000
"""Bytes of a message before it is sealed: with its head, padding and tag it stays below a record."""
_POINT, _SECRET = 65, 16


class BadKey(ValueError):
    """A key that a browser cannot have; the message is the end of a sentence."""


def base64url(data: bytes) -> str:
    """Returns bytes in base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Returns the bytes of a text in base64url, with or without padding.

    Raises:
        BadKey: it is none.
    """
    try:
        return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except ValueError:
        raise BadKey("is not base64url") from None


def public_key(text: str) -> ec.EllipticCurvePublicKey:
    """Returns the public key of a browser, an uncompressed point of P-256 in base64url.

    Raises:
        BadKey: it is none.
    """
    data = from_base64url(text)
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data if len(data) == _POINT else b"")
    except ValueError:
        raise BadKey("is not an uncompressed point of P-256") from None


def secret_of(text: str) -> bytes:
    """Returns the secret that a browser shares, of a text in base64url.

    Raises:
        BadKey: it is none.
    """
    secret = from_base64url(text)
    if len(secret) != _SECRET:
        raise BadKey(f"has {len(secret)} bytes, not {_SECRET}")
    return secret


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """Returns a public key as an uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def seal(message: bytes, p256dh: str, auth: str, ours: ec.EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """Returns a message as the body of a request to a push service.

    Args:
        message: at most `LONGEST` bytes.
        p256dh: the browser's public key, in base64url.
        auth: the secret that the browser shares, in base64url.
        ours: a key that is used for this message alone.
        salt: 16 random bytes.

    Raises:
        BadKey: the browser's key or secret is none.
    """
    theirs, secret = public_key(p256dh), secret_of(auth)
    sender = point_of(ours.public_key())
    shared = ours.exchange(ec.ECDH(), theirs)
    key = _derived(shared, secret, b"WebPush: info\0" + point_of(theirs) + sender, 32)
    cipher = AESGCM(_derived(key, salt, b"Content-Encoding: aes128gcm\0", 16))
    nonce = _derived(key, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + struct.pack("!IB", RECORD, len(sender)) + sender
    return head + cipher.encrypt(nonce, message + b"\x02", None)


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)
