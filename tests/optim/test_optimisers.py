"""Optimisers: structure, dtypes, steps in compiled code, and what they do to a quadratic."""

from typing import NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule import optim

METHODS = {
    "sgd": optim.sgd(0.1),
    "momentum": optim.momentum(0.05),
    "nesterov": optim.nesterov(0.05),
    "adagrad": optim.adagrad(0.5),
    "rmsprop": optim.rmsprop(0.02),
    "adam": optim.adam(0.1),
    "adamw": optim.adamw(0.1, weight_decay=1e-4),
    "lion": optim.lion(optim.linear(0.1, 0.0, 150)),
    "clipped": optim.chain(optim.clip_by_global_norm(1.0), optim.clip(0.9), optim.sgd(0.1)),
    "decayed": optim.chain(optim.weight_decay(1e-4), optim.sgd(optim.warmup(5, 0.1))),
}


class Pair(NamedTuple):
    weight: object
    bias: object


def loss(params):
    first, (second,) = params["first"], params["rest"]
    return np.sum((first.weight - 1) ** 2) + (first.bias + 2) ** 2 + np.sum((second - 0.5) ** 2)


def start(dtype=np.float64):
    rest = [np.array([0.0, 1.0, -1.0], dtype)]
    return {"first": Pair(np.zeros((2, 3), dtype), dtype(0.5)), "rest": rest}


@pytest.mark.parametrize("method", METHODS)
def test_a_quadratic_is_minimised_on_trees_of_arrays(method):
    optimiser = METHODS[method]
    params = start()
    state = optimiser.init(params)

    def step(params, state):
        updates, state = optimiser.update(cr.grad(loss)(params), state, params)
        return optim.apply_updates(params, updates), state

    compiled = cr.compile(step)
    eager_params, eager_state = params, state
    for turn in range(150):
        params, state = compiled(params, state)
        if turn < 5:
            eager_params, eager_state = step(eager_params, eager_state)
            np.testing.assert_allclose(params["rest"][0], eager_params["rest"][0], rtol=1e-12)
    assert isinstance(params["first"], Pair)
    assert loss(params) < 1e-2


@pytest.mark.parametrize("method", METHODS)
def test_float32_stays_float32(method):
    optimiser = METHODS[method]
    params = start(np.float32)
    state = optimiser.init(params)
    for _ in range(3):
        updates, state = optimiser.update(cr.grad(loss)(params), state, params)
        params = optim.apply_updates(params, updates)
    assert params["first"].weight.dtype == params["first"].bias.dtype == np.float32


def test_nothing_is_changed_in_place():
    params = [np.ones(3)]
    optimiser = optim.chain(optim.weight_decay(0.1), optim.adam(0.1))
    state = optimiser.init(params)
    optimiser.update([np.ones(3)], state, params)
    np.testing.assert_array_equal(params[0], np.ones(3))
    np.testing.assert_array_equal(state[1].first[0], np.zeros(3))


def test_a_gradient_of_another_structure_is_refused():
    optimiser = optim.adam(0.1)
    with pytest.raises(ValueError, match=r"arity|structure"):
        optimiser.update([np.ones(2)], optimiser.init([np.ones(2), np.ones(2)]), None)


def test_clipping_scales_all_leaves_alike_and_leaves_small_gradients_alone():
    clipping = optim.clip_by_global_norm(1.0)
    large, _ = clipping.update([np.array([3.0, 0.0]), 4.0], (), None)
    np.testing.assert_allclose(optim.global_norm(large), 1.0)
    np.testing.assert_allclose(large[0], [0.6, 0.0])
    small, _ = clipping.update([np.array([0.3, 0.0]), 0.4], (), None)
    np.testing.assert_array_equal(small[0], [0.3, 0.0])
    zero, _ = clipping.update([np.zeros(2)], (), None)
    np.testing.assert_array_equal(zero[0], np.zeros(2))


@pytest.mark.parametrize("make", [optim.clip, optim.clip_by_global_norm])
@pytest.mark.parametrize("bound", [0.0, -1.0, np.nan])
def test_a_bound_must_be_positive(make, bound):
    with pytest.raises(ValueError, match="must be positive"):
        make(bound)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (optim.constant(0.1), [0.1, 0.1, 0.1]),
        (optim.linear(1.0, 0.0, 10), [1.0, 0.5, 0.0]),
        (optim.cosine(1.0, 10), [1.0, 0.5, 0.0]),
        (optim.cosine(1.0, 5, last=0.1), [1.0, 0.1, 0.1]),
        (optim.exponential(1.0, 0.5, every=5), [1.0, 0.5, 2.0**-4]),
        (optim.step(1.0, {5: 0.1, 20: 0.5}), [1.0, 0.1, 0.05]),
        (optim.warmup(4, 1.0), [0.25, 1.0, 1.0]),
        (optim.warmup(5, optim.linear(1.0, 0.0, 30)), [0.2, 1.0, 0.5]),
    ],
)
def test_schedules(schedule, expected):
    np.testing.assert_allclose([schedule(t) for t in (0, 5, 20)], expected, atol=1e-15)


@pytest.mark.parametrize(
    "make", [lambda n: optim.linear(1, 0, n), lambda n: optim.cosine(1, n), optim.warmup]
)
def test_a_schedule_has_a_length(make):
    with pytest.raises(ValueError, match="at least 1"):
        make(0, 0.1) if make is optim.warmup else make(0)


def test_lbfgs_keeps_structure_and_dtype():
    seen = []
    found = optim.lbfgs(loss, start(np.float32), callback=seen.append)
    assert found.converged
    assert found.value < 1e-8
    assert len(seen) == found.steps
    np.testing.assert_allclose(found.params["first"].weight, np.ones((2, 3)), atol=1e-4)
    assert found.params["rest"][0].dtype == np.float32


def test_lbfgs_of_one_array_and_further_arguments():
    found = optim.lbfgs(lambda x, a: np.sum((x - a) ** 2), np.zeros(3), np.arange(3.0))
    np.testing.assert_allclose(found.params, np.arange(3.0), atol=1e-6)
