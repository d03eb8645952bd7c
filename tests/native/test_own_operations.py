"""Operations that a user has declared, in compiled code: told apart by what they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr

from .conftest import same

POINTS = [np.array([0.5, -1.5, 2.0]) * k for k in (1.0, -2.0, 0.3, 4.0, -0.1)]
# Names that only native code uses for operations of its own, or that were taken for NumPy's.
NAMES = ["scaled", "joined", "accumulated", "assigned", "complement", "same_array", "nextafter"]


def scaled(name: str, by: float) -> Any:
    return cr.elementwise(name, lambda x: x * by, d=lambda x, y: by)


@pytest.mark.parametrize("name", NAMES)
def test_two_operations_of_one_name(name: str, compiled: Any) -> None:
    a, b = scaled(name, 2.0), scaled(name, 3.0)

    def f(x):
        return np.sum(a(x) * 10 + b(x) * a(b(x)) - b(np.tanh(x)))

    for program in (f, cr.value_and_grad(f)):
        fast = compiled(program)
        for x in POINTS:
            same(fast(x), program(x))


def test_one_name_in_two_functions(compiled: Any) -> None:
    operations = [scaled("scaled", k) for k in (2.0, 3.0)]
    programs = [lambda x, op=op: np.exp(op(np.sin(x))) for op in operations]
    for program, fast in [(f, compiled(f)) for f in programs]:
        for x in POINTS:
            same(fast(x), program(x))


def test_operations_of_kinds_that_share_a_name(compiled: Any) -> None:
    first = cr.linear("reversed", lambda x: x[::-1], pullback=lambda g, x: g[::-1])
    second = cr.operation("reversed", lambda x: x * x, pullback=lambda g, x, y: 2 * g * x)

    def f(x):
        return np.sum(first(x) * second(x) * first(second(x)))

    fast = compiled(cr.value_and_grad(f))
    for x in POINTS:
        same(fast(x), cr.value_and_grad(f)(x))


PROGRAM = """
import sys
import numpy as np
import chainrule as cr
by = float(sys.argv[1])
op = cr.elementwise("scaled", lambda x: x * by, d=lambda x, y: by)
f = cr.compile(lambda x: np.exp(op(x)) * 2)
x = np.linspace(-1.0, 1.0, 5)
for _ in range(5):
    assert np.allclose(f(x), np.exp(by * x) * 2)
    x = x / 2
"""


def test_what_is_kept_on_disk_is_not_of_another_operation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    for by in ("2.0", "3.0", "2.0"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, by], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
