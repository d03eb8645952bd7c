"""A picture also where f raised: the way up to the failing line."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError


def network(x, W1, W2):
    h = x @ W1
    z = 1 / (1 + np.exp(-h))
    s = z @ W2
    return np.sum(s)


def root(a):
    b = a - 10.0
    return math.sqrt(b)


def through_a_helper(x, y):
    h = x * y
    return root(h) * 2


SHAPES = (np.ones((2, 3)), np.full((3, 4), 9.0), np.ones((5, 2)))


def test_the_graph_ends_at_the_operation_that_failed(tmp_path: Path) -> None:
    failure = cr.explain_failure(network, *SHAPES)
    labels = [vertex.label for vertex in failure.graph.vertices]
    assert labels == ["x", "W1", "W2", "@", "*-1", "exp", "+1", "1/x", "!"]
    *_, last = failure.graph.vertices
    assert [labels[lead.source] for lead in last.leads] == ["1/x", "W2"]
    text = str(failure)
    assert text.startswith("network(x, W1, W2)")
    assert "h = x @ W1" in text
    assert "s = z @ W2: z is (2, 4), W2 is (5, 2)" in text
    assert [finding.kind for finding in failure.warnings] == ["saturated"]
    for suffix in (".svg", ".dot", ".html", ".txt"):
        failure.save(tmp_path / f"failure{suffix}")
        assert "ValueError" in (tmp_path / f"failure{suffix}").read_text(encoding="utf-8")
    ElementTree.parse(tmp_path / "failure.svg")


def test_an_error_in_a_helper_is_shown_at_its_line() -> None:
    failure = cr.explain_failure(through_a_helper, 1.0, 2.0)
    assert failure.location is not None
    assert failure.location.text == "return math.sqrt(b)"
    assert [name for _, name, _ in failure.stages] == ["h", "b"]
    *_, before, last = failure.graph.vertices
    assert before.value == -8.0
    assert [failure.graph.vertices[lead.source] for lead in last.leads] == [before]


def test_what_is_no_failure_of_the_function_is_told() -> None:
    with pytest.raises(ArgumentError, match="raises no error there"):
        cr.explain_failure(root, 20.0)
    with pytest.raises(ArgumentError, match="no float argument"):
        cr.explain_failure(root, 1)
