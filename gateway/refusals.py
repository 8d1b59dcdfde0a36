"""Refused messages: each is counted at once, and a sample is sent to the centre, where people look at it.

The number of waiting samples is bounded, and their rate is limited per village. So a broken device neither fills a slow
link nor hides the refusals of other villages. A sample without room is counted as lost.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.metrics import GatewayMetrics
from gateway.values import Refused
from siaga.metrics import refused
from siaga.mqtt.transport import Message, Transport
from siaga.wire.refusal import Refusal, encode_refusal, sample
from siaga.wire.topics import refused_topic

__all__ = ["Refusals"]

MAX_WAITING = 1_000
"""Samples that wait for a connection at most: some 500 kB."""
BURST, PER_SECOND = 100, 2.0
"""Rate limit of one village: samples at once, and per second in the long run (about 1 kB/s)."""
MAX_TOPIC = 1_000
"""Characters of a topic in a sample."""


@dataclass(slots=True)
class _Allowance:
    left: float
    at: int


class Refusals:
    """Refused messages of one gateway process. `gateway_of`: returns the gateway's id in a village."""

    def __init__(self, gateway_of: Callable[[str], str], metrics: GatewayMetrics) -> None:
        self._gateway_of = gateway_of
        self._metrics = metrics
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._allowances: dict[str, _Allowance] = {}

    @property
    def waiting(self) -> int:
        """The number of samples that are not sent yet."""
        return len(self._waiting)

    def note(self, why: Refused, village: str | None, message: Message, now: int) -> None:
        """Count a refusal, and queue a sample of it under the village's gateway; `now` in ms."""
        refused(why.label)
        self.show(why, village, message, now)

    def show(self, why: Refused, village: str | None, message: Message, now: int) -> None:
        """Queue a sample of a message that was refused or dropped. The caller counts it."""
        if village is None or len(self._waiting) >= MAX_WAITING or not self._allowed(village, now):
            self._metrics.lost_samples.inc()
            return
        refusal = Refusal(village, now, message.topic[:MAX_TOPIC], why.sentence, sample(message.payload), why.label)
        self._waiting.append((refused_topic(village, self._gateway_of(village)), encode_refusal(refusal)))

    def _allowed(self, village: str, now: int) -> bool:
        allowance = self._allowances.setdefault(village, _Allowance(BURST, now))
        passed = max(0, now - allowance.at)
        allowance.left = min(BURST, allowance.left + passed / 1000 * PER_SECOND)
        allowance.at = now
        if allowance.left < 1:
            return False
        allowance.left -= 1
        return True

    def send(self, transport: Transport) -> None:
        """Publish the waiting samples, as far as the transport takes them."""
        while self._waiting and transport.publish(*self._waiting[0]):
            self._waiting.popleft()
