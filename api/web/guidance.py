"""What to do about an alert, and whom to ring: the district's own file, with defaults in the catalogues.

`SIAGA_GUIDANCE` names the file (docs/pages.md). It is read once, when siaga starts; every mistake in it is a sentence
with its line.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.words import Language, Words
from siaga.model.alert_kinds import Kind
from siaga.model.scope import Scope, parse_scope
from siaga.sites.mistakes import Mistakes, Section, SitesFileError
from siaga.sites.on_disk import read_text
from siaga.sites.yaml_tree import Node, Scalar

__all__ = ["NO_GUIDANCE", "Advice", "Contact", "Guidance", "SitesFileError", "load_guidance", "read_guidance"]

_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{3,24}")
_LONGEST_STEP = 300
_SLUG = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about alerts of a kind, and of a cause where one is named, step by step, by language."""

    kind: str
    cause: str | None
    steps: dict[Language, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ring about the villages of a scope."""

    scope: Scope
    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Guidance:
    """A district's own advice and contacts."""

    advice: Sequence[Advice] = ()
    contacts: Sequence[Contact] = ()

    def steps(self, words: Words, kind: str, cause: str | None) -> Sequence[str]:
        """Returns what to do about an alert: what the district wrote for kind and cause, else for the kind, else what
        the catalogue says, in the same order."""
        for wanted in (cause, None):
            for one in self.advice:
                if (one.kind, one.cause) == (kind, wanted) and words.language in one.steps:
                    return one.steps[words.language]
        text = (cause and words.find(f"todo_{kind}_{cause}")) or words(f"todo_{kind}")
        return text.split("\n")

    def contacts_of(self, village: str) -> Sequence[Contact]:
        """Returns whom to ring about a village, the closest first."""
        found = [one for one in self.contacts if one.scope.holds(village)]
        return sorted(found, key=lambda one: -len(one.scope.text))


NO_GUIDANCE = Guidance()


def load_guidance(path: Path) -> Guidance:
    """Returns the guidance of a file.

    Raises:
        SitesFileError: it has mistakes; all of them are in it, each with its line.
        ValueError: it cannot be read.
    """
    return read_guidance(read_text(path), str(path))


def read_guidance(text: str, filename: str) -> Guidance:
    """Returns the guidance of a file's text.

    Raises:
        SitesFileError: it has mistakes.
    """
    mistakes = Mistakes(filename)
    root = mistakes.root(text)
    found = Guidance() if root is None else _guidance(mistakes, root)
    mistakes.raise_if_any()
    return found


def _guidance(mistakes: Mistakes, root: Node) -> Guidance:
    top = Section(mistakes, root, "guidance", ("advice", "contacts"))
    advice = [_advice(mistakes, node) for node in top.items("advice")]
    contacts = [_contact(mistakes, node) for node in top.items("contacts")]
    return Guidance(tuple(one for one in advice if one is not None), tuple(one for one in contacts if one is not None))


def _advice(mistakes: Mistakes, node: Node) -> Advice | None:
    section = Section(mistakes, node, "advice", ("kind", "cause", *Language))
    kind = section.choice("kind", tuple(Kind), "a kind of alert", required=True)
    cause = section.parsed("cause", _cause)
    steps = {
        language: [text for item in section.items(language) if (text := _step(mistakes, language, item)) is not None]
        for language in Language
        if section.node(language) is not None
    }
    if not steps:
        section.missing(Language.ID)
    return None if kind is None else Advice(kind, cause, {language: said for language, said in steps.items() if said})


def _contact(mistakes: Mistakes, node: Node) -> Contact | None:
    section = Section(mistakes, node, "contacts", ("scope", "name", "phone"))
    scope = section.parsed("scope", parse_scope, required=True)
    name, phone = section.text("name", required=True), section.parsed("phone", _phone, required=True)
    return None if scope is None or name is None or phone is None else Contact(scope, name, phone)


def _step(mistakes: Mistakes, key: str, node: Node) -> str | None:
    text = node.text.strip() if isinstance(node, Scalar) else ""
    if not text or not text.isprintable() or len(text) > _LONGEST_STEP:
        mistakes.note_at(node, key, f"is not a step of 1 to {_LONGEST_STEP} characters in one line")
        return None
    return text


def _cause(text: str) -> str:
    if _SLUG.fullmatch(text) is None:
        raise ValueError("is not a cause: the name of a signal such as gate_open, device_silent or no_evidence")
    return text


def _phone(text: str) -> str:
    if _PHONE.fullmatch(text) is None:
        raise ValueError('is not a phone number such as "0333-123456" or "+62 812 3456 7890"')
    return text
