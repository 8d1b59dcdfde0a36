"""What a session over TLS trusts, and how it proves who it is."""

import os
import ssl
from dataclasses import dataclass, field

__all__ = ["Tls"]


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificates and a key, as PEM texts. Its own text shows no key.

    `ca`: the certificates to trust instead of the system's. `certificate`, `key`: this client's own.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = field(default=None, repr=False)

    def context(self) -> ssl.SSLContext:
        """Returns a new context of a client.

        Raises:
            ValueError: a text is not a certificate or a key, or the key is another certificate's.
        """
        try:
            context = ssl.create_default_context(cadata=self.ca)
            if self.certificate is not None and self.key is not None:
                _load(context, f"{self.key}\n{self.certificate}\n")
        except ssl.SSLError as problem:
            raise ValueError(f"the certificates for the broker cannot be used: {problem.reason or problem}") from None
        return context


def _load(context: ssl.SSLContext, chain: str) -> None:
    """Load a key and its certificate. OpenSSL reads them from a file only: this one is in memory, not on a disk."""
    descriptor = os.memfd_create("siaga-key")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(chain.encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
