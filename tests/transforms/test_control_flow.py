"""Control flow as functions: the loops that they say, with JAX's meaning and clear errors."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError

rng = np.random.default_rng(3)
W = rng.normal(size=(3, 3)) / 2
XS = rng.normal(size=(6, 3))
H = rng.normal(size=3)


def rnn(h, W, xs):
    h, ys = cr.scan(lambda h, x: ((h := np.tanh(W @ h + x)), h[0]), h, xs)
    return np.sum(ys**2) + np.sum(h)


def rnn_as_a_loop(h, W, xs):
    ys = np.zeros(len(xs))
    for t, x in enumerate(xs):
        h = np.tanh(W @ h + x)
        ys[t] = h[0]
    return np.sum(ys**2) + np.sum(h)


def backwards(h, W, xs):
    (h, n), ys = cr.scan(
        lambda c, x: ((np.sin(W @ c[0]) + x["a"], c[1] + 1), {"y": c[0] * x["b"], "n": c[1]}),
        (h, 0),
        {"a": xs, "b": xs[:, 0]},
        reverse=True,
    )
    return np.sum(ys["y"] ** 2) + h[0] * n


def backwards_as_a_loop(h, W, xs):
    total = 0.0
    for x in xs[::-1]:
        total = total + np.sum((h * x[0]) ** 2)
        h = np.sin(W @ h) + x
    return total + h[0] * len(xs)


def nested(h, W, xs):
    def outer(i, h):
        return cr.fori_loop(0, i, lambda j, h: np.tanh(W @ h) + xs[j] * i, h)

    return np.sum(cr.fori_loop(1, 4, outer, h))


def nested_as_a_loop(h, W, xs):
    for i in range(1, 4):
        for j in range(i):
            h = np.tanh(W @ h) + xs[j] * i
    return np.sum(h)


def chosen(h, W, xs):
    def body(i, h):
        return cr.cond(h[i % 3] > 0, lambda h: np.sin(W @ h), lambda h: h * xs[i], h)

    return np.sum(cr.fori_loop(0, 6, body, h))


def chosen_as_a_loop(h, W, xs):
    for i in range(6):
        h = np.sin(W @ h) if h[i % 3] > 0 else h * xs[i]
    return np.sum(h)


def until(h, W, xs):
    h, n = cr.while_loop(
        lambda c: np.sum(c[0] ** 2) > 0.05, lambda c: (np.tanh(W @ c[0]) / 2, c[1] + 1), (h, 0)
    )
    return np.sum(h * xs[n])


def until_as_a_loop(h, W, xs):
    n = 0
    while np.sum(h**2) > 0.05:
        h = np.tanh(W @ h) / 2
        n += 1
    return np.sum(h * xs[n])


PAIRS = {
    "scan": (rnn, rnn_as_a_loop),
    "scan in reverse, over trees": (backwards, backwards_as_a_loop),
    "nested": (nested, nested_as_a_loop),
    "cond": (chosen, chosen_as_a_loop),
    "while_loop": (until, until_as_a_loop),
}


@pytest.mark.parametrize("name", PAIRS)
def test_each_is_the_loop_that_it_says(name):
    f, loop = PAIRS[name]
    args, wanted = (H, W, XS), (0, 1, 2)
    assert f(*args) == pytest.approx(loop(*args), rel=1e-14)
    found = cr.value_and_grad(f, wanted)(*args)
    expected = cr.value_and_grad(loop, wanted)(*args)
    compiled = cr.compile(cr.value_and_grad(f, wanted))(*args)
    staged = cr.stage(f, *args)(*args)
    for other in (expected, compiled, staged):
        assert found[0] == pytest.approx(other[0], rel=1e-13)
        for g, right in zip(found[1], other[1], strict=True):
            np.testing.assert_allclose(g, right, rtol=1e-10, atol=1e-13)
    direction = tuple(map(np.cos, args))
    _, pushed = cr.jvp(f, args, direction)
    along = sum(np.sum(g * v) for g, v in zip(found[1], direction, strict=True))
    assert pushed == pytest.approx(along, rel=1e-10)


def test_second_derivatives():
    f = lambda h: rnn(h, W, XS)
    np.testing.assert_allclose(
        cr.hessian(f)(H), cr.hessian(lambda h: rnn_as_a_loop(h, W, XS))(H), rtol=1e-9, atol=1e-12
    )


def test_as_in_jax():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        jnp, lax = jax.numpy, jax.lax
        step = lambda np: lambda c, x: ((np.sin(c[0]) * x, c[1] + x), c[0] * c[1])

        def ours(a, xs):
            c, ys = cr.scan(step(np), (a, 0.0), xs, reverse=True)
            return c[0] * c[1] + np.sum(ys)

        def theirs(a, xs):
            c, ys = lax.scan(step(jnp), (a, 0.0), xs, reverse=True)
            return c[0] * c[1] + jnp.sum(ys)

        found = cr.grad(ours, (0, 1))(0.3, XS[:, 0])
        right = jax.grad(theirs, (0, 1))(0.3, jnp.asarray(XS[:, 0]))
        for g, r in zip(found, right, strict=True):
            np.testing.assert_allclose(g, r, rtol=1e-12)
        for c in (cr, lax):
            assert c.fori_loop(3, 3, lambda i, x: x + 1, 2) == 2
            assert c.fori_loop(5, 3, lambda i, x: x + 1, 2) == 2
            assert c.cond(True, lambda x: x + 1, lambda x: x - 1, 2) == 3
            _, ys = c.scan(lambda c, x: (c, {"y": x[:2]}), 0.0, np.zeros((0, 3)))
            assert ys["y"].shape == (0, 2)


def test_a_scan_without_ys_or_without_xs():
    assert cr.scan(lambda c, _: (c * 2, None), 1.0, length=5) == (32.0, None)
    carry, ys = cr.scan(lambda c, x: (c + 1, x["a"] + c), 0, {"a": np.ones((0, 2))})
    assert carry == 0
    assert ys.shape == (0, 2)


def test_numbers_of_python_go_along_with_a_dtype():
    xs = np.ones(3, np.float32)
    total, ys = cr.scan(lambda c, x: (c + x, c + x), 0, xs)
    assert total.dtype == ys.dtype == np.float32


def test_carries_of_dataclasses():
    @dataclass
    class State:
        position: float
        velocity: float

    def run(k):
        step = lambda i, s: State(s.position + 0.1 * s.velocity, s.velocity - 0.1 * k * s.position)
        return cr.fori_loop(0, 20, step, State(1.0, 0.0)).position

    cr.check_gradient(run, 2.0)


def test_a_printed_loop_is_a_loop():
    def pendulum(th, om, dt):
        def step(t, state):
            th, om = state
            th = th + dt * om
            om = om - dt * math.sin(th)
            return th, om

        return cr.fori_loop(0, 50, step, (th, om))[0]

    source = cr.stage(pendulum, 0.5, 0.1, 0.01).source
    assert "for t in range(50):\n        th = th + dt * om " in source
    assert "for t in reversed(range(49)):" in source


def test_ys_are_printed_as_they_are_called():
    def f(h, xs):
        h, rows = cr.scan(lambda h, x: ((h := np.tanh(h + x)), h * x), h, xs)
        return np.sum(rows**2) + np.sum(h)

    source = cr.stage(f, H, XS).source
    assert "    rows = np.zeros((6, 3))\n" in source
    assert "        rows[t" in source


def test_newton_is_compiled_for_all_numbers_of_turns():
    def root(a):
        return cr.while_loop(
            lambda x: abs(x * x - a) > 1e-9 * a, lambda x: (x + a / x) / 2, 0.5 * a + 0.5
        )

    f = cr.compile(cr.value_and_grad(root))
    for a in (2.0, 3.0, 100.0, 0.01):
        value, slope = f(a)
        assert value == pytest.approx(math.sqrt(a), rel=1e-8)
        assert slope == pytest.approx(0.5 / math.sqrt(a), rel=1e-6)


FAULTS = {
    "structure": (
        lambda: cr.scan(lambda c, x: ((c, c), x), 0.0, XS),
        r"was given a float and returned \(\*, \*\).*keeps its structure",
    ),
    "shape": (
        lambda: cr.fori_loop(0, 3, lambda i, c: {"h": c["h"][None]}, {"h": H}),
        r"was given carry\['h'\] of shape \(3,\) and returned one of shape \(1, 3\)",
    ),
    "dtype": (
        lambda: cr.while_loop(lambda c: True, lambda c: c.astype(np.float32), H),
        r"of dtype float64 and returned one of dtype float32, .*begin with dtype float32",
    ),
    "what cannot be carried": (
        lambda: cr.fori_loop(0, 3, lambda i, c: c, "state"),
        "a carry is a str",
    ),
    "shape of y": (
        lambda: cr.scan(lambda n, x: (n + 1, x[:n]), 1, XS),
        r"y has shape \(2,\) and dtype float64, in turns before it has shape \(1,\)",
    ),
    "structure of y": (
        lambda: cr.scan(lambda n, x: (n + 1, x if n else None), 0, XS),
        "y is a ndarray, in turns before it is None",
    ),
    "no pair": (lambda: cr.scan(lambda c, x: c, 0.0, XS), r"must return a pair \(carry, y\)"),
    "lengths": (
        lambda: cr.scan(lambda c, x: (c, None), 0.0, {"a": XS, "b": XS[1:]}),
        r"xs\['a'\] 6, xs\['b'\] 5",
    ),
    "length of xs": (lambda: cr.scan(lambda c, x: (c, x), 0.0, XS, 5), "length 5, xs 6"),
    "negative length": (lambda: cr.scan(lambda c, x: (c, x), 0.0, length=-1), "is -1"),
    "no length": (lambda: cr.scan(lambda c, x: (c, x), 0.0), "length= must say"),
    "a list of numbers": (lambda: cr.scan(lambda c, x: (c, x), 0.0, [1.0, 2.0]), r"np.array\(xs"),
    "float bounds": (lambda: cr.fori_loop(0, 3.0, lambda i, c: c, 0.0), "upper is 3.0, a float"),
    "predicate": (lambda: cr.cond(1.0, abs, abs, 2.0), "the predicate of cond must be one bool"),
    "condition": (
        lambda: cr.while_loop(lambda c: c > 0, lambda c: c, H),
        r"must be one bool, it is of shape \(3,\) and dtype bool",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name):
    call, message = FAULTS[name]
    with pytest.raises(ArgumentError, match=f"(?s){message}") as caught:
        call()
    assert "test_control_flow.py" in str(caught.value)


def test_an_error_says_in_which_turn():
    with pytest.raises(ZeroDivisionError) as caught:
        cr.grad(lambda x: cr.fori_loop(2, 9, lambda i, c: c + x / (4 - i), 0.0))(1.0)
    assert "in turn 2 of fori_loop, where i is 4" in caught.value.__notes__
