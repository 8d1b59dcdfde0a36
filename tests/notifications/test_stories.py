"""From an alert to the people: who gets which message, and when, whatever becomes of the provider."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sqlalchemy import Engine, select

from api.notifications.backoff import Patience
from api.notifications.book import Outside, Rule, Step
from api.notifications.planner import Planner
from api.notifications.queue import Queue
from api.notifications.sender import Sender
from api.notifications.web_push import PushDesk
from siaga.database import tables
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.timeline.schedule import parse_schedule
from tests.notifications.desk import CODE, Desk, book, by_another_provider
from tests.notifications.webhook import Webhook
from tests.wait import until


def test_a_raised_alert_reaches_everybody_of_the_group_once_after_the_minute(desk: Desk) -> None:
    desk.failed()
    desk.after(59 * SECOND)
    assert desk.hook.posts == []
    desk.after(SECOND)
    assert desk.titles("ratih") == desk.titles("joko") == ["Gangguan: Gerbang balai, Paspan"]
    text = desk.hook.taken("ratih")[0].text
    assert "Gerbang balai: terganggu (gerbang tertutup), sejak 11.55 WIB (6 menit)" in text
    assert "https://siaga.example/alerts/" in text
    desk.after(10 * MINUTE)
    assert len(desk.hook.posts) == 2


def test_alerts_of_one_village_within_a_minute_are_one_message(desk: Desk) -> None:
    desk.failed("gerbang")
    desk.after(40 * SECOND)
    desk.failed("wifi", "internet")
    desk.failed("gerbang", code="35.10.17.2005")
    desk.after(2 * MINUTE)
    assert desk.titles("ratih") == ["Gangguan: 2 peringatan, Paspan", "Gangguan: Gerbang balai, Tamansari"]


def test_resolved_goes_where_raised_went_and_nowhere_else(desk: Desk) -> None:
    alert = desk.failed()
    desk.after(2 * MINUTE)
    desk.cleared(alert)
    desk.after(2 * MINUTE)
    assert desk.titles("ratih") == ["Gangguan: Gerbang balai, Paspan", "Pulih: Gerbang balai, Paspan"]
    assert "pulih 12.02 WIB setelah 7 menit" in desk.hook.taken("ratih")[1].text
    assert desk.titles("dewi") == []


def test_what_clears_within_the_minute_is_one_message_that_says_so(desk: Desk) -> None:
    alert = desk.failed()
    desk.after(30 * SECOND)
    desk.cleared(alert)
    desk.after(5 * MINUTE)
    assert desk.titles("ratih") == ["Pulih: Gerbang balai, Paspan"]


def test_nobody_acknowledges_so_the_next_are_told_and_hear_of_the_end_too(desk: Desk) -> None:
    alert = desk.failed()
    desk.after(15 * MINUTE)
    assert desk.titles("dewi") == []
    desk.after(2 * MINUTE)
    assert desk.titles("dewi") == ["Belum ditangani: Gerbang balai, Paspan"]
    desk.cleared(alert)
    desk.after(2 * MINUTE)
    assert desk.titles("dewi")[1:] == ["Pulih: Gerbang balai, Paspan"]
    assert len(desk.titles("ratih")) == 2


def test_an_acknowledged_alert_is_not_escalated(desk: Desk) -> None:
    alert = desk.failed()
    desk.after(10 * MINUTE)
    desk.updated(alert, acknowledged_at=desk.clock.now(), acknowledged_by="Ratih")
    desk.after(HOUR)
    assert desk.titles("dewi") == []
    assert len(desk.hook.posts) == 2
    assert not any("Ratih" in post.title + post.text for post in desk.hook.posts)


def test_a_snoozed_alert_is_escalated_when_the_snooze_is_over(desk: Desk) -> None:
    alert = desk.failed()
    desk.after(5 * MINUTE)
    desk.updated(alert, snoozed_until=desk.clock.now() + HOUR)
    desk.after(59 * MINUTE)
    assert desk.titles("dewi") == []
    desk.after(2 * MINUTE)
    assert len(desk.titles("dewi")) == 1


def test_an_alert_that_gets_graver_is_told_again_and_a_comment_is_not(desk: Desk) -> None:
    alert = desk.failed()
    desk.after(2 * MINUTE)
    desk.updated(alert, assignee="Joko")
    desk.after(2 * MINUTE)
    assert len(desk.titles("ratih")) == 1
    desk.updated(alert, severity="critical", acknowledged_at=None)
    desk.after(2 * MINUTE)
    assert desk.titles("ratih")[1:] == ["Makin berat: Gerbang balai, Paspan"]


def test_who_has_another_village_of_an_outage_is_told_when_that_joins(desk: Desk, hook: Webhook) -> None:
    rules = (Rule("paspan", ("ratih",), villages=(CODE,)), Rule("tamansari", ("joko",), villages=("35.10.17.2005",)))
    desk.tell(book(hook, *rules))
    alert = desk.lost()
    desk.after(MINUTE)
    assert (len(desk.titles("ratih")), desk.titles("joko")) == (1, [])
    desk.updated(alert, evidence={"villages": [CODE, "35.10.17.2005"]})
    desk.after(MINUTE)
    assert (len(desk.titles("ratih")), len(desk.titles("joko"))) == (1, 1)
    desk.updated(alert, acknowledged_at=desk.clock.now(), acknowledged_by="teknisi")
    desk.updated(alert, acknowledged_at=None, evidence={"villages": [CODE, "35.10.17.2005", "35.10.17.2006"]})
    desk.after(MINUTE)
    assert [len(desk.titles(who)) for who in ("ratih", "joko")] == [2, 2], "what was acknowledged had grown"
    desk.cleared(alert)
    desk.after(MINUTE)
    assert [len(desk.titles(who)) for who in ("ratih", "joko")] == [3, 3]


def test_by_night_only_who_has_the_night_is_told_and_the_others_in_the_morning(desk: Desk) -> None:
    day = Rule("siang", ("ratih",), hours=parse_schedule(("Mon-Sun 07:00-17:00",)), outside=Outside.WAIT)
    night = Rule("jaga", ("joko",), hours=parse_schedule("night"))
    desk.tell(book(desk.hook, day, night))
    desk.clock.advance(10 * HOUR)  # it is ten in the evening
    open_ = desk.failed("gerbang")
    over = desk.failed("wifi", "internet")
    desk.after(2 * MINUTE)
    desk.cleared(over)
    desk.after(2 * MINUTE)
    assert desk.titles("joko") == ["Gangguan: 2 peringatan, Paspan", "Pulih: Wi-Fi balai, Paspan"]
    assert desk.titles("ratih") == []
    desk.clock.advance(9 * HOUR)
    desk.after(MINUTE)
    assert desk.titles("ratih") == ["Gangguan: 2 peringatan, Paspan"]
    assert "Wi-Fi balai: terganggu (Wi-Fi tanpa akses internet), pulih 11 Mar 22.02" in desk.hook.taken("ratih")[0].text
    desk.cleared(open_)
    desk.after(2 * MINUTE)
    assert desk.titles("ratih")[1:] == ["Pulih: Gerbang balai, Paspan"]


def test_a_provider_that_is_down_for_hours_loses_nothing_and_holds_up_nobody(desk: Desk, hook: Webhook) -> None:
    hook.answers["ratih"] = 503
    desk.tell(by_another_provider(desk.book, "joko"))
    first = desk.failed("gerbang")
    desk.after(2 * MINUTE)
    assert len(desk.titles("joko")) == 1
    desk.after(5 * HOUR)
    desk.cleared(first)
    second = desk.failed("wifi", "internet")
    desk.after(2 * MINUTE)
    assert len(desk.titles("joko")) == 2
    assert desk.titles("ratih") == []
    del hook.answers["ratih"]
    desk.after(16 * MINUTE)
    told = "\n".join(post.text for post in hook.taken("ratih"))
    assert "Gerbang balai: terganggu (gerbang tertutup), pulih 17.02 WIB setelah 5 jam 7 menit" in told
    assert told.count("Gerbang balai") == told.count("Wi-Fi balai") == 1
    assert second in desk.open
    assert desk.rows("waiting") == desk.rows("dead") == []


def test_after_so_many_attempts_a_message_is_a_dead_letter_that_can_be_revived(desk: Desk, hook: Webhook) -> None:
    hook.answers["ratih"] = 404
    desk.tell(desk.book, patience=Patience(attempts=3))
    alert = desk.failed()
    desk.after(10 * MINUTE)
    assert [(row["recipient"], row["attempts"], row["problem"]) for row in desk.rows("dead")] == [
        ("ratih/web", 3, "answered 404")
    ]
    del hook.answers["ratih"]
    desk.cleared(alert)
    desk.after(2 * MINUTE)
    assert desk.titles("ratih") == ["Pulih: Gerbang balai, Paspan"]  # late, and the whole story
    assert Queue(desk.engine, desk.book).revive(desk.clock.now()) == 1
    desk.after(MINUTE)
    assert desk.rows("dead") == []
    assert desk.titles("ratih") == ["Pulih: Gerbang balai, Paspan"]  # nothing was left to tell


def test_a_line_that_is_cut_before_the_answer_is_not_tried_again_too_soon(desk: Desk, hook: Webhook) -> None:
    hook.answers["ratih"] = 0
    desk.failed()
    desk.after(MINUTE)
    hook.answers["ratih"] = 200
    desk.after(119 * SECOND)
    assert [post.status for post in hook.posts if post.to == "ratih"] == [0]
    desk.after(5 * SECOND)
    assert [post.status for post in hook.posts if post.to == "ratih"] == [0, 200]


def test_who_is_in_the_file_no_longer_is_not_waited_for(desk: Desk, hook: Webhook) -> None:
    hook.answers["ratih"] = 500
    desk.failed()
    desk.after(MINUTE)
    people = {name: person for name, person in desk.book.people.items() if name != "ratih"}
    desk.tell(replace(desk.book, people=people))
    desk.after(5 * MINUTE)
    assert [row["problem"] for row in desk.rows("dead")] == ["the notify file has it no longer"]


def test_a_storm_over_many_villages_is_one_message_for_each(desk: Desk) -> None:
    for number in range(40):
        desk.failed(code=f"35.10.18.{number:04}")
    desk.after(2 * MINUTE)
    assert desk.titles("ratih") == ["Gangguan: 40 peringatan di 40 desa"]
    assert "dan 32 lagi" in desk.hook.taken("ratih")[0].text
    assert len(desk.hook.taken("ratih")[0].text) < 1_000


def test_without_rules_notices_do_not_pile_up(desk: Desk) -> None:
    desk.tell(replace(desk.book, rules=()))
    desk.failed()
    desk.after(2 * MINUTE)
    assert desk.rows() == []
    with desk.engine.connect() as connection:
        assert connection.execute(select(tables.notice)).all() == []


def test_two_planners_and_four_senders_send_everything_once(desk: Desk, engine: Engine, hook: Webhook) -> None:
    for number in range(12):
        desk.failed(code=f"35.10.19.{number:04}")
        desk.clock.advance(61 * SECOND)
    now = desk.clock.now()
    calm = replace(desk.book, gather=0)
    start = threading.Barrier(6)

    def plan(_: int) -> None:
        planner = Planner(engine, calm)
        start.wait()
        while planner.plan_one(now):
            pass

    def send(_: int) -> None:
        sender = Sender(engine, calm, desk.metrics, PushDesk(engine))
        start.wait()
        until(lambda: not sender.send_one(lambda: now) and not desk.rows("waiting") and len(desk.rows()) > 0)

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(plan, number) for number in range(2)] + [pool.submit(send, number) for number in range(4)]
        for job in jobs:
            job.result()
    for name in ("ratih", "joko"):
        texts = [post.text for post in hook.posts if post.to == name]
        assert len(texts) == len(set(texts)) == len(hook.taken(name)) >= 1
    assert {row["state"] for row in desk.rows()} == {"sent"}


def test_old_messages_are_forgotten_in_the_end(desk: Desk) -> None:
    alert = desk.failed()
    desk.after(2 * MINUTE)
    desk.cleared(alert)
    desk.after(2 * MINUTE)
    assert desk.planner.forget(desk.clock.now() + 399 * DAY) == 0
    assert desk.planner.forget(desk.clock.now() + 401 * DAY) == 4
    assert desk.rows() == []


def test_the_first_rule_wins_and_a_person_in_two_groups_is_told_once(desk: Desk) -> None:
    desk.tell(
        book(
            desk.hook,
            Rule("semua", ("teknisi", "ratih")),
            Rule("lagi", ("ratih",), escalate=(Step(5 * MINUTE, ("dewi",)),)),
        )
    )
    desk.failed()
    desk.after(7 * MINUTE)
    assert len(desk.titles("ratih")) == 1
    assert len(desk.titles("dewi")) == 1
