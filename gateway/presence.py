"""What the gateway knows of a device's session: `online`, and when to say it again.

Births, last wills and availability topics set it, and one thing more: a message of the device itself that comes live
after a last will takes the will back. Such a will is stale. A device that lost power connects again under another
client id; the broker finds the old session dead only later, and publishes its will behind the new birth.

Every `false` is a last will at the centre: it makes unknown what was observed before. So a `false` is repeated only
while nothing newer was heard of the device. Data that a broker kept may be newer than the will, and does not say that
the device is there now: then the gateway is silent about `online`, and the data holds.

What a broker retained is what it believes, and it may be wrong: a birth under a name that a device had once, a will
that nobody took back. A retained birth therefore waits until the device is heard, unless it says what is known. A
retained will is news of a device of which nothing is known, or which was online; a will that was taken back is none.
"""

from dataclasses import dataclass

__all__ = ["Presence"]


@dataclass(slots=True)
class Presence:
    """One device's session. `online` `None`: not known. `since` and `said` are event times in ms.

    `claimed` is a retained birth that is not believed yet; `overruled` says that data came after the last will. With it
    `online` is `None` where that data was kept by a broker, and `True` where it came live.
    """

    online: bool | None = None
    since: int = 0
    said: int = 0
    claimed: bool = False
    overruled: bool = False

    def told(self, online: bool, time: int, every: int, *, retained: bool) -> bool:
        """A birth or last will; whether there is an `online` to report now.

        A repetition is reported only when the last report is old: two devices that fight for one client id send a
        birth each second.
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
        """The device itself spoke, at this event time; whether there is an `online` to report now.

        Not `live` is what a broker had retained or kept: it does not say that the device is there now.
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
        """The broker lost what it knew of sessions: a device that was online has to be heard, or born, again."""
        if self.online is True:
            self.online, self.claimed, self.overruled = None, True, False

    def due(self, every: int) -> int | None:
        """When `online` has to be said again, ms; `None`: there is nothing to say.

        A tenth early, so that the repetition is at the centre before the one before it has aged `every`.
        """
        return None if self.online is None else self.said + every - every // 10
