"""Values get the names of the variables that they are stored to, on whatever way they go there."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from chainrule.graph.tracing import trace


def names(f: Any, *args: Any) -> list[str | None]:
    traced = trace(f, args)
    traced.end()
    return [traced.notes[node].name for node in traced.nodes if node in traced.notes]


def assigned(x):
    y = x * 2
    return y


def swapped(x):
    a, b = x * 2, x * 3
    return a, b


def three(x):
    a, b, c = x * 2, x * 3, x * 4
    return a, b, c


def by_helper(x):
    def double(t):
        return t * 2

    y = double(x)
    return y


def by_helper_of_two(x):
    def both(t):
        return t * 2, t * 3

    a, b = both(x)
    return a, b


def of_calls(x):
    a, b, c = np.exp(x), np.sin(x), np.tanh(x)
    return a, b, c


def of_methods_and_calls(x):
    a, b = np.exp(x).sum(), np.dot(x, x)
    return a, b


def chained(x):
    a = b = x * 2
    return a, b


def walrus(x):
    return (y := x * 2)  # noqa: F841  # the name is what is tested


def conditional(x):
    y = x * 2 if len("ab") else x * 3
    return y


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (assigned, ["y"]),
        (swapped, ["a", "b"]),
        (three, ["a", "b", "c"]),
        (of_calls, ["a", "b", "c"]),
        (by_helper, ["y"]),
        (by_helper_of_two, ["a", "b"]),
        (walrus, ["y"]),
        (conditional, ["y"]),
        (lambda x: x * 2, [None]),
    ],
)
def test_names(f: Any, expected: list[str | None]) -> None:
    assert names(f, 1.0) == expected


def test_names_of_vectors() -> None:
    assert names(of_methods_and_calls, np.ones(2)) == [None, "a", "b"]


def test_names_do_not_change_as_python_specialises_the_calls() -> None:
    for _ in range(30):
        assert names(of_calls, 1.0) == ["a", "b", "c"]


def test_a_value_with_two_names_has_one_of_them() -> None:
    assert names(chained, 1.0)[0] in ("a", "b")


def test_partial_functions_are_traced() -> None:
    traced = trace(functools.partial(lambda a, x: a * x, 2.0), (3.0,))
    traced.end()
    assert traced.output.value == 6.0


def test_the_trace_knows_lines_guards_and_captured_arrays() -> None:
    data = np.array([1.0, 2.0])

    def f(x):
        h = data * x
        if h[0] > 0:
            h = -h
        return h.sum()

    traced = trace(f, (np.ones(2),))
    traced.end()
    assert [guard.outcome for guard in traced.guards] == [True]
    assert traced.guards[0].location.text == "if h[0] > 0:"
    assert "data" in traced.constant_names.values()
    assert {note.location.function for note in traced.notes.values()} == {"f"}


@pytest.mark.parametrize("index", ["0", "1:3", "[0, 2]"])
def test_writing_at_an_index_makes_a_new_value_of_the_same_name(index: str) -> None:
    names_of: dict[str, Any] = {}
    exec(f"def f(x):\n    y = x * 2\n    y[{index}] = 0.0\n    return y.sum()", names_of)
    assert names(names_of["f"], np.ones(4))[:2] == ["y", "y"]


def counters(f: Any) -> list[tuple[tuple[str, int], ...]]:
    return [note.counters for note in trace(f, (2.0,)).notes.values()]


def test_variables_of_loops_are_known() -> None:
    def helper(x: Any) -> Any:
        for k in range(7, 8):
            x = x * k
        return x

    def f(x: Any) -> Any:
        for i in range(1, 3):
            for j, w in enumerate((0.5, 0.25)):
                x = x + w * j
            x = helper(x)
        return x * 3.0

    inner = [(("i", 1), ("j", 0)), (("i", 1), ("j", 1)), (("i", 1), ("k", 7))]
    seen = [c for c in counters(f) if c]
    assert list(dict.fromkeys(seen))[:3] == inner
    assert counters(f)[-1] == ()
