"""Sentences of other rooms in Indonesian: each is found by its English words, and none is there for nothing."""

import ast
from pathlib import Path

import pytest

from api.words import WORDS, Language
from api.words.said import KEYS, key_of, said
from siaga.sites.file import SitesFileError, read_document
from tests.sites import test_sites_file as sites

ID = WORDS[Language.ID]
SITES = Path(sites.__file__)


def test_a_sentence_is_said_with_its_values_and_what_they_say() -> None:
    assert said(ID, "is not a number from -90 to 90") == "bukan angka dari -90 sampai 90"
    assert said(ID, "is the id of another device of this village, in line 22") == (
        "sudah dipakai sebagai id perangkat desa ini, di baris 22"
    )
    assert said(ID, "is not a kind of facility; did you mean gate?") == "bukan jenis fasilitas; maksudnya gate?"
    assert said(ID, "is not a schedule: 'Sun 24:00-25:00' begins at 24:00; write the next day and 00:00") == (
        "bukan jadwal: 'Sun 24:00-25:00' mulai pukul 24:00; tulis hari berikutnya dan 00:00"
    )
    assert said(ID, "nobody wrote this") == "nobody wrote this"
    assert said(WORDS[Language.EN], "is no signal") == "is no signal"


@pytest.mark.parametrize("key", sorted(key for key in ID.catalogue.forms if key.startswith(KEYS)))
def test_a_pattern_is_found_by_the_key_that_has_it(key: str) -> None:
    """Otherwise a sentence with more fixed text stands before it, and it is never said."""
    assert key_of(WORDS[Language.EN].catalogue.forms[key][0]) == key


def test_every_mistake_of_the_sites_file_s_own_tests_is_said() -> None:
    """The whole words of these tests' bad files."""
    unsaid = set()
    for text in _bad_files():
        try:
            read_document(text, "x")
        except SitesFileError as error:
            unsaid |= {mistake.message for mistake in error.mistakes if key_of(mistake.message) is None}
    assert unsaid == set()


def _bad_files() -> list[str]:
    """All texts of the parametrized tests, put where they stand in the whole file, or alone."""
    found = [text + "\nvillages: []\n" for text, *_ in sites.BESIDE_MISTAKES]
    for node in ast.walk(ast.parse(SITES.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Tuple) and len(node.elts) in (2, 3):
            texts = [one.value for one in node.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if len(texts) == 3 and texts[0] in sites.WHOLE:
                found.append(sites.WHOLE.replace(texts[0], texts[1], 1))
            elif len(texts) == 2:
                found.append(texts[0])
    assert len(found) > 80, "the tests have another form now"
    return found


REFUSALS = (
    "Refused",
    "_Refused",
    "UnreadableBatch",
    "UnreadablePack",
    "UnreadableJson",
    "RefusedValue",
    "ForeignTopic",
)


def test_every_refusal_of_a_message_is_said() -> None:
    """The sentences as they are written in the rooms that refuse, with a value put in for each expression."""
    root = Path(__file__).resolve().parents[2]
    written = {
        text
        for room in ("gateway", "collector", "siaga/wire", "siaga/model")
        for path in sorted((root / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in REFUSALS
        for text in _sentences(node)
    }
    assert len(written) > 40
    assert {text for text in written if key_of(text) is None} == set()


def _sentences(call: ast.Call) -> list[str]:
    """The sentence of a refusal, where it is written there."""
    found = []
    for argument in call.args[-2:]:
        if isinstance(argument, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "'x1'" for part in argument.values)
            found.append("".join(map(str, parts)))
        elif isinstance(argument, ast.Constant) and " " in str(argument.value):
            found.append(str(argument.value))
    return found
