"""vmap: a loop over examples, without the loop."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import chainrule as cr

rng = np.random.default_rng(2)
X = rng.normal(size=(5, 3))
Y = rng.normal(size=(4, 3))
W = rng.normal(size=(2, 3))


def score(x):
    return np.sum(np.tanh(W @ x)) ** 2


def loop(f, *arrays):
    return np.stack([f(*rows) for rows in zip(*arrays, strict=True)])


def filled(x):
    y = np.zeros(4)
    for i in range(1, 4):
        y[i] = 0.5 * y[i - 1] + x[i - 1]
    y[:2] *= x[0]
    return y


def drawn(x):
    return math.exp(x[0]) + sum(v * v for v in x) + np.array([x[1], x[2]]).max()


@dataclasses.dataclass
class Weights:
    w: np.ndarray
    b: float


@pytest.mark.parametrize("f", [score, filled, drawn, np.sort, lambda x: x[np.argmax(x)] * x])
def test_values_and_derivatives(f):
    np.testing.assert_allclose(cr.vmap(f)(X), loop(f, X), 1e-14)
    J = cr.jacobian(f)
    np.testing.assert_allclose(cr.vmap(J)(X), loop(J, X), 1e-13, 1e-15)
    total = lambda X: np.sum(np.sin(cr.vmap(f)(X)))
    expected = lambda X: sum(np.sum(np.sin(f(x))) for x in X)
    np.testing.assert_allclose(cr.grad(total)(X), cr.grad(expected)(X), 1e-13, 1e-15)


COMPOSED = {
    "grad": cr.grad,
    "hessian": cr.hessian,
    "value_and_grad": lambda f: lambda x: cr.value_and_grad(f)(x)[1],
    "jvp": lambda f: lambda x: cr.jvp(f, (x,), (np.ones(3),))[1],
    "vjp": lambda f: lambda x: cr.vjp(f, x)[1](2.0)[0],
    "grad of jvp": lambda f: cr.grad(lambda x: cr.jvp(f, (x,), (x,))[1]),
    "jvp of grad": lambda f: lambda x: cr.jvp(cr.grad(f), (x,), (x,))[1],
    "grad of vmap": lambda f: cr.grad(lambda x: np.sum(cr.vmap(lambda y: f(x * y))(Y))),
    "vmap of grad": lambda f: lambda x: cr.vmap(lambda y: cr.grad(f)(x * y))(Y),
    "grad of vmap of grad": lambda f: cr.grad(
        lambda x: np.sum(cr.vmap(lambda y: cr.grad(f)(x * y))(Y) ** 2)
    ),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_compositions(name):
    f = COMPOSED[name](score)
    expected = loop(f, X)
    np.testing.assert_allclose(cr.vmap(f)(X), expected, 1e-12, 1e-14)
    np.testing.assert_allclose(cr.compile(cr.vmap(f))(X), expected, 1e-11, 1e-13)


def test_staged():
    g = cr.stage(lambda W, X: np.sum(cr.vmap(lambda x: np.tanh(W @ x))(X)), W, X)
    assert "np.tanh(X @ W.T)" in g.source
    _, (dW, dX) = g(W, X)
    np.testing.assert_allclose(dW, cr.grad(lambda W: np.sum(np.tanh(X @ W.T)))(W))
    assert dX.shape == X.shape


def test_axes():
    outer = cr.vmap(cr.vmap(lambda x, y: x @ y, (None, 0)), (0, None))
    np.testing.assert_allclose(outer(X, Y), X @ Y.T)
    f = lambda x, y: np.outer(x, y)
    found = cr.vmap(f, (1, 0), out_axes=-1)(X.T, X)
    np.testing.assert_allclose(found, np.moveaxis(loop(f, X, X), 0, -1))
    assert cr.vmap(f, (-1, 0), 1)(X.T, X).shape == (3, 5, 3)


def test_trees():
    def f(params, x, power):
        return {"y": params.w @ x + params.b, "n": x**power, "k": (power, None)}

    given = Weights(X, 2.0), X, 3
    axes = (Weights(0, None), 0, None)
    found = cr.vmap(f, axes, {"y": 0, "n": 1, "k": None})(*given)
    np.testing.assert_allclose(found["y"], np.sum(X * X, axis=1) + 2.0)
    np.testing.assert_allclose(found["n"], X.T**3)
    assert found["k"] == (3, None)


def test_static_integer_and_captured_arguments():
    labels = np.array([2, 0, 1, 1, 2])
    picked = cr.vmap(lambda x, label: x[label] - np.log(np.sum(np.exp(x))))(X, labels)
    expected = X[np.arange(5), labels] - np.log(np.sum(np.exp(X), axis=1))
    np.testing.assert_allclose(picked, expected)
    power = lambda x, n: x**n
    np.testing.assert_array_equal(cr.vmap(power, (0, None))(X, 2), X**2)
    np.testing.assert_array_equal(cr.vmap(power)(X, n=2), X**2)
    counts = cr.vmap(lambda x: np.argmax(x) + 1)(X)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, np.argmax(X, axis=1) + 1)
    single = cr.vmap(lambda x: x * 2.0)(X.astype(np.float32))
    assert single.dtype == np.float32


def test_results_that_all_examples_share_are_repeated():
    found = cr.vmap(lambda x: (x[0], 1.0, True))(X)
    np.testing.assert_array_equal(found[1], np.ones(5))
    assert found[2].dtype == bool
    y = cr.vmap(lambda x: x)(X)
    assert y is not X
    assert not np.may_share_memory(y, X)


def test_random_functions_of_one_run():
    """What is drawn is drawn once: it is the same for all examples."""
    noise = cr.vmap(lambda x: x + np.random.default_rng(0).normal())(X)
    assert np.ptp(noise - X) < 1e-12


def test_arguments_stay_as_they_are():
    shared = np.ones(3)

    def f(x, y):
        x[0] = 7.0
        y *= x
        return y

    before = X.copy()
    np.testing.assert_array_equal(cr.vmap(f, (0, None))(X, shared)[:, 0], 7.0)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(shared, 1.0)


def test_what_the_first_example_does_not_meet():
    """Guards and stable forms are those of all examples."""
    root = lambda x: np.where(x > 0, np.sqrt(x), 0.0)
    np.testing.assert_array_equal(cr.vmap(cr.grad(root))(np.array([1.0, 0.0, 4.0])), [0.5, 0, 0.25])
    lse = lambda x: np.log(np.sum(np.exp(x)))
    large = np.array([[0.0, 1.0], [1000.0, 1000.0]])
    with np.errstate(over="ignore"):
        found = cr.vmap(cr.grad(lse))(large)
    np.testing.assert_allclose(found[1], 0.5)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        cr.vmap(lambda x: 1 / x)(np.array([1.0, 0.0]))


def test_no_examples():
    none = np.empty((0, 3))
    assert cr.vmap(score)(none).shape == (0,)
    assert cr.vmap(cr.hessian(score))(none).shape == (0, 3, 3)
    assert cr.vmap(lambda x: x if x[0] > 0 else -x, out_axes=1)(none).shape == (3, 0)
    gradient = cr.grad(lambda w: np.sum(cr.vmap(lambda x: w @ x)(none)))(X[0])
    np.testing.assert_array_equal(gradient, np.zeros(3))
    with pytest.raises(np.linalg.LinAlgError) as caught:
        cr.vmap(np.linalg.inv)(np.empty((0, 2, 2)))
    assert "There are no examples" in caught.value.__notes__[-1]


def _doubled(g, x, y):
    return 2 * g + 0 * x


def test_operations_without_a_rule_are_computed_one_by_one():
    double = cr.operation(
        "double_it", lambda x: 2 * np.sum(x), pullback=lambda g, x, y: 2 * g + 0 * x
    )
    np.testing.assert_allclose(cr.vmap(double)(X), 2 * X.sum(axis=1))
    np.testing.assert_allclose(cr.vmap(cr.grad(double))(X), np.full((5, 3), 2.0))
    by_rule = cr.operation(
        "double_with_rule",
        lambda x: 2 * np.sum(x),
        pullback=_doubled,
        batch=lambda row, batched, operands, params: 2 * np.sum(operands[0], axis=1),
    )
    np.testing.assert_allclose(cr.vmap(by_rule)(X), 2 * X.sum(axis=1))


BAD = {
    "a branch": (
        lambda x: x if x[0] > 0 else -x,
        (X,),
        cr.errors.ExamplesDisagreeError,
        r"disagree at line \d+ of test_vmap.py: .* Python saw .* Write np.where",
    ),
    "a branch inside": (
        lambda x: cr.grad(lambda y: y**2 if y > 0 else y)(x[0]),
        (X,),
        cr.errors.ExamplesDisagreeError,
        "np.where",
    ),
    "real and complex eigenvalues": (
        lambda a: np.abs(np.linalg.eigvals(a)).sum(),
        (np.array([[[2.0, 0.1], [0.1, 1.0]], [[0.0, 1.0], [-1.0, 0.0]]]),),
        cr.errors.ExamplesDisagreeError,
        "complex ones for others, at line .* Give it complex numbers",
    ),
    "pieces of other sizes": (
        lambda x: cr.grad(lambda y: np.piecewise(y, [y < 0, y >= 0], [np.sin, np.cos]).sum())(x),
        (np.array([[1.0, 2.0], [1.0, -2.0]]),),
        cr.errors.ExamplesDisagreeError,
        "`getitem` gives shape .* Write np.where",
    ),
    "solutions with other numbers of steps": (
        lambda a: solve_ivp(lambda t, y: a * y, (0, 5), np.ones(1)).y[0, -1],
        (np.array([-0.1, -9.0]),),
        cr.errors.ExamplesDisagreeError,
        "gives shape .* where its solution is wanted",
    ),
    "an index into a plain array": (
        lambda i: W[i],
        (np.array([0, 1]),),
        cr.errors.ExamplesDisagreeError,
        "np.take",
    ),
    "different numbers": (
        lambda x, p: x,
        (X, {"a": X, "b": Y}),
        cr.errors.ArgumentError,
        r"argument 0 \(x\) has 5 along axis 0, .*\(p\['b'\]\) has 4 along axis 0",
    ),
    "a number": (
        lambda x, n: x * n,
        (X, 3),
        cr.errors.ArgumentError,
        r"argument 1 \(n\) of <lambda> is a int, so it has no axis 0",
    ),
    "text": (
        lambda x: "no",
        (X,),
        cr.errors.ArgumentError,
        "returned a str",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    f, args, error, match = BAD[name]
    with pytest.raises(error, match=match):
        cr.vmap(f)(*args)


def test_bad_axes():
    f = lambda x: x
    for axes, match in [
        (3, r"argument 0 \(x\) of <lambda> has shape \(5, 3\), so it has no axis 3"),
        ((0, 0), "in_axes has 2 entries, but <lambda> was called with 1"),
        (None, "no argument of <lambda> has examples"),
        ((("a",),), "'a' is neither an int nor None|has not the structure"),
    ]:
        with pytest.raises(cr.errors.ArgumentError, match=match):
            cr.vmap(f, axes)(X)
    with pytest.raises(cr.errors.ArgumentError, match="out_axes is None"):
        cr.vmap(f, out_axes=None)(X)
    with pytest.raises(cr.errors.ArgumentError, match="out_axes is 5"):
        cr.vmap(f, out_axes=5)(X)


def test_an_array_that_is_kept_is_refused_later():
    kept = []
    cr.vmap(lambda x: kept.append(x) or x)(X)
    with pytest.raises(cr.errors.EndedRecordingError):
        kept[0] + 1.0


def test_errors_of_one_example_are_numpys():
    matrices = np.stack([np.eye(2), np.zeros((2, 2))])
    with pytest.raises(np.linalg.LinAlgError):
        cr.vmap(np.linalg.inv)(matrices)
