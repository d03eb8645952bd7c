"""Loops as an explanation shows them: what a line gave in each turn, and how that changes.

The printed code has a line of a loop once, and the run has it in every turn. A `Series` is what one
variable was, turn by turn; its gradients tell whether they vanish or explode through time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrule.core.node import Node
from chainrule.core.reach import ancestors
from chainrule.explain.circuit import Whole
from chainrule.explain.numbers import format_number, format_value, is_scalar, norm
from chainrule.explain.observation import Finding
from chainrule.staged import Row, Stage, Staged

__all__ = ["Change", "Series", "loops_of", "merged", "series_of", "shown", "spread"]

_MUCH = 10.0  # how much larger than at both ends is worth being said


@dataclass(frozen=True)
class Series:
    """A variable that turns of a loop give a value.

    Attributes:
        name: of the variable in the printed code.
        row: the line.
        stages: its turns, in their order.
        counter: what counts the turns, '' where nothing does.
        turns: what that is in each of them.
        carried: whether each turn depends on what it was in the turn before.
    """

    name: str
    row: Row
    stages: Sequence[Stage]
    counter: str
    turns: Sequence[int]
    carried: bool

    def at(self, k: int) -> str:
        """Say which turn it is."""
        return f"{self.counter} = {self.turns[k]}" if self.counter else f"turn {self.turns[k]}"


def shown(staged: Staged) -> dict[Stage, tuple[str, str]]:
    """Return the variable and the line that each stage has in the printed code."""
    found = {stage: (stage.name, stage.text) for stage in staged.stages}
    if staged.program.has_loops:
        for row in staged.program.rows():
            name = row.text.split()[0].partition("[")[0]
            found.update({part: (name, row.text) for part in row.parts if part in found})
    return found


def series_of(staged: Staged) -> list[Series]:
    """Return the variables of the loops of printed code, in the forward pass."""
    found = []
    names = shown(staged)
    for row in staged.program.rows():
        stages = [part for part in row.parts if isinstance(part, Stage)]
        if not row.depth or len(stages) < 2:
            continue
        named = [stage.counters[-1:] for stage in stages]
        counted = {name for counters in named for name, _ in counters} - {"_"}
        counter = next(iter(counted)) if len(counted) == 1 and all(named) else ""
        turns = [c[0][1] for c in named] if counter else list(range(len(stages)))
        first, second = stages[0].node, stages[1].node
        carried = row.depth == 1 and first in ancestors([second])
        name, _ = names[stages[0]]
        found.append(Series(name, row, stages, counter, turns, carried))
    return found


@dataclass(frozen=True)
class Change:
    """How large the gradient of a variable is in the first and last turn, and in the worst.

    ``sizes`` are the norms turn by turn, None where there is no gradient.
    """

    series: Series
    sizes: Sequence[float | None]

    @staticmethod
    def of(series: Series, gradients: Mapping[Node, Any]) -> Change | None:
        """Measure the gradients of a variable; None where there are none to be compared."""
        found = [gradients.get(stage.node) for stage in series.stages]
        sizes = [None if g is None else norm(g) for g in found]
        known = [size for size in sizes if size is not None]
        return Change(series, sizes) if len(known) > 1 else None

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last turn that have a gradient."""
        known = [k for k, size in enumerate(self.sizes) if size is not None]
        return known[0], known[-1]

    @property
    def early(self) -> float:
        """The norm in the first turn."""
        return self.sizes[self.ends[0]] or 0.0

    @property
    def late(self) -> float:
        """The norm in the last turn, where the backward pass begins."""
        return self.sizes[self.ends[1]] or 0.0

    @property
    def rate(self) -> float:
        """By what the norm is multiplied from turn to turn of the backward pass."""
        first, last = self.ends
        if not (0 < self.early < math.inf and 0 < self.late < math.inf):
            return math.nan
        return math.exp((math.log(self.early) - math.log(self.late)) / (last - first))

    @property
    def worst(self) -> int | None:
        """The turn in which it is much larger than at both ends, or not finite any more."""
        most = max(self.early, self.late)
        sizes = [(size, k) for k, size in enumerate(self.sizes) if size is not None]
        bad = [k for size, k in sizes if not math.isfinite(size)]
        if bad:
            return bad[-1]  # where the backward pass meets it first
        size, k = max(sizes)
        return k if size > _MUCH * most else None

    @property
    def text(self) -> str:
        """Say it in a line: ``|dh| 0.4 at t = 19, 2.1e-09 at t = 0: shrinks by 0.38 a turn``."""
        first, last = self.ends
        at = self.series.at
        text = f"|d{self.series.name}| {format_number(self.late)} at {at(last)}, "
        if self.worst is not None:
            text += f"{format_number(self.sizes[self.worst])} at {at(self.worst)}, "
        text += f"{format_number(self.early)} at {at(first)}"
        how = self.how
        return f"{text}: {how}" if how else text

    @property
    def how(self) -> str:
        """Say how it changes from turn to turn, '' where that cannot be said."""
        rate = self.rate
        if math.isnan(rate) or 0.5 < self.early / self.late < 2:
            return ""
        return f"{'shrinks' if rate < 1 else 'grows'} by {format_number(rate)} a turn"


def loops_of(staged: Staged) -> list[Whole]:
    """Return the loops of the forward pass that stand in no other."""
    found: list[tuple[str, list[Row]]] = []
    before = None
    for row in staged.program.rows():
        if row.backward:
            break
        if row.depth and before is not None and not before.depth:
            found.append((before.text, []))
        if row.depth:
            found[-1][1].append(row)
        before = row
    return [
        Whole(
            head,
            tuple("    " * (row.depth - 1) + row.text for row in rows if _is_code(row)),
            frozenset(
                node
                for row in rows
                for part in row.parts
                if isinstance(part, Stage)
                for node in part.nodes
            ),
        )
        for head, rows in found
    ]


def _is_code(row: Row) -> bool:
    """Tell whether a line computes something, rather than keep it for the backward pass."""
    return bool(row.parts) or row.text.endswith(":")


def spread(values: Sequence[Any], at: Callable[[int], str]) -> str:
    """Write what a line gave in the first and the last turn, and in the worst.

    >>> spread([0.5, 0.25, 0.125], "turn {}".format)
    '0.5 … 0.125'
    >>> spread([1.0, 4e5, 2.0], "turn {}".format)
    '1 … 2, 400000 at turn 1'
    """
    first, last = values[0], values[-1]
    if is_scalar(first) and is_scalar(last):
        ends, size, before = [format_number(first), format_number(last)], _size, ""
    elif getattr(first, "shape", None) == getattr(last, "shape", None):
        ends, size, before = [format_number(norm(x)) for x in (first, last)], norm, "norm "
        before = f"{first.shape} norm "
    else:
        return f"{format_value(first)} … {format_value(last)}"
    text = before + (ends[0] if ends[0] == ends[1] else " … ".join(ends))
    sizes = [size(value) for value in values]
    bad = [k for k, x in enumerate(sizes) if not math.isfinite(x)]
    most = max(sizes, default=0.0)
    if bad and bad[0] > 0:
        return f"{text}, not finite from {at(bad[0])} on"
    if not bad and most > _MUCH * max(sizes[0], sizes[-1]):
        worst = sizes.index(most)
        shown = values[worst] if is_scalar(values[worst]) else most
        return f"{text}, {format_number(shown)} at {at(worst)}"
    return text


def _size(value: Any) -> float:
    return abs(complex(value))


def merged(findings: Iterable[Finding], series: Sequence[Series]) -> list[Finding]:
    """Say what is found in several turns of a loop once, and in which turn it is."""
    where = {
        node: (number, k)
        for number, one in enumerate(series)
        for k, stage in enumerate(one.stages)
        for node in stage.nodes
    }
    found: list[Finding] = []
    groups: dict[tuple[str, bool, int], list[tuple[Finding, int]]] = {}
    places: dict[tuple[str, bool, int], int] = {}
    for finding in findings:
        if finding.node not in where or finding.is_of_loop:
            found.append(finding)
            continue
        number, k = where[finding.node]
        key = (finding.kind, finding.backward, number)
        if key not in groups:
            places[key] = len(found)
            found.append(finding)
        groups.setdefault(key, []).append((finding, k))
    for key, group in groups.items():
        (finding, k), *rest = sorted(group, key=lambda pair: pair[1])
        here = series[key[2]]
        says = f"That is at {here.at(k)}"
        if rest:
            count = len({k, *(other for _, other in rest)})
            says = f"So it is in {count} of {len(here.stages)} turns, from {here.at(k)} on"
        what = finding.message.removesuffix(finding.advice).rstrip()
        message = f"{what} {says}. {finding.advice}".rstrip()
        found[places[key]] = replace(finding, message=message)
    return found
