"""Every row of the operations against finite differences: the cases of conftest.py, all checks."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.array import Array, is_complex, value_of
from chainrule.core.backward import backward
from chainrule.core.node import Leaf, Node
from chainrule.core.recording import Recording
from tests.operations.cases import determined


@pytest.fixture(autouse=True)
def drop_every_value_that_no_rule_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small arrays be dropped as large ones are, so that a rule cannot read one in secret."""
    monkeypatch.setattr("chainrule.core.apply._WORTH_DROPPING", 0)


class Run:
    """An operation as a function of those of its operands that are float arrays.

    Complex results are two real ones, since transforms give real ones alone.
    """

    def __init__(self, row: Any, given: Any, dtype: Any = np.float64) -> None:
        self.operation = row
        self.params = given.params
        self.operands = list(given.operands)
        self.active = [
            k
            for k, x in enumerate(self.operands)
            if isinstance(x, (np.ndarray, np.floating)) and x.dtype.kind == "f"
        ]
        self.inputs = [np.asarray(self.operands[k], dtype) for k in self.active]
        self.random = np.random.default_rng(zlib.crc32(row.name.encode()))
        self.upstream = self.like(Run.plain(self, *self.inputs))

    def like(self, x: Any) -> np.ndarray:
        return self.random.uniform(0.5, 1.5, np.shape(x)).astype(np.asarray(x).dtype)

    def result(self, *inputs: Any) -> Any:
        operands = list(self.operands)
        for k, x in zip(self.active, inputs, strict=True):
            operands[k] = x
        y = self.operation(*operands, **self.params)
        return determined(self.operation.name, y, **self.params)

    def plain(self, *inputs: Any) -> Any:
        y = self.result(*inputs)
        return np.stack([np.real(y), np.imag(y)]) if is_complex(y) else y

    __call__ = plain

    def projected(self, *inputs: Any) -> float:
        return float(np.sum(self.upstream * self(*inputs)))

    def gradient(self, *inputs: Any) -> tuple[Any, ...]:
        return cr.vjp(self, *inputs)[1](self.upstream)


def differences(f: Any, inputs: list[np.ndarray], h: float = 1e-3) -> list[np.ndarray]:
    """Return the gradient of a number by each input: central differences of fourth order."""
    gradients = []
    for k, x in enumerate(inputs):
        gradient = np.zeros(x.shape)
        for at in np.ndindex(x.shape):
            values = []
            for step in (-2, -1, 1, 2):
                moved = np.array(x)
                moved[at] += step * h
                values.append(f(*inputs[:k], moved, *inputs[k + 1 :]))
            gradient[at] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
        gradients.append(gradient)
    return gradients


def assert_gradient_along_directions(
    found: Any, f: Any, inputs: list[np.ndarray], tolerance: float, h: float = 1e-3
) -> None:
    """Compare a gradient with central differences of fourth order along two random directions.

    That takes 8 values of the function, where `differences` takes 4 for each entry.
    """
    random = np.random.default_rng(1)
    for _ in range(2):
        direction = [
            random.choice([-1, 1], x.shape) * random.uniform(0.5, 1, x.shape) for x in inputs
        ]
        length = np.sqrt(sum(np.sum(d * d) for d in direction))
        direction = [d / length for d in direction]
        values = [
            f(*(np.array(x + step * h * d) for x, d in zip(inputs, direction, strict=True)))
            for step in (-2, -1, 1, 2)
        ]
        slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
        assert [np.shape(g) for g in found] == [x.shape for x in inputs]
        along = sum(np.sum(d * g) for d, g in zip(direction, found, strict=True))
        np.testing.assert_allclose(along, slope, rtol=tolerance, atol=tolerance)


def assert_close(found: Any, expected: Any, tolerance: float = 1e-7) -> None:
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_value_is_that_of_numpy(row: Any, given: Any) -> None:
    run = Run(row, given)
    value, _ = cr.vjp(run, *run.inputs)
    expected = run.plain(*run.inputs)
    np.testing.assert_array_equal(value, expected)
    assert np.asarray(value).dtype == np.asarray(expected).dtype


def test_first_order(row: Any, given: Any) -> None:
    run = Run(row, given)
    found = run.gradient(*run.inputs)
    assert [np.shape(g) for g in found] == [x.shape for x in run.inputs]
    assert_close(found, differences(run.projected, run.inputs), row.tolerance)


def test_second_order(row: Any, given: Any) -> None:
    if row.order < 2:
        pytest.skip("declared for the first order alone")
    run = Run(row, given)
    weights = [run.like(x) for x in run.inputs]

    def projected_gradient(*inputs: Any) -> Any:
        parts = run.gradient(*inputs)
        return sum(np.sum(w * g) for w, g in zip(weights, parts, strict=True))

    _, pullback = cr.vjp(projected_gradient, *run.inputs)
    gradient = pullback(1.0)
    assert_gradient_along_directions(gradient, projected_gradient, run.inputs, 10 * row.tolerance)


def test_float32(row: Any, given: Any) -> None:
    run, single = Run(row, given), Run(row, given, np.float32)
    single.upstream = run.upstream.astype(np.asarray(single.plain(*single.inputs)).dtype)
    found = single.gradient(*single.inputs)
    assert [g.dtype for g in found] == [np.float32] * len(found)
    assert_close(found, run.gradient(*run.inputs), 2e-4)
    tangents = [single.like(x) for x in single.inputs]
    value, tangent = cr.jvp(single, single.inputs, tangents)
    assert np.asarray(tangent).dtype == np.asarray(value).dtype


# Complex numbers on the way: a real function of real and imaginary parts.


class ComplexRun(Run):
    """The sum of the real parts of the weighted results, of operands that are ``u + 1j * v``.

    ``complex`` tells which of the active operands are; the others are real.
    """

    def __init__(self, row: Any, given: Any, complex: list[int], dtype: Any = np.float64) -> None:
        super().__init__(row, given, dtype)
        self.complex = complex
        parts = [self.random.uniform(-1, 1, np.shape(self.inputs[k])) for k in complex]
        self.parts = [*self.inputs, *(v.astype(dtype) for v in parts)]
        value = self.result(*self.mixed(*self.parts))
        self.weights = self.like(value.real) + 1j * self.like(value.real)
        self.upstream = np.ones((), dtype)[()]

    def mixed(self, *parts: Any) -> list[Any]:
        inputs = list(parts[: len(self.inputs)])
        for k, v in zip(self.complex, parts[len(self.inputs) :], strict=True):
            inputs[k] = inputs[k] + 1j * v
        return inputs

    def __call__(self, *parts: Any) -> Any:
        y = self.result(*self.mixed(*parts))
        return np.sum(np.real(y * self.weights.astype(np.result_type(y, np.complex64))))


def complex_runs(row: Any, given: Any, dtype: Any = np.float64) -> Iterator[ComplexRun]:
    """Yield the run in which all operands are complex, and those in which one of several is."""
    active = range(len(Run(row, given).active))
    for chosen in {tuple(active), *((k,) for k in active)}:
        if chosen:
            yield ComplexRun(row, given, list(chosen), dtype)


discards = pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")


@discards  # astype and set_at may leave imaginary parts out
def test_complex_first_order(row: Any, given: Any) -> None:
    for run in complex_runs(row, given):
        found = run.gradient(*run.parts)
        assert [g.dtype.kind for g in found] == ["f"] * len(run.parts)
        assert_close(found, differences(run, run.parts), row.tolerance)


@discards
def test_complex_second_order(row: Any, given: Any) -> None:
    for run in complex_runs(row, given):
        weights = [run.like(x) for x in run.parts]

        def projected_gradient(*parts: Any, run: Any = run, weights: Any = weights) -> Any:
            found = run.gradient(*parts)
            return sum(np.sum(w * g) for w, g in zip(weights, found, strict=True))

        _, pullback = cr.vjp(projected_gradient, *run.parts)
        gradient = pullback(1.0)
        tolerance = 10 * row.tolerance
        assert_gradient_along_directions(gradient, projected_gradient, run.parts, tolerance)


@discards
def test_complex_pushforward_is_the_transpose_of_the_pullback(row: Any, given: Any) -> None:
    for run in complex_runs(row, given):
        tangents = [run.like(x) for x in run.parts]
        _, tangent = cr.jvp(run, run.parts, tangents)
        pulled = run.gradient(*run.parts)
        backwards = sum(np.sum(t * g) for t, g in zip(tangents, pulled, strict=True))
        np.testing.assert_allclose(tangent, backwards, rtol=1e-10, atol=1e-10)


@discards
def test_complex_of_single_precision(row: Any, given: Any) -> None:
    if "dtype" in given.params:
        pytest.skip("the dtype is given")
    for run, single in zip(
        complex_runs(row, given), complex_runs(row, given, np.float32), strict=True
    ):
        found = single.gradient(*single.parts)
        assert [g.dtype for g in found] == [np.float32] * len(found)
        assert_close(found, run.gradient(*run.parts), 1e-3)


def test_pushforward_is_the_transpose_of_the_pullback(row: Any, given: Any) -> None:
    run = Run(row, given)
    tangents = [run.like(x) for x in run.inputs]
    _, tangent = cr.jvp(run, run.inputs, tangents)
    forwards = np.sum(run.upstream * tangent)
    pulled = run.gradient(*run.inputs)
    backwards = sum(np.sum(t * g) for t, g in zip(tangents, pulled, strict=True))
    np.testing.assert_allclose(forwards, backwards, rtol=1e-10, atol=1e-10)


def test_pushforward_of_each_operand_alone(row: Any, given: Any) -> None:
    run = Run(row, given)
    pulled = run.gradient(*run.inputs)
    for k, x in enumerate(run.inputs):
        tangent = run.like(x)

        def alone(moved: Any, k: int = k) -> Any:
            return run(*run.inputs[:k], moved, *run.inputs[k + 1 :])

        _, pushed = cr.jvp(alone, (x,), (tangent,))
        np.testing.assert_allclose(
            np.sum(run.upstream * pushed), np.sum(tangent * pulled[k]), rtol=1e-10, atol=1e-10
        )


def test_rules_record_themselves_where_code_is_staged(row: Any, given: Any) -> None:
    """Under an observer, comparisons and indices are nodes too, and rules must cope with that."""
    run = Run(row, given)
    seen: list[Node] = []
    recording = Recording(note=lambda node, value: seen.append(node))
    leaves = [Leaf(recording) for _ in run.inputs]
    y = run(*map(Array, run.inputs, leaves))
    assert seen[-1] is y.node
    found = backward([(y, run.upstream)], leaves)
    values = [np.zeros(x.shape) if g is None else g for g, x in zip(found, run.inputs, strict=True)]
    assert_close(map(value_of, values), run.gradient(*run.inputs), 1e-13)


def test_python_floats(row: Any, given: Any) -> None:
    run = Run(row, given)
    numbers = [float(x) for x in run.inputs]
    if is_complex(run.result(*numbers)):
        pytest.skip("a complex number is no float")
    value, pullback = cr.vjp(run, *numbers)
    assert isinstance(value, float)
    found = pullback(1.5)
    assert [type(g) for g in found] == [float] * len(found)
    run.upstream = np.float64(1.5)
    assert_close(found, run.gradient(*run.inputs), 1e-12)


def test_constant_rows_give_the_plain_value(row: Any, given: Any) -> None:
    expected = row(*given.operands, **given.params)

    def f(x: Any) -> Any:
        value = row(x, *given.operands[1:], **given.params)
        assert not isinstance(value, cr.Array)
        np.testing.assert_array_equal(value, expected)
        return x

    if given.operands[0].dtype.kind == "f":
        cr.vjp(f, given.operands[0])
    else:
        np.testing.assert_array_equal(row.compute(*given.operands, **given.params), expected)


def test_every_row_is_in_the_table(untested_rows: list[str]) -> None:
    assert untested_rows == []
