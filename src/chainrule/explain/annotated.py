"""Staged code with the numbers of one run beside every line, and what they warn of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array, value_of
from chainrule.core.backward import backward_everywhere
from chainrule.core.node import Node
from chainrule.core.saved import as_numpy
from chainrule.explain.findings import find
from chainrule.explain.observation import Finding, Observation
from chainrule.explain.through_time import with_loops
from chainrule.explain.turns import merged, series_of, shown
from chainrule.staged import Staged

__all__ = ["Annotated"]


class Annotated:
    """The staged code of a function and the numbers of one run, as data.

    What each attribute holds is said in `chainrule.Explanation`, which adds text and pictures.
    """

    def __init__(self, staged: Staged, args: Sequence[Any]) -> None:
        self.staged = staged
        trace = staged.trace
        output = trace.output
        gradients: dict[Node, Any] = {}
        if type(output) is Array:
            seed = np.ones_like(output.value)[()] if hasattr(output.value, "dtype") else 1.0
            inputs = [a.node for a in trace.inputs if a.node is not None]
            gradients, _ = backward_everywhere([(output, seed)], inputs)
        self.series = series_of(staged)
        names = {stage.node: name for stage, (name, _) in shown(staged).items()}
        self.run = Observation(trace, gradients, names)
        self.value = value_of(output)
        self.gradients = self._gradients(args)
        self.variables, self.contributions, self.locals, self.upstreams = _numbers(staged, args)
        self.warnings: list[Finding] = merged(
            with_loops(find(self.run), self.run, self.series), self.series
        )

    def _gradients(self, args: Sequence[Any]) -> tuple[Any, ...]:
        """Give the gradients the structure of the arguments; None for what is not wanted."""
        found = []
        for position in self.staged.program.order:
            _, build = trees.flatten(args[position])
            leaves = (leaf for leaf in self.staged.arguments if leaf.position == position)
            found.append(build([self._gradient(leaf) for leaf in leaves]))
        return tuple(found)

    def _gradient(self, argument: Any) -> Any:
        if not argument.wanted:
            return None
        zero = np.zeros_like(argument.value) if np.ndim(argument.value) else 0.0
        gradient = self.run.gradients.get(argument.node, zero)
        return np.array(gradient) if isinstance(gradient, np.ndarray) else gradient

    @property
    def title(self) -> str:
        """The function and its arguments."""
        names = dict.fromkeys(
            a.name if not a.path else _root(self.staged, a.position) for a in self.staged.arguments
        )
        return f"{self.staged.name.removesuffix('_gradient')}({', '.join(names)})"


def _root(staged: Staged, position: int) -> str:
    """Return the parameter that holds a tree."""
    return staged.program.parameters[position]


def _numbers(
    staged: Staged, args: Sequence[Any]
) -> tuple[dict[str, Any], list[Any], list[Any], list[Any]]:
    """Run the staged code; where Python floats make it raise, keep what the derivation knew."""
    for values in (args, _as_numpy_leaves(args)):
        try:
            run = staged.run(*values)
        except (ArithmeticError, ValueError):
            continue
        return run.variables, run.contributions, run.locals, run.upstreams
    variables = {s.name: s.value for s in staged.stages}
    variables.update({a.name: a.value for a in staged.arguments})
    lines = staged.backward
    return variables, [line.value for line in lines], [None] * len(lines), [None] * len(lines)


def _as_numpy_leaves(args: Sequence[Any]) -> list[Any]:
    found = []
    for arg in args:
        leaves, build = trees.flatten(arg)
        found.append(build(as_numpy(leaves)))
    return found
