"""Folding changes nothing: unfolded it is the same graph, and it computes the same to the last bit.

What is folded are recorded runs with their backward passes, of functions and of gradients.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import trees
from chainrule.core.array import Array
from chainrule.core.backward import backward
from chainrule.core.node import Leaf, Node
from chainrule.core.reach import ancestors
from chainrule.graph.graph import Apply, Constant, Input, Vertex, from_nodes, topological
from chainrule.graph.loops.affine import skeleton
from chainrule.graph.loops.loop import Loop, compute
from chainrule.graph.loops.unfold import unfold
from chainrule.graph.loops.vertices import fold
from chainrule.graph.tracing import trace
from tests.programs import golden, random_loops, scientific
from tests.programs.loops import PROGRAMS, pendulum
from tests.programs.random_shapes import shaped_program
from tests.programs.random_staged import defined, programs
from tests.programs.scientific import matrices

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
each_loop = pytest.mark.parametrize("name", PROGRAMS)


class Recorded:
    """The graph of a run and its backward pass."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any]) -> None:
        with np.errstate(all="ignore"):
            traced = trace(f, args)
            leaves = [a.node for a in traced.arguments if a.node is not None]
            known: dict[Node, Vertex] = {
                a.node: Input(a.name, a.value) for a in traced.arguments if a.node is not None
            }
            output = traced.output
            wanted: list[Node] = []
            if type(output) is Array:
                g = Leaf(traced.recording)
                one = np.ones_like(output.value) if np.ndim(output.value) else 1.0
                known[g] = Input("g", one)
                pulled = backward([(output, Array(one, g))], leaves)
                found = (output, *pulled)
                wanted = [x.node for x in found if type(x) is Array and x.node is not None]
            traced.end()
        alive = set(ancestors(wanted))
        nodes = [node for node in traced.nodes if node in alive and node not in known]
        made = dict(zip(nodes, from_nodes(nodes, known), strict=True))
        self.order: list[Vertex] = list(made.values())
        self.outputs = [made.get(node) or known[node] for node in wanted]
        self.inputs = [x for x in known.values() if isinstance(x, Input)]

    def folded(self, in_order: bool) -> list[Vertex]:
        return fold(self.outputs, self.order if in_order else None)


def within(outputs: Iterable[Vertex]) -> Iterator[Vertex]:
    """Yield all vertices, those in loops too."""
    for vertex in topological(outputs):
        yield vertex
        if isinstance(vertex, Apply) and isinstance(vertex.operation, Loop):
            loop = vertex.operation
            yield from within([*(c.result for c in loop.carried), *(k.result for k in loop.kept)])


def loops(outputs: Iterable[Vertex]) -> list[Loop]:
    found = (x.operation for x in within(outputs) if isinstance(x, Apply))
    return [operation for operation in found if isinstance(operation, Loop)]


def numbered(outputs: Sequence[Vertex], numbers: dict[Any, int]) -> list[int]:
    """Number vertices so that those which compute the same in the same way have one number."""
    found: dict[Vertex, int] = {}
    for vertex in topological(outputs):
        key: Any = vertex
        if isinstance(vertex, Constant):
            x = vertex.value
            key = id(x) if isinstance(x, np.ndarray) else (type(x), repr(x))
        elif isinstance(vertex, Apply):
            ints: list[int] = []
            params = skeleton(vertex.params, ints)
            operands = tuple(found[x] for x in vertex.operands)
            key = (vertex.operation, params, *ints, operands)
        found[vertex] = numbers.setdefault(key, len(numbers))
    return [found[output] for output in outputs]


def assert_same_values(a: Sequence[Any], b: Sequence[Any]) -> None:
    for x, y in zip(a, b, strict=True):
        assert type(x) is type(y)
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()


def check(
    f: Callable[..., Any], args: Sequence[Any], scales: Sequence[float] = (1, 0.75)
) -> Recorded:
    run = Recorded(f, args)
    for in_order in (True, False):
        folded = run.folded(in_order)
        unfolded = unfold(folded)
        numbers: dict[Any, int] = {}
        before = numbered(run.outputs, numbers)
        count = len(numbers)
        assert numbered(unfolded, numbers) == before
        assert len(numbers) == count
        assert [x.shape for x in folded] == [x.shape for x in run.outputs]
        for scale in scales:
            values = {x: _scaled(x.value, scale) for x in run.inputs}
            with np.errstate(all="ignore"):
                assert_same_values(compute(folded, values), compute(run.outputs, values))
    return run


def _scaled(value: Any, scale: float) -> Any:
    floating = isinstance(value, float) or value.dtype.kind == "f"
    return (
        type(value)(value * scale)
        if isinstance(value, float)
        else ((value * scale).astype(value.dtype) if floating else value)
    )


@each_loop
def test_loops_are_found_and_change_nothing(name: str) -> None:
    f, args, count = PROGRAMS[name]
    run = check(f, args)
    assert len(loops(run.folded(in_order=True))) == count


def test_two_inner_loops_of_which_one_is_short_in_the_first_turns_and_one_in_the_last() -> None:
    def f(a):
        a = a.copy()
        matrices.lu(a)
        return np.sum(a * a)

    n = 12
    matrix = np.random.default_rng(0).normal(size=(n, n)) + n * np.eye(n)
    run = check(f, (matrix,), scales=(1,))
    assert [x.turns for x in loops(run.folded(True)) if type(x.turns) is int] == [11, 11]


@each_loop
def test_second_derivatives_fold_too(name: str) -> None:
    f, args, count = PROGRAMS[name]

    def norm(*args: Any) -> Any:
        g = cr.grad(f)(*args)
        return sum(np.sum(x * x) for x in trees.flatten(g)[0])

    run = check(norm, args)
    if run.outputs:  # the gradient of what is linear is a constant
        assert len(loops(run.folded(in_order=True))) >= count


@pytest.mark.parametrize("name", golden.PROGRAMS)
def test_golden_programs(name: str) -> None:
    check(*golden.PROGRAMS[name])


@pytest.mark.parametrize("name", scientific.PROGRAMS)
def test_scientific_programs(name: str) -> None:
    program = copy.deepcopy(scientific.PROGRAMS[name])
    check(program.loss(), program.point, scales=[1])  # elsewhere they take other paths


@settings(max_examples=40, deadline=None)
@given(st.booleans().flatmap(lambda arrays: st.tuples(programs(arrays=arrays), st.just(arrays))))
def test_random_programs(drawn: tuple[str, bool]) -> None:
    source, arrays = drawn
    x = np.linspace(-1, 1, 6).reshape(3, 2)
    check(defined(source), (x, x + 0.25) if arrays else (0.7, -0.4))


@settings(max_examples=30, deadline=None)
@given(st.data(), st.integers(0, 1000))
def test_random_programs_with_loops(data: st.DataObject, seed: int) -> None:
    text = random_loops.source(lambda things: data.draw(st.sampled_from(things)))
    program = random_loops.defined(text)
    random = np.random.default_rng(seed)
    args = (0.4, -0.3, *random.uniform(-1, 1, (2, random_loops.LENGTH)))
    try:
        check(program, args, scales=[1])
    except OverflowError:
        reject()


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 1000))
def test_random_programs_of_any_shape(data: st.DataObject, seed: int) -> None:
    program = shaped_program(lambda things: data.draw(st.sampled_from(things)), seed)
    check(program.function, program.args)


def test_a_folded_run_is_as_small_for_many_turns_as_for_few() -> None:
    sizes = {
        len(list(within(Recorded(pendulum(turns), (0.5, 0.1, 0.01)).folded(in_order=True))))
        for turns in (10, 100, 300)
    }
    assert len(sizes) == 1


def test_fewer_than_four_turns_stay_unrolled() -> None:
    assert not loops(Recorded(pendulum(3), (0.5, 0.1, 0.01)).folded(in_order=True))
