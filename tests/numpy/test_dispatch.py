"""What NumPy asks of an Array: known functions with NumPy's own spellings, clear refusals."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule.core.array import Array
from chainrule.errors import UnsupportedError
from chainrule.numpy.dispatch import FUNCTIONS
from chainrule.numpy.ufuncs import UFUNCS


def _spelling(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return None
    return [(p.name, p.kind) for p in parameters if p.name not in ("sorted", "kwargs")]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_arguments_are_spelled_as_numpy_spells_them(function):
    theirs, ours = _spelling(function), _spelling(FUNCTIONS[function])
    generic = any(kind is inspect.Parameter.VAR_POSITIONAL for _, kind in ours)
    if theirs is not None and not generic:
        both = min(len(ours), len(theirs))  # a newer NumPy may have added to its own
        assert ours[:both] == theirs[:both]


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda x: np.linalg.qr(x[:, :1], "complete")[0], "np.linalg.qr"),
        (lambda x: np.nextafter(x, 1), "np.nextafter"),
        (lambda x: np.spacing(x), "np.spacing"),
        (lambda x: np.subtract.reduce(x, where=x > 0), "np.subtract.reduce with where="),
        (lambda x: scipy.special.elliprj(1, 2, 3, x), "elliprj"),
        (lambda x: np.exp(x, where=x > 0), "np.exp with where="),
        (lambda x: np.exp(x, dtype=complex), "np.exp with dtype="),
    ],
)
def test_what_is_not_supported_says_its_name_and_a_way_on(f, name):
    with pytest.raises(UnsupportedError) as caught:
        cr.grad(lambda x: np.sum(f(x)))(np.eye(2))
    message = str(caught.value)
    assert name in message
    assert "test_dispatch.py" in message
    assert "To go on, " in message


def test_shape_errors_are_numpys_own():
    with pytest.raises(ValueError, match="could not be broadcast"):
        cr.grad(lambda x: np.sum(x + np.ones(3)))(np.ones(2))
    with pytest.raises(ValueError, match="mismatch in its core dimension"):
        cr.grad(lambda x: np.sum(x @ np.ones((3, 2))))(np.ones((2, 2)))
    with pytest.raises(ValueError, match="cannot reshape array of size 4"):
        cr.grad(lambda x: np.sum(x.reshape(3, -1)))(np.ones(4))
    with pytest.raises(np.exceptions.AxisError, match="axis 2 is out of bounds"):
        cr.grad(lambda x: np.sum(x, axis=2))(np.ones(4))
    with pytest.raises(ValueError, match="array dimensions"):
        cr.grad(lambda x: np.sum(np.concatenate([x, np.ones((2, 2))], axis=1)))(np.ones((1, 2)))


OBSERVED = {
    "argmax": lambda x: np.argmax(x, axis=1),
    "argmin": lambda x: x.argmin(),
    "argmax_keepdims": lambda x: np.argmax(x, axis=0, keepdims=True),
    "argsort": lambda x: np.argsort(x, axis=0),
    "lexsort": lambda x: np.lexsort((x[0], np.round(x[1]), np.arange(x.shape[1]) % 2)),
    "lexsort_rows": lambda x: np.lexsort(x) + np.lexsort((x, x > 0), axis=0)[0],
    "argsort_method": lambda x: x.argsort(),
    "argpartition": lambda x: np.argpartition(x, 1),
    "argwhere": lambda x: np.argwhere(x > 0),
    "nonzero": lambda x: np.nonzero(x > 0)[1],
    "where": lambda x: np.where(x > 0)[0],
    "flatnonzero": lambda x: np.flatnonzero(x),
    "count_nonzero": lambda x: np.count_nonzero(x, axis=0),
    "any": lambda x: np.any(x > 1, axis=0),
    "all": lambda x: (x > -9).all(),
    "isclose": lambda x: np.isclose(x, x + 1e-12),
    "allclose": lambda x: np.allclose(x, 0),
    "array_equal": lambda x: np.array_equal(x, x),
    "isnan": lambda x: np.isnan(x),
    "isfinite": lambda x: np.isfinite(x),
    "signbit": lambda x: np.signbit(x),
    "searchsorted": lambda x: np.searchsorted(np.sort(x[0]), [0.0, 1.0], side="right"),
    "digitize": lambda x: np.digitize(x, [-1.0, 0.0, 1.0]),
    "isin": lambda x: np.isin(x, [0.0]),
    "logical_and": lambda x: np.logical_and(x > 0, x < 1),
    "comparison": lambda x: (x >= 0) | (x == 1) ^ ~(x < 3),
    "shape": lambda x: np.shape(x),
    "ndim": lambda x: np.ndim(x),
    "size": lambda x: np.size(x, 1),
    "size_axes": lambda x: np.size(x),
    "zeros_like": lambda x: np.zeros_like(x, dtype=bool),
    "ones_like": lambda x: np.ones_like(x, int),
    "iscomplexobj": lambda x: np.iscomplexobj(x),
    "result_type": lambda x: np.result_type(x, np.float32(1)).itemsize,
    "array_str": lambda x: len(np.array_str(x)),
    "logical_or_reduce": lambda x: np.logical_or.reduce(x > 0, axis=1),
    "logical_and_reduce": lambda x: np.logical_and.reduce(x, axis=0),
    "attributes": lambda x: (*x.shape, x.ndim, x.size, x.itemsize, x.nbytes, len(x)),
}


@pytest.mark.parametrize("name", OBSERVED)
def test_results_without_gradient_are_plain_and_numpys(name):
    x = np.array([[1.5, -0.5, 0.25], [2.0, 1.0, -3.0]])
    found = OBSERVED[name](cr.array(x))
    assert type(found) is not Array
    np.testing.assert_array_equal(found, OBSERVED[name](x))


def _takes_numbers(ufunc):
    whole = ufunc.signature is None and ufunc is not np.ldexp  # ldexp takes an int
    return whole and ufunc.nin <= 2 and any("d" in t for t in ufunc.types)


@pytest.mark.parametrize("ufunc", [*filter(_takes_numbers, UFUNCS)], ids=lambda u: u.__name__)
def test_ufuncs_on_numbers_give_the_type_that_numpy_gives(ufunc):
    number = 1.25 if ufunc is not np.arctanh else 0.25
    args = (number,) * ufunc.nin
    with np.errstate(all="ignore"):
        found = ufunc(*map(cr.array, args))
        expected = ufunc(*args)
    if type(found) is Array:
        found = found.value
    assert type(found) is type(expected)
    np.testing.assert_array_equal(found, expected)


def test_numbers_keep_the_type_that_plain_code_would_have():
    x = cr.array(2.0)
    assert type((x * 3 + 1).value) is float
    assert type(np.exp(x).value) is np.float64
    assert type((x * np.float64(3)).value) is np.float64
    assert (cr.array(np.float32(2)) * 0.5).dtype == np.float32
    assert (x * np.ones(2, np.float32)).dtype == np.float32
    assert (np.float32(2) * cr.array(np.ones(2))).dtype == np.float64


def test_scipys_ufuncs_are_found_by_name():
    x = np.array([0.5, 2.0])
    np.testing.assert_allclose(
        cr.grad(lambda x: np.sum(scipy.special.gammaln(x)))(x), scipy.special.psi(x)
    )
    s = scipy.special.expit(x)
    np.testing.assert_allclose(cr.grad(lambda x: np.sum(scipy.special.expit(x)))(x), s * (1 - s))
    np.testing.assert_allclose(
        cr.grad(lambda x: np.sum(scipy.special.xlogy(x, x)))(x), np.log(x) + 1
    )


def test_an_operator_leaves_what_it_does_not_know_to_the_other_side():
    class Other:
        def __radd__(self, left):
            return "other"

    assert cr.array(1.0) + Other() == "other"
    with pytest.raises(TypeError, match="unsupported operand"):
        cr.array(1.0) + "text"
    assert (cr.array(1.0) == None) is False  # noqa: E711
