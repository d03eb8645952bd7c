"""Gradients that vanish or explode through the turns of a loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chainrule.explain.measures import RATIO
from chainrule.explain.numbers import format_number
from chainrule.explain.observation import Finding, Observation
from chainrule.explain.turns import Change, Series

__all__ = ["with_loops"]


def with_loops(
    findings: Iterable[Finding], run: Observation, series: Sequence[Series]
) -> list[Finding]:
    """Add what is found in the turns of loops; it stands for what says less.

    That is a comparison of the first and the last stage: where they are turns of one loop, the loop
    is what makes the gradient small.
    """
    found = [f for f in map(_through_time, [run] * len(series), series) if f is not None]
    kinds = {finding.kind for finding in found}
    general = ("vanishing", "exploding")
    return [f for f in findings if f.kind not in general or f.kind not in kinds] + found


def _through_time(run: Observation, series: Series) -> Finding | None:
    change = Change.of(series, run.gradients) if series.carried else None
    if change is None or not change.early or not change.late:
        return None  # zero and non-finite gradients are findings of their own
    ratio = change.early / change.late
    if 1 / RATIO <= ratio <= RATIO or not change.how:
        return None
    first, last = change.ends
    path = (
        f"|d{series.name}| is {format_number(change.late)} at {series.at(last)} and "
        f"{format_number(change.early)} at {series.at(first)}, it {change.how}"
    )
    if ratio < 1:
        kind = "vanishing"
        what = f"the gradient vanishes through time: {path}, so early turns hardly count."
        advice = (
            "Gates that let it pass, as an LSTM has them, a residual step (h + dt * f(h)) or a "
            "larger recurrent weight keep more of it."
        )
    else:
        kind = "exploding"
        what = f"the gradient explodes through time: {path}, so early turns count most."
        advice = (
            "Smaller or orthogonal recurrent weights, smaller steps or clipping the gradient's "
            "norm tame it."
        )
    numbers = {"ratio": ratio, "rate": change.rate}
    node = series.stages[first].node
    more = {"backward": True, "numbers": numbers, "is_of_loop": True}
    return run.finding(kind, node, what, advice, **more)
