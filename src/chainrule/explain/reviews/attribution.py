"""Which line of a wrong gradient is the wrong one, and what it should have added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.explain.reviews.causes import BROAD, NARROW, Hypothesis, cause_of
from chainrule.explain.reviews.compare import Paths, close, ratio
from chainrule.explain.reviews.context import Context, Path
from chainrule.explain.reviews.reference import Flow
from chainrule.explain.reviews.report import Cause
from chainrule.explain.reviews.run import MISSING
from chainrule.explain.reviews.segments import Step

__all__ = ["UNEXPLAINED", "Attribution", "attribute", "unexplained"]

UNEXPLAINED = Cause("unknown", "no simple mistake gives this value")


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """The wrong line, what was found and expected there, and why."""

    step: Step
    found: Any
    expected: Any
    cause: Cause
    added: bool = False


def attribute(
    steps: Sequence[Step], context: Context, flow: Flow, boundaries: Sequence[frozenset[Any]]
) -> Attribution:
    """Find the change that made a gradient wrong.

    An explanation counts if putting it right puts the final value right; the simplest is tried
    first: something overwritten, then one line's contribution, one path's, the whole.
    """
    paths = flow.paths(context.node)
    wants = list(_wants(context, flow, boundaries))
    return (
        _overwritten(steps, paths)
        or _overwritten_in_loop(steps, paths)
        or _one_line(steps, paths, wants, context, NARROW)
        or _one_line(steps, paths, wants, context, BROAD)
        or _left_out(steps, paths, wants, context)
        or _one_path(steps, paths, wants, context, NARROW)
        or _one_path(steps, paths, wants, context, BROAD)
        or _whole(steps, paths, wants, context, NARROW)
        or _whole(steps, paths, wants, context, BROAD)
        or _deeper(steps, paths, context, flow, boundaries[-1])
        or _unexplained(steps, paths)
    )


def _wants(context: Context, flow: Flow, boundaries: Sequence[frozenset[Any]]) -> Iterator[Path]:
    """Go over what a line may have been meant to add: what comes through one stage or one use."""
    reference, node = context.reference, context.node
    seen: set[tuple[Any, frozenset[Any]]] = set()
    for ends in boundaries:
        starts = reference.next_boundaries(node, ends)
        for start in starts:
            if (start, ends) in seen or start not in flow.used:
                continue
            seen.add((start, ends))
            upstream = flow.used[start]
            want = reference.pull_stage(start, upstream, node, context.values, ends)
            if want is not None:
                yield Path(want, start, upstream, ends)
    for use in flow.uses.get(node, []):
        beside = (parent for parent in use.consumer.parents if parent is not None)
        ends = frozenset({use.consumer, *beside})
        yield Path(use.part, use.consumer, flow.used[use.consumer], ends)


def _deeper(
    steps: Sequence[Step], paths: Paths, context: Context, flow: Flow, ends: frozenset[Any]
) -> Attribution | None:
    """Look for a wrong path that forks off later, at a value that the person has no gradient of.

    ``dscores = probs; dscores[range(n), labels] -= 1`` adds up two such paths.
    """
    reference, node = context.reference, context.node
    region, stack = [], [node]
    while stack:
        for consumer, _ in reference.consumers.get(stack.pop(), []):
            if consumer not in ends and consumer not in region and consumer in flow.used:
                region.append(consumer)
                stack.append(consumer)
    for fork in region:
        uses = flow.uses.get(fork, [])
        if len(uses) < 2:
            continue
        same = close(flow.gradients[fork], paths.total)  # whatever else leads there adds nothing
        wants = []
        for use in uses:
            want = use.part
            if not same:
                want = reference.pull_stage(fork, use.part, node, context.values, ends)
            if want is not None:
                wants.append(Path(want, through=reference.label(use.consumer)))
        found = (
            _left_out(steps, paths, wants, context)
            or _one_path(steps, paths, wants, context, NARROW)
            or _one_path(steps, paths, wants, context, BROAD)
        )
        if found is not None:
            return found
    return None


def _overwritten(steps: Sequence[Step], paths: Paths) -> Attribution | None:
    """Find a plain ``=`` where a contribution was there already."""
    final = steps[-1].value
    first: Step | None = None
    lost = np.zeros(np.shape(paths.total))
    for step in steps:
        before = step.before
        if before is MISSING or np.shape(before) != np.shape(paths.total) or not np.any(before):
            continue
        kept, had = paths.masks(step.value), paths.masks(before)
        if not kept or not had:
            continue
        if not any(k & h == h and k != h for k in kept for h in had):
            lost = lost + before
            first = first or step
    if first is None or np.shape(final) != np.shape(lost) or not paths.complete((final + lost)[()]):
        return None
    text = (
        f"this overwrites what other paths have contributed to {first.name}: the gradients of "
        "paths that fork add up"
    )
    expected = np.add(first.value, first.before)[()]
    return Attribution(first, first.value, expected, Cause("missing +=", text))


def _overwritten_in_loop(steps: Sequence[Step], paths: Paths) -> Attribution | None:
    """Find a plain ``=`` in a loop, of the whole or of entries, where the rounds add up."""
    for line in dict.fromkeys(step.line for step in steps):
        rounds = [step for step in steps if step.line == line]
        if (
            len(rounds) < 2
            or rounds != [s for s in steps if rounds[0].time <= s.time][: len(rounds)]
        ):
            continue
        parts = [_entries_written(step) for step in rounds]
        if any(part is None or np.shape(part) != np.shape(paths.total) for part in parts):
            continue
        total = sum(parts, start=np.zeros(np.shape(paths.total)))
        last = rounds[-1].value
        for step in steps[steps.index(rounds[-1]) + 1 :]:  # what comes after the loop
            k = ratio(step.value, last)
            total = total * k if k is not None else total + np.subtract(step.value, last)
            last = step.value
        if paths.complete(total[()]):
            text = (
                f"each round of the loop overwrites what was in {rounds[0].name}: the "
                "contributions of the rounds add up"
            )
            step = rounds[-1]
            return Attribution(step, step.value, paths.total, Cause("missing +=", text))
    return None


def _entries_written(step: Step) -> Any:
    """Return the entries that a line wrote, with zeros elsewhere."""
    if step.before is MISSING or np.shape(step.before) != np.shape(step.value):
        return step.value
    return np.where(np.equal(step.value, step.before), 0.0, step.value)


def _one_line(
    steps: Sequence[Step],
    paths: Paths,
    wants: Sequence[Path],
    context: Context,
    hypotheses: Sequence[Hypothesis],
) -> Attribution | None:
    """Find one line whose contribution is wrong in a known way."""
    final = steps[-1].value
    for step in steps:
        for found in _found(step):
            if len(steps) > 1 and not np.any(found):
                continue  # the zero that a sum starts from
            for path in wants:
                if close(found, path.want):
                    continue
                if len(steps) > 1 and not _repairs(final, found, path.want, paths):
                    continue
                if len(steps) == 1 and not _is_total(path.want, paths):
                    continue
                cause = cause_of(found, path, context, hypotheses)
                if cause is not None:
                    added = step.before is not MISSING and found is not step.value
                    return Attribution(step, found, path.want, cause, added)
    return None


def _found(step: Step) -> Iterator[Any]:
    if step.added is not None:
        yield step.added
    if step.before is not MISSING:
        yield step.value


def _repairs(final: Any, found: Any, want: Any, paths: Paths) -> bool:
    """Tell whether the gradient comes out right if one contribution is replaced by another."""
    try:
        with np.errstate(all="ignore"):
            return paths.complete(np.add(np.subtract(final, found), want)[()])
    except ValueError:
        return False


def _is_total(want: Any, paths: Paths) -> bool:
    return close(want, paths.total)


def _one_path(
    steps: Sequence[Step],
    paths: Paths,
    wants: Sequence[Path],
    context: Context,
    hypotheses: Sequence[Hypothesis],
) -> Attribution | None:
    """Find one path whose contribution is wrong, wherever it was added."""
    final = steps[-1].value
    if np.shape(final) != np.shape(paths.total):
        return None
    excess = np.subtract(final, paths.total)[()]
    for path in wants:
        if _is_total(path.want, paths) or np.shape(path.want) != np.shape(final):
            continue
        found = np.add(path.want, excess)[()]
        if not np.any(np.abs(found) > 1e-9 * np.max(np.abs(path.want), initial=0.0)):
            continue  # this path is missing altogether
        cause = cause_of(found, path, context, hypotheses)
        if cause is None:
            continue
        step = next(
            (s for s in steps if s.added is not None and _proportional(s.added, found)), steps[-1]
        )
        return Attribution(step, step.value, np.subtract(step.value, excess)[()], cause)
    return None


def _proportional(a: Any, b: Any) -> bool:
    return np.size(b) > 1 and ratio(a, b) is not None


def _whole(
    steps: Sequence[Step],
    paths: Paths,
    wants: Sequence[Path],
    context: Context,
    hypotheses: Sequence[Hypothesis],
) -> Attribution | None:
    final = steps[-1]
    for path in [*(p for p in wants if _is_total(p.want, paths)), Path(paths.total)]:
        cause = cause_of(final.value, path, context, hypotheses)
        if cause is not None:
            return Attribution(final, final.value, paths.total, cause)
    return None


def _left_out(
    steps: Sequence[Step], paths: Paths, wants: Sequence[Path], context: Context
) -> Attribution | None:
    """Find that what comes through one path is missing."""
    final = steps[-1]
    if np.shape(final.value) != np.shape(paths.total) or not np.any(final.value):
        return None
    excess = np.subtract(final.value, paths.total)[()]
    for path in wants:
        if np.shape(path.want) != np.shape(excess) or not np.any(path.want):
            continue
        name = path.through
        if path.start is not None:
            name = context.gradient_name(path.start)
        if close(excess, -path.want):
            text = f"not complete after its last line: what comes through {name} is missing"
            return Attribution(final, final.value, paths.total, Cause("missing path", text))
    return None


def _unexplained(steps: Sequence[Step], paths: Paths) -> Attribution:
    """Take the last line whose contribution is not one that the chain rule has."""
    odd = [s for s in steps if s.added is None or not paths.masks(s.added)]
    return unexplained(odd[-1] if odd else steps[-1], paths.total)


def unexplained(step: Step, expected: Any) -> Attribution:
    """Return that a line is wrong, and nothing else."""
    if np.shape(step.value) != np.shape(expected):
        text = f"the shape is {np.shape(step.value)}, not {np.shape(expected)}"
        return Attribution(step, step.value, expected, Cause("shape", text))
    return Attribution(step, step.value, expected, UNEXPLAINED)
