"""`/setup/unknown`: devices that are heard but stand in no sites file."""

import re

import httpx

from siaga.database.quarantine import Quarantine, Refusal
from siaga.model.caller import Role
from siaga.model.clock import MINUTE
from tests.http.district import GLAGAH, LICIN, NOW, District
from tests.people.accounts import signed_in


def test_each_unknown_device_stands_once_the_last_heard_first(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko")
    assert "Tidak ada perangkat tak dikenal." in client.get("/setup/unknown", headers=admin).text
    told = ((GLAGAH, "hantu"), (LICIN, "hantu"), (GLAGAH, "hantu"), (LICIN, "lain"))
    Quarantine(district.engine).add(
        Refusal(village, NOW - (60 - n) * MINUTE, f"topic/{n}", f"{name} is unknown", f"<b>{n}", "unknown_device")
        for n, (village, name) in enumerate(told)
    )
    Quarantine(district.engine).add([Refusal(GLAGAH, NOW, "topic/9", "other", "<b>9", "not_json")])
    page = client.get("/setup/unknown", headers=admin).text
    assert re.findall(r"<b>(\w+) is unknown</b>", page) == ["lain", "hantu", "hantu"]
    assert re.findall(r"<pre>&lt;b&gt;(\d)", page) == ["3", "2", "1"]
    assert "2 kali di karantina sejak 11.00 WIB, terakhir 11.02 WIB" in page
    assert "yang ditampilkan" not in page


def test_a_noisy_device_hides_no_other_and_what_is_left_out_is_said(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko")
    told = [(LICIN, f"diam{n}") for n in range(101)] + [(GLAGAH, "ribut")] * 900
    Quarantine(district.engine).add(
        Refusal(village, NOW - (2_000 - n), "topic", f"{name} is unknown", "1", "unknown_device")
        for n, (village, name) in enumerate(told)
    )
    page = client.get("/setup/unknown", headers=admin).text
    shown = re.findall(r"<b>(\w+) is unknown</b>", page)
    assert shown == ["ribut", *(f"diam{n}" for n in range(100, 1, -1))]
    assert "900 kali di karantina" in page
    assert "Hanya 100 perangkat yang terakhir terdengar yang ditampilkan" in page
