"""What an examination finds: a state, and a sentence of the catalogues with its remedy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from api.words import Words

__all__ = ["REMEDIES", "Finding", "Said", "State"]


class State(StrEnum):
    """How something is. `UNKNOWN`: it could not be found out."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Said(StrEnum):
    """All that the doctor says: the keys of the sentences, without `doctor_`."""

    SERVICE_OK = "service_ok"
    SERVICE_ABSENT = "service_absent"
    SERVICE_NOT_READY = "service_not_ready"
    GATEWAY_OK = "gateway_ok"
    GATEWAY_ABSENT = "gateway_absent"
    GATEWAY_PROBLEM = "gateway_problem"
    DATA_DIR_OK = "data_dir_ok"
    DATA_DIR_ABSENT = "data_dir_absent"
    DATA_DIR_CLOSED = "data_dir_closed"
    DATA_DIR_OPEN = "data_dir_open"
    DISK_OK = "disk_ok"
    DISK_FULL = "disk_full"
    DISK_LOW = "disk_low"
    CLOCK_OK = "clock_ok"
    CLOCK_WAITS = "clock_waits"
    CLOCK_UNKNOWN = "clock_unknown"
    FILE_OK = "file_ok"
    FILE_BAD = "file_bad"
    FILE_OPEN = "file_open"
    BROKER_OK = "broker_ok"
    BROKER_ABSENT = "broker_absent"
    BROKER_REFUSES = "broker_refuses"
    BROKER_PLAIN = "broker_plain"
    BROKER_DROPS = "broker_drops"
    BROKER_LIMITS = "broker_limits"
    BROKER_OLD = "broker_old"
    CERTIFICATE_OK = "certificate_ok"
    CERTIFICATE_BAD = "certificate_bad"
    CERTIFICATE_ENDS = "certificate_ends"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    STORE_EMBEDDED = "store_embedded"
    STORE_OK = "store_ok"
    STORE_ABSENT = "store_absent"
    STORE_REFUSES = "store_refuses"
    STORE_CORE = "store_core"
    STORE_RETENTION = "store_retention"
    STORE_KEEPS_LESS = "store_keeps_less"
    STORE_KEEPS_MORE = "store_keeps_more"
    DATABASE_OK = "database_ok"
    DATABASE_ABSENT = "database_absent"
    DATABASE_DOWN = "database_down"
    DATABASE_STANDBY = "database_standby"
    DATABASE_DAMAGED = "database_damaged"
    DATABASE_OLD = "database_old"
    DATABASE_NEWER = "database_newer"
    LEADERS_OK = "leaders_ok"
    LEADERS_ABSENT = "leaders_absent"
    VILLAGES_OK = "villages_ok"
    VILLAGES_NONE = "villages_none"
    VILLAGES_UNHEARD = "villages_unheard"
    GATEWAYS_OK = "gateways_ok"
    GATEWAYS_TWINS = "gateways_twins"
    GATEWAYS_OTHER = "gateways_other"
    HOLIDAYS_OK = "holidays_ok"
    HOLIDAYS_NONE = "holidays_none"
    PEOPLE_OK = "people_ok"
    PEOPLE_NO_ADMIN = "people_no_admin"
    QUARANTINE_OK = "quarantine_ok"
    QUARANTINE_FILLS = "quarantine_fills"
    CHANNELS_OK = "channels_ok"
    CHANNELS_NONE = "channels_none"
    CHANNELS_UNPROVED = "channels_unproved"
    CHANNELS_GIVEN_UP = "channels_given_up"
    ADMINS_UNTOLD = "admins_untold"
    BACKUP_OK = "backup_ok"
    BACKUP_NONE = "backup_none"
    BACKUP_OLD = "backup_old"
    SELF_PROBE_OK = "self_probe_ok"
    SELF_PROBE_OLD = "self_probe_old"
    SELF_PROBE_FAILED = "self_probe_failed"
    HEARTBEAT_FAILED = "heartbeat_failed"
    PAGES_OK = "pages_ok"
    PAGES_PLAIN = "pages_plain"
    UNKNOWN = "unknown"


FINE = frozenset(
    {
        Said.SERVICE_OK,
        Said.GATEWAY_OK,
        Said.DATA_DIR_OK,
        Said.DISK_OK,
        Said.CLOCK_OK,
        Said.FILE_OK,
        Said.BROKER_OK,
        Said.CERTIFICATE_OK,
        Said.STORE_EMBEDDED,
        Said.STORE_OK,
        Said.DATABASE_OK,
        Said.LEADERS_OK,
        Said.VILLAGES_OK,
        Said.GATEWAYS_OK,
        Said.HOLIDAYS_OK,
        Said.PEOPLE_OK,
        Said.QUARANTINE_OK,
        Said.CHANNELS_OK,
        Said.BACKUP_OK,
        Said.SELF_PROBE_OK,
        Said.PAGES_OK,
    }
)
REMEDIES = frozenset(Said) - FINE
"""What is said together with a remedy, whose key ends with `_do`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `id`: what was looked at. `values`: of the sentence, and of its remedy."""

    id: str
    state: State
    said: Said
    values: Mapping[str, str] = field(default_factory=dict)

    def text(self, words: Words) -> str:
        """Returns the sentence."""
        return words(f"doctor_{self.said.value}", **self.values)

    def remedy(self, words: Words) -> str | None:
        """Returns what mends it; `None` if nothing has to be mended."""
        return words(f"doctor_{self.said.value}_do", **self.values) if self.said in REMEDIES else None


def ok(of: str, said: Said, **values: object) -> Finding:
    """Returns a finding that all is well."""
    return Finding(of, State.OK, said, _texts(values))


def warning(of: str, said: Said, **values: object) -> Finding:
    """Returns a finding of what may become a fault, or makes one worse."""
    return Finding(of, State.WARNING, said, _texts(values))


def wrong(of: str, said: Said, **values: object) -> Finding:
    """Returns a finding of a fault."""
    return Finding(of, State.WRONG, said, _texts(values))


def unknown(of: str, reason: str) -> Finding:
    """Returns that something could not be found out, and why."""
    return Finding(of, State.UNKNOWN, Said.UNKNOWN, {"what": of, "reason": reason})


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
