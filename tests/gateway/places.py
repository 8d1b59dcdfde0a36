"""Villages for the gateway's tests, and messages to them."""

from gateway.adapters import ADAPTERS, Installed, Translation
from gateway.router import Router
from gateway.values import Refused
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.mqtt import Message

CODE = "35.10.15.2012"
NOW = 1_767_225_600_000
"""2026-01-01T00:00:00Z, 07:00 in the village."""
MINUTE = 60_000


def device(
    name: str,
    adapter: str,
    address: str | None = None,
    mapped: dict[str, str] | None = None,
    invert: set[str] | None = None,
    every: int = MINUTE,
) -> Device:
    return Device(name, Adapter(adapter), every, address, mapped or {}, frozenset(invert or ()))


def village(*facilities: tuple[str, list[Device]], code: str = CODE, remote: bool = False) -> Village:
    """A village with facilities of these kinds."""
    made = tuple(Facility(f"f{index}", kind, kind, tuple(devices)) for index, (kind, devices) in enumerate(facilities))
    return Village(code, "Contoh", -8.19, 114.3, "Asia/Jakarta", made, remote)


def read(kind: str, one: Device, topic: str, payload: bytes | str, *, retain: bool = False) -> Translation | None:
    """Returns what a message means for a device in a facility of that kind; `None` if it is not from this device."""
    raw = payload.encode() if isinstance(payload, str) else payload
    message = Message(topic, raw, retain)
    for adapter, installed in Router([village((kind, [one]))]).route(message):
        return translate(installed, message, adapter=adapter)
    return None


def translate(installed: Installed, message: Message, adapter: object = None, received: int = NOW) -> Translation:
    """Returns a translation. A message that is refused as a whole counts as one refusal."""
    try:
        return ADAPTERS[installed.device.adapter].translate(installed, message, received)
    except Refused as why:
        return Translation(refused=[why])


def values(translation: Translation | None) -> dict[str, object]:
    """The values by signal."""
    assert translation is not None, "the message is not this device's"
    return {each.signal: each.value for each in translation.observed}


def labels(translation: Translation | None) -> list[str]:
    """Returns the labels of what was refused."""
    assert translation is not None, "the message is not this device's"
    return [each.label for each in translation.refused]
