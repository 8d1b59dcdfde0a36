"""A device's session with the village broker: the `online` signal, and when to repeat it.

Births, last wills and availability topics set it. In addition, a live message of the device after a last will revokes
the will, because that will is stale: a device that lost power reconnects under another client id, and the broker
notices only later that the old session is dead. Then it publishes the old will after the new birth.

The centre treats each `online` of `false` as a last will: what was observed before becomes unknown. So `false` is
repeated only while nothing newer was heard of the device. Kept data may be newer than the will, but does not show that
the device is there now. Then the gateway reports no `online`, and the data stays valid.

A retained message may be wrong: a birth under a name that the device had once, or a will that was revoked. So a
retained birth counts only once the device is heard. A retained will counts if the device was online or nothing is
known of it, but not if the will was revoked.
"""

from dataclasses import dataclass

__all__ = ["Presence"]


@dataclass(slots=True)
class Presence:
    """One device's session.

    `online`: `None` if not known.
    `since`: event time (ms) from which `online` holds. `said`: event time (ms) at which it was last reported.
    `claimed`: a retained birth that waits until the device is heard.
    `overruled`: data arrived after the last will. `online` is `True` if that data was live, `None` if it was kept.
    """

    online: bool | None = None
    since: int = 0
    said: int = 0
    claimed: bool = False
    overruled: bool = False

    def told(self, online: bool, time: int, every: int, *, retained: bool) -> bool:
        """Process a birth or last will. Returns whether to report `online` now.

        A repetition is reported only if the last report is older than half of `every`: two devices with the same client
        id disconnect each other, and send a birth each second.
        """
        if retained:
            if online and self.online is not True:
                self.claimed = True
                return False
            if not online and (self.online is False or self.overruled):
                return False
        self.claimed = False
        self.overruled = False
        if online == self.online and time - self.said < every // 2:
            return False
        if online != self.online:
            self.since = time
        self.online, self.said = online, time
        return True

    def heard(self, time: int, *, live: bool) -> bool:
        """Process a message of the device itself. Returns whether to report `online` now.

        Args:
            time: its event time, ms.
            live: False if a broker retained or kept it: it does not show that the device is there now.
        """
        after_will = self.online is False or (self.online is None and self.overruled)
        if live and (self.claimed or after_will):
            self.claimed, self.overruled = False, after_will
            self.online, self.since, self.said = True, time, time
            return True
        if self.online is False and time > self.since:
            self.online, self.overruled = None, True
        return False

    def forget(self) -> None:
        """Handle a broker that lost its sessions: a device that was online must send a message or a birth again."""
        if self.online is True:
            self.online, self.claimed, self.overruled = None, True, False

    def due(self, every: int) -> int | None:
        """Returns when `online` has to be repeated, event time in ms; `None` if it is not known.

        It is repeated a tenth of `every` early, so that it reaches the centre within `every` of the last one.
        """
        return None if self.online is None else self.said + every - every // 10
