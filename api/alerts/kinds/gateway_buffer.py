"""`gateway_buffer`: a gateway's buffer is over 80 % full."""

from api.alerts.certainty import Rests
from api.alerts.decision import Decision, Hold, Raise, clear_when_steady
from api.alerts.gateway import BUFFER_FULL, Buffer, WatchedGateway
from api.alerts.kinds.kind import AlertKind, Look
from siaga.model.alert_kinds import Kind

__all__ = ["GatewayBuffer", "gateway_buffer"]


class GatewayBuffer(AlertKind[WatchedGateway]):
    """A gateway is about to lose readings."""

    kind = Kind.GATEWAY_BUFFER
    rests = Rests.WORD

    def decide(self, look: Look[WatchedGateway]) -> Decision:
        """Decide by what it last said of its buffer."""
        return gateway_buffer(look.subject.buffer, look.now, open_since=look.open_since, steady=look.steady)


def gateway_buffer(buffer: Buffer, now: int, *, open_since: int | None, steady: int = 0) -> Decision:
    """Decide on a gateway's buffer. `steady`: for how long it has to have room before the alert clears, ms."""
    if buffer.fill is None:
        return Hold("not_said")
    full = buffer.fill > BUFFER_FULL
    if open_since is None:
        if not full:
            return Hold("has_room")
        return Raise("nearly_full", buffer.since, None, {"buffer": buffer.fill, "thinned": buffer.thinned})
    if full:
        return Hold("still_full")
    return clear_when_steady("has_room", max(buffer.since, open_since), now, steady)
