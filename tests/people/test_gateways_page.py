"""`/setup/gateways`: each village's gateway, what needs attention first."""

import re

import httpx
import pytest

from siaga.database import tables, writing
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Role
from siaga.model.clock import HOUR, MINUTE
from siaga.model.scope import Scopes
from tests.http.district import NOW, District
from tests.people.accounts import signed_in
from tests.web.kampung import code, villages

HERE = "/setup/gateways"


@pytest.fixture
def six(district: District) -> District:
    """Villages 0 to 5: heard, not heard, never heard, a full buffer, wrong clocks, and a session that is gone."""
    with writing(district.engine) as connection:
        connection.execute(tables.village.delete())
    district.registry.replace(villages(6), NOW)
    for number in (0, 1, 3, 4, 5):
        district.link(code(number), "offline" if number == 1 else "online", NOW - 3 * HOUR, NOW - MINUTE)
    gateway = tables.gateway_state
    with writing(district.engine) as connection:
        connection.execute(gateway.update().values(last_arrival=NOW - 2 * MINUTE, status="online"))
        connection.execute(gateway.update().where(gateway.c.village == code(5)).values(status="offline"))
    full = district.raise_alert(
        1, kind=Kind.GATEWAY_BUFFER, village=code(3), facility=None, device="gw", evidence={"buffer": 0.91}
    )
    assert full
    for number, device in ((2, "gerbang-1"), (3, "lampu-1")):
        district.raise_alert(number, kind=Kind.CLOCK_SKEW, village=code(4), facility=None, device=device)
    over = district.raise_alert(4, kind=Kind.GATEWAY_BUFFER, village=code(0), facility=None, device="gw")
    district.clear_alert(over, NOW)
    return district


def rows(page: httpx.Response) -> list[tuple[str, str]]:
    """The villages of a page, each with its state."""
    assert page.status_code == 200, page.text
    return re.findall(r'<li class="card" data-village="([^"]+)".* data-state="(\w+)"', page.text)


def test_what_needs_attention_stands_first(client: httpx.Client, six: District) -> None:
    page = client.get(HERE, headers=signed_in(six, Role.ADMIN, "joko"))
    wanted = [(1, "failed"), (2, "unknown"), (5, "failed"), (3, "failed"), (4, "unknown"), (0, "met")]
    assert rows(page) == [(code(number), state) for number, state in wanted]
    said = re.findall(r"</i> ([^<]+)</p>", page.text)
    assert said == [
        "Tidak terdengar sejak 09.00 WIB",
        "Belum pernah terdengar: periksa alamat broker dan kode desa pada gateway.",
        "Sesinya dengan broker terputus",
        "Penyangganya hampir penuh",
        "Jam 2 perangkat salah",
        "Terdengar sejak 09.00 WIB",
    ]
    assert "91\xa0% saat peringatan dibuat" in page.text
    assert page.text.count("<dd>11.58 WIB</dd>") == 5, "last heard"
    assert page.text.count("<dd>11.59 WIB</dd>") == 5, "the last heartbeat"


def test_an_admin_with_scopes_sees_their_own_alone(client: httpx.Client, six: District) -> None:
    limited = signed_in(six, Role.ADMIN, "budi", Scopes.of([code(3), code(0)]))
    for query in ("", "?village=*", "?village=35.10"):
        assert [village for village, _ in rows(client.get(HERE + query, headers=limited))] == [code(3), code(0)]
    beside = client.get(f"{HERE}?village={code(1)}", headers=limited)
    assert (rows(beside), "Tidak ada desa di wilayah ini." in beside.text) == ([], True)


def test_a_hundred_stand_on_a_page_and_the_others_on_the_next(client: httpx.Client, district: District) -> None:
    with writing(district.engine) as connection:
        connection.execute(tables.village.delete())
    district.registry.replace(villages(130), NOW)
    admin = signed_in(district, Role.ADMIN, "joko")
    first = client.get(f"{HERE}?village=35.10", headers=admin)
    (more,) = re.findall(r'href="([^"]+skip=100)"', first.text)
    rest = client.get(more.replace("&amp;", "&"), headers=admin)
    assert [village for village, _ in rows(first) + rows(rest)] == [code(number) for number in range(130)]
    assert "skip=" not in rest.text.partition("<main")[2]


@pytest.mark.parametrize("query", ["village=35.1", "skip=-1", "skip=x"])
def test_what_cannot_be_asked_is_said(client: httpx.Client, district: District, query: str) -> None:
    assert client.get(f"{HERE}?{query}", headers=signed_in(district, Role.ADMIN, "joko")).status_code == 422
