"""All derivatives at once: `jacobian` and `hessian`.

Of complex numbers: one derivative of a real output by z = x + i y is du/dx - i du/dy, as that of
`grad`; a complex output by a real argument is differentiated part by part; and by a complex one it
has a derivative if it is holomorphic there: if the derivatives along 1 and along i are one number
times 1 and times i (the Cauchy-Riemann equations).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from chainrule.core.array import Array, dtype_of, is_single, shape_of, value_of
from chainrule.core.backward import Attempt, Derive, attempt_backward
from chainrule.core.batching import moved
from chainrule.core.callables import name_of
from chainrule.core.forward import attempt_forward
from chainrule.core.node import Node
from chainrule.core.reach import is_recorded, reach
from chainrule.core.recording import Recording
from chainrule.errors import ArgumentError
from chainrule.numpy.creation import result_leaves
from chainrule.numpy.view import UserFunction
from chainrule.operations.shape import reshape
from chainrule.transforms.argnums import positions, select
from chainrule.transforms.derived import derived
from chainrule.transforms.examples import Examples
from chainrule.transforms.inputs import Inputs, Overwritten
from chainrule.transforms.results import finish
from chainrule.transforms.reverse import grad

__all__ = ["Mode", "constant_in", "hessian", "jacobian", "of_directions", "of_parts"]


#: How a Jacobian is found: by pushforwards, by pullbacks, or by the fewer of them.
Mode: TypeAlias = Literal["auto", "forward", "reverse"]


def jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, mode: Mode = "auto"
) -> Callable[..., Any]:
    """Return the Jacobian of f as a function of the same arguments.

    The function is run once, and all rows (or all columns) are found in one pass.

    Args:
        f: a function of NumPy arrays and floats; its output may be a tree of arrays.
        argnums: which positional arguments to differentiate by, as in `grad`.
        mode: ``"reverse"`` pulls back from each entry of the output, ``"forward"`` pushes forward
            from each entry of the arguments, and ``"auto"`` does what has fewer of them.

    Returns:
        A function whose result has, for an output of shape S and an argument of shape T, the shape
        ``S + T``: entry ``[i, j]`` is d output[i] / d argument[j]. Scalar by vector gives a vector,
        vector by vector a matrix, scalar by matrix a matrix, vector by matrix a 3-d array. With
        trees it is the output's structure, each leaf replaced by the argument's.

    Raises:
        ArgumentError: an argument to differentiate by is not made of floating-point numbers, there
            is no such mode, or a complex output is not holomorphic in a complex argument.

    >>> import numpy as np, chainrule as cr
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> cr.jacobian(lambda x: A @ x)(np.zeros(2))
    array([[1., 2.],
           [3., 4.]])
    """
    if mode not in get_args(Mode):
        raise ArgumentError(
            f"mode is {mode!r}: it is one of {', '.join(map(repr, get_args(Mode)))}"
        )
    run = UserFunction(f)
    argnums = positions(argnums)

    @derived(jacobian, f, argnums, mode)
    def all_derivatives(*args: Any, **kwargs: Any) -> Any:
        recording = Recording(nodes=[])
        try:
            inputs = Inputs(f, args, select(argnums, args, f), recording)
            y = inputs.run(run, kwargs)
            outputs, build = result_leaves(y)
            rows = []
            for output in outputs:
                blocks: list[Any] = [None] * len(inputs.nodes)
                if type(output) is Array and output.dtype.kind in "fc":
                    blocks = inputs.derived(_by_all(inputs.values, mode, f), [output])
                likes = [_like(output, x) for x in inputs.values]
                built = inputs.build(finish(blocks, likes, recording))
                rows.append(built[0] if isinstance(argnums, int) else built)
            return build(rows)
        except Overwritten:
            pass
        finally:
            recording.end()
        return all_derivatives(*args, **kwargs)

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


def _like(output: Any, x: Any) -> Any:
    """Return a value of the shape, dtype and type of d output / d x."""
    dtype = dtype_of(x)
    if dtype_of(output).kind == "c":
        dtype = np.result_type(dtype, np.complex64)
    if shape_of(output):
        return np.empty(shape_of(output) + shape_of(x), dtype=dtype)
    if dtype == dtype_of(x):
        return x
    return 0j if type(x) is float else np.zeros(shape_of(x), dtype)[()]


def _by_all(values: Sequence[Any], mode: Mode, f: Callable[..., Any]) -> Derive:
    """Return how d output / d input is found for every input, of which the values are given."""

    def derive(outputs: Sequence[Array], nodes: Sequence[Node], recorded: bool) -> Attempt:
        (output,) = outputs
        columns = sum(math.prod(shape_of(x)) for x in values)
        # The pullback of each entry of the output, or the pushforward of each of the inputs: the
        # fewer. All of them at once: one pass for many seeds.
        reverse = output.size <= columns if mode == "auto" else mode == "reverse"
        constant = constant_in([output], nodes, recorded)
        passes = _by_rows if reverse else _by_columns
        blocks, sure = passes(output, nodes, values, recorded, constant, 1)
        if _is_complex(output) if reverse else any(map(_is_complex, values)):
            turn = -1j if reverse else 1j
            second, went_well = passes(output, nodes, values, recorded, constant, turn)
            sure = sure and went_well
            join = of_parts if reverse else of_directions
            blocks = [
                None
                if first is None is other
                else join(f, output, x, *(0.0 if part is None else part for part in (first, other)))
                for x, first, other in zip(values, blocks, second, strict=True)
            ]
        return Attempt(blocks if constant is None else [value_of(x) for x in blocks], sure)

    return derive


def of_parts(f: Callable[..., Any], output: Any, x: Any, real: Any, imaginary: Any) -> Any:
    """Return d output / d x by the derivatives of the real and of the imaginary part."""
    if _is_complex(x):
        return _holomorphic(f, output, x, real, 1j * imaginary)
    return real + 1j * imaginary


def of_directions(f: Callable[..., Any], output: Array, x: Any, along: Any, across: Any) -> Any:
    """Return d output / d x by the derivatives along 1 and along i."""
    if not _is_complex(x):
        return along
    if _is_complex(output):
        return _holomorphic(f, output, x, along, -1j * across)
    return along - 1j * across


def _holomorphic(f: Callable[..., Any], output: Any, x: Any, found: Any, turned: Any) -> Any:
    """Return the complex derivative, which was found in two ways.

    Raises:
        ArgumentError: they differ.
    """
    scale = np.max(np.abs(found), initial=0.0) + np.max(np.abs(turned), initial=0.0)
    tolerance = 1e-3 if is_single(x) or is_single(output) else 1e-8
    if np.any(np.abs(found - turned) > tolerance * scale):
        raise ArgumentError(
            f"{name_of(f)} is not holomorphic at this point, so it has no complex derivative: "
            "it takes an absolute value, a conjugate, or a real or imaginary part. "
            "Differentiate its real and imaginary parts, np.real(y) and np.imag(y), instead"
        )
    return found


def _is_complex(x: Any) -> bool:
    return dtype_of(x).kind == "c"


def constant_in(
    outputs: Sequence[Array], nodes: Sequence[Node], recorded: bool
) -> Recording | None:
    """Return the recording in which the derivative is a constant.

    It is None where somebody may differentiate it.
    """
    between, outside = reach([y.node for y in outputs], nodes)
    needed = recorded or is_recorded(between, nodes, outside, ())
    return None if needed else outputs[0].node.recording


def _by_rows(
    output: Array,
    nodes: Sequence[Node],
    values: Sequence[Any],
    recorded: bool,
    constant: Recording | None,
    unit: complex,
) -> Attempt:
    """Pull back this unit at each entry of the output."""
    if output.shape == ():
        return attempt_backward([(output, _one(output, unit))], nodes, recorded)
    with Examples(output.size, constant) as rows:
        seed = rows.fresh(_unit_vectors(output, unit))
        found, sure = attempt_backward([(output, seed)], nodes, recorded)
        blocks = [
            None if g is None else _shaped(rows.all_of(g), output.shape + shape_of(x))
            for g, x in zip(found, values, strict=True)
        ]
    return Attempt(blocks, sure)


def _by_columns(
    output: Array,
    nodes: Sequence[Node],
    values: Sequence[Any],
    recorded: bool,
    constant: Recording | None,
    unit: complex,
) -> Attempt:
    """Push forward this unit at each entry of the inputs: of the complex ones, if it is one."""
    blocks: list[Any] = []
    sure = True
    for node, x in zip(nodes, values, strict=True):
        shape = shape_of(x)
        if unit != 1 and not _is_complex(x):
            block, went_well = None, True
        elif shape == ():
            (block,), went_well = attempt_forward([output], [node], [_one(x, unit)], recorded)
        else:
            with Examples(x.size, constant) as columns:
                seed = columns.fresh(_unit_vectors(x, unit))
                (found,), went_well = attempt_forward([output], [node], [seed], recorded)
                block = None
                if found is not None:
                    block = moved(columns.all_of(found), 0, len(output.shape))
                    block = _shaped(block, output.shape + shape)
        blocks.append(block)
        sure = sure and went_well
    return Attempt(blocks, sure)


def _shaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x if shape_of(x) == shape else reshape(x, shape=shape)


def _unit_vectors(like: Any, unit: complex) -> np.ndarray[Any, Any]:
    """Return an array for each entry of another one, of its shape, with a unit at that entry."""
    size = like.size
    ones = np.eye(size, dtype=like.dtype).reshape(size, *like.shape)
    return ones if unit == 1 else unit * ones


def _one(like: Any, unit: complex) -> Any:
    kind = like.__class__
    return kind(unit) if kind in (float, complex) else like.dtype.type(unit)
