"""What siaga says to people: gettext catalogues in each language, and how numbers and times are written.

A sentence has a key. `LANGUAGE/*.po` hold the sentences of the keys, a file an area; a key stands in one file alone.
"""

from api.words.added import AddedWords, read_added
from api.words.catalogue import Catalogue, CatalogueMistake
from api.words.formats import Formats
from api.words.language import Language, chosen_language, preferred
from api.words.sentence import Explained, Sentence, unpacked
from api.words.words import WORDS, Words

__all__ = [
    "WORDS", "AddedWords", "Catalogue", "CatalogueMistake", "Explained", "Formats", "Language", "Sentence", "Words",
    "chosen_language", "preferred", "read_added", "unpacked",
]  # fmt: skip
