"""check_gradient: what is right is good, what is wrong is told, kinks are neither."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

import chainrule as cr
from chainrule import check_gradient
from chainrule.check.differences import slope

rng = np.random.default_rng(0)


@pytest.fixture
def wrong_cube():
    return cr.elementwise("wrong_cube", lambda x: x**3, d=lambda x, y: 2 * x**2)


def lecture(x, y):
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    den = sigx + (x + y) ** 2
    return num / den


# Right gradients.


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lecture, (3.0, -4.0)),
        (lambda x: np.sum(np.sin(x) * np.exp(x)), (rng.normal(size=(3, 4)),)),
        (lambda a, b: np.sum(np.tanh(a @ b) ** 2), (rng.normal(size=(3, 4)), rng.normal(size=4))),
        (lambda x: np.linalg.norm(x), (np.array([1.0, 2.0, -3.0]),)),
        (lambda x: np.sum(np.log(x) + 1 / x), (np.array([1e-3, 1.0, 1e3]),)),
        (lambda x: np.sum(np.sqrt(x)), (np.array([1e-9, 1.0]),)),
        (lambda x: 1000.0 + 1e-9 * np.sum(np.sin(x)), (np.array([0.1, 2.0]),)),
        (lambda x: np.sum(x**2), (np.array([1e-12, 0.0, 1e12]),)),
        (lambda x: np.float64(3.0) + 0 * x, (2.0,)),
        (lambda x: 1e9 * x**3, (np.float64(0.0),)),
        (lambda x: np.prod(x), (np.array([[1.0, 0.0], [2.0, 3.0]]),)),
        (lambda x: np.max(x), (np.array([1.0, 3.0, 2.0]),)),
    ],
)
def test_a_right_gradient_is_good(f, args):
    report = check_gradient(f, *args)

    assert report, str(report)
    assert report.error <= 1e-7
    assert {a.verdict for a in report.arguments} == {"good"}


def test_complex_steps_are_used_where_the_function_allows_them():
    report = check_gradient(lambda x: np.sum(np.exp(x) * np.sin(x)), np.array([0.3, 1.0]))

    assert report["x"].method == "complex step"
    assert report.error < 1e-14


@pytest.mark.parametrize(
    "f",
    [
        lambda x: math.exp(x) * 2,  # raises for complex numbers
        lambda x: abs(x) * x,  # loses the imaginary part
        lambda x: np.real(x + 0j) ** 2 if isinstance(x, complex) else x**2,
        lambda x: x**2 if x > 0 else x,
    ],
)
def test_differences_are_used_where_complex_steps_are_not_allowed(f):
    report = check_gradient(f, 1.5)

    assert report, str(report)
    assert report["x"].method == "differences"


def test_a_cast_that_drops_the_imaginary_part_is_seen():
    def f(x):
        held = np.zeros(2)
        held[0] = x[0] ** 2
        return np.sum(held) + x[1]

    def gradient(x):
        return np.array([2 * x[0], 1.0])

    report = check_gradient(f, np.array([1.5, 2.0]), gradient=gradient)
    assert report, str(report)


# Wrong gradients.


def test_a_wrong_rule_is_found(wrong_cube):
    report = check_gradient(lambda x: np.sum(wrong_cube(x)), np.array([1.0, 2.0, 5.0]))

    assert not report
    argument = report["x"]
    assert argument.verdict == "wrong"
    assert argument.worst.analytic / argument.worst.numeric == pytest.approx(2 / 3)
    assert argument.error == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (1e-9, "good"),
        (1e-5, "suspicious"),
        (1e-3, "probably wrong"),
        (0.5, "wrong"),
        (math.nan, "wrong"),
        (math.inf, "wrong"),
    ],
)
def test_the_verdict_goes_by_the_usual_thresholds(error, verdict):
    report = check_gradient(
        lambda x: np.sum(x**3), np.array([1.0, 2.0]), gradient=lambda x: 3 * x**2 * (1 + error)
    )

    assert report["x"].verdict == verdict
    assert bool(report) is (verdict == "good")


def test_one_wrong_entry_of_many_is_found_along_random_directions():
    def gradient(x):
        g = 2 * x
        g[123_456 // 400, 123_456 % 400] *= -1
        return g

    x = rng.normal(size=(400, 400))
    report = check_gradient(lambda x: np.sum(x * x), x, gradient=gradient, max_entries=5)

    assert not report
    assert "direction" in report["x"].worst.index


def test_a_gradient_of_the_wrong_shape_is_wrong():
    report = check_gradient(
        lambda w, b: np.sum(w @ np.ones((3, 2)) + b),
        np.ones((4, 3)),
        np.ones(2),
        gradient=lambda w, b: (np.full((4, 3), 2.0), np.full((1, 2), 4.0)),
    )

    assert report["w"].verdict == "good"
    assert report["b"].verdict == "wrong"
    assert "shape (1, 2), the argument (2,)" in str(report)


@pytest.mark.parametrize(
    "gradient",
    [
        lambda x, y: (y, x),
        lambda x, y: [y, x],
        lambda x, y: (x * y, (y, x)),
        cr.value_and_grad(lambda x, y: x * y, (0, 1)),
    ],
)
def test_ones_own_gradient_comes_alone_or_with_the_value(gradient):
    assert check_gradient(lambda x, y: x * y, 3.0, 4.0, gradient=gradient)


def test_a_wrong_value_beside_the_gradient_is_told():
    report = check_gradient(lambda x: x**2, 3.0, gradient=lambda x: (x, (2 * x,)))

    assert report
    assert "the value given along with the gradient, 3, is not that" in str(report)


def test_raising_on_request():
    def bad(x):
        return 2 * x**2

    with pytest.raises(cr.errors.GradientMismatchError, match=r"x \(wrong\)") as caught:
        check_gradient(lambda x: x**3, 2.0, gradient=bad, raise_error=True)
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, cr.ChainruleError)
    check_gradient(lambda x: x**3, 2.0, raise_error=True)


# Kinks and edges.


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (abs, 0.0),
        (lambda x: np.maximum(x, 0.0), 0.0),
        (lambda x: np.sum(np.maximum(x, 0)), np.array([-1.0, 0.0, 1.0])),
        (lambda x: np.max(x), np.array([2.0, 2.0, 1.0])),
        (lambda x: np.sum(np.abs(x)), np.array([0.0, 1.0])),
    ],
)
def test_at_a_kink_any_slope_between_the_sides_is_right(f, x):
    report = check_gradient(f, x)

    assert report, str(report)
    assert report.arguments[0].kinks
    assert "kink" in str(report)


def test_at_a_kink_a_slope_outside_is_wrong():
    report = check_gradient(lambda x: abs(x), 0.0, gradient=lambda x: 3.0)

    assert report["x"].kinks
    assert report["x"].verdict == "wrong"


def test_a_kink_nearby_does_not_disturb():
    report = check_gradient(lambda x: np.sum(np.abs(x)), np.array([1e-5, -1e-3, 1.0]))

    assert report
    assert not report["x"].kinks


def test_curvature_is_no_kink():
    found = slope(lambda t: 1e4 * t * t, 0.0, [1.0], 0.0)

    assert found.kind == "smooth"
    assert abs(found.value) < 1e-9


def test_at_the_edge_of_the_domain_one_side_is_compared():
    report = check_gradient(lambda x: np.sum(x**1.5), np.array([0.0, 1.0]))

    assert report, str(report)
    assert "one side only at [0]" in str(report)


def test_errors_of_math_beside_the_point_are_an_edge_too():
    report = check_gradient(lambda x: math.sqrt(x) ** 3, 0.0, gradient=lambda x: 0.0)

    assert report, str(report)


# What is checked.


def test_float32_is_checked_in_float64():
    x = rng.normal(size=3).astype(np.float32)

    report = check_gradient(lambda x: np.sum(np.sin(x)), x)

    assert report
    assert report.error < 1e-10
    assert "x was converted from float32 to float64" in report.notes


@dataclass
class Layer:
    weight: np.ndarray
    bias: np.ndarray


def test_every_leaf_of_a_tree_is_checked():
    params = {"first": Layer(rng.normal(size=(3, 2)), np.zeros(2)), "scale": [2.0, None]}

    def f(params, x):
        layer = params["first"]
        return params["scale"][0] * np.sum(np.tanh(x @ layer.weight + layer.bias))

    report = check_gradient(f, params, rng.normal(size=(4, 3)))

    assert report
    assert [a.name for a in report.arguments] == [
        "params['first'].weight",
        "params['first'].bias",
        "params['scale'][0]",
        "x",
    ]


def test_large_arrays_are_checked_in_part_and_this_is_said():
    x = rng.normal(size=(60, 50))

    report = check_gradient(lambda x: np.sum(x**3), x, max_entries=20, directions=3)

    assert report
    argument = report["x"]
    assert (argument.checked, argument.size, argument.directions) == (20, 3000, 3)
    assert "20 of 3000 entries, drawn at random, and 3 random directions" in str(report)
    again = check_gradient(lambda x: np.sum(x**3), x, max_entries=20, directions=3)
    assert [e.index for e in argument.entries] == [e.index for e in again["x"].entries]


def test_argnums_choose_the_arguments():
    report = check_gradient(lambda x, y: x * y, 2.0, 3.0, argnums=1)

    assert [a.name for a in report.arguments] == ["y"]


def test_integers_beside_floats_are_held_fixed_and_this_is_said():
    report = check_gradient(lambda x, n: x**n, 2.0, 3)

    assert [a.name for a in report.arguments] == ["x"]
    assert "n = 3 is an int and was held fixed" in str(report)


def test_the_arguments_stay_what_they_were():
    x = np.array([1.0, 2.0])

    def gradient(x):
        x *= 2
        return x

    assert check_gradient(lambda x: np.sum(x * x), x, gradient=gradient)
    np.testing.assert_array_equal(x, [1.0, 2.0])


def test_an_argument_without_influence_has_gradient_zero():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_gradient(lambda x, y: x * 1.0, 2.0, 3.0)
        assert check_gradient(lambda x: 3.0, 2.0)


def test_an_empty_array_has_nothing_to_check():
    assert check_gradient(lambda x: np.sum(x), np.zeros((0, 3)))


# The report.


def test_the_table_fits_80_columns():
    params = {"a_rather_long_name": 1e-5 * rng.normal(size=(30, 40))}

    report = check_gradient(
        lambda p: np.sum(p["a_rather_long_name"] ** 2),
        params,
        gradient=lambda p: {"a_rather_long_name": -p["a_rather_long_name"] / 7},
    )

    text = str(report)
    assert max(map(len, text.splitlines())) <= 80
    assert "not good" in text
    assert "\x1b" not in text
    assert report._repr_html_().startswith("<pre>")


# Bad input.


def test_integers_alone_cannot_be_checked():
    with pytest.raises(cr.errors.ArgumentError, match=r"is an int, 3: .* write 3\.0"):
        check_gradient(lambda x: x**2, 3)


def test_a_chosen_integer_cannot_be_checked():
    with pytest.raises(cr.errors.ArgumentError, match=r"\(n\) of <lambda> is an int"):
        check_gradient(lambda x, n: x**n, 2.0, 3, argnums=(0, 1), gradient=lambda x, n: (x, n))


def test_the_value_must_be_a_number():
    with pytest.raises(cr.errors.NonScalarOutputError, match=r"returned shape \(2,\)"):
        check_gradient(lambda x: x, np.ones(2))
    with pytest.raises(cr.errors.NonScalarOutputError, match="returned a NoneType"):
        check_gradient(lambda x: None, 1.0)


def test_the_value_must_be_finite():
    with pytest.raises(cr.errors.NonFiniteError, match="is nan here"):
        check_gradient(lambda x: np.log(x), -1.0)


def test_a_random_function_cannot_be_checked():
    with pytest.raises(cr.errors.ArgumentError, match="must not be random"):
        check_gradient(lambda x: x * rng.normal(), 1.0)


def test_gradients_must_be_as_many_as_arguments():
    with pytest.raises(cr.errors.ArgumentError, match="returned 1 arrays, 2 are needed: one for"):
        check_gradient(lambda x, y: x * y, 2.0, 3.0, gradient=lambda x, y: y)


def test_arguments_must_be_given():
    with pytest.raises(cr.errors.ArgumentError, match="needs the arguments"):
        check_gradient(lambda: 1.0)


def test_what_is_checked_must_be_a_function():
    with pytest.raises(TypeError, match="expected a function to check, got a float"):
        check_gradient(3.0, 1.0)


# What found a wrong verdict once.


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: x * abs(x), 0.0),  # a complex step leaves |step| of it
        (lambda x: np.sum(x * np.abs(x)), np.array([0.0, 1.0])),
        (lambda x: 1e-95 * x, 3.0),
        (lambda x: np.cbrt(x), 0.0),  # vertical
        (lambda x: -np.sum(np.cbrt(x)), np.array([0.0, 8.0])),
        (lambda x: np.sum(x.astype(np.float32) ** 2), np.array([1.0, 2.0, 3.0])),
        (lambda x: np.sum(np.abs(np.exp(x)) / np.sum(np.abs(np.exp(x)))), np.array([1.0, 2.0])),
        (lambda x: 1e6 + np.abs(x), 1e-3),
        (lambda x: np.sum(np.tanh(np.tanh(x)) ** 2), np.array([140.0, 49.0])),  # 1 - y * y is 0
        (lambda x: np.sum(np.sqrt(np.tanh(x)) ** 2), np.array([5.7, 11.7, 6.4])),
        (lambda x: np.tanh(x), 30.0),
    ],
)
def test_a_right_gradient_at_a_difficult_point_is_good(f, x):
    report = check_gradient(f, x)

    assert report, str(report)


@pytest.mark.parametrize(
    ("f", "x", "g"),
    [
        (lambda x: x * abs(x), 0.0, 1e-3),
        (lambda x: 1e-95 * x, 3.0, 2e-95),
        (lambda x: np.cbrt(x), 0.0, 70.0),
        (lambda x: np.cbrt(x), 0.0, -math.inf),
        (lambda x: x**3, 0.0, math.inf),
        (lambda x: x + 1e-3 * math.sin(1e9 * x), 1.0, 5.0),  # too rough for differences
        (lambda x: np.float32(x) ** 2 if isinstance(x, float) else x**2, 3.0, 6.1),
    ],
)
def test_a_wrong_gradient_at_a_difficult_point_is_not_good(f, x, g):
    assert not check_gradient(f, x, gradient=lambda x: g)


def test_a_function_that_computes_in_float32_is_told():
    report = check_gradient(lambda x: np.sum(x.astype(np.float32) ** 2), np.array([1.0, 2.0]))

    assert "<lambda> computes in float32 even so: its differences are rough" in report.notes[0]


def test_few_values_are_needed_where_complex_steps_agree():
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return np.sum(np.tanh(x) ** 2)

    assert check_gradient(f, rng.normal(size=(100, 100)), max_entries=20, directions=0)
    assert calls < 20 * 12


def test_a_check_of_nothing_is_refused():
    with pytest.raises(cr.errors.ArgumentError, match="at least one entry has to be checked"):
        check_gradient(lambda x: x**2, 3.0, gradient=lambda x: 5.0, max_entries=0, directions=0)
    with pytest.raises(cr.errors.ArgumentError, match="directions -1"):
        check_gradient(lambda x: x**2, 3.0, directions=-1)


@pytest.mark.parametrize("g", ["6", 6 + 0j])
def test_a_gradient_that_is_no_real_number_is_wrong(g):
    report = check_gradient(lambda x: x**2, 3.0, gradient=lambda x: g)

    assert report["x"].verdict == "wrong"
    assert "not real numbers" in str(report)


def test_no_gradient_is_told():
    with pytest.raises(cr.errors.ArgumentError, match="returned 0 arrays, 1 are needed"):
        check_gradient(lambda x: x**2, 3.0, gradient=lambda x: None)
