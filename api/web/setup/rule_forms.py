"""The forms of `/setup/rules`: channels and rules, written into the notify file of siaga's own."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, count
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from api.http.problems import Refused
from api.http.services import ServicesHere
from api.notifications.live_book import BookDesk, FileChanged, Tree
from api.web.access import SignedInAdmin
from api.web.frame import FrameHere
from api.web.looker import Looker
from api.web.setup.limits import admin_of
from api.web.setup.rule_entry import RuleEntry
from api.web.setup.rules import page
from api.web.setup.site_device import Texts
from api.web.setup.site_edit import Unsaved, sentence
from api.web.setup.site_village import Text, back
from siaga.sites.file import SitesFileError
from siaga.wire.topics import as_slug

__all__ = ["EVERYTHING", "router"]

router = APIRouter(include_in_schema=False)

_HERE = "/setup/rules"
EVERYTHING = "semua"
"""The rule that tells of everything, made with the first channel."""
_NAMES = {"tgram": "telegram", "mailto": "email", "mailtos": "email", "json": "web", "jsons": "web", "ntfys": "ntfy"}
Address = Annotated[str, Form(max_length=2_000)]


@dataclass(frozen=True, slots=True)
class _Entries:
    """The lists of a notify file, to be changed."""

    tree: Tree

    def listed(self, key: str) -> list[Tree]:
        """Returns the entries of a list, which is made if it is not there."""
        found = self.tree.setdefault(key, [])
        assert isinstance(found, list)  # noqa: S101 - the file was checked when it was written
        return found

    def named(self, key: str, name: str) -> Tree | None:
        """Returns the entry of a name."""
        return next((one for one in self.listed(key) if one.get("name") == name), None)


@router.post(f"{_HERE}/channels")
def add_channel(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    person: Text = "",
    language: Text = "id",
    address: Address = "",
    everything: Annotated[bool, Form()] = False,
    seen: Text = "",
) -> Response:
    """Add a channel by which somebody is told."""
    name, url = person.strip().lower(), _apprise(address.strip())
    channel = as_slug(_NAMES.get(url.partition("://")[0], url.partition("://")[0])) or "web"

    def change(tree: Tree) -> None:
        entries = _Entries(tree)
        known = entries.named("people", name)
        if known is None:
            known = {"name": name, "language": language, "channels": {}}
            entries.listed("people").append(known)
        channels = known["channels"]
        assert isinstance(channels, dict)  # noqa: S101 - the file was checked when it was written
        free = chain([channel], (f"{channel}-{number}" for number in count(2)))
        channels[next(one for one in free if one not in channels)] = url
        if everything:
            _tell_of_everything(entries, name)

    try:
        _change(request, looker, seen, change)
    except Unsaved as problem:
        return page(request, services, looker, frame, problem=problem)
    return back(_HERE, looker.words("rules_channel_added", person=name))


@router.post(f"{_HERE}/channels/remove")
def remove_channel(
    request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere, to: Text = "", seen: Text = ""
) -> Response:
    """Take a channel away; a person without any is taken out of all rules, and a rule that tells nobody is, too."""
    name, _, channel = to.partition("/")

    def change(tree: Tree) -> None:
        entries = _Entries(tree)
        known = entries.named("people", name)
        channels = known.get("channels") if known is not None else None
        if known is None or not isinstance(channels, dict) or channels.pop(channel, None) is None:
            raise Refused(404, "there is no such channel")
        if not channels:
            entries.listed("people").remove(known)
            _forget(entries, name)

    try:
        _change(request, looker, seen, change)
    except Unsaved as problem:
        return page(request, services, looker, frame, problem=problem)
    return back(_HERE, looker.words("site_removed", name=to))


@router.post(f"{_HERE}/rules")
def add_rule(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    name: Text = "",
    tell: Texts = [],  # noqa: B006 - FastAPI copies it
    villages: Address = "",
    kinds: Texts = [],  # noqa: B006 - as above
    severities: Texts = [],  # noqa: B006 - as above
    hours: Text = "",
    outside: Text = "",
    after: Text = "",
    next_tell: Texts = [],  # noqa: B006 - as above
    replaces: Text = "",
    seen: Text = "",
) -> Response:
    """Add a rule, or change the one that it replaces."""
    rule = RuleEntry(name, tell, villages, kinds, severities, hours, outside, after, next_tell, replaces)

    def change(tree: Tree) -> None:
        entries = _Entries(tree)
        rules, before = entries.listed("rules"), entries.named("rules", replaces) if replaces else None
        if replaces and before is None:
            raise Refused(404, "there is no such rule")
        if before is None:
            rules.append(rule.merged(None))
        else:
            rules[rules.index(before)] = rule.merged(before)

    try:
        _change(request, looker, seen, change)
    except Unsaved as problem:
        return page(request, services, looker, frame, problem=problem, form=rule)
    return back(_HERE, looker.words("site_saved_plain", name=str(rule.merged(None)["name"])))


@router.post(f"{_HERE}/gather")
def gather(
    request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere, time: Text = "", seen: Text = ""
) -> Response:
    """Set how long alerts of a village are gathered for one message."""

    def change(tree: Tree) -> None:
        tree["gather"] = time.strip()

    try:
        _change(request, looker, seen, change)
    except Unsaved as problem:
        return page(request, services, looker, frame, problem=problem)
    return back(_HERE, looker.words("rules_gather_saved", duration=time.strip()))


@router.post(f"{_HERE}/rules/remove")
def remove_rule(
    request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere, name: Text = "", seen: Text = ""
) -> Response:
    """Take a rule away."""

    def change(tree: Tree) -> None:
        entries = _Entries(tree)
        known = entries.named("rules", name)
        if known is None:
            raise Refused(404, "there is no such rule")
        entries.listed("rules").remove(known)

    try:
        _change(request, looker, seen, change)
    except Unsaved as problem:
        return page(request, services, looker, frame, problem=problem)
    return back(_HERE, looker.words("site_removed", name=name))


def _change(request: Request, looker: Looker, seen: str, change: Callable[[Tree], None]) -> None:
    """Change the notify file.

    Raises:
        Unsaved: it has mistakes then, or somebody else has changed it.
        Refused: 404, it is not for this admin, or not siaga's own.
    """
    desk: BookDesk | None = request.app.state.book_desk
    if desk is None or not admin_of(looker).scopes.everything:
        raise Refused(404, "the rules are not changed here")
    words = looker.words
    try:
        desk.change(seen, change)
    except FileChanged:
        raise Unsaved([words("sites_changed_since")], 409) from None
    except SitesFileError as error:
        labels = {"tell": words("rules_tell"), "hours": words("rules_hours"), "villages": words("rules_villages")}
        labels |= {"name": words("site_key_name"), "after": words("rules_after"), "gather": words("rules_gather_form")}
        found = [sentence(looker, one, labels.get(one.key, one.key)) for one in error.mistakes]
        raise Unsaved(list(dict.fromkeys(found))) from None
    except OSError as error:
        raise Unsaved([words("rules_not_written", reason=error.strerror or "")], 500) from None


def _apprise(address: str) -> str:
    """Returns an address as Apprise takes it: an ordinary web address is a web hook."""
    scheme, separator, rest = address.partition("://")
    return {"https": f"jsons://{rest}", "http": f"json://{rest}"}.get(scheme, address) if separator else address


def _tell_of_everything(entries: _Entries, name: str) -> None:
    rule = entries.named("rules", EVERYTHING)
    if rule is None:
        entries.listed("rules").append({"name": EVERYTHING, "tell": [name]})
    elif name not in (told := _names(rule, "tell")):
        rule["tell"] = [*told, name]


def _forget(entries: _Entries, name: str) -> None:
    """Take a person, or a group, out of all groups and rules, and those that name nobody then."""
    for key, field in (("groups", "people"), ("rules", "tell")):
        for entry in list(entries.listed(key)):
            if _is_left_empty(entry, field, name):
                entries.listed(key).remove(entry)
                if key == "groups":
                    _forget(entries, str(entry["name"]))
    for rule in entries.listed("rules"):
        steps = rule.get("escalate")
        if isinstance(steps, list):
            rule["escalate"] = [step for step in steps if not _is_left_empty(step, "tell", name)]
    if not entries.listed("groups"):
        entries.tree.pop("groups")


def _is_left_empty(entry: Tree, field: str, name: str) -> bool:
    """Take a name out of a field. Returns whether it was the only one there."""
    names = _names(entry, field)
    if name not in names:
        return False
    entry[field] = [one for one in names if one != name]
    return not entry[field]


def _names(entry: Tree, field: str) -> list[str]:
    """Returns the names of a field: a file may have one as a single word."""
    found = entry.get(field)
    return [str(one) for one in found] if isinstance(found, list) else [] if found is None else [str(found)]
