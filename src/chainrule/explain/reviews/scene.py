"""The terms in which causes are told: what was wanted, where, and with which values at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.explain.reviews.compare import close
from chainrule.explain.reviews.truth import Truth

__all__ = ["Cause", "Path", "Scene", "alike", "is_informative", "is_telling", "pulled"]

#: Numbers that are met too often to recognise a variable by them.
_COMMON = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a line is wrong: a ``kind`` to test for, and the sentence for the reader.

    Kinds: ``missing +=``, ``missing upstream``, ``missing local``, ``wrong local``, ``sign``,
    ``transpose``, ``missing sum``, ``factor``, ``wrong operand``, ``missing path``, ``order``,
    ``counted twice``,
    ``forward value``, ``shape``, ``unknown``.
    """

    kind: str
    text: str
    write: str | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """What should have come to a node: from one stage and its upstream gradient, or altogether.

    ``through`` says which path it is where no stage does.
    """

    want: Any
    start: Node | None = None
    upstream: Any = None
    boundaries: frozenset[Node] = frozenset()
    through: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a mistake happened: the node, the values in force, and the variables at hand."""

    truth: Truth
    node: Node
    values: Mapping[Node, Any]
    variables: Mapping[str, Any]  # of the forward pass, the person's
    gradients: Mapping[str, Any]  # the person's
    gradient_names: Mapping[Node, str]

    def gradient_name(self, node: Node) -> str:
        """Say what the person calls, or would call, the gradient of a node."""
        if node is self.truth.output and node not in self.gradient_names:
            return "the result itself"
        label = self.truth.label(node)
        named = f"d{label}" if label.isidentifier() else f"the gradient of {label}"
        return self.gradient_names.get(node) or named


def pulled(path: Path, scene: Scene, values: Mapping[Node, Any], g: Any = None) -> Any:
    """Return what comes to the scene's node along a path, with other values or upstream."""
    assert path.start is not None
    upstream = path.upstream if g is None else g
    if scene.node is path.start:
        return upstream
    return scene.truth.pull_stage(path.start, upstream, scene.node, values, path.boundaries)


def alike(found: Any, value: Any) -> bool:
    """Tell whether two values agree where one may have been broadcast to the other's shape."""
    if value is None:
        return False
    if close(found, value):
        return True
    try:
        a, b = np.broadcast_arrays(found, value)
    except ValueError:
        return False
    return np.size(found) <= np.size(value) and close(a, b)


def is_telling(value: Any) -> bool:
    """Tell whether a value is special enough to recognise a variable by it."""
    array = np.asarray(value)
    if array.dtype.kind != "f" or array.size == 0:
        return False
    if array.size == 1:
        return float(array.flat[0]) not in _COMMON
    return bool(np.any(array != array.flat[0]))


def is_informative(value: Any) -> bool:
    """Tell whether leaving a factor out can be seen at all."""
    return bool(np.any(np.asarray(value) != 1))
