"""Bad input and faults: each gives one clear message, at the user's line."""

import math
import traceback
import warnings
from types import MappingProxyType

import numpy as np
import pytest

import chainrule as cr
from chainrule import errors

X = np.array([0.5, -1.5, 2.0])


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (3, r"argument 0 \(x\) of f is an int, 3: .* write 3\.0"),
        (True, r"is a bool, True"),
        (np.arange(3), r"has dtype int64: .*np.asarray\(x, dtype=float\)"),
        ("abc", r"is a str"),
        ({"a": 1.0, "b": 2}, r"argument 0 \(x\['b'\]\) of f is an int, 2"),
        (np.ma.masked_array([1.0], [False]), r"is a MaskedArray"),
    ],
)
def test_arguments_that_are_not_floats(argument, message):
    def f(x):
        return x * 2.0

    with pytest.raises(errors.ArgumentError, match=message):
        cr.grad(f)(argument)


def test_argnums_out_of_range():
    with pytest.raises(errors.ArgumentError, match="called with 1 positional argument"):
        cr.grad(lambda x: x, 1)(2.0)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x * 2, r"it returned shape \(3,\): sum or average it, or use .*jacobian"),
        (lambda x: (np.sum(x), x), r"it returned a tuple"),
        (lambda x: None, r"it returned a None"),
    ],
)
def test_output_that_is_not_one_number(f, message):
    with pytest.raises(errors.NonScalarOutputError, match=message):
        cr.grad(f)(X)


def test_output_independent_of_the_input():
    with pytest.warns(errors.IndependentOutputWarning, match="does not depend") as caught:
        assert cr.grad(lambda x: 5.0)(3.0) == 0.0
    assert caught[0].filename == __file__
    with pytest.warns(errors.IndependentOutputWarning):
        np.testing.assert_array_equal(cr.grad(lambda x: np.argmax(x))(X), np.zeros(3))


def test_a_step_has_gradient_zero_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cr.grad(lambda x: np.floor(x))(3.5) == 0.0


def test_write_into_an_ndarray():
    out = np.zeros(3)

    def f(x):
        out[0] = x[0]
        return np.sum(out)

    with pytest.raises(errors.GradientLostError, match=r"out\[0\] = x\[0\]"):
        cr.grad(f)(X)


def test_in_place_addition_to_an_ndarray():
    zeros = np.zeros(3)

    def f(x):
        out = zeros
        out += x
        return np.sum(out)

    with pytest.raises(errors.GradientLostError, match=r"out \+= x"):
        cr.grad(f)(X)


@pytest.mark.parametrize("call", [float, math.sin, int])
def test_conversion_outside_the_recorded_globals(call):
    calls = MappingProxyType({0: call})  # which the view does not look into

    def f(x):
        return calls[0](x) * 2.0

    with pytest.raises(errors.GradientLostError, match=r"calls\[0\]\(x\)"):
        cr.grad(f)(3.0)


def test_shape_mismatch_names_the_arrays():
    def model(x, W1, b1):
        h1 = x @ W1 + b1
        return np.sum(h1)

    with pytest.raises(ValueError, match="matmul") as caught:
        cr.grad(model, (1, 2))(np.ones((32, 64)), np.ones((65, 100)), np.ones(100))
    assert any(
        "h1 = x @ W1 + b1: x is (32, 64), W1 is (65, 100)" in note
        for note in caught.value.__notes__
    )
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames[-1] == "model"  # none of our insides below the user's line


@pytest.mark.parametrize("of", [cr.grad, lambda f: cr.compile(cr.grad(f)), cr.compile])
def test_an_error_in_the_middle_of_a_loop_tells_the_turn(of):
    def product(x):
        total = 0.0
        for k, v in enumerate(x):
            for j in range(2):
                total = total + math.log(v - j)
        return total

    with pytest.raises(ValueError, match="math domain error") as caught:
        of(product)(np.where(np.arange(50) == 40, 0.5, 3.0))
    assert caught.value.__notes__ == ["total = total + math.log(v - j): v is 0.5, k is 40, j is 1"]


def test_unsupported_function_is_named():
    with pytest.raises(errors.UnsupportedError, match=r"np\.spacing has no derivative"):
        cr.grad(lambda x: np.sum(np.spacing(x)))(X)


def test_error_in_user_code_keeps_its_type_and_starts_at_its_line():
    def f(x):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine") as caught:
        cr.grad(f)(3.0)
    assert traceback.extract_tb(caught.value.__traceback__)[-1].line == 'raise LookupError("mine")'


def test_python_floats_raise_as_they_do_without_chainrule():
    with pytest.raises(ZeroDivisionError):
        cr.grad(lambda x: 1.0 / x)(0.0)


def test_compile_raises_what_grad_raises():
    """The note names arrays by attributes, which their ended recording must not be asked for."""

    def f(w):
        w = w * 1.0
        return complex(w.T[0, 0]).real + np.sum(w.T @ w)

    for transform in (cr.grad, lambda f: cr.compile(cr.grad(f))):
        with pytest.raises(cr.errors.GradientLostError):
            transform(f)(np.eye(2))
