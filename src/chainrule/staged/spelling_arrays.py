"""How reductions, moves, contractions and indexing are written in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.graph.graph import Apply, is_number
from chainrule.operations.indexing import SLOT
from chainrule.staged.spelling import Speller, is_array, spelled
from chainrule.staged.text import (
    Text,
    atom,
    call,
    infix,
    literal,
    method,
    negated,
    subscript,
)

__all__ = ["index_text"]

# Reductions. ``axis`` is a tuple; one axis is written as a number.


def _axis(axis: tuple[int, ...] | None) -> int | tuple[int, ...] | None:
    return axis[0] if axis is not None and len(axis) == 1 else axis


@spelled("sum", "mean", "prod", "max", "min", "var", "std", "any", "all")
def _reduction(
    speller: Speller,
    vertex: Apply,
    x: Text,
    axis: tuple[int, ...] | None = None,
    keepdims: bool = False,
    ddof: float = 0,
) -> Text:
    options = {"axis": _axis(axis), "keepdims": keepdims or None, "ddof": ddof or None}
    if axis is not None and x.is_name and is_array(vertex.operands[0]):
        return method(x, vertex.operation.name, **options)
    return call(f"np.{vertex.operation.name}", x, **options)


@spelled("count_nonzero")
def _count(
    speller: Speller,
    vertex: Apply,
    x: Text,
    axis: tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> Text:
    return call("np.count_nonzero", x, axis=_axis(axis), keepdims=keepdims or None)


@spelled("unbroadcast")
def _unbroadcast(speller: Speller, vertex: Apply, x: Text, shape: tuple[int, ...]) -> Text:
    return call("np.sum", x) if not shape else x


@spelled("logsumexp")
def _logsumexp(
    speller: Speller,
    vertex: Apply,
    x: Text,
    axis: tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> Text:
    return call("np.logaddexp.reduce", x, axis=_whole(axis), keepdims=keepdims or None)


def _whole(axis: tuple[int, ...] | None) -> Any:
    """``reduce`` goes over axis 0 where none is given, so all axes have to be said."""
    return atom("None") if axis is None else _axis(axis)


@spelled("softmax")
def _softmax(speller: Speller, vertex: Apply, x: Text, axis: Any = None) -> Text:
    total = call("np.logaddexp.reduce", x, axis=_whole(axis), keepdims=True)
    return call("np.exp", infix("-", x, total))


@spelled("log_softmax")
def _log_softmax(speller: Speller, vertex: Apply, x: Text, axis: Any = None) -> Text:
    return infix("-", x, call("np.logaddexp.reduce", x, axis=_whole(axis), keepdims=True))


@spelled("norm")
def _norm(
    speller: Speller,
    vertex: Apply,
    x: Text,
    ord: Any = None,
    axis: tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> Text:
    order = None if ord is None else literal(ord)
    return call("np.linalg.norm", x, ord=order, axis=_axis(axis), keepdims=keepdims or None)


# Moves.


@spelled("transpose")
def _transpose(
    speller: Speller, vertex: Apply, x: Text, axes: tuple[int, ...] | None = None
) -> Text:
    if axes is None:
        return atom(f"{x.within(10)}.T")
    return method(x, "transpose", literal(axes).text[1:-1].rstrip(","))


@spelled("reshape")
def _reshape(speller: Speller, vertex: Apply, x: Text, shape: tuple[int, ...]) -> Text:
    if not is_array(vertex.operands[0]):
        return call("np.reshape", x, literal(shape))
    if len(shape) == 1:
        return (
            method(x, "ravel")
            if len(shape_of(vertex.operands[0].value)) > 1
            else (method(x, "reshape", literal(shape[0])))
        )
    return method(x, "reshape", literal(shape).text[1:-1].rstrip(",") or "()")


@spelled("swapaxes")
def _swapaxes(speller: Speller, vertex: Apply, x: Text, axis1: int, axis2: int) -> Text:
    return method(x, "swapaxes", literal(axis1), literal(axis2))


@spelled("expand_dims")
def _expand_dims(speller: Speller, vertex: Apply, x: Text, axis: tuple[int, ...]) -> Text:
    if not is_array(vertex.operands[0]):
        return call("np.expand_dims", x, literal(_axis(axis)))
    parts = ["None" if k in axis else ":" for k in range(len(shape_of(vertex.value)))]
    while len(parts) > 1 and parts[-1] == ":" and "None" in parts:
        parts.pop()
    return subscript(x, ", ".join(parts))


@spelled("squeeze")
def _squeeze(speller: Speller, vertex: Apply, x: Text, axis: tuple[int, ...]) -> Text:
    return method(x, "squeeze", axis=_axis(axis))


@spelled("broadcast_to")
def _broadcast_to(speller: Speller, vertex: Apply, x: Text, shape: tuple[int, ...]) -> Text:
    (inner,) = vertex.operands
    if shape_of(inner.value) == ():
        dtype = dtype_of(vertex.value)
        size = literal(shape[0] if len(shape) == 1 else shape)
        if is_number(inner, 1):
            kind = [] if dtype == np.float64 else [f"np.{dtype.name}"]
            return call("np.ones", size, *kind)
        return call("np.full", size, x)
    return call("np.broadcast_to", x, literal(shape))


@spelled("concatenate", "stack")
def _joined(speller: Speller, vertex: Apply, *xs: Text, axis: int) -> Text:
    inner = ", ".join(x.text for x in xs) + ("," if len(xs) == 1 else "")
    return call(f"np.{vertex.operation.name}", f"({inner})", axis=axis or None)


@spelled("tile")
def _tile(speller: Speller, vertex: Apply, x: Text, reps: tuple[int, ...]) -> Text:
    return call("np.tile", x, literal(reps[0] if len(reps) == 1 else reps))


@spelled("repeat")
def _repeat(speller: Speller, vertex: Apply, x: Text, repeats: Any, axis: int) -> Text:
    return call("np.repeat", x, speller.constants.text(repeats), axis=axis)


@spelled("flip")
def _flip(speller: Speller, vertex: Apply, x: Text, axis: tuple[int, ...] | None = None) -> Text:
    if axis == (0,) or (axis is None and len(shape_of(vertex.value)) == 1):
        return subscript(x, "::-1")
    return call("np.flip", x, axis=_axis(axis))


@spelled("roll")
def _roll(speller: Speller, vertex: Apply, x: Text, shift: Any, axis: Any) -> Text:
    return call("np.roll", x, literal(shift), axis=axis)


@spelled("pad")
def _pad(
    speller: Speller,
    vertex: Apply,
    x: Text,
    pad_width: Any,
    mode: str = "constant",
    constant_values: Any = 0,
) -> Text:
    kind = None if mode == "constant" else atom(f'"{mode}"')
    values = None if np.ndim(constant_values) == 0 and constant_values == 0 else constant_values
    return call("np.pad", x, literal(pad_width), mode=kind, constant_values=values)


@spelled("tril", "triu", "diag")
def _triangle(speller: Speller, vertex: Apply, x: Text, k: int = 0) -> Text:
    return call(f"np.{vertex.operation.name}", x, *([literal(k)] if k else []))


@spelled("diagonal", "trace")
def _diagonal(
    speller: Speller, vertex: Apply, x: Text, offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Text:
    axes = {} if (axis1, axis2) == (0, 1) else {"axis1": axis1, "axis2": axis2}
    return call(f"np.{vertex.operation.name}", x, offset=offset or None, **axes)


@spelled("cumsum", "cumprod", "sort", "argsort", "argmax", "argmin")
def _along(speller: Speller, vertex: Apply, x: Text, axis: Any = None, **options: Any) -> Text:
    if options.get("kind") == "stable":
        options["kind"] = atom('"stable"')
    options["keepdims"] = options.get("keepdims") or None
    usual = axis is None or (
        axis == 0 and len(shape_of(vertex.operands[0].value)) == 1 and axis is not False
    )
    return call(f"np.{vertex.operation.name}", x, axis=None if usual else axis, **options)


# Contractions.


@spelled("dot", "inner", "outer", "vdot", "kron")
def _product(speller: Speller, vertex: Apply, a: Text, b: Text) -> Text:
    ranks = tuple(len(shape_of(x.value)) for x in vertex.operands)
    if vertex.operation.name == "dot" and max(ranks) <= 2:
        return infix("@", a, b)
    return call(f"np.{vertex.operation.name}", a, b)


@spelled("tensordot")
def _tensordot(speller: Speller, vertex: Apply, a: Text, b: Text, axes: Any) -> Text:
    return call("np.tensordot", a, b, axes=tuple(_axis(tuple(k)) for k in axes))


@spelled("einsum")
def _einsum(
    speller: Speller, vertex: Apply, *xs: Text, subscripts: str, optimize: Any = False
) -> Text:
    return call("np.einsum", f'"{subscripts}"', *xs, optimize=optimize or None)


# Indexing.


def index_text(index: Any, arrays: tuple[Text, ...], ndim: int) -> str:
    """Write an index into so many axes as it stands between brackets."""
    rest = iter(arrays)
    index = _without_ellipsis(index, ndim)
    parts = index if isinstance(index, tuple) else (index,)
    texts = [next(rest).text if part is SLOT else _part(part) for part in parts]
    return ", ".join(texts) if len(texts) != 0 else "()"


def _part(part: Any) -> str:
    if not isinstance(part, slice):
        return literal(part).text
    start, stop = ("" if k is None else str(k) for k in (part.start or None, part.stop))
    return f"{start}:{stop}" + ("" if part.step is None else f":{part.step}")


@spelled("getitem")
def _getitem(speller: Speller, vertex: Apply, x: Text, *arrays: Text, index: Any) -> Text:
    ndim = len(shape_of(vertex.operands[0].value))
    return subscript(x, index_text(index, arrays, ndim))


def _without_ellipsis(index: Any, ndim: int) -> Any:
    """Drop ``...`` where it stands for nothing, and at the end, where it says nothing."""
    if not isinstance(index, tuple) or Ellipsis not in [k for k in index if k is not SLOT]:
        return index
    axes = sum(k is not None and k is not Ellipsis for k in index)
    if SLOT in index or len(index) == 1 or (axes < ndim and index[-1] is not Ellipsis):
        return index
    return tuple(k for k in index if k is not Ellipsis)


@spelled("take")
def _take(
    speller: Speller, vertex: Apply, x: Text, indices: Text, axis: int, mode: str = "raise"
) -> Text:
    kind = None if mode == "raise" else atom(f'"{mode}"')
    return call("np.take", x, indices, axis=axis, mode=kind)


@spelled("take_along_axis")
def _take_along(speller: Speller, vertex: Apply, x: Text, indices: Text, axis: int) -> Text:
    return call("np.take_along_axis", x, indices, axis=axis)


@spelled("searchsorted")
def _searchsorted(speller: Speller, vertex: Apply, a: Text, v: Text, side: str = "left") -> Text:
    return call("np.searchsorted", a, v, side=None if side == "left" else atom(f'"{side}"'))


# Special functions that NumPy does not have, as short formulas.


@spelled("erf", "erfc")
def _of_math(speller: Speller, vertex: Apply, x: Text) -> Text:
    name = f"math.{vertex.operation.name}"
    if shape_of(vertex.value) == ():
        return call(name, x)
    return atom(f"np.vectorize({name}, otypes=[float])({x.text})")


@spelled("ndtr")
def _ndtr(speller: Speller, vertex: Apply, x: Text) -> Text:
    name = (
        "math.erfc" if shape_of(vertex.value) == () else ("np.vectorize(math.erfc, otypes=[float])")
    )
    scaled = infix("/", negated(x), call("math.sqrt", literal(2)))
    return infix("*", literal(0.5), call(name, scaled))


@spelled("logit")
def _logit(speller: Speller, vertex: Apply, x: Text) -> Text:
    return call("np.log", infix("/", x, infix("-", literal(1), x)))


@spelled("log_expit")
def _log_expit(speller: Speller, vertex: Apply, x: Text) -> Text:
    return negated(call("np.logaddexp", literal(0), negated(x)))


@spelled("entr")
def _entr(speller: Speller, vertex: Apply, x: Text) -> Text:
    return negated(infix("*", x, call("np.log", _one_where_zero(x, x))))


@spelled("xlogy")
def _xlogy(speller: Speller, vertex: Apply, x: Text, y: Text) -> Text:
    return infix("*", x, call("np.log", _one_where_zero(x, y)))


@spelled("xlog1py")
def _xlog1py(speller: Speller, vertex: Apply, x: Text, y: Text) -> Text:
    chosen = call("np.where", infix("==", x, literal(0)), literal(0), y)
    return infix("*", x, call("np.log1p", chosen))


def _one_where_zero(x: Text, y: Text) -> Text:
    return call("np.where", infix("==", x, literal(0)), literal(1), y)
