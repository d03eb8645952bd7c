"""Control flow as functions: `scan`, `fori_loop`, `while_loop`, `cond`, as JAX has them.

Each is the Python loop, or the ``if``, that it says, and nothing else: it is differentiated,
folded, printed and compiled as one that is written out. What they add is what JAX checks: a
carried value keeps its structure, its shapes and its dtypes from turn to turn.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import dtype_of, shape_of
from chainrule.core.callables import name_of
from chainrule.core.counted import LOOPS, Fixed, Tally, numbers
from chainrule.core.source import where_am_i
from chainrule.errors import ArgumentError
from chainrule.numpy.creation import restack
from chainrule.numpy.joining import concatenate
from chainrule.transforms.carried import check_carried, is_leaf
from chainrule.transforms.checkpoint import checkpoint as recomputed
from chainrule.transforms.stacked import Stack

__all__ = ["cond", "fori_loop", "scan", "while_loop"]


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    checkpoint: int | None = None,
) -> tuple[Any, Any]:
    """Hand a value on from turn to turn, along the first axis of arrays.

    It is this loop, for trees of arrays::

        ys = []
        for x in xs:
            carry, y = f(carry, x)
            ys.append(y)
        return carry, np.stack(ys)

    Args:
        f: ``(carry, x) -> (carry, y)``.
        init: the first carry: an array, a number, or a tree (tuple, list, dict, dataclass, None).
        xs: arrays of equal length, or a tree of them; ``x`` has their entries along the first axis.
            None where ``length`` says how many turns there are.
        length: the number of turns, where xs do not say it.
        reverse: begin at the end of xs; ``ys`` are in the order of xs, too.
        checkpoint: for the backward pass, keep the carry of each so many turns only, and compute
            what is between them again; see `chainrule.checkpoint`. With the root of the number of
            turns, that much is kept.

    Returns:
        ``(carry, ys)``: the last carry, and what f gave besides in each turn, one above the other.

    Raises:
        ArgumentError: the carry changes its structure, a shape or a dtype; so does y; xs have
            different lengths or none; the length is negative, or not that of xs.

    Source: ``jax.lax.scan``, which is the same function of traced arrays.

    >>> import numpy as np, chainrule as cr
    >>> cr.scan(lambda total, x: (total + x, total), 0.0, np.array([1.0, 2.0, 3.0]))
    (np.float64(6.0), array([0., 1., 3.]))
    """
    leaves, unflatten = trees.flatten(xs)
    build = Fixed(unflatten)
    leaves = [restack(leaf) for leaf in leaves]
    turns = _turns(leaves, xs, length)
    if not turns:
        return init, _nothing(f, init, [_entry_like(x) for x in leaves], build)

    def block(carry: Any, parts: list[Any], first: int, end: int) -> tuple[Any, Any]:
        ys = Stack(f, end - first)
        t = 0
        try:
            for t in numbers(range(end - first)[:: -1 if reverse else 1]):
                carry, y = _turn(f, carry, build([x[t] for x in parts]))
                ys.put(t, y)
        except Exception as error:
            error.add_note(f"in turn {first + t} of scan")
            raise
        return carry, ys.built()

    if checkpoint is None:
        return block(init, leaves, 0, turns)
    run = recomputed(block)
    carry, stacks = init, []
    blocks = _blocks(0, turns, checkpoint)
    for first, end in reversed(blocks) if reverse else blocks:
        carry, ys = run(carry, [x[first:end] for x in leaves], first, end)
        stacks.append(ys)
    return carry, _joined(stacks[::-1] if reverse else stacks)


def fori_loop(
    lower: int,
    upper: int,
    body_fun: Callable[[int, Any], Any],
    init_val: Any,
    checkpoint: int | None = None,
) -> Any:
    """Do ``for i in range(lower, upper): val = body_fun(i, val)``, and return the last value.

    Args:
        lower: the first i.
        upper: the end of the range; where it is not above ``lower`` there is no turn.
        body_fun: ``(i, val) -> val``; i is a Python int.
        init_val: the first value: an array, a number, or a tree of them.
        checkpoint: for the backward pass, keep the value of each so many turns only, as `scan`
            does.

    Raises:
        ArgumentError: a bound is not an integer; the value changes its structure, a shape or a
            dtype.

    Source: ``jax.lax.fori_loop``.

    >>> import chainrule as cr
    >>> cr.grad(lambda x: cr.fori_loop(0, 3, lambda i, y: y * x, 1.0))(2.0)
    12.0
    """
    lower, upper = _whole(lower, "lower"), _whole(upper, "upper")

    def block(val: Any, first: int, end: int) -> Any:
        i = first
        try:
            for i in numbers(range(first, end)):
                new = body_fun(i, val)
                check_carried("fori_loop", body_fun, val, new)
                val = new
        except Exception as error:
            error.add_note(f"in turn {i - lower} of fori_loop, where i is {i}")
            raise
        return val

    if checkpoint is None:
        return block(init_val, lower, upper)
    run = recomputed(block)
    val = init_val
    for first, end in _blocks(lower, upper, checkpoint):
        val = run(val, first, end)
    return val


def while_loop(
    cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any
) -> Any:
    """Do ``while cond_fun(val): val = body_fun(val)``, and return the last value.

    It has gradients in both directions; the derivative is that of the turns that were done.

    Args:
        cond_fun: ``val -> bool``: whether there is another turn.
        body_fun: ``val -> val``.
        init_val: the first value: an array, a number, or a tree of them.

    Raises:
        ArgumentError: the condition is not one bool; the value changes its structure, a shape or a
            dtype.

    Source: ``jax.lax.while_loop``, which has no backward pass.

    >>> import chainrule as cr
    >>> newton = lambda a: cr.while_loop(
    ...     lambda x: abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, 1.0
    ... )
    >>> cr.value_and_grad(newton)(4.0)
    (2.000000000000002, 0.25000000000001177)
    """
    val = init_val
    turns = Tally()
    what = f"the condition of while_loop, {name_of(cond_fun)},"
    try:
        while _one_bool(cond_fun(val), what):  # asked here, for compiled code
            new = body_fun(val)
            check_carried("while_loop", body_fun, val, new)
            val = new
            turns.count += 1
    except Exception as error:
        error.add_note(f"in turn {turns.count} of while_loop")
        raise
    return val


LOOPS.add(while_loop.__code__)


def cond(
    pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any
) -> Any:
    """Do ``true_fun(*operands) if pred else false_fun(*operands)``.

    Only the function that is chosen runs; the other may return something else.

    Args:
        pred: one bool.
        true_fun: run where it is True.
        false_fun: run where it is False.
        operands: what the function is given.

    Raises:
        ArgumentError: pred is not one bool.

    Source: ``jax.lax.cond``.

    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: cr.cond(x > 1, np.log, lambda x: x - 1, x))(2.0)
    0.5
    """
    pred = _one_bool(pred, "the predicate of cond")
    return (true_fun if pred else false_fun)(*operands)


LOOPS.add(cond.__code__)


# Turns.


def _turn(f: Callable[..., Any], carry: Any, x: Any) -> tuple[Any, Any]:
    pair = f(carry, x)
    if not (isinstance(pair, tuple) and len(pair) == 2):
        raise ArgumentError(
            f"scan: {name_of(f)} must return a pair (carry, y), it returned a "
            f"{type(pair).__name__}, at {where_am_i()}"
        )
    check_carried("scan", f, carry, pair[0])
    return pair


def _turns(leaves: list[Any], xs: Any, length: int | None) -> int:
    """Return the number of turns."""
    where = f", at {where_am_i()}"
    if length is not None:
        length = _whole(length, "length")
        if length < 0:
            raise ArgumentError(f"scan: the length is {length}, it cannot be negative{where}")
    lengths = []
    for path, x in zip(trees.paths(xs), leaves, strict=True):
        if not shape_of(x):
            raise ArgumentError(
                f"scan: xs{path} is a number, it needs an axis to go along{where}. A list is a "
                "tree of its items: make it an array, np.array(xs)"
            )
        lengths.append((f"xs{path}", shape_of(x)[0]))
    if not lengths and length is None:
        raise ArgumentError(f"scan: there are no xs, so length= must say how often{where}")
    if length is not None:
        lengths.insert(0, ("length", length))
    if len({n for _, n in lengths}) > 1:
        told = ", ".join(f"{name} {n}" for name, n in lengths)
        raise ArgumentError(f"scan: the number of turns is not the same for all{where}: {told}")
    return lengths[0][1]


def _whole(value: Any, name: str) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise ArgumentError(
            f"{name} is {value!r}, a {type(value).__name__}: the turns of a loop are counted by "
            f"integers, at {where_am_i()}"
        ) from None


def _one_bool(value: Any, what: str) -> Any:
    """Return a condition, which Python may look at as ``if`` does."""
    if type(value) is bool:
        return value
    if is_leaf(value) and dtype_of(value).kind == "b" and shape_of(value) == ():
        return value
    kind = f"a {type(value).__name__}"
    if is_leaf(value):
        kind = f"of shape {shape_of(value)} and dtype {dtype_of(value)}"
    raise ArgumentError(
        f"{what} must be one bool, it is {kind}, at {where_am_i()}: compare numbers, x > 0, and "
        "reduce arrays, np.all(x > 0)"
    )


def _blocks(first: int, end: int, turns: int) -> list[tuple[int, int]]:
    """Divide the turns of a loop, so many for each block."""
    if _whole(turns, "checkpoint") < 1:
        raise ArgumentError(
            f"checkpoint is {turns}, at {where_am_i()}: it says of how many turns one is kept, the "
            "root of their number for the least memory"
        )
    return [(k, min(k + turns, end)) for k in range(first, end, turns)]


def _joined(stacks: list[Any]) -> Any:
    """Return the ys of several blocks as those of all."""
    parts = [trees.flatten(ys)[0] for ys in stacks]
    _, build = trees.flatten(stacks[0])
    return build([concatenate(column) for column in zip(*parts, strict=True)])


def _entry_like(x: Any) -> Any:
    """Return zeros like an entry along the first axis of an array that has none."""
    return np.zeros(shape_of(x)[1:], dtype_of(x))[()]


def _nothing(
    f: Callable[..., Any], carry: Any, leaves: list[Any], build: Callable[[Iterable[Any]], Any]
) -> Any:
    """Return ys of no turns: f is run on zeros, to see what it would give."""
    with np.errstate(all="ignore"):
        _, y = _turn(f, carry, build(leaves))
    found, rebuild = trees.flatten(y)
    found = [restack(leaf) for leaf in found]
    return rebuild([np.zeros((0, *shape_of(leaf)), dtype_of(leaf)) for leaf in found])
