"""Complex numbers as pairs of real ones, so that registers hold all that a program computes with.

In memory an array of complex numbers is one of real numbers with a further axis, the last, of
length 2. What a program takes, returns, and lets NumPy compute is such an array; everything in
between is a pair of vertices. What becomes of an operation stands in its row: it works on the parts
(``by_parts``), or is made of real operations (``cartesian``).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.core.complex_parts import cartesian, imag
from chainrule.core.kinds import astype, broadcast_to, real
from chainrule.core.linear import Linear
from chainrule.core.operation import Operation
from chainrule.core.placeholder import Placeholder, is_array
from chainrule.graph.formula import traced
from chainrule.graph.graph import Apply, Constant, Input, Vertex, copied
from chainrule.graph.placeholder import cast, full, make
from chainrule.graph.rewrite import with_operands
from chainrule.native.lower import pair_products
from chainrule.native.lower.transforms import ON_MEMORY
from chainrule.native.record.program import Family, Program
from chainrule.operations import contraction, elementwise, fft, indexing
from chainrule.operations import shape as shapes

__all__ = ["in_pairs", "pairs_of"]

#: The dtype of a part, by that of the complex number.
_PARTS: dict[np.dtype[Any], np.dtype[Any]] = {
    np.dtype(np.complex64): np.dtype(np.float32),
    np.dtype(np.complex128): np.dtype(np.float64),
}


def in_pairs(program: Program) -> Program:
    """Return a program of real numbers that does the same; itself if there are no others.

    Its inputs, captured arrays and outputs lie in memory as those of the program do.
    """
    dtypes = {vertex.dtype for vertex in (*program.inputs, *program.vertices())}
    if not any(dtype.kind == "c" for dtype in dtypes):
        return program
    if not all(dtype in _PARTS for dtype in dtypes if dtype.kind == "c"):
        return program  # of extended precision
    pairs = _Pairs()
    inputs = tuple(map(pairs.whole, program.inputs))
    captured = tuple(map(pairs.whole, program.captured))
    asked = [vertex for conditions in program.conditions for vertex in conditions]
    pairs.settle([*program.outputs, *(vertex for vertex, _ in program.guards), *asked])
    family = program.family
    if family is not None:
        family = Family(tuple(map(in_pairs, family.programs)), family.turns, family.trips)
    return replace(
        program,
        inputs=inputs,  # type: ignore[arg-type]
        captured=captured,  # type: ignore[arg-type]
        outputs=tuple(map(pairs.whole, program.outputs)),
        guards=tuple((pairs.whole(vertex), seen) for vertex, seen in program.guards),
        conditions=tuple(tuple(map(pairs.whole, asked)) for asked in program.conditions),
        family=family,
    )


def pairs_of(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array of complex numbers as one of real numbers, in the same memory if possible."""
    x = np.ascontiguousarray(x)
    return x.reshape(-1).view(_PARTS[x.dtype]).reshape(*x.shape, 2)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A complex number: its real and its imaginary part, of the same shape and dtype."""

    real: Vertex
    imag: Vertex


class _Pairs:
    """Makes pairs of vertices.

    Attributes:
        done: what each vertex has become.
    """

    def __init__(self) -> None:
        self.done: dict[Vertex, Vertex | _Pair] = {}
        self._whole: dict[Vertex, Vertex] = {}

    def settle(self, vertices: Iterable[Vertex]) -> None:
        """Make pairs of all that some vertices need."""
        stack = list(vertices)
        while stack:
            vertex = stack[-1]
            if vertex in self.done:
                stack.pop()
                continue
            operands = vertex.operands if isinstance(vertex, Apply) else ()
            missing = [x for x in operands if x not in self.done]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            self.done[vertex] = self._made(vertex)

    def whole(self, vertex: Vertex) -> Vertex:
        """Return a vertex as it lies in memory."""
        if vertex in self._whole:
            return self._whole[vertex]
        self.settle([vertex])
        if vertex in self._whole:  # a leaf, or what NumPy computes
            return self._whole[vertex]
        found = self.done[vertex]
        if isinstance(found, _Pair):
            found = _stacked(found)
        self._whole[vertex] = found
        return found

    # One vertex.

    def _made(self, vertex: Vertex) -> Vertex | _Pair:
        operands = vertex.operands if isinstance(vertex, Apply) else ()
        if not any(x.dtype.kind == "c" for x in (vertex, *operands)):
            return with_operands(vertex, self.done)  # type: ignore[arg-type]
        if isinstance(vertex, Input):
            return self._read(vertex, Input(vertex.name, _in_memory(vertex)))
        if isinstance(vertex, Constant):
            return self._constant(vertex)
        found = self._simple(vertex)
        if found is None and vertex.operation.cartesian is not None:
            found = self._traced(vertex)
        if found is None and _works_by_parts(vertex):
            found = self._by_parts(vertex)
        return self._called(vertex) if found is None else _fitting(found, vertex)

    def _real(self, vertex: Vertex) -> Vertex:
        """Return a vertex of real numbers, or the real part of one of complex numbers."""
        found = self.done[vertex]
        return found.real if isinstance(found, _Pair) else found

    def _pair(self, vertex: Vertex) -> _Pair:
        found = self.done[vertex]
        if isinstance(found, _Pair):
            return found
        return _Pair(found, full(0, found.dtype, found.shape))

    def _read(self, vertex: Vertex, memory: Vertex) -> _Pair:
        """Return the parts of what is in memory."""
        self._whole[vertex] = memory
        dtype, size = memory.dtype, memory.shape[:-1]
        parts = [make(indexing.getitem, [memory], dtype, size, index=(..., k)) for k in range(2)]
        return _Pair(*parts)

    def _constant(self, vertex: Constant) -> _Pair:
        value = vertex.value
        if not is_array(value):
            return _Pair(Constant(value.real), Constant(value.imag))
        if vertex.literal:
            return _Pair(Constant(value.real.copy(), True), Constant(value.imag.copy(), True))
        return self._read(vertex, Constant(pairs_of(value)))

    def _simple(self, vertex: Apply) -> Vertex | _Pair | None:
        """Return what takes numbers apart, and puts them together."""
        operation = vertex.operation
        first = vertex.operands[0]
        if operation is real:
            return self._real(first)
        if operation is imag:
            return self._pair(first).imag
        if operation is astype and vertex.dtype.kind in "fc":
            return self._pair(first) if vertex.dtype.kind == "c" else self._real(first)
        if operation is cartesian and not any(x.dtype.kind == "c" for x in vertex.operands):
            return _Pair(*map(self._real, vertex.operands))
        return None

    def _traced(self, vertex: Apply) -> Vertex | _Pair | None:
        """Return what a row says that its operation is made of."""
        form, operands = vertex.operation.cartesian, vertex.operands
        assert form is not None
        numbers = {
            k: x.value
            for k, x in enumerate(operands)
            if isinstance(x, Constant) and not is_array(x.value) and x.dtype.kind != "c"
        }

        def filled(*given: Any, **params: Any) -> Any:
            rest = iter(given)
            xs = [numbers[k] if k in numbers else next(rest) for k in range(len(operands))]
            return form(*xs, **params)

        rest = [x for k, x in enumerate(operands) if k not in numbers]
        found = traced(filled, *rest, **vertex.params)
        if found is None:
            return None
        self.settle([found])
        return self.done[found]

    def _by_parts(self, vertex: Apply) -> Vertex | _Pair | None:
        """Return what an operation makes of the parts; None if other operands are complex."""
        operation, operands = vertex.operation, vertex.operands
        active = [k for k in range(len(operands)) if operation.flows(k)]
        if any(x.dtype.kind == "c" for k, x in enumerate(operands) if k not in active):
            return None
        params = dict(vertex.params)
        if "dtype" in params:
            params["dtype"] = _PARTS.get(np.dtype(params["dtype"]), params["dtype"])

        def of(parts: dict[int, Vertex]) -> Vertex:
            given = tuple(parts.get(k) or self._real(x) for k, x in enumerate(operands))
            value = _part(vertex)
            return Apply(operation, given, params, value)

        pairs = {k: self._pair(operands[k]) for k in active}
        if operation in (contraction.matmul, contraction.dot):
            product = self._product(vertex)
            if product is not None:
                return product
        if isinstance(operation, Linear) and operation.multilinear:
            found = [k for k in active if operands[k].dtype.kind == "c"]
            if len(found) > 2:
                return None
            if len(found) == 1:
                (k,) = found
                return _Pair(of({k: pairs[k].real}), of({k: pairs[k].imag}))
            j, k = found
            (a, b), (c, d) = ((pairs[x].real, pairs[x].imag) for x in (j, k))
            value = _part(vertex)
            return _Pair(
                Apply(elementwise.subtract, (of({j: a, k: c}), of({j: b, k: d})), {}, value),
                Apply(elementwise.add, (of({j: a, k: d}), of({j: b, k: c})), {}, value),
            )
        return _Pair(
            of({k: x.real for k, x in pairs.items()}), of({k: x.imag for k, x in pairs.items()})
        )

    def _product(self, vertex: Apply) -> _Pair | None:
        """Return a product of matrices by one of real ones, in memory."""
        a, b = vertex.operands
        if b.dtype.kind != "c" or not pair_products.fits(a.shape, b.shape):
            return None
        made, dtype = _in_memory(vertex), _PARTS[vertex.dtype]
        if a.dtype.kind == "c":
            parts = self._pair(b)
            found = pair_products.of_complex(
                cast(self.whole(a), dtype),
                (cast(parts.real, dtype), cast(parts.imag, dtype)),
                made.shape,
            )
        else:
            given = cast(self._real(a), dtype)
            found = pair_products.of_real(given, cast(self.whole(b), dtype), made.shape)
        return self._read(vertex, found)

    def _called(self, vertex: Apply) -> Vertex | _Pair:
        """Let NumPy compute an operation, of complex numbers in memory."""
        if vertex.operation in ON_MEMORY:
            return self._transformed(vertex)
        which = tuple(x.dtype.kind == "c" for x in vertex.operands)
        operation = _on_memory(vertex.operation, which, vertex.dtype)
        operands = tuple(map(self.whole, vertex.operands))
        if vertex.dtype.kind != "c":
            return Apply(operation, operands, vertex.params, vertex.value)
        return self._read(vertex, Apply(operation, operands, vertex.params, _in_memory(vertex)))

    def _transformed(self, vertex: Apply) -> Vertex | _Pair:
        """Let a loop of NumPy's transform lines that lie in memory."""
        (x,) = vertex.operands
        if vertex.operation is fft.rfft:
            given = self._real(x)
        else:
            given = self.whole(x) if x.dtype.kind == "c" else _stacked(self._pair(x))
        given = cast(given, _PARTS.get(vertex.dtype, vertex.dtype))
        transform = ON_MEMORY[vertex.operation]
        if vertex.dtype.kind != "c":
            return Apply(transform, (given,), vertex.params, vertex.value)
        return self._read(vertex, Apply(transform, (given,), vertex.params, _in_memory(vertex)))


def _works_by_parts(vertex: Apply) -> bool:
    """Tell whether an operation may work on the parts, and the result has both."""
    operation = vertex.operation
    if vertex.dtype.kind != "c":
        return False
    return (
        operation.by_parts
        or operation.moves
        or (operation.reduces and isinstance(operation, Linear))
    )


def _in_memory(vertex: Vertex) -> Placeholder:
    """Return what stands for complex numbers in memory."""
    return Placeholder((*vertex.shape, 2), _PARTS[vertex.dtype])


def _part(vertex: Vertex) -> Any:
    """Return what stands for a part of a complex number."""
    value = vertex.value
    if is_array(value) or not isinstance(value, (complex, np.complexfloating)):
        return Placeholder(vertex.shape, _PARTS[vertex.dtype])
    return value.real


def _fitting(found: Vertex | _Pair, vertex: Apply) -> Vertex | _Pair:
    """Give what replaces a vertex the shape and the dtype that it has."""
    if vertex.dtype.kind != "c":
        x = _shaped(found.real if isinstance(found, _Pair) else found, vertex.shape, vertex.dtype)
        if type(vertex.value) is type(x.value):
            return x
        if not isinstance(x, Apply):
            x = copied(x)
        return Apply(x.operation, x.operands, x.params, vertex.value)
    parts = (found.real, found.imag) if isinstance(found, _Pair) else (found, Constant(0.0))
    return _Pair(*(_shaped(x, vertex.shape, _PARTS[vertex.dtype]) for x in parts))


def _shaped(x: Vertex, size: tuple[int, ...], dtype: np.dtype[Any]) -> Vertex:
    if isinstance(x, Constant) and not is_array(x.value):
        return full(x.value, dtype, size) if size else Constant(dtype.type(x.value))
    x = cast(x, dtype)
    return x if x.shape == size else make(broadcast_to, [x], dtype, size, shape=size)


def _stacked(pair: _Pair) -> Vertex:
    """Return both parts in one array."""
    parts = [pair.real, pair.imag]
    size = (*pair.real.shape, 2)
    return make(shapes.stack, parts, pair.real.dtype, size, axis=len(size) - 1)


@functools.lru_cache(maxsize=1024)
def _on_memory(operation: Operation, which: tuple[bool, ...], dtype: np.dtype[Any]) -> Operation:
    """Return an operation as NumPy computes it, of complex numbers that lie in memory as pairs."""
    whole = {part: dtype for dtype, part in _PARTS.items()}

    def compute(*operands: Any, **params: Any) -> Any:
        given = [
            x.reshape(-1).view(whole[x.dtype]).reshape(x.shape[:-1])[()] if is_complex else x
            for x, is_complex in zip(operands, which, strict=True)
        ]
        found = operation.compute(*given, **params)
        return pairs_of(np.asarray(found, dtype)) if dtype.kind == "c" else found

    compute.__module__ = getattr(operation.compute, "__module__", None) or ""
    return Operation(operation.name, compute, shaped_by=operation.shaped_by)
