"""The service worker of a page, to which the test says what the browser itself would."""

from typing import Any

from playwright.sync_api import Page

from tests.wait import until

__all__ = ["Worker"]

SHOWN = """async () => {
  const found = await (await navigator.serviceWorker.ready).getNotifications();
  return found.map(({ title, body, lang, tag, data }) => ({ title, body, lang, tag, path: data.path }));
}"""


class Worker:
    """The page's service worker, to which messages are delivered as the browser would."""

    def __init__(self, page: Page) -> None:
        page.wait_for_function("() => navigator.serviceWorker.controller?.state === 'activated'")
        self._page = page
        self._origin: str = page.evaluate("location.origin")
        self._session = page.context.new_cdp_session(page)
        found: list[str] = []
        self._session.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda told: found.extend(one["registrationId"] for one in told["registrations"]),
        )
        self._session.send("ServiceWorker.enable")

        def registered() -> bool:
            page.evaluate("() => 1")  # events come while Playwright waits for an answer
            return bool(found)

        until(registered)
        self._registration = found[-1]

    def deliver(self, data: bytes) -> None:
        """Deliver a push message."""
        told = {"origin": self._origin, "registrationId": self._registration, "data": data.decode()}
        self._session.send("ServiceWorker.deliverPushMessage", told)

    def sync(self, tag: str) -> None:
        """Say that there is a network again."""
        told = {"origin": self._origin, "registrationId": self._registration, "tag": tag, "lastChance": False}
        self._session.send("ServiceWorker.dispatchSyncEvent", told)

    def shown(self, count: int) -> list[dict[str, Any]]:
        """Returns the notifications, once there are so many."""
        until(lambda: len(self._page.evaluate(SHOWN)) == count)
        found: list[dict[str, Any]] = self._page.evaluate(SHOWN)
        return found
