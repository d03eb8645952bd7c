"""What takes more than one expression: writing at an index, and values that are used twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.kinds import astype, guarded_multiply
from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Constant, Vertex, is_operation, topological
from chainrule.graph.rewrite import uses
from chainrule.operations.elementwise import add, negative, square, subtract
from chainrule.operations.indexing import scatter_add, set_at
from chainrule.operations.shape import embed_diagonal
from chainrule.staged.speller import Speller, is_array
from chainrule.staged.spelling_indexing import index_text
from chainrule.staged.text import call, literal, method

__all__ = ["scatter_index", "shared_subexpressions", "statements_for", "takes_statements"]

Statements: TypeAlias = "Callable[[str, Apply, Speller], list[str]]"


def _scatter_add(name: str, vertex: Apply, speller: Speller) -> list[str]:
    x, *arrays = (speller.text(v) for v in vertex.operands)
    index = index_text(vertex.params["index"], tuple(arrays), len(vertex.params["shape"]))
    zeros = _zeros(vertex.params["shape"], vertex.value)
    if _may_repeat(vertex):
        return [f"{name} = {zeros}", f"np.add.at({name}, {_as_argument(index)}, {x.text})"]
    return [f"{name} = {zeros}", f"{name}[{index}] = {x.text}"]


def _set_at(name: str, vertex: Apply, speller: Speller) -> list[str]:
    x, v, *arrays = (speller.text(operand) for operand in vertex.operands)
    index = index_text(vertex.params["index"], tuple(arrays), len(shape_of(vertex.value)))
    copy = method(x, "copy") if is_array(vertex) else call("np.array", x)
    return [f"{name} = {copy.text}", f"{name}[{index}] = {v.text}"]


def _embed_diagonal(name: str, vertex: Apply, speller: Speller) -> list[str]:
    x = speller.text(vertex.operands[0])
    offset = vertex.params.get("offset", 0)
    axes = vertex.params.get("axis1", 0), vertex.params.get("axis2", 1)
    shape = vertex.params["shape"]
    rows = max(-offset, 0)
    n = vertex.operands[0].value.shape[-1]
    moved = (
        name
        if axes == (len(shape) - 2, len(shape) - 1)
        else (f"np.moveaxis({name}, {axes}, (-2, -1))")
    )
    lead = "" if len(shape) == 2 else "..., "
    first, second = _steps(rows, n), _steps(rows + offset, n)
    return [
        f"{name} = {_zeros(shape, vertex.value)}",
        f"{moved}[{lead}{first}, {second}] = {x.text}",
    ]


def _steps(start: int, count: int) -> str:
    return f"np.arange({count})" if start == 0 else f"np.arange({start}, {start + count})"


def _zeros(shape: tuple[int, ...], value: np.ndarray) -> str:
    dtype = [] if value.dtype == np.float64 else [f"np.{value.dtype.name}"]
    return call("np.zeros", literal(shape[0] if len(shape) == 1 else shape), *dtype).text


#: Operation -> the statements that assign its value to a variable.
STATEMENTS: dict[Operation, Statements] = {
    scatter_add: _scatter_add,
    set_at: _set_at,
    embed_diagonal: _embed_diagonal,
}


def takes_statements(vertex: Vertex) -> bool:
    """Tell whether a vertex cannot be written as one expression."""
    return isinstance(vertex, Apply) and vertex.operation in STATEMENTS


def statements_for(name: str, vertex: Vertex, speller: Speller) -> list[str]:
    """Return the statements that assign a vertex to a variable."""
    if isinstance(vertex, Apply) and vertex.operation in STATEMENTS:
        return STATEMENTS[vertex.operation](name, vertex, speller)
    return [f"{name} = {speller.text(vertex).text}"]


def scatter_index(vertex: Vertex) -> Callable[[Speller], tuple[str, bool]] | None:
    """Return where a vertex adds to a gradient, if it is zero everywhere else.

    The function returned gives the index as text, and whether it may name an entry twice.
    """
    if not isinstance(vertex, Apply) or vertex.operation is not scatter_add:
        return None

    def place(speller: Speller) -> tuple[str, bool]:
        arrays = tuple(speller.text(x) for x in vertex.operands[1:])
        repeats = _may_repeat(vertex)
        text = index_text(vertex.params["index"], arrays, len(vertex.params["shape"]))
        return (_as_argument(text) if repeats else text), repeats

    return place


def _as_argument(index: str) -> str:
    """Write an index where no brackets are around it."""
    if ":" in index or "..." in index:
        return f"np.s_[{index}]"
    return f"({index})" if "," in index else index


def _may_repeat(vertex: Apply) -> bool:
    """Tell whether an index may name an entry twice; not where one of its arrays counts up."""
    indices = vertex.operands[1:]
    arrays = [np.asarray(x.value) for x in indices]
    if all(a.ndim == 1 and a.dtype.kind in "iu" for a in arrays) and any(
        isinstance(x, Constant)
        and np.unique(a).size == max(map(np.size, arrays))
        and len(set(np.signbit(a).tolist())) == 1  # 0 and -1 may be the same
        for x, a in zip(indices, arrays, strict=True)
    ):
        return False
    return any(a.ndim > 0 and a.dtype.kind in "iu" for a in arrays)


def shared_subexpressions(outputs: Iterable[Vertex], also: Collection[Vertex] = ()) -> list[Vertex]:
    """Choose the vertices that need a name: statements inside an expression, and costly repeats.

    Args:
        outputs: the graph.
        also: vertices that get a name in any case.
    """
    outputs = list(outputs)
    vertices = topological(outputs)
    count = uses(outputs)
    for vertex in vertices:
        if is_operation(vertex, guarded_multiply):  # its first operand is written twice
            count[vertex.operands[0]] += 1
    for vertex in reversed(vertices):
        if is_operation(vertex, negative):  # a sign is written where it is used
            count[vertex.operands[0]] += count[vertex] - 1
            count[vertex] = 1
    roots = set(outputs)
    sizes: dict[Vertex, int] = {}
    costly: dict[Vertex, bool] = {}
    chosen: list[Vertex] = []
    for vertex in vertices:
        if not isinstance(vertex, Apply):
            sizes[vertex], costly[vertex] = 0, False
            continue
        operation = vertex.operation
        sizes[vertex] = 1 + sum(sizes[x] for x in vertex.operands)
        costly[vertex] = not _is_cheap(operation) or any(costly[x] for x in vertex.operands)
        scatters = operation is scatter_add
        statement = operation in STATEMENTS and (vertex not in roots or not scatters)
        if scatters and vertex not in roots:
            statement = not _is_term(vertex, outputs)
        short = 1 if shape_of(vertex.value) else 2
        repeated = count[vertex] > 1 and (costly[vertex] or sizes[vertex] > short)
        if statement or repeated or vertex in also:
            chosen.append(vertex)
            sizes[vertex], costly[vertex] = 0, False
    return chosen


def _is_cheap(operation: Operation) -> bool:
    """Tell whether computing it again costs little: arithmetic, comparisons and views."""
    arithmetic = operation.entrywise and operation.symbol is not None
    return arithmetic or operation.view or operation in (square, astype)


def _is_term(vertex: Vertex, outputs: list[Vertex]) -> bool:
    """Tell whether a vertex is a term of a sum that an output is."""
    stack = list(outputs)
    while stack:
        x = stack.pop()
        if x is vertex:
            return True
        if isinstance(x, Apply) and x.operation in (add, subtract, negative):
            stack.extend(x.operands)
    return False
