"""A rule of the notify file as its form has it, and back. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.notifications.live_book import Tree
from siaga.wire.topics import as_slug

__all__ = ["RuleEntry", "entry_of"]

_RESTRICTIONS = ("villages", "kinds", "severities", "hours", "outside")


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """What the form of a rule says. `replaces`: the name of the rule that it changes; "": it is a new one.

    `after`, `next_tell`: when and who is told next. What a file says beside that, such as further steps, stays.
    """

    name: str = ""
    tell: Sequence[str] = ()
    villages: str = ""
    kinds: Sequence[str] = ()
    severities: Sequence[str] = ()
    hours: str = ""
    outside: str = ""
    after: str = ""
    next_tell: Sequence[str] = ()
    replaces: str = ""

    def merged(self, before: Tree | None) -> Tree:
        """Returns the entry of the file; `before`: the one that it replaces."""
        rule: Tree = {key: value for key, value in (before or {}).items() if key not in _RESTRICTIONS}
        rule |= {"name": as_slug(self.name) or self.name, "tell": list(self.tell)}
        lists = {"villages": self.villages.replace(",", " ").split(), "kinds": list(self.kinds)}
        lists["severities"] = list(self.severities)
        rule |= {key: values for key, values in lists.items() if values}
        if self.hours.strip():
            hours = [one.strip() for one in self.hours.split(",") if one.strip()]
            rule |= {"hours": hours, "outside": self.outside or "skip"}
        first, *later = _steps(before) or [{}]
        step = {**first, "after": self.after.strip() or "30m", "tell": list(self.next_tell)}
        steps = [*([step] if self.next_tell else []), *later]
        rule.pop("escalate", None)
        return rule | ({"escalate": steps} if steps else {})


def entry_of(rule: Tree) -> RuleEntry:
    """Returns the form of a rule that is in the file."""
    first: Tree = next(iter(_steps(rule)), {})
    return RuleEntry(
        name=str(rule.get("name", "")),
        tell=_several(rule.get("tell")),
        villages=" ".join(_several(rule.get("villages"))),
        kinds=_several(rule.get("kinds")),
        severities=_several(rule.get("severities")),
        hours=", ".join(_several(rule.get("hours"))),
        outside=str(rule.get("outside", "skip")),
        after=str(first.get("after", "")),
        next_tell=_several(first.get("tell")),
        replaces=str(rule.get("name", "")),
    )


def _steps(rule: Tree | None) -> list[Tree]:
    found = (rule or {}).get("escalate")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _several(found: object) -> list[str]:
    """Returns the words of a field: a file may have one as a single word."""
    return [str(one) for one in found] if isinstance(found, list) else [] if found is None else [str(found)]
