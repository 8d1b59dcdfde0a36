"""The 14 Smart Kampung indicators as data: evidence, schedule, and the numbers a site may override."""

from dataclasses import dataclass
from functools import lru_cache

from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.sites import Facility, Silence

__all__ = [
    "INDICATORS",
    "POWER",
    "Above",
    "Attested",
    "Below",
    "EventWithin",
    "Evidence",
    "Flag",
    "Indicator",
    "Sensed",
    "Terms",
    "evidence_signals",
    "terms",
]

POWER = "power"
"""The kind of a facility without an indicator. Its `mains` counts for the whole village."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Evidence: a boolean signal is true.

    `stand_in`: the signal that replaces it on a device that has not reported it.
    `always_asked`: until the device reports it or its stand-in, it is unknown instead of left out.
    """

    signal: str
    stand_in: str | None = None
    always_asked: bool = False


@dataclass(frozen=True, slots=True)
class Above:
    """Evidence: a number is over a limit, in the signal's unit."""

    signal: str
    limit: float


@dataclass(frozen=True, slots=True)
class Below:
    """Evidence: a number is under a limit, in the signal's unit."""

    signal: str
    limit: float


@dataclass(frozen=True, slots=True)
class EventWithin:
    """Evidence: an event happened within the last `interval` ms."""

    signal: str
    interval: int


Evidence = Flag | Above | Below | EventWithin


@dataclass(frozen=True, slots=True)
class Sensed:
    """How a device's signals are combined, in three-valued logic.

    `rule`, over the signals that the device reports: `all_of` them, `any_of` them, or the `first_of` them that is
    known. A device can give evidence if it can give one of the signals or a stand-in.
    """

    rule: str  # "all_of" | "any_of" | "first_of"
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Attested:
    """A person attests it, with evidence and a date. `expires`: how long an attestation counts, ms."""

    expires: int = 90 * DAY


@dataclass(frozen=True, slots=True)
class Indicator:
    """One of the 14 indicators. `number`: its number in the programme. `grace`, `recovery`: ms. `target`: a share."""

    kind: str
    number: int
    name_id: str
    name_en: str
    sensed: Sensed | None
    attested: Attested | None = None
    schedule: str | tuple[str, ...] = "24h"
    grace: int = 5 * MINUTE
    recovery: int = 2 * MINUTE
    target: float = 0.99
    silence: Silence = Silence.UNKNOWN


@dataclass(frozen=True, slots=True)
class Terms:
    """The requirements of a facility: the site's own, else its indicator's defaults.

    `grace`, `recovery`: ms. `target`: a share of required time. `schedule`: as text.
    """

    grace: int
    recovery: int
    target: float
    schedule: str | tuple[str, ...]
    silence: Silence


GUARD_ROUND = 2 * HOUR
"""How long a guard's check-in counts, ms (the programme's number)."""
CLEANING_ROUND = 8 * HOUR
"""How long a cleaning counts, ms: one per office day (the programme's number for the toilet, used for both rooms)."""
STANDBY_WATTS = 2.0
"""A lamp that draws more is lit, W; LED drivers and smart plugs draw less on standby (the programme's number)."""
DARK_LUX = 10.0
"""More light than this at night comes from a lamp, lx; a full moon gives 0.3 (the programme's number)."""
AMMONIA_LIMIT = 25.0
"""NH3 limit, ppm: the Indonesian workplace limit for eight hours a day (Permenaker 5/2018, appendix: NAB)."""


def _attested(number: int, kind: str, name_id: str, name_en: str) -> Indicator:
    return Indicator(kind, number, name_id, name_en, sensed=None, attested=Attested())


_ALL = (
    Indicator(
        kind="free_wifi",
        number=1,
        name_id="Wi-Fi gratis tanpa kata sandi",
        name_en="Free Wi-Fi without password",
        sensed=Sensed(
            "all_of", (Flag("wifi_up", stand_in="online", always_asked=True), Flag("wifi_open"), Flag("internet"))
        ),
        silence=Silence.FAILED,
    ),
    _attested(2, "playground", "Taman bermain anak", "Playground"),
    _attested(3, "reading_corner", "Pojok baca", "Reading corner"),
    _attested(4, "trees", "Sedekah oksigen", "Trees (“sedekah oksigen”)"),
    Indicator(
        kind="night_guard",
        number=5,
        name_id="Penjaga malam 24 jam",
        name_en="Night guard, 24 hours",
        sensed=Sensed("any_of", (EventWithin("checkin", GUARD_ROUND), Flag("presence"))),
    ),
    Indicator(
        kind="toilet",
        number=6,
        name_id="Toilet bersih",
        name_en="Clean toilet",
        sensed=Sensed("all_of", (EventWithin("cleaned", CLEANING_ROUND), Below("nh3", AMMONIA_LIMIT))),
        attested=Attested(),
        schedule="office",
    ),
    Indicator(
        kind="gate",
        number=7,
        name_id="Gerbang terbuka 24 jam",
        name_en="Gate open, 24 hours",
        sensed=Sensed("all_of", (Flag("gate_open"),)),
    ),
    _attested(8, "poverty_task_force", "Honor satgas kemiskinan", "Honorarium of the poverty task force"),
    _attested(9, "public_information", "Informasi publik", "Public information"),
    Indicator(
        kind="lactation_room",
        number=10,
        name_id="Ruang laktasi",
        name_en="Lactation room",
        sensed=Sensed("all_of", (EventWithin("cleaned", CLEANING_ROUND),)),
        attested=Attested(),
        schedule="office",
    ),
    Indicator(
        kind="office_lighting",
        number=11,
        name_id="Penerangan kantor di malam hari",
        name_en="Office lighting at night",
        sensed=Sensed("first_of", (Flag("lamp_on"), Above("power", STANDBY_WATTS), Above("illuminance", DARK_LUX))),
        schedule="night",
    ),
    _attested(12, "disability_home", "Rumah disabilitas", "Home for the disabled"),
    Indicator(
        kind="it_service",
        number=13,
        name_id="Layanan teknologi informasi",
        name_en="IT service",
        sensed=Sensed("all_of", (Flag("service_ok"),)),
        attested=Attested(),
    ),
    _attested(14, "complaints_box", "Kotak pengaduan", "Complaints box"),
)

INDICATORS: dict[str, Indicator] = {indicator.kind: indicator for indicator in _ALL}
"""The indicators by kind."""

_SIGNALS = {
    kind: frozenset(
        name
        for item in (indicator.sensed.evidence if indicator.sensed is not None else ())
        for name in (item.signal, item.stand_in if isinstance(item, Flag) else None)
        if name is not None
    )
    for kind, indicator in INDICATORS.items()
}


def evidence_signals(kind: str) -> frozenset[str]:
    """Returns the signals of a kind's indicator, including stand-ins; none if it is only attested."""
    return _SIGNALS.get(kind, frozenset())


def terms(facility: Facility) -> Terms | None:
    """Returns the requirements of a facility; `None` if its kind has no indicator (`power`)."""
    return _terms(
        facility.kind, facility.grace, facility.recovery, facility.target, facility.schedule, facility.silence
    )


@lru_cache(maxsize=1024)
def _terms(
    kind: str,
    grace: int | None,
    recovery: int | None,
    target: float | None,
    schedule: str | tuple[str, ...] | None,
    silence: Silence | None,
) -> Terms | None:
    """Returns one object for all facilities of the same requirements: a country has few of them."""
    indicator = INDICATORS.get(kind)
    if indicator is None:
        return None
    return Terms(
        grace=indicator.grace if grace is None else grace,
        recovery=indicator.recovery if recovery is None else recovery,
        target=indicator.target if target is None else target,
        schedule=indicator.schedule if schedule is None else schedule,
        silence=indicator.silence if silence is None else silence,
    )
