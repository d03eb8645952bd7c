"""Other processors: run where this one can, and otherwise compiled to an object file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.entry import calling
from chainrule.native.interpret import interpreted
from chainrule.native.ir.math import NAMES, definitions
from chainrule.native.pipeline import build
from chainrule.native.record.program import Program, Runnable
from chainrule.native.runtime import engine
from chainrule.native.runtime.engine import Target

from ..conftest import same

RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(32, 17)), RNG.normal(size=(17, 10)), RNG.normal(size=10)
LABELS = RNG.integers(10, size=32)


def softmax_cross_entropy(w, b, x):
    logits = np.tanh(x @ w) + b
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    chosen = shifted[np.arange(32), LABELS]
    return np.sum(np.log(np.sum(np.exp(shifted), axis=1)) - chosen)


def functions(x):
    near = 1 / (1 + x * x)
    waves = np.sin(x) * np.cos(x) + np.arctan2(x, near) + np.tan(near) + np.arcsin(near)
    powers = near**1.7 + np.cbrt(x) + np.sqrt(near) + np.hypot(x, near) + np.expm1(near)
    logarithms = np.log1p(near) + np.log2(near) + np.log10(near) + np.logaddexp(x, near)
    return np.sum(waves * powers + logarithms, axis=1)


def whole_numbers(k, x):
    return k // 3 + k % 3, (k > 2) & (x[:, 0] > 0), np.argmax(x, axis=1), np.sum(k)


def branches(x):
    return np.sum(x) * 2 if np.sum(x) > 0 else -np.max(x)


def single(*arrays: Any) -> list[Any]:
    return [x.astype(np.float32) for x in arrays]


PROGRAMS: dict[str, tuple[Any, list[Any]]] = {
    "network": (cr.value_and_grad(softmax_cross_entropy, (0, 1)), [W, B, X]),
    "network, float32": (cr.value_and_grad(softmax_cross_entropy, (0, 1)), single(W, B, X)),
    "functions": (functions, [X]),
    "functions, float32": (functions, single(X)),
    "whole numbers": (whole_numbers, [LABELS, X]),
    "branches": (branches, [X]),
    "large, by threads": (lambda x: np.sum(np.exp(x), axis=0), [RNG.normal(size=(300, 400))]),
}
EVERY = pytest.mark.parametrize("name", PROGRAMS)

PLAIN = Target("x86-64")
AVX2 = Target("x86-64-v3", "+avx2,+fma")


def runs_here(target: Target) -> bool:
    host = engine.host().features.split(",")
    return "+sse2" in host and (not target.features or {*target.features.split(",")} <= {*host})


@EVERY
@pytest.mark.parametrize("target", [PLAIN, AVX2], ids=lambda target: target.cpu)
def test_lesser_processors(name: str, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    if not runs_here(target):
        pytest.skip("another kind of processor")
    monkeypatch.setattr(engine, "host", lambda: target)
    f, args = PROGRAMS[name]
    fast = cr.compile(f)
    for _ in range(2):
        same(fast(*args), f(*args), 1e-12)
    if not target.has_fma:
        assert "llvm.fma" not in fast.lower(*args).ir  # it would be a call for each entry


FOREIGN = {
    "aarch64": (Target("generic", "", "aarch64-linux-gnu"), b"\x7fELF"),
    "neoverse": (Target("neoverse-v1", "+sve", "aarch64-linux-gnu"), b"\x7fELF"),
    "macOS": (Target("apple-m1", "", "arm64-apple-macosx11"), b"\xcf\xfa\xed\xfe"),
    "Windows": (Target("x86-64-v3", "+avx2,+fma", "x86_64-pc-windows-msvc"), b"\x64\x86"),
}


@pytest.fixture(params=FOREIGN)
def emit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Compile IR for another processor."""
    target, magic = FOREIGN[request.param]
    monkeypatch.setattr(engine, "host", lambda: target)

    def emit(ir: str) -> None:
        try:
            image = engine.emit(ir, target)
        except RuntimeError as error:
            if "target" in str(error):
                pytest.skip(str(error))  # this LLVM was built without it
            raise
        assert image.startswith(magic)

    return emit


@EVERY
def test_processors_that_are_elsewhere(name: str, emit: Callable[[str], None]) -> None:
    def builder(program: Program) -> Runnable:
        built = build(program)
        emit(built.ir + calling.ir(built.layout))
        return interpreted(program)

    f, args = PROGRAMS[name]
    cr.compile(f, builder=builder)(*args)


@pytest.mark.parametrize("kind", ["double", "float"])
def test_elementary_functions_elsewhere(kind: str, emit: Callable[[str], None]) -> None:
    callers = []
    for name, count in NAMES.items():
        arguments = ", ".join(f"{kind} %{letter}" for letter in "xy"[:count])
        callers += [
            f"define {kind} @{name}({arguments}) {{",
            f"  %result = call {kind} @cr.{name}.{kind}({arguments})",
            f"  ret {kind} %result",
            "}",
        ]
    emit(definitions([(name, kind) for name in NAMES]) + "\n".join(callers))


@pytest.mark.parametrize(
    ("target", "has_fma"),
    [
        (PLAIN, False),
        (AVX2, True),
        (Target("x86-64", "-fma,+fma4"), False),
        (Target("generic", "", "aarch64-linux-gnu"), True),
        (Target("apple-m1", "", "arm64-apple-darwin23"), True),
    ],
    ids=repr,
)
def test_fused_multiply_add(target: Target, has_fma: bool) -> None:
    if not target.triple and not runs_here(PLAIN):
        pytest.skip("another kind of processor")
    assert target.has_fma == has_fma
