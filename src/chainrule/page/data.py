"""What a page shows, as data: the circuit, the lines of code, and the graph that computes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from chainrule.core.array import is_floating
from chainrule.core.node import Node
from chainrule.explain import Explanation, Failure
from chainrule.explain.measures import ADVICE, TEXTS
from chainrule.explain.numbers import is_scalar, norm
from chainrule.graph.graph import Constant, Vertex
from chainrule.native.scripted import Script, scripted
from chainrule.operations import contraction
from chainrule.page.encoding import LARGEST, encoded, numbers, shape_of
from chainrule.page.exercise import Task, exercise_id, left_out, local_left_out
from chainrule.page.lines import lines_of
from chainrule.page.replay import Replay
from chainrule.page.watch import alarms

__all__ = ["PageData"]

_MOST_NODES = 2_000  # of a run that is computed anew while one drags
_MOST_ENTRIES = 400_000  # of all that is computed


def _entries(node: Node) -> dict[str, Any]:
    """Say which entries of its operands an entry of a gate's value is made of."""
    operation = node.operation
    if operation is None:  # an input
        return {}
    if operation is contraction.matmul:
        columns = 1 if np.ndim(node.operands[1]) == 1 else 2
        return {"second": node.parents[0] is None, "columns": columns}
    if operation.reduces and len(node.operands) == 1:
        axis, ndim = node.params.get("axis"), np.ndim(node.operands[0])
        axes = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        return {"reduced": [k % ndim for k in axes]}
    return {"entrywise": True} if operation.entrywise else {}


def _size(value: Any) -> float:
    """Return a number as it is, and the norm of an array or a complex number."""
    real = is_scalar(value) and not isinstance(value, (complex, np.complexfloating))
    return float(value) if real else norm(value)


class PageData:
    """The data of a page, and the script that computes it anew.

    Attributes:
        json: what the front end reads (``frontend/src/data.ts`` says what it is made of).
        script: the graph as JavaScript; None where it would be too much to follow a drag.
    """

    def __init__(self, explanation: Explanation | Failure) -> None:
        self._e = explanation
        self._run = explanation.run
        self._replay = Replay(explanation.run)
        self._wanted: dict[Vertex, int] = {}
        self._at = {v.node: k for k, v in enumerate(explanation.graph.vertices)}
        shown: dict[str, Any] = {
            "title": explanation.title,
            "name": explanation.title.partition("(")[0],
            "output": "" if isinstance(explanation, Failure) else explanation.staged.output,
            "error": explanation.message if isinstance(explanation, Failure) else None,
            "inputs": [self._input(a) for a in explanation.run.trace.arguments],
            "vertices": [self._vertex(k) for k in range(len(explanation.graph.vertices))],
            "groups": [self._group(g) for g in explanation.graph.groups],
            "lines": lines_of(explanation, self._at),
            "series": self._series(),
            "guards": self._guards(),
            "alarms": self._alarms(),
        }
        shown["texts"] = {
            alarm["text"]: f"{TEXTS[alarm['text']]} {ADVICE[alarm['text'].split()[0]]}"
            for alarm in shown["alarms"]
        }
        self.json: Mapping[str, Any] = shown
        self.script = self._scripted()
        places = self.script.places if self.script else [None] * len(self._wanted)
        shown["values"] = [
            self._value(vertex, place) for vertex, place in zip(self._wanted, places, strict=True)
        ]
        shown["constants"] = [
            {"data": numbers(c), "single": c.dtype == np.float32}
            for c in (self.script.constants if self.script else [])
        ]
        shown["missing"] = self.script.missing if self.script else []
        shown["live"] = self.script is not None
        for mark, chosen in (("exercise", left_out), ("local_exercise", local_left_out)):
            for line, is_left_out in zip(shown["lines"], chosen(shown), strict=True):
                if is_left_out:
                    line[mark] = True
        shown["exercises"] = {
            task: exercise_id(explanation.title, task, [x["target"] for x in self.asked(task)])
            for task in get_args(Task)
        }

    def asked(self, task: Task) -> list[dict[str, Any]]:
        """Return the lines that a reader is asked for, whole or their local gradients."""
        mark = "exercise" if task == "lines" else "local_exercise"
        return [line for line in self.json["lines"] if line.get(mark)]

    def _scripted(self) -> Script | None:
        nodes = len(self._run.live)
        entries = sum(vertex.size for vertex in self._wanted)
        if nodes > _MOST_NODES or entries > _MOST_ENTRIES:
            return None
        if any(x.size > LARGEST for x in self._replay.inputs):
            return None
        return scripted(list(self._wanted), self._replay.inputs)

    # Values.

    def _number(self, vertex: Vertex | None) -> int | None:
        """Return the number of a value that is shown; None for none."""
        return None if vertex is None else self._wanted.setdefault(vertex, len(self._wanted))

    def _value(self, vertex: Vertex, place: int | None) -> dict[str, Any]:
        """Describe a value: where the script leaves it, or what it was in the run."""
        kind: dict[str, Any] = {"shape": vertex.shape} if vertex.shape else {}
        if vertex.dtype.kind == "b":
            kind["truth"] = True
        if place is not None:
            return {**kind, "place": place}
        return {**kind, **encoded(vertex.value)}

    def _value_of(self, node: Node) -> int | None:
        return self._number(self._replay.value(node))

    # The circuit.

    def _input(self, argument: Any) -> dict[str, Any]:
        floating = argument.node is not None
        value = np.asarray(argument.value)
        found: dict[str, Any] = {
            "name": argument.name,
            "shape": shape_of(value),
            "floating": floating,
            "wanted": argument.wanted,
            "vertex": self._at.get(argument.node),
            "single": value.dtype == np.float32,
        }
        if floating or value.dtype.kind in "biuf":
            found |= {"data": numbers(value)} if value.size <= LARGEST else encoded(value)
        else:
            found["text"] = str(argument.value)
        return found

    def _vertex(self, k: int) -> dict[str, Any]:
        vertex = self._e.graph.vertices[k]
        node = vertex.node
        if node is None:
            return {
                "label": vertex.label,
                "operation": "",
                "group": vertex.group,
                "value": None,
                "gradient": None,
                "leads": [{"source": lead.source} for lead in vertex.leads],
            }
        has_value = vertex.value is not None
        flows = vertex.gradient is not None
        return {
            "label": vertex.label,
            "operation": "" if vertex.is_input else node.operation.name,
            "group": vertex.group,
            "value": self._value_of(node) if has_value else None,
            "gradient": self._number(self._replay.gradient(node)) if flows else None,
            "leads": self._leads(node, vertex),
            **_entries(node),
        }

    def _leads(self, node: Node, vertex: Any) -> list[dict[str, Any]]:
        leads = iter(vertex.leads)
        found: list[dict[str, Any]] = []
        numbered = [j for j, p in enumerate(node.parents or ()) if p is not None]
        if len(numbered) != len(vertex.leads) or not all(
            self._at.get(node.parents[j]) == lead.source
            for j, lead in zip(numbered, vertex.leads, strict=False)
        ):  # a loop, whose wires are those of all its turns
            return [{"source": lead.source} for lead in leads]
        for j, lead in zip(numbered, leads, strict=True):
            found.append({"source": lead.source, **self._factors(node, j)})
        return found

    def _factors(self, node: Node, j: int) -> dict[str, Any]:
        """Return the local gradient of numbers, or what a gate of arrays adds to a gradient."""
        parent = node.parents[j]
        assert parent is not None
        # A constant upstream of nothing differentiable has none.
        if not node.operation.differentiable or parent not in self._run.gradients:
            return {}
        if parent.parents and not parent.operation.differentiable:
            return {}
        if not is_floating(node.operands[j]):
            return {}
        if self._replay.is_number(node, j):
            return {"local": self._number(self._replay.local(node, j) or Constant(0.0))}
        return {"part": self._number(self._replay.contribution(node, j))}

    def _group(self, group: Any) -> dict[str, Any]:
        return {
            "name": group.name,
            "text": group.text,
            "vertices": group.vertices,
            "loop": bool(group.body),
        }

    # Loops.

    def _series(self) -> list[dict[str, Any]]:
        """Return the variables of loops, turn by turn: recorded ones of arrays by their norms."""
        if isinstance(self._e, Failure):
            return []
        box = {
            name: group.vertices[0]
            for group in self._e.graph.groups
            for name in (group.variables if group.body else ())
        }
        found = []
        for one in self._e.series:
            nodes = [stage.node for stage in one.stages]
            gradients = [self._run.gradients.get(node) for node in nodes]
            shown: dict[str, Any] = {
                "name": one.name,
                "vertex": box.get(one.name),
                "counter": one.counter,
                "turns": list(one.turns),
            }
            if len(self._run.live) <= _MOST_NODES and self._run.reached.issuperset(nodes):
                shown["values"] = [self._value_of(node) for node in nodes]
                shown["gradients"] = [
                    None if g is None else self._number(self._replay.gradient(node))
                    for node, g in zip(nodes, gradients, strict=True)
                ]
            else:
                shown["values"] = numbers([_size(node.output) for node in nodes])
                known = [math.nan if g is None else _size(g) for g in gradients]
                shown["gradients"] = numbers(known)
                shown["arrays"] = not all(is_scalar(node.output) for node in nodes)
            found.append(shown)
        return found

    # What is watched.

    def _guards(self) -> list[dict[str, Any]]:
        found = []
        for guard in self._run.trace.guards:
            outcome = guard.outcome
            if not isinstance(outcome, (bool, int, float, np.bool_)) or not math.isfinite(outcome):
                continue
            found.append(
                {
                    "line": guard.location.lineno,
                    "text": guard.location.text or "",
                    "value": self._value_of(guard.node),
                    "outcome": float(outcome),
                    "truth": isinstance(outcome, (bool, np.bool_)),
                }
            )
        return found

    def _alarms(self) -> list[dict[str, Any]]:
        def numbered(values: Mapping[str, Any]) -> dict[str, int | None]:
            return {x: self._number(self._replay.vertex(value)) for x, value in values.items()}

        return [
            {
                "text": alarm.text,
                "vertex": self._at.get(alarm.node),
                "when": self._number(self._replay.vertex(alarm.when)),
                "names": alarm.names,
                "numbers": numbered(alarm.numbers),
                "shares": numbered(alarm.shares),
            }
            for alarm in alarms(self._run, self._replay)
        ]
