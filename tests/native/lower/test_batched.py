"""Loops whose turns wait for no other are operations on all turns; others stay loops."""

import numpy as np
import pytest

import chainrule as cr


def columns(a, b):
    """Columns of their own, a product in each, and an update that reads what the turn has made."""
    a = a.copy()
    for j in range(a.shape[1]):
        a[1:, j] += 2.0 * a[0, j] * b[1:, j]
        a[0, j] = b[:, 0] @ a[:, j]
    return np.sum(a * a)


def sums(a, b):
    """Rank one updates, from the last on, and a sum at one place."""
    c = np.zeros((a.shape[1], b.shape[1]))
    total = np.zeros(a.shape[1])
    for i in range(a.shape[0] - 1, -1, -1):
        c += a[i][:, None] * b[i]
        c[0] -= b[i]
        total = total + np.sum(b[i]) * a[i]
    return np.sum(c * c) + np.sum(total**3)


def triangle(a, b):
    """Turns of a loop in a loop of another length in each turn, with tapes."""
    a = a.copy()
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] += np.exp(b[i, :i] @ a[:i, j])
    return np.sum(a * a)


def transposed(a, b):
    """What is read along rows is written along columns, and some of it only after the last turn."""
    c, row = np.zeros((a.shape[1], a.shape[0])), np.zeros(a.shape[1])
    for i in range(a.shape[0]):
        row = np.maximum(a[i], 0.0) * b[i, 0]
        c[:, i] = np.cumsum(row)[-1] + row
    return np.sum(c * c) + np.sum(row)


def waiting(a, b):
    """Each turn reads what the one before has written."""
    a = a.copy()
    for j in range(1, a.shape[1]):
        a[:, j] += b[:, j] * a[:, j - 1]
    return np.sum(a * a)


def written_over(a, b):
    """What a turn adds is written over in part by the next."""
    a = a.copy()
    for j in range(a.shape[1] - 1):
        a[0, j : j + 2] += b[0, j : j + 2]
        a[0, j] *= 2.0
    return np.sum(a * a)


def maybe_no_turn(a, b):
    """What turns make anew is what it was where there is none."""
    total, last = np.zeros(a.shape[1]), np.ones(a.shape[1])
    for i in range(a.shape[0]):
        for j in range(i):
            last = np.sin(b[j]) * a[i]
        total = total + last
    return np.sum(total * last)


def partly(a, b):
    """A sum that is written twice, the second time from what it was before the first."""
    total = np.zeros(3)
    for j in range(a.shape[1]):
        first = total[:2] + a[0, j]
        total[:2] = first
        total[1:] += b[0, j]
        total[:2] = first + a[1, j]
    return np.sum(total**2) + np.sum(a * b)


def windows(a, b):
    """Windows that slide, of more than one index."""
    c = np.zeros((a.shape[0] * a.shape[1], 4))
    row = 0
    for i in range(a.shape[0] - 1):
        for j in range(a.shape[1] - 1):
            c[row] = a[i : i + 2, j : j + 2].ravel()
            row += 1
    return np.sum(np.sin(c @ b[:4, :4]))


PROGRAMS = [
    columns,
    sums,
    triangle,
    transposed,
    waiting,
    written_over,
    maybe_no_turn,
    partly,
    windows,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_all_turns_at_once_compute_what_the_turns_do(program):
    random = np.random.default_rng(0)
    a, b = 0.3 * random.normal(size=(2, 9, 13))
    both = cr.value_and_grad(program, (0, 1))
    value, gradients = both(a, b)
    compiled = cr.compile(both)
    for _ in range(2):
        found, others = compiled(a, b)
        assert found == pytest.approx(value, rel=1e-13)
        for x, y in zip(others, gradients, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("program", "loop"), [(sums, "for t in"), (triangle, "for t1 in")], ids=["alone", "inner"]
)
def test_no_loop_is_left(program, loop):
    a, b = np.full((2, 9, 13), 0.1)
    loops = str(cr.compile(cr.value_and_grad(program, (0, 1))).lower(a, b).loops)
    assert loop not in loops


def test_a_zero_gradient_stops_at_infinite_factors_of_sums():
    def scaled(x, w):
        total = np.zeros(4)
        for t in range(12):
            total += np.where(x[t] > 0, w[t] * x[t], 0.0)
        return np.sum(total * total)

    x, w = np.ones((12, 4)), np.ones((12, 4))
    x[3, 1] = -np.inf
    gradients = cr.compile(cr.grad(scaled, (0, 1)))(x, w)
    for found, expected in zip(gradients, cr.grad(scaled, (0, 1))(x, w), strict=True):
        np.testing.assert_allclose(found, expected)


def test_what_a_loop_has_not_written_yet_needs_no_tape():
    def later_rows(a, b):
        a = a.copy()
        for i in range(a.shape[0] - 1):
            a[i] += np.exp(b[i, i + 1 :] @ a[i + 1 :])
        return np.sum(a * a)

    a, b = np.full((30, 9), 0.1), np.full((30, 30), 0.1)
    both = cr.value_and_grad(later_rows, (0, 1))
    compiled = cr.compile(
        both, tape_limit=40_000
    )  # a tape of rows would have 30 * 30 * 9 * 8 bytes
    for x, y in zip(compiled(a, b)[1], both(a, b)[1], strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-11)
