"""What was refused, as the API shows it."""

from siaga.database.quarantine import Quarantine, Refusal
from siaga.model.clock import MINUTE
from tests.http.district import GLAGAH, LICIN, NOW, District


def test_refused_payloads_are_listed_newest_first_by_village_and_in_pages(both: District) -> None:
    both_villages = [GLAGAH, GLAGAH, LICIN, None, GLAGAH]
    Quarantine(both.engine).add(
        Refusal(village, NOW + n * MINUTE, f"siaga/v1/x/{n}", f"sentence {n}", f"<b>bytes</b> aa:bb:cc:dd:ee:0{n}")
        for n, village in enumerate(both_villages)
    )
    with both.served() as client:
        everything = client.get("/api/v1/quarantine").json()
        first = client.get("/api/v1/quarantine", params={"village": GLAGAH, "limit": 2}).json()
        rest = client.get("/api/v1/quarantine", params={"village": GLAGAH, "limit": 2, "cursor": first["next"]}).json()
    assert everything["next"] is None
    assert everything["items"][0] == {
        "time": "2026-03-04T05:04:00Z",
        "village": GLAGAH,
        "topic": "siaga/v1/x/4",
        "reason": "sentence 4",
        "bytes": "<b>bytes</b> xx:xx:xx:xx:xx:xx",
    }
    assert [item["village"] for item in everything["items"]] == both_villages[::-1]
    assert [item["reason"][-1] for item in first["items"] + rest["items"]] == ["4", "1", "0"]
    assert rest["next"] is None
