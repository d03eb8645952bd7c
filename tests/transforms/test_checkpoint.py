"""checkpoint: the same numbers with less memory."""

import math
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, GradientMismatchError, UnsupportedError

rng = np.random.default_rng(5)
W = rng.normal(size=(3, 3)) / 2
H = rng.normal(size=3)


@dataclass
class State:
    h: np.ndarray
    c: float
    n: int


def as_it_is(f):
    return f


def run(W, h, kept):
    """A loop whose body has a tree, integers, a buffer, and refers to W."""

    @kept
    def step(state, k, scale=0.5):
        z = np.tanh(W @ state.h) * math.exp(state.c)
        buffer = np.zeros(3)
        for i in range(3):
            buffer[i] = z[i] * scale
        return State(buffer + state.h, state.c * z[0], k)

    state = State(h, 0.3, 0)
    for k in range(4):
        state = step(state, k, scale=0.25)
    return np.sum(state.h) * state.c + state.n


def nested(W, h, kept):
    inner = kept(lambda h: np.sin(W @ h))
    outer = kept(lambda h: inner(inner(h)) * h)
    return np.sum(outer(outer(h)))


@pytest.mark.parametrize("f", [run, nested])
def test_the_same_to_the_last_bit(f):
    found = cr.value_and_grad(f, (0, 1))(W, H, cr.checkpoint)
    expected = cr.value_and_grad(f, (0, 1))(W, H, as_it_is)
    assert found[0] == expected[0]
    for g, right in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(g, right)
    again = lambda W, h: f(W, h, cr.checkpoint)
    plainly = lambda W, h: f(W, h, as_it_is)
    (_, pulled), (_, expected_pulled) = cr.vjp(again, W, H), cr.vjp(plainly, W, H)
    np.testing.assert_array_equal(pulled(2.0)[0], expected_pulled(2.0)[0])
    direction = (np.cos(W), np.sin(H))
    found_along, along = (cr.jvp(g, (W, H), direction)[1] for g in (again, plainly))
    assert found_along == pytest.approx(along, rel=1e-13)
    for row, right in zip(
        cr.hessian(again, (0, 1))(W, H), cr.hessian(plainly, (0, 1))(W, H), strict=True
    ):
        for g, r in zip(row, right, strict=True):
            np.testing.assert_allclose(g, r, rtol=1e-11, atol=1e-13)
    compiled = cr.compile(cr.grad(again, (0, 1)))(W, H)
    for g, right in zip(compiled, expected[1], strict=True):
        np.testing.assert_allclose(g, right, rtol=1e-12)
    assert cr.stage(again, W, H).source == cr.stage(plainly, W, H).source.replace(
        "plainly", "again"
    )


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: x, 2.0),
        (lambda x: (x, x * x, 3), np.float32(2)),
        (lambda x: x * 1j, np.array([1.0, 2.0])),
        (lambda x: {"a": x[0], "b": np.array(np.sum(x)), "c": None}, np.ones(2, np.float32)),
        (lambda x: [float(k) for k in range(3)], 2.0),
    ],
)
def test_results_are_what_they_are(f, x):
    kinds = []

    def both(x):
        for g in (f, cr.checkpoint(f)):
            leaves = cr.trees.flatten(g(x))[0]
            kinds.append([(leaf.__class__, np.shape(leaf)) for leaf in leaves])
        return np.real(np.sum(x))

    cr.grad(both)(x)
    assert kinds[0] == kinds[1]


def peak(f, x):
    tracemalloc.start()
    try:
        f(x)
        return tracemalloc.get_traced_memory()[1] / x.nbytes
    finally:
        tracemalloc.stop()


def test_a_loop_keeps_the_root_of_its_turns():
    u = np.linspace(0, 1, 5000)

    def steps(turns, every):
        step = lambda u, _: (u + 0.01 * np.sin(u), None)
        return cr.grad(lambda u: np.sum(cr.scan(step, u, length=turns, checkpoint=every)[0]))

    np.testing.assert_array_equal(steps(100, 10)(u), steps(100, None)(u))
    small, large = peak(steps(100, 10), u), peak(steps(400, 20), u)
    assert peak(steps(400, None), u) > 400
    assert large < 80
    assert large < 2.4 * small  # with four times as many turns


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("every", [1, 3, 7, 100])
def test_scan_in_blocks(every, reverse):
    xs = rng.normal(size=(7, 3))

    def loss(h, xs, W, every):
        step = lambda h, x: ((h := np.tanh(W @ h + x)), {"y": h[0] * x, "n": 1})
        h, ys = cr.scan(step, h, xs, reverse=reverse, checkpoint=every)
        assert ys["n"].tolist() == [1] * 7
        return np.sum(h) + np.sum(ys["y"] ** 2)

    found = cr.value_and_grad(loss, (0, 1, 2))(H, xs, W, every)
    expected = cr.value_and_grad(loss, (0, 1, 2))(H, xs, W, None)
    assert found[0] == expected[0]
    for g, right in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(g, right)


def test_fori_loop_in_blocks():
    f = lambda x, every: cr.fori_loop(2, 12, lambda i, y: np.sin(y) * i, x, checkpoint=every)
    assert cr.value_and_grad(f)(0.3, 4) == cr.value_and_grad(f)(0.3, None)


def test_define_by_run():
    x = cr.array(H)
    np.sum(cr.checkpoint(lambda x: np.sin(x) * x)(x)).backward()
    np.testing.assert_array_equal(x.grad, cr.grad(lambda x: np.sum(np.sin(x) * x))(H))


def test_what_an_inner_gradient_of_constants_refers_to():
    def f(W):
        h = np.ones(3)
        return np.sum(cr.grad(lambda h: np.sum(cr.checkpoint(lambda h: np.sin(W @ h))(h)))(h))

    z = W @ np.ones(3)
    expected = np.cos(z) - np.sin(z) * np.sum(W, axis=1)
    np.testing.assert_allclose(cr.grad(f)(W), np.tile(expected, (3, 1)).T, rtol=1e-12)
    np.testing.assert_allclose(cr.compile(cr.grad(f))(W), cr.grad(f)(W), rtol=1e-12)


def test_faults():
    with pytest.raises(GradientMismatchError, match="draws random numbers"):
        cr.grad(cr.checkpoint(lambda x: x * np.random.rand()))(1.0)  # noqa: NPY002

    def writes(x):
        x += 1
        return np.sum(x)

    with pytest.raises(UnsupportedError, match="writes is checkpointed, and writes into"):
        cr.grad(lambda x: cr.checkpoint(writes)(x * 2))(H)
    with pytest.raises(ArgumentError, match="checkpoint is 0"):
        cr.fori_loop(0, 3, lambda i, x: x, 1.0, checkpoint=0)
    body = lambda i, x: x / (5 - i)
    with pytest.raises(ZeroDivisionError) as caught:
        cr.grad(lambda x: cr.fori_loop(0, 9, body, x, checkpoint=3))(1.0)
    assert "in turn 5 of fori_loop, where i is 5" in caught.value.__notes__
