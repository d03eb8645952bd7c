"""`review`: hand-written backprop compared with the truth, line by line."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.core.array import Node
from chainrule.errors import ChainruleError
from chainrule.explain.reviews.compare import close
from chainrule.explain.reviews.judge import judge
from chainrule.explain.reviews.report import Finding, LineReview, Review
from chainrule.explain.reviews.run import HandRun, run_by_hand
from chainrule.explain.reviews.scene import Cause
from chainrule.explain.reviews.truth import Truth

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
    truth = Truth(f, args, argnums)
    run = run_by_hand(handwritten, args)
    judgement = judge(truth, run)
    by_line: dict[int, list[tuple[int, Finding]]] = {}
    for time, line, finding in judgement.findings:
        by_line.setdefault(line, []).append((time, finding))
    lines = [_line(number, run.text(number), found) for number, found in sorted(by_line.items())]
    lines = [_with_advice(line, run, truth, f, args) for line in lines]
    if run.error is None:
        lines += [_missing(truth, node) for node in judgement.missing]
    remarks = []
    if judgement.without_gradient and run.error is None:
        remarks.append(f"no gradient of their own: {', '.join(judgement.without_gradient)}")
    return Review(
        truth.name,
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


def _missing(truth: Truth, node: Node) -> LineReview:
    name = truth.label(node)
    finding = Finding(name, "missing", expected=truth.flow.gradients.get(node))
    return LineReview(None, f"d{name} = ...", (finding,))


def _with_advice(
    line: LineReview, run: HandRun, truth: Truth, f: Callable[..., Any], args: Sequence[Any]
) -> LineReview:
    """Add what to write instead, where that can be said in the person's own names."""
    if line.verdict != "wrong" or line.cause is None:
        return line
    write = _advice(line, run, truth, f, args)
    if write is None:
        return line
    worst = line.finding
    better = replace(worst, cause=Cause(line.cause.kind, line.cause.text, write))
    return replace(line, findings=tuple(better if x is worst else x for x in line.findings))


def _advice(
    line: LineReview, run: HandRun, truth: Truth, f: Callable[..., Any], args: Sequence[Any]
) -> str | None:
    assert line.cause is not None
    name = line.finding.name
    if line.cause.kind == "missing +=" and line.source.startswith(f"{name} ="):
        return line.source.replace("=", "+=", 1)
    if line.cause.kind == "forward value":
        nodes = truth.names.get(name, [])
        places = [truth.location(node) for node in nodes]
        texts = [p.text for p in places if p and p.text.startswith(f"{name} =")]
        return next((text for text in texts if _can_be_read(text, run)), None)
    want = line.expected
    if line.cause.kind == "missing path":
        want = np.subtract(want, line.found)
    from chainrule.staged import stage

    try:
        staged = stage(f, *args)
    except ChainruleError:  # it can be reviewed all the same
        return None
    adds = line.finding.added or line.cause.kind == "missing path"
    for written in staged.backward:
        if written.target == name and close(written.value, want):
            text = f"{name} {'+=' if adds else '='} {written.expression}"
            return text if _can_be_read(text, run) else None
    return None


def _can_be_read(text: str, run: HandRun) -> bool:
    """Tell whether a line speaks only of variables that the hand-written function has."""
    known = {*run.variables, *run.code.co_names, "np", "math"}
    try:
        tree = ast.parse(text)
    except SyntaxError:  # the first line of a longer statement
        return False
    return all(n.id in known for n in ast.walk(tree) if isinstance(n, ast.Name))
