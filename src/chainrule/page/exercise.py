"""Exercises: which backward lines are left to the reader, and the code that says how it went."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from chainrule.errors import ArgumentError

__all__ = ["Result", "Task", "exercise_id", "left_out", "local_left_out", "read_result"]

#: What a reader writes: whole backward lines, or the local gradients in them.
Task = Literal["lines", "local"]

_CODE = re.compile(r"cr1-([0-9a-f]{8})-([01]+)-(\d+)")


class Result(NamedTuple):
    """What a result code says.

    Attributes:
        exercise: which exercise it is of.
        right: for each line that was to be written, whether it is right.
        hints: how many hints were taken.
    """

    exercise: str
    right: tuple[bool, ...]
    hints: int


def left_out(page: Mapping[str, Any]) -> list[bool]:
    """Tell which lines of a page's code can be left to the reader.

    They are those that the page can judge: each adds all that a stage adds to the gradient of one
    variable, and that is computed for other inputs, too.
    """
    lines = page["lines"]
    pairs = Counter((x.get("vertex"), x.get("of")) for x in lines if x.get("backward"))
    return [
        bool(x.get("backward"))
        and x.get("vertex") is not None
        and x.get("of") is not None
        and pairs[x["vertex"], x["of"]] == 1
        and str(x.get("target")).isidentifier()
        and _is_computed(page, x["vertex"], x["of"])
        for x in lines
    ]


def _is_computed(page: Mapping[str, Any], vertex: int, source: int) -> bool:
    """Tell whether the script of a page computes what a stage adds to a gradient."""
    vertices = page["vertices"]
    group = vertices[vertex]["group"]
    if group is None:
        return False
    needed: list[int | None] = []
    for gate in page["groups"][group]["vertices"]:
        for lead in vertices[gate]["leads"]:
            if lead["source"] != source:
                continue
            if "part" in lead:
                needed.append(lead["part"])
            elif "local" in lead:
                needed += [lead["local"], vertices[gate]["gradient"]]
    return bool(needed) and all(k is not None and "place" in page["values"][k] for k in needed)


def local_left_out(page: Mapping[str, Any]) -> list[bool]:
    """Tell of which lines the local gradient alone can be asked for.

    They are those in which it is one factor, number by number or entry by entry.
    """
    vertices, values = page["vertices"], page["values"]

    def shape(vertex: int) -> Any:
        return values[vertices[vertex]["value"]].get("shape", [])

    def is_factor(line: Mapping[str, Any]) -> bool:
        gates = page["groups"][vertices[line["vertex"]]["group"]]["vertices"]
        inside = {line["of"], *gates}
        return all(
            vertices[gate].get("entrywise") and shape(gate) == shape(line["of"])
            for gate in gates
            if any(lead["source"] in inside for lead in vertices[gate]["leads"])
        )

    return [bool(line.get("exercise")) and is_factor(line) for line in page["lines"]]


def exercise_id(title: str, task: Task, targets: Sequence[str]) -> str:
    """Return what tells an exercise from others: it is the same for the same code.

    >>> exercise_id("f(x, y)", "lines", ["dq", "dx", "dy"])
    'd22efaf3'
    """
    return _checksum("\n".join([title, *targets, *(["local"] if task == "local" else [])]))


def read_result(code: str) -> Result:
    """Read the code that a page shows.

    It tells a slip of the pen from a code, and is no proof of who wrote the lines.

    Raises:
        ArgumentError: it is no such code, or damaged.
    """
    text, _, check = code.strip().rpartition("-")
    found = _CODE.fullmatch(text)
    if found is None:
        raise ArgumentError(
            f"{code.strip()!r} is not a result code: it begins with cr1- and is shown below the "
            "exercise"
        )
    if _checksum(text) != check:
        raise ArgumentError("the result code is damaged: have it copied from the page once more")
    exercise, right, hints = found.groups()
    return Result(exercise, tuple(x == "1" for x in right), int(hints))


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
