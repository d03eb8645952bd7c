"""Kernels: what is computed together, in which loops, by how many threads."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule import trees
from chainrule.native import steps
from chainrule.native.runtime import threads
from chainrule.native.schedule.arena import Arena

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(6, 9)), rng.normal(size=(6, 9))
V, W = rng.normal(size=9), rng.normal(size=6)
CUBE = rng.normal(size=(3, 4, 5))


def check(f, *args, tolerance=1e-12):
    """Compare the compiled function with the function, on its arguments and on others."""
    compiled = cr.compile(f)
    for factor in (1.0, -0.7, 0.9, 0.2, -0.4):
        given = [x * factor for x in args]
        for a, b in zip(
            trees.flatten(compiled(*given))[0], trees.flatten(f(*given))[0], strict=True
        ):
            assert type(a) is type(b)
            # A sum of many terms is as exact as the terms are large.
            scale = max(1.0, max(np.size(x) for x in args) ** 0.5)
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale / 10)
    return compiled.lower(*args)


def softmax(x):
    powers = np.exp(x - np.max(x, axis=1, keepdims=True))
    return powers / np.sum(powers, axis=1, keepdims=True)


def layer_norm(x, gain, bias):
    mean = np.mean(x, axis=1, keepdims=True)
    scale = np.sqrt(np.var(x, axis=1, keepdims=True) + 1e-5)
    h = (x - mean) / scale * gain + bias
    return np.sum(h * np.tanh(h))


def chain(x):
    t = np.tanh(x / 2 + 1)
    return np.sum(np.exp(-t * t) * np.sin(x) + np.log(1 + t * t) * x)


def network(W1, b1, W2, b2, x, y):
    z1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
    return np.sum((z1 @ W2 + b2 - y) ** 2)


NETWORK = [rng.normal(size=s) for s in [(4, 6), (6,), (6, 3), (3,), (8, 4), (8, 3)]]


@pytest.mark.parametrize(
    ("f", "args", "steps"),
    [
        pytest.param(lambda x: x * 2 + np.exp(x), [X], 1, id="entries"),
        pytest.param(lambda x, v: x * v + 1, [X, V], 1, id="a row for all"),
        pytest.param(lambda x, w: x * w[:, None], [X, W], 1, id="a number per row"),
        pytest.param(softmax, [X], 1, id="softmax"),
        pytest.param(cr.value_and_grad(layer_norm, (0, 1, 2)), [X, V, V + 1], 1, id="layer norm"),
        pytest.param(cr.value_and_grad(chain), [rng.normal(size=20_000)], 1, id="chain"),
        pytest.param(cr.value_and_grad(network, (0, 1, 2, 3)), NETWORK, 8, id="network"),
        pytest.param(
            lambda x: (np.sum(x), np.sum(x, axis=0), np.max(x, axis=1)), [X], 1, id="sums"
        ),
        pytest.param(lambda x: np.sum(np.exp(x), axis=(0, 2)), [CUBE], 1, id="outer and inner sum"),
        pytest.param(lambda x: np.sum(np.exp(x), axis=1), [CUBE], 1, id="a sum in the middle"),
        pytest.param(lambda x: x - np.mean(x, axis=0), [X], 2, id="columns first"),
        pytest.param(lambda x: x / np.sqrt(np.sum(x * x)), [X], 2, id="all first"),
        pytest.param(lambda x: x + x.T, [X[:, :6] + 0], 1, id="a view in memory"),
        pytest.param(lambda x: np.exp(x) + np.exp(x).T, [X[:, :6] + 0], 2, id="a computed view"),
        pytest.param(lambda v: np.exp(v)[:, None] * np.exp(v), [V], 2, id="a vector both ways"),
        pytest.param(lambda x: softmax(x) @ np.ones(9), [X], 2, id="softmax, then a product"),
        pytest.param(lambda x: x.reshape(9, 6).T * 2, [X], 1, id="reshaped"),
        pytest.param(lambda x: x[::2, 1:] * 2 + x[1::2, :-1], [X], 1, id="slices"),
    ],
)
def test_what_is_computed_together(f, args, steps):
    assert check(f, *args).kernels == steps


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.log(np.sum(np.exp(x), axis=1)) + np.log(np.sum(np.exp(y), axis=1)),
        lambda x, y: np.exp(x - np.max(x, axis=1)[:, None]) * np.sum(y, axis=1)[:, None],
        lambda x, y: np.sum(softmax(x) * np.log(softmax(y)), axis=0),
        lambda x, y: np.sum(np.max(x * y, axis=1) - np.min(x, axis=1)),
        lambda x, y: (softmax(x) - np.mean(y, axis=0)) ** 2,
        lambda x, y: np.prod(x, axis=1) / np.prod(1 + y * y),
        lambda x, y: np.where(x > y, x, y)[:, ::-1],
        lambda x, y: np.exp(np.sum(np.exp(np.sum(np.exp(x), axis=1, keepdims=True) / 9 - y))) * x,
        lambda x, y: (x > 0) & (y < 0),
        lambda x, y: np.sum(x > y, axis=0),
        lambda x, y: np.any(x > 2, axis=1) | np.all(y > -3, axis=1),
    ],
)
@pytest.mark.parametrize("rows", [1, 6])
def test_phases_of_a_row(f, rows):
    check(f, X[:rows], Y[:rows])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 7, 4095, 8192, 8193, 100_001])
def test_every_length(size, dtype):
    x = rng.normal(size=size).astype(dtype)
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    check(lambda x: (np.sum(np.sin(x)), np.exp(x), np.sum(x * x) + x), x, tolerance=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("f", "values"),
    [
        (lambda x: (np.sin(x), np.sum(np.cos(x)), np.tan(x)), [1e30, -3e15, 2.0**40]),
        (lambda x: (np.exp(x), np.sum(np.exp(-x * x), axis=1)), [1e3, -1e3, 95.0]),
        (lambda x: (np.log(x), np.max(np.log(np.abs(x)), axis=1)), [5e-324, 1e-310, -1.0]),
        (lambda x: np.exp(x) + np.log(np.float64(1) + np.abs(x)), [np.nan, np.inf, -np.inf]),
    ],
    ids=["angles", "large", "small", "two types"],
)
def test_arguments_out_of_the_ordinary_take_the_long_way(f, values, dtype):
    x = np.random.default_rng(0).uniform(0.1, 2, (3, 300)).astype(dtype)
    x[1, [0, 137, 299]] = values
    with np.errstate(all="ignore"):
        check(f, x, tolerance=1e-12 if dtype == np.float64 else 2e-6)


def test_rows_after_one_that_took_the_long_way():
    x = np.full((40, 300), 0.5)
    x[[2, 3, 21, 39], 7] = -np.inf, 1e3, np.nan, 1e-310
    with np.errstate(all="ignore"):
        check(lambda x: (np.exp(x), np.sum(np.log(np.abs(x)), axis=1)), x)


@pytest.fixture
def four_threads():
    before = threads.count()
    threads.set_count(4)
    yield
    threads.set_count(before)


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.exp(x)),
        lambda x: (np.sum(np.exp(x), axis=0), np.max(x), np.min(x, axis=0)),
        lambda x: softmax(x) + np.mean(np.tanh(x), axis=0),
        lambda x: np.sum(np.sin(x), axis=1),
    ],
)
def test_threads_share_rows(f, monkeypatch):
    monkeypatch.setattr(steps, "_WORTH_SHARING", 0)
    lowered = check(f, rng.normal(size=(401, 97)))
    assert "@cr.parallel(ptr" in lowered.ir


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda x: np.asfortranarray(x), id="by columns"),
        pytest.param(lambda x: np.repeat(x, 2, axis=1)[:, ::2], id="strided"),
        pytest.param(lambda x: x[::-1], id="backwards"),
        pytest.param(lambda x: np.broadcast_to(x[:1], x.shape), id="repeated"),
        pytest.param(
            lambda x: np.frombuffer(b"." + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
            id="misaligned",
        ),
    ],
)
def test_arrays_that_lie_otherwise(make):
    compiled = cr.compile(cr.value_and_grad(layer_norm, (0, 1, 2)))
    for x in (X, make(X), Y):
        found, expected = compiled(x, V, V), cr.value_and_grad(layer_norm, (0, 1, 2))(x, V, V)
        for a, b in zip(trees.flatten(found)[0], trees.flatten(expected)[0], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_arguments_that_are_the_same_array():
    compiled = cr.compile(lambda a, b: (a * b, a, b + 1))
    x = X.copy()
    compiled(x, x)
    for _ in range(2):
        product, first, second = compiled(x, x)
        np.testing.assert_array_equal(product, x * x)
        assert first is not x
        first[0] = 7.0
        np.testing.assert_array_equal(x, X)
        np.testing.assert_array_equal(second, X + 1)


def test_results_are_arrays_of_their_own():
    compiled = cr.compile(lambda x: (np.exp(x), np.exp(x)))
    for _ in range(2):
        a, b = compiled(X)
        a[:] = 0
        np.testing.assert_allclose(b, np.exp(X), rtol=1e-15)
        c, _ = compiled(X)
        np.testing.assert_allclose(c, np.exp(X), rtol=1e-15)


def test_nothing_is_contracted_or_reordered():
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1.0 + 2**-52])
    compiled = cr.compile(lambda x: (x * x - x * x, x - x, x * 0.0, -x, x + 0.0))
    with np.errstate(all="ignore"):
        for _ in range(2):
            for found, expected in zip(compiled(x), compiled.__wrapped__(x), strict=True):
                np.testing.assert_array_equal(found.view(np.int64), expected.view(np.int64))


def test_long_chains_are_cut():
    def f(x):
        for _ in range(500):
            x = x * 1.0001 + 0.001
        return x

    assert check(f, X).kernels > 1


def test_scratch_memory_is_used_again():
    arena = Arena()
    a, b = arena.take(100), arena.take(1000)
    arena.give(a)
    assert arena.take(64) == a
    arena.give(b)
    assert arena.take(500) < arena.size
    assert all(offset % 64 == 0 for offset in (a, b))
    before = arena.size
    for _ in range(10):
        arena.give(arena.take(300))
    assert arena.size == before


def test_a_plan_needs_no_more_scratch_memory_than_what_lives_at_once():
    def f(x):
        for _ in range(20):
            x = x - np.mean(np.exp(x), axis=0)
        return x

    x = rng.normal(size=(100, 100))
    words = check(f, x).schedule.rsplit(": ", 1)[1]
    assert int(words.removesuffix(" bytes").replace(",", "")) < 4 * x.nbytes


def test_what_is_stored_for_several_is_not_computed_from_stored_parts():
    def f(x):
        y = np.log(2 + np.tanh(x))
        total = np.sum(y)
        return y / total, y * total

    schedule = check(f, X).schedule
    assert schedule.count("log") == 1
    assert "add" not in schedule


AXES = [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]


@pytest.mark.parametrize("first", AXES)
def test_sums_over_any_two_sets_of_axes(first):
    x = rng.normal(size=(3, 4, 5))
    check(
        lambda x: [(np.sum(x, axis=first), np.max(x, axis=a), np.sum(x, axis=a)) for a in AXES], x
    )


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_angles_of_any_size_in_loops_and_alone(dtype):
    f = cr.compile(lambda x: (np.sin(x), np.cos(x), np.tan(x)))
    x = np.append(np.linspace(-3, 3, 40), [1e12, -1e22, 3e38]).astype(dtype)
    for given in (x, *x[[0, -3, -2, -1]]):
        exact = np.asarray(given, "f8")
        expected = np.sin(exact), np.cos(exact), np.tan(exact)
        for found, true in zip(f(given), expected, strict=True):
            np.testing.assert_array_max_ulp(found, true.astype(dtype), 2)


def test_kernels_that_compute_the_same_elsewhere_are_one():
    x, y = rng.normal(size=(2, 50, 50))
    lowered = check(lambda x, y: np.sin(y @ np.sin(y @ np.sin(x))), x, y)
    assert lowered.ir.count("define internal fastcc void @kernel") == 1
