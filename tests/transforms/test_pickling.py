"""Gradients go to other processes: by pickle, by cloudpickle as Ray has it, and by a copy."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
from typing import Any

import numpy as np
import pytest

import chainrule as cr

X = np.array([1.0, 2.0])
SCALE = np.array([3.0, 4.0])


def loss(x: Any) -> Any:
    return np.sum(SCALE * np.sin(x) ** 2)


def loss_with_aux(x: Any) -> Any:
    return loss(x), "aux"


@cr.grad
def gradient_of_sum(x: Any) -> Any:
    return np.sum(x * SCALE)


class Model:
    @functools.partial(cr.grad, argnums=1)
    def slope(self, x: Any) -> Any:
        return np.sum(x**2)


TRANSFORMS = {
    "grad": cr.grad(loss),
    "value_and_grad": cr.value_and_grad(loss),
    "jacobian": cr.jacobian(loss),
    "hessian": cr.hessian(loss),
    "product": lambda x: cr.hvp(loss)(x, X),
    "elementwise_grad": cr.elementwise_grad(np.sin),
    "vmap": cr.vmap(np.sin),
    "checkpoint": cr.checkpoint(np.sin),
    "decorated": gradient_of_sum,
    "nested": cr.grad(lambda x: np.sum(cr.grad(loss)(x) ** 2)),
    "compiled": cr.compile(cr.hessian(loss)),
}


def through_pickle(f: Any) -> Any:
    if "<lambda>" in f.__qualname__:
        pytest.skip("it has no name in a module")
    return pickle.loads(pickle.dumps(f))


def through_cloudpickle(f: Any) -> Any:
    return pickle.loads(pytest.importorskip("cloudpickle").dumps(f))


@pytest.mark.parametrize("way", [through_pickle, through_cloudpickle, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("f", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_it_does_the_same_elsewhere(f: Any, way: Any) -> None:
    sent = way(f)
    for _ in range(2):
        for found, right in zip(sent(X), f(X), strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-12)


def test_options_are_kept() -> None:
    sent = through_pickle(cr.value_and_grad(loss_with_aux, has_aux=True))
    (value, aux), _ = sent(X)
    assert (value, aux) == (loss(X), "aux")


def test_a_name_that_stands_for_a_gradient_is_all_that_is_sent() -> None:
    assert through_pickle(gradient_of_sum) is gradient_of_sum
    assert Model().slope(X) == pytest.approx(2 * X)
    assert through_pickle(Model.slope) is Model.slope
    assert repr(Model.slope) == "<grad of slope>"
    assert inspect.signature(gradient_of_sum) == inspect.signature(loss)


def test_operations_stay_what_they_are() -> None:
    from chainrule.operations import elementwise

    assert pickle.loads(pickle.dumps(elementwise.exp)) is elementwise.exp
    assert copy.deepcopy(elementwise.power) is elementwise.power
