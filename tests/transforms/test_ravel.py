"""Trees as vectors, differentiated and compiled."""

from __future__ import annotations

import numpy as np
import optree

import chainrule as cr

TREE = {"b": 0.5, "w": np.ones((1, 2))}


def test_unravel_is_compiled():
    vector, unravel = cr.ravel(TREE)

    def loss(v, scale):
        tree = unravel(v)
        return scale * np.sum(tree["w"] ** 3) + tree["b"]

    step = cr.compile(cr.grad(loss))
    np.testing.assert_array_equal(step(vector, 2.0), [1, 6, 6])
    np.testing.assert_array_equal(step(2 * vector, 1.0), [1, 12, 12])
    assert unravel == cr.ravel(TREE)[1]
    assert unravel != cr.ravel({"a": 0.5, "w": np.ones((1, 2))})[1]


def test_compiled_code_may_refer_to_what_is_made_in_c():
    structure = optree.tree_structure([0, 0])

    def norm(v):
        a, b = structure.unflatten([v[0], v[1]])
        return a * a + b * b

    np.testing.assert_array_equal(cr.compile(cr.grad(norm))(np.array([1.0, 2.0])), [2, 4])
