"""`/setup/quarantine`: what was refused, why, and what to do about it."""

import re

import httpx
import pytest

from api.web.setup.quarantine import OTHER
from api.words import WORDS, Language
from siaga.database.quarantine import Quarantine, Refusal
from siaga.model.caller import Role
from siaga.model.clock import MINUTE
from siaga.model.scope import Scopes
from siaga.wire.refusal import LABELS
from tests.http.district import GLAGAH, LICIN, NOW, District
from tests.people.accounts import signed_in

HERE = "/setup/quarantine"
EVIL = '<script>alert("x")</script>'


def refuse(district: District, *told: tuple[str | None, str]) -> None:
    """Refuse one payload after the other, by village and label."""
    Quarantine(district.engine).add(
        Refusal(village, NOW - (60 - n) * MINUTE, f"topic/{n}", f"sentence {n}", f"{EVIL} {n}", label)
        for n, (village, label) in enumerate(told)
    )


def sentences(page: httpx.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return re.findall(r"sentence \d+", page.text)


@pytest.fixture
def admin(district: District) -> dict[str, str]:
    return signed_in(district, Role.ADMIN, "joko")


def test_it_lists_the_newest_first_by_village_and_by_reason(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    refuse(district, (GLAGAH, "not_json"), (LICIN, "not_json"), (GLAGAH, "wrong_value"), (None, ""), (GLAGAH, ""))
    for query, wanted in {
        "": "43210",
        f"?village={GLAGAH}": "420",
        "?village=35.10": "4210",
        "?reason=not_json": "10",
        f"?reason=not_json&village={LICIN}": "1",
        f"?reason={OTHER}": "43",
        "?village=35.11": "",
    }.items():
        page = client.get(HERE + query, headers=admin)
        assert sentences(page) == [f"sentence {n}" for n in wanted], query
    whole = client.get(HERE, headers=admin).text
    assert f'href="{HERE}?reason=not_json">Bukan JSON <b>2</b>' in whole
    assert "Kampunganyar · 11.04 WIB" in whole
    assert "Tidak ada yang ditolak." in client.get(f"{HERE}?village=35.11", headers=admin).text


@pytest.mark.parametrize("language", Language)
def test_every_reason_has_a_name_and_a_remedy_on_the_page(
    client: httpx.Client, district: District, admin: dict[str, str], language: Language
) -> None:
    refuse(district, *((GLAGAH, label) for label in (*LABELS, "")))
    page = client.get(f"{HERE}?lang={language}", headers=admin).text
    for label in (*LABELS, OTHER):
        remedy = re.search(rf'data-remedy="{label}">([^<]+)', page)
        assert remedy is not None, label
        assert len(remedy[1]) > 30, label
        assert f"<b>{WORDS[language](f'refused_{label}')}</b>" in page, label
    remedies = re.findall(r'data-remedy="\w+">([^<]+)', page)
    assert len(set(remedies)) == len(LABELS) + 1, "each has its own"


def test_what_no_village_sent_is_not_headed_by_the_one_whose_gateway_heard_it(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    refuse(district, (GLAGAH, "unknown_village"), (GLAGAH, "wrong_value"))
    heads = re.findall(r"<small>([^<]+) · 11.0\d WIB", client.get(HERE, headers=admin).text)
    assert heads == ["Kampunganyar", "bukan dari desa yang terdaftar; terdengar oleh gateway Kampunganyar"]


def test_a_payload_is_text_and_never_markup(client: httpx.Client, district: District, admin: dict[str, str]) -> None:
    refuse(district, (GLAGAH, "not_json"))
    page = client.get(HERE, headers=admin).text
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_older_ones_are_a_link_away_and_each_is_shown_once(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    refuse(district, *[(GLAGAH, "not_json")] * 120, (LICIN, "not_json"))
    seen, address = [], f"{HERE}?village={GLAGAH}&reason=not_json"
    while address:
        page = client.get(address, headers=admin)
        seen += sentences(page)
        older = re.search(r'class="button" href="([^"]+before=[^"]+)"', page.text)
        address = older[1].replace("&amp;", "&") if older else ""
    assert seen == [f"sentence {n}" for n in range(119, -1, -1)]


def test_an_admin_with_scopes_sees_their_own_alone(client: httpx.Client, district: District) -> None:
    refuse(district, (GLAGAH, "not_json"), (LICIN, "wrong_value"), (None, "unknown_village"))
    limited = signed_in(district, Role.ADMIN, "budi", Scopes.of(["35.10.15"]))
    for query in ("", "?village=*", "?village=35.10"):
        page = client.get(HERE + query, headers=limited)
        assert sentences(page) == ["sentence 0"], query
        assert "wrong_value" not in page.text, "its counts neither"
    assert sentences(client.get(f"{HERE}?village={LICIN}", headers=limited)) == []


@pytest.mark.parametrize("query", ["village=35.1", "reason=none", "before=0", "before=x", f"before={9 * 10**30}"])
def test_what_cannot_be_asked_is_said(client: httpx.Client, admin: dict[str, str], query: str) -> None:
    assert client.get(f"{HERE}?{query}", headers=admin).status_code == 422
