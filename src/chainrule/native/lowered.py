"""A program in terms of primitives and of loops, whether all of its turns are recorded or few."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph.graph import Vertex, copied, is_operation
from chainrule.graph.loops.extrapolate import NotAlikeError
from chainrule.native.lower.factors import factored
from chainrule.native.lower.gather import checks
from chainrule.native.lower.looped import of_long_loops, with_loops
from chainrule.native.lower.primitives import as_primitives
from chainrule.native.lower.put_back import put_back
from chainrule.native.lower.rolled import Rolled, rolled, rolled_long
from chainrule.native.lower.rolled_until import rolled_until
from chainrule.native.record.program import Program
from chainrule.native.results import Results, results_of, wanted_of
from chainrule.operations.indexing import set_at

__all__ = ["lowered"]


def lowered(program: Program) -> tuple[Results, list[Vertex]]:
    """Return the results of a program in terms of primitives, and all that is to be computed.

    Raises:
        NotAlikeError: the recordings of long loops have not one program in common.
    """
    if program.family is None:
        results = results_of(program, rolled(_wanted(program)))
        return results, with_loops(_with_checks(results, program))
    programs = [program, *program.family.programs]
    wanted = [_wanted(one) for one in programs]
    leaves = _leaves(programs)
    if program.family.trips:
        try:
            return _of_numbers(programs, wanted, leaves)
        except NotAlikeError:
            return _until(programs, wanted, leaves)
    turns = program.family.turns
    found = rolled_long(wanted, leaves, turns)
    if found is None:
        try:
            return _of_numbers(programs, wanted, leaves)
        except NotAlikeError:
            found = rolled_long(wanted, leaves, turns, every=True)
            assert found is not None
    results = results_of(program, found)
    return results, with_loops(_with_checks(results, program))


def _wanted(program: Program) -> list[Vertex]:
    return factored(put_back(wanted_of(program)))


def _with_checks(results: Results, program: Program) -> list[Vertex]:
    """Return results, and whether all indices were in range (`chainrule.native.lower.gather`)."""
    return [*results.vertices, *checks(results.vertices, {*program.captured})]


def _leaves(programs: Sequence[Program]) -> dict[Vertex, Vertex]:
    """Return the first program's leaf for each of all programs."""
    own: list[Vertex] = [*programs[0].inputs, *programs[0].captured]
    leaves: dict[Vertex, Vertex] = {}
    for program in programs:
        leaves.update(zip([*program.inputs, *program.captured], own, strict=True))
    return leaves


def _of_numbers(
    programs: Sequence[Program], wanted: Sequence[list[Vertex]], leaves: dict[Vertex, Vertex]
) -> tuple[Results, list[Vertex]]:
    """Do the same for loops over numbers, which are folded as primitives."""
    (program, *others) = programs
    assert program.family is not None
    results = results_of(program, Rolled(wanted[0], []))
    graphs = [_with_checks(results, program)]
    for other, given in zip(others, wanted[1:], strict=True):
        again = results_of(other, Rolled(given, []))
        if again.numbers != results.numbers:
            raise NotAlikeError("another number of results")
        graphs.append(_with_checks(again, other))
    family = program.family
    if any(is_operation(x, set_at) for x in program.vertices()):
        # In few turns what is read may all be from before the loop; that is forwarded already.
        family.turns.doubts.append("single entries of an array are written")
    asked = zip(*(each.conditions for each in programs), strict=True)
    conditions = [[as_primitives(graph) for graph in graphs] for graphs in asked]
    vertices, guards = of_long_loops(graphs, conditions, leaves, family)
    first = len(results.distinct)
    for trips, guard in zip(family.trips, guards, strict=True):
        vertices[first + trips.guard] = copied(guard)
    return results, vertices


def _until(
    programs: Sequence[Program], wanted: Sequence[list[Vertex]], leaves: dict[Vertex, Vertex]
) -> tuple[Results, list[Vertex]]:
    """Do the same where loops over arrays go on until a condition fails."""
    program = programs[0]
    assert program.family is not None
    asked = list(zip(*(each.conditions for each in programs), strict=True))
    found, guards = rolled_until(wanted, asked, leaves, program.family)
    for trips, guard in zip(program.family.trips, guards, strict=True):
        found.outputs[len(program.outputs) + trips.guard] = guard
    results = results_of(program, found)
    return results, _with_checks(results, program)
