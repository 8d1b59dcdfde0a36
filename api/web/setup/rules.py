"""`/setup/rules`: whom siaga tells of what, who would be told of an alert, and a test of each channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.notifications.book import Book, Outside, Recipient
from api.notifications.channels import Answer, BadChannel, OpenChannel, Outcome
from api.notifications.facts import Facts
from api.notifications.live_book import BookDesk
from api.notifications.messages import trial
from api.notifications.web_push import Subscribers, subscription_of
from api.queries.told import ChannelMark, channel_marks
from api.web.access import SignedInAdmin
from api.web.form_time import NoTime, form_time
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from api.web.setup.first_steps import next_step
from api.web.setup.limits import admin_of
from api.web.setup.rule_entry import RuleEntry, entry_of
from api.web.setup.rule_view import concerns, recipients_of, rule_view, told
from api.web.setup.site_edit import Unsaved
from api.web.setup.site_village import Text
from api.web.trail import channel_name, message_words
from api.words import Words
from api.words.said import said
from siaga.model.alert_kinds import SEVERITIES, Kind
from siaga.model.durations import format_duration
from siaga.model.local_time import NO_VILLAGES_ZONE

__all__ = ["FORMS", "page", "router"]

router = APIRouter(include_in_schema=False)

_HERE = "/setup/rules"
FORMS = f"{_HERE}/"
"""The forms, of which one waits for a provider's answer."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The form "who would be told of …", as it was filled in."""

    village: str = ""
    kind: Kind = Kind.FACILITY_FAILED
    severity: str = ""
    at: str = ""


_NOTHING = _Asked()


@router.api_route(_HERE, methods=["GET", "HEAD"])
def rules(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    village: Annotated[str, Query(max_length=40)] = "",
    kind: Annotated[Kind, Query()] = Kind.FACILITY_FAILED,
    severity: Annotated[str, Query(max_length=20)] = "",
    at: Annotated[str, Query(max_length=40)] = "",
    rule: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The rules that are for a village of the admin's, and who would be told. `rule`: the one that the form changes."""
    form = _rule_form(request, looker, rule) if rule else None
    asked = _Asked(village.strip(), kind, severity if severity in SEVERITIES.values() else "", at)
    return page(request, services, looker, frame, asked, form=form)


def page(
    request: Request,
    services: Services,
    looker: Looker,
    frame: Frame,
    asked: _Asked = _NOTHING,
    problem: Unsaved | None = None,
    form: RuleEntry | None = None,
) -> Response:
    """Returns the page, with an answer to what was asked, or with why a form was not saved. `form`: of a rule."""
    book, words, scopes = _book(request, services), looker.words, admin_of(looker).scopes
    written: Book = request.app.state.book
    mine = [rule for rule in written.rules if concerns(rule, scopes)]
    answer, wrong = _answer(services, looker, book, asked) if asked.village else (None, None)
    desk: BookDesk | None = request.app.state.book_desk
    may_write = desk is not None and scopes.everything
    following = next_step(request, services, looker)
    return frame.page(
        request,
        looker,
        "setup/rules.html",
        next_step=following if following is not None and following.path != "/setup/rules" else None,
        status=problem.status if problem is not None else 422 if wrong else 200,
        title=words("setup_rules"),
        problems=problem.problems if problem is not None else (),
        seen=desk.read()[1] if desk is not None and may_write else None,
        accounts=[one.name for one in services.persons.listed()] if may_write else [],
        form=form or RuleEntry(outside=Outside.WAIT),
        is_filled=form is not None,
        names=[*written.people, *written.groups],
        rules=[rule_view(words, book, rule, scopes) for rule in mine],
        channels=_channel_views(services, words, _channels(book, looker)),
        gather_text=format_duration(book.gather),
        gather=words.duration(book.gather) if book.gather else None,
        asked=asked,
        answer=answer,
        problem=wrong,
        kinds=list(Kind),
        severities=list(dict.fromkeys(SEVERITIES.values())),
        now=_local(services.clock.now()),
    )


def _rule_form(request: Request, looker: Looker, name: str) -> RuleEntry:
    """Returns the form of a rule that the admin may change."""
    desk: BookDesk | None = request.app.state.book_desk
    listed = desk.read()[0].get("rules") if desk is not None and admin_of(looker).scopes.everything else None
    rules = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    found = next((one for one in rules if one.get("name") == name), None)
    if found is None:
        raise not_found("rule", name)
    return entry_of(found)


@router.post(f"{_HERE}/test")
def send_test(request: Request, services: ServicesHere, looker: SignedInAdmin, to: Text = "") -> Response:
    """Send one test message by a channel, and say what the provider answered."""
    book = _book(request, services)
    if to not in map(str, _channels(book, looker)):
        raise not_found("channel", to)
    outcome = _sent(request, services, book, to)
    taken = outcome.answer is Answer.TAKEN
    _log.info("notification_tested", to=to, by=admin_of(looker).name, provider=outcome.sentence)
    answer = RedirectResponse(_HERE, 303)
    leave_notice(answer, Notice(f"{to}: {said(looker.words, outcome.sentence)}.", not taken))
    return answer


def _sent(request: Request, services: Services, book: Book, to: str) -> Outcome:
    open_channel: OpenChannel = request.app.state.open_channel
    subscription = subscription_of(book.url(to) or "")
    if subscription is not None:
        return services.push.channel(subscription).send(trial(book.language(to)))
    try:
        return open_channel(book.url(to) or "").send(trial(book.language(to)))
    except BadChannel as problem:
        return Outcome(Answer.NEVER, f"was not asked: the address {problem}")


def _book(request: Request, services: Services) -> Book:
    """Returns the notify file, with the browsers that take push messages now."""
    found: Book = request.app.state.book
    return Subscribers(services.push.subscriptions).book(found)


def _channels(book: Book, looker: Looker) -> list[Recipient]:
    """Returns the channels that the admin may test: all, or those of the rules for the admin's villages."""
    scopes = admin_of(looker).scopes
    if scopes.everything:
        return sorted(book.recipients(book.people))
    return recipients_of(book, [rule for rule in book.rules if concerns(rule, scopes)])


@dataclass(frozen=True, slots=True)
class _ChannelView:
    """A channel and how it has fared, in words. `mark`: `failed` where the latest message did not arrive."""

    to: Recipient
    name: str
    facts: Sequence[str]
    mark: str


def _channel_views(services: Services, words: Words, channels: Sequence[Recipient]) -> list[_ChannelView]:
    with services.engine.connect() as connection:
        marks = channel_marks(connection, [str(one) for one in channels])
    return [_channel_view(words, one, marks.get(str(one), ChannelMark()), services.clock.now()) for one in channels]


def _channel_view(words: Words, to: Recipient, known: ChannelMark, now: int) -> _ChannelView:
    facts = []
    if known.failed is not None:
        state = message_words(words, known.failed, now, NO_VILLAGES_ZONE)
        time = words.time(known.failed.time, now, NO_VILLAGES_ZONE)
        facts.append(words("told_channel_failed", time=time, state=state))
    if known.sent_at is not None:
        facts.append(words("told_channel_sent", time=words.time(known.sent_at, now, NO_VILLAGES_ZONE)))
    mark = "failed" if known.is_failing else "met" if known.sent_at is not None else ""
    return _ChannelView(to, channel_name(words, to.channel), facts or [words("told_channel_none")], mark)


def _answer(services: Services, looker: Looker, book: Book, asked: _Asked) -> tuple[object, str | None]:
    """Returns who would be told, or a sentence that says what keeps it from being known."""
    words, scopes = looker.words, admin_of(looker).scopes
    home = services.registry.village(asked.village) if scopes.holds(asked.village) else None
    if home is None:
        return None, words("rules_no_village", village=asked.village[:40])
    now = services.clock.now()
    if asked.at:
        try:
            now = form_time(asked.at, home.timezone)
        except NoTime:
            return None, words("rules_no_time", time=asked.at)
    severity = asked.severity or SEVERITIES[asked.kind]
    facts = Facts("", asked.kind, severity, home.code, None, None, now, now, None, None, None, None, None, {})
    first, later, others = told(words, book, facts, home, now)
    return {
        "village": home.name,
        "kind": words(f"kind_of_alert_{asked.kind}"),
        "severity": words(f"severity_{severity}"),
        "time": words.time(now, services.clock.now(), home.timezone),
        "first": first,
        "later": later,
        "others": others,
    }, None


def _local(now: int) -> str:
    """Returns a time (ms) as a form's field has it, by the clock of western Indonesia."""
    return datetime.fromtimestamp(now / 1000, ZoneInfo(NO_VILLAGES_ZONE)).strftime("%Y-%m-%dT%H:%M")
