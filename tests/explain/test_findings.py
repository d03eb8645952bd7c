"""Each kind of trouble: an example in which it is found, and a neighbour in which it is not."""

import math

import numpy as np
import pytest
from scipy.special import expit

import chainrule as cr
from chainrule.explain.findings import Run, saturated

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


SIGMOIDS = [expit, written_out, other_way_round, by_reciprocal, by_power, by_both, step_by_step]


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
    assert "sigmoids in z are saturated" in finding.message or sigmoid is step_by_step


def test_a_saturated_tanh():
    def f(x, w):
        z = np.tanh(x @ w)
        return np.sum(z)

    assert kinds(f, X, W) == []
    finding = only(f, X, 40 * W)
    assert finding.stage == "z"
    assert "tanhs in z" in finding.message
    assert finding.line == f.__code__.co_firstlineno + 1


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


# ReLU.

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


def test_a_leaky_relu_is_never_silent():
    def f(h):
        return np.sum(np.where(h > 0, h, 0.01 * h))

    assert kinds(f, -np.ones((2, 3))) == []


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

    assert kinds(f, np.zeros(4_000_000)) == []


# Use by others.


def test_findings_need_only_a_trace_and_gradients():
    from chainrule.core.backward import backward_everywhere
    from chainrule.graph.trace import trace

    def f(h):
        z = np.tanh(h)
        return np.sum(z)

    traced = trace(f, [np.full((2, 2), 9.0)])
    gradients = backward_everywhere([(traced.output, 1.0)], [a.node for a in traced.inputs])
    traced.end()
    (finding,) = saturated(Run(traced, gradients))
    assert (finding.kind, finding.stage) == ("saturated", "z")
