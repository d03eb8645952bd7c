"""Constants that belong to the user, and may be overwritten between forward and backward pass."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import errors

SIZES = [3, 10_000]  # small arrays are copied, large ones compared


@pytest.mark.parametrize("size", [3, 10_000])
def test_captured_array_overwritten_in_place(size):
    steps = np.arange(1.0, 4.0)
    buffer = np.empty(size)

    def f(x):
        total = 0.0
        for step in steps:
            buffer[:] = step
            total = total + np.sum(x * buffer)
        return total

    if size == 3:  # small arrays are copied
        np.testing.assert_array_equal(cr.grad(f)(np.ones(size)), np.full(size, 6.0))
    else:
        with pytest.raises(errors.GradientLostError, match="overwritten in place"):
            cr.grad(f)(np.ones(size))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.__setitem__(-1, 7.0),
        lambda a: a.__setitem__(slice(None, 2), a[1::-1].copy()),  # entries change places
        lambda a: a[::2].fill(0.5),  # through a view
    ],
)
def test_one_changed_entry_is_noticed_before_the_backward_pass(size, change):
    weights = np.arange(1.0, size + 1.0)
    before = weights.copy()
    value, pullback = cr.vjp(lambda x: np.sum(x * weights), np.ones(size))
    assert value == before.sum()
    change(weights)
    if size == 3:
        np.testing.assert_array_equal(pullback(1.0)[0], before)
    else:
        with pytest.raises(errors.GradientLostError, match="overwritten in place"):
            pullback(1.0)


@pytest.mark.parametrize("size", SIZES)
def test_a_view_of_a_captured_array_is_the_array(size):
    base = np.ones(2 * size)
    half = base[:size]
    half.flags.writeable = False  # what it is a view of can still be written
    _, pullback = cr.vjp(lambda x: np.sum(x * half), np.ones(size))
    base[:] = 2.0
    if size == 3:
        np.testing.assert_array_equal(pullback(1.0)[0], np.ones(size))
    else:
        with pytest.raises(errors.GradientLostError):
            pullback(1.0)


def test_arrays_that_no_rule_reads_may_be_overwritten():
    offset = np.ones(10_000)
    _, pullback = cr.vjp(lambda x: np.sum(x + offset), np.ones(10_000))
    offset[:] = 5.0
    np.testing.assert_array_equal(pullback(1.0)[0], np.ones(10_000))


@pytest.mark.parametrize("size", SIZES)
def test_define_by_run_keeps_each_content(size):
    x, buffer = cr.array(np.ones(size)), np.empty(size)
    losses = []
    for step in (1.0, 2.0):
        buffer[:] = step
        losses.append((x * buffer).sum())
    for loss in losses:
        loss.backward()
    np.testing.assert_array_equal(x.grad, np.full(size, 3.0))
