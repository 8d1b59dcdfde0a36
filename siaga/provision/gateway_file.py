"""The one file that goes onto a gateway: broker, credential, and the village's part of the sites file.

It is YAML, so that people can read it. It holds a secret.
"""

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from siaga.model.sites import Village
from siaga.mqtt import BrokerAddress, Tls
from siaga.provision.damaged import DamagedFile
from siaga.sites.file import SitesFileError, read_document
from siaga.sites.writing import village_part

__all__ = ["GatewayFile", "read_gateway_file"]

VERSION = 1
"""A gateway refuses a file with a later one: it would not understand it."""
MAX_CHARACTERS = 4 << 20


@dataclass(frozen=True, slots=True)
class GatewayFile:
    """What a gateway needs to know. `made`: when, Unix seconds; `address`: the broker's URL without a credential."""

    made: int
    village: Village
    address: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls = field(default_factory=Tls)

    @property
    def host(self) -> str:
        """The broker's host name or address."""
        return BrokerAddress.parse(self.address).host

    @property
    def url(self) -> str:
        """The broker's URL with the credential."""
        if self.user is None or self.password is None:
            return self.address
        parts = urlsplit(self.address)
        credential = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"{parts.scheme}://{credential}@{parts.netloc}"

    def text(self) -> str:
        """Returns the file's text; `read_gateway_file` reads it back."""
        broker: dict[str, object] = {"address": self.address}
        given = {
            "user": self.user,
            "password": self.password,
            "ca": self.tls.ca,
            "certificate": self.tls.certificate,
            "key": self.tls.key,
        }
        broker |= {key: value for key, value in given.items() if value is not None}
        content = {"version": VERSION, "made": self.made, "broker": broker, "sites": village_part(self.village)}
        head = (
            f"# siaga gateway of {self.village.code}, for SIAGA_GATEWAY_FILE. It holds its secret: mode 0600,\n"
            "# and nowhere else. A new one: siaga gateway credentials --rotate\n"
        )
        return head + yaml.dump(content, Dumper=_Blocks, sort_keys=False, allow_unicode=True)


class _Blocks(yaml.SafeDumper):
    """Writes texts of several lines, such as certificates, as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Blocks.add_representer(str, _text)


class _Broker(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    address: str
    user: str | None = None
    password: str | None = None
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    version: int
    made: int = Field(ge=0)
    broker: _Broker
    sites: dict[str, object]


def read_gateway_file(text: str, filename: str) -> GatewayFile:
    """Returns what a gateway file says.

    Raises:
        DamagedFile: it is not such a file. The sentence shows no value, as it may be a secret.
    """
    if len(text) > MAX_CHARACTERS:
        raise DamagedFile(f"{filename}: is larger than a gateway file: {MAX_CHARACTERS >> 20} MB")
    try:
        file = _File.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError):
        raise DamagedFile(f"{filename}: is not YAML: copy the gateway's file again, whole") from None
    except ValidationError as problem:
        where = ".".join(str(part) for part in problem.errors()[0]["loc"]) or "the file"
        raise DamagedFile(
            f"{filename}: {where}: is not what `siaga gateway credentials` writes: copy its file again, whole"
        ) from None
    if file.version > VERSION:
        raise DamagedFile(f"{filename}: is of a newer siaga (version {file.version}): upgrade this gateway")
    try:
        BrokerAddress.parse(file.broker.address)
        villages = read_document(yaml.safe_dump(file.sites, allow_unicode=True), f"{filename}: sites").villages
    except SitesFileError as mistakes:
        raise DamagedFile(str(mistakes)) from None
    except ValueError as problem:
        raise DamagedFile(f"{filename}: broker.address: {problem}") from None
    if len(villages) != 1:
        raise DamagedFile(f"{filename}: sites: has {len(villages)} villages, and a gateway serves one")
    broker = file.broker
    tls = Tls(broker.ca, broker.certificate, broker.key)
    try:
        tls.context()
    except ValueError as problem:
        raise DamagedFile(f"{filename}: {problem}") from None
    return GatewayFile(file.made, villages[0], broker.address, broker.user, broker.password, tls)
