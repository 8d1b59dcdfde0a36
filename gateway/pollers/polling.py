"""All devices that are asked: asks those that are due, and says what the answers mean.

Synchronous, and without waiting: `begin` puts questions, `finish` takes answers. The internet is asked once for all
devices that want to know, as often as the most demanding of them reports.
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
"""The families that are asked, by their name in the sites file."""
INTERNET: Key = ("", "internet")
"""Under this key the internet is asked; no village has an empty code."""


class Polled(NamedTuple):
    """What an answer means for a device, and when it came, monotonic ms."""

    installed: Installed
    translation: Translation
    at: int


class Polling:
    """The devices to be asked. `internet`: the address that stands for it; `None`: it is not asked."""

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
        """How each is asked, after what it answered."""
        self._last_internet: dict[Key, tuple[bool, int]] = {}
        """What each device was last told of the internet, and when."""
        self.states: dict[Key, str] = {}
        """How each device answered last, in words; the internet under `INTERNET`."""
        self._logged: dict[Key, str] = {}

    def update(self, devices: Mapping[Key, Installed], now: int) -> None:
        """Take over the devices that there are; those that are heard are left aside. `now`: monotonic ms."""
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
        """Ask whoever is due."""
        self._metrics.poll_lag.set(self._schedule.late(now) / 1000)
        for key in self._schedule.take(now):
            patience = self._patience.get(key, Patience())
            self._metrics.polls.inc()
            self.asker.ask(key, patience.asked(self._questions[key]), patience.timeout(self._every[key]) / 1000)

    def finish(self) -> Iterator[Polled]:
        """What has been answered meanwhile, for each device that it says something of."""
        for answered in self.asker.answers():
            self._schedule.done(answered.key, self._pause(answered))
            if isinstance(answered.answer, Unasked):
                self._metrics.unasked.inc()
            if answered.key == INTERNET:
                self._note(INTERNET, answered.answer)
                yield from self._for_all(answered)
            elif answered.question == self._questions.get(answered.key):  # else it is another device, or none, since
                self._note(answered.key, answered.answer)
                yield self._polled(answered.key, answered)

    def _pause(self, answered: Answered) -> int:
        """Learn how to ask next time. Returns until when not to ask, monotonic ms."""
        key = answered.key
        if key not in self._every or answered.question != self._questions.get(key):
            return answered.at
        self._patience[key] = self._patience.get(key, Patience()).after(answered.answer)
        return answered.at + self._patience[key].pause(self._every[key])

    def deadline(self) -> int | None:
        """When somebody is due next, monotonic ms. An answer rings by itself."""
        return self._schedule.deadline()

    def close(self) -> None:
        """Ask no more."""
        self.asker.close()

    def _for_all(self, answered: Answered) -> Iterator[Polled]:
        """The internet's answer for every device that wants it: at once where it is another one, else as it reports."""
        if not isinstance(answered.answer, Said):
            return
        said = answered.answer.yes
        for key, installed in self._installed.items():
            if not wants_internet(installed):
                continue
            before, when = self._last_internet.get(key, (None, 0))
            # Two checks are nine tenths of the shortest `every` apart, or more: so much early may be this one, too
            if said == before and answered.at - when < installed.device.every - self._every.get(INTERNET, 0) // 2:
                continue
            self._last_internet[key] = (said, answered.at)
            yield self._polled(key, answered)

    def _polled(self, key: Key, answered: Answered) -> Polled:
        installed = self._installed[key]
        poller = POLLERS[installed.device.adapter]
        return Polled(installed, poller.translate(installed, answered.question, answered.answer), answered.at)

    def _note(self, key: Key, answer: Answer) -> None:
        """Log how a device answers when that is something else than before; which way a yes came is of no interest."""
        good = isinstance(answer, Said) and answer.yes
        how = "" if good else answer.how
        self.states[key] = answer.how or "answers"
        if how != self._logged.get(key, ""):
            log.info("polled", village=key[0] or None, device=key[1], how=self.states[key])
        self._logged[key] = how
