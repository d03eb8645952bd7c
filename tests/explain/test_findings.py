"""Each kind of trouble: an example in which it is found, and a neighbour in which it is not."""

import math

import numpy as np
import pytest
from scipy.special import expit

import chainrule as cr
from chainrule.explain.findings import Observation, saturated

X = np.array([[1.0, -2.0, 0.5], [0.3, 1.5, -1.0], [-0.7, 0.2, 2.0], [1.1, -0.4, -0.6]])
W = np.array([[0.2, -0.3], [0.4, 0.1], [-0.1, 0.2]])


def found(f, *args, **kwargs):
    return cr.explain(f, *args, **kwargs).warnings


def kinds(f, *args, **kwargs):
    return [finding.kind for finding in found(f, *args, **kwargs)]


def only(f, *args):
    (finding,) = found(f, *args)
    return finding


# Saturation.


def written_out(h):
    return 1 / (1 + np.exp(-h))


def other_way_round(h):
    return 1.0 / (np.exp(-h) + 1.0)


def by_reciprocal(h):
    return np.reciprocal(1 + np.exp(-h))


def by_power(h):
    return (1 + np.exp(-h)) ** -1


def by_both(h):
    return np.exp(h) / (1 + np.exp(h))


def step_by_step(h):
    e = np.exp(-h)
    total = 1 + e
    return 1 / total


def without_overflow(h):
    e = np.exp(-np.abs(h))
    return np.where(h >= 0, 1 / (1 + e), e / (1 + e))


STEP_BY_STEP = [step_by_step, without_overflow]
SIGMOIDS = [
    *[expit, written_out, other_way_round, by_reciprocal, by_power, by_both, *STEP_BY_STEP],
    lambda h: 1 / (1 + np.e**-h),
    lambda h: 1 / (1 + 1 / np.exp(h)),
    lambda h: 1 - 1 / (1 + np.exp(h)),
    lambda h: 1 / (2 + np.expm1(-h)),
    lambda h: np.ones_like(h) / (1 + np.exp(-h)),
    lambda h: 0.5 * (1 + np.tanh(h / 2)),
    lambda h: np.exp(-np.logaddexp(0, -h)),
    lambda h: np.where(h >= 0, 1 / (1 + np.exp(-h)), np.exp(h) / (1 + np.exp(h))),
]


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
def test_a_saturated_sigmoid_is_found_however_it_is_written(sigmoid):
    def f(x, w):
        z = sigmoid(x @ w)
        return np.sum(z)

    assert kinds(f, X, W) == []
    finding = only(f, X, 40 * W)
    slope = written_out(40 * X @ W)
    slope = slope * (1 - slope) / 0.25
    assert finding.kind == "saturated"
    assert finding.numbers["share"] == np.mean(slope < 0.06)
    assert finding.numbers["units"] == np.sum(np.all(slope < 0.06, axis=0))
    assert "s in z are saturated" in finding.message or sigmoid in STEP_BY_STEP


@pytest.mark.parametrize(
    "tanh",
    [
        np.tanh,
        lambda h: np.sinh(h) / np.cosh(h),
        lambda h: (np.exp(h) - np.exp(-h)) / (np.exp(h) + np.exp(-h)),
        lambda h: (np.exp(2 * h) - 1) / (np.exp(2 * h) + 1),
        lambda h: 2 / (1 + np.exp(-2 * h)) - 1,
        lambda h: 2 * expit(2 * h) - 1,
    ],
)
def test_a_saturated_tanh(tanh):
    def f(x, w):
        z = tanh(x @ w)
        return np.sum(z)

    assert kinds(f, X, W) == []
    finding = only(f, X, 40 * W)
    assert finding.stage == "z"
    assert "tanhs in z" in finding.message
    assert finding.numbers["share"] == np.mean(1 - np.tanh(40 * X @ W) ** 2 < 0.06)


@pytest.mark.parametrize("module", [math, np])
def test_a_saturated_sigmoid_of_a_number(module):
    def f(w, x):
        z = 1 / (1 + module.exp(-w * x))
        return z

    assert kinds(f, 1.0, 1.0) == []
    finding = only(f, 10.0, 1.0)
    assert finding.kind == "saturated"
    assert "saturated at 1: its slope is 0.018% of the largest" in finding.message


def test_units_are_counted_over_the_rows():
    def f(h):
        z = expit(h)
        return np.sum(z)

    h = np.array([[9.0, 9.0, 0.0], [9.0, 0.0, 0.0], [-9.0, 0.0, 0.0], [9.0, 0.1, 0.2]])
    finding = only(f, h)
    assert finding.numbers == {"share": 5 / 12, "units": 1}
    assert "1 of 3 units on every row" in finding.message
    h[0, 0] = 0.0
    assert only(f, h).numbers == {"share": 4 / 12, "units": 0}
    h[1, 0] = h[2, 0] = 0.0
    assert kinds(f, h) == []  # a few saturated entries are nothing to speak of


def test_one_minus_exp_is_no_sigmoid():
    def f(x):
        z = 1 / (2 + np.exp(-20 * x))
        return np.sum(z)

    assert "saturated" not in kinds(f, X)


@pytest.mark.parametrize(
    "function",
    [
        lambda h: h * expit(h),  # swish
        lambda h: 0.5 * h * (1 + np.tanh(0.8 * (h + 0.04 * h**3))),  # GELU
        lambda h: np.log(1 / (1 + np.exp(-h))),
        lambda h: h + np.tanh(h),
    ],
)
def test_a_sigmoid_that_the_function_makes_up_for_is_not_called_saturated(function):
    def f(h):
        z = function(h)
        return np.sum(z)

    assert "saturated" not in kinds(f, 20 * X)


def test_a_saturated_sigmoid_counts_where_others_multiply_it():
    def f(h, g):
        z = expit(h) * g
        return np.sum(z)

    assert kinds(f, 20 * X, np.ones_like(X)) == ["saturated"]


def test_two_activations_in_a_row_are_two():
    def f(h):
        a = np.tanh(h)
        z = expit(9 * a) * 2
        return np.sum(z)

    assert [(n.kind, n.stage) for n in found(f, 9 * np.ones((2, 2)))] == [
        ("saturated", "a"),
        ("saturated", "z"),
    ]


# ReLU.


def by_assignment(h):
    h = h * 1.0
    h[h < 0] = 0
    return h


RELUS = [
    lambda h: np.maximum(h, 0),
    lambda h: np.maximum(0.0, h),
    lambda h: np.where(h > 0, h, 0),
    lambda h: np.where(h >= 0, h, 0.0),
    lambda h: np.where(h <= 0, 0, h),
    lambda h: np.where(0 < h, h, 0),  # noqa: SIM300
    lambda h: h * (h > 0),
    lambda h: (h > 0) * h,
    lambda h: np.clip(h, 0, None),
    lambda h: np.clip(h, 0, 6),
    lambda h: np.minimum(np.maximum(h, 0), 6),
    lambda h: np.maximum(h, np.zeros_like(h)),
    lambda h: np.where(~(h > 0), np.zeros_like(h), h),
    lambda h: h * (h > 0).astype(float),
    lambda h: h * np.where(h > 0, 1, 0),
    lambda h: h * np.heaviside(h, 0),
    lambda h: (h + np.abs(h)) / 2,
    lambda h: -np.minimum(-h, 0),
    lambda h: h - np.minimum(h, 0),
    by_assignment,
]


@pytest.mark.parametrize("relu", RELUS)
def test_a_silent_relu_is_found_however_it_is_written(relu):
    def f(h):
        z = relu(h)
        return np.sum(z**2)

    h = np.array([[1.0, -1.0, -2.0], [-1.0, -3.0, 1.0]])
    finding = only(f, h)
    assert finding.kind == "silent"
    assert finding.numbers == {"units": 1, "of": 3, "share": 4 / 6}
    assert "1 of 3 units of the ReLU" in finding.message
    assert "on these 2 rows" in finding.message
    h[0, 1] = 0.1
    assert kinds(f, h) == []


@pytest.mark.parametrize(
    "function",
    [
        lambda h: np.where(h > 0, h, 0.01 * h),
        lambda h: np.maximum(h, 0) - 0.1 * np.maximum(-h, 0),
        lambda h: np.maximum(0.1 * h, h),
        lambda h: np.abs(h),
        lambda h: h + 0 * np.exp(h),
    ],
)
def test_what_is_no_relu_is_never_silent(function):
    def f(h):
        return np.sum(function(h))

    assert "silent" not in kinds(f, -np.ones((2, 3)))


def test_a_relu_of_nan_is_not_called_silent():
    def f(h):
        return np.sum(np.maximum(h, 0))

    assert "silent" not in kinds(f, np.full((2, 2), np.nan))


def test_one_row_is_too_few_to_call_single_units_silent():
    def f(h):
        return np.sum(np.maximum(h, 0))

    assert kinds(f, np.array([1.0, -1.0])) == []
    assert "silent" in kinds(f, np.array([-1.0, -1.0]))


def test_a_silent_relu_of_a_number():
    def f(w, x):
        z = np.maximum(w * x, 0)
        return z * 3

    assert kinds(f, 2.0, 1.0) == []
    findings = found(f, -2.0, 1.0)
    assert findings[0].kind == "silent"
    assert "its input is -2" in findings[0].message
    assert {(n.kind, n.stage) for n in findings[1:]} >= {("zero gradient", "w")}


# Zero gradients.


def test_a_gradient_that_is_exactly_zero():
    def f(x, y):
        q = x * y
        m = np.maximum(q, 1.0)
        return m * y

    assert kinds(f, 2.0, 3.0) == []
    findings = [n for n in found(f, -2.0, 3.0) if n.kind == "zero gradient"]
    assert [n.stage for n in findings] == ["x", "q"]
    assert all("stopped at `m = np.maximum(q, 1.0)`" in n.message for n in findings)
    assert all(n.backward for n in findings)


def test_gradients_that_cancel_are_no_dead_end():
    def f(s):
        m = np.max(s)  # subtracted for stability: its gradient is 0 by design
        e = np.exp(s - m)
        return np.log(np.sum(e)) + m

    assert kinds(f, np.array([1.0, 3.0])) == []


def test_an_argument_whose_gradients_cancel():
    def f(x, y):
        a = x * y
        b = x * 3.0
        return a - b

    finding = only(f, 2.0, 3.0)
    assert finding.stage == "x"
    assert "What reaches x on several paths cancels out." in finding.message


def test_an_argument_that_does_not_matter():
    def f(x, y):
        return x * 2

    finding = only(f, 1.0, 2.0)
    assert (finding.kind, finding.stage) == ("zero gradient", "y")
    assert "does not depend on y" in finding.message
    assert kinds(f, 1.0, 2.0, argnums=0) == []


def test_stages_of_what_is_not_differentiated_by_are_not_called_zero():
    def f(x, y):
        q = y * y
        return q * x

    assert kinds(f, 1.0, 2.0, argnums=0) == []


# Vanishing and exploding.


def chain(factor):
    def f(x):
        a = x * 1.0
        b = a * factor
        c = b * factor
        d = c * factor
        return d

    return f


@pytest.mark.parametrize(
    ("factor", "expected"),
    [(0.09, ["vanishing"]), (0.11, []), (1.0, []), (9.9, []), (10.1, ["exploding"])],
)
def test_norms_that_change_a_thousandfold(factor, expected):
    assert kinds(chain(factor), 1.0) == expected


def test_the_path_is_named():
    finding = only(chain(0.01), 1.0)
    assert "from 1 at d to 1e-06 at a" in finding.message
    assert finding.stage == "a"
    assert finding.numbers["ratio"] == pytest.approx(1e-6)


def test_a_mean_over_many_entries_is_not_vanishing():
    def f(x):
        h = 2 * x
        z = np.tanh(h)
        return np.mean(z)

    assert kinds(f, np.zeros(1_200_000)) == []


def test_a_mean_is_not_vanishing_where_more_is_computed_with_it():
    def f(x):
        h = 2 * x
        z = np.tanh(h)
        error = np.mean(z)
        total = error * 2
        return total + 1

    assert kinds(f, np.zeros(4_400_000)) == []


def test_a_maximum_subtracted_in_a_softmax_is_not_vanishing():
    def f(s):
        m = np.max(s, axis=1, keepdims=True)
        z = s - m
        e = np.exp(z)
        p = e / np.sum(e, axis=1, keepdims=True)
        return -np.sum(np.log(p[:, 0]))

    assert kinds(f, np.random.default_rng(1).normal(size=(4, 3))) == []


def test_a_penalty_that_is_added_last_does_not_hide_a_vanishing_gradient():
    def f(x, W1, W2):
        h = x @ W1
        z = h @ W2
        error = np.mean(z**2)
        penalty = 0.1 * np.sum(W1**2)
        return error + penalty

    (finding,) = found(f, X, np.ones((3, 2)), 1e-5 * np.ones((2, 2)))
    assert (finding.kind, finding.stage) == ("vanishing", "h")


# Use by others.


def test_findings_need_only_a_trace_and_gradients():
    from chainrule.core.backward import backward_everywhere
    from chainrule.graph.tracing import trace

    def f(h):
        z = np.tanh(h)
        return np.sum(z)

    traced = trace(f, [np.full((2, 2), 9.0)])
    gradients = backward_everywhere([(traced.output, 1.0)], [a.node for a in traced.inputs])
    traced.end()
    (finding,) = saturated(Observation(traced, gradients))
    assert (finding.kind, finding.stage) == ("saturated", "z")
