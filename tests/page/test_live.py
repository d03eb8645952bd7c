"""The arithmetic of a page against NumPy: every value and gradient of every golden program."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import chainrule as cr
from chainrule import nn
from chainrule.native.scripted import scripted
from chainrule.page.replay import Replay
from tests.programs import layers, loops
from tests.programs.golden import PROGRAMS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

_PROGRAMS = {
    **PROGRAMS,
    **{name: layers.PROGRAMS[name] for name in ("batch_norm", "max_pooling", "embedding")},
    **{name: loops.PROGRAMS[name] for name in ("rnn", "newton")},
}
#: What JavaScript has no counterpart of.
_MISSING = {"getitem", "scatter_add"}


def _explained(f: Any, args: Any) -> tuple[Any, list[Any], list[Any], list[Any]]:
    """Return the script of all values and gradients of a run, its inputs, and what they are."""
    run = cr.explain(f, *copy.deepcopy(args)).run
    replay = Replay(run)
    wanted, expected = [], []
    for node in [*run.live, *(a.node for a in run.trace.inputs if a.node is not None)]:
        if node.parents:
            wanted.append(replay.value(node))
            expected.append(node.output)
        gradient = replay.gradient(node) if node in run.gradients else None
        if gradient is not None:
            wanted.append(gradient)
            expected.append(run.gradients[node])
    inputs = [x.value for x in replay.inputs]
    return scripted(wanted, replay.inputs), inputs, expected, wanted


def test_every_golden_program(run_scripts: Any) -> None:
    jobs, checked = [], []
    for name, (f, args, *_) in _PROGRAMS.items():
        script, inputs, expected, _ = _explained(f, args)
        assert {*script.missing} <= _MISSING, name
        jobs.append((script, inputs))
        checked.append((name, script, expected))
    for (name, script, expected), found in zip(checked, run_scripts(jobs), strict=True):
        scale = max(1.0, *(float(np.max(np.abs(x), initial=0.0)) for x in expected))
        single = any(np.asarray(x).dtype == np.float32 for x in expected)
        for place, value in zip(script.places, expected, strict=True):
            if place is not None:
                tolerance = 1e-6 if single else 1e-12
                np.testing.assert_allclose(
                    np.reshape(found[place], np.shape(value)),
                    np.asarray(value, float),
                    rtol=tolerance,
                    atol=tolerance * scale,
                    err_msg=name,
                )


def test_other_inputs_give_what_numpy_gives_there(run_scripts: Any) -> None:
    def f(x: Any, w: Any) -> Any:
        h = np.maximum(x @ w, 0.1)
        s = np.exp(h) / np.sum(np.exp(h))
        return np.sum(s * h) + np.mean(x) / w[0, 0]

    rng = np.random.default_rng(0)
    args = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    others = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    script, _, _, _ = _explained(f, args)
    _, _, expected, _ = _explained(f, others)
    (found,) = run_scripts([(script, list(others))])
    for place, value in zip(script.places, expected, strict=True):
        assert place is not None
        np.testing.assert_allclose(np.ravel(found[place]), np.ravel(value), rtol=1e-12, atol=1e-13)


A = np.array([[4.0, 1.0, 0.5], [1.5, 3.0, 0.2], [0.5, 0.25, 2.0]])
B = np.stack([A, A.T + 1.0])
V = np.array([3.0, 1.0, 2.0])
LAYER = nn.Conv1d(3, 4, 2, rng=0)


def test_sums_order_and_equations_are_computed_anew(run_scripts: Any) -> None:
    cases: list[tuple[Any, Any]] = [
        (lambda x: np.sum(np.cumsum(x, axis=0) ** 2 * np.cumprod(x, axis=1)), A),
        (lambda x: np.sum(np.sort(x, axis=0) ** 2 * x[:, np.argsort(x[1])]), A),
        (lambda x: np.median(x) * np.percentile(x, 30), V),
        (lambda x: np.sum(np.linalg.solve(x, V) ** 2), A),
        (lambda x: np.sum(np.linalg.solve(x, B[:, :, :2]) ** 2) + np.sum(np.linalg.inv(x)), B),
        (lambda x: np.sum(np.linalg.det(x) * np.linalg.slogdet(x)[1]), B),
        (lambda x: np.linalg.det(x - x), A),  # singular: it has cofactors
        (lambda x: np.sum(np.linalg.cholesky(x @ x.T) ** 3), A),
        (lambda x: np.sum(np.linalg.cholesky(x @ x.T, upper=True) ** 3), A),
        (lambda x: np.sum(scipy.linalg.solve_triangular(x, V, lower=True, trans=1) ** 2), A),
        (lambda x: np.sum(LAYER(np.concatenate([x, x, x], axis=1)[None]) ** 2), A),
    ]
    for shift in (0.0, 0.3):
        jobs, all_expected = [], []
        for f, x in cases:
            script, inputs, expected, _ = _explained(f, (x,))
            assert script.missing == []
            if shift:
                *_, expected, _ = _explained(f, (x + shift * np.eye(3)[0],))
                inputs = [x + shift * np.eye(3)[0]]
            jobs.append((script, inputs))
            all_expected.append(expected)
        for (script, _), found, expected in zip(jobs, run_scripts(jobs), all_expected, strict=True):
            for place, value in zip(script.places, expected, strict=True):
                assert place is not None
                np.testing.assert_allclose(
                    np.ravel(found[place]), np.ravel(value).astype(float), rtol=1e-11, atol=1e-11
                )


def test_what_overflows_is_shown_as_it_is_written(run_scripts: Any) -> None:
    def f(x: Any) -> Any:
        e = np.exp(x)
        return e / (1 + e)

    script, _, _, _ = _explained(f, (1.0,))
    (found,) = run_scripts([(script, [1000.0])])
    assert found[script.places[0]] == [np.inf]
    assert any(np.isnan(x[0]) for x in found)


def test_the_text_holds_nothing_of_the_users() -> None:
    namespace: dict[str, Any] = {}
    exec("def f(поле):\n    знак = поле * 2.0\n    return знак", namespace)
    script, _, _, _ = _explained(namespace["f"], (3.0,))
    assert script.source.isascii()
    assert "поле" not in script.source


def test_what_cannot_be_written_is_named_and_the_rest_is_not_lost() -> None:
    def f(x: Any) -> Any:
        a = x * 2.0
        return np.sum(np.partition(a, 1) * np.arange(3.0))

    script, _, expected, _ = _explained(f, (np.array([3.0, 1.0, 2.0]),))
    assert "argpartition" in script.missing
    assert script.places[0] is not None
    assert None in script.places
    assert len(expected) == len(script.places)
