"""Parses the store URL of an InfluxDB."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

__all__ = ["InfluxAddress"]

_FORMS = (
    "influxdb://:TOKEN@HOST:8086/ORG/BUCKET or influxdb://USER:PASSWORD@HOST:8086/-/DATABASE (influxdbs:// for TLS)"
)


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """The parts of a store URL. `org` is `None` for `-`, a database of InfluxDB 1. The repr shows no secret."""

    base: str
    database: str
    org: str | None = None
    user: str | None = None
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, url: str) -> "InfluxAddress":
        """Returns the parts of `influxdb://…` or `influxdbs://…`, in which special characters are percent-encoded.

        Raises:
            ValueError: it has another form. The sentence does not repeat the URL, which may contain a password.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or 8086
        except ValueError:  # its message may repeat part of an unencoded password
            raise ValueError(
                f"the store URL cannot be read: expected {_FORMS}; in a name, password or token, what is no letter or "
                "digit is written %2F and the like"
            ) from None
        path = [unquote(part) for part in parts.path.strip("/").split("/")]
        if not host or len(path) != 2 or not all(path):
            raise ValueError(f"the store URL lacks a host, or ORG/BUCKET or -/DATABASE at its end: expected {_FORMS}")
        if path[0] != "-" and not parts.password:
            raise ValueError(f"the store URL names an organisation and a bucket but no token: expected {_FORMS}")
        scheme = "https" if parts.scheme == "influxdbs" else "http"
        return cls(
            base=f"{scheme}://{_host_of(parts)}:{port}",
            database=path[1],
            org=None if path[0] == "-" else path[0],
            user=unquote(parts.username) if parts.username else None,
            secret=unquote(parts.password) if parts.password else None,
        )

    @property
    def by_token(self) -> bool:
        """Whether the secret is a token. Otherwise it is a user's password, or there is none."""
        return self.user is None and self.secret is not None


def _host_of(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host
