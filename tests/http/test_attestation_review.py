"""Four eyes: an attestation counts only once a second person has confirmed it, where the district wants that."""

from datetime import date

import httpx
import pytest

from api.attestations.book import Draft, confirm, make, withdraw
from siaga.model.caller import Role
from siaga.model.clock import HOUR
from tests.http.district import GLAGAH, NOW, District

URL = "/api/v1/attestations"
SAID = {"village": GLAGAH, "indicator": "playground", "met": True, "date": "2026-03-01"}


def verdict(client: httpx.Client) -> str:
    answer = client.get("/api/v1/scorecard", params={"village": GLAGAH})
    (card,) = answer.json()["items"]
    return str(next(one["verdict"] for one in card["indicators"] if one["kind"] == "playground"))


def test_it_counts_once_a_second_person_has_confirmed_it(both: District) -> None:
    both.attestation_review = True
    mine, other = both.bearer(Role.TECHNICIAN), both.bearer(Role.ADMIN)
    with both.served() as client:
        made = client.post(URL, json=SAID, headers=mine).json()
        here = f"{URL}/{made['id']}/confirm"
        assert (made["needs_review"], made["confirmed_at"], verdict(client)) == (True, None, "unjudged")
        own = client.post(here, headers=mine)
        assert (own.status_code, verdict(client)) == (403, "unjudged")
        assert "is your own: another person has to confirm it" in own.json()["detail"]
        assert client.post(here, headers=both.bearer(Role.VIEWER)).status_code == 403
        found = client.post(here, headers=other)
        said = {"confirmed_at": "2026-03-04T05:00:00Z", "confirmed_by": "admin-budi"}
        assert (found.status_code, found.json()) == (200, made | said)
        both.clock.advance(HOUR)
        assert client.post(here, headers=other).json() == made | said, "who was first stays"
        assert verdict(client) == "met"
        assert client.delete(f"{URL}/{made['id']}", headers=other).status_code == 204
        assert verdict(client) == "unjudged"
        gone = client.post(here, headers=other)
        assert (gone.status_code, client.get(f"{URL}/{made['id']}").json()["confirmed_by"]) == (409, "admin-budi")


def test_nothing_changes_where_the_district_does_not_want_it(district: District, client: httpx.Client) -> None:
    """What was made before stays as it is, too: it says itself whether it needs a second person."""
    made = client.post(URL, json=SAID, headers=district.bearer(Role.TECHNICIAN)).json()
    assert (made["needs_review"], verdict(client)) == (False, "met")
    answer = client.post(f"{URL}/{made['id']}/confirm")
    assert (answer.status_code, answer.json()["detail"]) == (
        409, f"attestation {made['id']} needs no second person: it counts already",
    )  # fmt: skip
    assert client.post(f"{URL}/{'0' * 32}/confirm").status_code == 404


@pytest.mark.parametrize(
    ("needs_review", "by", "withdrawn", "confirmed"),
    [
        pytest.param(True, "dewi", False, True, id="another person"),
        pytest.param(True, "budi", False, False, id="who made it"),
        pytest.param(True, "dewi", True, False, id="withdrawn"),
        pytest.param(False, "dewi", False, False, id="it needs nobody"),
    ],
)
def test_who_may_confirm_what(both: District, needs_review: bool, by: str, withdrawn: bool, confirmed: bool) -> None:
    draft = Draft(GLAGAH, "playground", True, date(2026, 3, 1), needs_review=needs_review)
    made, _ = make(both.engine, draft, "budi", NOW)
    if withdrawn:
        withdraw(both.engine, made, "budi", NOW)
    assert confirm(both.engine, made, by, NOW) is confirmed
