"""Views and writes mean what they mean in NumPy: random programs, and forms people write."""

from __future__ import annotations

import operator
import tracemalloc
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UnsupportedError

as_strided = np.lib.stride_tricks.as_strided
sliding_window_view = np.lib.stride_tricks.sliding_window_view


def _made_of(r: Any, a: Any) -> Any:
    """Return a view of an array, or a copy (the last ones)."""
    kind = r.integers(32)
    if kind == 0:
        return a[_basic(r, a.shape)]
    if kind == 1:
        return a.T
    if kind == 2:
        return a.reshape(-1)
    if kind == 3:
        return np.reshape(a, (*a.shape, 1))
    if kind == 4:
        return a.ravel()
    if kind == 5:
        return np.swapaxes(a, 0, -1)
    if kind == 6:
        return np.moveaxis(a, 0, -1)
    if kind == 7:
        return np.expand_dims(a, 0)
    if kind == 8:
        return a.squeeze()
    if kind == 9:
        return np.flip(a)
    if kind == 10:
        return np.atleast_2d(a)
    if kind == 11:
        return np.rollaxis(a, a.ndim - 1)
    if kind == 12:
        return np.array_split(a, 2)[r.integers(2)]
    if kind == 13:
        return list(a)[r.integers(a.shape[0])] if a.shape[0] else a
    if kind == 14:
        return a.real
    if kind == 15:
        return a[...]
    if kind == 16:
        return np.asarray(a)
    if kind == 17:
        return np.ascontiguousarray(a)
    if kind == 18:
        return np.diagonal(a) if a.ndim == 2 else a
    if kind == 19:
        return np.broadcast_to(a, (2, *a.shape))
    if kind == 20:
        return a.flatten()
    if kind == 21:
        return a.copy()
    if kind == 22:
        return np.array(a)
    if kind == 23:
        return a[[0, -1]] if a.shape[0] else a
    if kind == 24:
        return a[a > 0.5]
    if kind == 25:
        return a + 1.0
    if kind == 26:
        return np.roll(a, 1)
    if kind == 27:
        return a.view()
    if kind == 28:  # every second row, said by strides
        strides = (2 * a.strides[0], *a.strides[1:])
        return as_strided(a, ((a.shape[0] + 1) // 2, *a.shape[1:]), strides)
    if kind == 29:
        rows = min(2, a.shape[0])
        return sliding_window_view(a, rows, axis=0) if rows else a
    if kind == 30 and a.ndim == 1:
        return as_strided(a, (a.shape[0], 2), (a.strides[0], 0), writeable=False)
    return np.zeros_like(a)


def _basic(r: Any, shape: tuple[int, ...]) -> Any:
    index: list[Any] = []
    for n in shape[: r.integers(1, len(shape) + 1)]:
        k = r.integers(6)
        if k == 0 and n:
            index.append(int(r.integers(-n, n)))
        elif k == 1:
            index.append(slice(int(r.integers(0, n + 1)), None))
        elif k == 2:
            index.append(slice(None, None, -1))
        elif k == 3:
            index.append(slice(None, None, 2))
        else:
            index.append(slice(None))
    if r.integers(4) == 0:
        index.append(Ellipsis)
    return tuple(index)


def _write(r: Any, a: Any, x: Any) -> None:
    value = x[r.integers(3)] * r.uniform(0.5, 1.5)
    kind = r.integers(18)
    if kind == 0:
        a[...] = value
    elif kind == 1:
        a *= value
    elif kind == 2:
        a += r.uniform(0.5, 1.5)
    elif kind == 3:
        index = _basic(r, a.shape)
        a[index] = value
    elif kind == 4:
        index = _basic(r, a.shape)
        a[index] *= value
    elif kind == 5:
        a[np.zeros(a.shape, bool) | (r.uniform(size=a.shape) > 0.5)] = value
    elif kind == 6:
        a[...] = np.flip(a)
    elif kind == 7:
        a[[0, -1, 0]] += value
    elif kind == 8:
        np.multiply(a, value, out=a)
    elif kind == 9:
        a += 0.0  # which raises where it is read-only: NumPy's `at` does not
        np.add.at(a, ([0, 0, -1],), value)
    elif kind == 10:
        np.copyto(a, value, where=r.uniform(size=a.shape) > 0.5)
    elif kind == 11:
        a[1:] = a[:-1]
    elif kind == 12:
        a[...] += 0.0
        a.flat[::2] = value
    elif kind == 13:
        np.divide(a, value, out=a, where=r.uniform(size=a.shape) > 0.5)
    elif kind == 14:
        np.put(a, [0, -1] if a.size else [], value)
    elif kind == 15:
        np.sum(a, axis=0, out=a[-1:] if a.ndim == 1 else a[-1], keepdims=a.ndim == 1)
    elif kind == 16 and a.ndim == 2:
        np.fill_diagonal(a, value, wrap=True)
    else:
        np.add(a, value, a)


def program(seed: int, x: Any) -> Any:
    """Take views, write through them, and read all. What NumPy refuses is passed over."""
    r = np.random.default_rng(seed)
    shape = tuple(r.integers(1, 4, size=r.integers(1, 4)))
    start = r.integers(3)
    if start == 0:
        a = np.zeros(shape)
    elif start == 1:
        a = np.ones(shape) * x[0]
    else:
        a = np.linspace(0.5, 1.0, int(np.prod(shape))).reshape(shape)
    held = [a]
    total = 0.0
    for _ in range(r.integers(3, 9)):
        source = held[r.integers(len(held))]
        action = r.integers(3)
        if action == 0:
            new = _made_of(r, source)
            if np.ndim(new):
                held.append(new)
        elif action == 1 and source.shape[0]:
            draws = np.random.default_rng(r.integers(2**31))
            try:
                _write(draws, source, x)
            except ValueError as error:
                if "read-only" not in str(error):
                    raise
        else:
            total = total + np.sum(np.sin(source) * (1 + len(held)))
        if len(held) > 4 and r.integers(2):
            held.pop(r.integers(len(held)))  # nothing but its views holds it now
    for k, a in enumerate(held):
        weights = np.arange(1.0, np.size(a) + 1).reshape(np.shape(a))
        total = total + np.sum(weights * a) / (k + 1)
    return total


X = np.array([0.7, 0.9, 1.2])


@pytest.mark.parametrize("block", range(20))
def test_random_programs_of_views_and_writes(block: int) -> None:
    with np.errstate(all="ignore"):
        for seed in range(150 * block, 150 * (block + 1)):
            expected = program(seed, X)
            if not isinstance(expected, float) or not np.isfinite(expected):
                continue
            value, gradient = cr.value_and_grad(lambda x, seed=seed: program(seed, x) + 0 * x[0])(X)
            np.testing.assert_allclose(value, expected, rtol=1e-12, err_msg=f"seed {seed}")
            for k in range(3):
                e = np.zeros(3)
                e[k] = 1e-6
                slope = (program(seed, X + e) - program(seed, X - e)) / 2e-6
                scale = max(1.0, abs(expected))
                np.testing.assert_allclose(
                    gradient[k], slope, rtol=2e-5, atol=1e-6 * scale, err_msg=f"seed {seed}"
                )


def entries(x):
    out = np.zeros(x.shape)
    for i in range(3):
        out[i] = x[i] ** 2
    return np.sum(out**2)


def rows(x):
    a = x * np.ones((2, 3))
    for row in a:
        row /= np.sum(row**2)
    return np.sum(a**3)


def column(x):
    a = np.outer(x, x)
    c = a[:, 0]
    c *= 2
    return np.sum(a**2)


def swapped(x):
    a = np.outer(x, x)
    a[[0, 1]] = a[[1, 0]]
    a[0], a[2] = a[2].copy(), a[0].copy()
    return np.sum(a * np.arange(9.0).reshape(3, 3))


def stencil(x):
    u = np.zeros((5, 5))
    u[1:-1, 1:-1] = np.outer(x, x)
    for _ in range(2):
        u[1:-1, 1:-1] += 0.1 * (u[2:, 1:-1] + u[:-2, 1:-1] - 4 * u[1:-1, 1:-1])
    return np.sum(u**2)


def factor(x):
    a = np.outer(x, x) + 3 * np.eye(3)
    for j in range(3):
        a[j, j] = np.sqrt(a[j, j] - a[j, :j] @ a[j, :j])
        for i in range(j + 1, 3):
            a[i, j] = (a[i, j] - a[i, :j] @ a[j, :j]) / a[j, j]
    return np.sum(np.tril(a))


def table(x):
    t = np.full((4, 4), np.inf)
    t[0, 0] = 0.0
    for i in range(1, 4):
        for j in range(1, 4):
            t[i, j] = x[i - 1] * x[j - 1] + min(t[i - 1, j - 1], t[i, j - 1], t[i - 1, j])
    return t[3, 3]


def _buffer(n):
    return {"b": [np.empty(n)]}


def handed_through(x):
    held = _buffer(3)
    held["b"][0][:] = x
    held["b"][0][1:] *= x[:2]
    return np.sum(held["b"][0])


def scattered(x):
    out = np.zeros(4)
    np.add.at(out, [0, 2, 0], x)
    np.subtract.at(out, [1, 1], x[0])
    np.multiply.at(out, [0, 0], x[1])
    return np.sum(out**2)


def given_out(x):
    a = np.zeros((2, 3))
    np.exp(x, out=a[0])
    np.multiply(a[0], 2, out=a[1])
    np.cumsum(x, out=a[0])
    return np.sum(a**2)


def filled(x):
    a = np.zeros((3, 3))
    np.fill_diagonal(a, x)
    np.put(a, [1, -1], x[0])
    np.place(a, a == 0, x[1:])
    np.putmask(a, a > 1, x[2] * a)
    a[2].fill(x[0])
    a[1].sort()
    return np.sum(a * np.arange(9.0).reshape(3, 3))


def windows(x):
    a = x * 2
    w = np.lib.stride_tricks.sliding_window_view(a, 2)
    a[0] = 5 * x[1]
    return np.sum(w**2)


def windows_of_a_column(x):
    a = np.outer(x, x)
    w = sliding_window_view(a[:, 1], 2)
    v = sliding_window_view(a.T, (2, 2), writeable=True)
    a[1, 1] = x[0]
    v[0, 0] *= x[2]
    return np.sum(w**2) + np.sum(v**3)


def weighted_windows(x):
    a = np.zeros(5)
    w = sliding_window_view(a, 3)
    a[1:4] = x
    return np.sum(w @ np.array([1.0, 2.0, 3.0]))


def strided(x):
    a = np.zeros((3, 4))
    diagonal = as_strided(a, (3,), (a.strides[0] + a.strides[1],))
    diagonal[:] = x
    diagonal[1:] += x[0]
    behind = as_strided(a[1:, 1:], (2,), (-a.strides[1],))  # before its own beginning
    behind[1] = x[2] ** 2
    return np.sum(a**2 * np.arange(12.0).reshape(3, 4))


def parts_of_complex(x):
    z = np.zeros((2, 3), complex)
    z.real = x
    z.imag[0] = x**2
    z[1].imag += x[0]
    np.real(z)[:, 1:] *= x[2]
    z.T[0].real.fill(x[1])
    return np.sum(abs(z) ** 2 * np.arange(6.0).reshape(2, 3))


def flat_entries(x):
    a = np.zeros((2, 3))
    a.flat = x
    a.flat[[1, -1]] = a.flat[[4, 0]] * x[:2]
    a.T.flat[1:4] *= x[1]
    total = 0.0
    for k, entry in enumerate(a.flat):
        total += entry * (k + 1)
    for place, entry in np.ndenumerate(a):
        a[place] = entry**2
        a[1, 2] += 0.1 * x[0]  # which is seen further on
    return total + np.sum(a.flat[2:]) + np.sum(np.sin(a.flat))


def outputs(x):
    a, b, c = np.zeros((2, 3)), np.empty(3), np.full(3, 2.0)
    np.outer(x[:2], x, a)
    a.cumsum(axis=1, out=a)
    a.sum(axis=0, out=b)
    np.divide(b, c, out=c, where=x > 0.8)
    np.concatenate([x[:1], b[1:]], out=b)
    np.stack([b, c], out=a)
    return np.sum(np.dot(a, x, np.zeros(2))) + a.clip(0.5, 1, out=a).sum() + np.sum(c**2)


def overwritten_argument(x):
    v = x[1:]
    v *= x[0]
    x[0] = 7.0
    return np.sum(x**2)


def places_used_again(x):
    """Indices and masks that are overwritten once they have been used."""
    places, mask, factors = np.array([0, 1]), x > 0, np.array([1, 2])
    a = np.zeros(3)
    a[places] = x[places] * factors
    places[:] = [1, 2]
    factors *= 3
    a[places] += x[places] * factors
    np.add.at(a, places, x[:2])
    a[mask] *= x[0]
    mask[:] = True
    a[mask] += x
    mask[:], places[:] = False, 0
    places.shape = 2, 1
    return np.sum(a**2) + np.sum(x[places])


def given_a_shape(x):
    a = x * np.ones((2, 3))
    b = a.T
    a.shape = 3, 2
    c = a[0]
    a.shape = 6
    a[0] = 5 * x[2]
    b[0, 1] *= x[1]
    x.shape = 1, 3
    return np.sum(a * np.arange(6)) + np.sum(c**2) + np.sum(b**3) + np.sum(x @ x.T)


def repeated_number(x):
    a = np.array(x[0])
    b = np.broadcast_to(a, (2, 2))
    c, _ = np.broadcast_arrays(a, x)
    a[...] = x[1] * a
    return np.sum(b**2) + c[2]


def made_by_the_class(x):
    a = np.ndarray((2, 3), dtype=x.dtype)
    a[0] = x
    a[1] = a[0] ** 2
    return np.sum(a**2)


def taken_apart_by_einsum(x):
    a = np.outer(x, x + 1)
    np.einsum("ii->i", a)[:] = x**2
    rows = np.einsum("ij->ji", a)
    rows[1] *= a[0]
    np.einsum("iji->ji", a[:, :, None] * np.ones((3, 3, 3)))[:] = 5  # of what nobody sees
    np.einsum(a, [0, 0], [0])[1:] -= x[0]
    operator.setitem(a, 2, a[0])
    np.add.at(a[1], [0, 0, 2], x)  # into a view
    return np.sum(a * np.arange(9).reshape(3, 3))


def of_its_own_diagonal(x):
    a = np.outer(x, x + 1)
    np.fill_diagonal(a, np.diagonal(a) + x)
    a[0] = np.diagonal(a) ** 2
    a[1] = np.einsum("ii->i", a) * x[0]
    a[:, 2] = a[np.arange(3), [1, 1, 0]] + a.diagonal(1).sum()
    a[1:, :] += np.diag(a, 1).sum()
    a[:2] += np.einsum("ii", a)
    a[2] = np.diag(np.diag(a))[1]
    return np.sum(a * np.arange(9).reshape(3, 3))


def left_where_they_are(x):
    a = x * np.ones((2, 3))
    np.require(a)[0] = x[0]
    np.asarray_chkfinite(a)[1, 1] *= 2
    a.conj()[1, 0] += x[1] ** 2
    a.conjugate()[:, 2] *= x[1]
    np.nan_to_num(a, copy=False)[0, 1] = x[2] ** 3
    np.array(a, ndmin=3, copy=False)[0, 1] **= 2
    return np.sum(a * np.arange(6).reshape(2, 3))


def copied_where_asked(x):
    a = x * np.ones((2, 3))
    copies = [
        np.asarray(a, order="F"),
        np.array(a, order="F", copy=None),
        np.require(a, requirements="F"),
        np.asfortranarray(a),
        np.reshape(a, (3, 2), copy=True),
        np.asarray(a, copy=True),
        np.array(a, ndmin=3),
        np.nan_to_num(a),
    ]
    for k, copy in enumerate(copies):
        copy *= x[0] + k
    a[1] = 7
    return np.sum(a**2) + sum(np.sum(copy) for copy in copies)


def rows_at_places_found(x):
    a = np.outer(x, x + 1)
    row = a[np.argmax(x)]
    row += x[0]
    a[np.argmin(x)] *= row
    part = a[np.argmax(x), 1:]
    a[:, 1] = x**2
    part[0] -= row[0]
    np.put(a, [0], x[:0])  # which does nothing
    np.putmask(a, a > 0, x[:0])
    return np.sum(a * np.arange(9).reshape(3, 3)) + np.sum(row**2)


def quantile_and_its_multiple(x):
    a = np.percentile(x, 30)
    b = a[..., None]  # of a number, which does not change
    a *= a
    return np.sum(b) + a


def copies_in_the_order_of_entries(x):
    a = np.outer(x, x + 1)[:2]
    copies = [
        a.T.copy(),
        a[:, ::-1].copy(),
        np.broadcast_to(x, (2, 3)).copy(),
        np.full((2, 3), x),
        np.meshgrid(x, x[:2])[0],
        np.copy(a.T, order="C"),
        np.copy(a.T),
        a.copy(order="F"),
    ]
    for copy in copies:
        flat = copy.reshape(-1)  # a view where the copy is one row after another
        flat[1] = x[2] ** 2
    return sum(np.sum(copy.ravel() * np.arange(6)) for copy in copies)


def at_a_diagonal(x):
    a = np.outer(x, x)
    d = np.diag(a, 1)  # read-only, which the ufuncs' at does not ask
    np.add.at(d, [0, 0, 1], x)
    np.multiply.at(np.diagonal(a), [0, 0, 1], x)
    return np.sum(a * a) + np.sum(d**3)


FORMS = [
    *(entries, rows, column, swapped, stencil, factor, table, handed_through, scattered),
    *(
        given_out,
        filled,
        windows,
        windows_of_a_column,
        weighted_windows,
        strided,
        parts_of_complex,
        flat_entries,
    ),
    *(outputs, overwritten_argument, rows_at_places_found, quantile_and_its_multiple),
    *(copies_in_the_order_of_entries, at_a_diagonal),
    *(places_used_again, given_a_shape, repeated_number, made_by_the_class),
    *(taken_apart_by_einsum, of_its_own_diagonal, left_where_they_are, copied_where_asked),
]


@pytest.mark.parametrize("f", FORMS)
def test_forms_that_people_write(f: Any) -> None:
    x = X.copy()
    value, gradient = cr.value_and_grad(f)(x)
    np.testing.assert_array_equal(x, X)  # the caller's array stays as it is
    assert value == pytest.approx(f(X.copy()), rel=1e-12)
    steps = 1e-6 * np.eye(3)
    slopes = [(f(X + e) - f(X - e)) / 2e-6 for e in steps]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-7)
    staged, (printed,) = cr.stage(f, X.copy())(X.copy())
    assert staged == pytest.approx(value)
    np.testing.assert_allclose(printed, gradient)


def test_a_write_that_would_mean_two_things_is_refused() -> None:
    def f(x):
        a = x * 2
        w = sliding_window_view(a, 2, writeable=True)
        w += 1.0
        return np.sum(a)

    with pytest.raises(UnsupportedError, match=r"has an entry twice.*test_memory"):
        cr.grad(f)(X)

    def shuffled(x):
        a = np.outer(x, x)
        np.random.default_rng(0).shuffle(a)
        return np.sum(a[0])

    with (
        pytest.warns(UserWarning, match="shuffling"),
        pytest.raises(UnsupportedError, match=r"a swap of rows .* write a\[:\] = a\[np.random"),
    ):
        cr.grad(shuffled)(X)
    with pytest.raises(UnsupportedError, match=r"beyond the entries of the array"):
        cr.grad(lambda x: np.sum(as_strided(x, (9,), (8,))))(X)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_row_that_is_written_with_a_column_it_meets(order: Any) -> None:
    def f(y):  # NumPy copies such vectors entry by entry, and may read what it has written
        m = y.T if order == "F" else y * 1.0
        m[1] = m[:, 3]
        m[:, 2] = m[3] - 0
        m.reshape(-1)[::5] = m.T[0].copy()
        m.reshape(-1)[:8:2] = m[1]
        return np.sum(m * m * np.arange(16).reshape(4, 4))

    x = np.random.default_rng(5).normal(size=(4, 4))
    value, gradient = cr.value_and_grad(f)(x)
    np.testing.assert_allclose(value, f(x.copy()), rtol=1e-14)
    assert cr.check_gradient(lambda y: f(y * 1.0 if order == "C" else np.array(y)), x)
    for other in (cr.stage(f, x), cr.compile(cr.value_and_grad(f))):
        for _ in range(2):
            found = other(x)
            np.testing.assert_allclose(found[0], value, rtol=1e-12)
            np.testing.assert_allclose(np.reshape(found[1], (4, 4)), gradient, rtol=1e-12)


def test_numpy_casts_and_refuses_as_ever() -> None:
    def cast(x):
        a = np.zeros(3, np.float32)
        a[:] = x
        return np.sum(a)

    assert cr.grad(cast)(X).dtype == np.float64

    def shapes(x):
        a = np.zeros(3)
        a[:2] = x
        return np.sum(a)

    with pytest.raises(ValueError, match="could not broadcast"):
        cr.grad(shapes)(X)


def entries_of(x, a):
    for i in range(len(a)):
        a[i, 1] = x * a[i, 0]


def rows_of(x, a):
    for row in a:
        row *= x
        row[1] += row[0]


def held_rows_of(x, a):
    for i in range(len(a)):
        row = a[i]
        row[:] = np.sin(row) * x


@pytest.mark.parametrize("fill", [entries_of, rows_of, held_rows_of])
def test_filling_keeps_no_copies(fill: Any) -> None:
    def f(x):
        a = np.ones((1000, 8))
        fill(x, a)
        return np.sum(a)

    tracemalloc.start()
    gradient = cr.grad(f)(0.5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * 64_000  # bytes; each copy of the array takes 64,000 of them
    assert gradient == pytest.approx((f(0.5 + 1e-6) - f(0.5 - 1e-6)) / 2e-6, rel=1e-6)


def test_at_asks_whether_an_array_is_read_only_where_numpy_does() -> None:
    def f(x):
        np.add.at(np.outer(x, x).diagonal(), slice(0, 2), x[:2])

    def entry(x):
        np.outer(x, x).diagonal()[0] = x[0]

    for write in (f, entry):
        with pytest.raises(ValueError, match="read-only"):
            write(X)
        with pytest.raises(ValueError, match="read-only"):
            cr.grad(write)(X)
