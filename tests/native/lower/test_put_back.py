"""Updates that change nothing: what is taken out and put back, and parts of no entries."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.graph import is_operation, topological
from chainrule.native.lower.put_back import put_back, without_empty_updates
from chainrule.native.record.program import Program
from chainrule.operations.indexing import scatter_add, set_at
from tests.native.conftest import same

C, A = np.random.default_rng(0).normal(size=(2, 4, 4))


def triangle(c, a):
    c = c.copy()
    for i in range(4):
        for j in range(4):
            c[:i, j] += a[i, j] * a[i, :i]
    return np.sum(c * c)


def with_reads_in_between(c, a):
    c = c.copy()
    for i in range(4):
        for j in range(4):
            c[i, j] += a[i + 1 :, i] @ c[i + 1 :, j]
    return np.sum(c * c)


def overlapping(c, a):
    c = c.copy()
    for i in range(1, 4):
        c[i] += np.sin(c[i - 1]) * a[i] + c[:, i] * c[i, i]
    return np.sum(c * c)


def scaled(c, a):
    c = c.copy()
    for i in range(4):
        c[i] = c[i] * a[i]
        c[:, i] = 0.0
    return np.sum(c + a)


PROGRAMS = {f.__name__: f for f in (triangle, with_reads_in_between, overlapping, scaled)}


def count(outputs, *operations):
    return sum(is_operation(x, *operations) for x in topological(outputs))


def recorded(f) -> Program:
    return cr.compile(cr.value_and_grad(f, (0, 1))).lower(C, A).program


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_are_the_same(name):
    gradient = cr.value_and_grad(PROGRAMS[name], (0, 1))
    fast = cr.compile(gradient)
    for c, a in ((C, A), (A, 2 * C), (-C, np.abs(A))):
        same(fast(c, a), gradient(c, a), 1e-12)


@pytest.mark.parametrize("name", ["triangle", "with_reads_in_between"])
def test_what_is_put_back_is_not_taken_out(name):
    program = recorded(PROGRAMS[name])
    before, after = list(program.outputs), put_back(program.outputs)
    gradient = [1]  # of c
    forward = count(before[:1], set_at)
    assert count([before[k] for k in gradient], set_at) > forward
    assert count([after[k] for k in gradient], set_at) == forward
    assert put_back(after) == after


def test_what_is_written_later_stays():
    after = put_back(recorded(scaled).outputs)
    assert count(after, scatter_add, set_at) > 0


def test_parts_of_no_entries_are_left_out():
    program = recorded(triangle)
    assert any(0 in x.shape for x in topological(program.outputs))
    left = without_empty_updates(put_back(program.outputs))
    updates = [
        x for x in topological(left) if getattr(x, "operation", None) in (set_at, scatter_add)
    ]
    assert updates
    assert not any(0 in x.operands[x.operation is set_at].shape for x in updates)
