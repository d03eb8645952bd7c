"""While code is staged, everything that depends on an input stays in the graph as a node."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from chainrule.core.array import Array
from chainrule.core.node import Leaf
from chainrule.core.recording import Recording
from chainrule.numpy.dispatch import arrays_in


def _cases(name):
    path = Path(__file__).with_name(name)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FUNCTIONS = _cases("test_functions.py")
OBSERVED = _cases("test_dispatch.py").OBSERVED
PLAIN = {  # shapes, types and text: they do not depend on the numbers
    "array_str", "attributes", "iscomplexobj", "ndim", "ones_like", "result_type", "shape", "size",
    "size_axes", "zeros_like",
}  # fmt: skip


def noted(f, *values):
    """Run f in a recording that somebody watches; return its result, the nodes and the guards."""
    nodes, guards = [], []
    recording = Recording(
        lambda node, value: nodes.append(node), lambda node, outcome: guards.append(outcome)
    )
    result = f(*(Array(value, Leaf(recording)) for value in values))
    for node in nodes:
        assert not list(arrays_in([node.operands, node.params])), node.operation
    return result, nodes, guards


@pytest.mark.parametrize("name", FUNCTIONS.CASES)
def test_functions_give_nodes_with_numpys_values(name):
    f, *shapes = FUNCTIONS.CASES[name]
    values = FUNCTIONS.arguments(name, shapes)
    result, _, _ = noted(f, *values)
    assert type(result) is Array
    np.testing.assert_allclose(result.value, f(*values), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", OBSERVED)
def test_results_without_gradient_stay_in_the_graph(name):
    x = np.array([[1.5, -0.5, 0.25], [2.0, 1.0, -3.0]])
    f = OBSERVED[name]
    result, nodes, _ = noted(f, x)
    assert (type(result) is Array) == (name not in PLAIN)
    assert name in PLAIN or nodes
    np.testing.assert_array_equal(result.value if type(result) is Array else result, f(x))


def test_indices_stay_in_the_graph():
    def f(x):
        order = np.argsort(x)
        return x[order] + x[np.nonzero(x > 0)][0] + np.arange(10.0)[3:][order].sum()

    result, nodes, _ = noted(f, np.array([3.0, 1.0, 2.0]))
    np.testing.assert_array_equal(result.value, [16.0, 17.0, 18.0])
    assert {"argsort", "nonzero", "greater"} <= {node.operation.name for node in nodes}


@pytest.mark.parametrize(
    ("look", "outcomes"),
    [
        (lambda x: bool(x[0] > 1), [False]),
        (lambda x: 1 if x.sum() else 0, [True]),
        (lambda x: [0, 1, 2][np.argmax(x)], [1]),
        (lambda x: int(np.argmax(x)), [1]),
        (lambda x: float(np.count_nonzero(x)), [2.0]),
        (lambda x: np.argmin(x).item(), [0]),
        (lambda x: np.argsort(x).tolist(), [[0, 1]]),
        (lambda x: list(range(math.floor(x[1]))), [2]),
    ],
)
def test_what_python_looks_at_becomes_a_guard(look, outcomes):
    assert noted(look, np.array([1.0, 2.0]))[2] == outcomes
