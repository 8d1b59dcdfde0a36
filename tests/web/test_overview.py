"""All villages at a look, the outline below them, and what the public is told."""

from dataclasses import replace

import orjson
import pytest

from api.web.outline import OutlineError, read_outline
from api.web.overview_view import map_frame
from api.words import WORDS, Language
from siaga.database import tables, writing
from siaga.model.caller import Caller, Role
from siaga.model.clock import DAY
from siaga.model.scope import EVERYWHERE, Scope, Scopes
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOW, UNKNOWN, District
from tests.web.kampung import code, fill

RATIH = Caller(Role.VIEWER, "ratih", EVERYWHERE, "person/ratih")
ADMIN = Caller(Role.ADMIN, "joko", EVERYWHERE, "person/joko")
PATHS = ("/villages", "/map", "/wall")


@pytest.mark.parametrize("path", PATHS)
def test_each_village_is_a_link_with_its_state_and_nothing_beside_the_scope(empty: District, path: str) -> None:
    fill(empty, 8)
    with empty.served(None, caller=RATIH) as client:
        page = client.get(path)
        assert page.text.count("data-village=") == 8
        assert f'data-village="{code(5)}" data-state="offline"' in page.text
        again = client.get(path, headers={"If-None-Match": page.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    with empty.served(None, caller=replace(RATIH, scopes=Scopes((Scope(code(3)),)))) as client:
        assert client.get(path).text.count("data-village=") == 1


@pytest.mark.parametrize("path", PATHS)
def test_a_village_whose_alerts_somebody_has_taken_says_so(empty: District, path: str) -> None:
    fill(empty, 2)
    first, second = (empty.raise_alert(n, village=code(0), facility=name) for n, name in enumerate(("gerbang", "wifi")))
    table = tables.alert
    with empty.served(None, caller=RATIH) as client:
        for alert, is_taken in ((first, False), (second, True)):
            with writing(empty.engine) as connection:
                connection.execute(table.update().where(table.c.id == alert).values(assignee="ratih"))
            assert ("sedang ditangani" in client.get(path).text) is is_taken


def test_a_screen_without_villages_does_not_say_that_all_is_met(empty: District) -> None:
    with empty.served(None, caller=RATIH) as client:
        page = client.get("/wall").text
        assert "Belum ada yang dinilai" in page
        assert "Semua terpenuhi." not in page


@pytest.mark.parametrize("path", PATHS)
def test_where_there_are_no_villages_an_admin_is_led_to_set_up(empty: District, path: str) -> None:
    for caller, leads in ((RATIH, False), (ADMIN, True)):
        with empty.served(None, caller=caller) as client:
            page = client.get(path).text
            assert "Belum ada desa." in page
            assert ('href="/setup">Mulai mengatur' in page) is leads


def test_search_state_and_region_narrow_it_by_the_address(empty: District) -> None:
    fill(empty, 8)
    with empty.served(None, caller=RATIH) as client:

        def shown(**query: str) -> int:
            return client.get("/villages", params=query).text.count("data-village=")

        assert shown(text="tamansari") == 1
        assert shown(text=code(2)) == 1
        assert shown(state="offline") == 1
        assert shown(village="35.99") == 0
        assert shown(state="x", village="x", view="x") == 8, "what says nothing narrows nothing"
        assert shown(view="table", state="offline") == 1


def test_many_villages_are_small_on_the_line(empty: District) -> None:
    fill(empty, 2_000)
    with empty.served(None, caller=RATIH) as client:
        for path in (*PATHS, "/villages?view=table"):
            with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
                assert sum(map(len, answer.iter_raw())) < 150_000, path


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"{", "is not JSON"),
        (b'{"type": "Point", "coordinates": [114, -8]}', "holds no line"),
        (b'{"type": "LineString", "coordinates": [[500000, 9000000], [1, 1]]}', "is no longitude and latitude"),
    ],
)
def test_a_file_that_is_no_outline_is_a_sentence(document: bytes, said: str) -> None:
    with pytest.raises(OutlineError, match=said):
        read_outline(document)


def test_an_outline_is_drawn_however_it_is_wrapped() -> None:
    ring = [[114.0, -8.0], [115.0, -8.0], [115.0, -9.0]]
    area = {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]}}
    found = read_outline(orjson.dumps({"type": "FeatureCollection", "features": [area]}))
    assert found.lines == ([(114.0, -8.0), (115.0, -8.0), (115.0, -9.0)],)
    assert found.path(map_frame(found.corners)).count("L") == 2


@pytest.mark.parametrize(
    ("gate", "state", "said"),
    [
        (MET, "met", "Semua fasilitas terpenuhi"),
        (FAILED, "failed", "1 fasilitas terganggu"),
        (UNKNOWN, "unknown", "1 fasilitas tidak diketahui"),
    ],
)
def test_one_sentence_stands_on_top_everywhere(district: District, gate: object, state: str, said: str) -> None:
    district.link(GLAGAH, "online", NOW - DAY, NOW)
    district.alternating(GLAGAH, "gerbang", NOW - DAY, (DAY, gate, None if gate is MET else "gate_open"))  # type: ignore[arg-type]
    with district.served(None) as client:
        document = client.get("/status.json").json()
        assert (document["state"], document["sentence"]) == (state, said)
        assert len(document["failing"]) == (state == "failed")
        assert f'data-state="{state}"' in client.get("/", headers={"Accept": "text/html"}).text
        assert said in client.get("/badge.svg").text
        assert ("#1a7048" in client.get("/badge.svg").text) is (state == "met"), "unknown is never green"
        assert client.get("/feed.atom").text.count("<entry>") == (state == "failed")
        assert "public" in client.get("/status.json").headers["cache-control"]


def test_where_no_village_is_heard_nothing_is_known_and_off_is_off(district: District) -> None:
    for village in (GLAGAH, LICIN):
        district.link(village, "offline", NOW - DAY)
    district.alternating(GLAGAH, "gerbang", NOW - 2 * DAY, (DAY, MET, None))
    with district.served(None) as client:
        document = client.get("/status.json?lang=en").json()
        when = WORDS[Language.EN].time(NOW - DAY, NOW, "Asia/Jakarta")
        assert (document["state"], document["sentence"]) == ("unknown", f"Nothing is known since {when}")
    district.public_page = False
    with district.served(None) as client:
        assert {client.get(path).status_code for path in ("/status.json", "/feed.atom", "/badge.svg")} == {404}
