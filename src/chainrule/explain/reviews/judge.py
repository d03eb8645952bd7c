"""The judgement: which lines are right, which is the first wrong one, what follows from it.

Every change of a variable is bound to what it should be: the value of a node, or a gradient. A
gradient that is built up over several lines is right as long as each partial value is a sum of
contributions that the chain rule has, and the last one the sum of all. What does not agree is then
compared with what it would be from the person's own earlier values: if that agrees, it follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.array import Node, shape_of
from chainrule.explain.reviews.binding import Binding, Segment
from chainrule.explain.reviews.blame import Blame, blame
from chainrule.explain.reviews.causes import cause_of_value
from chainrule.explain.reviews.compare import close
from chainrule.explain.reviews.report import Finding
from chainrule.explain.reviews.run import Change, HandRun
from chainrule.explain.reviews.scene import Cause, Scene
from chainrule.explain.reviews.truth import Flow, Truth

__all__ = ["Judgement", "judge"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Findings with their times and lines, arguments without a gradient, and such stages."""

    findings: list[tuple[int, int, Finding]]
    missing: list[Node]
    without_gradient: list[str]


def judge(truth: Truth, run: HandRun) -> Judgement:
    """Judge the changes of a run's variables."""
    return _Judge(truth, run).judge()


class _Judge:
    def __init__(self, truth: Truth, run: HandRun) -> None:
        binding = Binding(truth, run)
        self.truth, self.run = truth, run
        self.aliases, self.forward = binding.aliases, binding.forward
        self.forward_wrong, self.output_right = binding.forward_wrong, binding.output_right
        self.segments = sorted(binding.segments, key=lambda s: s.end)
        self.findings = binding.findings

    def judge(self) -> Judgement:
        self._judge_forward()
        self._judge_gradients()
        findings = sorted(self.findings, key=lambda entry: entry[0])
        return Judgement(findings, self._missing(), self._without_gradient())

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
            own = self.truth.compute(node, self.truth.replay(theirs)) if node.parents else None
            if node.parents and close(change.value, own):
                finding = Finding(change.shown, "follows", change.value, self.truth.values[node])
            else:
                want = self._stage_value(node, theirs)
                if close(change.value, want):
                    finding = Finding(
                        change.shown, "follows", change.value, self.truth.values[node]
                    )
                else:
                    scene = self._scene(node, self.truth.replay(theirs), time)
                    cause = cause_of_value(change.value, want, node, scene)
                    finding = Finding(change.shown, "wrong", change.value, want, cause)
            self._add(time, change.line, finding)
            if np.shape(change.value) == shape_of(self.truth.values[node]):
                theirs[node] = change.value

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
        flows = _Flows(self.truth, self.forward_wrong)
        for segment in self.segments:
            if segment.complete:
                for step in segment.steps:
                    self._add(step.time, step.line, Finding(step.name, "right", step.value))
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

    def _is_partial(self, segment: Segment) -> bool:
        """Tell whether a gradient is right as far as it got."""
        return bool(self.truth.paths(segment.node).masks(segment.value))

    def _judge_segment(self, segment: Segment, flows: _Flows) -> None:
        node = segment.node
        overrides = self._overrides(segment)
        total = self.truth.gradient(node)
        candidates = [f for f in flows.with_gradients(overrides) if node in f[0].gradients]
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
        found: Blame = blame(segment.steps, scene, flow, boundaries)
        truth_paths = self.truth.flow.paths(node)
        lost = found.cause.kind == "unknown" and self._is_wrong_before(found.step.time)
        for step in segment.steps:
            if step is found.step and not lost:
                finding = Finding(
                    step.name, "wrong", found.found, found.expected, found.cause, added=found.added
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

    def _overrides(self, segment: Segment) -> dict[Node, Any]:
        """Return the gradients that the person had when the last line of a segment ran."""
        latest: dict[Node, tuple[int, Any]] = {}
        for other in self.segments:
            if other is segment or other.node is segment.node:
                continue
            for step in other.steps:
                if step.time < segment.end:
                    known = latest.get(other.node)
                    if known is None or known[0] < step.time:
                        latest[other.node] = step.time, step.value
        return {node: value for node, (_, value) in latest.items()}

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


class _Flows:
    """Backward passes from the person's gradients, over the true values and over the person's."""

    def __init__(self, truth: Truth, forward: Sequence[tuple[int, Change, Node]]) -> None:
        self.truth = truth
        theirs = {
            node: change.value
            for _, change, node in forward
            if np.shape(change.value) == shape_of(truth.values[node])
        }
        self.values = [truth.values] + ([truth.replay(theirs)] if theirs else [])

    def with_gradients(
        self, overrides: Mapping[Node, Any]
    ) -> list[tuple[Flow, Mapping[Node, Any]]]:
        return [(self.truth.flow_with(v, overrides), v) for v in self.values]
