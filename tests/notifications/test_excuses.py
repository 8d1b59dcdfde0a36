"""Nobody is told of what is excused, nothing escalates meanwhile, and afterwards it goes on."""

from dataclasses import replace

import pytest

from api.alert_records.alert import new_alert
from api.alerts.decision import Raise
from api.alerts.outcome import Changes
from api.notifications.book import Outside, Rule, Step
from siaga.database import tables, writing
from siaga.database.registry import Registry
from siaga.model.alert_kinds import Kind
from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.sites import Adapter, Device, Facility
from siaga.model.times import rfc3339
from siaga.timeline.schedule import parse_schedule
from tests.notifications.desk import CODE, NOON, Desk, book, village
from tests.notifications.webhook import Webhook

OTHER = "35.10.17.2005"


def declare(desk: Desk, start: int, end: int, **whom: str) -> str:
    """Declare maintenance, as the API does: of `village`, of `village` and `facility`, or of `uplink`."""
    name = f"{start}-{end}-{whom}"
    row = {"id": name, "village": None, "facility": None, "uplink": None, "start": start, "end": end, "rrule": None}
    told = {"reason": "", "created_by": "wahyu", "created_at": desk.clock.now()}
    with writing(desk.engine) as connection:
        connection.execute(tables.maintenance.insert(), row | whom | told)
    return name


def take_back(desk: Desk, name: str) -> None:
    table = tables.maintenance
    with writing(desk.engine) as connection:
        connection.execute(table.update().where(table.c.id == name).values(deleted_at=desk.clock.now()))


def mains(desk: Desk, *out: str, code: str = CODE) -> None:
    """The engine notes which facilities are without mains power."""
    changes = Changes()
    changes.mains[code] = list(out)
    desk.ledger.commit(changes)


def raised(desk: Desk, kind: Kind, **subject: str) -> str:
    alert = new_alert(
        kind, CODE, facility=subject.get("facility"), device=subject.get("device"), began_at=desk.clock.now() - MINUTE
    )
    changes = Changes()
    changes.raised(alert, Raise("test", alert.began_at, None, {}), desk.clock.now())
    desk.ledger.commit(changes)
    desk.open[alert.id] = alert
    return alert.id


def share_an_uplink(desk: Desk) -> None:
    villages = [village(), village(OTHER, "Tamansari")]
    Registry(desk.engine).replace([replace(one, uplink="odp-1") for one in villages], NOON)


def test_planned_work_that_is_declared_after_the_alert_holds_the_next_step_until_it_is_over(desk: Desk) -> None:
    desk.failed()
    desk.after(2 * MINUTE)
    assert len(desk.titles("ratih")) == 1
    declare(desk, desk.clock.now(), NOON + 2 * HOUR, village=CODE, facility="gerbang")
    desk.after(HOUR)
    assert desk.titles("dewi") == []  # the step was due a quarter of an hour after the first message
    desk.after(58 * MINUTE + 30 * SECOND)
    assert desk.titles("dewi") == ["Belum ditangani: Gerbang balai, Paspan"]


def test_the_message_after_it_says_until_when_it_was_planned(desk: Desk, hook: Webhook) -> None:
    made = book(hook)
    people = {**made.people, "joko": replace(made.people["joko"], language="en")}
    desk.tell(replace(made, people=people))
    declare(desk, NOON, NOON + 4 * HOUR, village=CODE)
    desk.failed()
    desk.after(3 * HOUR + 59 * MINUTE)
    assert hook.posts == []
    desk.after(2 * MINUTE)
    assert ", pekerjaan terencana sampai 16.00 WIB" in hook.taken("ratih")[0].text
    assert ", planned until 16:00 WIB" in hook.taken("joko")[0].text
    desk.after(10 * MINUTE)
    assert desk.titles("dewi") == []  # its quarter of an hour counts from when the first were told
    desk.after(6 * MINUTE)
    assert len(desk.titles("dewi")) == 1


def test_a_declaration_that_is_taken_back_holds_nothing_any_more(desk: Desk) -> None:
    name = declare(desk, NOON, NOON + 4 * HOUR, village=CODE)
    desk.failed()
    desk.after(5 * MINUTE)
    assert desk.titles("ratih") == []
    take_back(desk, name)
    desk.after(MINUTE)
    assert len(desk.titles("ratih")) == 1


def test_what_waits_for_the_hours_of_its_rule_waits_for_planned_work_too(desk: Desk, hook: Webhook) -> None:
    hours = parse_schedule(("Mon-Sun 13:00-21:00",))
    desk.tell(book(hook, Rule("siang", ("ratih",), hours=hours, outside=Outside.WAIT)))
    desk.failed()
    desk.after(30 * MINUTE)
    declare(desk, NOON + 50 * MINUTE, NOON + 90 * MINUTE, village=CODE)  # after the message was written
    desk.after(55 * MINUTE)
    assert desk.titles("ratih") == []
    desk.after(6 * MINUTE)
    assert len(desk.titles("ratih")) == 1


@pytest.mark.parametrize(
    ("kind", "subject", "whom", "held"),
    [
        (Kind.DEVICE_SILENT, {"facility": "gerbang", "device": "kontak"}, {"village": CODE, "facility": "gerbang"}, 1),
        (Kind.CLOCK_SKEW, {"device": "kontak"}, {"village": CODE, "facility": "gerbang"}, 1),
        (Kind.DEVICE_SILENT, {"facility": "gerbang", "device": "kontak"}, {"village": CODE, "facility": "wifi"}, 0),
        (Kind.INDICATOR_MISSED, {"facility": "gerbang"}, {"village": CODE}, 1),
        (Kind.INDICATOR_MISSED, {"facility": "gerbang"}, {"uplink": "odp-1"}, 1),
        (Kind.VILLAGE_OFFLINE, {}, {"village": CODE}, 1),
        (Kind.VILLAGE_OFFLINE, {}, {"uplink": "odp-1"}, 1),
        (Kind.VILLAGE_OFFLINE, {}, {"uplink": "odp-2"}, 0),
        (Kind.VILLAGE_OFFLINE, {}, {"village": CODE, "facility": "gerbang"}, 0),
        (Kind.VILLAGE_OFFLINE, {}, {"village": OTHER}, 0),
        (Kind.GATEWAY_BUFFER, {"device": "gw"}, {"village": CODE}, 1),
        (Kind.GATEWAY_BUFFER, {"device": "gw"}, {"village": CODE, "facility": "gerbang"}, 0),
    ],
)
def test_what_planned_work_holds(
    desk: Desk, kind: Kind, subject: dict[str, str], whom: dict[str, str], held: int
) -> None:
    share_an_uplink(desk)
    declare(desk, NOON, NOON + HOUR, **whom)
    raised(desk, kind, **subject)
    desk.after(2 * MINUTE)
    assert len(desk.titles("ratih")) == 1 - held
    assert len(desk.rows("waiting")) == 2 * held


def test_a_shared_outage_is_told_while_one_of_its_villages_is_not_excused(desk: Desk) -> None:
    share_an_uplink(desk)
    now = desk.clock.now()
    alert = new_alert(Kind.VILLAGE_OFFLINE, CODE, facility=None, device=None, began_at=now - MINUTE)
    children = [{"village": code, "began_at": rfc3339(now), "ended_at": None} for code in (CODE, OTHER)]
    alert.evidence |= {"uplink": "odp-1", "villages": [CODE, OTHER], "children": children}
    changes = Changes()
    changes.raised(alert, Raise("test", alert.began_at, None, {}), now)
    desk.ledger.commit(changes)
    first = declare(desk, NOON, NOON + HOUR, village=CODE)
    second = declare(desk, NOON, NOON + HOUR, village=OTHER)
    desk.after(2 * MINUTE)
    assert desk.titles("ratih") == []
    take_back(desk, second)
    desk.after(MINUTE)
    assert len(desk.titles("ratih")) == 1
    assert first


def test_missing_mains_holds_what_it_excuses_until_it_is_back(desk: Desk) -> None:
    mains(desk, "gerbang")
    desk.failed()
    raised(desk, Kind.DEVICE_SILENT, facility="gerbang", device="kontak")
    raised(desk, Kind.VILLAGE_OFFLINE)  # the Wi-Fi of the village has power
    desk.after(5 * MINUTE)
    assert desk.titles("ratih") == ["Gangguan: Paspan"]
    mains(desk, "gerbang", "wifi")
    desk.after(15 * MINUTE)
    assert desk.titles("dewi") == []
    mains(desk)
    desk.after(MINUTE)
    assert desk.titles("ratih") == ["Gangguan: Paspan", "Gangguan: 2 peringatan, Paspan"]
    assert desk.titles("dewi") == ["Belum ditangani: Paspan"]


def test_of_a_message_only_what_is_excused_waits(desk: Desk) -> None:
    declare(desk, NOON, NOON + HOUR, village=CODE, facility="wifi")
    desk.failed("gerbang")
    desk.failed("wifi", "wifi_up")
    desk.after(2 * MINUTE)
    assert desk.titles("ratih") == ["Gangguan: Gerbang balai, Paspan"]
    desk.after(HOUR)
    assert "Gangguan: Wi-Fi balai, Paspan" in desk.titles("ratih")
    assert len([title for title in desk.titles("ratih") if "Wi-Fi" in title]) == 1


def test_what_began_and_ended_within_planned_work_is_told_once_afterwards(desk: Desk) -> None:
    declare(desk, NOON, NOON + HOUR, village=CODE)
    alert = desk.failed()
    desk.after(5 * MINUTE)
    desk.cleared(alert)
    desk.after(50 * MINUTE)
    assert desk.titles("ratih") == []
    desk.after(6 * MINUTE)
    assert desk.titles("ratih") == ["Pulih: Gerbang balai, Paspan"]
    desk.after(HOUR)
    assert len(desk.titles("ratih")) == 1


def test_who_was_told_before_is_told_that_it_is_over_also_during_planned_work(desk: Desk) -> None:
    alert = desk.failed()
    desk.after(2 * MINUTE)
    declare(desk, desk.clock.now(), NOON + HOUR, village=CODE)
    desk.cleared(alert)
    desk.after(2 * MINUTE)
    assert desk.titles("ratih") == ["Gangguan: Gerbang balai, Paspan", "Pulih: Gerbang balai, Paspan"]


def test_windows_that_follow_each_other_and_windows_that_recur_hold_too(desk: Desk) -> None:
    declare(desk, NOON, NOON + 30 * MINUTE, village=CODE)
    declare(desk, NOON + 30 * MINUTE, NOON + 50 * MINUTE, village=CODE)
    desk.failed()
    desk.after(49 * MINUTE)
    assert desk.titles("ratih") == []
    desk.after(2 * MINUTE)
    assert "terencana sampai 12.50 WIB" in desk.hook.taken("ratih")[0].text


def test_a_facility_taken_out_of_the_sites_file_is_not_called_resolved(desk: Desk, hook: Webhook) -> None:
    made = book(hook)
    people = {**made.people, "joko": replace(made.people["joko"], language="en")}
    desk.tell(replace(made, people=people))
    alert = desk.failed()
    desk.after(2 * MINUTE)
    changes = Changes()
    changes.taken_out(desk.open.pop(alert), desk.clock.now())
    desk.ledger.commit(changes)
    desk.after(2 * MINUTE)
    assert desk.titles("ratih")[1] == "Tidak dipantau lagi: Gerbang balai, Paspan"
    assert desk.titles("joko")[1] == "No longer watched: Gerbang balai, Paspan"
    assert "12.02 WIB tidak ada lagi di berkas lokasi" in hook.taken("ratih")[1].text
    assert "at 12:02 WIB it was taken out of the sites file" in hook.taken("joko")[1].text
    assert not any("esolved" in post.text or "pulih" in post.text.lower() for post in hook.posts)


def test_the_power_facility_of_a_village_waits_while_all_others_are_without_mains(desk: Desk) -> None:
    power = Facility("listrik", "power", "Listrik", (Device("ups", Adapter.SENML, MINUTE),))
    here = village()
    Registry(desk.engine).replace([replace(here, facilities=(*here.facilities, power))], NOON)
    mains(desk, "gerbang", "wifi")
    raised(desk, Kind.DEVICE_SILENT, facility="listrik", device="ups")
    desk.after(2 * MINUTE)
    assert desk.titles("ratih") == []
    mains(desk, "wifi")
    desk.after(MINUTE)
    assert len(desk.titles("ratih")) == 1


def test_a_step_of_a_rule_that_is_gone_follows_at_once(hook: Webhook) -> None:
    made = book(hook, Rule("r", ("ratih",), escalate=(Step(5 * MINUTE, ("dewi",)),)))
    assert (made.after("r", 1), made.after("r", 2), made.after("gone", 1)) == (5 * MINUTE, 0, 0)
