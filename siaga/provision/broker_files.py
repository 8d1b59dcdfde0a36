"""The directory of the broker's files (`SIAGA_BROKER_DIR`), changed as one thing.

| file | holds |
| --- | --- |
| `passwords` | names and hashed passwords |
| `acl` | topics by name; a village is admitted while it has lines here |
| `ca.crt`, `ca.crl`, `authority/authority.key` | siaga's own certificate authority, if there is one |
| `server.crt`, `server.key` | the broker's certificate, of that authority or of another |
| `certificates/VILLAGE.crt` | the current certificate of a village's gateway |
| `2.0/siaga.conf`, `2.1/siaga.conf` | lines for mosquitto.conf, by the broker's version |

Each file is read back and checked before it replaces the earlier one. Nothing here reloads the broker: what does so
watches these files (`deploy/`).
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from siaga.provision.access import SERVICES, read_access, write_access
from siaga.provision.broker_config import DIALECTS, Login, broker_config
from siaga.provision.certificates import Authority, Issued
from siaga.provision.damaged import DamagedFile
from siaga.provision.passwords import hash_password, matches, new_password, read_passwords, write_passwords
from siaga.provision.whole_file import Keeper, write_whole
from siaga.wire.topics import is_village_code

__all__ = ["BrokerFiles", "Credential", "CredentialExists", "NoCredential"]

AUTHORITY_NAME = "siaga broker"
AUTHORITY_KEY = "authority/authority.key"
"""In a directory of its own, which a container of the broker is not shown."""
MAX_BYTES = 64 << 20
"""Bytes of a file that is read, at most; 84,000 villages have an access file of 40 MB."""


class CredentialExists(ValueError):
    """The village has a credential already. The message is a sentence."""


class NoCredential(ValueError):
    """The village has no credential. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class Credential:
    """How a village's gateway logs in: a password, or a certificate. Its text shows no secret."""

    village: str
    password: str | None = field(default=None, repr=False)
    certificate: Issued | None = field(default=None, repr=False)


class BrokerFiles:
    """The broker's files. Several processes may change them; one waits for the other.

    Args:
        port: the port of the listener for gateways.
        tls: whether that listener speaks TLS.
    """

    def __init__(self, directory: Path, login: Login, *, port: int, tls: bool) -> None:
        self.directory = directory.absolute()
        self.login = login
        self._port, self._tls = port, tls

    def issue(self, village: str, now: datetime, *, rotate: bool) -> Credential:
        """Make a credential for a village's gateway. With `rotate` it replaces the earlier one, which ends.

        Raises:
            CredentialExists: it has one, and `rotate` is not set: only its hash is known.
            DamagedFile: a file of the broker is not what it should be; nothing was changed.
        """
        with self._locked():
            passwords, access = self._passwords(), self._access()
            if village in access and not rotate:
                raise CredentialExists(
                    f"{village} has a credential, which is stored as a hash only: --rotate makes a new one and ends "
                    "that one, --revoke ends it"
                )
            issued: Issued | None = None
            password: str | None = None
            if self.login is Login.CERTIFICATE:
                issued = self._certify(village, now)
                passwords.pop(village, None)
            else:
                password = new_password()
                passwords[village] = hash_password(password)
                self._end_certificate(village, now)
            access[village] = []
            self._write_access(access)
            self._write_passwords(passwords, {} if password is None else {village: password})
            self._write_config()
        return Credential(village, password, issued)

    def revoke(self, village: str, now: datetime) -> None:
        """End a village's credential.

        Raises:
            NoCredential: it has none.
            DamagedFile: a file of the broker is not what it should be; nothing was changed.
        """
        with self._locked():
            passwords, access = self._passwords(), self._access()
            certified = self._text(f"certificates/{village}.crt") is not None  # also where a try before ended half way
            if village not in access and village not in passwords and not certified:
                raise NoCredential(f"{village} has no credential in {self.directory}: there is nothing to revoke")
            self._end_certificate(village, now)
            passwords.pop(village, None)
            access.pop(village, None)
            self._write_passwords(passwords, {})
            self._write_access(access)

    def villages(self) -> list[str]:
        """Returns the villages that have a credential.

        Raises:
            DamagedFile: the access file is not what it should be.
        """
        return sorted(name for name in self._access() if is_village_code(name))

    def set_up(self, host: str, services: Mapping[str, str], now: datetime, *, renew: bool = False) -> list[str]:
        """Make what the broker needs to start. What is there already stays, but for the passwords of services.

        Args:
            host: the name or address under which gateways reach the broker.
            services: passwords by service.
            renew: make a new certificate for the broker, if it is one of siaga's own authority.

        Returns:
            A sentence for each thing that was made.

        Raises:
            DamagedFile: a file of the broker is not what it should be.
        """
        with self._locked():
            made: list[str] = []
            if (self._tls and self._text("server.crt") is None) or renew or self.login is Login.CERTIFICATE:
                made += self._certify_server(host, now, renew=renew)
            passwords, access = self._passwords(), self._access()
            for name, password in services.items():
                if not matches(password, passwords.get(name, "")):
                    passwords[name] = hash_password(password)
                    made.append(f"{name} has its password")
            self._write_access(access)
            self._write_passwords(passwords, services)
            self._write_config()
        return made

    def trust(self) -> str | None:
        """Returns the certificate that a gateway has to trust; `None` if the broker's is of a public authority."""
        server, authority = self._text("server.crt"), self._text("ca.crt")
        if server is None or authority is None:
            return None
        return authority if self._authority().issued(server) else None

    # Certificates

    def _certify_server(self, host: str, now: datetime, *, renew: bool) -> list[str]:
        made = []
        if self._text("ca.crt") is None:
            authority = Authority.new(AUTHORITY_NAME, now)
            stored = authority.stored
            (self.directory / AUTHORITY_KEY).parent.mkdir(exist_ok=True, mode=0o700)
            own = Keeper(os.geteuid(), os.getegid(), 0o600)
            write_whole(self.directory / AUTHORITY_KEY, stored.key.encode(), own)
            self._write("ca.crt", stored.certificate, public=True)
            made.append(f"{self.directory / 'ca.crt'}: the certificate authority of this broker")
        authority = self._authority()
        if self._text("ca.crl") is None:
            self._write("ca.crl", authority.revoked(None, [], now), public=True)
        server = self._text("server.crt")
        if server is None or (renew and authority.issued(server)):
            issued = authority.server(host, now)
            self._write("server.key", issued.key)
            self._write("server.crt", issued.certificate, public=True)
            made.append(f"{self.directory / 'server.crt'}: the broker's certificate for {host}")
        return made

    def _certify(self, village: str, now: datetime) -> Issued:
        if self._text("ca.crt") is None:
            raise DamagedFile(f"{self.directory}: has no certificate authority: run `siaga broker setup` first")
        self._end_certificate(village, now)
        issued = self._authority().client(village, now)
        (self.directory / "certificates").mkdir(exist_ok=True, mode=0o755)
        self._write(f"certificates/{village}.crt", issued.certificate, public=True)
        return issued

    def _end_certificate(self, village: str, now: datetime) -> None:
        certificate = self._text(f"certificates/{village}.crt")
        if certificate is None:
            return
        self._write("ca.crl", self._authority().revoked(self._text("ca.crl"), [certificate], now), public=True)
        (self.directory / f"certificates/{village}.crt").unlink()

    def _authority(self) -> Authority:
        certificate, key = self._text("ca.crt"), self._text(AUTHORITY_KEY)
        if certificate is None or key is None:
            raise DamagedFile(f"{self.directory}: ca.crt and {AUTHORITY_KEY} belong together, and one is missing")
        return Authority.read(certificate, key, str(self.directory / "ca.crt"))

    # Files

    def _passwords(self) -> dict[str, str]:
        return read_passwords(self._text("passwords") or "", str(self.directory / "passwords"))

    def _access(self) -> dict[str, list[str]]:
        return read_access(self._text("acl") or "", str(self.directory / "acl"))

    def _write_passwords(self, hashes: Mapping[str, str], plain: Mapping[str, str]) -> None:
        text = write_passwords(hashes)
        found = read_passwords(text, "passwords")
        if found != hashes or not all(matches(password, found[name]) for name, password in plain.items()):
            raise DamagedFile("passwords: what was to be written does not say what it should")
        self._write("passwords", text)

    def _write_access(self, users: Mapping[str, list[str]]) -> None:
        villages = {name for name in users if is_village_code(name)}
        text = write_access(villages, users)
        if set(read_access(text, "acl")) != set(users) | set(SERVICES):
            raise DamagedFile("acl: what was to be written does not say what it should")
        self._write("acl", text)

    def _write_config(self) -> None:
        for dialect in DIALECTS:
            (self.directory / dialect).mkdir(exist_ok=True, mode=0o755)
            text = broker_config(dialect, self.directory, self.login, port=self._port, tls=self._tls)
            self._write(f"{dialect}/siaga.conf", text, public=True)

    def _text(self, name: str) -> str | None:
        try:
            with (self.directory / name).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        if len(content) > MAX_BYTES:
            raise DamagedFile(f"{self.directory / name}: is larger than {MAX_BYTES >> 20} MB")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise DamagedFile(f"{self.directory / name}: is not a text in UTF-8") from None

    def _write(self, name: str, text: str, *, public: bool = False) -> None:
        """Replace a file, unless it says the same already."""
        if self._text(name) == text:
            return
        path = self.directory / name
        keeper = Keeper.of(self.directory / Path(name).name)  # in a sub-directory too: the broker's
        write_whole(path, text.encode(), Keeper(keeper.user, keeper.group, 0o644) if public else keeper)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        with (self.directory / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in self.directory.glob(".*.????????????"):  # of a process that was killed
                left.unlink(missing_ok=True)
            yield
