"""Two districts in one database, or the first of them alone: a caller who is limited to the first sees no difference.

The second is the first's image: its villages have facilities, alerts, maintenance, attestations, telemetry and refused
payloads of the same kinds. One cable, one outage and one maintenance window belong to both.
"""

from collections.abc import Sequence
from datetime import date

from siaga.database import tables, writing
from siaga.database.quarantine import Quarantine
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.observation import Point
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.timeline.spans import Span
from siaga.wire.refusal import Refusal
from tests.http.district import FAILED, MET, NOW, UNKNOWN, District

__all__ = ["CABLE", "FOREIGN", "HOME", "MARKS", "Place", "fill"]

HOME = "35.10"
"""The scope of the limited caller."""
CABLE = "kabel-timur"
"""The uplink that villages of both districts share."""


class Place:
    """A district by its code: the names of its things, each told from the other district's by `mark`."""

    def __init__(self, region: str, mark: str, number: int) -> None:
        self.region, self.mark, self.number = region, mark, number
        self.village, self.second = f"{region}.15.2012", f"{region}.16.2003"
        self.facility, self.device = f"gerbang-{mark}", f"gerbang-{mark}-1"
        self.alert, self.window, self.attestation, self.report = (f"{number * 16 + n:032x}" for n in range(4))
        self.complaint = f"{mark:b<12}"

    def villages(self) -> list[Village]:
        """Two villages: one on the shared cable, one on a cable of its own."""
        found = []
        for code, name, uplink in (
            (self.village, f"Desa {self.mark}", CABLE),
            (self.second, f"Dua {self.mark}", f"kabel-{self.mark}"),
        ):
            gate = Device(self.device, Adapter.TASMOTA, MINUTE, f"depan-{self.mark}")
            ups = Device(f"ups-{self.mark}", Adapter.SENML, MINUTE)
            facilities = (
                Facility(self.facility, "gate", f"Gerbang {self.mark}", (gate,)),
                Facility(f"listrik-{self.mark}", "power", f"Listrik {self.mark}", (ups,)),
            )
            found.append(Village(code, name, -8.19, 114.3, "Asia/Jakarta", facilities, uplink=uplink))
        return found


MINE, FOREIGN = Place(HOME, "sendiri", 1), Place("35.11", "asing", 2)
MARKS = (FOREIGN.region, FOREIGN.mark)
"""What no answer to a caller of the first district may contain."""
SHARED = "f" * 32
"""The outage, and the maintenance window, of the shared cable."""


def fill(district: District, places: Sequence[Place]) -> None:
    """Write all that there is of these districts, in place of the villages that the district has."""
    with writing(district.engine) as connection:
        connection.execute(tables.village.delete())
    names = {place.region: f"Kabupaten {place.mark}" for place in places}
    district.registry.replace([village for place in places for village in place.villages()], NOW - 40 * DAY, names)
    for place in places:
        _spans(district, place)
        _alerts(district, place)
        _people(district, place)
        _telemetry(district, place)
        _issued(district, place, place.region)
    if FOREIGN in places:
        _issued(district, FOREIGN, "*")
    _outage(district, [place.village for place in places])
    with writing(district.engine) as connection:
        row = {"id": SHARED, "uplink": CABLE, "start": NOW - DAY, "end": NOW - 20 * HOUR}
        told = {"reason": "kabel", "created_by": "budi", "created_at": NOW}
        connection.execute(tables.maintenance.insert(), row | told)


def _spans(district: District, place: Place) -> None:
    begin = NOW - 3 * DAY
    district.alternating(
        place.village,
        place.facility,
        begin,
        (DAY, MET, None),
        (place.number * HOUR, FAILED, "gate_open"),
        (DAY, UNKNOWN, "device_silent"),
        (0, MET, None),
    )
    # Of both districts: where sums were of all, every figure would show it
    district.spans(place.second, place.facility, Span(begin, NOW - place.number * HOUR, MET))
    for village in (place.village, place.second):
        district.link(village, "online", NOW - place.number * DAY, NOW - MINUTE)


def _alerts(district: District, place: Place) -> None:
    district.raise_alert(
        int(place.alert, 16),
        village=place.village,
        facility=place.facility,
        device=place.device,
        evidence={"state": "failed", "of": place.mark},
        at=NOW - place.number * HOUR,
    )
    said = {"alert": place.alert, "author": f"teknisi-{place.mark}", "time": NOW, "text": f"saya di {place.mark}"}
    done = {"alert": place.alert, "action": "comment", "actor": f"teknisi-{place.mark}", "time": NOW}
    with writing(district.engine) as connection:
        connection.execute(tables.alert_comment.insert(), said)
        connection.execute(tables.alert_action.insert(), done)


def _outage(district: District, villages: Sequence[str]) -> None:
    """Lost together, the other district's village first."""
    ends = dict.fromkeys(reversed(villages))
    began = {FOREIGN.village: "2026-03-04T02:50:00Z", MINE.village: "2026-03-04T03:00:00Z"}
    children = [{"village": village, "began_at": began[village], "ended_at": None} for village in ends]
    evidence: dict[str, object] = {"villages": list(ends), "children": children}
    if FOREIGN.village in ends:  # what was heard of its own gateway
        evidence |= {"gateways": {f"gw-{FOREIGN.mark}": {"status": "offline", "last_alive": None}}, "quiet_s": 600}
    leader = next(iter(ends))
    district.raise_alert(
        int(SHARED, 16), kind=Kind.VILLAGE_OFFLINE, village=leader, facility=None, evidence=evidence, at=NOW - HOUR
    )
    with writing(district.engine) as connection:
        this = tables.alert.c.id == SHARED
        began_at = NOW - 2 * HOUR - (10 * MINUTE if FOREIGN.village in ends else 0)
        connection.execute(tables.alert.update().where(this).values(began_at=began_at))
        rows = [{"alert": SHARED, "village": code, "began_at": NOW - 2 * HOUR} for code in ends]
        connection.execute(tables.alert_member.insert(), rows)


def _people(district: District, place: Place) -> None:
    window = {
        "id": place.window,
        "village": place.village,
        "facility": place.facility,
        "start": NOW - place.number * HOUR,
        "end": NOW + HOUR,
        "reason": f"cat di {place.mark}",
        "created_by": f"teknisi-{place.mark}",
        "created_at": NOW,
    }
    seen = {
        "id": place.attestation,
        "village": place.second,
        "indicator": "trees",
        "met": True,
        "date": date(2026, 3, 1),
        "expires": date(2026, 5, 30),
        "note": f"pohon di {place.mark}",
        "made_by": f"teknisi-{place.mark}",
        "created_at": NOW - place.number * MINUTE,
    }
    complaint = {
        "id": place.complaint,
        "village": place.village,
        "facility": place.facility,
        "kind": "gate",
        "problem": "gate_closed",
        "note": f"tutup di {place.mark}",
        "created_at": NOW - place.number * MINUTE,
        "way": "call",
        "repeats": 0,
        "state": "new",
    }
    photo = {"n": 1, "width": 1, "height": 1, "bytes": 4, "sha256": "ab", "jpeg": b"jpeg"}  # the same picture
    with writing(district.engine) as connection:
        connection.execute(tables.maintenance.insert(), window)
        key = connection.execute(tables.attestation.insert(), seen).inserted_primary_key
        assert key is not None
        connection.execute(tables.attestation_photo.insert(), photo | {"attestation": key[0]})
        key = connection.execute(tables.complaint.insert(), complaint).inserted_primary_key
        assert key is not None
        connection.execute(tables.complaint_photo.insert(), photo | {"complaint": key[0]})


def _issued(district: District, place: Place, scope: str) -> None:
    """An issued report, of the district or of everything."""
    row = {
        "id": place.report if scope != "*" else f"{int(place.report, 16) + 1:032x}",
        "key": f"{place.mark} {scope}",
        "period": "2026-02",
        "scopes": [scope],
        "language": "id",
        "cut": NOW,
        "window_start": NOW - 32 * DAY,
        "window_end": NOW - 4 * DAY,
        "revision": place.number,
        "provisional": False,
        "issued_at": NOW,
        "issued_by": f"teknisi-{place.mark}",
        "factors": {},
        "summary": {},
        "changes": [],
        "changes_left_out": 0,
    }
    content = f"laporan {place.mark}".encode()
    with writing(district.engine) as connection:
        key = connection.execute(tables.report.insert(), row).inserted_primary_key
        assert key is not None
        connection.execute(tables.report_scope.insert(), {"report": key[0], "scope": scope})
        files = [
            {"report": key[0], "format": form, "bytes": len(content), "sha256": place.mark, "content": content}
            for form in ("pdf", "xlsx", "csv", "json")
        ]
        connection.execute(tables.report_file.insert(), files)


def _telemetry(district: District, place: Place) -> None:
    district.store.write(
        [Point(place.village, place.device, NOW - n * MINUTE, NOW, {"gate_open": True, "rssi": -60.0}) for n in (1, 2)]
    )
    with writing(district.engine) as connection:
        for signal in ("gate_open", "rssi"):
            row = {"village": place.village, "device": place.device, "signal": signal, "time": NOW - 3 * DAY}
            connection.execute(tables.first_report.insert(), row)
    Quarantine(district.engine).add(
        [
            Refusal(place.village, NOW, f"siaga/v1/{place.village}/{place.device}/senml", "not JSON", place.mark),
            *([Refusal(None, NOW, f"apa/{place.mark}", "unknown village", place.mark)] if place is FOREIGN else []),
        ]
    )
