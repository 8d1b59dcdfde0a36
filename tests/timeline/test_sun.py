"""Sunset and sunrise, compared with an ephemeris, and days on which the sun does not set or does not rise."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from siaga.timeline.sun import nights

# Sunset and the next sunrise by the ephemeris of XEphem (PyEphem 4.2: VSOP87, the centre at -0.833°, no atmosphere), in
# UTC: another theory and another program than the one we stand on.
ALMANAC = [
    ("Banyuwangi", -8.219, 114.369, "2026-03-20T10:33:22", "2026-03-20T22:26:32"),
    ("Banyuwangi", -8.219, 114.369, "2026-06-21T10:13:37", "2026-06-21T22:35:07"),
    ("Banyuwangi", -8.219, 114.369, "2026-12-21T10:38:35", "2026-12-21T22:02:46"),
    ("Jakarta", -6.2, 106.8167, "2026-06-21T10:47:23", "2026-06-21T23:01:48"),
    ("Jakarta", -6.2, 106.8167, "2026-12-21T11:05:13", "2026-12-21T22:36:34"),
    ("Sabang", 5.894, 95.319, "2026-06-21T11:54:26", "2026-06-21T23:26:44"),
    ("Sabang", 5.894, 95.319, "2026-12-21T11:30:09", "2026-12-21T23:43:38"),
    ("Jayapura", -2.533, 140.717, "2026-03-20T08:47:57", "2026-03-20T20:41:09"),
    ("Kupang", -10.178, 123.607, "2026-12-21T10:05:08", "2026-12-21T21:22:16"),
    ("Anadyr, by the date line", 64.73, 177.5, "2026-06-21T11:03:05", "2026-06-21T13:20:33"),
    ("Honolulu, on its other side", 21.3, -157.86, "2026-06-22T05:16:17", "2026-06-22T15:50:39"),
    ("Tromsø, a short night", 69.65, 18.96, "2026-05-15T21:48:16", "2026-05-15T23:31:50"),
]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(("place", "latitude", "longitude", "sunset", "sunrise"), ALMANAC)
def test_the_night_is_the_almanacs(place: str, latitude: float, longitude: float, sunset: str, sunrise: str) -> None:
    middle = (ms(sunset) + ms(sunrise)) // 2
    [night] = nights(latitude, longitude, middle, middle + 1)
    assert night[0] == pytest.approx(ms(sunset), abs=20_000)
    assert night[1] == pytest.approx(ms(sunrise), abs=20_000)
    assert night[0] % 1000 == night[1] % 1000 == 0


def test_moments_are_rounded_to_the_nearest_second() -> None:
    [night] = nights(-8.19, 114.30, ms("2026-01-01T12:00:00"), ms("2026-01-01T13:00:00"))
    # astral: 10:44:00.268 and 22:08:55.925
    assert night == (ms("2026-01-01T10:44:00"), ms("2026-01-01T22:08:56"))


@pytest.mark.parametrize("longitude", [-179.9, -120, -45, 0, 45, 95, 120, 141, 179.9])
def test_every_night_of_a_year_comes_once_and_is_about_half_a_day_long(longitude: float) -> None:
    start, end = ms("2026-01-01T00:00:00"), ms("2027-01-01T00:00:00")
    found = nights(-8.2, longitude, start, end)
    assert len(found) in {365, 366}
    for night in found:
        assert 11 * 3_600_000 < night[1] - night[0] < 13 * 3_600_000
    for one, other in pairwise(found):
        assert abs(other[0] - one[0] - 86_400_000) < 60_000


def test_only_nights_that_touch_the_window_are_told_and_they_are_whole() -> None:
    noon = ms("2026-03-20T05:00:00")
    [night] = nights(-8.219, 114.369, noon, noon + 86_400_000)
    assert nights(-8.219, 114.369, night[0] - 1000, night[0]) == []
    assert nights(-8.219, 114.369, night[0], night[0] + 1) == [night]
    assert nights(-8.219, 114.369, night[1] - 1, night[1] + 1) == [night]
    assert nights(-8.219, 114.369, night[1], night[1] + 1000) == []


def test_a_polar_night_is_one_long_night_and_a_polar_day_none() -> None:
    tromsoe = (69.65, 18.96)
    summer = nights(*tromsoe, ms("2026-06-01T00:00:00"), ms("2026-07-01T00:00:00"))
    assert summer == []
    winter = nights(*tromsoe, ms("2026-12-05T00:00:00"), ms("2027-01-05T00:00:00"))
    assert len(winter) == 1
    assert winter[0][0] <= ms("2026-12-05T00:00:00")
    assert winter[0][1] >= ms("2027-01-05T00:00:00")
    year = nights(*tromsoe, ms("2026-07-01T00:00:00"), ms("2027-07-01T00:00:00"))
    longest = max(end - start for start, end in year)
    assert timedelta(days=40) < timedelta(milliseconds=longest) < timedelta(days=60)
