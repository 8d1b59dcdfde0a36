"""`gateway_buffer`: a gateway's buffer is over 80 % full."""

from api.alerts.certainty import Rests
from api.alerts.decision import Decision, Hold, Raise, clear_when_steady
from api.alerts.gateway import BUFFER_FULL, Buffer, WatchedGateway
from api.alerts.kinds.kind import AlertKind, Look
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind

__all__ = ["GatewayBuffer", "gateway_buffer"]


class GatewayBuffer(AlertKind[WatchedGateway]):
    """A gateway is about to lose readings."""

    kind = Kind.GATEWAY_BUFFER
    rests = Rests.WORD

    def decide(self, _village: VillageState, subject: WatchedGateway, look: Look) -> Decision:
        """Decide by what it last said of its buffer."""
        return gateway_buffer(subject.buffer, look)


def gateway_buffer(buffer: Buffer, look: Look) -> Decision:
    """Decide on a gateway's buffer."""
    if buffer.fill is None:
        return Hold("not_said")
    full = buffer.fill > BUFFER_FULL
    if look.open_since is None:
        if not full:
            return Hold("has_room")
        return Raise("nearly_full", buffer.since, None, {"buffer": buffer.fill, "thinned": buffer.thinned})
    if full:
        return Hold("still_full")
    return clear_when_steady("has_room", max(buffer.since, look.open_since), look.now, look.steady)
