"""Which passwords are taken: long enough, and not among the first that anybody would try."""

from collections.abc import Sequence
from enum import StrEnum

from siaga.database.people.passwords import LONGEST

__all__ = ["SHORTEST", "Weakness", "weakness"]

SHORTEST = 10
"""Characters of a password (contract, section 8)."""
_COMMON = 1_000_000
"""A password that is found within so many guesses is a common one. zxcvbn calls them very guessable."""
_LOOKED_AT = 40
"""Characters that zxcvbn looks at: its time grows with the square of their number."""
_OURS = (
    "siaga", "admin", "administrator", "teknisi", "kepala", "camat", "lurah", "bupati", "desa", "kampung", "kantor",
    "kabupaten", "kecamatan", "kelurahan", "dinas", "kominfo", "banyuwangi", "jakarta", "surabaya", "bandung",
    "indonesia", "merdeka", "pancasila", "garuda", "rahasia", "sandi", "sayang", "cinta", "bismillah",
    "alhamdulillah", "assalamualaikum", "allah", "muhammad", "keluarga", "anakku", "ibuku", "ganteng", "cantik",
    "selamat", "terimakasih", "kucing", "bismilah",
)  # fmt: skip
"""Words that people here begin a password with; zxcvbn's lists are English."""


class Weakness(StrEnum):
    """Why a password is not taken."""

    SHORT = "short"
    LONG = "long"
    COMMON = "common"


def weakness(password: str, *of_the_person: str) -> Weakness | None:
    """Returns why a password is not taken, or `None`. `of_the_person`: names that are easily guessed for this one."""
    if len(password) < SHORTEST:
        return Weakness.SHORT
    if len(password) > LONGEST:
        return Weakness.LONG
    words = [part for name in of_the_person for part in (name, *name.split()) if part]
    # Signs between two words make the words no better
    forms = {password, "".join(filter(str.isalnum, password)) or password}
    return Weakness.COMMON if min(_guesses(form, words) for form in forms) < _COMMON else None


def _guesses(password: str, words: Sequence[str]) -> float:
    """Returns how many guesses find a password."""
    # Its word lists take a moment to load, and few processes ever need them
    from zxcvbn import zxcvbn  # noqa: PLC0415

    return float(zxcvbn(password[:_LOOKED_AT], user_inputs=[*words, *_OURS])["guesses"])
