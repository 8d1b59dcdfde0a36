"""Sentences that other rooms say in English, in the language of who reads them.

The English catalogue holds them word for word, with a name in braces for each value. So it is the pattern by which a
sentence is found, and the same key says it in another language. A value that is such a sentence itself is said so, too.
"""

import re
from functools import cache

from api.words.language import Language
from api.words.words import WORDS, Words

__all__ = ["KEYS", "is_said", "said"]

KEYS = "said_"
"""What the keys of these sentences begin with."""
_DEEPEST = 10
_NAME = re.compile(r"\\\{(\w+)\\\}")


def said(words: Words, sentence: str, deep: int = 0) -> str:
    """Returns a sentence in another language; the sentence itself if that has no words for it."""
    if words.language is Language.EN or deep > _DEEPEST:
        return sentence
    for key, pattern in _patterns():
        if (found := pattern.fullmatch(sentence)) is not None:
            return words(key, **{name: said(words, value, deep + 1) for name, value in found.groupdict().items()})
    return sentence


def is_said(words: Words, sentence: str) -> bool:
    """Whether there are words for a sentence in a language."""
    return words.language is Language.EN or key_of(sentence) is not None


def key_of(sentence: str) -> str | None:
    """Returns the key by which a sentence is found; `None`: it has none."""
    return next((key for key, pattern in _patterns() if pattern.fullmatch(sentence) is not None), None)


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """The patterns by key, those with the most fixed text first."""
    forms = WORDS[Language.EN].catalogue.forms
    found = [(key, form[0]) for key, form in forms.items() if key.startswith(KEYS)]
    found.sort(key=lambda one: -len(re.sub(r"\{\w+\}", "", one[1])))
    return [(key, re.compile(_NAME.sub(r"(?P<\1>.+?)", re.escape(text)), re.DOTALL)) for key, text in found]
