"""Printed code and explanations in a pickle: all that can be read and run goes with them."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

DATA = np.linspace(-1, 1, 120).reshape(40, 3)


def loss(w):
    if w[0] > 0:
        return np.mean((DATA @ w) ** 2) + np.max(w)
    return np.sum(w)


def long(x):
    for _ in range(400):
        x = math.sin(x) * 1.001
    return x


CASES = [
    (loss, (np.array([1.0, -2.0, 0.5]),)),
    (lambda x, y: x * y + np.maximum(x, 0), (1.0, 2.0)),
    (lambda p: np.sum(p["w"] ** 2) * p["b"], ({"w": np.ones(2), "b": 2.0},)),
]
each_case = pytest.mark.parametrize(("f", "args"), CASES, ids=["array", "lambda", "dict"])
each_copy = pytest.mark.parametrize(
    "again",
    [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)


@each_case
@each_copy
def test_staged_code(
    f: Callable[..., Any], args: tuple[Any, ...], again: Callable[[Any], Any], tmp_path: Any
) -> None:
    staged = cr.stage(f, *args)
    found = again(staged)
    assert isinstance(found, cr.Staged)
    assert (str(found), repr(found)) == (str(staged), repr(staged))
    assert str(found(*args)) == str(staged(*args))
    assert str(found.run(*args).variables) == str(staged.run(*args).variables)
    assert [line.text for line in found.backward] == [line.text for line in staged.backward]
    assert [stage.lineno for stage in found.stages] == [stage.lineno for stage in staged.stages]
    for code, path in ((staged, tmp_path / "a.py"), (found, tmp_path / "b.py")):
        code.save(path)
    assert (tmp_path / "a.py").read_text() == (tmp_path / "b.py").read_text()


@each_case
@each_copy
def test_explanations(
    f: Callable[..., Any], args: tuple[Any, ...], again: Callable[[Any], Any]
) -> None:
    explanation = cr.explain(f, *args)
    found = again(explanation)
    assert found.text == explanation.text
    assert found.dot() == explanation.dot()
    assert list(map(str, found.warnings)) == list(map(str, explanation.warnings))
    assert found.svg() == explanation.svg()


def test_many_stages() -> None:
    explanation = pickle.loads(pickle.dumps(cr.explain(long, 1.0)))  # nothing is recursive
    assert explanation.staged(1.0)[0] == long(1.0)


def test_other_values_are_refused_as_before() -> None:
    staged = pickle.loads(pickle.dumps(cr.stage(loss, np.array([1.0, -2.0, 0.5]))))
    with pytest.raises(cr.errors.ArgumentError, match="staged for w of shape"):
        staged(np.ones(4))
    with pytest.raises(AssertionError, match="takes another branch"):
        staged(np.array([-1.0, -2.0, 0.5]))
