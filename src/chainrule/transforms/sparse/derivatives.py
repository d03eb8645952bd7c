"""Sparse derivatives: `sparse_jacobian`, `sparse_hessian`, and their pattern, `sparsity`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, get_args

import numpy as np

from chainrule.core.array import Array, dtype_of, is_complex, shape_of, value_of
from chainrule.core.backward import Attempt, Derive, attempt_backward
from chainrule.core.callables import name_of
from chainrule.core.forward import attempt_forward
from chainrule.core.node import Node
from chainrule.core.recording import Recording
from chainrule.errors import ArgumentError
from chainrule.numpy.creation import result_leaves
from chainrule.numpy.view import UserFunction
from chainrule.operations.shape import concatenate, reshape
from chainrule.transforms.argnums import positions, select
from chainrule.transforms.derived import derived
from chainrule.transforms.examples import Examples
from chainrule.transforms.inputs import Inputs, Overwritten
from chainrule.transforms.jacobians import Mode, constant_in, of_directions, of_parts
from chainrule.transforms.results import finish
from chainrule.transforms.reverse import grad
from chainrule.transforms.sparse.entries import SparseEntries
from chainrule.transforms.sparse.plan import Block, Plan, Wanted
from chainrule.transforms.sparse.plans import Plans

__all__ = ["sparse_hessian", "sparse_jacobian", "sparsity"]


def sparse_jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, mode: Mode = "auto"
) -> Callable[..., Any]:
    """Return the Jacobian of f as a sparse matrix, as a function of the same arguments.

    The pattern is read off the graph, and the columns (or rows) that share no row (column) are
    found together, in one pass for all such groups: the cost grows with the number of groups,
    "colours", and not with the size. Of a tridiagonal Jacobian there are three.

    The pattern is the global one: it has each entry that can differ from zero for any arguments
    with which Python goes the same way and computed indices are the same. It is found anew when
    these are others, and else remembered.

    Args:
        f: a function of NumPy arrays and floats; its output may be a tree of arrays.
        argnums: which positional arguments to differentiate by, as in `grad`.
        mode: ``"forward"`` groups columns, ``"reverse"`` rows, ``"auto"`` what gives fewer groups.

    Returns:
        A function whose result is, for an output of m entries and an argument of n, a
        ``scipy.sparse.csr_array`` of shape ``(m, n)``: both are taken as flat, in the order of
        ``x.ravel()``. With trees it is the output's structure, each leaf replaced by the
        argument's. In code that is recorded (under a transform, or in a larger function that is
        compiled) it is a matrix with an Array for its ``data``.

    Raises:
        ArgumentError: an argument to differentiate by is not made of floating-point numbers, the
            output is not made of numbers, or there is no such mode.
        UnsupportedError: the pattern has far too many entries to be sparse.

    >>> import numpy as np, chainrule as cr
    >>> J = cr.sparse_jacobian(lambda x: x[1:] ** 2 - x[:-1])(np.array([1.0, 2.0, 3.0]))
    >>> J.toarray()
    array([[-1.,  4.,  0.],
           [ 0., -1.,  6.]])
    """
    if mode not in get_args(Mode):
        raise ArgumentError(
            f"mode is {mode!r}: it is one of {', '.join(map(repr, get_args(Mode)))}"
        )
    argnums = positions(argnums)
    return _sparse(sparse_jacobian, f, (argnums, mode), f, argnums, Wanted(mode))


def sparse_hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return the Hessian of f as a sparse matrix, as a function of the same arguments.

    It is the sparse Jacobian of the gradient. Since it is symmetric, an entry need be found once
    only, at [i, j] or at [j, i], which takes fewer groups: of an arrow, two.

    Args and errors are those of `grad`; the result is that of `sparse_jacobian`, for an argument of
    n entries a ``scipy.sparse.csr_array`` of shape ``(n, n)``.

    >>> import numpy as np, chainrule as cr
    >>> H = cr.sparse_hessian(lambda x: np.sum(x[1:] * x[:-1] ** 2))(np.array([1.0, 2.0, 3.0]))
    >>> H.toarray()
    array([[4., 2., 0.],
           [2., 6., 4.],
           [0., 4., 0.]])
    """
    argnums = positions(argnums)
    wanted = Wanted("forward", symmetric=True)
    return _sparse(sparse_hessian, f, (argnums,), grad(f, argnums), argnums, wanted)


def sparsity(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, local: bool = False
) -> Callable[..., Any]:
    """Return the pattern of f's Jacobian, as a function of the same arguments.

    That of a Hessian is ``sparsity(grad(f))``.

    Args:
        f: a function as for `sparse_jacobian`.
        argnums: which positional arguments to differentiate by.
        local: only the entries that differ from zero at these very arguments. Else, the global
            pattern: all that can, as long as Python goes the same way and computed indices are the
            same.

    Returns:
        A function whose result is that of `sparse_jacobian`, of booleans: True at each entry of the
        pattern.

    Raises:
        ArgumentError: as `sparse_jacobian`; or the local pattern is asked for in compiled code,
            where it may be another one at each call.

    >>> import numpy as np, chainrule as cr
    >>> x = np.array([1.0, -2.0])
    >>> cr.sparsity(lambda x: np.maximum(x, x[::-1]))(x).toarray()
    array([[ True,  True],
           [ True,  True]])
    >>> cr.sparsity(lambda x: np.maximum(x, x[::-1]), local=True)(x).toarray()
    array([[ True, False],
           [ True, False]])
    """
    argnums = positions(argnums)
    wanted = Wanted(entries=local)
    made = _nonzeros if local else _matrix
    return _sparse(sparsity, f, (argnums, local), f, argnums, wanted, made)


def _sparse(
    transform: Callable[..., Any],
    f: Callable[..., Any],
    options: tuple[Any, ...],
    derived_from: Callable[..., Any],
    argnums: int | tuple[int, ...],
    wanted: Wanted,
    made: Callable[[Any, Block], Any] | None = None,
) -> Callable[..., Any]:
    """Return the function of a sparse derivative.

    Args:
        transform: what returns it.
        f: the user's function.
        options: the transform's other arguments.
        derived_from: what the derivative is one of: f, or its gradient.
        argnums: the arguments to differentiate by.
        wanted: what is wanted of it.
        made: makes the result of entries and their block; a matrix, if left out.
    """
    run = UserFunction(derived_from)
    plans = Plans(wanted)
    made = made or _matrix

    @derived(transform, f, *options)
    def derivatives(*args: Any, **kwargs: Any) -> Any:
        recording = Recording()
        recording.sees_through = True
        try:
            inputs = Inputs(f, args, select(argnums, args, f), recording)
            leaves, build = result_leaves(inputs.run(run, kwargs))
            outputs = _outputs(leaves, f)
            plan = plans.of(inputs, outputs)
            found = _Found(plan, inputs, outputs, f) if wanted.entries else None
            rows = []
            for output, blocks in zip(outputs, plan.blocks, strict=True):
                if found is None:
                    entries = [block.zeros(bool) | True for block in blocks]
                else:
                    pairs = list(zip(inputs.values, blocks, strict=True))
                    likes = [block.zeros(_dtype(output, x)) for x, block in pairs]
                    parts = [found.entries(output, x, block) for x, block in pairs]
                    entries = finish(parts, likes, recording)
                built = inputs.build(list(map(made, entries, blocks)))
                rows.append(built[0] if isinstance(argnums, int) else built)
            return build(rows)
        except Overwritten:
            pass
        finally:
            recording.end()
        return derivatives(*args, **kwargs)

    return derivatives


def _outputs(leaves: Sequence[Any], f: Callable[..., Any]) -> list[Any]:
    """Return the outputs, those that have no derivative as plain values."""
    if not leaves:
        raise ArgumentError(f"{name_of(f)} returned no array: a Jacobian needs one as its output")
    for leaf in leaves:
        if not isinstance(leaf, (Array, np.ndarray, np.generic, bool, int, float, complex)):
            raise ArgumentError(
                f"{name_of(f)} returned a {type(leaf).__name__}, which has no Jacobian: return "
                "numbers or arrays, or trees (tuple, list, dict, dataclass) of them"
            )
    return [
        y if type(y) is Array and y.node is not None and y.dtype.kind in "fc" else value_of(y)
        for y in leaves
    ]


def _dtype(output: Any, x: Any) -> np.dtype[Any]:
    """Return the dtype of d output / d x."""
    return np.result_type(dtype_of(x), np.complex64) if is_complex(output) else dtype_of(x)


class _Found:
    """The compressed matrices that passes find: of each output, or else of each input.

    With complex numbers there are two passes, as there are for `chainrule.jacobian`.
    """

    def __init__(
        self, plan: Plan, inputs: Inputs, outputs: Sequence[Any], f: Callable[..., Any]
    ) -> None:
        self._plan = plan
        self._f = f
        starts = inputs.values if plan.forward else outputs
        self._first = self._pass(inputs, outputs, plan.seeds)
        self._second: Sequence[Any] | None = None
        if any(map(is_complex, starts)):
            turn = 1j if plan.forward else -1j
            pairs = zip(plan.seeds, starts, strict=True)
            seeds = [turn * seed if is_complex(x) else 0 * seed for seed, x in pairs]
            self._second = self._pass(inputs, outputs, seeds)

    def entries(self, output: Any, x: Any, block: Block) -> Any:
        """Return the entries of d output / d x; None where all are zero."""
        first = block.entries(self._first)
        if self._second is None:
            return first
        second = block.entries(self._second)
        if first is None and second is None:
            return None
        if self._plan.forward:
            return of_directions(self._f, output, x, first, second)
        return of_parts(self._f, output, x, first, second) if is_complex(output) else first

    def _pass(self, inputs: Inputs, outputs: Sequence[Any], seeds: Sequence[Any]) -> list[Any]:
        plan = self._plan
        active = [y for y in outputs if type(y) is Array]
        if not active or not plan.count:
            return [None] * (len(outputs) if plan.forward else len(inputs.nodes))
        if not plan.forward:
            pairs = zip(seeds, outputs, strict=True)
            seeds = [seed for seed, y in pairs if type(y) is Array]
        found = inputs.derived(_by_colours(plan.forward, plan.count, seeds), active)
        if plan.forward:
            rest = iter(found)
            found = [next(rest) if type(y) is Array else None for y in outputs]
        return [_side_by_side(plan.count, found, outputs)] if plan.joined else found


def _side_by_side(count: int, found: Sequence[Any], outputs: Sequence[Any]) -> Any:
    """Join compressed matrices, each with a row for each colour."""
    parts = []
    for x, y in zip(found, outputs, strict=True):
        shape = count, math.prod(shape_of(y))
        parts.append(np.zeros(shape, dtype_of(y)) if x is None else reshape(x, shape=shape))
    return concatenate(*parts, axis=1)


def _by_colours(forward: bool, count: int, seeds: Sequence[Any]) -> Derive:
    """Return the pass for all colours at once: seeds pushed forward, or pulled back."""

    def derive(outputs: Sequence[Array], nodes: Sequence[Node], recorded: bool) -> Attempt:
        def passed(given: Sequence[Any]) -> Attempt:
            if forward:
                return attempt_forward(outputs, nodes, given, recorded)
            return attempt_backward(list(zip(outputs, given, strict=True)), nodes, recorded)

        if count == 1:
            return passed([seed[0] for seed in seeds])
        constant = constant_in(outputs, nodes, recorded)
        with Examples(count, constant) as examples:
            found, sure = passed([examples.fresh(seed) for seed in seeds])
            every = [None if x is None else examples.all_of(x) for x in found]
        return Attempt([x if constant is None else value_of(x) for x in every], sure)

    return derive


def _matrix(entries: Any, block: Block) -> Any:
    return SparseEntries(entries, block) if type(entries) is Array else block.matrix(entries)


def _nonzeros(entries: Any, block: Block) -> Any:
    """Return the pattern of the entries that differ from zero."""
    if type(entries) is Array:
        recording = entries.node.recording
        if recording.unseen or recording.examples is not None:
            raise ArgumentError(
                "the local pattern may be another one for other numbers, so sparsity(f, "
                "local=True) cannot be compiled, nor be found for many examples: leave local out"
            )
        entries = entries.value
    made = block.matrix(entries != 0)
    made.eliminate_zeros()
    return made
