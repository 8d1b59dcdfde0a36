"""How a push service knows this siaga: a token that is signed with a key of its own (RFC 8292, VAPID)."""

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from api.notifications.web_push.seal import base64url, from_base64url, point_of
from siaga.model.clock import HOUR, SECOND

__all__ = ["HOLDS", "Vapid"]

HOLDS = 12 * HOUR
"""How long a token is valid; push services refuse more than 24 hours."""


class Vapid:
    """A key. `contact`: where its owner is reached, an `https:` or `mailto:` address, if there is one."""

    def __init__(self, private: str, contact: str | None = None) -> None:
        number = int.from_bytes(from_base64url(private), "big")
        self._key = ec.derive_private_key(number, ec.SECP256R1())
        self._contact = contact

    @staticmethod
    def new_key() -> str:
        """Returns a new private key, in base64url."""
        number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        return base64url(number.to_bytes(32, "big"))

    @property
    def public(self) -> str:
        """The public key, as browsers take it: an uncompressed point in base64url."""
        return base64url(point_of(self._key.public_key()))

    def header(self, origin: str, now: int) -> str:
        """Returns the `Authorization` for a push service. `origin`: such as `https://push.example`. `now`: ms."""
        claims: dict[str, object] = {"aud": origin, "exp": (now + HOLDS) // SECOND}
        if self._contact is not None:
            claims["sub"] = self._contact
        head = {"typ": "JWT", "alg": "ES256"}
        signed = ".".join(base64url(orjson.dumps(part)) for part in (head, claims))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"vapid t={signed}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}, k={self.public}"
