"""All derivatives at once: `jacobian` and `hessian`."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.backward import Attempt, attempt_backward
from chainrule.core.forward import attempt_forward
from chainrule.core.node import Node
from chainrule.core.recording import Recording
from chainrule.numpy.creation import result_leaves
from chainrule.numpy.view import UserFunction
from chainrule.operations.shape import reshape, stack
from chainrule.transforms.inputs import (
    Derive,
    Inputs,
    Overwritten,
    check_real,
    finish,
    positions,
    select,
)
from chainrule.transforms.reverse import grad

__all__ = ["hessian", "jacobian"]


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return the Jacobian of f as a function of the same arguments.

    Args:
        f: a function of NumPy arrays and floats; its output may be a tree of arrays.
        argnums: which positional arguments to differentiate by, as in `grad`.

    Returns:
        A function whose result has, for an output of shape S and an argument of shape T, the shape
        ``S + T``: entry ``[i, j]`` is d output[i] / d argument[j]. Scalar by vector gives a vector,
        vector by vector a matrix, scalar by matrix a matrix, vector by matrix a 3-d array. With
        trees it is the output's structure, each leaf replaced by the argument's.

    Raises:
        ArgumentError: an argument to differentiate by is not made of floating-point numbers.

    >>> import numpy as np, chainrule as cr
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> cr.jacobian(lambda x: A @ x)(np.zeros(2))
    array([[1., 2.],
           [3., 4.]])
    """
    run = UserFunction(f)
    argnums = positions(argnums)

    @functools.wraps(f)
    def all_derivatives(*args: Any, **kwargs: Any) -> Any:
        recording = Recording(nodes=[])
        try:
            inputs = Inputs(f, args, select(argnums, args, f), recording)
            y = inputs.run(run, kwargs)
            outputs, build = result_leaves(y)
            check_real(outputs, f)
            rows = []
            for output in outputs:
                blocks: list[Any] = [None] * len(inputs.nodes)
                if type(output) is Array and output.dtype.kind == "f":
                    blocks = inputs.derived(_by_all(inputs.values), [output])
                likes = [
                    np.empty(shape_of(output) + shape_of(x), dtype=dtype_of(x))
                    if shape_of(output)
                    else x
                    for x in inputs.values
                ]
                built = inputs.build(finish(blocks, likes, recording))
                rows.append(built[0] if isinstance(argnums, int) else built)
            return build(rows)
        except Overwritten:
            return all_derivatives(*args, **kwargs)
        finally:
            recording.end()

    return all_derivatives


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return the Hessian of f, the Jacobian of its gradient, as a function of the same arguments.

    Args and errors are those of `grad`; for an argument of shape T the result has shape ``T + T``.

    >>> import numpy as np, chainrule as cr
    >>> cr.hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    argnums = positions(argnums)
    return jacobian(grad(f, argnums), argnums)


def _by_all(values: Sequence[Any]) -> Derive:
    """Return how d output / d input is found for every input, of which the values are given."""

    def derive(outputs: Sequence[Array], nodes: Sequence[Node], recorded: bool) -> Attempt:
        (output,) = outputs
        columns = sum(math.prod(shape_of(x)) for x in values)
        # One backward pass per output entry or one forward pass per input entry: the fewer.
        passes = _by_rows if output.size <= columns else _by_columns
        blocks, sure = passes(output, nodes, values, recorded)
        return Attempt(blocks, all(sure))

    return derive


def _by_rows(
    output: Array, nodes: Sequence[Node], values: Sequence[Any], recorded: bool
) -> tuple[list[Any], Iterable[bool]]:
    passes = [attempt_backward([(output, g)], nodes, recorded) for g in _unit_vectors(output)]
    rows, sure = [row for row, _ in passes], [sure for _, sure in passes]
    if output.shape == ():
        return rows[0], sure
    return [
        _assemble([row[k] for row in rows], value, output.shape + shape_of(value), 0)
        for k, value in enumerate(values)
    ], sure


def _by_columns(
    output: Array, nodes: Sequence[Node], values: Sequence[Any], recorded: bool
) -> tuple[list[Any], Iterable[bool]]:
    blocks, sure = [], []
    for node, value in zip(nodes, values, strict=True):
        passes = [attempt_forward([output], [node], [t], recorded) for t in _unit_vectors(value)]
        sure += [sure for _, sure in passes]
        columns = [column for (column,), _ in passes]
        shape = output.shape + shape_of(value)
        blocks.append(_assemble(columns, output, shape, len(output.shape)))
    return blocks, sure


def _assemble(parts: list[Any], like: Any, shape: tuple[int, ...], axis: int) -> Any:
    """Stack one derivative per entry along an axis, and give the result its full shape."""
    if all(part is None for part in parts):
        return None
    zero = np.zeros(shape_of(like), dtype_of(like))
    parts = [zero if part is None else part for part in parts]
    if any(type(part) is Array for part in parts):
        return reshape(stack(*parts, axis=axis), shape=shape)
    return np.stack(parts, axis=axis).reshape(shape)


def _unit_vectors(like: Any) -> Iterator[Any]:
    if shape_of(like) == ():
        yield _one(like)
        return
    for k in range(like.size):
        unit = np.zeros(like.shape, like.dtype)
        unit.flat[k] = 1
        yield unit


def _one(like: Any) -> Any:
    return 1.0 if like.__class__ is float else like.dtype.type(1)
