"""Addresses of brokers, read from the URLs of the settings. No text of them contains the password."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

__all__ = ["BrokerAddress"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}
"""IANA's ports for MQTT and for MQTT over TLS."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker's host, port and credentials. Its text shows neither user nor password."""

    host: str
    port: int
    tls: bool = False
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "BrokerAddress":
        """Read `mqtt://host:port` or `mqtts://user:password@host:port`; the default port is 1883 or 8883.

        Raises:
            ValueError: it is no such URL; the sentence does not repeat it, as it may hold a password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("the broker's URL cannot be read; write mqtt://host:port or mqtts://host:port") from None
        if parts.scheme not in _PORTS:
            raise ValueError(f"the broker's URL begins with {parts.scheme!r}; write mqtt:// or mqtts:// (TLS)")
        if not parts.hostname:
            raise ValueError("the broker's URL names no host; write mqtt://host:port")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password is not None else None,
        )

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"
