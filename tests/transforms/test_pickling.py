"""Gradients go to other processes: by cloudpickle, as joblib and Ray have it, and by a copy."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import chainrule as cr

X = np.array([1.0, 2.0])
SCALE = np.array([3.0, 4.0])


def loss(x: Any) -> Any:
    return np.sum(SCALE * np.sin(x) ** 2)


TRANSFORMS = {
    "grad": cr.grad(loss),
    "value_and_grad": cr.value_and_grad(loss),
    "jacobian": cr.jacobian(loss),
    "hessian": cr.hessian(loss),
    "nested": cr.grad(lambda x: np.sum(cr.grad(loss)(x) ** 2)),
    "compiled": cr.compile(cr.hessian(loss)),
}


def through_cloudpickle(f: Any) -> Any:
    return pickle.loads(pytest.importorskip("cloudpickle").dumps(f))


@pytest.mark.parametrize("way", [through_cloudpickle, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("f", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_it_does_the_same_elsewhere(f: Any, way: Any) -> None:
    sent = way(f)
    for _ in range(2):
        for found, right in zip(sent(X), f(X), strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-12)


def test_operations_stay_what_they_are() -> None:
    from chainrule.operations import elementwise

    assert pickle.loads(pickle.dumps(elementwise.exp)) is elementwise.exp
    assert copy.deepcopy(elementwise.power) is elementwise.power
