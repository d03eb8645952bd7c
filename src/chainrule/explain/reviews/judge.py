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
from chainrule.explain.reviews.attribution import UNEXPLAINED, attribute, unexplained
from chainrule.explain.reviews.binding import Binding
from chainrule.explain.reviews.causes import cause_of_value, number
from chainrule.explain.reviews.compare import close
from chainrule.explain.reviews.context import Context
from chainrule.explain.reviews.inference import infer_gradients, infer_value
from chainrule.explain.reviews.reference import Flow, Reference
from chainrule.explain.reviews.report import Cause, Finding, Verdict
from chainrule.explain.reviews.run import MISSING, HandRun
from chainrule.explain.reviews.segments import Flows, Segment, Step

__all__ = ["Judgement", "judge"]

_MOST_TURNS = 3  # of a loop in which one line is asked why it is wrong: then it is told that it is


@dataclass(frozen=True, slots=True)
class Judgement:
    """Findings with their times and lines, arguments without a gradient, and such stages.

    ``spoken`` tells what the person calls variables and gradients that the function has.
    """

    findings: list[tuple[int, int, Finding]]
    missing: list[Node]
    without_gradient: list[str]
    spoken: dict[str, str]


def judge(reference: Reference, run: HandRun) -> Judgement:
    """Judge the changes of a run's variables."""
    return _Judge(reference, run).judge()


class _Judge:
    def __init__(self, reference: Reference, run: HandRun) -> None:
        binding = Binding(reference, run)
        self.reference, self.run = reference, run
        self.aliases, self.forward = binding.aliases, binding.forward
        self.forward_wrong, self.output_right = binding.forward_wrong, binding.output_right
        self.segments, self.loose = binding.segments, binding.loose
        self.loose_forward = binding.loose_forward
        self.findings = binding.findings
        self.returned = binding.returned_gradients
        self.attributed: dict[tuple[int, ...], list[int]] = {}  # wrong steps, by their lines
        self.returned_right = self.output_right is not False and all(
            self.returned.get(a.node) for a in reference.wanted if a.node is not None
        )

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
        for name, nodes in self.reference.names.items():
            node = nodes[-1]
            if node in values and name not in self.aliases:
                spoken[name] = values[node]
            if node in gradients:
                spoken[f"d{name}"] = gradients[node]
        return spoken

    def _tell(
        self,
        step: Step,
        verdict: Verdict,
        expected: Any = None,
        cause: Cause | None = None,
        note: str = "",
    ) -> None:
        finding = Finding(step.name, verdict, step.value, expected, cause, note)
        self.findings.append((step.time, step.line, finding))

    def _tell_all(self, segment: Segment, verdict: Verdict, **more: Any) -> None:
        for step in segment.steps:
            self._tell(step, verdict, **more)

    def _arguments_right(self) -> set[Node]:
        ends: dict[Node, bool] = {}
        for s in self.segments:
            ends[s.node] = s.complete or ends.get(s.node, False)
        return {a.node for a in self.reference.arguments if a.node and ends.get(a.node)}

    def _missing(self) -> list[Node]:
        reached = {s.node for s in self.segments}
        return [
            a.node for a in self.reference.wanted if a.node is not None and a.node not in reached
        ]

    def _without_gradient(self) -> list[str]:
        """Return the variables that the person computes, but not the gradients of."""
        reached = {s.node for s in self.segments} | {self.reference.output}
        reached |= {a.node for a in self.reference.arguments if a.node is not None}
        return [
            name
            for name in self.forward
            for nodes in [self.reference.names.get(name, [])]
            if any(self.reference.is_on_path(n) for n in nodes) and reached.isdisjoint(nodes)
        ]

    def _judge_forward(self) -> None:
        """Judge what differs in the forward pass; with the right value in the end, nothing does."""
        steps = [(Step.of(time, change), node) for time, change, node in self.forward_wrong]
        if self.output_right is not False:
            wanted = {a.node for a in self.reference.wanted}
            all_right = self._arguments_right() >= (wanted - set(self._missing()))
            if self.output_right or all_right:
                for (step, _), (_, change, _) in zip(steps, self.forward_wrong, strict=True):
                    if self.aliases.get(change.name):  # it has the value of another node
                        self._tell(step, "right")
                    else:
                        self._tell(step, "not compared", note="another meaning")
                self.forward_wrong = []
                return
        theirs: dict[Node, Any] = {}
        for step, node in steps:
            right = self.reference.values[node]
            loose = [other for other in self.loose_forward if other.time < step.time]
            if close(step.value, self._stage_value(node, theirs)):
                self._tell(step, "follows", right)
            elif earlier := infer_value(self.reference, node, step.value, theirs, loose):
                origin, inner = earlier
                self.loose_forward.remove(origin)
                self._tell_wrong_value(origin, inner, theirs)
                self._tell(step, "follows", right)
                theirs[inner] = origin.value
            else:
                self._tell_wrong_value(step, node, theirs)
            if np.shape(step.value) == np.shape(right):
                theirs[node] = step.value

    def _tell_wrong_value(self, step: Step, node: Node, theirs: Mapping[Node, Any]) -> None:
        want = self._stage_value(node, theirs)
        context = self._context(node, self.reference.replay(theirs), step.time)
        self._tell(step, "wrong", want, cause_of_value(step.value, want, node, context))

    def _stage_value(self, node: Node, theirs: Mapping[Node, Any]) -> Any:
        """Return what a node would be, from the person's values of the others."""
        others = {n: v for n, v in theirs.items() if n is not node}
        return self.reference.value_with(node, others)

    def _context(self, node: Node, values: Mapping[Node, Any], time: int) -> Context:
        reference = self.reference
        variables = {a.name: a.value for a in reference.arguments} | self.forward
        gradients: dict[str, Any] = {}
        names: dict[Node, str] = {}
        for s in self.segments:
            names[s.node] = s.name
            before = [step for step in s.steps if step.time < time]
            if s.node is not node and before:
                gradients[s.name] = before[-1].value
        return Context(reference, node, values, variables, gradients, names)

    def _judge_gradients(self) -> None:
        right = self._arguments_right()
        wanted = {a.node for a in self.reference.wanted}
        arguments = {a.node for a in self.reference.arguments}
        flows = Flows(self.reference, self.segments, self.forward_wrong)
        taken = set() if self.returned_right else infer_gradients(flows, self.loose)
        for step in [*self.loose_forward, *self.loose]:
            if step.time not in taken:
                self._tell(step, "not compared")
        self.segments.sort(key=lambda s: s.end)
        for segment in self.segments:
            if segment.complete:
                note = "" if segment.scale == 1.0 else f"{number(segment.scale)} times it"
                self._tell_all(segment, "right", note=note)
            elif self.returned_right or (  # what led to it may mean something else
                (segment.node not in arguments or self._is_right_elsewhere(segment))
                and bool(reached := self.reference.upstream_arguments[segment.node] & wanted)
                and reached <= right
            ):
                self._tell_all(segment, "not compared", note="another meaning")
            elif self.run.error is not None and self._is_partial(segment):
                self._tell_all(segment, "right")
            else:
                self._judge_segment(segment, flows)
        self._pass_nothing_wrong()

    def _pass_nothing_wrong(self) -> None:
        """See to it that a wrong gradient of an argument is told, whatever it may follow from."""
        if self.run.error is not None or any(f.verdict == "wrong" for _, _, f in self.findings):
            return
        right = self._arguments_right()
        for segment in self.segments:
            if segment.node in {a.node for a in self.reference.wanted} - right:
                total = self.reference.gradient(segment.node)
                self._tell(segment.steps[-1], "wrong", total, UNEXPLAINED)
                return

    def _is_right_elsewhere(self, segment: Segment) -> bool:
        """Tell whether another variable holds the gradient: this one was used up on the way."""
        return self.returned.get(segment.node, True) and any(
            s.complete and s.node is segment.node and s.name != segment.name for s in self.segments
        )

    def _is_partial(self, segment: Segment) -> bool:
        """Tell whether a gradient is right as far as it got."""
        return bool(self.reference.paths(segment.node).masks(segment.value))

    def _judge_segment(self, segment: Segment, flows: Flows) -> None:
        node, last = segment.node, segment.steps[-1]
        total = self.reference.gradient(node)
        candidates = flows.at(segment)
        if any(flow.paths(node).complete(segment.value) for flow, _ in candidates):
            order = self._too_early(segment)
            for step in segment.steps[:-1]:
                self._tell(step, "right" if _is_beginning(step) else "follows", total)
            self._tell(last, "follows" if order is None else "wrong", total, order)
        elif not candidates:
            text = f"{self.reference.name} does not depend on this, so it is zero"
            self._tell(last, "wrong", total, Cause("unknown", text))
        elif self._shares_a_mistake(segment):
            self._tell_all(segment, "follows", expected=total)
        elif (order := self._returned_for_another(segment)) is not None:
            self._tell(last, "wrong", total, order)
        else:
            self._attribute(segment, *candidates[-1])

    def _attribute(self, segment: Segment, flow: Flow, values: Mapping[Node, Any]) -> None:
        """Tell which line of a wrong gradient is wrong; the others are right or follow."""
        total = self.reference.gradient(segment.node)
        paths = self.reference.flow.paths(segment.node)
        steps = segment.scaled_steps
        wrong = self.attributed.setdefault(tuple(step.line for step in steps), [])
        if len(wrong) == _MOST_TURNS and len(set(wrong)) == 1:
            found = unexplained(steps[wrong[0]], total)
        else:
            context = self._context(segment.node, values, segment.end)
            found = attribute(steps, context, flow, self._boundaries())
            wrong[_MOST_TURNS - 1 :] = []
            wrong.append(next(k for k, step in enumerate(steps) if step is found.step))
        lost = found.cause is UNEXPLAINED and self._is_wrong_before(found.step.time)
        for step, scaled in zip(segment.steps, steps, strict=True):
            if scaled is found.step and not lost:
                values_found = found.found * segment.scale, found.expected * segment.scale
                finding = Finding(step.name, "wrong", *values_found, found.cause, added=found.added)
                self.findings.append((step.time, step.line, finding))
            elif _is_beginning(scaled) or (scaled.added is not None and paths.masks(scaled.added)):
                self._tell(scaled, "right")
            else:
                self._tell(scaled, "follows", total)

    def _shares_a_mistake(self, segment: Segment) -> bool:
        """Tell whether a gradient was made from a wrong one of an operand beside it.

        ``dy = -dz2`` is right for ``z2 - y`` as far as dz2 is.
        """
        reference, node, total = self.reference, segment.node, self.reference.gradient(segment.node)
        if np.shape(segment.value) != np.shape(total):
            return False
        used_in = {consumer for consumer, _ in reference.consumers.get(node, [])}
        for other in self.segments:
            if other.complete or other.end >= segment.end or other.node is node:
                continue
            beside = {consumer for consumer, _ in reference.consumers.get(other.node, [])} & used_in
            right = reference.gradient(other.node)
            if not beside or not np.shape(right) == np.shape(other.value) == np.shape(total):
                continue
            if np.any(other.value) and close(segment.value * right, total * other.value):
                return True
        return False

    def _returned_for_another(self, segment: Segment) -> Cause | None:
        """Tell whether what is returned in one argument's place is another's gradient."""
        if segment.end < len(self.run.changes):
            return None
        for a in self.reference.arguments:
            if a.node is not None and close(segment.value, self.reference.gradient(a.node)):
                text = f"this is the gradient by {a.name}: they are returned in another order"
                return Cause("wrong operand", text)
        return None

    def _boundaries(self) -> list[frozenset[Node]]:
        """Return sets of nodes at which the chain is cut: where the person has gradients, names."""
        mine = {s.node for s in self.segments} | {self.reference.output}
        named = mine | {n for n in self.reference.own_names if n in self.reference.flow.gradients}
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


def _is_beginning(step: Step) -> bool:
    """Tell the zero that a sum begins with."""
    return step.before is MISSING and not np.any(step.value)
