"""Numbers that are printed as what a person writes for them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.closed_forms import added, combined, multiplied, written

ROOT = math.sqrt(2)


@pytest.mark.parametrize(
    "expression",
    [
        "math.pi",
        "math.e",
        "math.sqrt(2)",
        "math.sqrt(12)",
        "math.sqrt(math.pi)",
        "math.sqrt(2 * math.pi)",
        "math.sqrt(2 / math.pi)",
        "math.log(2)",
        "math.log(10)",
        "2 * math.pi",
        "math.pi / 180",
        "180 / math.pi",
        "4 * math.pi / 3",
        "2 / math.sqrt(math.pi)",
        "1 / math.sqrt(2)",
        "math.sqrt(2) / 2",
        "1 / math.sqrt(2 * math.pi)",
        "1 / math.log(2)",
        "math.pi / math.sqrt(6)",
        "1 / (4 * math.pi)",
        "2 / 3",
    ],
)
def test_a_number_is_written_as_its_expression(expression: str) -> None:
    value = eval(expression)
    assert written(value) == expression
    assert eval(written(-value) or "") == -value


@pytest.mark.parametrize(
    "number",
    [0.0, 1.0, 0.5, -3.0, 0.1, 1e-5, 2.0000000000000004, math.nextafter(math.pi, 4), math.inf],
)
def test_any_other_number_says_nothing(number: float) -> None:
    assert written(number) is None


@pytest.mark.parametrize("n", range(2, 60))
def test_multiples_roots_and_quotients_keep_their_value(n: int) -> None:
    for value in (n * math.pi, n / math.pi, math.pi / n, math.sqrt(n), 1 / math.sqrt(n), n / 13):
        expression = written(value)
        assert expression is None or eval(expression) == value


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        ([2 / math.sqrt(math.pi), 0.5], [ROOT], (None, math.sqrt(2 * math.pi))),
        ([], [ROOT, ROOT], (None, 2)),
        ([ROOT, ROOT], [], (2, None)),
        ([0.5], [math.sqrt(3)], (0.5, math.sqrt(3))),
        ([-2, math.log(2)], [], (-2 * math.log(2), None)),
        ([1 / 3, math.pi], [], (math.pi, 3)),
        ([math.pi, 2], [math.pi], (2, None)),
    ],
)
def test_products_are_those_of_what_the_numbers_stand_for(
    above: list[float], below: list[float], expected: tuple[float | None, float | None]
) -> None:
    number, constant, divisor = combined(above, below) or (0, 0, 0)
    assert (number, divisor) == expected
    assert constant is None


def test_a_decimal_number_stands_before_a_constant() -> None:
    scale = math.sqrt(2 / math.pi)
    number, constant, divisor = combined([3, 0.044715, scale], []) or (0, 0, 0)
    assert (number, constant, divisor) == (3 * 0.044715, scale, None)


@pytest.mark.parametrize(
    "numbers", [[2, 0.5], [math.pi], [math.pi, -1], [math.pi, 0], [1e308, 10, math.pi], []]
)
def test_products_that_need_no_help(numbers: list[float]) -> None:
    assert combined(numbers, []) is None


def test_sums_and_products_that_are_folded() -> None:
    assert added(1 / 3, -1) == -2 / 3
    assert 1 / 3 - 1 != -2 / 3
    assert added(0.5, 0.25) is None
    assert added(math.pi, 1.0) is None
    assert multiplied(ROOT, ROOT) == 2
    assert multiplied(0.3, 0.7) is None


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_numbers_of_numpy_are_those_of_python(kind: type[np.floating]) -> None:
    assert combined([kind(3), math.pi], []) == combined([3.0, math.pi], [])
    assert multiplied(kind(2), ROOT) == multiplied(2.0, ROOT)
    assert added(1 / 3, kind(-1)) == added(1 / 3, -1.0)
    assert written(kind(0.1)) is None


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x * 0.3333333333333333 * 3.0 + x / 1.1447298858494002),
        lambda x: np.sum(x**2 * 5e-5 * math.pi * np.float64(7.0)),
    ],
)
def test_constants_that_were_folded_are_combined_with_others(f) -> None:  # type: ignore[no-untyped-def]
    x = np.array([0.25, -0.5])
    np.testing.assert_allclose(cr.stage(f, x)(x)[1][0], cr.grad(f)(x), rtol=1e-14)
