"""custom_gradient: the pullback that the user gives, in every kind of derivative."""

import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GradientLostError, RuleError, UnsupportedError

X = np.array([0.3, -1.0, 2.0])
W = np.array([1.0, 2.0, 3.0])


@cr.custom_gradient
def log1pexp(x):
    e = np.exp(x)
    return np.log(1 + e), lambda g: g * (1 - 1 / (1 + e))


def plainly(x):
    return np.log(1 + np.exp(x))


@cr.custom_gradient
def affine(p, x, power=2):
    """Trees in and out, an integer among the results, something given by name."""

    def pullback(g):
        by_b = g["b"] * power * p["b"] ** (power - 1)
        return {"W": np.outer(g["a"], x), "b": by_b}, p["W"].T @ g["a"]

    return {"a": p["W"] @ x, "n": 3, "b": p["b"] ** power}, pullback


def affine_plainly(p, x, power=2):
    return {"a": p["W"] @ x, "n": 3, "b": p["b"] ** power}


def loss(p, x, f):
    y = f(p, x, power=3)
    return np.sum(np.sin(y["a"])) * y["b"] * y["n"]


P = {"W": np.arange(6.0).reshape(2, 3) / 7, "b": 1.5}


@cr.custom_gradient
def root(a):
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = (x + a / x) / 2
    return x, lambda g: g / (2 * x)


@cr.custom_gradient
def clipped(x):
    return x, lambda g: np.clip(g, -1.0, 1.0)


def test_where_the_formula_overflows():
    with np.errstate(over="ignore", invalid="ignore"):
        assert cr.value_and_grad(log1pexp)(1000.0) == (np.inf, 1.0)
    assert cr.grad(log1pexp)(100.0) == 1.0


CASES = {
    "an array": (lambda f: lambda x: np.sum(f(f(x) * x)), log1pexp, plainly, [X]),
    "a number": (lambda f: lambda x: f(x) ** 2, log1pexp, plainly, [0.5]),
    "trees": (lambda f: lambda p, x: loss(p, x, f), affine, affine_plainly, [P, X]),
    "a solver": (lambda f: lambda a: f(a) * a, root, np.sqrt, [2.0]),
}


@pytest.mark.parametrize("name", CASES)
def test_every_derivative(name):
    of, custom, plain, args = CASES[name]
    f, same = of(custom), of(plain)
    every = tuple(range(len(args)))

    def close(found, expected, rtol=1e-10):
        pairs = zip(cr.trees.flatten(found)[0], cr.trees.flatten(expected)[0], strict=True)
        for g, right in pairs:
            np.testing.assert_allclose(g, right, rtol=rtol, atol=1e-12)

    def third(f):
        along = lambda f: lambda *args: np.sum(cr.grad(f, every)(*args)[-1])
        return cr.grad(along(along(f)), every)

    expected = cr.value_and_grad(same, every)(*args)
    close(cr.value_and_grad(f, every)(*args), expected)
    close(cr.compile(cr.value_and_grad(f, every))(*args), expected)
    close(cr.stage(f, *args)(*args), expected)
    close(cr.jvp(f, args, args), cr.jvp(same, args, args))
    close(cr.hessian(f, every)(*args), cr.hessian(same, every)(*args))
    close(cr.vjp(f, *args)[1](2.0), cr.vjp(same, *args)[1](2.0))
    close(third(f)(*args), third(same)(*args), 1e-8)


def test_the_gradient_is_the_one_given():
    f = lambda x: np.sum(clipped(x) ** 2)
    for g in (cr.grad(f), cr.compile(cr.grad(f)), lambda x: cr.stage(f, x)(x)[1][0]):
        np.testing.assert_array_equal(g(np.array([3.0, 0.1, -4.0])), [1.0, 0.2, -1.0])
    assert cr.grad(lambda x: cr.custom_gradient(lambda x: (x * x, lambda g: None))(x) + x)(2.0) == 1
    assert (
        cr.grad(lambda x: cr.custom_gradient(lambda x: (x * x, lambda g: (7.0 * g,)))(x))(2.0) == 7
    )


def test_a_solver_is_compiled_for_all_numbers_of_turns():
    compiled = cr.compile(cr.value_and_grad(root))
    for a in (2.0, 100.0, 0.01):
        value, slope = compiled(a)
        assert value == pytest.approx(math.sqrt(a), rel=1e-11)
        assert slope == pytest.approx(0.5 / math.sqrt(a), rel=1e-11)


def test_without_a_transform_it_is_the_function():
    assert log1pexp(0.0) == math.log(2)
    assert log1pexp.__name__ == "log1pexp"


def test_compiled_code_reads_what_it_refers_to():
    scale = np.ones(3)

    @cr.custom_gradient
    def scaled(x):
        return scale * x, lambda g: scale * g

    f = cr.compile(cr.grad(lambda x: np.sum(scaled(x) ** 2)))
    np.testing.assert_array_equal(f(X), 2 * X)
    scale[0] = 3.0
    np.testing.assert_array_equal(f(X), 2 * X * scale**2)


def test_it_is_printed_in_the_users_names():
    def f(x):
        y = log1pexp(x)
        return y * y

    source = cr.stage(f, 2.0).source
    assert "    e = np.exp(x) " in source
    assert "    y = np.log(1 + e) " in source
    assert "    dx = (1 - 1 / (1 + np.exp(x))) * dy " in source


def test_it_is_explained_without_a_finding():
    assert "exactly 0" not in str(cr.explain(lambda x: log1pexp(x) ** 2, 0.3))


def gives(pullback, value=lambda x: x):
    return cr.custom_gradient(lambda x: (value(x), pullback))


def closing(over, by_value):
    if by_value:
        return cr.custom_gradient(lambda x: (x * over, lambda g: g))
    return cr.custom_gradient(lambda x: (x, lambda g: g * over))


def writing(x):
    x[0] = 1.0
    return np.sum(x), lambda g: g * np.ones(3)


FAULTS = {
    "shape": (
        lambda x: np.sum(gives(lambda g: np.sum(g))(x)),
        RuleError,
        r"returned a number as the gradient of `x`, which is an array of shape \(3,\)",
    ),
    "structure": (
        lambda x: np.sum(gives(lambda g: {"b": g}, lambda p: p["a"])({"a": x})),
        RuleError,
        r"returned \{'b': \(3,\)\} as the gradient of `x`, which is \{'a': \(3,\)\}",
    ),
    "number": (
        lambda x: np.sum(cr.custom_gradient(lambda x, y: (x * y, lambda g: g))(x, x)),
        RuleError,
        r"must return a tuple of one for each of the 2 arguments",
    ),
    "no number": (lambda x: np.sum(gives(lambda g: "g")(x)), RuleError, "returned a str as"),
    "no pair": (
        lambda x: np.sum(cr.custom_gradient(lambda x: x)(x)),
        RuleError,
        "must return a pa",
    ),
    "closed over": (lambda x: np.sum(closing(x, True)(x)), GradientLostError, "give it as an arg"),
    "by name": (lambda x: affine(P, x=x)["b"], GradientLostError, "was given by name"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("way", ["grad", "stage", "compile"])
def test_faults(name, way):
    f, kind, message = FAULTS[name]
    ways = {
        "grad": cr.grad(f),
        "stage": lambda x: cr.stage(f, x),
        "compile": cr.compile(cr.grad(f)),
    }
    with pytest.raises(kind, match=message) as caught:
        ways[way](X)
    assert "test_custom_gradient.py" in str(caught.value)


def test_more_faults():
    with pytest.raises(GradientLostError, match="give it as an argument"):
        cr.grad(lambda x: np.sum(closing(x, False)(x)))(X)
    f = lambda x: cr.custom_gradient(writing)(x * 2)
    for run in (cr.grad(f), lambda x: cr.stage(f, x), cr.compile(cr.grad(f))):
        with pytest.raises(UnsupportedError, match="writes into an array that it was given"):
            run(X)
