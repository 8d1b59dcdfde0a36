"""A simulated gateway of a village, by the wire format: it buffers, sends batches, and retries until acknowledged.

Pure, like the devices: `tick` returns what is sent, `acknowledged` takes the answers. Its faults: killed, no power, SD
card lost, link cut or slow, batches duplicated or reordered.
"""

import gzip
import json
import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from firmware_sim.faults import Fault, FaultKind
from firmware_sim.link import SlowLink
from firmware_sim.scene import Scene
from firmware_sim.senses import Value
from firmware_sim.wire import Packet

__all__ = ["IN_FLIGHT", "RETRY", "Parcel", "Reading", "VillageGateway"]

SECOND = 1_000
HEARTBEAT = 30 * SECOND
MOST = 2_000
"""Readings in one batch at most."""
IN_FLIGHT = 8
"""Unacknowledged batches at most."""
RETRY = 20 * SECOND
"""Time before the first retry of an unacknowledged batch, ms. It doubles with each: a centre that cannot keep up is not
sent ever more."""
MOST_DOUBLED = 2
"""How often it doubles."""
DOWN = (FaultKind.GATEWAY_KILL, FaultKind.SD_CARD_LOST)
CUT = (FaultKind.LINK_CUT, FaultKind.BROKER_RESTART)


@dataclass(frozen=True, slots=True)
class Reading:
    """Values of one device.

    `time`: event time, ms. `sent`: when the device sent them, ms. `timed`: the device's message had a time.
    """

    device: str
    time: int
    sent: int
    values: dict[str, Value]
    timed: bool


@dataclass(slots=True)
class Parcel:
    """One batch in flight. `due`: when it arrives over a slow link, or is sent again, ms. `sent`: how often it was."""

    epoch: str
    seq: int
    readings: list[Reading]
    payload: bytes
    due: int
    sent: int = 0


class VillageGateway:
    """One gateway, from `start`. Times in ms.

    `patience`: how long it collects readings before it sends them.
    `again`: how long it waits for an acknowledgement before a retry.
    """

    def __init__(self, scene: Scene, name: str, seed: int, start: int, patience: int = SECOND) -> None:
        self.scene, self.name = scene, name
        self.patience = patience
        self.again = RETRY
        self._chance = random.Random(f"{seed}/{scene.village.code}/{name}")  # noqa: S311 - a simulation that repeats
        self._link = SlowLink(self._chance)
        self._every = {device.id: device.every for device in scene.village.devices}
        self._epoch, self._seq = "", 0
        self._next_alive = start
        self.running = False
        self._unsent: list[Reading] = []
        self._kept: list[tuple[str, Packet]] = []
        self._flying: dict[int, Parcel] = {}
        self._lost_cards: set[int] = set()
        self._online: dict[str, tuple[bool, int]] = {}
        self._oldest_unsent: int | None = None
        self.given_up: list[Reading] = []
        """Readings lost with an SD card. The reader clears the list."""
        self.new_epoch()

    @property
    def village(self) -> str:
        """The village's code."""
        return self.scene.village.code

    def new_epoch(self) -> None:
        """Start a new buffer."""
        self._epoch, self._seq = str(uuid.UUID(int=self._chance.getrandbits(128), version=4)), 0

    def broker_up(self, now: int) -> bool:
        """Returns whether the village's broker has power. Devices reach it even if the gateway itself is down."""
        return not any(begin <= now < end for begin, end in self.scene.gateway_outages())

    def hear(self, device: str, packet: Packet, now: int) -> None:
        """Process a device's message. While the gateway is down, its broker keeps it."""
        if self.running:
            self._take(device, packet, now)
        else:
            self._kept.append((device, packet))

    def _take(self, device: str, packet: Packet, now: int) -> None:
        values = dict(packet.values)
        if "online" in values:
            self._online[device] = (bool(values["online"]), now)
        if values:
            time = now if packet.time is None else packet.time
            self._add(Reading(device, time, now, values, packet.timed))

    def _add(self, reading: Reading) -> None:
        self._unsent.append(reading)
        if self._oldest_unsent is None:
            self._oldest_unsent = reading.sent

    def tick(self, now: int) -> list[Parcel]:
        """Returns the batches to publish now. A batch is returned again until it is acknowledged."""
        self._live_or_die(now)
        if not self.running:
            return []
        while self._next_alive <= now:
            self._add(Reading(self.name, self._next_alive, now, {"alive": True}, True))
            self._next_alive += HEARTBEAT
        self._repeat_online(now)
        if self.cut(now):
            for parcel in self._flying.values():
                parcel.due = now
            return []
        return self._arranged(self._sent(now), now)

    def retry_after(self, again: int, now: int) -> None:
        """From now on, retry unacknowledged batches after this time, ms; also those that are in flight."""
        self.again = again
        for parcel in self._flying.values():
            parcel.due = min(parcel.due, now + again)

    def loses_its_card_by(self, moment: int) -> bool:
        """Returns whether the current SD card is lost by an instant (ms)."""
        return self._card_lost(moment) is not None

    def _card_lost(self, moment: int) -> Fault | None:
        card = self._fault(FaultKind.SD_CARD_LOST, moment)
        return None if card is None or card.start in self._lost_cards else card

    def _live_or_die(self, now: int) -> None:
        if card := self._card_lost(now):
            self._lost_cards.add(card.start)
            self.given_up += self._unsent + [each for parcel in self._flying.values() for each in parcel.readings]
            self._unsent, self._flying, self._oldest_unsent = [], {}, None
            self.new_epoch()
        runs = self.broker_up(now) and not any(self._fault(kind, now) for kind in DOWN)
        if runs and not self.running:
            self._next_alive = now
            kept, self._kept = self._kept, []
            for device, packet in kept:
                self._take(device, packet, now)
        self.running = runs

    def cut(self, now: int) -> bool:
        """Returns whether the centre cannot be reached."""
        return any(self._fault(kind, now) for kind in CUT)

    def _fault(self, kind: FaultKind, now: int) -> Fault | None:
        return self.scene.here(kind, now)

    def _repeat_online(self, now: int) -> None:
        for device, (online, said) in self._online.items():
            if online and now - said >= self._every.get(device, 60 * SECOND) * 0.9:
                self._online[device] = (online, now)
                self._add(Reading(device, now, now, {"online": True}, True))

    def _sent(self, now: int) -> list[Parcel]:
        ready = [parcel for parcel in self._flying.values() if parcel.due <= now]
        while self._unsent and len(self._flying) < IN_FLIGHT and self._flush(now):
            parcel = self._pack(self._unsent[:MOST], now)
            del self._unsent[:MOST]
            self._oldest_unsent = self._unsent[0].sent if self._unsent else None
            self._flying[parcel.seq] = parcel
            if self._fault(FaultKind.LINK_SLOW, now):
                parcel.due = self._link.arrives((self.village, self.name), len(parcel.payload), now)
            else:
                ready.append(parcel)
        for parcel in ready:
            parcel.due = now + (self.again << min(parcel.sent, MOST_DOUBLED))
            parcel.sent += 1
        return ready

    def _flush(self, now: int) -> bool:
        full = len(self._unsent) >= MOST
        return full or (self._oldest_unsent is not None and now - self._oldest_unsent >= self.patience)

    def _arranged(self, parcels: list[Parcel], now: int) -> list[Parcel]:
        """Returns the batches, duplicated or reordered if such a fault is active."""
        if self._fault(FaultKind.DUPLICATES, now):
            parcels = [each for parcel in parcels for each in (parcel, parcel)]
        if self._fault(FaultKind.REORDERING, now):
            self._chance.shuffle(parcels)
        return parcels

    def _pack(self, readings: list[Reading], now: int) -> Parcel:
        self._seq += 1
        if self._fault(FaultKind.REORDERING, now):
            readings = self._chance.sample(readings, len(readings))
        base = min(each.time for each in readings)
        senml: list[dict[str, object]] = [
            {"n": f"{each.device}/{name}", "t": (each.time - base) / 1000, _key(value): value}
            for each in readings
            for name, value in each.values.items()
        ]
        senml[0]["bt"] = base / 1000
        wire = {"epoch": self._epoch, "seq": self._seq, "sent": now / 1000, "senml": senml}
        payload = gzip.compress(json.dumps(wire, separators=(",", ":")).encode(), compresslevel=1, mtime=0)
        return Parcel(self._epoch, self._seq, list(readings), payload, now)

    def acknowledged(self, epoch: str, seq: int) -> list[Reading]:
        """Process an acknowledgement. Returns the batch's readings the first time, afterwards none."""
        if epoch != self._epoch or (parcel := self._flying.pop(seq, None)) is None:
            return []
        return parcel.readings

    def pending(self) -> Iterable[Reading]:
        """Yields the readings that the centre has not acknowledged."""
        yield from self._unsent
        for parcel in self._flying.values():
            yield from parcel.readings

    @property
    def idle(self) -> bool:
        """Whether all readings are acknowledged."""
        return not self._unsent and not self._flying


def _key(value: Value) -> str:
    return "vb" if isinstance(value, bool) else "v"
