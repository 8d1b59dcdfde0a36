"""Complaints in words, beside what the sensors said at that minute."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.complaints.problems import PICTOGRAMS, problem_of
from api.complaints.rules import State
from api.queries import complaints as read
from api.queries.complaints import Complaint, Place
from api.queries.spans import FacilityName
from api.words import Words
from siaga.model.intervals import Interval
from siaga.model.local_time import local_date

__all__ = ["ComplaintView", "complaint_view", "complaints_about"]

_MOST = 20
"""Complaints beside a facility or an alert."""


@dataclass(frozen=True, slots=True)
class ComplaintView:
    """A complaint as pages show it.

    `sensors`: what they said then. `trail`: what technicians did. `elsewhere`: its text, for SP4N-LAPOR!.
    """

    id: str
    facility: str
    place: str
    problem: str
    picture: str
    note: str
    time: str
    state: str
    state_said: str
    is_open: bool
    contradicts: bool
    sensors: str
    repeats: str
    answer: str
    trail: Sequence[str]
    photos: Sequence[int]
    erased: bool
    elsewhere: str


def complaints_about(
    connection: Connection, words: Words, facility: FacilityName, window: Interval, now: int
) -> Sequence[ComplaintView]:
    """Returns the complaints of a facility that were made in a window, what contradicts its sensors first."""
    found = read.about(connection, facility.village, facility.id, window, _MOST)
    place = read.place(connection, facility.village, facility.id)
    return [complaint_view(words, one, place, now) for one in found]


def complaint_view(words: Words, one: Complaint, place: Place | None, now: int) -> ComplaintView:
    """Returns a complaint in words. `place`: of its facility, `None` where it was taken out of the registry."""
    zone = "UTC" if place is None else place.timezone
    name = one.facility if place is None else f"{place.name}, {place.village_name}"
    known = problem_of(one.kind, one.problem)
    state_said = words(f"complaint_state_{one.state}")
    trail = []
    if one.seen_at is not None and one.state is State.SEEN:
        trail.append(words("complaint_seen_by", name=one.seen_by or "", time=words.time(one.seen_at, now, zone)))
    if one.ended_at is not None:
        time = words.time(one.ended_at, now, zone)
        trail.append(words("complaint_ended_by", state=state_said, name=one.ended_by or "", time=time))
    problem = one.problem if known is None else words(f"problem_{known.name}")
    day = words.date(local_date(one.created_at, zone))
    said_at = f"{name}, {day}, {words.clock_time(one.created_at, zone)}"
    return ComplaintView(
        id=one.id,
        facility=f"{one.village}/{one.facility}",
        place=name,
        problem=problem,
        picture="" if known is None else PICTOGRAMS[known.pictogram],
        note=one.note,
        time=words.time(one.created_at, now, zone),
        state=one.state.value,
        state_said=state_said,
        is_open=one.state.is_open,
        contradicts=one.contradicts,
        sensors=_sensors(words, one),
        repeats=words.count("complaint_repeats", one.repeats) if one.repeats else "",
        answer=one.answer or "",
        trail=trail,
        photos=[photo.n for photo in one.photos],
        erased=one.erased_at is not None,
        elsewhere="\n".join(line for line in (problem, said_at, one.note) if line),
    )


def _sensors(words: Words, one: Complaint) -> str:
    if one.sensors is None:
        return words("complaint_sensors_none")
    state = words(f"state_{one.sensors.value}")
    cause = words.cause(one.sensors.value, one.cause)
    return words("complaint_sensors", state=f"{state} ({cause})" if cause else state)
