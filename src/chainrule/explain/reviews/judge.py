"""The judgement: which lines are right, which is the first wrong one, what follows from it.

Every change of a variable is bound to what it should be: the value of a node, or a gradient. A
gradient that is built up over several lines is right as long as each partial value is a sum of
contributions that the chain rule has, and the last one the sum of all. What does not agree is then
compared with what it would be from the person's own earlier values: if that agrees, it follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.explain.reviews.adopt import adopt, adopt_value
from chainrule.explain.reviews.binding import Binding
from chainrule.explain.reviews.blame import Blame, blame
from chainrule.explain.reviews.causes import cause_of_value, number
from chainrule.explain.reviews.compare import close
from chainrule.explain.reviews.report import Finding
from chainrule.explain.reviews.run import Change, HandRun
from chainrule.explain.reviews.scene import Cause, Scene
from chainrule.explain.reviews.segments import Flows, Segment, Step
from chainrule.explain.reviews.truth import Truth

__all__ = ["Judgement", "judge"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Findings with their times and lines, arguments without a gradient, and such stages.

    ``spoken`` tells what the person calls variables and gradients that the function has.
    """

    findings: list[tuple[int, int, Finding]]
    missing: list[Node]
    without_gradient: list[str]
    spoken: dict[str, str]


def judge(truth: Truth, run: HandRun) -> Judgement:
    """Judge the changes of a run's variables."""
    return _Judge(truth, run).judge()


class _Judge:
    def __init__(self, truth: Truth, run: HandRun) -> None:
        binding = Binding(truth, run)
        self.truth, self.run = truth, run
        self.aliases, self.forward = binding.aliases, binding.forward
        self.forward_wrong, self.output_right = binding.forward_wrong, binding.output_right
        self.segments, self.loose = binding.segments, binding.loose
        self.loose_forward = binding.loose_forward
        self.findings = binding.findings

    def judge(self) -> Judgement:
        self._judge_forward()
        self._judge_gradients()
        findings = sorted(self.findings, key=lambda entry: entry[0])
        return Judgement(findings, self._missing(), self._without_gradient(), self._spoken())

    def _spoken(self) -> dict[str, str]:
        """Return the person's names for the function's variables and their gradients."""
        values = {node: name for name, nodes in self.aliases.items() for node in nodes}
        gradients = {s.node: s.name for s in self.segments}
        spoken = {}
        for name, nodes in self.truth.names.items():
            node = nodes[-1]
            if node in values and name not in self.aliases:
                spoken[name] = values[node]
            if node in gradients:
                spoken[f"d{name}"] = gradients[node]
        return spoken

    def _add(self, time: int, line: int, finding: Finding) -> None:
        self.findings.append((time, line, finding))

    def _arguments_right(self) -> set[Node]:
        ends: dict[Node, bool] = {}
        for s in self.segments:
            ends[s.node] = s.complete or ends.get(s.node, False)
        return {a.node for a in self.truth.arguments if a.node and ends.get(a.node)}

    def _missing(self) -> list[Node]:
        reached = {s.node for s in self.segments}
        return [a.node for a in self.truth.wanted if a.node is not None and a.node not in reached]

    def _without_gradient(self) -> list[str]:
        """Return the variables that the person computes, but not the gradients of."""
        reached = {s.node for s in self.segments} | {self.truth.output}
        reached |= {a.node for a in self.truth.arguments if a.node is not None}
        return [
            name
            for name in self.forward
            for nodes in [self.truth.names.get(name, [])]
            if any(self.truth.is_on_path(n) for n in nodes) and reached.isdisjoint(nodes)
        ]

    def _judge_forward(self) -> None:
        """Judge what differs in the forward pass; with the right value in the end, nothing does."""
        if self.output_right is not False:
            wanted = {a.node for a in self.truth.wanted}
            all_right = self._arguments_right() >= (wanted - set(self._missing()))
            if self.output_right or all_right:
                for time, change, _ in self.forward_wrong:
                    self._add(time, change.line, self._coincidence(change))
                self.forward_wrong = []
                return
        theirs: dict[Node, Any] = {}
        for time, change, node in self.forward_wrong:
            right, found = self.truth.values[node], change.value
            values = self.truth.replay(theirs)
            own = self.truth.compute(node, values) if node.parents else None
            if (node.parents and close(found, own)) or close(
                found, want := self._stage_value(node, theirs)
            ):
                self._add(time, change.line, Finding(change.shown, "follows", found, right))
            elif earlier := adopt_value(self.truth, node, found, theirs, self._loose_before(time)):
                step, inner = earlier
                self.loose_forward.remove(step)
                self._add_wrong_value(step.time, step.line, step.name, step.value, inner, theirs)
                self._add(time, change.line, Finding(change.shown, "follows", found, right))
                theirs[inner] = step.value
            else:
                self._add_wrong_value(time, change.line, change.shown, found, node, theirs, want)
            if np.shape(found) == np.shape(right):
                theirs[node] = found

    def _loose_before(self, time: int) -> list[Step]:
        return [step for step in self.loose_forward if step.time < time]

    def _add_wrong_value(
        self,
        time: int,
        line: int,
        name: str,
        found: Any,
        node: Node,
        theirs: Mapping[Node, Any],
        want: Any = None,
    ) -> None:
        want = self._stage_value(node, theirs) if want is None else want
        scene = self._scene(node, self.truth.replay(theirs), time)
        cause = cause_of_value(found, want, node, scene)
        self._add(time, line, Finding(name, "wrong", found, want, cause))

    def _stage_value(self, node: Node, theirs: Mapping[Node, Any]) -> Any:
        others = {n: v for n, v in theirs.items() if n is not node}
        return self.truth.replay(others)[node]

    def _coincidence(self, change: Change) -> Finding:
        same = self.aliases.get(change.name)
        if same:
            return Finding(change.shown, "right", change.value)
        return Finding(change.shown, "not compared", change.value, note="another meaning")

    def _scene(self, node: Node, values: Mapping[Node, Any], time: int) -> Scene:
        truth = self.truth
        variables = {a.name: a.value for a in truth.arguments} | self.forward
        gradients: dict[str, Any] = {}
        names: dict[Node, str] = {}
        for s in self.segments:
            names[s.node] = s.name
            before = [step for step in s.steps if step.time < time]
            if s.node is not node and before:
                last = before[-1]
                old = last is s.steps[-1] and any(
                    t.name == s.name and last.time < t.end < time for t in self.segments
                )
                gradients[f"{s.name} of line {last.line}" if old else s.name] = last.value
        return Scene(truth, node, values, variables, gradients, names)

    def _judge_gradients(self) -> None:
        right = self._arguments_right()
        arguments = {a.node for a in self.truth.arguments}
        flows = Flows(self.truth, self.segments, self.forward_wrong)
        taken = adopt(flows, self.loose)
        for step in [*self.loose_forward, *self.loose]:
            if step.time not in taken:
                self._add(step.time, step.line, Finding(step.name, "not compared", step.value))
        self.segments.sort(key=lambda s: s.end)
        for segment in self.segments:
            if segment.complete:
                note = "" if segment.scale == 1.0 else f"{number(segment.scale)} times it"
                for step in segment.steps:
                    finding = Finding(step.name, "right", step.value, note=note)
                    self._add(step.time, step.line, finding)
            elif segment.node not in arguments and (
                self.truth.upstream_arguments[segment.node] <= right
            ):
                for step in segment.steps:
                    finding = Finding(step.name, "not compared", step.value, note="another meaning")
                    self._add(step.time, step.line, finding)
            elif self.run.error is not None and self._is_partial(segment):
                for step in segment.steps:
                    self._add(step.time, step.line, Finding(step.name, "right", step.value))
            else:
                self._judge_segment(segment, flows)
        self._pass_nothing_wrong()

    def _pass_nothing_wrong(self) -> None:
        """See to it that a wrong gradient of an argument is told, whatever it may follow from."""
        if self.run.error is not None or any(f.verdict == "wrong" for _, _, f in self.findings):
            return
        right = self._arguments_right()
        for segment in self.segments:
            if segment.node in {a.node for a in self.truth.wanted} - right:
                step, total = segment.steps[-1], self.truth.gradient(segment.node)
                cause = Cause("unknown", "no simple mistake gives this value")
                self._add(
                    step.time, step.line, Finding(step.name, "wrong", step.value, total, cause)
                )
                return

    def _is_partial(self, segment: Segment) -> bool:
        """Tell whether a gradient is right as far as it got."""
        return bool(self.truth.paths(segment.node).masks(segment.value))

    def _judge_segment(self, segment: Segment, flows: Flows) -> None:
        node = segment.node
        total = self.truth.gradient(node)
        candidates = flows.at(segment)
        for flow, _ in candidates:
            if flow.paths(node).complete(segment.value):
                order = self._too_early(segment)
                for step in segment.steps:
                    last = step is segment.steps[-1]
                    if order is not None and last:
                        finding = Finding(step.name, "wrong", step.value, total, order)
                    else:
                        finding = Finding(step.name, "follows", step.value, total)
                    self._add(step.time, step.line, finding)
                return
        if not candidates:
            cause = Cause("unknown", f"{self.truth.name} does not depend on this, so it is zero")
            step = segment.steps[-1]
            self._add(step.time, step.line, Finding(step.name, "wrong", step.value, total, cause))
            return
        if self._shares_a_mistake(segment):
            for step in segment.steps:
                self._add(step.time, step.line, Finding(step.name, "follows", step.value, total))
            return
        mixed_up = self._returned_for_another(segment)
        if mixed_up is not None:
            step = segment.steps[-1]
            self._add(
                step.time, step.line, Finding(step.name, "wrong", step.value, total, mixed_up)
            )
            return
        flow, values = candidates[-1]
        boundaries = self._boundaries()
        scene = self._scene(node, values, segment.end)
        steps = segment.scaled_steps
        found: Blame = blame(steps, scene, flow, boundaries)
        truth_paths = self.truth.flow.paths(node)
        lost = found.cause.kind == "unknown" and self._is_wrong_before(found.step.time)
        for step in steps:
            if step is found.step and not lost:
                scale = segment.scale
                finding = Finding(
                    step.name,
                    "wrong",
                    found.found * scale,
                    found.expected * scale,
                    found.cause,
                    added=found.added,
                )
            elif step.added is not None and truth_paths.masks(step.added):
                finding = Finding(step.name, "right", step.value)
            else:
                finding = Finding(step.name, "follows", step.value, total)
            self._add(step.time, step.line, finding)

    def _shares_a_mistake(self, segment: Segment) -> bool:
        """Tell whether a gradient was made from a wrong one of an operand beside it.

        ``dy = -dz2`` is right for ``z2 - y`` as far as dz2 is.
        """
        truth, node, total = self.truth, segment.node, self.truth.gradient(segment.node)
        if np.shape(segment.value) != np.shape(total):
            return False
        used_in = {consumer for consumer, _ in truth.consumers.get(node, [])}
        for other in self.segments:
            if other.complete or other.end >= segment.end or other.node is node:
                continue
            beside = {consumer for consumer, _ in truth.consumers.get(other.node, [])} & used_in
            right = truth.gradient(other.node)
            if not beside or not np.shape(right) == np.shape(other.value) == np.shape(total):
                continue
            if np.any(other.value) and close(segment.value * right, total * other.value):
                return True
        return False

    def _returned_for_another(self, segment: Segment) -> Cause | None:
        """Tell whether what is returned in one argument's place is another's gradient."""
        if segment.end < len(self.run.changes):
            return None
        for a in self.truth.arguments:
            if a.node is not None and close(segment.value, self.truth.gradient(a.node)):
                text = f"this is the gradient by {a.name}: they are returned in another order"
                return Cause("wrong operand", text)
        return None

    def _boundaries(self) -> list[frozenset[Node]]:
        """Return sets of nodes at which the chain is cut: where the person has gradients, names."""
        mine = {s.node for s in self.segments} | {self.truth.output}
        named = mine | {n for n in self.truth.own_names if n in self.truth.flow.gradients}
        return [frozenset(named), frozenset(mine)]

    def _is_wrong_before(self, end: int) -> bool:
        return any(f.verdict == "wrong" for time, _, f in self.findings if time < end)

    def _too_early(self, segment: Segment) -> Cause | None:
        """Tell whether a gradient was used before its last contribution had been added."""
        if self._is_wrong_before(segment.end):
            return None
        for other in self.segments:
            before = [s for s in other.steps if s.time < segment.end]
            if other.complete and before and other.end > segment.end:
                line = other.steps[-1].line
                return Cause(
                    "order",
                    f"{other.name} is used before it is complete: line {line} still adds to it",
                )
        return None
