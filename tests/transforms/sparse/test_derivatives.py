"""sparse_jacobian, sparse_hessian and sparsity against the dense derivatives."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import ArgumentError, NonScalarOutputError, UnsupportedError

rng = np.random.default_rng(0)
x = rng.normal(size=12)


def same(found, expected):
    assert type(found) is scipy.sparse.csr_array
    assert found.has_sorted_indices
    expected = np.reshape(expected, found.shape)
    assert found.dtype == expected.dtype
    tolerance = 1e-4 if np.finfo(found.dtype).eps > 1e-10 else 1e-9
    np.testing.assert_allclose(found.toarray(), expected, tolerance, tolerance)


# Programs as people write them.


def laplacian(x):
    u = x.reshape(3, 4)
    return np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4 * u


def written(x):
    out = np.zeros(6)
    out[0] = x[0] * x[1]
    out[1:4] = x[3:6] ** 2
    out[2] += x[11]
    out[-1] = out[0] * x[2]
    return out


def recurrence(x):
    y = x.copy()
    for i in range(1, len(x)):
        y[i] = y[i] / 2 + np.sin(x[i - 1])
    return y


def views(x):
    a = x.reshape(3, 4).copy()
    below = a[1:]
    below += a[:-1]
    a.T[0] *= 2
    return a


def added(x):
    y = np.zeros(4)
    np.add.at(y, [0, 1, 1, 3], x[:4] ** 2)
    return y


def reaction(x):
    a, b = x.reshape(2, 2, 3)
    return np.stack([1 + a * a * b + laplacian(x).reshape(2, 2, 3)[0], 3 * a - a * a * b])


band = scipy.sparse.diags_array([np.ones(11), np.full(12, -2.0)], offsets=[1, 0])

PROGRAMS = {
    "stencil": lambda x: np.sin(x[1:-1]) * x[2:] - x[:-2] ** 2,
    "grid": laplacian,
    "convolve": lambda x: np.convolve(x, [1.0, -2.0, 1.0], "same") ** 2,
    "cumulative": lambda x: np.cumsum(x.reshape(3, 4), axis=1) ** 2,
    "joined": lambda x: np.concatenate([x[:3] ** 2, np.ones(2), x[5:] * x[4]]),
    "written": written,
    "recurrence": recurrence,
    "views": views,
    "added": added,
    "reaction": reaction,
    "where": lambda x: np.where(x > 0, x * x[::-1], np.sin(x)),
    "one with all": lambda x: np.exp(np.maximum(x, 0.1)) + np.hypot(x, x[0]),
    "solve": lambda x: np.linalg.solve(np.diag([4.0, 5.0]) + x[:8].reshape(2, 2, 2), x[8:10]),
    "columns": lambda x: np.linalg.solve(np.diag([4.0, 5.0, 6.0]) + 1, x.reshape(3, 4)),
    "fancy": lambda x: x[[3, 1, 1, 0]] * x[np.array([[0], [5]])],
    "mask": lambda x: x[x > 0] ** 2,
    "ordered": lambda x: x[np.argsort(x)] ** 2,
    "einsum": lambda x: np.einsum("bij,bjk->bik", x.reshape(3, 2, 2), x.reshape(3, 2, 2)),
    "diagonal": lambda x: np.einsum("ii->i", x[:9].reshape(3, 3)) * x[0],
    "fft": lambda x: np.abs(np.fft.fft(x.reshape(3, 4), axis=1)) ** 2,
    "pad": lambda x: np.pad(x.reshape(3, 4), ((1, 1), (0, 2)), "wrap"),
    "products": lambda x: x.reshape(3, 2, 2) @ x[:4].reshape(2, 2) + np.kron(x[:2], x[2:4]).sum(),
    "sparse factor": lambda x: (band @ x) ** 2,
    "a gradient": cr.grad(lambda x: np.sum(x[1:] * x[:-1] ** 2)),
    "batched": lambda x: cr.vmap(lambda row: row * row.sum())(x.reshape(3, 4)),
    "checkpointed": cr.checkpoint(lambda x: np.sin(x) * x[0]),
    "scalar": lambda x: np.sum(x[:3] ** 2),
    "constant": lambda x: np.ones(3),
    "itself": lambda x: x,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    f = PROGRAMS[name]
    for mode in ("auto", "forward", "reverse"):
        same(cr.sparse_jacobian(f, mode=mode)(x), cr.jacobian(f)(x))

    def loss(x):
        return np.sum(np.sin(f(x)) * 1.5)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.errors.IndependentOutputWarning)
        same(cr.sparse_hessian(loss)(x), cr.hessian(loss)(x))


STEPS = [
    lambda x: np.sin(x),
    lambda x: x * x[::-1],
    lambda x: np.roll(x, 1) - x,
    lambda x: np.concatenate([x[2:] ** 2, x[:2]]),
    lambda x: x.reshape(2, 3).T.ravel() * 0.5,
    lambda x: np.cumsum(x.reshape(2, 3), axis=0).ravel(),
    lambda x: x[np.array([0, 0, 4, 2, 5, 1])],
    lambda x: np.where(np.arange(6) % 2 == 0, x, 1.0),
    lambda x: np.repeat(x.reshape(3, 2).sum(axis=1), 2),
    lambda x: x + np.max(x[:3]),
    lambda x: np.diff(x, append=0.0),
    lambda x: (x.reshape(2, 3) @ np.triu(np.ones((3, 3)))).ravel(),
    lambda x: np.tril(np.outer(x, x))[3],
    lambda x: np.sort(x.reshape(3, 2), axis=1).ravel(),
]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(range(len(STEPS))), min_size=1, max_size=5), st.integers(0, 99))
def test_random_programs(steps, seed):
    def f(x):
        for step in steps:
            x = STEPS[step](x)
        return x

    a, b = np.random.default_rng(seed).normal(size=(2, 6))
    dense = cr.jacobian(f)(a)
    same(cr.sparse_jacobian(f)(a), dense)
    pattern = cr.sparsity(f)(a).toarray()
    for other in (dense, cr.jacobian(f)(b)):  # it is right for other numbers, too
        assert not np.any((other != 0) & ~pattern)
    same(
        cr.sparse_hessian(lambda x: np.sum(np.sin(f(x))))(a),
        cr.hessian(lambda x: np.sum(np.sin(f(x))))(a),
    )


# Arguments and results.


def test_trees_of_arguments_and_outputs():
    def f(w, scale, unused):
        return {"a": w["x"] ** 2 * scale, "b": (w["y"].sum(), scale, 3.0)}

    args = {"x": x[:3], "y": np.ones((2, 2))}, 2.0, x
    found, expected = (g(f, (0, 1))(*args) for g in (cr.sparse_jacobian, cr.jacobian))
    assert found["b"][0][0]["y"].shape == (1, 4)
    assert found["a"][1].shape == (3, 1)
    same(found["a"][0]["x"], expected["a"][0]["x"])
    same(found["b"][0][0]["y"], expected["b"][0][0]["y"])
    same(found["b"][1][1], expected["b"][1][1])
    assert found["b"][2][1].nnz == 0

    def loss(w, scale):
        return np.sum(w["x"][1:] * w["x"][:-1]) * scale + np.sum(w["y"] ** 3)

    found, expected = (g(loss, (0, 1))(*args[:2]) for g in (cr.sparse_hessian, cr.hessian))
    same(found[0]["x"][0]["x"], expected[0]["x"][0]["x"])
    same(found[0]["x"][1], expected[0]["x"][1])
    same(found[1][0]["y"], expected[1][0]["y"])
    same(found[0]["y"][0]["y"], expected[0]["y"][0]["y"])
    assert found[0]["y"][0]["y"].nnz == 4


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.complex128])
def test_dtypes(dtype):
    z = x.astype(dtype) + dtype(0.5) if dtype is np.float32 else (x + 1j * x[::-1]).astype(dtype)
    functions = [lambda z: np.abs(z[1:] * z[:-1]) ** 2]
    if dtype is not np.float32:
        functions.append(lambda z: z[1:] * z[:-1])
    for f in functions:
        for mode in ("forward", "reverse"):
            same(cr.sparse_jacobian(f, mode=mode)(z), cr.jacobian(f)(z))


def test_complex_outputs():
    def f(x):
        return np.exp(1j * x[1:]) * x[:-1]

    for mode in ("forward", "reverse"):
        same(cr.sparse_jacobian(f, mode=mode)(x), cr.jacobian(f)(x))
    with pytest.raises(ArgumentError, match="not holomorphic"):
        cr.sparse_jacobian(lambda z: np.conj(z))(x + 1j)


@pytest.mark.parametrize("z", [1.0 + 2.0j, np.complex64(1 + 2j), np.array(1 + 2j), 2.0])
def test_numbers(z):
    for f in (lambda z: z**2, lambda z: np.abs(z) ** 2, lambda z: z * np.ones(3)):
        for mode in ("forward", "reverse"):
            same(cr.sparse_jacobian(f, mode=mode)(z), cr.jacobian(f, mode=mode)(z))


def test_a_gradient_that_is_none_has_no_symmetric_derivative():
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    scaled = cr.custom_gradient(lambda x: (x, lambda g: g * weights * np.roll(x, 1)))

    def f(x):
        return np.sum(scaled(x)[1:] * scaled(x)[:-1] ** 2)

    expected = cr.hessian(f)(x[:4])
    assert np.any(expected != expected.T)
    same(cr.sparse_hessian(f)(x[:4]), expected)


def test_a_result_has_its_own_pattern():
    jacobian = cr.sparse_jacobian(lambda x: x[1:] * x[:-1])
    first = jacobian(x)
    first.indices[:] = 0
    first.data[:] = 0
    same(jacobian(x), cr.jacobian(lambda x: x[1:] * x[:-1])(x))


def test_empty_arrays():
    assert cr.sparse_jacobian(lambda x: x**2)(np.zeros(0)).shape == (0, 0)
    assert cr.sparse_jacobian(lambda x: x[:0])(x).shape == (0, 12)


# Patterns.


def test_the_pattern_follows_the_branch_and_the_indices():
    def f(x, which):
        return x[1:] * x[:-1] if x[0] > 0 else x[which] ** 2

    jacobian = cr.sparse_jacobian(f)
    for first in (1.0, -1.0, 1.0):
        for which in ([0, 3], [5, 2, 2]):
            args = np.array([first, *x[1:]]), np.array(which)
            same(jacobian(*args), cr.jacobian(f)(*args))


def test_global_and_local_patterns():
    def f(x):
        return np.maximum(x[1:], x[:-1]) * np.array([1.0, 0.0])

    a = np.array([1.0, 2.0, 3.0])
    assert cr.sparsity(f)(a).nnz == 4
    assert cr.sparsity(f)(a).dtype == bool
    np.testing.assert_array_equal(
        cr.sparsity(f, local=True)(a).toarray(), [[False, True, False], [False, False, False]]
    )


def test_what_is_constant_depends_on_nothing():
    pattern = cr.sparsity(lambda x: cr.stop_gradient(x)[::-1] * x + np.floor(x[0]))(x)
    np.testing.assert_array_equal(pattern.toarray(), np.eye(12, dtype=bool))


def test_a_hessian_has_the_entries_that_interact():
    pattern = cr.sparsity(cr.grad(lambda x: x[0] + x[1] * x[2] + np.sum(x[3:] ** 2)))(x[:5])
    expected = np.diag([0, 0, 0, 1, 1])
    expected[1, 2] = expected[2, 1] = 1
    np.testing.assert_array_equal(pattern.toarray(), expected)


def test_it_is_pickled_as_the_function_that_it_is_of():
    again = pickle.loads(pickle.dumps(cr.sparse_jacobian(np.sin, mode="reverse")))
    same(again(x), np.diag(np.cos(x)))


# Bad input.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cr.sparse_jacobian(np.sin, mode="both")(x), "mode is 'both'"),
        (lambda: cr.sparse_jacobian(np.sin)(np.arange(3)), "argument 0 .* has dtype int64"),
        (lambda: cr.sparse_hessian(np.sum)(np.arange(3)), "argument 0 .* has dtype int64"),
        (lambda: cr.sparsity(np.sin, argnums=1)(x), "argnums is 1"),
        (lambda: cr.sparse_jacobian(lambda x: "no")(x), "returned a str, which has no Jacobian"),
        (lambda: cr.sparse_jacobian(lambda x: None)(x), "returned no array"),
        (
            lambda: cr.vmap(cr.sparsity(np.sin, local=True))(np.ones((2, 3))),
            "local pattern may be another one",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()


def test_the_hessian_of_many_outputs():
    with pytest.raises(NonScalarOutputError, match=r"returned shape \(12,\)"):
        cr.sparse_hessian(np.sin)(x)


def test_a_pattern_that_is_not_sparse(monkeypatch):
    monkeypatch.setattr("chainrule.transforms.sparse.index_sets.MOST_MEMBERS", 100)
    with pytest.raises(UnsupportedError, match="it is not sparse"):
        cr.sparse_jacobian(lambda x: x / np.linalg.norm(x))(x)
