"""Applying operations: the one place where nodes are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np

from chainrule.core.array import Array, dtype_of, is_complex, is_floating, value_of
from chainrule.core.captured import hold
from chainrule.core.deferred import deferred
from chainrule.core.node import Node, births
from chainrule.core.operation import Operation
from chainrule.core.placeholder import Deferred, Placeholder, computed
from chainrule.core.recording import Recording, outermost
from chainrule.core.source import where_am_i
from chainrule.core.symbolic import Symbolic
from chainrule.errors import UnsupportedError

__all__ = ["Given", "apply", "apply_binary", "apply_unary", "record_write", "set_restacking"]

_ndarray = np.ndarray
_float64 = np.float64
_new = object.__new__
_object = np.dtype(object)
_NO_PARAMS: Mapping[str, Any] = {}
_WORTH_DROPPING = 16_384  # bytes below which a value is kept rather than replaced by its shape

# Set by chainrule.numpy, which knows how to stack; see `set_restacking`.
_holds_arrays: Callable[[Any], bool] = lambda operand: False  # noqa: E731
_restack: Callable[[Any], Any] = lambda operand: operand  # noqa: E731


def _call(self: Operation, *operands: Any, **params: Any) -> Any:
    """Compute an operation on plain values, or record it where an operand is an Array."""
    if self.scalar is not None and type(operands[0]) is float is type(operands[-1]):
        return self.scalar(*operands)
    for operand in operands:
        kind = type(operand)
        plain = kind is float or kind is _float64 or kind is int
        if not (plain or (kind is _ndarray and operand.dtype is not _object)):
            return apply(self, self.compute, operands, params)
    return self.compute(*operands, **params)


Operation.__call__ = _call  # type: ignore[method-assign]


class Given:
    """Stands for what computes an operation where the value is there already."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Return the value."""
        return self.value


def apply(
    operation: Operation,
    compute: Callable[..., Any],
    operands: Sequence[Any],
    params: Mapping[str, Any] = _NO_PARAMS,
) -> Any:
    """Compute an operation and, where an operand has a history, note it in the graph.

    ``compute`` may be another spelling of the operation (``np.exp`` or ``math.exp`` for ``exp``),
    so that user code gets the very number that it would get without a recording.
    """
    recording = None
    values: list[Any] = []
    parents: list[Node | None] = []
    active = 0
    captures = constants = False
    for operand in operands:
        kind = type(operand)
        if kind is Array:
            node = operand.node
            if node is None:
                constants = True
                # It may be an array of the user's, or a view of one.
                captures |= operand.views is not None or operand.origin is not None
                values.append(operand.held)
                parents.append(None)
                continue
            active |= 1 << len(values)
            values.append(operand.held)
            parents.append(node)
            if recording is None:
                recording = node.recording
            elif recording is not node.recording:
                recording = outermost(recording, node.recording)
            continue
        if kind is _ndarray:
            captures = True
            if operand.dtype is _object:
                if _holds_arrays(operand):
                    return apply(operation, compute, [_restack(x) for x in operands], params)
                operand = _numbers(operand)
        elif kind is list or kind is tuple:
            if _holds_arrays(operand):
                return apply(operation, compute, [_restack(x) for x in operands], params)
            operand = np.asarray(operand)  # what NumPy would make of it
        elif kind is not float and isinstance(operand, Symbolic):
            return operand.applied(operation, operands, params)
        values.append(operand)
        parents.append(None)
    if recording is None:
        value = compute(*values, **params)
        return _made(value) if constants else value
    if type(compute) is Given:
        value = compute.value
    else:
        value = None
        if recording.defers:
            if captures or constants:
                values = [_held(x, p, recording) for x, p in zip(values, parents, strict=True)]
            value = deferred(operation, compute, values, params)
        if value is None:
            given = computed(values)
            try:
                value = compute(*given, **params)
            except (ArithmeticError, ValueError):
                if not recording.supposes:
                    raise
                value = _supposed(operation, given, params)
    parents_ = tuple(parents)
    return _record(operation, value, tuple(values), parents_, active, captures, recording, params)


def _supposed(operation: Operation, values: Sequence[Any], params: Mapping[str, Any]) -> Any:
    """Return what an operation gives as NumPy computes it, which raises nothing."""
    value = operation.compute(*values, **params)
    return float(value) if all(type(x) is float for x in values) else value


def apply_unary(
    operation: Operation,
    compute: Callable[..., Any],
    operand: Array,
    params: Mapping[str, Any] = _NO_PARAMS,
) -> Any:
    """Do what `apply` does, for one Array: the short way for operators, ufuncs and reductions."""
    node = operand.node
    if node is None:
        x = operand.held
        return _made(compute(x, **params) if params else compute(x))
    recording = node.recording
    if recording.defers:
        return apply(operation, compute, (operand,), params)
    x = operand.held
    value = compute(x, **params) if params else compute(x)
    return _record(operation, value, (x,), (node,), 1, False, recording, params)


def apply_binary(operation: Operation, compute: Callable[..., Any], a: Any, b: Any) -> Any:
    """Do what `apply` does, for two operands: the short way for operators and ufuncs."""
    if type(a) is Array:
        p = a.node
        if p is None or (recording := p.recording).defers:
            return apply(operation, compute, (a, b))
        x = a.held
        if type(b) is Array:
            q = b.node
            if q is None:
                return apply(operation, compute, (a, b))
            if q.recording is not recording:
                if q.recording.defers:
                    return apply(operation, compute, (a, b))
                recording = outermost(recording, q.recording)
            z = b.held
            value = compute(x, z)
            return _record(operation, value, (x, z), (p, q), 3, False, recording, _NO_PARAMS)
        captures = type(b) is _ndarray and b.dtype is not _object
        if captures or type(b) is float or type(b) is int:
            value = compute(x, b)
            return _record(operation, value, (x, b), (p, None), 1, captures, recording, _NO_PARAMS)
    elif type(b) is Array:
        q = b.node
        if q is None or (recording := q.recording).defers:
            return apply(operation, compute, (a, b))
        captures = type(a) is _ndarray and a.dtype is not _object
        if captures or type(a) is float or type(a) is int:
            z = b.held
            value = compute(a, z)
            return _record(operation, value, (a, z), (None, q), 2, captures, recording, _NO_PARAMS)
    return apply(operation, compute, (a, b))


def _record(
    operation: Operation,
    value: Any,
    values: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    active: int,
    captures: bool,
    recording: Recording,
    params: Mapping[str, Any],
) -> Any:
    """Make the node of a value that was just computed."""
    if operation.refuses:
        _check(operation, value, values, active)
    if recording.note is not None:
        return _noted(operation, value, values, parents, active, recording, params)
    if not operation.differentiable:
        return value
    arity = len(values)
    dropped = operation.dropped_for.get(active | 1 << arity)
    if dropped is None:
        dropped = operation.dropped(active, arity)
    output = value
    for k in dropped:
        unread = values[k] if k < arity else value
        if type(unread) is _ndarray and unread.nbytes >= _WORTH_DROPPING:
            light = Placeholder(unread.shape, unread.dtype)
            if k < arity:
                values = (*values[:k], light, *values[k + 1 :])
            else:
                output = light
    if captures:
        kept = list(values)
        for k, parent in enumerate(parents):
            if parent is None and type(kept[k]) is _ndarray:
                kept[k] = hold(kept[k], recording)
        values = tuple(kept)
    # What Node(...) and Array(...) do, at half the price: every operation pays it.
    node = _new(Node)
    node.operation = operation
    node.parents = parents
    node.operands = values
    node.output = output
    node.params = params
    node.recording = recording
    node.birth = births()
    if recording.nodes is not None:
        recording.nodes.append(node)
    array = _new(Array)
    array.held = value
    array.node = node
    array.origin = array.views = None
    return array


def _noted(
    operation: Operation,
    value: Any,
    operands: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    active: int,
    recording: Recording,
    params: Mapping[str, Any],
) -> Any:
    """Make the node of a value in a recording that somebody observes, or that has ended."""
    output = value
    if not recording.keeps_values:
        operands, output = _saved(operation, value, operands, parents, active, recording)
    node = Node(operation, parents, operands, output, params, recording)
    known = recording.note(node, value)  # type: ignore[misc]
    return Array(value, node if known is None else known)


def _check(operation: Operation, value: Any, values: Sequence[Any], active: int) -> None:
    """Raise where the rules of an operation are not known to be right, or unknown."""
    if operation.real_only:
        for x in (*values, value):
            if is_complex(x):
                raise _refused(operation, x)
    for k in operation.unknown:
        if active >> k & 1 and is_floating(values[k]):
            raise _unknown(operation, k)


def _made(value: Any) -> Any:
    """Return what is computed of constants that the function made: one more where it is an array.

    Integers and booleans have no gradient to lose, so they stay what they are.
    """
    return Array(value, None) if type(value) is _ndarray and value.dtype.kind in "fc" else value


def record_write(
    operation: Operation, value: Any, operands: Sequence[Any], params: Mapping[str, Any]
) -> Array:
    """Make the node of a write that has been done, where no rule reads the values.

    Nothing of them is kept, for the memory may be written again.
    """
    recording = None
    parents = tuple([x.node if type(x) is Array else None for x in operands])
    for parent in parents:
        if parent is not None and parent.recording is not recording:
            own = parent.recording
            recording = own if recording is None else outermost(recording, own)
    assert recording is not None
    if recording.note is not None:
        made: Array = apply(operation, Given(value), operands, params)
        return made
    _, written, *indices = operands
    light = _light(value)  # of the shape and dtype of what is written into
    kept = (light, _light(written))
    if indices:
        kept += tuple(hold(x, recording) if type(x) is _ndarray else value_of(x) for x in indices)
    node = Node(operation, parents, kept, light, params, recording)
    if recording.nodes is not None:
        recording.nodes.append(node)
    return Array(value, node)


def _light(x: Any) -> Any:
    x = value_of(x)
    return Placeholder(x.shape, x.dtype) if type(x) is _ndarray else x


def _saved(
    operation: Operation,
    value: Any,
    values: Sequence[Any],
    parents: tuple[Node | None, ...],
    active: int,
    recording: Recording,
) -> tuple[tuple[Any, ...], Any]:
    """Return the operands and the output of a node without the values that no rule will read.

    Constants stay, for they are part of the graph.
    """
    arity = len(values)
    saved: list[Any] = [*values, value]
    for k in operation.dropped(active, arity) if operation.differentiable else range(arity + 1):
        unread = saved[k]
        if type(unread) is Deferred:
            saved[k] = unread.light
        elif type(unread) is _ndarray and unread.nbytes >= _WORTH_DROPPING:
            parent = parents[k] if k < arity else None
            if k == arity or (parent is not None and parent.recording is recording):
                saved[k] = Placeholder(unread.shape, unread.dtype)
    return tuple(saved[:arity]), saved[arity]


def _held(x: Any, parent: Node | None, recording: Recording) -> Any:
    """Return an operand as it is now: a constant may be overwritten before it is used."""
    is_constant = parent is None and type(x) is _ndarray and not x.dtype.hasobject
    return hold(x, recording) if is_constant else x


def _refused(operation: Operation, x: Any) -> UnsupportedError:
    return UnsupportedError(
        f"`{operation.name}` of complex numbers ({dtype_of(x)}) has no derivative in chainrule, "
        f"at {where_am_i()}. To go on, take np.abs(z), z.real or z.imag first, or cut z off with "
        "chainrule.stop_gradient."
    )


def _unknown(operation: Operation, k: int) -> UnsupportedError:
    name = operation.numpy[0] if operation.numpy else operation.name
    return UnsupportedError(
        f"{name} has no derivative in chainrule by its {_ORDINALS[k]} operand, for no closed form "
        f"of it is known, at {where_am_i()}. To go on, cut that operand off with "
        "chainrule.stop_gradient."
    )


_ORDINALS = ("first", "second", "third", "fourth")


def _numbers(entries: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an object array of numbers, as libraries make of some beside Arrays, as what it is."""
    found = entries.ravel().tolist()
    if not found or not all(isinstance(x, Number) for x in found):
        return entries
    return np.array(found).reshape(entries.shape)


def set_restacking(holds: Callable[[Any], bool], restack: Callable[[Any], Any]) -> None:
    """Tell `apply` how to make one Array of a list or object array that holds Arrays."""
    global _holds_arrays, _restack
    _holds_arrays, _restack = holds, restack
