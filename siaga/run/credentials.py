"""Makes and ends the credentials of gateways, and prepares the broker's files (`siaga.provision`)."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

from siaga.database import connect, migrate
from siaga.database.registry import Registry
from siaga.model.clock import SECOND, Clock, SystemClock
from siaga.model.sites import Village
from siaga.mqtt import BrokerAddress, Tls
from siaga.mqtt.log_in import log_in
from siaga.provision.access import SERVICES
from siaga.provision.broker_config import Login
from siaga.provision.broker_files import BrokerFiles, Credential
from siaga.provision.gateway_file import GatewayFile
from siaga.provision.passwords import new_password
from siaga.provision.whole_file import Keeper, write_whole
from siaga.run.settings import Settings, SettingsError
from siaga.sites.on_disk import read_sites_file

__all__ = ["LOOPBACK", "Proof", "UnknownVillage", "issue_credential", "prove", "revoke_credential", "set_up_broker"]

PROVED_WITHIN = 10.0
"""Seconds that a broker may take to read its files again (contract: a revoked gateway is off within ten)."""
AGAIN = 0.3
"""Seconds between two attempts to log in."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class UnknownVillage(ValueError):
    """The village is in no sites file that was imported. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What an attempt to log in showed. `good`: `None` if the broker did not answer, so nothing is proved."""

    good: bool | None
    sentence: str


def issue_credential(settings: Settings, code: str, *, rotate: bool) -> GatewayFile:
    """Make a village's credential, and return the file for its gateway.

    Raises:
        UnknownVillage: the village was not imported.
        CredentialExists, DamagedFile: see `BrokerFiles.issue`.
        SettingsError: the broker's directory or its address is not known.
    """
    clock, files, address = SystemClock(), _files(settings), _address(settings)
    village = _village(settings, code)
    credential = files.issue(code, _time(clock), rotate=rotate)
    trusted = settings.tls.ca or files.trust()
    return _gateway_file(clock, village, address, credential, trusted)


def _gateway_file(
    clock: Clock, village: Village, address: str, credential: Credential, trusted: str | None
) -> GatewayFile:
    own = credential.certificate
    tls = Tls(trusted) if own is None else Tls(trusted, own.certificate, own.key)
    user = None if credential.password is None else village.code
    return GatewayFile(clock.now() // SECOND, replace(village, remote=True), address, user, credential.password, tls)


def revoke_credential(settings: Settings, code: str) -> None:
    """End a village's credential.

    Raises:
        NoCredential, DamagedFile: see `BrokerFiles.revoke`.
        SettingsError: the broker's directory is not known.
    """
    _files(settings).revoke(code, _time(SystemClock()))


def prove(settings: Settings, file: GatewayFile, within: float = PROVED_WITHIN) -> Proof:
    """Log in with a new credential, and with a wrong one, as the gateway would. Returns what that showed.

    The broker reads its files again within some seconds, so the attempt is repeated until then.
    """
    where = file
    if file.password is not None and settings.mqtt_url is not None:
        # Inside of the district the broker may have another address than for gateways.
        inside = urlsplit(settings.central_broker)
        host = inside.netloc.rpartition("@")[2]
        where = replace(file, address=f"{inside.scheme}://{host}", tls=replace(file.tls, ca=settings.tls.ca))
        where = replace(where, tls=where.tls if where.tls.ca else file.tls)
    deadline = time.monotonic() + within
    answer = log_in(where.url, where.tls)
    while answer.refused and time.monotonic() < deadline:
        time.sleep(AGAIN)
        answer = log_in(where.url, where.tls)
    if answer.refused:
        return Proof(good=False, sentence=_NOT_TAKEN)
    if not answer.accepted:
        return Proof(good=None, sentence=f"not proved: {answer.problem}")
    wrong = replace(where, tls=Tls(where.tls.ca), password=None if where.password is None else new_password())
    if log_in(wrong.url, wrong.tls).accepted:
        return Proof(good=False, sentence="the broker takes any credential: it does not read SIAGA_BROKER_DIR's files")
    return Proof(good=True, sentence="proved: the broker takes the new credential, and no wrong one")


_NOT_TAKEN = (
    f"the broker has not taken the new credential within {PROVED_WITHIN:g} s: does what reloads it run "
    "(docs/operate.md, the broker), and does it read the files of SIAGA_BROKER_DIR?"
)


def set_up_broker(settings: Settings, secret_dir: Path, service_url: str, *, renew: bool) -> list[str]:
    """Make the broker's files, and for each of siaga's services a file with its URL. What is there stays.

    Returns a sentence for each thing that was made.

    Raises:
        DamagedFile: a file is not what it should be.
        SettingsError: the broker's directory or its address is not known, or a service's URL cannot be read.
    """
    files, address = _files(settings), _address(settings)
    passwords, made = {}, []
    for name in SERVICES:
        path = secret_dir / f"mqtt_{name}_url"
        if not path.exists():
            _write_service_url(path, name, service_url)
            made.append(f"{path}: the broker's URL for {name}, for SIAGA_MQTT_URL_FILE")
        try:
            found = BrokerAddress.parse(path.read_text(encoding="utf-8").strip())
        except ValueError as problem:
            raise SettingsError(f"{path}: {problem}") from None
        if found.user != name or not found.password:
            raise SettingsError(f"{path}: must be the URL of {name}, with its password: remove it to have a new one")
        passwords[name] = found.password
    host = BrokerAddress.parse(address).host
    return made + files.set_up(host, passwords, _time(SystemClock()), renew=renew)


def _write_service_url(path: Path, name: str, service_url: str) -> None:
    parts = urlsplit(service_url)
    if BrokerAddress.parse(service_url).user is not None:
        raise SettingsError("--service-url: must be the broker's address alone, without a name and a password")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    url = f"{parts.scheme}://{name}:{quote(new_password(), safe='')}@{parts.netloc}\n"
    keeper = Keeper.of(path)
    write_whole(path, url.encode(), replace(keeper, mode=0o600))


def _time(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.now() // SECOND, tz=UTC)


def _files(settings: Settings) -> BrokerFiles:
    if settings.broker_dir is None:
        raise SettingsError("SIAGA_BROKER_DIR is not set: name the directory of the broker's files (docs/operate.md)")
    address = BrokerAddress.parse(_address(settings))
    if settings.broker_login is Login.CERTIFICATE and not address.tls:
        raise SettingsError("SIAGA_BROKER_LOGIN: certificates need TLS: let SIAGA_BROKER_ADDRESS begin with mqtts://")
    return BrokerFiles(settings.broker_dir, settings.broker_login, port=address.port, tls=address.tls)


def _address(settings: Settings) -> str:
    """Returns the broker's URL for gateways, without a credential."""
    if settings.broker_address is not None:
        return settings.broker_address
    parts = urlsplit(settings.central_broker)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _village(settings: Settings, code: str) -> Village:
    """Returns a village of the registry; else of the sites file of the settings, which may not be imported yet."""
    engine = connect(settings.database)
    try:
        migrate(engine)
        found = Registry(engine).village(code)
    finally:
        engine.dispose()
    if found is None and settings.sites is not None:
        found = next((each for each in read_sites_file(settings.sites).villages if each.code == code), None)
    if found is None:
        raise UnknownVillage(f"there is no village {code}: import a sites file that has it, with `siaga import FILE`")
    return found
