"""Passwords are hashed with Argon2id at the cost of RFC 9106, and common ones are refused."""

import pytest
from argon2 import PasswordHasher, extract_parameters

from siaga.database.people import Passwords, Weakness, weakness
from tests.database.cheap import CHEAP


def test_the_cost_is_the_second_choice_of_rfc_9106() -> None:
    passwords = Passwords()
    stored = passwords.hash("kuda-besi-42")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.matches("kuda-besi-42", stored)
    assert not passwords.matches("kuda-besi-43", stored)
    assert not passwords.is_outdated(stored)


def test_two_people_with_one_password_have_two_hashes() -> None:
    passwords = Passwords(CHEAP)
    assert passwords.hash("kuda-besi-42") != passwords.hash("kuda-besi-42")


@pytest.mark.parametrize("stored", [None, "", "x", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA", "$2b$12$abc"])
def test_what_is_no_hash_matches_nothing(stored: str | None) -> None:
    assert not Passwords(CHEAP).matches("nobody has this password", stored)


def test_where_there_is_nobody_it_takes_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared then asks for the same work: nobody learns from the time who has an account."""
    compared: list[str | bytes] = []
    verify = PasswordHasher.verify

    def seen(self: PasswordHasher, stored: str | bytes, password: str | bytes) -> bool:
        compared.append(stored)
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", seen)
    passwords = Passwords(CHEAP)
    assert not passwords.matches("kuda-besi-42", None)
    assert not passwords.matches("kuda-besi-42", passwords.hash("kuda-besi-43"))
    nobodys, somebodys = (extract_parameters(str(stored)) for stored in compared)
    assert nobodys == somebodys == CHEAP


def test_a_password_is_the_same_however_a_keyboard_composes_it() -> None:
    passwords = Passwords(CHEAP)
    assert passwords.matches("cafe\u0301-cafe\u0301", passwords.hash("caf\u00e9-caf\u00e9"))
    assert passwords.matches("a\ud800b", passwords.hash("a\ud800b")), "what is no character at all is hashed, too"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", Weakness.SHORT),
        ("x7#kPq9!z", Weakness.SHORT),
        ("a" * 201, Weakness.LONG),
        ("1234567890", Weakness.COMMON),
        ("password12", Weakness.COMMON),
        ("qwertyuiop", Weakness.COMMON),
        ("aaaaaaaaaaaa", Weakness.COMMON),
        ("siagasiaga", Weakness.COMMON),
        ("siaga12345", Weakness.COMMON),
        ("ratih-ratih", Weakness.COMMON),
        ("ratih12345", Weakness.COMMON),
        ("Setyowati1", Weakness.COMMON),
        ("rahasia123", Weakness.COMMON),
        ("Bismillah1", Weakness.COMMON),
        ("banyuwangi2026", Weakness.COMMON),
        ("p@ssw0rd123", Weakness.COMMON),
        ("kuda-besi-42", None),
        ("tukang bakso lewat", None),
        ("x7#kPq9!zL", None),
        ("日本語のパスワードです", None),
        ("4@8({[</|!1i0o$5+7%2z" * 9, None),
    ],
)
def test_what_is_short_or_common_is_not_taken(password: str, why: Weakness | None) -> None:
    assert weakness(password, "ratih", "Ratih Setyowati") is why
