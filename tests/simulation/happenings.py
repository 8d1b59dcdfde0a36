"""What happens beside faults: villages that lose their uplink together, planned work, and another sites file.

People do these things when the centre's database is there: what cannot be written is tried again. A new device is
switched on when the centre knows of it; one that the registry has no more may go on for a while.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from siaga.database import tables, writing
from siaga.database.registry import Registry
from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.sites import Adapter, Device, Facility, Needs, Village
from siaga.timeline.maintenance import MaintenanceWindow
from tests.simulation.faults import Faults
from tests.simulation.system import SETTLES, UPLINK, Place, System

__all__ = ["Happenings"]

TIMES = 6
"""How often something of it happens in a run, on average."""
AGAIN = 5 * SECOND
"""How often people look whether they can go on."""
TOGETHER = 20 * SECOND
"""Within how long villages that share an uplink are lost: it is their last arrivals that count."""


class Happenings:
    """Lets them happen until the faults end."""

    def __init__(self, system: System, faults: Faults) -> None:
        self.system, self.kernel, self.faults = system, system.kernel, faults
        self.chance = random.Random(f"happens {system.options.seed}")
        self._numbers = 0

    def begin(self) -> None:
        """Plan the first; each plans the next."""
        if self.system.options.happenings:
            self.kernel.after(SETTLES, self._next)

    def _next(self) -> None:
        options = self.system.options
        at = self.kernel.time + round(self.chance.expovariate(TIMES / options.trouble))
        if at < self.faults.end - options.trouble // 20:
            self.kernel.at(at, self._happen)

    def _happen(self) -> None:
        kind: Callable[[], None] = getattr(self, self.chance.choice(self.system.options.happenings))
        kind()
        self._next()

    def _when(self, can: Callable[[], bool], do: Callable[[], None]) -> None:
        """Do something as soon as it can be done."""
        if can():
            do()
        else:
            self.kernel.after(AGAIN, lambda: self._when(can, do))

    def _database_answers(self) -> bool:
        return not self.system.database_disk.full

    # Uplinks

    def shared_uplink(self) -> None:
        """The cable that all villages hang on is cut."""
        options = self.system.options
        length = self.chance.choice([options.offline_after // 2, options.offline_after * 2, options.longest])
        length = min(length, self.faults.end - self.kernel.time)
        self.kernel.note("shared_uplink", f"for {length // 1000} s")
        for place in self.system.places:
            self.kernel.after(self.chance.uniform(0, TOGETHER), lambda place=place: self._cut(place, length))  # type: ignore[misc] # bound now

    def _cut(self, place: Place, length: int) -> None:
        if not self.system.healing:
            self.faults.cut(place.uplink, [place.gateway], length)

    # Planned work

    def maintenance(self) -> None:
        """Somebody declares a window, beforehand, meanwhile or afterwards; and may take it back."""
        days = self.system.options.days
        length = self.chance.choice([HOUR // 2, 3 * HOUR, 10 * HOUR] if days else [2 * MINUTE, 5 * MINUTE, 10 * MINUTE])
        start = self.kernel.time + round(length * self.chance.uniform(-2, 1))
        place = self.chance.choice(self.system.places)
        facility = self.chance.choice([None, *(each.id for each in place.village.facilities if each.kind != "power")])
        uplink = UPLINK if place.village.uplink is not None and self.chance.random() < 0.3 else None
        window = MaintenanceWindow(
            UUID(int=self.chance.getrandbits(128)).hex,
            None if uplink is not None else place.village.code,
            None if uplink is not None else facility,
            uplink,
            start,
            start + length,
            "FREQ=DAILY" if days and self.chance.random() < 0.3 else None,
        )
        self._when(self._database_answers, lambda: self._declare(window))
        if self.chance.random() < 0.4:
            later = length * self.chance.uniform(0, 3)
            self.kernel.after(
                later, lambda: self._when(lambda: self._can_take_back(window), lambda: self._take(window))
            )

    def _declare(self, window: MaintenanceWindow) -> None:
        self.kernel.note("maintenance", f"{window.village or window.uplink}/{window.facility} {window.rrule or ''}")
        row = {
            "id": window.id,
            "village": window.village,
            "facility": window.facility,
            "uplink": window.uplink,
            "start": window.start,
            "end": window.end,
            "rrule": window.rrule,
            "reason": "",
            "created_by": "wahyu",
            "created_at": self.system.centre_clock.now(),
        }
        window = replace(window, declared=self.system.centre_clock.now())
        self.system.nobody_runs()
        with writing(self.system.database) as connection:
            connection.execute(tables.maintenance.insert(), row)
        versions = self.system.versions
        versions.note(self.kernel.time, windows={**versions.now.windows, window.id: window})

    def _can_take_back(self, window: MaintenanceWindow) -> bool:
        return self._database_answers() and window.id in self.system.versions.now.windows

    def _take(self, window: MaintenanceWindow) -> None:
        self.kernel.note("maintenance", f"{window.village or window.uplink}/{window.facility} taken back")
        table, versions = tables.maintenance, self.system.versions
        values = {"deleted_at": self.system.centre_clock.now(), "deleted_by": "wahyu"}
        self.system.nobody_runs()
        with writing(self.system.database) as connection:
            connection.execute(table.update().where(table.c.id == window.id).values(values))
        left = {name: each for name, each in versions.now.windows.items() if name != window.id}
        versions.note(self.kernel.time, windows=left)

    # Another sites file

    def registry(self) -> None:
        """Something in the sites file changes: first the centre imports it, then the gateway gets it."""
        self._when(self._database_answers, self._change)

    def _change(self) -> None:
        if self.system.healing:
            return
        place, self._numbers = self.chance.choice(self.system.places), self._numbers + 1
        changes = [self._other_terms, self._other_rhythm, self._device_more, self._device_less]
        change = self.chance.choice([*changes, self._facility_more, self._facility_less, None])
        if change is None:
            self._village_more()
            return
        village = change(place.village)
        if village != place.village:
            self.kernel.note("registry", f"{place.village.code} {change.__name__}")
            self._import(place, village)

    def _other_terms(self, village: Village) -> Village:
        facility = self._one_of(village)
        grace = self.chance.choice([30 * SECOND, MINUTE, 3 * MINUTE])
        needs, target = self.chance.choice([Needs.ANY, Needs.ALL]), self.chance.choice([None, 0.5, 0.9])
        return _with(village, replace(facility, grace=grace, needs=needs, target=target))

    def _other_rhythm(self, village: Village) -> Village:
        facility, every = self._one_of(village), self.system.options.every
        rhythm = self.chance.choice([every, every * 2])
        return _with(village, replace(facility, devices=tuple(replace(one, every=rhythm) for one in facility.devices)))

    def _device_more(self, village: Village) -> Village:
        gate = next((each for each in village.facilities if each.kind == "gate"), None)
        if gate is None:
            return village
        new = Device(f"gerbang-{self._numbers + 2}", Adapter.SENML, self.system.options.every)
        return _with(village, replace(gate, devices=(*gate.devices, new)))

    def _device_less(self, village: Village) -> Village:
        facility = self._one_of(village)
        gone = self.chance.choice(facility.devices)
        left = tuple(device for device in facility.devices if device != gone)
        return _with(village, replace(facility, devices=left)) if left else village

    def _facility_more(self, village: Village) -> Village:
        server = Device(f"server-{self._numbers}", Adapter.SENML, self.system.options.every)
        new = Facility(f"layanan-{self._numbers}", "it_service", "Layanan", (server,), grace=MINUTE)
        return replace(village, facilities=(*village.facilities, new))

    def _facility_less(self, village: Village) -> Village:
        gone = self._one_of(village)
        left = tuple(each for each in village.facilities if each is not gone)
        return replace(village, facilities=left) if len(left) > 2 else village

    def _one_of(self, village: Village) -> Facility:
        return self.chance.choice([each for each in village.facilities if each.kind != "power"])

    def _village_more(self) -> None:
        if len(self.system.places) > self.system.options.villages:
            return
        place = Place(self.system, len(self.system.places) + 1, self.system.directory)
        self.kernel.note("registry", f"{place.village.code} is new")
        place.told = self.system.centre_clock.now()
        self.system.places.append(place)
        place.gateway.running = self.system.now_running
        self._tell_centre()
        self._when(lambda: self._collectors_know(place), place.gateway.start)
        self._when(lambda: place.gateway.is_known, lambda: self._switch_on(place, set(place.devices)))

    def _import(self, place: Place, village: Village) -> None:
        before, after, code = _ids(place.village), _ids(village), village.code
        place.village = village
        self._tell_centre()
        for gone in sorted(before - after):
            self.system.records.retire(code, gone, self.system.store.has)
        self._when(lambda: self._collectors_know(place), lambda: self._tell_village(place))

    def _tell_centre(self) -> None:
        self.system.nobody_runs()
        Registry(self.system.database).replace(self.system.villages, self.system.centre_clock.now())
        self.system.versions.note(self.kernel.time, self.system.villages)

    def _collectors_know(self, place: Place) -> bool:
        """A device is switched on when the centre knows of it: what is said before is refused."""
        ids = _ids(place.village)
        return all(collector.knows(place.village.code, ids) for collector in self.system.collectors)

    def _tell_village(self, place: Place) -> None:
        village = place.village
        place.gateway.reconfigure(village)
        found = {device.id: device for facility in village.facilities for device in facility.devices}
        for name, known in list(place.devices.items()):
            known.village = village
            if name in found:
                known.device = found[name]
            else:
                known.hangs = True
                del place.devices[name]
        new = found.keys() - place.devices.keys()
        for name in sorted(new):
            place.devices[name] = place.install(found[name])
        self._when(lambda: place.gateway.is_known, lambda: self._switch_on(place, set(new)))

    def _switch_on(self, place: Place, devices: set[str]) -> None:
        for name in sorted(devices & place.devices.keys()):
            self.kernel.after(15 * SECOND, place.devices[name].start)


def _ids(village: Village) -> set[str]:
    return {device.id for facility in village.facilities for device in facility.devices}


def _with(village: Village, facility: Facility) -> Village:
    """The village with another facility of this id."""
    return replace(
        village, facilities=tuple(facility if each.id == facility.id else each for each in village.facilities)
    )
