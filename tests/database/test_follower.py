"""Following the registry: the cached copy is as new as the registry, and outlives an outage of the database."""

from collections.abc import Iterable

import pytest
from sqlalchemy.exc import OperationalError

from siaga.database.follower import BACK_OFF, MIN_GAP, POLL, RegistryFollower, RegistryVersion
from siaga.model.clock import ManualClock
from siaga.model.sites import Village

NOW = 1_764_000_000_000


class Source:
    """A registry that counts reads of its version and its content, and that can fail at either."""

    def __init__(self) -> None:
        self.number = 1
        self.codes = ["35.10.15.2012"]
        self.looks = self.readings = 0
        self.away = self.away_for_villages = False

    def version(self) -> int:
        self.looks += 1
        if self.away:
            raise OperationalError("SELECT", {}, Exception("gone"))
        return self.number

    def villages(self) -> Iterable[Village]:
        if self.away_for_villages:
            raise OperationalError("SELECT", {}, Exception("gone"))
        self.readings += 1
        return [Village(code, "Tebing", -8.2, 114.3, "Asia/Jakarta", ()) for code in self.codes]

    def put(self, *codes: str) -> None:
        self.number += 1
        self.codes = list(codes)


def codes(villages: Iterable[Village]) -> list[str]:
    return [village.code for village in villages]


def test_it_reads_again_only_when_the_version_grew() -> None:
    source, clock = Source(), ManualClock(NOW)
    follower = RegistryFollower(source, codes, clock)
    assert follower.kept is None
    assert follower.poll()
    assert follower.kept == ["35.10.15.2012"]
    clock.advance(POLL)
    assert not follower.poll()
    assert (source.looks, source.readings) == (2, 1)
    source.put("35.10.15.2013")
    clock.advance(POLL - 1)
    assert not follower.poll(), "it was looked at lately"
    clock.advance(1)
    assert follower.poll()
    assert follower.kept == ["35.10.15.2013"]


def test_refresh_looks_at_once_and_not_without_end() -> None:
    source, clock = Source(), ManualClock(NOW)
    follower = RegistryFollower(source, codes, clock)
    follower.refresh()
    source.put("35.10.15.2013")
    assert not follower.refresh()
    clock.advance(MIN_GAP)
    assert follower.refresh()
    assert source.looks == 2


def test_a_database_that_is_away_changes_nothing_and_is_left_alone_for_a_while() -> None:
    source, clock = Source(), ManualClock(NOW)
    follower = RegistryFollower(source, codes, clock)
    follower.poll()
    source.away = True
    clock.advance(POLL)
    assert not follower.poll()
    assert follower.kept == ["35.10.15.2012"]
    assert follower.problem == "the database cannot be read (OperationalError): check SIAGA_DATABASE_URL"
    clock.advance(BACK_OFF - 1)
    follower.poll()
    follower.refresh()
    assert source.looks == 2
    source.away = False
    clock.advance(1)
    follower.poll()
    assert follower.problem is None


def test_a_reading_that_fails_after_the_look_at_the_version_is_done_again() -> None:
    source, clock = Source(), ManualClock(NOW)
    follower = RegistryFollower(source, codes, clock)
    follower.poll()
    source.put("35.10.15.2013")
    source.away_for_villages = True
    clock.advance(POLL)
    assert not follower.poll()
    source.away_for_villages = False
    clock.advance(BACK_OFF)
    assert follower.poll(), "the version counts as seen only when all was read"
    assert follower.kept == ["35.10.15.2013"]


def test_a_version_alone_can_be_followed() -> None:
    source, read = Source(), list[int]()
    version = RegistryVersion(source)
    assert version.read_if_new(lambda: read.append(source.number))
    assert not version.read_if_new(lambda: read.append(source.number))
    source.put()
    source.away = True
    with pytest.raises(OperationalError):
        version.read_if_new(lambda: read.append(source.number))
    source.away = False
    assert version.read_if_new(lambda: read.append(source.number))
    assert read == [1, 2]
