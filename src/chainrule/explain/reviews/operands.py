"""Hypotheses about wrong operands: another variable, the other factor, a factor too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.explain.reviews.compare import close, largest
from chainrule.explain.reviews.scene import (
    Cause,
    Path,
    Scene,
    alike,
    is_informative,
    is_telling,
    pulled,
)
from chainrule.explain.reviews.truth import pull

__all__ = ["extra_factor", "substitutions", "with_replaced", "wrong_local", "wrong_operand"]


def wrong_operand(found: Any, path: Path, scene: Scene) -> Cause | None:
    """Find another upstream gradient, the other factor of a product, or another variable."""
    if path.start is None:
        return None
    truth, values = scene.truth, scene.values
    for name, g in {**scene.gradients, **scene.variables}.items():
        if np.shape(g) != np.shape(path.upstream) or close(g, path.upstream):
            continue
        if close(found, pulled(path, scene, values, g)):
            right = scene.gradient_name(path.start)
            text = f"multiplied by {name} where the upstream gradient is {right}"
            return Cause("wrong operand", text)
    # The factor of the other operand: dnum = num where num * invden has the derivative invden.
    for consumer, k in truth.consumers.get(scene.node, []):
        upstream = truth.pull_stage(path.start, path.upstream, consumer, values, path.boundaries)
        if consumer is path.start:
            upstream = path.upstream
        if upstream is None:
            continue
        for other in range(len(consumer.parents)):
            if other != k and alike(found, pull(consumer, other, upstream, values)):
                return Cause(
                    "wrong operand",
                    "this is the derivative by the other operand: the factors are swapped",
                )
    cause = _wrong_output(found, path, scene)
    if cause is not None:
        return cause
    for old, new, label in substitutions(path, scene):
        replaced = with_replaced(path, scene, old, new)
        if close(found, pulled(path, scene, replaced)):
            return Cause("wrong operand", f"{label} was used in place of {truth.label(old)}")
    return None


def substitutions(path: Path, scene: Scene) -> Iterator[tuple[Node, Any, str]]:
    """Go over the variables that could stand in place of a stage's inputs or output."""
    assert path.start is not None
    _, inputs = scene.truth.stage(path.start, path.boundaries)
    for old in sorted(inputs | {path.start}, key=lambda n: n.birth):
        value = scene.values[old]
        for label, new in scene.variables.items():
            if np.shape(new) == np.shape(value) and is_telling(new) and not close(new, value):
                yield old, new, label


def with_replaced(path: Path, scene: Scene, old: Node, new: Any) -> dict[Node, Any]:
    """Return the values of a stage where one variable stands in another's place."""
    assert path.start is not None
    values = {**scene.values, old: new}
    if old is not path.start:
        inside, _ = scene.truth.stage(path.start, path.boundaries)
        for node in sorted(inside, key=lambda n: n.birth):
            values[node] = scene.truth.compute(node, values)
    return values


#: Local gradients that people write with the output of a stage: sigmoid, tanh, exp, 1/x, sqrt.
_BY_OUTPUT: Sequence[Callable[[Any], Any]] = (
    lambda y: y * (1 - y),
    lambda y: 1 - y * y,
    lambda y: y,
    lambda y: -y * y,
    lambda y: 0.5 / y,
)


def _wrong_output(found: Any, path: Path, scene: Scene) -> Cause | None:
    """Find ``h * (1 - h)`` where ``z * (1 - z)`` is right."""
    assert path.start is not None
    g, y = path.upstream, scene.values[path.start]
    if not np.shape(g) == np.shape(y) == np.shape(found) == np.shape(path.want):
        return None
    with np.errstate(all="ignore"):
        for local in _BY_OUTPUT:
            if not close(path.want, g * local(y)):
                continue
            for label, other in scene.variables.items():
                if np.shape(other) != np.shape(y) or not is_telling(other) or close(other, y):
                    continue
                if close(found, g * local(np.asarray(other, dtype=np.float64))):
                    right = scene.truth.label(path.start)
                    return Cause("wrong operand", f"{label} was used in place of {right}")
    return None


def extra_factor(found: Any, path: Path, scene: Scene) -> Cause | None:
    """Find a variable by which the value is off: ``dz * z`` lacks ``1 - z``."""
    if not np.any(path.want):
        return None
    local = None
    if path.start is not None and is_informative(path.upstream):
        local = pulled(path, scene, scene.values, np.ones_like(path.upstream, np.float64)[()])
    factors = dict(scene.variables)
    if path.start is not None:
        inside, _ = scene.truth.stage(path.start, path.boundaries)
        factors |= {scene.truth.label(n): scene.values[n] for n in inside}
    for name, value in factors.items():
        if np.shape(value) not in ((), np.shape(path.want)) or not is_informative(value):
            continue
        value = np.asarray(value, dtype=np.float64)
        for label, factor in (
            (name, value),
            (f"(1 - {name})", 1 - value),
            (f"{name}**2", value**2),
        ):
            if not is_informative(factor):
                continue
            if _fills(found, factor, path.want):
                return Cause(
                    "missing local", f"the factor {label} of the local gradient is missing"
                )
            if path.start is not None and _fills(found, factor, local):
                text = f"the upstream gradient {scene.gradient_name(path.start)} is missing"
                return Cause("missing upstream", f"{text}, and the factor {label}")
            if close(found, path.want * factor):
                return Cause("wrong operand", f"a factor {label} too many")
    return None


def _fills(found: Any, factor: Any, want: Any) -> bool:
    """Tell whether a factor is all that a value lacks."""
    if want is None or not largest(found) or np.ndim(found) > np.ndim(want):
        return False
    try:
        return close(np.multiply(found, factor)[()], want)
    except ValueError:
        return False


#: Local gradients that are mixed up, by how they are written with a variable.
_WRITTEN: Sequence[tuple[str, Callable[[Any], Any]]] = (
    ("{} * (1 - {})", lambda v: v * (1 - v)),
    ("(1 - {}**2)", lambda v: 1 - v * v),
    ("(1 - {})", lambda v: 1 - v),
    ("{}", lambda v: v),
    ("{}**2", lambda v: v * v),
    ("({} > 0)", lambda v: v > 0),
    ("({} <= 0)", lambda v: v <= 0),
    ("exp({})", np.exp),
    ("1 / {}", lambda v: 1 / v),
    ("1 / {}**2", lambda v: 1 / (v * v)),
)


def wrong_local(found: Any, path: Path, scene: Scene) -> Cause | None:
    """Find the upstream gradient times another local gradient: that of tanh after a sigmoid."""
    if path.start is None:
        return None
    upstream = path.upstream
    for name, value in scene.variables.items():
        if np.shape(value) != np.shape(found) or not is_telling(value):
            continue
        value = np.asarray(value, dtype=np.float64)
        for written, local in _WRITTEN:
            with np.errstate(all="ignore"):
                try:
                    product = np.multiply(upstream, local(value))[()]
                except ValueError:
                    break
            for sign, shown in ((1, ""), (-1, "-")):
                if is_telling(product) and np.ndim(product) and close(found, sign * product):
                    text = f"multiplied by {shown}{written.format(*[name] * 2)}"
                    return Cause("wrong local", f"{text}, which is not the local gradient here")
    return None
