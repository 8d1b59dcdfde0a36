"""Push messages in the browser: what the service worker shows and opens, the badge, and turning it on and off."""

import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy import select

from api.notifications.messages import Message, Tone
from api.notifications.web_push import PushDesk
from api.notifications.web_push.channel import payload
from siaga.database import tables, writing
from siaga.database.people import PushSubscriptions
from siaga.model.caller import Role
from siaga.model.clock import MINUTE
from tests.http.district import GLAGAH, NOW, District
from tests.notifications.push_service import PhoneBrowser, PushService, push_service
from tests.people.accounts import signed_in
from tests.wait import until
from tests.web.test_phone import sign_in
from tests.web.worker import Worker

SUBSCRIBES = """(subscription) => {
  const found = { ...subscription, options: { applicationServerKey: new ArrayBuffer(0) }, toJSON: () => subscription,
    unsubscribe: async () => { localStorage.setItem("gone", "yes"); now = null; return true; } };
  let now = localStorage.getItem("subscribed") ? found : null;
  PushManager.prototype.getSubscription = async () => now;
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    localStorage.setItem("subscribed", JSON.stringify({ userVisibleOnly, applicationServerKey }));
    return (now = found);
  };
}"""
"""A push service is not there for the test's browser, so the page gets its subscription from here."""
LONG_AGO = """() => {
  const kept = JSON.parse(localStorage.getItem("siaga-push"));
  localStorage.setItem("siaga-push", JSON.stringify({ ...kept, at: 0 }));
}"""
"""The visit before is over."""


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as service:
        yield service


@pytest.fixture
def served(district: District, service: PushService) -> Iterator[httpx.Client]:
    district.push = PushDesk(district.engine, district.clock, resolve=service.resolve, context=service.context)
    with district.served(None) as client:
        yield client


@pytest.fixture
def phone(browser: Browser, served: httpx.Client) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=str(served.base_url),
        viewport={"width": 360, "height": 640},
        locale="id-ID",
        permissions=["notifications"],
    )
    yield context
    context.close()


def test_a_message_is_shown_in_its_language_and_replaces_the_one_before(
    district: District, phone: BrowserContext, served: httpx.Client
) -> None:
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "wahyu"))
    alert = district.raise_alert(1)
    page = phone.new_page()
    page.goto("/alerts")
    worker = Worker(page)
    path = f"/alerts/{alert}"
    failed = Message("Gangguan: Gerbang", "gerbang tertutup", Tone.FAILURE, path=path, topic=alert)
    worker.deliver(payload(failed, "id", 1))
    (shown,) = worker.shown(1)
    assert shown == {"title": "Gangguan: Gerbang", "body": "gerbang tertutup", "lang": "id", "tag": alert, "path": path}
    worker.deliver(payload(Message("Pulih: Gerbang", "", Tone.SUCCESS, path=path, topic=alert), "id", 0))
    until(lambda: worker.shown(1)[0]["title"] == "Pulih: Gerbang")


def test_a_tap_opens_the_alert_and_never_another_site(
    district: District, phone: BrowserContext, served: httpx.Client
) -> None:
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "wahyu"))
    alert = district.raise_alert(1)
    page = phone.new_page()
    page.goto("/villages")
    Worker(page)
    (worker,) = phone.service_workers
    tap = """(path) => {
      const opened = [];
      const event = new Event("notificationclick");
      self.clients.matchAll = async () => [
        { url: `${location.origin}/villages`, focus: async () => {}, navigate: async (to) => opened.push(to) },
      ];
      let done = null;
      event.notification = { close: () => {}, data: { path } };
      event.waitUntil = (promise) => (done = promise);
      self.dispatchEvent(event);
      return done.then(() => opened);
    }"""
    base = str(served.base_url).rstrip("/")
    assert worker.evaluate(tap, f"/alerts/{alert}") == [f"{base}/alerts/{alert}"]
    assert worker.evaluate(tap, None) == [f"{base}/alerts"]
    assert worker.evaluate(tap, "https://evil.example/") == [f"{base}/alerts"]
    assert worker.evaluate(tap, "//evil.example/") == []


def test_its_button_takes_the_alert_and_says_who_has_it(
    district: District, phone: BrowserContext, served: httpx.Client
) -> None:
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "wahyu"))
    alert = district.raise_alert(1)
    message = Message("Gangguan: Gerbang", "gerbang tertutup", Tone.FAILURE, path=f"/alerts/{alert}", topic=alert)
    take = json.loads(payload(message, "id", 1, may_act=True))["take"]
    assert take["title"] == "Tangani"
    assert json.loads(payload(message, "id", 1))["take"] is None, "a viewer takes none"
    over = replace(message, tone=Tone.SUCCESS)
    assert json.loads(payload(over, "id", 1, may_act=True))["take"] is None, "it is over"
    page = phone.new_page()
    page.goto("/alerts")
    Worker(page)
    page.goto("/alerts")  # by the worker, which learns who has signed in
    (worker,) = phone.service_workers
    press = """([tag, take]) => {
      const said = [];
      const event = new Event("notificationclick");
      event.action = "take";
      event.notification = { close: () => {}, tag, title: "G", lang: "id", data: { path: "/alerts", take } };
      self.registration.showNotification = async (title, { body }) => said.push(body);
      let done = null;
      event.waitUntil = (promise) => (done = promise);
      self.dispatchEvent(event);
      return done.then(() => said);
    }"""
    assert worker.evaluate(press, [alert, take]) == ["Sedang ditangani oleh Anda"]
    with district.engine.connect() as connection:
        assert connection.execute(select(tables.alert.c.acknowledged_by)).scalar_one() == "wahyu"
    with writing(district.engine) as connection:
        connection.execute(tables.alert.update().values(assignee="joko"))
    assert worker.evaluate(press, [alert, take]) == ["Sedang ditangani joko"]
    assert worker.evaluate(press, ["0" * 32, take]) == [take["failed"]]


def test_it_is_turned_on_renewed_at_a_visit_and_turned_off(
    district: District, phone: BrowserContext, served: httpx.Client, service: PushService
) -> None:
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "wahyu"))
    browser = PhoneBrowser()
    phone.add_init_script(f"({SUBSCRIBES})({json.dumps(browser.subscription)})")
    subscriptions = PushSubscriptions(district.engine, district.clock)
    page = phone.new_page()
    page.goto("/account")
    page.wait_for_function("() => navigator.serviceWorker.controller?.state === 'activated'")
    page.get_by_role("button", name="Nyalakan di peramban ini").click()
    page.locator("[data-push]").wait_for()
    assert district.push is not None
    said = page.evaluate("JSON.parse(localStorage.getItem('subscribed'))")
    assert said == {"userVisibleOnly": True, "applicationServerKey": district.push.vapid.public}
    (one,) = subscriptions.of("wahyu")
    page.locator(f"[data-push='{one.id}']").get_by_role("button", name="Uji").click()
    page.get_by_text("Pesan uji diterima layanan peramban").wait_for()
    assert service.read(browser)[0]["lang"] == "id"

    district.clock.advance(MINUTE)
    page.goto("/villages")
    assert subscriptions.of("wahyu")[0].renewed_at == NOW, "not at each page"
    page.evaluate(LONG_AGO)
    page.goto("/alerts")
    until(lambda: subscriptions.of("wahyu")[0].renewed_at == NOW + MINUTE)

    page.goto("/account")
    page.get_by_role("button", name="Matikan di peramban ini").click()
    page.get_by_text("Belum ada peramban yang menerima pemberitahuan.").wait_for()
    assert subscriptions.of("wahyu") == []


def test_another_person_s_visit_renews_nothing(district: District, phone: BrowserContext, served: httpx.Client) -> None:
    browser = PhoneBrowser()
    phone.add_init_script(f"({SUBSCRIBES})({json.dumps(browser.subscription)})")
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "wahyu"))
    page = phone.new_page()
    page.goto("/account")
    page.get_by_role("button", name="Nyalakan di peramban ini").click()
    page.locator("[data-push]").wait_for()
    page.locator(".menu summary").click()
    page.locator(".menu").get_by_role("button", name="Keluar").click()
    page.wait_for_url("**/login")
    assert PushSubscriptions(district.engine, district.clock).of("wahyu") == [], "its session has ended"
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "joko"))
    page.goto("/account")
    page.get_by_role("button", name="Nyalakan di peramban ini").wait_for()
    assert PushSubscriptions(district.engine, district.clock).of("joko") == []


def test_the_badge_follows_the_open_alerts(district: District, phone: BrowserContext, served: httpx.Client) -> None:
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "wahyu"))
    first = district.raise_alert(1)
    phone.add_init_script("navigator.setAppBadge = async (count) => (window.badge = count)")
    page = phone.new_page()
    page.goto("/alerts")
    page.wait_for_function("() => window.badge === 1")
    page.locator(".live[data-state='live']").wait_for()
    district.raise_alert(2, village=GLAGAH, facility="wifi-balai")
    page.wait_for_function("() => window.badge === 2")
    district.clear_alert(first, NOW)
    page.wait_for_function("() => window.badge === 1")
