"""The graph of one run, to be run again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from chainrule import trees
from chainrule.core.array import Array, value_of
from chainrule.core.node import Node
from chainrule.core.reach import ancestors
from chainrule.core.recording import Recording
from chainrule.interop.autograd.linearise import plain_value
from chainrule.numpy.creation import result_leaves
from chainrule.numpy.view import UserFunction
from chainrule.transforms.inputs import Inputs, Overwritten

__all__ = ["const_graph"]


def const_graph(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Return a function that runs Python once, and later on what was recorded then.

    ``args`` and ``kwargs`` are given to ``fun`` before the function's own arguments. What Python
    decided in the first run stays as it was; `chainrule.compile` looks whether it still holds.
    """
    partial = functools.partial(fun, *args, **kwargs)
    functools.update_wrapper(partial, fun)
    function = UserFunction(partial)
    known: list[Callable[..., Any]] = []

    def run(*given: Any) -> Any:
        if known:
            return known[0](*given)
        nodes: list[Node] = []
        recording = Recording(note=lambda node, value: nodes.append(node))
        try:
            inputs = Inputs(partial, given, tuple(range(len(given))), recording)
            outputs, build = result_leaves(inputs.run(function, {}))
            known.append(_replay(inputs.nodes, outputs, build))
        except Overwritten:
            pass
        finally:
            recording.end()
        if not known:
            return run(*given)
        return build([plain_value(leaf) for leaf in outputs])

    return run


def _replay(
    inputs: list[Node], outputs: list[Any], build: Callable[[Any], Any]
) -> Callable[..., Any]:
    order = ancestors([y.node for y in outputs if type(y) is Array], inputs)

    def run(*given: Any) -> Any:
        leaves, _ = trees.flatten(tuple(given))
        values: dict[Node | None, Any] = dict(zip(inputs, leaves, strict=True))
        for node in order:
            operands = [
                values.get(parent, x) if parent is not None else x
                for x, parent in zip(node.operands, node.parents, strict=True)
            ]
            values[node] = node.operation(*operands, **node.params)
        found = [values[y.node] if type(y) is Array else y for y in outputs]
        return build([plain_value(value_of(x)) if type(x) is not Array else x for x in found])

    return run
