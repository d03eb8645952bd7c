"""Round trip: the printed code computes what the eager gradient does, and reads as it did.

The golden files are what `stage` prints for each program. After a change of the printer, look at
every difference before accepting it with ``CHAINRULE_UPDATE_GOLDEN=1 pytest tests/staged``.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optree
import pytest

import chainrule as cr
from chainrule import trees
from tests.programs.golden import PROGRAMS

GOLDEN = Path(__file__).parent / "golden"


pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
each_program = pytest.mark.parametrize("name", PROGRAMS)


def leaves(tree: Any) -> list[Any]:
    return trees.flatten(tree)[0]


def is_float(leaf: Any) -> bool:
    return isinstance(leaf, float) or getattr(leaf, "dtype", np.dtype(int)).kind == "f"


def float_arguments(args: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(k for k, arg in enumerate(args) if all(map(is_float, leaves(arg))))


def assert_same(found: Any, expected: Any, rtol: float = 1e-12) -> None:
    assert len(leaves(found)) == len(leaves(expected))
    for a, b in zip(leaves(found), leaves(expected), strict=True):
        assert np.shape(a) == np.shape(b)
        rtol = rtol if np.asarray(b).dtype != np.float32 else 1e-6
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


@each_program
def test_staged_code_does_what_the_eager_gradient_does(name: str) -> None:
    f, args = PROGRAMS[name]
    staged = cr.stage(f, *args)
    value, gradients = staged(*args)
    expected, eager = cr.value_and_grad(f, float_arguments(args))(*args)
    assert value == pytest.approx(expected, rel=1e-6 if value.__class__ is np.float32 else 1e-15)
    assert_same(gradients, eager)
    assert [type(g) for g in gradients if not is_float(g)] == [
        type(args[k]) for k in float_arguments(args) if not is_float(args[k])
    ]


@each_program
def test_staged_code_needs_numpy_and_math_alone(name: str) -> None:
    f, args = PROGRAMS[name]
    staged = cr.stage(f, *args)
    namespace: dict[str, Any] = {"np": np, "math": math}
    exec(staged.source, namespace)
    value, _ = namespace[staged.name](*args)
    assert value == staged(*args)[0]


@each_program
def test_running_line_by_line_gives_the_same(name: str) -> None:
    f, args = PROGRAMS[name]
    staged = cr.stage(f, *args)
    run = staged.run(*args)
    value, gradients = staged.function(*args)
    assert run.value == value
    assert_same(run.gradients, gradients, rtol=0)
    assert len(run.contributions) == len(staged.backward)
    assert {stage.name for stage in staged.stages} <= run.variables.keys()


@each_program
def test_lines_stand_where_they_say(name: str) -> None:
    f, args = PROGRAMS[name]
    staged = cr.stage(f, *args)
    source = staged.program.source().splitlines()
    assert max(map(len, source)) <= 100
    texts = {id(part): row.text for row in staged.program.rows() for part in row.parts}
    for part in (x for x in (*staged.stages, *staged.backward) if id(x) in texts):
        start = texts[id(part)].partition("= ")[0].partition("(")[0]
        assert source[part.lineno - 1].strip().startswith(start)


@each_program
def test_golden_file(name: str) -> None:
    f, args = PROGRAMS[name]
    path = GOLDEN / f"{name}.py"
    source = cr.stage(f, *args).source
    if os.environ.get("CHAINRULE_UPDATE_GOLDEN"):
        path.write_text(source, encoding="utf-8")
    assert source == path.read_text(encoding="utf-8")


def test_golden_files_are_those_of_the_programs() -> None:
    assert {path.stem for path in GOLDEN.glob("*.py")} == set(PROGRAMS)


def captured_names() -> list[str]:
    """Return the names of large arrays, which `save` writes and print leaves to a comment."""
    files = [path.read_text(encoding="utf-8") for path in GOLDEN.glob("*/*.py")]
    return re.findall(r"^# (\w+): .* captured by the function$", "\n".join(files), flags=re.M)


def test_golden_files_pass_the_linter() -> None:
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length=100"]
    command += [f"--config=builtins={json.dumps(captured_names())}"]
    command += ["--select=E,F,W,I,UP", str(GOLDEN)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_a_saved_module_needs_numpy_alone(tmp_path: Path) -> None:
    data = np.random.default_rng(1).normal(size=(40, 3))

    def loss(w):
        return np.mean((data @ w) ** 2)

    w = np.array([1.0, -2.0, 0.5])
    staged = cr.stage(loss, w)
    assert "# data: float64 (40, 3)" in staged.source
    path = tmp_path / "loss_gradient.py"
    staged.save(path)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import numpy as np\n"
    program += "from loss_gradient import loss_gradient\n"
    program += "assert 'chainrule' not in sys.modules\n"
    program += "print(repr(loss_gradient(np.array([1.0, -2.0, 0.5]))[1][0].tolist()))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert eval(result.stdout) == pytest.approx(staged(w)[1][0].tolist(), rel=1e-14)
    assert max(map(len, path.read_text().splitlines())) <= 100


def test_gradients_have_the_structure_of_the_arguments() -> None:
    f, args = PROGRAMS["dict_of_weights"]
    _, gradients = cr.stage(f, *args)(*args)
    assert optree.tree_structure(gradients) == optree.tree_structure(tuple(args))
