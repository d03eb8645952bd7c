import math

import numpy as np

import chainrule as cr


def found(f, *args):
    return cr.explain(f, *args).warnings


def test_nan_in_the_forward_pass():
    def f(x):
        d = x - 1
        y = np.log(d)
        return np.sum(y)

    finding, *rest = found(f, np.array([2.0, 0.5, 3.0]))
    assert not rest
    assert (finding.kind, finding.stage, finding.backward) == ("nan", "y", False)
    assert finding.line == f.__code__.co_firstlineno + 2
    assert "`log` of d[1] = -0.5, at 1 of 3 entries" in finding.message
    assert found(f, np.array([2.0, 1.5])) == []


def test_inf_in_the_forward_pass_and_what_becomes_of_it():
    def f(x):
        e = np.exp(x)
        return np.sum(e / e)

    inf, nan = sorted(
        (n for n in found(f, np.array([1.0, 1000.0])) if n.kind in ("nan", "inf")),
        key=lambda n: n.kind,
    )
    assert (inf.kind, inf.stage) == ("inf", "e")
    assert "x[1] = 1000" in inf.message
    assert (nan.kind, nan.stage) == ("nan", "value")
    assert "`divide` of e[1] = inf and e[1] = inf" in nan.message


def test_inf_that_does_not_matter_is_said_to_be_harmless():
    def f(x):
        return np.sum(1 / (1 + np.exp(-x)))

    inf = next(n for n in found(f, np.array([-1000.0, 0.0])) if n.kind == "inf")
    assert "does not reach the result" in inf.message


def test_an_argument_that_holds_nan():
    def f(x):
        return np.sum(x * 2)

    (finding,) = found(f, np.array([1.0, np.nan]))
    assert finding.kind == "nan"
    assert "argument x contains NaN already" in finding.message


def test_an_infinite_slope_in_the_backward_pass():
    def f(x):
        d = x * x
        n = np.sqrt(d)
        return np.sum(n)

    # The NaN that 0 * inf makes of it further on is not told again.
    (finding,) = found(f, np.array([2.0, 0.0, 1.0]))
    assert (finding.kind, finding.stage, finding.backward) == ("inf", "n", True)
    assert finding.line == f.__code__.co_firstlineno + 2
    assert "no finite slope at d[1] = 0, at 1 of 3 entries (`n = np.sqrt(d)`)" in finding.message
    assert found(f, np.array([2.0, 0.1])) == []


def test_a_slope_that_python_cannot_compute():
    def f(x):
        s = math.sqrt(x)
        return s * 2

    explanation = cr.explain(f, 0.0)
    (finding,) = explanation.warnings
    assert (finding.kind, finding.stage) == ("inf", "s")
    assert explanation.gradients == (math.inf,)
    assert "no finite slope at x = 0" in finding.message
    assert "! line" in str(explanation)


def test_nan_of_the_forward_pass_is_not_blamed_on_the_backward_pass():
    def f(x):
        return np.sum(np.log(x) * x)

    assert [n.backward for n in found(f, np.array([-1.0, 2.0]))] == [False]


def test_nan_in_the_backward_pass():
    def f(x, y):
        angle = np.arctan2(y, x)  # 0 / 0 in its slope at the origin
        return np.sum(angle)

    finding, *rest = found(f, np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    assert not rest
    assert (finding.kind, finding.stage, finding.backward) == ("nan", "angle", True)
    assert "`arctan2` has no finite slope at y[1] = 0 and x[1] = 0" in finding.message
    assert found(f, np.array([1.0, 0.0]), np.array([2.0, 1.0])) == []


def test_no_warning_of_numpys_escapes():
    def f(x):
        return np.sum(np.log(x) / x)

    assert {n.kind for n in found(f, np.array([0.0, -1.0]))} == {"nan", "inf"}


def test_nan_in_a_captured_array():
    weights = np.array([1.0, np.nan])

    def f(x):
        y = x * weights
        return np.sum(y)

    (finding,) = found(f, np.ones(2))
    assert (finding.kind, finding.stage) == ("nan", "y")
    assert "the constant weights in `multiply` contains it" in finding.message


def test_inf_in_a_constant_is_told_only_if_it_does_harm():
    def masked(s):
        t = np.where(np.array([True, False]), s, -np.inf)
        return np.log(np.sum(np.exp(t)))

    def added(s, mask):
        return np.log(np.sum(np.exp(s + mask)))

    def spoilt(s):
        t = s * math.inf
        return np.sum(t)

    assert found(masked, np.array([1.0, 2.0])) == []
    explanation = cr.explain(added, np.ones(2), np.array([0.0, -np.inf]), argnums=0)
    assert explanation.warnings == []
    (finding,) = found(spoilt, np.ones(2))
    assert (finding.kind, finding.stage) == ("inf", "t")
    assert "a constant in `multiply` contains it" in finding.message
