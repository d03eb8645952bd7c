"""What takes more than one expression: writing at an index, and values that are used twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeAlias, TypeGuard

import numpy as np

from chainrule.core.kinds import guarded_multiply
from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Constant, Vertex, is_operation, topological
from chainrule.graph.rewrite import uses
from chainrule.operations.elementwise import add, negative, subtract
from chainrule.operations.indexing import scatter_add, set_at
from chainrule.operations.shape import embed_diagonal
from chainrule.staged.lines import statement
from chainrule.staged.partition import is_cheap
from chainrule.staged.speller import Speller, is_array
from chainrule.staged.spelling_indexing import index_text
from chainrule.staged.text import call, literal, method
from chainrule.staged.writes import is_fresh, may_repeat

__all__ = ["copy_of", "is_scatter", "shared_subexpressions", "statements_for", "takes_statements"]

Statements: TypeAlias = "Callable[[str, Apply, Speller], list[str]]"


def _scatter_add(name: str, vertex: Apply, speller: Speller) -> list[str]:
    x, *arrays = vertex.operands
    index = index_text(speller, vertex.params["index"], arrays, vertex.ndim)
    repeats = may_repeat(vertex)
    place = statement(f"{name}[{index}]", "+=" if repeats else "=", speller.text(x).text, repeats)
    return [f"{name} = {_zeros(vertex.params['shape'], vertex.value)}", place]


def _set_at(name: str, vertex: Apply, speller: Speller) -> list[str]:
    x, v, *arrays = vertex.operands
    index = index_text(speller, vertex.params["index"], arrays, vertex.ndim)
    return [f"{name} = {copy_of(x, speller)}", f"{name}[{index}] = {speller.text(v).text}"]


def copy_of(x: Vertex, speller: Speller) -> str:
    """Write a copy of an array, or the array itself where nothing else refers to it."""
    if isinstance(x, Constant):
        text = speller.constants.buffer(x.value)
        held = speller.constants.is_held(x.value, text)
        return method(text, "copy").text if held else text.text
    text = speller.text(x)
    if x.ndim and is_fresh(x):  # without axes it is a number
        return text.text
    return (method(text, "copy") if is_array(x) else call("np.array", text)).text


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


def is_scatter(vertex: Vertex) -> TypeGuard[Apply]:
    """Tell whether a vertex adds to some entries of a gradient, and is zero everywhere else."""
    return is_operation(vertex, scatter_add)


def shared_subexpressions(
    outputs: Iterable[Vertex], also: Collection[Vertex] = (), assigned: bool = False
) -> list[Vertex]:
    """Choose the vertices that need a name: statements inside an expression, and costly repeats.

    Args:
        outputs: the graph.
        also: vertices that get a name in any case.
        assigned: the outputs are written as they are; gradients are added up, term by term.
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
        costly[vertex] = not is_cheap(operation) or any(costly[x] for x in vertex.operands)
        scatters = operation is scatter_add
        statement = operation in STATEMENTS
        if scatters and not assigned:
            statement = vertex not in roots and not _is_term(vertex, outputs, count)
        short = 1 if vertex.shape else 2
        repeated = count[vertex] > 1 and (costly[vertex] or sizes[vertex] > short)
        if statement or repeated or vertex in also:
            chosen.append(vertex)
            sizes[vertex], costly[vertex] = 0, False
    return chosen


def _is_term(vertex: Vertex, outputs: list[Vertex], count: Mapping[Vertex, int]) -> bool:
    """Tell whether a vertex is a term of a sum that an output is, and nothing else."""
    stack = list(outputs)
    while stack:
        x = stack.pop()
        if x is vertex:
            return True
        if isinstance(x, Apply) and x.operation in (add, subtract, negative) and count[x] == 1:
            stack.extend(x.operands)
    return False
