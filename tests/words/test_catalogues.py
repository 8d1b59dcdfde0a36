"""The catalogues are whole: nothing is missing, nothing is unused, and both languages say the same things."""

import re
from pathlib import Path

import pytest

from api.words import WORDS, CatalogueMistake, Language
from api.words.catalogue import read_catalogue
from tests.words.used_keys import FAMILIES, in_modules, in_templates

HEADER = (
    'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    '"Plural-Forms: nplurals=2; plural=n != 1;\\n"\n\n'
)


def used() -> dict[str, str]:
    return dict([*in_modules(), *in_templates()])


def families() -> set[str]:
    return {prefix + word for prefix, words in FAMILIES.items() for word in words}


@pytest.mark.parametrize("language", Language)
def test_every_sentence_that_is_asked_for_is_there(language: Language) -> None:
    there = WORDS[language].catalogue.forms.keys()
    assert {key: where for key, where in used().items() if key not in there} == {}
    assert families() - there == set()


@pytest.mark.parametrize("language", Language)
def test_every_sentence_that_is_there_is_asked_for(language: Language) -> None:
    assert WORDS[language].catalogue.forms.keys() - used().keys() - families() == set()


def test_both_languages_put_the_same_values_in() -> None:
    one, other = (WORDS[language].catalogue.forms for language in Language)
    for key in one:
        said = [{value for form in forms[key] for value in re.findall(r"\{\w+\}", form)} for forms in (one, other)]
        assert said[0] == said[1], key


def test_both_languages_keep_their_sentences_in_the_same_files() -> None:
    folders = [Path("api/words") / language.value for language in Language]
    assert {path.name for path in folders[0].glob("*.po")} == {path.name for path in folders[1].glob("*.po")}


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('#, fuzzy\nmsgid "a"\nmsgstr "A"\n', "line 7: a: is marked as fuzzy"),
        ('msgid "a"\nmsgstr ""\n', "line 6: a: a form of it is empty"),
        ('msgid "a"\nmsgid_plural "a"\nmsgstr[0] "one"\nmsgstr[1] ""\n', "line 6: a: a form of it is empty"),
        ('#~ msgid "a"\n#~ msgstr "A"\n', "a: is commented out"),
        ("this is no catalogue\n", "cannot be read"),
        ('msgid "other"\nmsgstr "A"\n', "other: another file has this key"),
    ],
    ids=["fuzzy", "empty", "plural empty", "obsolete", "broken", "twice"],
)
def test_a_catalogue_with_a_mistake_is_refused_with_a_sentence(tmp_path: Path, text: str, mistake: str) -> None:
    (tmp_path / "a.po").write_text(HEADER + 'msgid "other"\nmsgstr "B"\n', encoding="utf-8")
    (tmp_path / "b.po").write_text(HEADER + text, encoding="utf-8")
    with pytest.raises(CatalogueMistake, match=re.escape(mistake)):
        read_catalogue(tmp_path)


def test_a_folder_without_catalogues_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueMistake, match="0 rules of plural forms"):
        read_catalogue(tmp_path)


def test_a_sentence_that_nobody_wrote_is_an_error() -> None:
    for language in Language:
        with pytest.raises(KeyError, match="nobody_wrote_this"):
            WORDS[language]("nobody_wrote_this")
        with pytest.raises(KeyError, match="nobody_wrote_this"):
            WORDS[language].count("nobody_wrote_this", 2)
