"""What every change of a hand-written function's variables stands for.

A variable of the forward pass stands for the node of the same name, or, where there is none, for
the one that has its value. A gradient variable stands for the gradient of one node after another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.explain.reviews.compare import close, identical, is_telling, precise
from chainrule.explain.reviews.cutting import cut
from chainrule.explain.reviews.inference import bind_by_value
from chainrule.explain.reviews.names import base_of_gradient, is_gradient_container
from chainrule.explain.reviews.reference import Reference
from chainrule.explain.reviews.report import Cause, Finding, Verdict
from chainrule.explain.reviews.returned import parts_returned
from chainrule.explain.reviews.run import MISSING, Change, HandRun, Place, is_numeric
from chainrule.explain.reviews.scales import find_scales
from chainrule.explain.reviews.segments import Segment, Step
from chainrule.graph.trace import Argument

__all__ = ["Binding"]


class Binding:
    """The variables of one run, bound to the nodes of the function.

    Attributes:
        findings: what is settled already, as (time, line, finding).
        forward: the values of the forward pass by variable.
        forward_wrong: what has not the value of its node: (time, change, node).
        segments: the gradient variables.
        loose, loose_forward: changes that stand for no node by their names or values, in the
            backward and in the forward pass.
        output_right: whether the function's value is computed, and right; None if it is not.
    """

    def __init__(self, reference: Reference, run: HandRun) -> None:
        self.reference, self.run = reference, run
        self.findings: list[tuple[int, int, Finding]] = []  # time, line
        self.known: dict[str, list[Node]] = dict(reference.names)
        self._name_parameters()
        self.aliases: dict[str, list[Node]] = {}
        self.unknown: set[str] = set()
        self.forward: dict[str, Any] = {k: v for k, v in run.arguments.items() if _is_real(v)}
        self.forward_wrong: list[tuple[int, Change, Node]] = []
        self.segments: list[Segment] = []
        self.loose: list[Step] = []
        self.loose_forward: list[Step] = []
        self.parts: set[str] = set()  # names that hold a part, or another layout, of their nodes
        self.forward_times: list[int] = []
        self.output_right: bool | None = None
        self.returned_containers = _containers(run)
        gradients = self._read_forward()
        self._settle_output()
        self._drop_other_meanings()
        self._read_gradients(gradients)
        self._read_returned_gradients()
        find_scales(reference, self.segments)
        self.loose, self.loose_forward = bind_by_value(
            reference, self.segments, self.loose, self.forward_times
        )
        self._read_returned()

    def _name_parameters(self) -> None:
        """Let the person's own parameter names stand for the arguments at the same positions."""
        by_position = {a.position: a for a in self.reference.arguments if not a.path}
        for k, name in enumerate(self.run.parameters):
            argument = by_position.get(k)
            if argument is not None and argument.node is not None and name != argument.name:
                self.known[name] = [argument.node]

    def _tell(self, time: int, change: Change, verdict: Verdict, note: str = "") -> None:
        finding = Finding(change.shown, verdict, change.value, note=note)
        self.findings.append((time, change.line, finding))

    # Which variable stands for what.

    def _read_forward(self) -> list[tuple[int, Change, str]]:
        """Bind the forward pass; return the changes of gradients, each with its variable's name."""
        gradients = []
        for time, change in enumerate(self.run.changes):
            base = self._base(change)
            if base is not None:
                gradients.append((time, change, base))
            elif change.name in self.known and not self._holds_gradients(change):
                self._bind_forward(time, change)
            else:
                self._recognise(time, change)
        return gradients

    def _base(self, change: Change) -> str | None:
        """Return whose gradient a change is of; None if it belongs to the forward pass."""
        names = self.known.keys() | self.aliases.keys() | self.unknown
        if change.container:
            if not self._holds_gradients(change):
                return None
            return change.name if change.name in names else base_of_gradient(change.name, names)
        owner, dot, attribute = change.shown.rpartition(".")
        if dot:  # of a layer, whose own W is what its dW is the gradient by
            prefix = f"{owner}."
            beside = {k.removeprefix(prefix) for k in self.aliases if k.startswith(prefix)}
            own = base_of_gradient(attribute, beside)
            if own is not None:
                return prefix + own
        base = base_of_gradient(change.name, names)
        if base is None and change.name in ("grad", "gradient") and len(self.reference.wanted) == 1:
            base = self.reference.wanted[0].name
        if base is None or change.name not in self.known:
            return base
        # f itself has a variable dx: what this one is, its value tells.
        if any(close(change.value, self.reference.values[n]) for n in self.known[change.name]):
            return None
        nodes = self._nodes_of(base)
        return base if any(close(change.value, self.reference.gradient(n)) for n in nodes) else None

    def _holds_gradients(self, change: Change) -> bool:
        """Tell whether a change is of a dictionary of gradients: by its name, or as returned."""
        if is_gradient_container(change.container):
            return True
        if change.container not in self.returned_containers:
            return False
        values = self.reference.values
        return not any(close(change.value, values[n]) for n in self.known.get(change.name, ()))

    def _nodes_of(self, base: str) -> list[Node]:
        return self.aliases.get(base, []) or self.known.get(base, [])

    def _bind_forward(self, time: int, change: Change) -> None:
        nodes = self.known[change.name]
        self.forward[change.shown] = change.value
        self.forward_times.append(time)
        for node in nodes:
            if close(change.value, self.reference.values[node]):
                self.aliases[change.name] = [node] if len(nodes) == 1 else nodes
                if node is self.reference.output:
                    self.output_right = True
                self._not_finished(change)
                self._tell(time, change, "right")
                return
        same = self._nodes_with(change.value)
        if any(_is_part(change.value, self.reference.values[node]) for node in nodes):
            self._tell(time, change, "not compared", "a part of it")
            self._not_finished(change)
            self.parts.add(change.name)
            return
        if same and (change.name in self.aliases or change.name in self.run.parameters):
            # A variable that had its own value already goes on to hold another: h *= mask.
            self.aliases.setdefault(change.name, list(nodes))
            self._recognise(time, change)
            return
        earlier = sum(1 for _, c, _ in self.forward_wrong if c.name == change.name)
        if len(nodes) == 1:  # it is built up over several lines: the last one tells
            self._not_finished(change)
        count = sum(1 for c in self.run.changes if c.place == change.place)
        node = nodes[min(earlier + max(len(nodes) - count, 0), len(nodes) - 1)]
        self.forward_wrong.append((time, change, node))
        if same:
            self.aliases[change.name] = same
        if self.reference.output in same:
            self.output_right = True

    def _not_finished(self, change: Change) -> None:
        """Excuse the earlier values of a variable that takes several lines to become right."""
        for time, before, _ in self.forward_wrong:
            if before.place == change.place:
                self._tell(time, before, "not compared", "not finished")
        self.forward_wrong = [x for x in self.forward_wrong if x[1].place != change.place]

    def _settle_output(self) -> None:
        """Tell whether the value of the function is computed, and right."""
        if self.output_right is None:
            right = self.reference.values[self.reference.output]
            value, _ = self._returned()
            if value is not None and close(value, right):
                self.output_right = True
            elif any(node is self.reference.output for _, _, node in self.forward_wrong):
                self.output_right = False

    def _drop_other_meanings(self) -> None:
        """Forget names that mean something else here: the result is right whatever they hold."""
        names = self.parts
        if self.output_right:
            names = names | {change.name for _, change, _ in self.forward_wrong}
        for name in names:
            if name not in self.aliases and name not in self.run.parameters:
                self.known.pop(name, None)
                self.unknown.add(name)

    def _recognise(self, time: int, change: Change) -> None:
        """Find what an unknown variable is by its value."""
        name = change.shown
        if _is_real(change.value):
            self.forward[name] = change.value
        same = self._nodes_with(change.value)
        if not same:
            self.unknown.add(change.name)
            if _is_real(change.value):
                self.loose.append(Step(time, change.line, name, change.value))
            return
        for called in {change.name, change.shown}:
            self.aliases[called] = [*dict.fromkeys([*self.aliases.get(called, ()), *same])]
        self.forward_times.append(time)
        if self.reference.output in same:
            self.output_right = True
        label = self.reference.label(same[0])
        note = f"is {label} of {self.reference.name}" if label.isidentifier() else ""
        self._tell(time, change, "right", note)

    def _nodes_with(self, value: Any) -> list[Node]:
        return self.reference.with_value(value) if _is_real(value) else []

    # Gradients: which node each stands for, and what is complete.

    def _read_gradients(self, gradients: Sequence[tuple[int, Change, str]]) -> None:
        variables: dict[str, list[tuple[int, Change, str]]] = {}
        for time, change, base in gradients:
            variables.setdefault(change.shown, []).append((time, change, base))
        for entries in variables.values():
            nodes = self._nodes_of(entries[0][2])
            if not nodes:
                self.loose += [Step(time, c.line, c.shown, c.value) for time, c, _ in entries]
                continue
            steps = [Step.of(time, change) for time, change, _ in entries]
            self.segments += cut(self.reference, steps, nodes)
        self.segments.sort(key=lambda s: s.end)

    # The value and the gradients that are returned.

    def _returned(self) -> tuple[Any, list[tuple[Argument, Any]]]:
        """Return the value and the gradients: of the arguments that are wanted, or else of all."""
        right = self.reference.values[self.reference.output]
        value = None
        for arguments in (self.reference.wanted, self.reference.arguments):
            value, found = parts_returned(self.run.returned, arguments, lambda v: close(v, right))
            if found:
                return value, list(zip(arguments, found, strict=False))
        return value, []

    def _has_returned(self) -> bool:
        run = self.run
        return run.return_line is not None and run.returned is not MISSING and run.error is None

    def _read_returned_gradients(self) -> None:
        """Bind what is returned as a gradient, whatever the variable that holds it is called."""
        line, time = self.run.return_line, len(self.run.changes)
        if not self._has_returned() or line is None:
            return
        for argument, g in self._returned()[1]:
            if argument.node is None or not is_numeric(g):
                continue
            own = [s for s in self.segments if s.node is argument.node]
            if any(identical(g, s.value) for s in own):
                continue
            steps = self._steps_to(g)
            if not steps:
                name = f"the gradient by {argument.name} that is returned"
                steps = [Step(time, line, name, g)]
            segment = Segment(steps[-1].name, argument.node, steps)
            segment.complete = close(g, self.reference.gradient(argument.node))
            self.segments.append(segment)

    @property
    def returned_gradients(self) -> dict[Node, bool]:
        """Which gradients are returned, and whether they are right."""
        found = self._returned()[1] if self._has_returned() else []
        return {
            a.node: close(g, self.reference.gradient(a.node))
            for a, g in found
            if a.node is not None and is_numeric(g)
        }

    def _steps_to(self, g: Any) -> list[Step]:
        """Return the changes of the variable under a name of its own that holds a gradient."""
        loose = {step.time for step in self.loose}
        for time, change in reversed(list(enumerate(self.run.changes))):
            if time in loose and np.any(g) and identical(change.value, g):
                found = [s for s in self.loose if s.name == change.shown and s.time <= time]
                self.loose = [step for step in self.loose if step not in found]
                return [Step.of(step.time, self.run.changes[step.time]) for step in found]
        return []

    def _read_returned(self) -> None:
        line = self.run.return_line
        if not self._has_returned() or line is None:
            return
        time = len(self.run.changes)
        right = self.reference.values[self.reference.output]
        value, gradients = self._returned()
        if np.ndim(value) and not (self.output_right is None and _sums_up(value, right)):
            value = None  # something else that is computed on the way
        if value is not None and close(value, right):
            self.output_right = self.output_right is not False
        elif value is not None and not self._is_known(value, bool(gradients)):
            name = "the value returned"
            if self.output_right:
                text = "the right value was computed, but another is returned"
                cause = Cause("forward value", text)
                self.findings.append((time, line, Finding(name, "wrong", value, right, cause)))
            else:
                self.output_right = False
                change = Change(line, Place(name, name), value, MISSING)
                origin = self._origin(value)
                if origin is not None:
                    time, change = origin.time, self.run.changes[origin.time]
                    self.findings = [f for f in self.findings if f[0] != time]
                self.forward_wrong.append((time, change, self.reference.output))
                self.forward_wrong.sort(key=lambda entry: entry[0])

    def _origin(self, value: Any) -> Step | None:
        """Return the change of a variable, bound to nothing else, that made a value."""
        bound = {step.time for s in self.segments if not s.by_value for step in s.steps}
        for time, change in reversed(list(enumerate(self.run.changes))):
            same = change.value is value or (is_telling(value) and identical(change.value, value))
            if same and time not in bound:
                self.loose = [step for step in self.loose if step.time != time]
                return Step(time, change.line, change.shown, change.value)
        return None

    def _is_known(self, value: Any, beside_gradients: bool) -> bool:
        """Tell whether a value that is returned is judged where it was computed."""
        computed = [change.value for _, change, _ in self.forward_wrong]
        if not beside_gradients:
            computed += [s.value for s in self.segments]
        return any(identical(value, v) for v in computed)


def _containers(run: HandRun) -> set[str]:
    """Return the names of the dictionaries that are returned beside other values."""
    if not isinstance(run.returned, (tuple, list)):
        return set()
    parts = [part for part in run.returned if isinstance(part, dict)]
    return {name for name, value in run.variables.items() if any(value is p for p in parts)}


def _is_real(value: Any) -> bool:
    return not isinstance(value, (int, np.integer)) and np.asarray(value).dtype.kind in "fc"


def _is_part(value: Any, whole: Any) -> bool:
    """Tell whether an array is a part of another, or the same in another layout: one row, say."""
    if np.shape(value) == np.shape(whole) or np.size(value) > np.size(whole) or not np.ndim(whole):
        return False
    entries = np.sort(precise(whole), axis=None)
    flat = np.ravel(precise(value))
    at = np.clip(np.searchsorted(entries, flat), 1, len(entries) - 1) if len(entries) > 1 else 0
    near = np.minimum(np.abs(entries[at] - flat), np.abs(entries[at - 1] - flat))
    return bool(np.all(near <= 1e-6 * np.abs(flat)) and np.any(flat))


def _sums_up(value: Any, total: Any) -> bool:
    with np.errstate(all="ignore"):
        return close(np.sum(value), total) or close(np.mean(value), total)
