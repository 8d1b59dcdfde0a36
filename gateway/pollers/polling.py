"""All polled devices: polls those that are due, and translates the answers.

It never blocks: `begin` sends questions, `finish` takes answers. One internet check serves all devices that need it, at
the shortest `every` among them.
"""

import random
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import structlog

from gateway.adapters.interface import Installed, Translation
from gateway.metrics import GatewayMetrics
from gateway.pollers.asking import AT_ONCE, Answered, Asker
from gateway.pollers.interface import Answer, Internet, Poller, Question, Said, Unasked
from gateway.pollers.patience import Patience
from gateway.pollers.probe import Probe, wants_internet
from gateway.pollers.schedule import Key, Schedule
from gateway.pollers.snmp import Snmp
from siaga.model.sites import Adapter as Family
from siaga.sites.poll_address import BadAddress, WebAddress

__all__ = ["POLLERS", "Polled", "Polling"]

log = structlog.get_logger(__name__)

POLLERS: Mapping[Family, Poller] = {Family.PROBE: Probe(), Family.SNMP: Snmp()}
"""The polled families, by their name in the sites file."""
INTERNET: Key = ("", "internet")
"""The key of the internet check; no village has an empty code."""


class Polled(NamedTuple):
    """The meaning of an answer for a device. `at`: when it came, monotonic ms."""

    installed: Installed
    translation: Translation
    at: int


class Polling:
    """The polled devices. `internet`: the address of the internet check; `None` for no check."""

    def __init__(
        self, asker: Asker, chance: random.Random, metrics: GatewayMetrics, *, internet: WebAddress | None = None
    ) -> None:
        self.asker = asker
        self._metrics = metrics
        self._internet = internet
        self._schedule = Schedule(chance, AT_ONCE)
        self._questions: dict[Key, Question] = {}
        self._every: dict[Key, int] = {}
        self._installed: dict[Key, Installed] = {}
        self._patience: dict[Key, Patience] = {}
        """The back-off state of each."""
        self._last_internet: dict[Key, tuple[bool, int]] = {}
        """The internet state last reported for each device, and when, monotonic ms."""
        self.states: dict[Key, str] = {}
        """The last answer of each device, in words; the internet's under `INTERNET`."""
        self._logged: dict[Key, str] = {}

    def update(self, devices: Mapping[Key, Installed], now: int) -> None:
        """Replace the devices. Families that publish by themselves are skipped. `now`: monotonic ms."""
        self._installed = {key: each for key, each in devices.items() if each.device.adapter in POLLERS}
        before, self._questions = self._questions, {}
        for key, installed in self._installed.items():
            try:
                question = POLLERS[installed.device.adapter].question(installed)
            except BadAddress as problem:
                self._note(key, Unasked(f"cannot be asked: its address, or a key of its map, {problem}"))
                continue
            if question is not None:
                self._questions[key] = question
        self._every = {key: self._installed[key].device.every for key in self._questions}
        curious = [each.device.every for each in self._installed.values() if wants_internet(each)]
        if curious and self._internet is not None:
            self._questions[INTERNET] = Internet(self._internet)
            self._every[INTERNET] = min(curious)
        kept = self._installed.keys() | self._questions.keys()
        self.states = {key: how for key, how in self.states.items() if key in kept}
        self._logged = {key: how for key, how in self._logged.items() if key in kept}
        self._last_internet = {key: last for key, last in self._last_internet.items() if key in self._installed}
        self._patience = {
            key: known
            for key, known in self._patience.items()
            if key in self._questions and self._questions[key] == before.get(key)
        }
        self._schedule.update(self._every, now)

    def begin(self, now: int) -> None:
        """Poll the devices that are due. `now`: monotonic ms."""
        self._metrics.poll_lag.set(self._schedule.late(now) / 1000)
        for key in self._schedule.take(now):
            patience = self._patience.get(key, Patience())
            self._metrics.polls.inc()
            self.asker.ask(key, patience.asked(self._questions[key]), patience.timeout(self._every[key]) / 1000)

    def finish(self) -> Iterator[Polled]:
        """Yields the meaning of the answers since the last call, for each device concerned."""
        for answered in self.asker.answers():
            self._schedule.done(answered.key, self._pause(answered))
            if isinstance(answered.answer, Unasked):
                self._metrics.unasked.inc()
            if answered.key == INTERNET:
                self._note(INTERNET, answered.answer)
                yield from self._for_all(answered)
            elif answered.question == self._questions.get(answered.key):  # else it was changed or removed meanwhile
                self._note(answered.key, answered.answer)
                yield self._polled(answered.key, answered)

    def _pause(self, answered: Answered) -> int:
        """Update the back-off. Returns the earliest time of the next poll, monotonic ms."""
        key = answered.key
        if key not in self._every or answered.question != self._questions.get(key):
            return answered.at
        self._patience[key] = self._patience.get(key, Patience()).after(answered.answer)
        return answered.at + self._patience[key].pause(self._every[key])

    def deadline(self) -> int | None:
        """Returns when the next poll is due, monotonic ms. Answers ring the bell, so they need no deadline."""
        return self._schedule.deadline()

    def close(self) -> None:
        """Poll no more."""
        self.asker.close()

    def _for_all(self, answered: Answered) -> Iterator[Polled]:
        """Yields the internet state for each device that needs it: at once if it changed, else once per `every`."""
        if not isinstance(answered.answer, Said):
            return
        said = answered.answer.yes
        for key, installed in self._installed.items():
            if not wants_internet(installed):
                continue
            before, when = self._last_internet.get(key, (None, 0))
            # Two checks are at least nine tenths of the shortest `every` apart, so a check may come early.
            if said == before and answered.at - when < installed.device.every - self._every.get(INTERNET, 0) // 2:
                continue
            self._last_internet[key] = (said, answered.at)
            yield self._polled(key, answered)

    def _polled(self, key: Key, answered: Answered) -> Polled:
        installed = self._installed[key]
        poller = POLLERS[installed.device.adapter]
        return Polled(installed, poller.translate(installed, answered.question, answered.answer), answered.at)

    def _note(self, key: Key, answer: Answer) -> None:
        """Log a device's answer if it changed. Two positive answers are equal, however they came."""
        good = isinstance(answer, Said) and answer.yes
        how = "" if good else answer.how
        self.states[key] = answer.how or "answers"
        if how != self._logged.get(key, ""):
            log.info("polled", village=key[0] or None, device=key[1], how=self.states[key])
        self._logged[key] = how
