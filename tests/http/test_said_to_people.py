"""What the page says of devices: by how much a clock is off, and what was never heard."""

import httpx
import pytest

from siaga.model.alert_kinds import Kind
from tests.http.district import GLAGAH, LICIN, District


@pytest.mark.parametrize(
    ("language", "offset", "sentence"),
    [
        ("id", -7_500.0, "Jam perangkat Gerbang kantor desa tidak tepat, terlambat 2 jam 5 menit"),
        ("en", 7_500.0, "The clock of device Gerbang kantor desa is wrong, 2 h 5 min ahead"),
        ("en", -1_772_600_400.0, "is wrong, 20,516 d 5 h behind"),
    ],
)
def test_a_clock_alarm_says_by_how_much(
    district: District, client: httpx.Client, language: str, offset: float, sentence: str
) -> None:
    district.raise_alert(1, kind=Kind.CLOCK_SKEW, device="gerbang-1", evidence={"offset_s": offset})
    assert sentence in client.get("/", headers={"Accept-Language": language}).text


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("id", "belum pernah terdengar"),
        ("en", "never heard"),
    ],
)
def test_a_facility_of_which_nothing_was_ever_heard_is_said_so(
    district: District, client: httpx.Client, language: str, sentence: str
) -> None:
    for village, device in ((GLAGAH, "gerbang-1"), (GLAGAH, "ups-1"), (LICIN, "lampu-1")):
        district.heard(village, device)

    def said_of() -> list[str]:
        page = client.get("/", headers={"Accept-Language": language}).text
        return [one.partition('"')[0] for one in page.split('data-facility="')[1:] if sentence in one.split("</li>")[0]]

    assert said_of() == [f"{GLAGAH}/wifi-balai"]
    silent = {one["code"]: one["never_heard"] for one in client.get("/api/v1/villages").json()["items"]}
    assert silent == {GLAGAH: [f"{GLAGAH}/wifi-balai"], LICIN: []}
    district.heard(GLAGAH, "ap-1")
    district.clock.advance(3_000)
    assert said_of() == []
