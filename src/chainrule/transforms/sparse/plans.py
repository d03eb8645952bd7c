"""The plans of one sparse derivative, each made when its pattern is first met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.core.array import Array, shape_of
from chainrule.transforms.inputs import Inputs
from chainrule.transforms.sparse.pattern import Key, key_of, looked_at, nodes_between, pattern
from chainrule.transforms.sparse.plan import Plan, Wanted, planned

__all__ = ["Plans"]

#: How many are kept; the oldest make room.
MOST_PLANS = 16


class Plans:
    """Plans by what decides the pattern.

    Args:
        wanted: what is wanted of the derivative.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._known: dict[Key, Plan] = {}

    def of(self, inputs: Inputs, outputs: Sequence[Any]) -> Plan:
        """Return the plan for the outputs of a run, by its inputs.

        Args:
            inputs: what the run was given.
            outputs: Arrays, or values that do not depend on the inputs.
        """
        wanted = self._wanted
        if wanted.symmetric and any(x.recording.own_gradients for x in inputs.nodes):
            wanted = wanted._replace(symmetric=False)  # it may be no derivative of a gradient
        active = [y for y in outputs if type(y) is Array]
        nodes = nodes_between(active, inputs.nodes)
        values = looked_at(nodes, inputs.nodes)
        key = key_of(nodes, inputs.nodes, outputs, inputs.values, values)
        key = None if key is None else (wanted, *key)
        plan = None if key is None else self._known.get(key)
        if plan is None:
            shapes = [shape_of(x) for x in inputs.values]
            sets = pattern(nodes, inputs.nodes, shapes, outputs, values)
            plan = planned(sets, inputs.values, outputs, wanted)
            if key is not None:
                while len(self._known) >= MOST_PLANS:
                    self._known.pop(next(iter(self._known)), None)
                self._known[key] = plan
        return plan
