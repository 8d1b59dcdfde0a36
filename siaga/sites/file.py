"""The sites file: villages, facilities and devices as people write them in YAML (contract, section 3)."""

import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from siaga.model.durations import parse_duration
from siaga.model.indicators import INDICATORS, POWER
from siaga.model.probe_village import PROBE
from siaga.model.signals import SIGNALS, SignalType
from siaga.model.sites import Adapter, Device, Facility, Needs, Silence, Village
from siaga.sites.addresses import plain_address
from siaga.sites.dev_eui import is_dev_eui
from siaga.sites.mistakes import Mistake, Mistakes, Section, SitesFileError
from siaga.sites.poll_address import PROBE_KEYS, BadAddress, read_host, read_oid, read_probe_address
from siaga.sites.yaml_tree import Node, Scalar, Sequence
from siaga.timeline.schedule import parse_schedule
from siaga.wire.topics import is_slug, is_village_code

__all__ = ["Mistake", "SitesDocument", "SitesFileError", "read_document", "read_sites"]

_TOP_KEYS = ("villages", "regions", "holidays")
_REGION_KEYS = ("code", "name")
_HOLIDAY_KEYS = ("date", "name")
_VILLAGE_KEYS = (
    "code", "name", "lat", "lon", "timezone", "gateway", "offline_after", "uplink", "facilities",
)  # fmt: skip
_FACILITY_KEYS = (
    "id", "kind", "name", "since", "needs", "grace", "recovery", "target", "schedule", "silence", "devices",
)  # fmt: skip
_DEVICE_KEYS = ("id", "adapter", "address", "every", "map", "invert")
_KINDS = (*INDICATORS, POWER)
_BOOLEANS = tuple(signal.name for signal in SIGNALS.values() if signal.type is SignalType.BOOL)
# The gateway itself reports the others: no key of a device can be mapped to them.
_MAPPABLE = tuple(name for name in SIGNALS if name not in ("alive", "heard"))

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_REGION = re.compile(r"[0-9]{2}(\.[0-9]{2}){0,2}", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})(\s*%)?", re.ASCII)

EVERY = 60_000
"""The default of `every`, ms."""
OFFLINE_AFTER = 300_000
"""The default of `offline_after`, ms (contract, section 5)."""

Address = tuple[str | None, Adapter, str]
"""Gateway (`None`: that of `siaga up`), adapter and address, which must be unique together."""


@dataclass(frozen=True, slots=True)
class SitesDocument:
    """The content of a sites file. `villages`: each with the file's holidays. `regions`: names by code.

    `holidays`: names by date.
    """

    villages: list[Village]
    regions: Mapping[str, str]
    holidays: Mapping[date, str] = field(default_factory=dict)


def read_sites(text: str, filename: str) -> list[Village]:
    """Returns the villages of a sites file, each with the file's holidays.

    Raises:
        SitesFileError: the file has mistakes. The error has all of them, with their lines.
    """
    return read_document(text, filename).villages


def read_document(text: str, filename: str) -> SitesDocument:
    """Returns the content of a sites file.

    Raises:
        SitesFileError: the file has mistakes. The error has all of them, with their lines.
    """
    mistakes = Mistakes(filename)
    root = mistakes.root(text, needed="villages")
    document = SitesDocument([], {}) if root is None else _Reader(mistakes).file(root)
    mistakes.raise_if_any()
    return document


class _Reader:
    """Reads one file. It remembers the names and addresses in use, with their sections."""

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._codes: dict[str, Section] = {}
        self._addresses: dict[Address, Section] = {}

    def file(self, root: Node) -> SitesDocument:
        top = Section(self._mistakes, root, "villages", _TOP_KEYS)
        if top.node("villages") is None:
            top.missing("villages")
        villages = [self._village(node) for node in top.items("villages")]
        holidays = self._holidays(top)
        closed = frozenset(holidays)
        return SitesDocument([replace(village, holidays=closed) for village in villages], self._regions(top), holidays)

    def _regions(self, top: Section) -> dict[str, str]:
        known: dict[str, Section] = {}
        names: dict[str, str] = {}
        for node in top.items("regions"):
            section = Section(self._mistakes, node, "regions", _REGION_KEYS)
            code = section.parsed("code", _region_code, required=True) or ""
            _once(section, "code", code, known, "region")
            names[code] = section.text("name", required=True) or ""
        return names

    def _holidays(self, top: Section) -> dict[date, str]:
        known: dict[str, Section] = {}
        names: dict[date, str] = {}
        for node in top.items("holidays"):
            section = Section(self._mistakes, node, "holidays", _HOLIDAY_KEYS)
            if section.node("date") is None:
                section.missing("date")
            name = section.text("name", required=True) or ""
            day = _date(section, "date")
            if day is not None:
                _once(section, "date", day.isoformat(), known, "holiday")
                names[day] = name
        return names

    def _village(self, node: Node) -> Village:
        section = Section(self._mistakes, node, "villages", _VILLAGE_KEYS)
        code = section.parsed("code", _code, required=True) or ""
        _once(section, "code", code, self._codes, "village")
        remote = section.choice("gateway", ("remote",), "a kind of gateway") == "remote"
        facility_ids: dict[str, Section] = {}
        device_ids: dict[str, Section] = {}
        gateway = (code or f"line {section.line}") if remote else None
        facilities = [self._facility(item, gateway, facility_ids, device_ids) for item in section.items("facilities")]
        return Village(
            code=code,
            name=section.text("name", required=True) or "",
            latitude=section.number("lat", -90, 90) or 0.0,
            longitude=section.number("lon", -180, 180) or 0.0,
            timezone=section.parsed("timezone", _timezone, required=True) or "UTC",
            facilities=tuple(facilities),
            remote=remote,
            offline_after=_duration(section, "offline_after") or OFFLINE_AFTER,
            uplink=section.text("uplink"),
        )

    def _facility(
        self, node: Node, gateway: str | None, facility_ids: dict[str, Section], device_ids: dict[str, Section]
    ) -> Facility:
        section = Section(self._mistakes, node, "facilities", _FACILITY_KEYS)
        facility_id = section.parsed("id", _slug, required=True) or ""
        _once(section, "id", facility_id, facility_ids, "facility of this village")
        devices = tuple(self._device(item, gateway, device_ids) for item in section.items("devices"))
        return Facility(
            id=facility_id,
            kind=section.choice("kind", _KINDS, "a kind of facility", required=True) or POWER,
            name=section.text("name", required=True) or "",
            devices=devices,
            since=_date(section, "since"),
            needs=Needs(section.choice("needs", tuple(Needs), "one of these") or Needs.ANY),
            grace=_duration(section, "grace", zero=True),
            recovery=_duration(section, "recovery", zero=True),
            target=_share(section, "target"),
            schedule=_schedule(section, "schedule"),
            silence=_silence(section),
        )

    def _device(self, node: Node, gateway: str | None, device_ids: dict[str, Section]) -> Device:
        section = Section(self._mistakes, node, "devices", _DEVICE_KEYS)
        device_id = section.parsed("id", _slug, required=True) or ""
        _once(section, "id", device_id, device_ids, "device of this village")
        adapter_name = section.choice("adapter", tuple(Adapter), "an adapter", required=True)
        adapter = Adapter(adapter_name) if adapter_name else None
        address = section.text("address", any_scalar=True)
        if adapter is not None:
            self._check_address(section, gateway, adapter, address)
        return Device(
            id=device_id,
            adapter=adapter or Adapter.SENML,
            every=_duration(section, "every") or EVERY,
            address=address,
            map=self._map(section, adapter),
            invert=self._invert(section),
        )

    def _check_address(self, section: Section, gateway: str | None, adapter: Adapter, address: str | None) -> None:
        given = section.node("address") is not None
        if adapter is Adapter.SENML:
            if given:
                section.mistake("address", "has no use: a senml device is found by its own topic")
            return
        if address is None:
            if not given:
                section.mistake("address", f"is missing: an adapter {adapter} finds its device by it")
            return
        if adapter not in (Adapter.PROBE, Adapter.SNMP) and ("+" in address or "#" in address):
            section.mistake("address", "holds + or #, which no topic of a device can")
            return
        if adapter is Adapter.LORAWAN and not is_dev_eui(address):
            section.mistake("address", "is no DevEUI: 16 hexadecimal digits such as 70B3D5E75E00A1B2")
            return
        try:
            if adapter is Adapter.PROBE:
                read_probe_address(address)
            elif adapter is Adapter.SNMP:
                read_host(address)
        except BadAddress as problem:
            section.mistake("address", str(problem))
            return
        place = (gateway, adapter, plain_address(adapter, address))
        before = self._addresses.setdefault(place, section)
        if before is not section:
            line = before.line_of("address")
            section.mistake(
                "address", f"is the address of another {adapter} device at the same gateway, in line {line}"
            )

    def _map(self, section: Section, adapter: Adapter | None) -> dict[str, str]:
        pairs = {}
        for key, node in section.pairs("map"):
            if problem := _bad_key(adapter, key):
                self._mistakes.note_at(node, f"map.{key}", f"stands at a key that {problem}")
            elif isinstance(node, Scalar) and node.text in _MAPPABLE:
                pairs[key] = node.text
            else:
                self._mistakes.note_at(node, f"map.{key}", "is no signal")
        return pairs

    def _invert(self, section: Section) -> frozenset[str]:
        names = set()
        for node in section.items("invert"):
            if isinstance(node, Scalar) and node.text in _BOOLEANS:
                names.add(node.text)
            elif isinstance(node, Scalar) and node.text in SIGNALS:
                self._mistakes.note_at(node, "invert", "is not boolean, and only a boolean signal can be turned round")
            else:
                self._mistakes.note_at(node, "invert", "is no signal")
        return frozenset(names)


def _bad_key(adapter: Adapter | None, key: str) -> str | None:
    """Returns what is wrong with a native key, if its form shows it; `None` otherwise.

    The keys of messages cannot be checked: their content is not known.
    """
    if adapter is Adapter.PROBE and key not in PROBE_KEYS:
        return f"a probe does not have: it has {', '.join(PROBE_KEYS)}"
    if adapter is Adapter.SNMP:
        try:
            read_oid(key)
        except BadAddress as problem:
            return str(problem)
    return None


def _once(section: Section, key: str, value: str, taken: dict[str, Section], what: str) -> None:
    before = taken.setdefault(value, section)
    if value and before is not section:
        section.mistake(key, f"is the {key} of another {what}, in line {before.line_of(key)}")


def _code(text: str) -> str:
    if not is_village_code(text):
        raise ValueError('is not the code of a village such as "35.10.15.2012"')
    if text == PROBE:
        raise ValueError("is the code of siaga's own self-probe: no village has it")
    return text


def _region_code(text: str) -> str:
    if _REGION.fullmatch(text) is None:
        raise ValueError('is not the code of a region such as "35.10" or "35.10.15"')
    return text


def _slug(text: str) -> str:
    if not is_slug(text):
        raise ValueError("is not an id: 1 to 64 of a-z, 0-9, _ and -, a letter or digit first")
    return text


def _timezone(text: str) -> str:
    try:
        zoneinfo.ZoneInfo(text)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):  # OSError: a directory of zones such as "Asia"
        raise ValueError("is not a time zone such as Asia/Jakarta") from None
    return text


def _duration(section: Section, key: str, *, zero: bool = False) -> int | None:
    """Returns a duration in ms; `None` if it is absent or wrong. `zero`: 0 is allowed, and needs no unit."""
    node = section.node(key)
    if zero and isinstance(node, Scalar) and node.type == "int" and node.text == "0":
        return 0
    if isinstance(node, Scalar) and node.type in ("int", "float"):
        section.mistake(key, "is not a duration such as 30s, 5m or 2h")
        return None
    duration = section.parsed(key, parse_duration)
    if duration == 0 and not zero:
        section.mistake(key, "is no time at all")
        return None
    return duration


def _date(section: Section, key: str) -> date | None:
    node = section.node(key)
    if node is None:
        return None
    if isinstance(node, Scalar) and _DATE.fullmatch(node.text):
        try:
            return date.fromisoformat(node.text)
        except ValueError:
            pass
    section.mistake(key, "is not a date such as 2026-01-31")
    return None


def _share(section: Section, key: str) -> float | None:
    """Returns a share in (0, 1], which may be written in per cent; `None` if it is absent or wrong."""
    node = section.node(key)
    if node is None:
        return None
    match = _PERCENT.fullmatch(node.text) if isinstance(node, Scalar) else None
    if match is not None:
        share = float(match[1]) / (100 if match[2] else 1)
        if 0 < share <= 1:
            return share
    section.mistake(key, "is not a share such as 0.99 or 99 %")
    return None


def _schedule(section: Section, key: str) -> str | tuple[str, ...] | None:
    node = section.node(key)
    if node is None:
        return None
    entries = node.items if isinstance(node, Sequence) else [node]
    texts = tuple(entry.text for entry in entries if isinstance(entry, Scalar) and entry.type == "str")
    if len(texts) < len(entries):
        section.mistake(key, "is not a text or a list of texts, such as night or Mon-Sat 18:00-06:00")
        return None
    schedule = texts if isinstance(node, Sequence) else texts[0]
    try:
        parse_schedule(schedule)
    except ValueError as error:
        # The sentence names the entry. If there is only one, the mistake shows it already.
        about = str(error) if isinstance(node, Sequence) else str(error).removeprefix(repr(texts[0])).lstrip(" :")
        section.mistake(key, about if about.startswith("is not a schedule") else f"is not a schedule: {about}")
        return None
    return schedule


def _silence(section: Section) -> Silence | None:
    word = section.choice("silence", tuple(Silence), "a state of silence")
    return Silence(word) if word else None
