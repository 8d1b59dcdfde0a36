"""All that can happen to a village, as values: what `WatchedVillage.take` takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.alerts.alert import OpenAlert
from api.alerts.messages import MessageTaken
from api.alerts.questions import RecentAnswer
from siaga.model.intervals import Interval
from siaga.model.observation import Arrival, TrackKey
from siaga.model.sites import Village
from siaga.timeline.judge import Span
from siaga.timeline.maintenance import Planned
from siaga.timeline.rolling import Trend

__all__ = [
    "AlertTaken",
    "AnswerTaken",
    "Attached",
    "ClockSet",
    "Happening",
    "Lost",
    "MissBegan",
    "NotRecalled",
    "NothingToJudge",
    "OutageOver",
    "Rebuilt",
    "Recalled",
    "Reconnected",
    "Registered",
    "Replanned",
    "Resumed",
    "StoodStill",
    "TakenOut",
    "WorldChanged",
]


@dataclass(frozen=True, slots=True)
class Attached:
    """The database has an open alert of the village."""

    alert: OpenAlert


@dataclass(frozen=True, slots=True)
class Lost:
    """The village has a part in an open `village_offline`."""

    alert: OpenAlert


@dataclass(frozen=True, slots=True)
class OutageOver:
    """The alert of the village's last absence is over by its return."""


@dataclass(frozen=True, slots=True)
class NothingToJudge:
    """All that was marked to be judged again lies in what memory covers."""


@dataclass(frozen=True, slots=True)
class MissBegan:
    """Older spans showed since when the share of a facility has been below its target."""

    facility: str
    trend: Trend


@dataclass(frozen=True, slots=True)
class Registered:
    """The registry has the village changed."""

    village: Village


@dataclass(frozen=True, slots=True)
class TakenOut:
    """The registry has the village no more."""


@dataclass(frozen=True, slots=True)
class Replanned:
    """The declared maintenance has changed. `missed`: stretches that were declared, or taken back, while no engine ran;
    `None`: what is planned differs from now on."""

    planned: Sequence[Planned]
    missed: Sequence[Interval] | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """The inbox was replayed. From here on holds what the database says of the link (`None`: nothing)."""

    link: str | None = None
    since: int | None = None
    last_arrival: int | None = None


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The engine hears the broker again. `lost_since`: what was published since then may never come."""

    lost_since: int | None


@dataclass(frozen=True, slots=True)
class StoodStill:
    """The engine was woken far too late: what came meanwhile waits to be taken."""


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The wall clock was set: all deadlines are wrong."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """The store's answer about a village's memory. `first_spans`: where the spans of its facilities begin in the
    database, if a facility is to be judged as a whole."""

    answer: RecentAnswer
    first_spans: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NotRecalled:
    """The store has not answered in time; `first_spans` as in `Recalled`."""

    first_spans: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A stretch of history was judged again and written.

    `spans`: of the facilities that changed by it, their spans in the database, as far back as memory keeps them
    (`None`: what is in memory did not change). `failed`: the same from where their open `facility_failed` began.
    `took`: ms.
    """

    window: Interval
    first: Mapping[TrackKey, int]
    spans: Mapping[str, list[Span] | None]
    failed: Mapping[str, Sequence[Span]]
    took: int


AnswerTaken = Recalled | NotRecalled | Rebuilt | Arrival | NothingToJudge
AlertTaken = Attached | Lost | OutageOver | MissBegan
WorldChanged = Registered | TakenOut | Replanned | Resumed | Reconnected | StoodStill | ClockSet
Happening = MessageTaken | AnswerTaken | AlertTaken | WorldChanged
