"""Formulas: what rows say their operations are made of is what they compute."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UnsupportedError
from chainrule.graph.formula import by_formula
from chainrule.graph.graph import Apply, Input, Vertex, evaluate, topological
from chainrule.operations import elementwise, norms, reduction, softmax, special

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
independent = pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")

EDGES = np.array([0.0, -0.0, 1.0, -1.0, -2.5, 0.5, 40.0, -40.0, np.inf, -np.inf, np.nan])
#: Rows in which entries tie, or are infinite or NaN.
ROWS_OF_EDGES = np.array(
    [
        [0.0, 0.0, 0.0],
        [2.0, -2.0, 2.0],
        [np.inf, 1.0, 2.0],
        [-np.inf, 1.0, 2.0],
        [-np.inf, -np.inf, -np.inf],
        [np.inf, -np.inf, 0.0],
        [np.nan, 1.0, 2.0],
        [800.0, -800.0, 1.0],
    ]
)


def by_formula_of(row: Any, *operands: Any, **params: Any) -> Any:
    """Compute the vertices of a formula."""
    inputs: list[Vertex] = [Input(f"x{k}", x) for k, x in enumerate(operands)]
    value = row(*operands, **params)
    found = by_formula(Apply(row, tuple(inputs), params, value))
    if found is None:
        return None
    values: dict[Vertex, Any] = {}
    for vertex in topological([found]):
        if isinstance(vertex, Apply):
            computed = evaluate(
                vertex.operation, [values[x] for x in vertex.operands], vertex.params
            )
            assert np.shape(computed) == vertex.shape, vertex
            assert np.asarray(computed).dtype == vertex.dtype, vertex
            values[vertex] = computed
        else:
            values[vertex] = vertex.value
    return values[found]


def _is_float(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.floating)) and x.dtype.kind == "f"


def same(found: Any, expected: Any, tolerance: float = 1e-14) -> None:
    assert np.shape(found) == np.shape(expected)
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_formula_gives_what_the_operation_gives(row: Any, given: Any, dtype: Any) -> None:
    operands = [x.astype(dtype) if _is_float(x) else x for x in given.operands]
    found = by_formula_of(row, *operands, **given.params)
    if found is not None:
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        same(found, row(*operands, **given.params), tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_formula_at_the_edges(formula_row: Any, dtype: Any) -> None:
    if formula_row.entrywise:
        arity = sum(
            p.default is p.empty for p in inspect.signature(formula_row.formula).parameters.values()
        )
        operands = np.meshgrid(*[EDGES.astype(dtype)] * arity)
        found = by_formula_of(formula_row, *operands)
        params: dict[str, Any] = {}
    else:
        operands, params = [ROWS_OF_EDGES.astype(dtype)], {"axis": (1,)}
        found = by_formula_of(formula_row, *operands, **params)
    same(found, formula_row(*operands, **params), 1e-12 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("order", [0, 1, 2, 3, -1, np.inf, -np.inf])
def test_formula_of_a_norm_at_the_edges(order: float) -> None:
    found = by_formula_of(norms.norm, ROWS_OF_EDGES, ord=order, axis=(1,))
    same(found, norms.norm(ROWS_OF_EDGES, ord=order, axis=(1,)), 1e-12)


def test_formula_of_integers_and_of_nothing() -> None:
    numbers = np.array([[3, 0, 2], [0, 0, -1]])
    same(by_formula_of(reduction.count_nonzero, numbers, axis=(0,)), np.array([1, 0, 2]))
    same(by_formula_of(elementwise.heaviside, numbers, 0.5), np.heaviside(numbers, 0.5))
    same(by_formula_of(special.xlogy, numbers, 2), special.xlogy(numbers, 2), 1e-14)
    assert by_formula_of(softmax.logsumexp, np.zeros((2, 0)), axis=(1,)) is None
    assert by_formula_of(reduction.var, np.ones(1), ddof=1) is None


@independent  # a count
def test_gradient_of_a_formula_is_that_of_the_row(row: Any, given: Any) -> None:
    inputs = [k for k, x in enumerate(given.operands) if _is_float(x)]
    if row.formula(*given.operands, **given.params) is None or not inputs:
        return

    def of(f: Any) -> Any:
        def projected(*xs: Any) -> Any:
            operands = list(given.operands)
            for k, x in zip(inputs, xs, strict=True):
                operands[k] = x
            y = f(*operands, **given.params)
            return np.sum(y * np.cos(np.arange(np.size(y))).reshape(np.shape(y)))

        return cr.grad(projected, tuple(range(len(inputs))))(*(given.operands[k] for k in inputs))

    for found, expected in zip(of(row.formula), of(row), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_a_function_of_numpy_in_a_formula_is_named() -> None:
    row = cr.operation(
        "root_of_mean",
        lambda x: np.sqrt(np.mean(x)),
        pullback=lambda g, x, y: g / (2 * y * x.size) + 0 * x,
        formula=lambda x: np.sqrt(np.mean(x)),
    )
    with pytest.raises(UnsupportedError, match=r"np\.mean cannot stand in a formula"):
        by_formula_of(row, np.ones(3))


def test_products_of_matrices_in_a_formula() -> None:
    row = cr.operation(
        "doubled_product",
        lambda a, b: 2 * (a @ b),
        pullback=(None, None),
        formula=lambda a, b: 2 * (a @ b),
    )
    a = np.arange(6.0).reshape(2, 3)
    same(by_formula_of(row, a, a.T), 2 * (a @ a.T))
