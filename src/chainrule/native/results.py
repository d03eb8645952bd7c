"""What a program has to compute: its results and guards, each into memory of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.core.kinds import astype
from chainrule.core.placeholder import Placeholder, is_array
from chainrule.graph.graph import Apply, Vertex, copied
from chainrule.native.lower.primitives import as_primitives
from chainrule.native.lower.roles import in_memory
from chainrule.native.lower.rolled import Rolled
from chainrule.native.record.program import Program

__all__ = ["Results", "results_of", "wanted_of"]


@dataclass(frozen=True)
class Results:
    """The results and guards of a program, in terms of primitives.

    Attributes:
        distinct: the results, each once.
        numbers: which of them each output of the program is.
        guards: what Python looked at.
        unrolled: why loops that were found are none any more.
    """

    distinct: list[Apply]
    numbers: list[int]
    guards: list[Apply]
    unrolled: list[str]

    @property
    def vertices(self) -> list[Apply]:
        """All of them, in the order of their buffers."""
        return [*self.distinct, *self.guards]

    def renewed(self, vertices: Sequence[Vertex]) -> Results:
        """Return the results with other vertices in their places."""
        made = [vertex for vertex in vertices if isinstance(vertex, Apply)]
        count = len(self.distinct)
        return Results(made[:count], self.numbers, made[count:], self.unrolled)


def wanted_of(program: Program) -> list[Vertex]:
    """Return what a program computes: its outputs, and its guards as bytes."""
    return [*program.outputs, *(_as_guard(vertex) for vertex, _ in program.guards)]


def results_of(program: Program, wanted: Rolled) -> Results:
    """Rewrite what a program computes into primitives.

    Args:
        program: the program.
        wanted: what `wanted_of` it returns, in terms of loops.
    """
    vertices = as_primitives(wanted.outputs)
    computed: dict[Vertex, Apply] = {}
    for vertex in vertices:
        if vertex not in computed:
            computed[vertex] = in_memory(vertex)
    # One result may be there as several types, a float and a float64 say, each in its own place.
    given: dict[tuple[Vertex, type], Apply] = {}
    keys = []
    for vertex, output in zip(vertices, program.outputs, strict=False):
        key = computed[vertex], type(output.value)
        if key not in given:
            result = _for_slot(computed[vertex], output)
            given[key] = result if result not in given.values() else copied(result)
        keys.append(key)
    distinct = list(given.values())
    numbers = [list(given).index(key) for key in keys]
    # A guard may be an output, too, and still has a place of its own.
    copies = [copied(vertex) for vertex in vertices[len(keys) :]]
    return Results(distinct, numbers, copies, wanted.unrolled)


def _for_slot(vertex: Apply, output: Vertex) -> Apply:
    """Widen an integer to the eight bytes of its slot."""
    dtype = output.dtype
    if is_array(output.value) or dtype.kind not in "iu" or dtype.itemsize == 8:
        return vertex
    wide = np.dtype(f"{dtype.kind}8")
    return Apply(astype, (vertex,), {"dtype": wide}, np.asarray(output.value).astype(wide)[()])


def _as_guard(vertex: Vertex) -> Vertex:
    """Return what a guard compares, as eight bytes."""
    dtype = np.dtype(np.float64 if vertex.dtype.kind == "f" else np.int64)
    value = Placeholder(vertex.shape, dtype)
    return Apply(astype, (vertex,), {"dtype": dtype}, value)
