"""Scopes: what each holds, and that what of one lies in others is again some scopes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.model.scope import EVERYWHERE, NOWHERE, NotAScope, Scope, Scopes, parse_scope

VILLAGES = ("35.10.15.2012", "35.10.16.2003", "35.11.01.2001", "52.01.01.2001")
TEXTS = ("*", "35", "35.10", "35.10.15", "35.10.16", "35.11", "52", *VILLAGES, "35.10.15.2013")


@pytest.mark.parametrize(
    ("scope", "holds"),
    [
        ("*", VILLAGES),
        ("35", VILLAGES[:3]),
        ("35.10", VILLAGES[:2]),
        ("35.10.15", VILLAGES[:1]),
        ("35.10.15.2012", VILLAGES[:1]),
        ("35.1", None),
        ("35.10.15.20", None),
        ("35.10.", None),
        ("٣٥", None),
        ("35\n", None),
        ("%", None),
        ("", None),
        ("35.10.15.2012/gerbang", None),
    ],
)
def test_a_scope_holds_villages(scope: str, holds: tuple[str, ...] | None) -> None:
    if holds is None:
        with pytest.raises(NotAScope, match="is not a scope"):
            parse_scope(scope)
        return
    assert tuple(code for code in VILLAGES if parse_scope(scope).holds(code)) == holds


scopes = st.lists(st.sampled_from(TEXTS), max_size=5).map(Scopes.of)


@given(scopes, st.sampled_from(TEXTS))
def test_what_of_a_scope_lies_in_others_holds_what_both_hold(seen: Scopes, text: str) -> None:
    asked = Scope(text)
    for village in VILLAGES:
        assert seen.within(asked).holds(village) is (seen.holds(village) and asked.holds(village))
    assert seen.within(asked).covers(asked) is seen.covers(asked)


@given(st.lists(st.sampled_from(TEXTS), max_size=5))
def test_scopes_are_the_same_however_they_were_said(texts: list[str]) -> None:
    found = Scopes.of(texts)
    assert Scopes.of(reversed(texts)) == Scopes.of(found.texts) == found
    assert not any(one.covers(other) for one in found for other in found if one != other)
    for village in VILLAGES:
        assert found.holds(village) is any(Scope(text).holds(village) for text in texts)


def test_everywhere_and_nowhere() -> None:
    assert EVERYWHERE.everything
    assert not NOWHERE
    assert NOWHERE.within(Scope("*")) == NOWHERE
    assert not Scopes.of(["35"]).everything
