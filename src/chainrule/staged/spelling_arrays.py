"""How reductions, changes of shape and contractions are written in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core import kinds
from chainrule.graph.graph import Apply, is_number
from chainrule.operations import contraction, indexing, norms, reduction, shape
from chainrule.staged.speller import Speller, Spellings, function_of, is_array
from chainrule.staged.text import Text, atom, call, infix, literal, method, subscript

__all__ = ["ARRAYS"]

ARRAYS = Spellings()

# Reductions. ``axis`` is a tuple; one axis is written as a number.


def _function(vertex: Apply) -> str:
    """Return the name of NumPy's function."""
    name = function_of(vertex.operation)
    assert name is not None
    return name


def _axis(axis: tuple[int, ...] | None) -> int | tuple[int, ...] | None:
    return axis[0] if axis is not None and len(axis) == 1 else axis


@ARRAYS.of(
    reduction.sum,
    reduction.mean,
    reduction.prod,
    reduction.max,
    reduction.min,
    reduction.var,
    reduction.std,
    reduction.any,
    reduction.all,
)
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
        return method(x, _function(vertex).removeprefix("np."), **options)
    return call(_function(vertex), x, **options)


@ARRAYS.of(reduction.count_nonzero)
def _count(
    speller: Speller,
    vertex: Apply,
    x: Text,
    axis: tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> Text:
    return call("np.count_nonzero", x, axis=_axis(axis), keepdims=keepdims or None)


@ARRAYS.of(kinds.unbroadcast)
def _unbroadcast(speller: Speller, vertex: Apply, x: Text, shape: tuple[int, ...]) -> Text:
    if not shape:
        return call("np.sum", x)
    whole = vertex.operands[0].shape
    extra = len(whole) - len(shape)
    if extra:
        x = call("np.sum", x, axis=_axis(tuple(range(extra))))
    ones = tuple(k for k, (n, m) in enumerate(zip(whole[extra:], shape, strict=True)) if m < n)
    return call("np.sum", x, axis=_axis(ones), keepdims=True) if ones else x


@ARRAYS.of(norms.norm)
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


# Shapes.


@ARRAYS.of(shape.transpose)
def _transpose(
    speller: Speller, vertex: Apply, x: Text, axes: tuple[int, ...] | None = None
) -> Text:
    if vertex.ndim == 0:
        return x
    if axes is None:
        return atom(f"{x.within(10)}.T")
    return method(x, "transpose", literal(axes).text[1:-1].rstrip(","))


@ARRAYS.of(shape.reshape)
def _reshape(speller: Speller, vertex: Apply, x: Text, shape: tuple[int, ...]) -> Text:
    if not is_array(vertex.operands[0]):
        return call("np.reshape", x, literal(shape[0] if len(shape) == 1 else shape))
    if len(shape) == 1:
        return (
            method(x, "ravel")
            if vertex.operands[0].ndim > 1
            else (method(x, "reshape", literal(shape[0])))
        )
    return method(x, "reshape", literal(shape).text[1:-1].rstrip(",") or "()")


@ARRAYS.of(shape.swapaxes)
def _swapaxes(speller: Speller, vertex: Apply, x: Text, axis1: int, axis2: int) -> Text:
    return method(x, "swapaxes", literal(axis1), literal(axis2))


@ARRAYS.of(shape.expand_dims)
def _expand_dims(speller: Speller, vertex: Apply, x: Text, axis: tuple[int, ...]) -> Text:
    if not is_array(vertex.operands[0]):
        return call("np.expand_dims", x, literal(_axis(axis)))
    parts = ["None" if k in axis else ":" for k in range(vertex.ndim)]
    while len(parts) > 1 and parts[-1] == ":" and "None" in parts:
        parts.pop()
    return subscript(x, ", ".join(parts))


@ARRAYS.of(shape.squeeze)
def _squeeze(speller: Speller, vertex: Apply, x: Text, axis: tuple[int, ...]) -> Text:
    if vertex.operands[0].ndim == 0:
        return x
    return method(x, "squeeze", axis=_axis(axis))


@ARRAYS.of(kinds.broadcast_to)
def _broadcast_to(speller: Speller, vertex: Apply, x: Text, shape: tuple[int, ...]) -> Text:
    (inner,) = vertex.operands
    if inner.shape == ():
        dtype = vertex.dtype
        size = literal(shape[0] if len(shape) == 1 else shape)
        if is_number(inner, 1):
            kind = [] if dtype == np.float64 else [f"np.{dtype.name}"]
            return call("np.ones", size, *kind)
        return call("np.full", size, x)
    return call("np.broadcast_to", x, literal(shape))


@ARRAYS.of(shape.concatenate, shape.stack)
def _joined(speller: Speller, vertex: Apply, *xs: Text, axis: int) -> Text:
    inner = ", ".join(x.text for x in xs) + ("," if len(xs) == 1 else "")
    return call(_function(vertex), f"({inner})", axis=axis or None)


@ARRAYS.of(shape.tile)
def _tile(speller: Speller, vertex: Apply, x: Text, reps: tuple[int, ...]) -> Text:
    return call("np.tile", x, literal(reps[0] if len(reps) == 1 else reps))


@ARRAYS.of(shape.repeat)
def _repeat(speller: Speller, vertex: Apply, x: Text, repeats: Any, axis: int) -> Text:
    return call("np.repeat", x, speller.constants.text(repeats), axis=axis)


@ARRAYS.of(shape.flip)
def _flip(speller: Speller, vertex: Apply, x: Text, axis: tuple[int, ...] | None = None) -> Text:
    if axis == (0,) or (axis is None and vertex.ndim == 1):
        return subscript(x, "::-1")
    return call("np.flip", x, axis=_axis(axis))


@ARRAYS.of(shape.roll)
def _roll(speller: Speller, vertex: Apply, x: Text, shift: Any, axis: Any) -> Text:
    return call("np.roll", x, literal(shift), axis=axis)


@ARRAYS.of(shape.pad)
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


@ARRAYS.of(shape.tril, shape.triu, shape.diag)
def _triangle(speller: Speller, vertex: Apply, x: Text, k: int = 0) -> Text:
    return call(_function(vertex), x, *([literal(k)] if k else []))


@ARRAYS.of(shape.diagonal, shape.trace)
def _diagonal(
    speller: Speller, vertex: Apply, x: Text, offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Text:
    axes = {} if (axis1, axis2) == (0, 1) else {"axis1": axis1, "axis2": axis2}
    return call(_function(vertex), x, offset=offset or None, **axes)


@ARRAYS.of(
    reduction.cumsum,
    reduction.cumprod,
    indexing.sort,
    indexing.argsort,
    reduction.argmax,
    reduction.argmin,
)
def _along(speller: Speller, vertex: Apply, x: Text, axis: Any = None, **options: Any) -> Text:
    if options.get("kind") == "stable":
        options["kind"] = atom('"stable"')
    options["keepdims"] = options.get("keepdims") or None
    usual = axis is None or (axis == 0 and vertex.operands[0].ndim == 1 and axis is not False)
    return call(_function(vertex), x, axis=None if usual else axis, **options)


# Contractions.


@ARRAYS.of(
    contraction.dot, contraction.inner, contraction.outer, contraction.vdot, contraction.kron
)
def _product(speller: Speller, vertex: Apply, a: Text, b: Text) -> Text:
    ranks = tuple(x.ndim for x in vertex.operands)
    if vertex.operation is contraction.dot and max(ranks) <= 2:
        return infix("@", a, b)
    return call(_function(vertex), a, b)


@ARRAYS.of(contraction.tensordot)
def _tensordot(speller: Speller, vertex: Apply, a: Text, b: Text, axes: Any) -> Text:
    return call("np.tensordot", a, b, axes=tuple(_axis(tuple(k)) for k in axes))


@ARRAYS.of(contraction.einsum)
def _einsum(
    speller: Speller, vertex: Apply, *xs: Text, subscripts: str, optimize: Any = False
) -> Text:
    return call("np.einsum", f'"{subscripts}"', *xs, optimize=optimize or None)
