"""Loops whose turns have other lengths and wait for no other are done in blocks of turns."""

import numpy as np
import pytest

import chainrule as cr


def covariance(x):
    """What is written along a row and along a column, the diagonal twice."""
    x = x - np.mean(x, axis=0)
    c = np.zeros((x.shape[1], x.shape[1]))
    for i in range(x.shape[1]):
        c[i:, i] = c[i, i:] = x[:, i] @ x[:, i:] / 3.0
    return np.sum(c * c) + np.sum(x[0])


def rows(x):
    """From the first index on."""
    c = np.zeros((x.shape[1], x.shape[1]))
    for i in range(x.shape[1]):
        c[i, : i + 1] = np.tanh(x[:, i]) @ x[:, : i + 1]
    return np.sum(np.sin(c))


def backwards(x):
    """From the last turn on, sums of all that is there and beside it."""
    y, total = x.copy(), np.zeros(x.shape[0])
    for i in range(x.shape[1] - 1, -1, -1):
        y[:, i:] += 0.1 * np.outer(x[:, i], x[0, i:])
        total = total + x[:, i:] @ np.cos(x[1, i:])
    return np.sum(y * y) + total @ total


def shrinking(x):
    """From the first index on, less in each turn."""
    n = x.shape[1]
    y = np.zeros((n, x.shape[0]))
    for i in range(n):
        y[i] = x[:, : n - i] @ np.exp(x[2, : n - i])
    return np.sum(y**3)


def beside(x):
    """What is left of a sum after the last block is one term."""
    c = np.zeros((x.shape[1], x.shape[1]))
    for i in range(x.shape[1] - 1, -1, -1):
        c[i:, i] = x[:, 0] @ x[:, i:]
    return np.sum(c * c)


def waiting(x):
    """Each turn reads what the turns before have written."""
    x = x.copy()
    for i in range(1, x.shape[1]):
        x[:, i] += 0.1 * np.tanh(x[:, :i] @ x[0, :i])
    return np.sum(x * x)


PROGRAMS = [covariance, rows, backwards, shrinking, beside, waiting]


@pytest.mark.parametrize("turns", [64, 66])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_blocks_compute_what_the_turns_do(program, turns):
    x = 0.3 * np.random.default_rng(0).normal(size=(70, turns))
    both = cr.value_and_grad(program)
    value, gradient = both(x)
    compiled = cr.compile(both)
    compiled(x)
    found, other = compiled(x)
    assert found == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(other, gradient, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("program", [covariance, rows, shrinking])
def test_turns_are_done_together(program):
    both = cr.compile(cr.value_and_grad(program))
    loops = str(both.lower(np.full((70, 71), 0.1)).loops)
    assert "for block in" in loops


def test_what_a_turn_has_no_part_in_does_not_reach_it():
    def products(x, w):
        y = np.zeros((w.shape[0], x.shape[0]))
        for i in range(w.shape[0]):
            y[i] = x[:, : i + 1] @ w[i, : i + 1]
        return y

    x, w = np.full((70, 70), 0.1), np.full((70, 70), 0.1)
    x[3, 40], x[5, 20], w[50, 60] = np.inf, np.nan, np.nan
    compiled = cr.compile(products)
    compiled(x, w)
    np.testing.assert_allclose(compiled(x, w), products(x, w))
