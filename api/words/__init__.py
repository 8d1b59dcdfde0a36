"""What siaga says to people: gettext catalogues in each language, and how numbers and times are written.

A sentence has a key. `LANGUAGE/*.po` hold the sentences of the keys, a file an area; a key stands in one file alone.
"""

from api.words.catalogue import Catalogue, CatalogueMistake
from api.words.formats import Formats
from api.words.language import Language, chosen_language
from api.words.sentence import Explained, Sentence, unpacked
from api.words.words import WORDS, Words

__all__ = [
    "WORDS", "Catalogue", "CatalogueMistake", "Explained", "Formats", "Language", "Sentence", "Words",
    "chosen_language", "unpacked",
]  # fmt: skip
