"""What Python's questions about a value learn while a function is recorded: what NumPy's would."""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import numbers

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GradientLostError, UnsupportedError

VALUES = [3.0, np.float64(3.0), np.float32(3.0), np.array(3.0), np.ones(3)]


def matched(x):
    match x:
        case float():
            return "float"
        case np.ndarray():
            return "array"
    return "other"


@functools.singledispatch
def dispatched(x):
    return "other"


@dispatched.register
def _(x: float):
    return "float"


@dispatched.register
def _(x: np.ndarray):
    return "array"


class Asking:
    """Methods are not seen through a view of their globals."""

    def is_float(self, x):
        return isinstance(x, float), isinstance(x, np.ndarray), x.__class__


def length(x):
    try:
        return len(x)
    except TypeError as error:
        return str(error)


def subclass(x):
    class Named(np.ndarray):
        pass

    named = np.arange(3).view(Named)
    return type(named).__name__, isinstance(named, np.ndarray), isinstance(x, Named)


FROM_OUTSIDE = np.ndarray
QUESTIONS = [
    lambda x: isinstance(x, float),
    lambda x: isinstance(x, np.ndarray),
    lambda x: isinstance(x, (np.floating, int)),
    lambda x: isinstance(x, numbers.Number),
    lambda x: isinstance(x, collections.abc.Iterable),
    lambda x: isinstance(x, collections.abc.Sized),
    lambda x: isinstance(x, list),
    lambda x: type(x) is float,
    lambda x: type(x) is np.ndarray,
    lambda x: type(x) in {np.ndarray: "array"},
    lambda x: {np.ndarray: "array", float: "float"}.get(type(x)),
    lambda x: {float: "float", FROM_OUTSIDE: "array"}.get(type(x)),
    lambda x: issubclass(type(x), np.ndarray),
    lambda x: (np.ndarray.__name__, np.ndarray.sum(np.arange(3)), np.ndarray((2,), int).size),
    subclass,
    lambda x: (np.iscomplexobj(x), np.isrealobj(x), np.result_type(x, np.float32)),
    lambda x: type(x).__name__,
    lambda x: (isinstance(type(x), type), isinstance(3, type), type("T", (), {}).__name__),
    lambda x: hasattr(x, "__len__"),
    lambda x: hasattr(x, "shape"),
    lambda x: getattr(x, "ndim", 7),
    lambda x: callable(x),
    lambda x: np.isscalar(x),
    lambda x: np.iterable(x),
    lambda x: np.ndim(x),
    lambda x: x.flags.c_contiguous if isinstance(x, np.ndarray) else None,
    lambda x: x.dtype.kind if hasattr(x, "dtype") else None,
    lambda x: f"{x}" if np.ndim(x) == 0 else "",
    lambda x: "%.3f %d" % (x, x) if np.ndim(x) == 0 else "",  # noqa: UP031
    matched,
    dispatched,
    length,
    Asking().is_float,
]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("value", VALUES, ids=lambda x: f"{type(x).__name__}{np.shape(x)}")
def test_answers_are_those_of_the_value(question, value):
    answers = []

    def f(x):
        answers.append(question(x))
        return np.sum(x)

    cr.grad(f)(value)
    if type(value) is float:
        cr.stage(f, value)
    assert set(map(repr, answers)) == {repr(question(value))}


def test_a_branch_by_type_is_the_one_of_the_value():
    def f(x):
        return np.sum(x**2) if isinstance(x, np.ndarray) else x**3

    assert cr.grad(f)(2.0) == 12.0
    np.testing.assert_array_equal(cr.grad(f)(np.array([2.0])), [4.0])
    assert cr.grad(cr.grad(f))(2.0) == 12.0


def fallback(x):
    try:
        return int(x) ** 2
    except TypeError:
        return 0.0 * x


def suppressed(x):
    with contextlib.suppress(Exception):
        np.spacing(x)
    return np.sum(x)


def without_attribute(x):
    try:
        return np.sum(np.frombuffer(x.tobytes()))
    except AttributeError:
        return np.sum(x)


def replaced(x):
    try:
        return complex(x).real
    except TypeError:
        raise KeyError("x") from None


def printed(x):
    return float(f"{x:.2g}") * x


def formatted(x):
    return float("{:.2g}".format(x)) * x  # noqa: UP032


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (fallback, GradientLostError),
        (suppressed, UnsupportedError),
        (without_attribute, UnsupportedError),
        (replaced, GradientLostError),
        (printed, GradientLostError),
        (formatted, GradientLostError),
    ],
)
def test_code_cannot_catch_what_plain_numpy_would_not_raise(f, error):
    x = np.ones(2) if f in (suppressed, without_attribute) else 3.0
    with pytest.raises(error, match=r"line .* of test_questions"):
        cr.grad(f)(x)
    with pytest.raises(error):
        cr.stage(f, x)
    with pytest.raises(error):
        cr.compile(cr.grad(f))(x)


def test_an_error_that_plain_numpy_raises_too_may_be_caught():
    def f(x):
        try:
            return float(x)
        except TypeError:
            return np.sum(x)

    np.testing.assert_array_equal(cr.grad(f)(np.ones(2)), [1.0, 1.0])


def test_what_was_printed_is_a_string_like_any_other_afterwards():
    texts = []

    def f(x):
        texts.append(f"{x:.2f}")
        return x * x

    cr.grad(f)(1.5)
    assert float(texts[0]) == 1.5
    assert texts == ["1.50"]


class Telling(dict):  # out of the view's sight
    """A method is not seen through a view of its globals, so its ``type`` is Python's own."""

    def tripled(self, x):
        return x * 2.0 if "node" in type(x).__dict__ else x * 3.0


def test_another_branch_is_found_by_checking_the_value():
    telling = Telling()

    def f(x):
        return telling.tripled(x)

    assert cr.grad(f)(1.0) == 2.0
    for transform in (cr.grad, cr.value_and_grad):
        with pytest.raises(cr.errors.GradientMismatchError, match=r"3\.0 by itself and 2\.0"):
            transform(f, check=True)(1.0)
    assert not cr.check_gradient(f, 1.0)
    assert cr.grad(lambda x: x**2, check=True)(3.0) == 6.0
    assert cr.value_and_grad(lambda x: (x**2, x), has_aux=True, check=True)(3.0)[1] == 6.0


def test_an_error_is_told_without_our_own_runs():
    with pytest.raises(GradientLostError) as caught:
        cr.grad(lambda x: x * int(x))(2.0)
    assert caught.value.__context__ is None
