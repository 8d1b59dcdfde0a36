"""The formula of a restitution: what it comes to, worked by hand, and a sentence for what is none."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reports.formula import LONGEST, BadFormula, parse_formula


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("X", 6), ("Y - Z", 98), ("X*Y", 600), ("(X*Y)/(Z*99.5%)", Fraction(60_000, 199)),
        ("2 + 3 * 4", 14), ("(2 + 3) * 4", 20), ("10 - 4 - 3", 3), ("100 / 5 / 2", 10),
        ("-X + 1", -5), ("2 * -X", -12), ("--X", 6), ("50%", Fraction(1, 2)), ("50%%", Fraction(1, 200)),
        ("X%", Fraction(6, 100)), ("(X+Y)%", Fraction(106, 100)), (" 1.5*X ", 9), ("0.1 + 0.2", Fraction(3, 10)),
    ],
)  # fmt: skip
def test_it_comes_to_what_is_worked_by_hand(text: str, expected: Fraction | int) -> None:
    """With X = 6, Y = 100, Z = 2, exactly: a tenth and two tenths are three tenths."""
    assert parse_formula(text).value(Fraction(6), Fraction(100), Fraction(2)) == expected


def test_a_division_by_nothing_has_no_value() -> None:
    assert parse_formula("X/Z").value(Fraction(1), Fraction(1), Fraction(0)) is None
    assert parse_formula("X/(Z-2)").value(Fraction(1), Fraction(1), Fraction(2)) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty; it may hold"),
        ("X*", "ends where a number, X, Y, Z or a bracket is due"),
        ("(X*Y", "has a bracket that is not closed"),
        ("X)", "is not understood from ')' on"),
        ("X Y", "is not understood from 'Y' on"),
        ("*X", "has '*' where a number"),
        ("W*2", "names 'W'; it may hold"),
        ("__import__('os')", "names '__import__'"),
        ("X**9", "has '*' where a number"),
        ("1e9", "names 'e9'"),
        ("99,5%", "is not understood from ',5%' on"),
        ("X/0", "divides by nothing, whatever X, Y and Z are"),
        ("X/(Z-Z)", "divides by nothing, whatever X, Y and Z are"),
        ("X=1", "is not understood from '=1' on"),
        ("(" * 30 + "X" + ")" * 30, "has more than 20 brackets or signs within each other"),
        ("-" * 30 + "X", "has more than 20 brackets or signs within each other"),
        ("X+" * LONGEST + "X", f"has {2 * LONGEST + 1} characters, more than {LONGEST}"),
    ],
)
def test_what_is_no_formula_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BadFormula) as problem:
        parse_formula(text)
    assert sentence in str(problem.value)


@given(st.text(alphabet="XYZ0123456789.+-*/()% ", max_size=40))
def test_any_text_has_a_value_or_a_sentence(text: str) -> None:
    assert _outcome(text)


def _outcome(text: str) -> str:
    try:
        formula = parse_formula(text)
    except BadFormula as problem:
        return str(problem)
    value = formula.value(Fraction(3), Fraction(5), Fraction(7))
    assert value is None or isinstance(value, Fraction)
    return "a value"
