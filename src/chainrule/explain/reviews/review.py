"""`review`: hand-written backprop compared with the true gradient, line by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chainrule.core.node import Node
from chainrule.explain.reviews.advice import staged_or_none, with_advice
from chainrule.explain.reviews.alignment import hint_of_transposing
from chainrule.explain.reviews.judge import judge
from chainrule.explain.reviews.reference import Reference
from chainrule.explain.reviews.report import Finding, LineReview, Review
from chainrule.explain.reviews.run import run_by_hand

__all__ = ["Review", "review"]


def review(
    handwritten: Callable[..., Any],
    f: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] | None = None,
) -> Review:
    """Compare a hand-written forward and backward pass with the true one, line by line.

    Args:
        handwritten: a function that computes the value of f and its gradients in local variables:
            ``num`` and ``dnum``, ``W1`` and ``dW1`` (or ``grad_W1``, ``W1_grad``,
            ``grads["W1"]``). It is run once, on copies of the arguments.
        f: the function whose gradient it computes, in plain NumPy.
        args: where to compare: floats, float arrays or trees of them.
        argnums: positions of the arguments whose gradients it is meant to compute; None for every
            argument that holds floats.

    Returns:
        A `Review`, true where no line is wrong and no gradient missing. It prints as a table of
        lines with the first wrong one explained: found, expected, the likely cause. Variables that
        f has no counterpart for are not compared, and what is right only in the light of an earlier
        mistake is told apart from mistakes.

    Raises:
        ArgumentError: no argument holds floats; handwritten cannot be called with the arguments.
        NonScalarOutputError: the value of f is not one number.

    >>> def f(x, y, z):
    ...     q = x + y
    ...     return q * z
    >>> def by_hand(x, y, z):
    ...     q = x + y
    ...     f = q * z
    ...     dq = q
    ...     dz = q
    ...     dx = dq
    ...     dy = dq
    ...     return f, (dx, dy, dz)
    >>> result = review(by_hand, f, -2.0, 5.0, -4.0)
    >>> bool(result), result.first.names, result.first.cause.kind
    (False, ('dq',), 'wrong operand')
    """
    reference = Reference(f, args, argnums)
    run = run_by_hand(handwritten, args)
    judgement = judge(reference, run)
    by_line: dict[int, list[tuple[int, Finding]]] = {}
    for time, line, finding in judgement.findings:
        by_line.setdefault(line, []).append((time, finding))
    lines = [_line(number, run.text(number), found) for number, found in sorted(by_line.items())]
    staged = staged_or_none(f, args) if any(line.verdict == "wrong" for line in lines) else None
    lines = [with_advice(line, run, judgement.spoken, reference, staged) for line in lines]
    if run.error is None:
        lines += [_missing(reference, node) for node in judgement.missing]
    remarks = []
    if hint := hint_of_transposing(run):
        remarks.append(hint)
    if judgement.without_gradient and run.error is None:
        remarks.append(f"no gradient of their own: {', '.join(judgement.without_gradient)}")
    return Review(
        reference.name,
        run.code.co_name,
        tuple(lines),
        tuple(remarks),
        run.error,
        run.error_line,
        run.text(run.error_line) if run.error_line else "",
    )


def _line(number: int, source: str, found: Sequence[tuple[int, Finding]]) -> LineReview:
    """Keep one finding per variable of a line that ran many times: the first of the worst."""
    kept: dict[str, tuple[int, Finding]] = {}
    for time, finding in found:
        before = kept.get(finding.name)
        if before is None or before[1].rank < finding.rank:
            kept[finding.name] = time, finding
    line = LineReview(number, source, tuple(finding for _, finding in kept.values()))
    time = next(time for time, finding in kept.values() if finding is line.finding)
    return replace(line, time=time)


def _missing(reference: Reference, node: Node) -> LineReview:
    name = reference.label(node)
    finding = Finding(name, "missing", expected=reference.flow.gradients.get(node))
    return LineReview(None, f"d{name} = ...", (finding,))
