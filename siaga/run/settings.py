"""Settings: a flag wins over the environment (`SIAGA_…`), which wins over `siaga.toml`, which wins over the defaults.

A variable with `_FILE` behind its name names a file that holds the value, such as a secret that a container is given.

Addresses that may contain a password are stored so that no log or traceback shows them. Read them by the properties.
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from api.attestations.classes import BadClasses, Classes, parse_classes
from siaga.model.durations import NotADuration, format_duration, parse_duration
from siaga.mqtt.address import BrokerAddress
from siaga.mqtt.tls import Tls
from siaga.provision.broker_config import Login
from siaga.sites.poll_address import BadAddress, read_web
from siaga.telemetry import SHORTEST_KEPT
from siaga.telemetry.influx_address import InfluxAddress
from siaga.wire.topics import is_village_code

__all__ = ["DataDirUnusable", "Settings", "SettingsError", "load_settings"]

FILE = "siaga.toml"
"""The settings file, in the directory in which siaga is started."""
PREFIX = "SIAGA_"
IN_FILE = "_FILE"
"""The end of the name of a variable that names a file with the value."""
MAX_SECRET = 64 << 10
"""Bytes of such a file at most."""
NOBODY = "none"
"""The value of a list that is empty: an empty variable is one that is not set."""
INTERNET_URL = "http://connectivitycheck.gstatic.com/generate_204"
"""Most phones in a village use this check, so no captive portal treats it differently. A server of the district would
only show the way to the district. It must be plain HTTP, so that a captive portal can answer instead."""


class DataDirUnusable(OSError):
    """The data directory does not exist and cannot be created. The message is a sentence."""


class SettingsError(ValueError):
    """Settings are not valid. The message has a sentence per line, with the setting and, unless secret, its value."""


def _broker(url: SecretStr) -> SecretStr:
    BrokerAddress.parse(url.get_secret_value())
    return url


def _address(url: str) -> str:
    if BrokerAddress.parse(url).user is not None:
        raise ValueError("it must be the broker's address alone, without a name and a password")
    return url


def _store(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    scheme, _, rest = text.partition("://")
    if scheme in ("influxdb", "influxdbs"):
        InfluxAddress.read(text)
    elif scheme != "duckdb" or len(rest) < 2 or rest[0] != "/":
        raise ValueError("the store URL must be duckdb:///PATH, influxdb://… or influxdbs://…")
    return url


def _database(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("postgresql://", "postgres://", "sqlite:///")):
        raise ValueError("the database URL must be postgresql://USER:PASSWORD@HOST/NAME or sqlite:///PATH")
    return url


def _kept(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        kept = parse_duration(text)
    except NotADuration as problem:
        raise ValueError(f"it {problem}") from None
    if kept < SHORTEST_KEPT:
        raise ValueError(
            f"it must be {format_duration(SHORTEST_KEPT)} or more: a month's report is judged from readings"
        )
    return kept


def _answered(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return parse_duration(text)
    except NotADuration as problem:
        raise ValueError(f"it {problem}") from None


def _village(code: str) -> str:
    if not is_village_code(code):
        raise ValueError("it must be the code of a village such as 35.10.15.2012")
    return code


def _internet(url: str) -> str:
    if url != "off":
        try:
            read_web(url)
        except BadAddress as problem:
            raise ValueError(f"it {problem}; to ask nobody, write off") from None
    return url


def _heartbeat(url: SecretStr) -> SecretStr:
    try:
        read_web(url.get_secret_value())
    except BadAddress:
        raise ValueError("it must be a web address such as https://hc-ping.com/UUID") from None
    return url


def _public(url: str) -> str:
    found = _PUBLIC.fullmatch(url.lower())
    if found is None:
        raise ValueError("it must be where people reach the pages, without a path, such as https://siaga.example.go.id")
    return found[1]


def _proxies(text: str) -> str:
    for one in _listed(text):
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            raise ValueError(
                f"{one[:60]!r} must be an address or a network such as 10.0.0.0/24; several have commas between them"
            ) from None
    return text


def _classes(text: str) -> str:
    try:
        parse_classes(text)
    except BadClasses as problem:
        raise ValueError(f"it {problem}") from None
    return text


def _listed(text: str) -> list[str]:
    return [] if text == NOBODY else [one.strip() for one in text.split(",")]


_PUBLIC = re.compile(r"(https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?)/?")
"""Scheme, host and perhaps a port: the pages are at the top of their host."""
BrokerUrl = Annotated[SecretStr, AfterValidator(_broker)]
Port = Annotated[int, Field(ge=0, le=65_535)]
SnmpPassword = Annotated[SecretStr, Field(min_length=8)]
"""At least 8 characters (RFC 3414, section 11.2)."""


class Settings(BaseSettings):
    """All settings of all services (contract, section 6). `None` means the embedded default, or none."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        toml_file=FILE,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    data_dir: Path = Path("data")
    sites: Path | None = None
    notify: Path | None = None
    report_form: Path | None = None
    schedules: Path | None = None
    guidance: Path | None = None
    form_languages: Path | None = None
    outline: Path | None = None
    new_database: bool = False
    partitions: Annotated[int, Field(ge=1, le=64)] = 1
    collector_processes: Annotated[int, Field(ge=1, le=64)] = 1
    keep_telemetry: Annotated[int, BeforeValidator(_kept)] | None = None
    self_probe: bool = True
    verbose: bool = False
    heartbeat_url: Annotated[SecretStr, AfterValidator(_heartbeat)] | None = None
    backup_dir: Path | None = None
    backup_at: time = time(2, 30)
    backup_keep: Annotated[int, Field(ge=1, le=10_000)] = 14
    mqtt_url: BrokerUrl | None = None
    village_mqtt_url: BrokerUrl | None = None
    village: Annotated[str, AfterValidator(_village)] | None = None
    mqtt_port: Port = 1883
    mqtt_ca: Path | None = None
    gateway_file: Path | None = None
    broker_dir: Path | None = None
    broker_address: Annotated[str, AfterValidator(_address)] | None = None
    broker_login: Login = Login.PASSWORD
    store_url: Annotated[SecretStr, AfterValidator(_store)] | None = None
    database_url: Annotated[SecretStr, AfterValidator(_database)] | None = None
    http_host: str = "127.0.0.1"
    http_port: Port = 8000
    public_page: bool = True
    public_url: Annotated[str, AfterValidator(_public)] | None = None
    trusted_proxies: Annotated[str, AfterValidator(_proxies)] = "127.0.0.1,::1"
    attestation_review: bool = False
    complaints_answered_within: Annotated[int, BeforeValidator(_answered), Field(gt=0)] | None = None
    scorecard_classes: Annotated[str, AfterValidator(_classes)] | None = None
    probe_internet_url: Annotated[str, AfterValidator(_internet)] = INTERNET_URL
    snmp_community: SecretStr = SecretStr("public")
    snmp_user: str | None = None
    snmp_auth_password: SnmpPassword | None = None
    snmp_privacy_password: SnmpPassword | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature; there is no .env file
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Returns the sources: flags, environment, files that the environment names, settings file, in this order."""
        return init_settings, env_settings, SecretFiles(settings_cls), TomlConfigSettingsSource(settings_cls)

    @property
    def classes(self) -> Classes | None:
        """From how many indicators met on a village is of which class; `None`: the district has none."""
        return None if self.scorecard_classes is None else parse_classes(self.scorecard_classes)

    @property
    def own_notify(self) -> Path:
        """The notify file that the pages write, which holds where none is named."""
        return self.data_dir / "notify.yaml"

    def make_data_dir(self) -> None:
        """Create the data directory, if necessary.

        Raises:
            DataDirUnusable: it cannot be created, or is not a directory.
        """
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            raise DataDirUnusable(
                f"data directory {self.data_dir}: {(problem.strerror or str(problem)).lower()}: "
                "set SIAGA_DATA_DIR to a directory that siaga can make and write to"
            ) from None

    @property
    def central_broker(self) -> str:
        """The URL of the centre's broker with its password; by default the embedded one's."""
        if self.mqtt_url is not None:
            return self.mqtt_url.get_secret_value()
        return f"mqtt://127.0.0.1:{self.mqtt_port}"

    @property
    def tls(self) -> Tls:
        """What a session with the centre's broker trusts.

        Raises:
            SettingsError: the file of the certificates cannot be read or used.
        """
        if self.mqtt_ca is None:
            return Tls()
        try:
            tls = Tls(self.mqtt_ca.read_text(encoding="ascii"))
            tls.context()
        except OSError as problem:
            raise SettingsError(f"SIAGA_MQTT_CA: {self.mqtt_ca} cannot be read: {problem.strerror}") from None
        except ValueError:
            raise SettingsError(f"SIAGA_MQTT_CA: {self.mqtt_ca} is not a certificate in PEM") from None
        return tls

    @property
    def village_broker(self) -> str:
        """The URL of the village's broker, with its password."""
        return self.central_broker if self.village_mqtt_url is None else self.village_mqtt_url.get_secret_value()

    @property
    def store(self) -> str:
        """The URL of the telemetry store, with its secret."""
        if self.store_url is not None:
            return self.store_url.get_secret_value()
        return f"duckdb:///{self.data_dir.absolute() / 'telemetry.duckdb'}"

    @property
    def proxies(self) -> list[str]:
        """The addresses and networks of reverse proxies that are believed."""
        return _listed(self.trusted_proxies)

    @property
    def database(self) -> str:
        """The URL of the SQL database, with its password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.absolute() / 'siaga.db'}"


class SecretFiles(PydanticBaseSettingsSource):
    """Settings whose values are in files, each named by a variable such as `SIAGA_MQTT_URL_FILE`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:  # noqa: ARG002
        """Returns the value of a setting, its name, and that it is no JSON.

        Raises:
            SettingsError: the file cannot be read.
        """
        variable = f"{PREFIX}{field_name.upper()}{IN_FILE}"
        path = os.environ.get(variable)
        if not path:
            return None, field_name, False
        if os.environ.get(PREFIX + field_name.upper()):
            raise SettingsError(f"{variable}: {PREFIX}{field_name.upper()} is set too: set one of them")
        try:
            with Path(path).open(encoding="utf-8") as file:
                text = file.read(MAX_SECRET).strip()
        except (OSError, UnicodeDecodeError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else "it is not a text in UTF-8"
            raise SettingsError(f"{variable}: {path} cannot be read: {reason}") from None
        if not text:
            raise SettingsError(f"{variable}: {path} is empty")
        return text, field_name, False

    def __call__(self) -> dict[str, object]:
        """Returns the settings that have a file."""
        found = {name: self.get_field_value(field, name)[0] for name, field in Settings.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def load_settings(flags: Mapping[str, object] | None = None) -> Settings:
    """Returns the settings. `flags`: the command line's, by setting; `None` for a flag that is not given.

    Raises:
        SettingsError: a value is not valid, or `siaga.toml` cannot be read or has an unknown setting.
    """
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    try:
        found = Settings(**given)  # type: ignore[arg-type] # pydantic checks them
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{FILE} is not TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{FILE} cannot be read: {error}") from None
    except ValidationError as error:
        sentences = [_sentence(problem, given) for problem in error.errors(include_url=False)]
        raise SettingsError("\n".join(sentences)) from None
    if found.notify is None and found.own_notify.exists():
        return found.model_copy(update={"notify": found.own_notify})
    return found


def _sentence(problem: ErrorDetails, flags: Mapping[str, object]) -> str:
    key = str(problem["loc"][0]) if problem["loc"] else ""
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, Settings.model_fields, 1)
        return f"{FILE}: there is no setting {key}" + (f"; did you mean {near[0]}?" if near else "")
    message = problem["msg"].removeprefix("Value error, ")
    return f"{_source(key, flags)}: {_value(key, problem)}{message[:1].lower()}{message[1:]}"


def _source(key: str, flags: Mapping[str, object]) -> str:
    if key in flags:
        return f"--{key.replace('_', '-')}"
    name = PREFIX + key.upper()
    if os.environ.get(name):
        return name
    return f"{name}{IN_FILE}" if os.environ.get(f"{name}{IN_FILE}") else f"{FILE}: {key}"


def _value(key: str, problem: ErrorDetails) -> str:
    """Returns the value in quotes; empty if it may contain a password."""
    if key.endswith(("_url", "_community", "_password", "_address")):
        return ""
    return f'"{str(problem["input"])[:80]}": '
