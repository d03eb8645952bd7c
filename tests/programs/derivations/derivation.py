"""A listing with the program that it differentiates, and how it becomes a function."""

from __future__ import annotations

import linecache
import math
from collections.abc import Callable
from textwrap import dedent
from typing import Any, NamedTuple

import numpy as np

from tests.programs import Program
from tests.programs.layers import DROPOUT
from tests.programs.lecture import sigmoid
from tests.programs.networks import LABELS, ONE_HOT, relu, softmax

#: What a listing may use without defining it.
_NAMES = {
    "np": np,
    "math": math,
    "sigmoid": sigmoid,
    "relu": relu,
    "softmax": softmax,
    "labels": LABELS,
    "onehot": ONE_HOT,
    "MASK": DROPOUT,
}


class Derivation(NamedTuple):
    """The text of a hand-written backward pass, and the program that it is of."""

    program: Program
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def with_mistake(self, old: str, new: str) -> Derivation:
        """Return the listing with a part of it, which must stand there once, replaced."""
        assert self.text.count(old) == 1, f"{old!r} is not a unique part of the listing"
        return self._replace(text=self.text.replace(old, new))

    def line_with(self, part: str) -> int:
        """Return the number of the line at which a part of the listing begins."""
        return self.text[: self.text.index(part)].count("\n") + 1


def derivations(
    programs: dict[str, Program], listings: dict[str, tuple[str, str]]
) -> dict[str, Derivation]:
    """Return derivations by name, from the names of their programs and their indented texts."""
    return {
        name: Derivation(programs[program], dedent(text).strip() + "\n")
        for name, (program, text) in listings.items()
    }


def written(text: str) -> Callable[..., Any]:
    """Define the function ``by_hand`` of a listing, with its source where tracebacks find it."""
    text = dedent(text).strip() + "\n"
    file = f"<listing {len(linecache.cache)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = dict(_NAMES)
    exec(compile(text, file, "exec"), names)
    return names["by_hand"]
