"""One language: its sentences, its numbers, its times."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from api.words.catalogue import Catalogue, read_catalogue
from api.words.formats import Formats
from api.words.language import Language
from siaga.model.indicators import INDICATORS

__all__ = ["WORDS", "Words"]

_HERE = Path(__file__).parent


class Words(Formats):
    """One language: its sentences, its numbers, its times. The catalogue is read when a word is first asked for."""

    def __init__(self, language: Language) -> None:
        self.language = language
        super().__init__(language, self.__call__)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The sentences of this language."""
        return read_catalogue(_HERE / self.language.value)

    @property
    def tag(self) -> str:
        """The language as pages name it, in their `lang`."""
        return self.language.value

    @property
    def other(self) -> Language:
        """The language to change to."""
        return Language.EN if self.language is Language.ID else Language.ID

    def __call__(self, key: str, **values: str) -> str:
        """Returns the sentence of a key, with values put in.

        Raises:
            KeyError: neither this language nor Indonesian has such a sentence.
        """
        sentence = self.find(key)
        if sentence is None:
            raise KeyError(f"no sentence has the key {key}")
        return sentence.format(**values) if values else sentence

    def count(self, key: str, n: int, **values: str) -> str:
        """Returns the form of a sentence that says a number; `{n}` in it is the number as people write it.

        Raises:
            KeyError: as above.
        """
        for language in (self, WORDS[Language.ID]):
            sentence = language.catalogue.counted(key, n)
            if sentence is not None:
                return sentence.format(n=self.number(n), **values)
        raise KeyError(f"no sentence has the key {key}")

    def find(self, key: str) -> str | None:
        """Returns the sentence of a key, in Indonesian where this language has none; `None`: there is none at all."""
        found = self.catalogue.sentence(key)
        if found is None and self.language is not Language.ID:
            return WORDS[Language.ID].catalogue.sentence(key)
        return found

    def kind(self, kind: str) -> str:
        """Returns what a kind of facility is called."""
        indicator = INDICATORS.get(kind)
        if indicator is None:
            return self.find(f"kind_{kind}") or kind
        return indicator.name_en if self.language is Language.EN else indicator.name_id

    def cause(self, state: str, cause: str | None) -> str | None:
        """Returns a cause in words; `state` is what it is the cause of."""
        if cause is None:
            return None
        named = self.find(f"cause_{cause}")
        if named is not None:
            return named
        if state == "failed":
            return self.find(f"failed_{cause}") or self("failed_signal", signal=cause)
        return self("unknown_signal", signal=self.find(f"signal_{cause}") or cause)

    def clock(self, evidence: Mapping[str, object]) -> str:
        """Returns by how much a device's clock is off, to follow the sentence that says so; empty if not known."""
        offset = evidence.get("offset_s")
        if not isinstance(offset, int | float):
            return ""
        return self("clock_behind" if offset < 0 else "clock_ahead", duration=self.duration(round(abs(offset) * 1000)))


WORDS: Mapping[Language, Words] = {language: Words(language) for language in Language}
"""The words of each language."""
