"""What to write in place of a wrong line, in the person's own names.

A line is proposed only if it gives what is expected with the variables that the person had there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.explain.reviews.compare import close
from chainrule.explain.reviews.reference import Reference
from chainrule.explain.reviews.report import Finding, LineReview
from chainrule.explain.reviews.run import HandRun

__all__ = ["staged_or_none", "with_advice"]


def staged_or_none(f: Callable[..., Any], args: Sequence[Any]) -> Any:
    """Return the staged function; None where there is none."""
    from chainrule.staged import stage

    try:
        return stage(f, *args)
    except ChainruleError:  # it can be reviewed all the same
        return None


def with_advice(
    line: LineReview, run: HandRun, spoken: dict[str, str], reference: Reference, staged: Any
) -> LineReview:
    """Add what to write instead, where that can be said in the person's own names."""
    if line.verdict != "wrong" or line.cause is None:
        return line
    worst = line.finding
    if worst.name.endswith("]") and not line.source.startswith(worst.name):
        return line  # an entry of a list that the line writes as a whole
    variables = run.variables_at(line.time)
    count = sum((c.line, c.shown) == (line.number, worst.name) for c in run.changes)
    for text in _advice(line, spoken, reference, staged, count > 1):
        if _gives(text, worst, variables, run.namespace):
            better = replace(worst, cause=replace(line.cause, write=text))
            return replace(line, findings=tuple(better if x is worst else x for x in line.findings))
    return line


def _advice(
    line: LineReview, spoken: dict[str, str], reference: Reference, staged: Any, repeated: bool
) -> Iterator[str]:
    """Go over the lines that may be right in place of a wrong one."""
    assert line.cause is not None
    finding = line.finding
    name = finding.name
    if line.cause.kind == "missing +=" and line.source.startswith(f"{name} ="):
        yield line.source.replace("=", "+=", 1)
    elif line.cause.kind == "forward value":
        if repeated:
            return  # the round of a loop does a part only of what the function does at once
        for place in [reference.location(node) for node in reference.names.get(name, [])]:
            if place and place.text.startswith(f"{name} ="):
                yield place.text
    elif staged is not None:
        adds = finding.added or line.cause.kind == "missing path"
        want = finding.expected
        if line.cause.kind == "missing path":
            want = np.subtract(want, finding.found)
        lines = [written for written in staged.backward if close(written.value, want)]
        for written in sorted(lines, key=lambda written: written.target != name):
            yield f"{name} {'+=' if adds else '='} {_in_their_words(written.expression, spoken)}"


def _in_their_words(expression: str, spoken: dict[str, str]) -> str:
    """Return an expression with the person's names for what the function calls otherwise."""
    return re.sub(r"(?<![.\w])[A-Za-z_]\w*", lambda m: spoken.get(m[0], m[0]), expression)


def _gives(
    text: str, finding: Finding, variables: dict[str, Any], namespace: dict[str, Any]
) -> bool:
    """Tell whether a line that is proposed gives what is expected, with the person's variables."""
    match = re.match(r"[^=+]+(\+?=)(?!=)(.*)", text, re.DOTALL)
    if match is None:
        return False
    try:
        with np.errstate(all="ignore"):
            value = eval(match[2].strip(), {**namespace, "np": np, "math": math}, variables)
            if match[1] == "+=" and not finding.added:
                before = eval(finding.name, {**namespace}, variables)
                value = before + value
            return close(value, finding.expected)
    except Exception:  # it speaks of variables that are not there, or have other shapes
        return False
