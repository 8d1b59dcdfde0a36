"""What the gateway refuses: counted at once, and a sample of it sent to the centre, where people look at it.

Samples have a bound in number and in rate, a village each, so that one broken device neither fills a thin link nor
hides what the others do. What finds no room is counted all the same.
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
"""Samples that wait for a connection: some 500 kB."""
BURST, PER_SECOND = 100, 2.0
"""Samples of one village at once, and for ever: 2 a second are about 1 kB/s."""
MAX_TOPIC = 1_000
"""Characters of a topic that are shown."""


@dataclass(slots=True)
class _Allowance:
    left: float
    at: int


class Refusals:
    """Refused messages of one gateway process. `gateway_of` says under which id the gateway speaks for a village."""

    def __init__(self, gateway_of: Callable[[str], str], metrics: GatewayMetrics) -> None:
        self._gateway_of = gateway_of
        self._metrics = metrics
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._allowances: dict[str, _Allowance] = {}

    @property
    def waiting(self) -> int:
        """Samples that are not sent yet."""
        return len(self._waiting)

    def note(self, why: Refused, village: str | None, message: Message, now: int) -> None:
        """Count a refusal and keep a sample of it for a village's gateway to send; `now` in ms."""
        refused(why.label)
        self.show(why.sentence, village, message, now)

    def show(self, sentence: str, village: str | None, message: Message, now: int) -> None:
        """Keep a sample of what was refused or dropped, and counted by the caller."""
        if village is None or len(self._waiting) >= MAX_WAITING or not self._allowed(village, now):
            self._metrics.lost_samples.inc()
            return
        refusal = Refusal(village, now, message.topic[:MAX_TOPIC], sentence, sample(message.payload))
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
        """Publish what waits, as far as the transport takes it."""
        while self._waiting and transport.publish(*self._waiting[0]):
            self._waiting.popleft()
