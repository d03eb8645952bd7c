"""Python that looks at values: each path is recorded, known paths are found again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native import specializations

from ..conftest import same


def branching(x):
    if x > 1:
        return x * 2
    if x > 0:
        return x**3
    return -x


def summed(x):
    total = 0.0
    k = 0
    while total < 3:
        total = total + x * x
        k += 1
    return total / k


def masked(x):
    return np.sum(x[x > 0] ** 2)


def placed(x):
    return x[int(np.argmax(x))] * 3 + len(np.flatnonzero(x > 0)) * x[0]


def truth(x):
    return np.sum(x * 2 if x.any() and np.allclose(x, x) else x)


def picked(x, labels):
    return np.sum(np.eye(3)[labels] * x)


X = np.array([0.5, -1.5, 2.0])
VECTORS = [
    np.array(v) for v in ([1.0, -2.0, 3.0], [-1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [3.0, -1.0, -1.0])
]
CALLS = {
    branching: [(x,) for x in (2.0, 0.5, -1.0, 3.0, 0.25, -4.0, 1.0)],
    summed: [(x,) for x in (1.0, 0.9, 2.0, 0.8, 1.0, 0.5, 0.9, 2.1)],
    masked: [(x,) for x in VECTORS + VECTORS],
    placed: [(x,) for x in VECTORS + VECTORS],
    truth: [(x,) for x in (*VECTORS, np.zeros(3), *VECTORS)],
    picked: [
        (np.ones((3, 3)) * k, np.array(labels))
        for k in range(2)
        for labels in ([0, 1, 2], [0, 0, 0], [2, 1, 0], [0, 1, 2])
    ],
}


@pytest.mark.parametrize("transform", [lambda f: f, cr.value_and_grad], ids=["value", "gradient"])
@pytest.mark.parametrize("f", CALLS)
def test_every_path(f: Any, transform: Any, compiled: Any) -> None:
    fast, plain = compiled(transform(f)), transform(f)
    for args in CALLS[f] * 2:
        same(fast(*args), plain(*args))


def test_known_paths_are_not_recorded_again(compiled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = []
    run = specializations.run
    monkeypatch.setattr(specializations, "run", lambda *args: recordings.append(1) or run(*args))
    fast = compiled(branching)
    for x in (2.0, 0.5, -1.0, 2.5, 0.6, -1.5, 2.0):
        fast(x)
    assert len(recordings) == 3


def test_what_asks_for_a_shape_alone_is_no_guard(
    compiled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = []
    run = specializations.run
    monkeypatch.setattr(specializations, "run", lambda *args: recordings.append(1) or run(*args))
    fast = compiled(lambda x: np.zeros_like(x) + x)
    for k in range(3):
        same(fast(X * k), X * k)
    assert len(recordings) == 1


def test_a_guard_on_a_captured_array(compiled: Any) -> None:
    table = np.array([1.0, 2.0])

    def f(x):
        return x * 2 if table[0] > 0 else x * table[1]

    fast = compiled(f)
    assert fast(3.0) == 6.0
    table[0] = -1
    assert fast(3.0) == 6.0
    table[1] = 5
    assert fast(3.0) == 15.0


def test_too_many_paths_warn_once_and_run_as_python(compiled: Any) -> None:
    def f(x):
        return x * int(cr.stop_gradient(x))

    fast = compiled(f)
    for k in range(specializations.MOST_RECORDINGS):
        assert fast(k + 0.5) == (k + 0.5) * k
    with pytest.warns(cr.errors.NotCompiledWarning, match=r"line \d+ of test_guards.py: return x"):
        assert fast(90.5) == 90.5 * 90
    assert fast(100.5) == 100.5 * 100


def test_a_number_that_is_lost_raises_with_the_line(compiled: Any) -> None:
    with pytest.raises(
        cr.errors.GradientLostError, match=r"complex\(x\).*test_guards.py"
    ) as caught:
        compiled(lambda x: x * complex(x).real)(2.0)
    assert "chainrule.compile" in caught.value.__notes__[-1]


def test_which_of_repeated_indices_survive_is_looked_at(compiled):
    def f(x, v, k):
        def written(v):
            a = x * v[0] * 0 + x
            a[k] = v
            return np.sum(a * np.arange(a.size))

        return cr.grad(written)(v)

    fast, x, v = compiled(f), np.ones(6), np.ones(3)
    for k in ([0, 1, 2], [5, 5, 2], [0, 1, 2], [3, 4, 4]):
        same(fast(x, v, np.array(k)), f(x, v, np.array(k)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.uint64, bool])
def test_unsigned_integers_are_guarded_by_native_code(dtype):
    def f(x, starts):
        return x[int(starts[0]) : int(starts[1])].sum()

    compiled = cr.compile(f)
    x = np.arange(4.0)
    for starts in (np.array([0, 1], dtype), np.array([1, 1], dtype), np.array([0, 1], dtype)):
        assert compiled(x, starts) == f(x, starts)
    assert "numpy" not in compiled.lower(x, np.array([0, 1], dtype)).schedule
