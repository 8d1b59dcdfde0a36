"""The sentences of one language, read from its `.po` files.

They are parsed when they are first needed. No step compiles them, so a checkout, a wheel and a file that was just
edited behave alike.
"""

import gettext
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import PoFileError, read_po

__all__ = ["Catalogue", "CatalogueMistake", "read_catalogue"]


class CatalogueMistake(Exception):
    """A catalogue cannot be used; the message names the file, the line and the key."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The sentences of a language.

    `forms`: by key, the plural forms of a sentence; one where it counts nothing.
    `form_of`: which form says a number (the header `Plural-Forms`; gettext manual, section 11.2.6).
    """

    forms: Mapping[str, Sequence[str]]
    form_of: Callable[[int], int]

    def sentence(self, key: str) -> str | None:
        """Returns the sentence of a key; `None`: there is none."""
        forms = self.forms.get(key)
        return None if forms is None else forms[0]

    def counted(self, key: str, number: int) -> str | None:
        """Returns the form of a sentence that says this number; `None`: there is no such sentence."""
        forms = self.forms.get(key)
        return None if forms is None else forms[self.form_of(abs(number))]


def read_catalogue(folder: Path) -> Catalogue:
    """Returns what all `.po` files of a folder hold.

    Raises:
        CatalogueMistake: there is none, or one cannot be read, has a sentence that is empty, fuzzy or obsolete, or a
            key that another file has, too.
    """
    forms: dict[str, Sequence[str]] = {}
    rules = set()
    for path in sorted(folder.glob("*.po")):
        try:
            with path.open(encoding="utf-8") as file:
                found = read_po(file, abort_invalid=True)
        except (PoFileError, UnicodeDecodeError, ValueError) as error:
            raise CatalogueMistake(f"{path}: cannot be read: {error}") from error
        for key in found.obsolete:
            raise CatalogueMistake(f"{path}: {key}: is commented out: delete it")
        rules.add((found.num_plurals, found.plural_expr))
        for message in found:
            if message.id:
                key, said = _said(path, message, found.num_plurals)
                if key in forms:
                    raise CatalogueMistake(f"{path} line {message.lineno}: {key}: another file has this key, too")
                forms[key] = said
    if len(rules) != 1:
        raise CatalogueMistake(f"{folder}: {len(rules)} rules of plural forms: each file needs the same `Plural-Forms`")
    return Catalogue(forms, gettext.c2py(rules.pop()[1]))


def _said(path: Path, message: Message, plurals: int) -> tuple[str, Sequence[str]]:
    """Returns the key of a message, and all its forms."""
    counts = isinstance(message.id, tuple)
    key = message.id[0] if isinstance(message.id, tuple) else str(message.id)
    said = list(message.string) if isinstance(message.string, tuple | list) else [message.string]
    where = f"{path} line {message.lineno}: {key}"
    if message.fuzzy:
        raise CatalogueMistake(f"{where}: is marked as fuzzy: look at it, and delete the mark")
    if len(said) != (plurals if counts else 1) or not all(said):
        raise CatalogueMistake(f"{where}: a form of it is empty")
    return key, [str(one) for one in said]
