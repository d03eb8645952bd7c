"""Recordings: how they end, nest, run side by side, and let go of memory."""

import gc
import threading
import weakref

import numpy as np
import pytest

import chainrule as cr
from chainrule import errors

X = np.array([0.5, -1.5, 2.0])


def test_array_used_after_its_recording():
    kept = []

    def f(x):
        kept.append(x * 2.0)
        return np.sum(x)

    cr.grad(f)(X)
    with pytest.raises(errors.EndedRecordingError, match="finished recording"):
        kept[0] + 1.0


def test_inner_array_used_after_its_recording_inside_an_outer_one():
    kept = []

    def outer(x):
        cr.grad(lambda y: kept.append(y) or y * y)(2.0)
        return x * kept[0]

    with pytest.raises(errors.EndedRecordingError):
        cr.grad(outer)(3.0)


def test_two_threads_at_once():
    def f(x):
        for _ in range(50):
            x = np.tanh(x) * 1.5
        return np.sum(x)

    expected = cr.grad(f)(X)
    found, barrier = [], threading.Barrier(4)

    def work():
        barrier.wait()
        found.extend(cr.grad(f)(X) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    for g in found:
        np.testing.assert_array_equal(g, expected)


def test_interrupt_leaves_nothing_behind():
    kept = []

    def f(x):
        kept.append(x)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cr.grad(f)(3.0)
    with pytest.raises(errors.EndedRecordingError):
        kept[0] + 1.0
    assert cr.grad(lambda x: x * x)(3.0) == 6.0


def test_graph_is_freed_without_the_cycle_collector():
    class Owner(np.ndarray):
        pass

    gc.disable()
    try:
        seen = []

        def f(x):
            h = np.exp(x)
            seen.append(weakref.ref(h.value))
            return np.sum(h * h)

        cr.grad(f)(X)
        assert seen[0]() is None
    finally:
        gc.enable()


def test_a_node_of_several_recordings_belongs_to_the_outermost():
    def outer(x):
        inner_value, inner_gradient = cr.value_and_grad(lambda y: x * y * y)(3.0)
        return inner_value * inner_gradient  # (9 x) (6 x), used after the inner recording's end

    assert cr.value_and_grad(outer)(2.0) == (216.0, 216.0)


def test_values_that_no_rule_reads_are_freed_while_the_function_runs():
    alive = []

    def f(x):
        for _ in range(3):
            x = x + 1.0  # the rule of a sum reads neither operand
            alive.append(weakref.ref(x.value))
        assert [ref() is None for ref in alive] == [True, True, False]
        return np.sum(x)

    cr.grad(f)(np.zeros(100_000))


def test_values_that_a_rule_reads_are_kept_until_the_backward_pass():
    alive = []

    def f(x):
        x = np.tanh(x)  # its rule reads the output
        alive.append(weakref.ref(x.value))
        return np.sum(x * 2.0)

    assert_equal = np.testing.assert_allclose
    assert_equal(cr.grad(f)(np.zeros(100_000)), np.full(100_000, 2.0))
    assert alive[0]() is None
