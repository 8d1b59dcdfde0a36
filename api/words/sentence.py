"""A sentence that is said later, in the language of whoever reads it: a key of the catalogues, and its values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from api.words.language import Language
from api.words.words import WORDS, Words

__all__ = ["Explained", "Sentence", "unpacked"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A key, and the values that are put into its sentence."""

    key: str
    values: Mapping[str, str] = field(default_factory=dict)

    def said(self, words: Words) -> str:
        """Returns the sentence in a language, as it follows a colon."""
        return words(self.key, **self.values)

    def alone(self, words: Words) -> str:
        """Returns the sentence as it stands by itself: with a capital and a full stop."""
        said = self.said(words)
        return f"{said[:1].upper()}{said[1:]}{'' if said.endswith('.') else '.'}"

    def packed(self) -> str:
        """Returns one line of text, from which `unpacked` makes it again."""
        return orjson.dumps([self.key, dict(self.values)]).decode()


class Explained(Exception):
    """Something that cannot be done, and why: in English as its message, for people in their language."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.said(WORDS[Language.EN]))
        self.sentence = sentence


def unpacked(line: str) -> Sentence | None:
    """Returns the sentence that was packed; `None`: the line is something else, or of a key that is gone."""
    try:
        key, values = orjson.loads(line)
        sentence = Sentence(str(key), {str(name): str(value) for name, value in values.items()})
        sentence.said(WORDS[Language.EN])
    except (ValueError, TypeError, AttributeError, KeyError, IndexError):
        return None
    return sentence
