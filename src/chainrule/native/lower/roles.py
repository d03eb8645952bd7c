"""What a vertex is to the scheduler, and where a view's entries lie in memory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

import numpy as np

from chainrule.core.kinds import broadcast_to, unbroadcast
from chainrule.graph.graph import Apply, Input, Vertex, copied, fact, is_number
from chainrule.native.ir.access import Access, contiguous
from chainrule.native.ir.combining import COMBINING
from chainrule.native.ir.elements import lowered
from chainrule.native.ir.text import is_native
from chainrule.native.lower.array_loop import ArrayLoop, result
from chainrule.native.lower.gather import accumulated, assigned, gather_of
from chainrule.native.lower.parts import is_basic, joined, window, within
from chainrule.native.lower.transforms import Transform, lines_of
from chainrule.native.lower.turns import Turns
from chainrule.native.lower.windows import nested_product, windows, within_windows
from chainrule.operations import contraction, indexing, reduction
from chainrule.operations import shape as shapes

__all__ = [
    "Role",
    "expected_access",
    "followed",
    "in_memory",
    "number",
    "reduced_axes",
    "role_of",
    "view",
    "viewed",
]


class Role(Enum):
    """How the value of a vertex comes about."""

    NUMBER = auto()  # a constant, or repetitions of one, written into the code
    MEMORY = auto()  # an input, or an array that the function captured
    VIEW = auto()  # the same entries, read with other strides
    ELEMENT = auto()  # one entry from one entry of each operand
    REDUCTION = auto()  # many entries to one
    GATHER = auto()  # one entry from that of an array which indices pick
    JOIN = auto()  # parts, each written where it belongs: see `chainrule.native.lower.parts`
    SCATTER = auto()  # one part, in which entries are then changed where indices say
    PRODUCT = auto()  # a product of matrices or vectors, in tiles or by BLAS
    TRANSFORM = auto()  # of lines, by NumPy's loops: see `chainrule.native.fourier`
    LOOP = auto()  # a loop: see `chainrule.native.lower.turns` and `array_loop` there
    RESULT = auto()  # what a loop over arrays makes
    CALL = auto()  # anything else, by NumPy


def number(vertex: Vertex) -> Any:
    """Return the constant that a vertex is, or repeats."""
    while isinstance(vertex, Apply):
        vertex = vertex.operands[0]
    return vertex.value


_OTHER_NUMBERS = (bool, np.bool_, complex, np.complexfloating)


def role_of(vertex: Vertex) -> Role:
    """Return the role of a vertex."""
    if isinstance(vertex, Apply):
        return _role_of(vertex)
    if isinstance(vertex, Input):
        return Role.MEMORY
    is_other = isinstance(vertex.value, _OTHER_NUMBERS)
    return Role.NUMBER if is_other or is_number(vertex) else Role.MEMORY


@fact
def _role_of(vertex: Apply) -> Role:
    if lowered(vertex):
        return Role.ELEMENT
    dtypes = [x.dtype for x in (vertex, *vertex.operands)]
    if not all(map(is_native, dtypes)):
        return Role.CALL
    operation = vertex.operation
    if isinstance(operation, (Turns, ArrayLoop)):
        return Role.LOOP
    if operation is result:
        return Role.RESULT
    if operation is joined:
        return Role.JOIN
    if operation in (accumulated, assigned):
        return Role.SCATTER
    if gather_of(vertex) is not None:
        x = vertex.operands[0]
        return Role.CALL if role_of(x) is Role.NUMBER or not x.size else Role.GATHER
    if operation in COMBINING:
        number = all(d.kind == "f" for d in dtypes) or operation is reduction.sum
        boolean = operation in (reduction.any, reduction.all)
        return Role.REDUCTION if number or boolean else Role.CALL
    if isinstance(operation, Transform):
        return Role.CALL if lines_of(vertex) is None else Role.TRANSFORM
    if operation is nested_product:
        return Role.PRODUCT
    if operation is contraction.matmul:
        a, b = (x.ndim for x in vertex.operands)
        first, second = vertex.operands
        alike = a > 2 and b > 2 and first.shape[:-2] == second.shape[:-2]
        same = len(set(dtypes)) == 1 and dtypes[0].kind == "f"
        whole = all(x.size for x in (vertex, *vertex.operands))
        return Role.PRODUCT if (max(a, b) <= 2 or alike) and same and whole else Role.CALL
    if len(vertex.operands) == 1 and _is_view(vertex):
        return Role.NUMBER if role_of(vertex.operands[0]) is Role.NUMBER else Role.VIEW
    return Role.CALL


def reduced_axes(vertex: Apply) -> tuple[tuple[int, ...], tuple[int | None, ...]]:
    """Return the axes of the operand that a reduction sums, and which axis each of its own was.

    None stands for an axis of length 1 that the reduction keeps or adds.
    """
    (x,) = vertex.operands
    size, own = x.shape, vertex.shape
    if vertex.operation is unbroadcast:
        extra = len(size) - len(own)
        kept = [k + extra for k in range(len(own))]
        axes = [*range(extra), *(k for k in kept if own[k - extra] == 1 != size[k])]
        return tuple(axes), tuple(None if k in axes else k for k in kept)
    axis = vertex.params.get("axis")
    if axis is None:
        axes = list(range(len(size)))
    else:
        axes = [k % len(size) for k in ((axis,) if isinstance(axis, int) else axis)]
    if vertex.params.get("keepdims"):
        return tuple(axes), tuple(None if k in axes else k for k in range(len(size)))
    return tuple(axes), tuple(k for k in range(len(size)) if k not in axes)


def view(vertex: Apply, access: Access) -> Access | None:
    """Return where the entries of a view lie, given those of its operand; None if it is none."""
    operation, params, size = vertex.operation, vertex.params, vertex.shape
    if operation is window:
        return within(params["place"], access)
    if operation is windows:
        return within_windows(params, size, access)
    if operation is broadcast_to:
        extra = len(size) - len(access.size)
        strides = (0,) * extra + tuple(
            0 if old == 1 != new else stride
            for stride, old, new in zip(access.strides, access.size, size[extra:], strict=True)
        )
        return access.view(strides, size)
    if operation is shapes.expand_dims:
        rest = iter(access.strides)
        axes = {k % len(size) for k in params["axis"]}
        strides = tuple(0 if k in axes else next(rest) for k in range(len(size)))
        return access.view(strides, size)
    if operation is shapes.squeeze:
        axes = {k % len(access.size) for k in params["axis"]}
        strides = tuple(s for k, s in enumerate(access.strides) if k not in axes)
        return access.view(strides, size)
    if operation is shapes.transpose:
        order = params.get("axes") or tuple(reversed(range(len(size))))
        return access.view(tuple(access.strides[k] for k in order), size)
    if operation is shapes.reshape:
        if is_alias(vertex):
            rest = iter(s for s, n in zip(access.strides, access.size, strict=True) if n != 1)
            strides = tuple(0 if n == 1 else next(rest) for n in size)
            return access.view(strides, size)
        if access.is_contiguous:
            return access.view(contiguous(vertex).strides, size)
        return None
    if operation is indexing.getitem:
        parts = indexing.index_parts(params["index"])
        return _picked(vertex, parts, access) if is_basic(parts) else None
    if operation in (shapes.flip, shapes.diagonal):
        return _tried(vertex, access)
    return None


def _is_view(vertex: Apply) -> bool:
    if vertex.operation is indexing.getitem and is_basic(
        indexing.index_parts(vertex.params["index"])
    ):
        return vertex.size != 0  # and need not be tried
    return view(vertex, contiguous(vertex.operands[0])) is not None


def _picked(vertex: Apply, parts: tuple[Any, ...], access: Access) -> Access | None:
    """Follow what a basic index picks."""
    if not vertex.size:
        return None
    whole = len(access.size) - sum(part is not None and part is not Ellipsis for part in parts)
    rest = zip(access.strides, access.size, strict=True)
    offset, strides = access.offset, list[int]()
    for part in parts:
        if part is None:
            strides.append(0)
        elif part is Ellipsis:
            strides += [stride for stride, _ in itertools.islice(rest, whole)]
        else:
            stride, n = next(rest)
            start, _, step = part.indices(n) if type(part) is slice else (part % n, None, None)
            offset += start * stride
            strides += [] if step is None else [step * stride]
    strides += [stride for stride, _ in rest]
    return access.view(tuple(strides), vertex.shape, offset)


def _tried(vertex: Apply, access: Access) -> Access | None:
    """Follow a view by trying it on an array whose strides tell what happened."""
    if not vertex.size:
        return None
    operation, params = vertex.operation, vertex.params
    if operation is shapes.flip and not vertex.shape:
        return access  # NumPy returns a scalar, which is no view
    origin = np.zeros(1, np.int8)
    x = np.lib.stride_tricks.as_strided(origin, access.size, access.strides)
    picked = operation.compute(x, **params)
    assert _owner(picked) is origin, "a view shares memory with its origin"
    moved = picked.__array_interface__["data"][0] - origin.__array_interface__["data"][0]
    return access.view(picked.strides, vertex.shape, access.offset + moved)


def _owner(x: Any) -> Any:
    """Return the array whose memory an array has, through all views."""
    while getattr(x, "base", None) is not None:
        x = x.base
    return x


def is_alias(vertex: Apply) -> bool:
    """Tell whether a view only adds, drops or repeats axes, so that a kernel sees through it."""
    operation = vertex.operation
    if operation in (broadcast_to, shapes.expand_dims, shapes.squeeze):
        return True
    if operation is shapes.reshape:
        old = tuple(n for n in vertex.operands[0].shape if n != 1)
        return old == tuple(n for n in vertex.shape if n != 1)
    return False


def operand_axes(vertex: Apply, ids: tuple[Any, ...], k: int = 0) -> tuple[Any, ...]:
    """Translate what the axes of a vertex are into what those of operand k are.

    For operations on entries, aliases, and the indices of a gather; ``ids`` has one item per axis,
    and None in the result stands for an axis of length 1.
    """
    old, new = vertex.operands[k].shape, vertex.shape
    operation = vertex.operation
    if operation is shapes.expand_dims:
        axes = {j % len(new) for j in vertex.params["axis"]}
        return tuple(i for j, i in enumerate(ids) if j not in axes)
    if operation is shapes.squeeze:
        axes = {j % len(old) for j in vertex.params["axis"]}
        rest = iter(ids)
        return tuple(None if j in axes else next(rest) for j in range(len(old)))
    if operation is shapes.reshape:
        rest = iter(i for i, n in zip(ids, new, strict=True) if n != 1)
        return tuple(None if n == 1 else next(rest) for n in old)
    extra = len(new) - len(old)
    if operation is indexing.getitem:
        known = gather_of(vertex)
        assert known is not None
        extra = known.start + known.width - len(old)
    return tuple(None if n == 1 else ids[j + extra] for j, n in enumerate(old))


def computed_from(vertex: Apply, role: Role) -> tuple[int, ...]:
    """Return which operands a kernel can compute with: of a gather, all but the array it reads."""
    return tuple(range(1 if role is Role.GATHER else 0, len(vertex.operands)))


def viewed(vertex: Vertex) -> tuple[Vertex, list[Apply]]:
    """Return what a vertex is a view of, and the views."""
    chain: list[Apply] = []
    while role_of(vertex) is Role.VIEW:
        assert isinstance(vertex, Apply)
        chain.append(vertex)
        vertex = vertex.operands[0]
    return vertex, chain[::-1]


def in_memory(vertex: Vertex) -> Apply:
    """Make an output something that is computed, into memory of its own."""
    if isinstance(vertex, Apply) and role_of(vertex) not in (Role.VIEW, Role.NUMBER):
        return vertex
    return copied(vertex)


def expected_access(vertex: Vertex) -> Access | None:
    """Return where the entries of a vertex will lie if what it is a view of is in memory."""
    base, chain = viewed(vertex)
    return followed(contiguous(base), chain)


def followed(access: Access | None, chain: Sequence[Apply]) -> Access | None:
    """Return where the entries of the last of some views lie."""
    for link in chain:
        access = None if access is None else view(link, access)
    return access
