"""Alerts in the words of whoever looks; the templates only lay them out."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from api.queries.alert_list import AlertList, ListedAlert, Subject
from api.web.alert_filter import AlertFilter, Stage, stage_of
from api.web.alert_groups import MOST_GROUPS, RANKS, Group, by_subdistrict, grouped
from api.words import Words

__all__ = ["AlertRow", "Chip", "GroupView", "ListView", "Looking", "alert_row", "list_view", "severity_counts"]

_MOST_ROWS = 100
"""Rows of one group that was unfolded: more are counted."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Who looks at alerts, and when. `since`: the end of their visit before, wall time in ms.

    `often`: what was raised more than once within 24 hours, and how often.
    """

    words: Words
    name: str
    now: int
    since: int
    often: Mapping[Subject, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert. `who`: who takes care of it, or what became of it. `fresh`: raised since the visit before."""

    id: str
    revision: int
    severity: str
    severity_name: str
    stage: Stage
    stage_name: str
    what: str
    cause: str | None
    place: str
    village: str
    facility: str | None
    device: str | None
    since: str
    who: str
    notes: Sequence[str]
    fresh: bool


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group. `zone`: the time zone of its first village. `rows`: none where it is folded; `more`: how many it has
    beside them. `counts`: severity, number.
    """

    key: str
    title: str
    subtitle: str
    village: str | None
    zone: str
    folded: bool
    toggle: str
    rows: Sequence[AlertRow]
    more: int
    count: int
    counts: Sequence[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class Region:
    """A sub-district whose alerts there is no room for, as a link to them alone. `counts`: severity, name, number."""

    address: str
    code: str
    count: int
    counts: Sequence[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class Chip:
    """A counter that is a link. `mark`: which shape stands before it."""

    address: str
    text: str
    count: int
    on: bool
    mark: str = ""


@dataclass(frozen=True, slots=True)
class ListView:
    """The list: its groups, what there was no room for by sub-district, its counters, and what cleared lately.

    `more`: open alerts that are not listed. `newest`: the number of the newest event when it was read.
    """

    groups: Sequence[GroupView]
    regions: Sequence[Region]
    chips: Sequence[Chip]
    cleared: Sequence[AlertRow]
    shown: int
    total: int
    more: int
    newest: int


def list_view(looking: Looking, wanted: AlertFilter, listed: AlertList, cleared: AlertList, newest: int) -> ListView:
    """Returns the list that an address asks for. `newest`: the number of the newest event when it was read."""
    name, now = looking.name, looking.now
    source = cleared.alerts if wanted.state is Stage.CLEARED else listed.alerts
    shown = [alert for alert in source if wanted.fits(alert, name, now)]
    found = grouped(shown, wanted)
    groups = [_group(looking, wanted, group) for group in found[:MOST_GROUPS]]
    below = [] if wanted.state is Stage.CLEARED else [one for one in cleared.alerts if wanted.fits(one, name, now)]
    return ListView(
        groups=groups,
        regions=_regions(looking.words, wanted, found[MOST_GROUPS:]),
        chips=_chips(looking, wanted, listed.alerts),
        cleared=[alert_row(looking, alert) for alert in below],
        shown=len(shown),
        total=len(listed.alerts) + listed.more,
        more=listed.more,
        newest=newest,
    )


def alert_row(looking: Looking, alert: ListedAlert, *, with_village: bool = True) -> AlertRow:
    """Returns an alert in words. `with_village`: its village is named in the row, and not above it."""
    words, now = looking.words, looking.now
    stage = stage_of(alert, now)
    subject = alert.device or alert.facility_name or alert.facility or alert.village_name
    if alert.device is not None and alert.facility_name is not None:
        subject = f"{alert.device} ({alert.facility_name})"
    return AlertRow(
        id=alert.id,
        revision=alert.revision,
        severity=alert.severity,
        severity_name=words(f"severity_{alert.severity}"),
        stage=stage,
        stage_name=words(f"stage_{stage}"),
        what=words(f"alert_{alert.kind}", subject=subject) + words.clock(alert.evidence),
        cause=words.cause("failed", alert.cause) if alert.facility is not None else None,
        place=alert.village_name if with_village else "",
        village=alert.village,
        facility=None if alert.facility is None else f"{alert.village}/{alert.facility}",
        device=None if alert.device is None else f"{alert.village}/{alert.device}",
        since=_since(words, alert, now),
        who=_who(looking, alert, stage),
        notes=list(_notes(looking, alert)),
        fresh=alert.raised_at > looking.since and alert.cleared_at is None,
    )


def _since(words: Words, alert: ListedAlert, now: int) -> str:
    end = now if alert.cleared_at is None else (alert.ended_at or alert.cleared_at)
    return words(
        "alerts_since",
        time=words.time(alert.began_at, now, alert.timezone),
        duration=words.duration(max(0, end - alert.began_at)),
    )


def _who(looking: Looking, alert: ListedAlert, stage: Stage) -> str:
    """Returns who takes care of an alert, or until when it is left alone, or when it was over."""
    words, now = looking.words, looking.now
    if stage is Stage.CLEARED and alert.cleared_at is not None:
        return words("alerts_cleared_at", time=words.time(alert.cleared_at, now, alert.timezone))
    name = alert.assignee or alert.acknowledged_by or ""
    if stage is Stage.SNOOZED and alert.snoozed_until is not None:
        return words("alerts_snoozed_until", time=words.time(alert.snoozed_until, now, alert.timezone))
    if stage is Stage.TAKEN:
        return words("alerts_taken_by_me") if name == looking.name else words("alerts_taken_by", name=name)
    return words("stage_new")


def _notes(looking: Looking, alert: ListedAlert) -> Iterable[str]:
    words, evidence = looking.words, alert.evidence
    planned = evidence.get("planned_until")
    if isinstance(planned, str):
        until = round(datetime.fromisoformat(planned).timestamp() * 1000)
        yield words("planned", time=words.time(until, looking.now, alert.timezone))
    if evidence.get("mains") == "out":
        yield words("excuse_mains")
    if alert.cleared_at is None:
        times = looking.often.get((alert.kind, alert.village, alert.facility, alert.device))
        if times is not None:
            yield words("alerts_times", times=words.number(times))
    elif alert.acknowledged_at is not None:
        yield words("alerts_taken_after", duration=words.duration(max(0, alert.acknowledged_at - alert.raised_at)))
    if "flapping" in evidence and alert.cleared_at is None:
        yield words("alerts_flapping")
    if len(alert.villages) > 1:
        yield words.count("alerts_villages_lost", len(alert.villages))


def severity_counts(words: Words, alerts: Sequence[ListedAlert]) -> list[tuple[str, str, int]]:
    """Returns how many alerts are of each severity, the worst first: severity, its name, number."""
    counts = Counter(alert.severity for alert in alerts)
    return [(severity, words(f"severity_{severity}"), counts[severity]) for severity in RANKS if counts[severity]]


def _group(looking: Looking, wanted: AlertFilter, group: Group) -> GroupView:
    words, first = looking.words, group.alerts[0]
    rows = () if group.folded else group.alerts[:_MOST_ROWS]
    if group.uplink is not None:
        title = words("alerts_uplink", name=group.uplink)
        subtitle = words.count("alerts_in_villages", group.villages)
    else:
        title, subtitle = first.village_name, first.village
    return GroupView(
        key=group.key,
        title=title,
        subtitle=subtitle,
        village=None if group.uplink is not None else first.village,
        zone=first.timezone,
        folded=group.folded,
        toggle=wanted.toggled(group.key, folded=group.folded),
        rows=[alert_row(looking, alert, with_village=group.uplink is not None) for alert in rows],
        more=0 if group.folded else len(group.alerts) - len(rows),
        count=len(group.alerts),
        counts=severity_counts(words, group.alerts),
    )


def _regions(words: Words, wanted: AlertFilter, groups: Sequence[Group]) -> list[Region]:
    return [
        Region(wanted.address(village=code, folded=(), unfolded=()), code, len(alerts), severity_counts(words, alerts))
        for code, alerts in by_subdistrict(groups).items()
    ]


def _chips(looking: Looking, wanted: AlertFilter, alerts: Sequence[ListedAlert]) -> list[Chip]:
    """Returns the counters of what is open, each of which shows what it counts; the one that is on shows all again."""
    words, name, now = looking.words, looking.name, looking.now

    def chip(text: str, mark: str, changes: dict[str, object], counts: Callable[[ListedAlert], bool]) -> Chip:
        on = all(getattr(wanted, key) == value for key, value in changes.items())
        back: dict[str, object] = {key: False if value is True else None for key, value in changes.items()}
        address = wanted.address(**(back if on else changes), folded=(), unfolded=())
        return Chip(address, text, sum(map(counts, alerts)), on, mark)

    stages = [
        chip(words(f"stage_{stage}"), "", {"state": stage}, lambda one, stage=stage: stage_of(one, now) is stage)  # type: ignore[misc]
        for stage in (Stage.NEW, Stage.TAKEN, Stage.SNOOZED)
    ]
    severities = [
        chip(words(f"severity_{severity}"), severity, {"severity": severity}, lambda one, s=severity: one.severity == s)  # type: ignore[misc]
        for severity in RANKS
    ]
    mine = chip(words("alerts_mine"), "", {"mine": True}, lambda one: name in (one.acknowledged_by, one.assignee))
    return [one for one in (*stages, mine, *severities) if one.count or one.on]
