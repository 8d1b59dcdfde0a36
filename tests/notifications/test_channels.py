"""What a provider answers, and what that means: a real server on the loopback interface, and a port where none is."""

import logging
import socket
import threading
from io import StringIO

import pytest
from apprise.result import AppriseResult, AppriseResultStatus, NotifyAttempt, NotifyResult

from api.notifications import channels
from api.notifications.channels import Answer, Outcome, open_channel, provider_of
from api.notifications.messages import trial
from siaga.run.logs import set_up_logs
from tests.notifications.desk import Desk, book
from tests.notifications.webhook import Webhook
from tests.wait import until


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(200, Outcome(Answer.TAKEN, "took it"), id="taken"),
        pytest.param(204, Outcome(Answer.TAKEN, "took it"), id="taken without a word"),
        pytest.param(400, Outcome(Answer.REFUSED, "answered 400"), id="it does not like this message"),
        pytest.param(404, Outcome(Answer.REFUSED, "answered 404"), id="it does not know this recipient"),
        pytest.param(429, Outcome(Answer.UNREACHABLE, "answered 429"), id="too many: leave it alone for a while"),
        pytest.param(500, Outcome(Answer.UNREACHABLE, "answered 500"), id="it is broken"),
        pytest.param(503, Outcome(Answer.UNREACHABLE, "answered 503"), id="it is away"),
        pytest.param(302, Outcome(Answer.REFUSED, "answered 302"), id="it sends us elsewhere: not followed"),
        pytest.param(0, Outcome(Answer.UNSURE, "did not answer"), id="the line is cut before the answer: nobody knows"),
    ],
)
def test_an_answer_and_what_it_means(hook: Webhook, status: int, expected: Outcome) -> None:
    hook.answers["ratih"] = status
    assert open_channel(hook.url("ratih")).send(trial("id")) == expected
    assert [(post.title, post.status) for post in hook.posts] == [("Siaga: pesan percobaan", status)]


def test_nobody_listens() -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"json://127.0.0.1:{taken.getsockname()[1]}/x"
        assert open_channel(url).send(trial("id")) == Outcome(Answer.UNREACHABLE, "could not be reached")


def test_a_provider_that_does_not_answer_in_time_may_have_taken_it(
    hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "READ_WITHIN", 0.1)
    release = threading.Event()
    hook.answers["ratih"] = lambda: 200 if release.wait(10) else 500
    assert open_channel(hook.url("ratih")).send(trial("id")) == Outcome(Answer.UNSURE, "did not answer")
    release.set()
    until(lambda: hook.taken("ratih"))


def test_a_provider_that_hangs_is_left_behind(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = open_channel(hook.url("ratih"))
    monkeypatch.setattr(channels, "SEND_WITHIN", 0.1)
    release = threading.Event()
    hook.answers["ratih"] = lambda: 200 if release.wait(10) else 500
    assert channel.send(trial("id")).answer is Answer.UNSURE
    release.set()
    until(lambda: hook.taken("ratih"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("tgram://1:token/11", "tgram://1:token/12", True),
        ("tgram://1:token/11", "tgram://2:other/11", False),
        ("json://h:1/a", "json://h:1/b?x=1", True),
        ("json://h:1/a", "json://h:2/a", False),
        ("json://h/a", "xml://h/a", False),
    ],
)
def test_channels_that_fail_together_have_one_provider(one: str, other: str, same: bool) -> None:
    assert (provider_of(one) == provider_of(other)) is same
    assert "token" not in provider_of(one)


def test_no_secret_is_logged_whatever_the_provider_answers(desk: Desk, hook: Webhook) -> None:
    secret = f"json://siaga:s3cret@127.0.0.1:{hook.port}/s3cret-path?+X-Token=s3cret"
    made = book(hook)
    person = made.people["ratih"]
    desk.tell(type(made)({"ratih": type(person)("ratih", "id", {"web": secret})}, {"teknisi": ("ratih",)}, made.rules))
    root, stream = logging.getLogger(), StringIO()
    before = root.handlers[:], root.level
    set_up_logs(stream, verbose=True)
    try:
        for status in (500, 404, 0, 200):
            hook.answers["s3cret-path"] = status
            desk.failed()
            desk.after(61_000)
            desk.cleared(next(iter(desk.open)))
            desk.after(5 * 60_000)
    finally:
        root.handlers[:], root.level = before
    assert stream.getvalue().count("notification_") >= 4
    assert len(hook.posts) >= 4
    assert "s3cret" not in stream.getvalue()


def _result(status: AppriseResultStatus, *services: AppriseResultStatus) -> AppriseResult:
    results = [NotifyResult("a", "json://a", attempts=[NotifyAttempt(each)]) for each in services]
    return AppriseResult(status, results)


_SUCCESS, _FAILURE = AppriseResultStatus.SUCCESS, AppriseResultStatus.FAILURE


@pytest.mark.parametrize(
    ("result", "taken"),
    [
        pytest.param(_result(_SUCCESS, _SUCCESS), True, id="one service, and it succeeded"),
        pytest.param(_result(_SUCCESS), False, id="success of nobody"),
        pytest.param(_result(AppriseResultStatus.NOMATCH), False, id="nobody was asked"),
        pytest.param(_result(AppriseResultStatus.PARTIAL, _SUCCESS, _FAILURE), False, id="a part of it"),
        pytest.param(_result(AppriseResultStatus.TIMEOUT, AppriseResultStatus.TIMEOUT), False, id="no answer in time"),
        pytest.param(_result(_SUCCESS, _FAILURE), False, id="an optional service that failed"),
        pytest.param(_result(_SUCCESS, _SUCCESS, _SUCCESS), False, id="two services"),
    ],
)
def test_only_a_success_of_the_one_service_is_a_yes(
    hook: Webhook, monkeypatch: pytest.MonkeyPatch, result: AppriseResult, taken: bool
) -> None:
    monkeypatch.setattr("apprise.Apprise.notify", lambda *_, **__: result)
    outcome = open_channel(hook.url("ratih")).send(trial("id"))
    assert (outcome.answer is Answer.TAKEN) is taken
    assert not hook.posts
