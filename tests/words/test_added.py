"""Languages that a district adds: its catalogues, what they lack, and their mistakes in one sentence."""

from pathlib import Path

import pytest

from api.words import WORDS, Language, read_added

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
NAME = 'msgid "language_name"\nmsgstr "Basa Jawa"\n\n'


def catalogue(folder: Path, *sentences: tuple[str, str], name: str = "jv.po", head: str = HEAD + NAME) -> Path:
    lines = "".join(f'msgid "{key}"\nmsgstr "{said}"\n\n' for key, said in sentences)
    (folder / name).write_text(head + lines)
    return folder


def test_what_a_catalogue_lacks_is_said_in_indonesian(tmp_path: Path) -> None:
    folder = catalogue(tmp_path, ("complaint_send", "Kirimna"), ("complaint_note", ""))
    words = read_added(catalogue(folder, ("problem_other", "Liyane"), name="osi.po"))["jv"]
    assert (words.tag, words.name, words("complaint_send")) == ("jv", "Basa Jawa", "Kirimna")
    for key in ("complaint_note", "problem_other"):
        assert words(key) == WORDS[Language.ID](key)
    assert WORDS[Language.ID]("complaint_send") == "Kirim", "the built-in language stays as it is"
    with pytest.raises(KeyError):
        words("no_such_sentence")


MISTAKES: dict[str, tuple[str, str]] = {
    "no such key": ('msgid "complaint_sned"\nmsgstr "Kirimna"\n', r"line 8: complaint_sned: there is no sentence"),
    "a name is missing": (
        'msgid "complaint_title"\nmsgstr "Lapor"\n',
        r"complaint_title: needs \{facility\} in braces",
    ),
    "another name": ('msgid "complaint_title"\nmsgstr "{facility} {looker}"\n', "needs {facility} in braces"),
    "it reaches into a value": (
        'msgid "complaint_title"\nmsgstr "{facility.__class__}"\n',
        "needs {facility} in braces",
    ),
    "a width of a million": ('msgid "complaint_title"\nmsgstr "{facility:>1000000}"\n', "needs {facility} in braces"),
    "a brace is open": ('msgid "complaint_send"\nmsgstr "Kirim {"\n', "needs nothing in braces"),
    "too long": (f'msgid "complaint_send"\nmsgstr "{"x" * 501}"\n', "longer than 500 characters"),
    "a character that nobody sees": ('msgid "complaint_send"\nmsgstr "Kirim\u202e"\n', "a character that nobody sees"),
    "fuzzy": ('#, fuzzy\nmsgid "complaint_send"\nmsgstr "Kirimna"\n', "is marked as fuzzy"),
    "it counts": ('msgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\nmsgstr[1] "d"\n', "a: counts something"),
    "no catalogue": ("hello\n", "no gettext catalogue"),
    "too large": ("#" * (256 * 1024), "larger than 256 kB"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_sentence(tmp_path: Path, name: str) -> None:
    text, sentence = MISTAKES[name]
    folder = catalogue(tmp_path, head=HEAD + NAME + text)
    with pytest.raises(ValueError, match=sentence) as caught:
        read_added(folder)
    assert str(caught.value).startswith(f"{tmp_path}/jv.po")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["id.po", "english please.po", "..po"])
def test_a_name_that_is_no_other_language_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no tag of another language"):
        read_added(catalogue(tmp_path, name=name))


def test_a_folder_needs_a_language_and_each_its_own_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has 0 catalogues"):
        read_added(tmp_path)
    with pytest.raises(ValueError, match="language_name, the link's text, is missing"):
        read_added(catalogue(tmp_path, head=HEAD))
    for number in range(11):
        catalogue(tmp_path, name=f"x{chr(97 + number)}.po")
    with pytest.raises(ValueError, match="has 12 catalogues"):
        read_added(tmp_path)
