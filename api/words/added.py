"""Languages that a district adds for citizens: one gettext catalogue a language, for the form behind the QR code.

`jv.po` holds Javanese. Its keys are those of `api/words/id/`; what it lacks is said in Indonesian. People who are not
programmers write these files, so a mistake is a sentence, and nothing in a file is more than text.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Message
from babel.messages.pofile import PoFileError, read_po

from api.words.language import Language
from api.words.words import WORDS, Words

__all__ = ["NAME_KEY", "AddedWords", "read_added"]

NAME_KEY = "language_name"
"""The key of what a language calls itself."""
MOST_LANGUAGES = 10
LARGEST_FILE = 256 * 1024
"""Bytes. All sentences of the pages of citizens are 10 kB."""
LONGEST_SENTENCE = 500
LONGEST_NAME = 40
_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}", re.ASCII)
"""A language as BCP 47 writes it: `jv`, `osi` (Osing), `min` (Minang)."""


class AddedWords(Words):
    """A language that a district added. Numbers and times, and what it does not say, are Indonesian."""

    def __init__(self, tag: str, sentences: Mapping[str, str]) -> None:
        super().__init__(Language.ID)
        self._tag, self._sentences = tag, sentences

    @property
    def tag(self) -> str:
        """The language's tag, such as `jv`."""
        return self._tag

    @property
    def name(self) -> str:
        """What the language calls itself."""
        return self._sentences[NAME_KEY]

    def find(self, key: str) -> str | None:
        """Returns the sentence of a key, in Indonesian where this language has none."""
        return self._sentences.get(key) or super().find(key)


def read_added(folder: Path) -> dict[str, AddedWords]:
    """Returns the languages whose catalogues lie in a folder, by their tags.

    Raises:
        ValueError: there are none or too many, or a file has a mistake; one sentence.
    """
    try:
        paths = sorted(folder.glob("*.po"))
    except OSError as problem:
        raise ValueError(f"{folder}: cannot be read ({problem.strerror})") from None
    if not 0 < len(paths) <= MOST_LANGUAGES:
        raise ValueError(f"{folder}: has {len(paths)} catalogues such as jv.po: it takes 1 to {MOST_LANGUAGES}")
    return {path.stem: _read(path) for path in paths}


def _read(path: Path) -> AddedWords:
    tag = path.stem
    if _TAG.fullmatch(tag) is None or tag in tuple(Language):
        raise ValueError(f"{path}: {tag!r} is no tag of another language than {', '.join(Language)}, such as jv or osi")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as problem:
        raise ValueError(f"{path}: cannot be read ({problem.strerror})") from None
    if len(content) > LARGEST_FILE:
        raise ValueError(f"{path}: is larger than {LARGEST_FILE // 1024} kB")
    try:
        found = read_po(content.decode("utf-8-sig").splitlines(keepends=True), abort_invalid=True)
    except (PoFileError, ValueError) as problem:
        raise ValueError(f"{path}: is no gettext catalogue in UTF-8 ({str(problem).splitlines()[0]})") from None
    sentences = dict(_sentence(path, message) for message in found if message.id and message.string)
    if NAME_KEY not in sentences or len(sentences[NAME_KEY]) > LONGEST_NAME:
        raise ValueError(f"{path}: {NAME_KEY}, the link's text, is missing or longer than {LONGEST_NAME} characters")
    return AddedWords(tag, sentences)


def _sentence(path: Path, message: Message) -> tuple[str, str]:
    """Returns the key and the sentence of a message."""
    key, said = message.id, message.string
    where = f"{path} line {message.lineno}: {key if isinstance(key, str) else key[0]}"
    if not isinstance(key, str) or not isinstance(said, str):
        raise ValueError(  # noqa: TRY004 - a mistake of the file
            f"{where}: counts something, which only the built-in languages do: delete it"
        )
    if message.fuzzy:
        raise ValueError(f"{where}: is marked as fuzzy: look at it, and delete the mark")
    if len(said) > LONGEST_SENTENCE or not said.isprintable():
        raise ValueError(f"{where}: is longer than {LONGEST_SENTENCE} characters, or has a character that nobody sees")
    indonesian = WORDS[Language.ID].find(key)
    if indonesian is None and key != NAME_KEY:
        raise ValueError(f"{where}: there is no sentence of this key")
    names = _names(indonesian or "")
    try:
        differs = _names(said) != names
    except ValueError:
        differs = True
    if differs:
        wanted = " and ".join(f"{{{name}}}" for name in sorted(names)) or "nothing"
        raise ValueError(f"{where}: needs {wanted} in braces, as the Indonesian sentence has it")
    return key, said


def _names(sentence: str) -> Collection[str]:
    """Returns what stands in braces in a sentence: names alone, since a format may reach into what it is given.

    Raises:
        ValueError: it is no format, or more than names stand there.
    """
    found = set()
    for _, name, form, conversion in Formatter().parse(sentence):
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise ValueError(sentence)
        found.add(name)
    return found
