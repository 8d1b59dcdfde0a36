"""How everything stands in one sentence: what fails comes before what is not known, and unknown is never well. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.queries.villages import VillageNow
from api.words import Words
from siaga.model.local_time import NO_VILLAGES_ZONE
from siaga.timeline.spans import State

__all__ = ["PublicState", "Standing", "sentence_of", "standing_of"]


class PublicState(StrEnum):
    """How all facilities stand together. `none`: nothing was asked for, or nothing was judged yet."""

    FAILED = "failed"
    UNKNOWN = "unknown"
    MET = "met"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Standing:
    """`counts`: facilities by state. `silent_since`: wall time (ms) since when no village at all is heard; else `None`.

    `zone`: the time zone of the village that was heard last.
    """

    state: PublicState
    counts: Mapping[State, int]
    silent_since: int | None = None
    zone: str = NO_VILLAGES_ZONE


def standing_of(counts: Mapping[State, int], villages: Sequence[VillageNow]) -> Standing:
    """Returns how facilities stand. Where no village is heard, nothing is known, whatever was so before."""
    heard = [one for one in villages if one.online]
    last = max((one for one in villages if one.since is not None), key=lambda one: one.since or 0, default=None)
    if villages and not heard and last is not None:
        return Standing(PublicState.UNKNOWN, counts, last.since, last.timezone)
    for state, name in ((State.FAILED, PublicState.FAILED), (State.UNKNOWN, PublicState.UNKNOWN)):
        if counts.get(state):
            return Standing(name, counts)
    return Standing(PublicState.MET if counts.get(State.MET) else PublicState.NONE, counts)


def sentence_of(words: Words, standing: Standing, now: int) -> str:
    """Returns it in one sentence."""
    if standing.silent_since is not None:
        return words("public_unknown_since", time=words.time(standing.silent_since, now, standing.zone))
    failed, unknown = standing.counts.get(State.FAILED, 0), standing.counts.get(State.UNKNOWN, 0)
    if standing.state is PublicState.FAILED:
        said = words.count("facilities_fail", failed)
        return f"{said}, {words.count('facilities_unknown', unknown)}" if unknown else said
    if standing.state is PublicState.UNKNOWN:
        return words.count("facilities_unknown", unknown)
    return words("public_all_well" if standing.state is PublicState.MET else "public_nothing")
