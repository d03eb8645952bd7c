"""What is to be predicted: a class or a number."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chainrule.cli.faults import Fault
from chainrule.cli.tables.columns import scale
from chainrule.cli.tables.values import as_numbers, date_format, examples

__all__ = ["Classes", "Goal", "Quantity", "decide", "from_json"]

_FEW = 10  # different whole numbers that are taken for classes
_MANY = 1000  # classes at most


@dataclass(frozen=True)
class Classes:
    """Classes, as they are written in the column.

    Attributes:
        name: the column.
        values: the classes, in the order of the network's outputs.
    """

    name: str
    values: tuple[str, ...]

    @property
    def width(self) -> int:
        """Outputs of the network."""
        return len(self.values)

    def encode(self, texts: Any, commas: bool) -> Any:
        """Return integers, -1 for what is none of the classes."""
        place = {value: k for k, value in enumerate(self.values)}
        return np.array([place.get(text, -1) for text in texts])

    def decode(self, output: Any) -> dict[str, list[str]]:
        """Return columns of texts: the class, and how probable it is."""
        shifted = np.exp(output - output.max(axis=1, keepdims=True))
        probability = shifted.max(axis=1) / shifted.sum(axis=1)
        chosen = [self.values[k] for k in output.argmax(axis=1)]
        return {self.name: chosen, "probability": [f"{p:.4f}" for p in probability]}


@dataclass(frozen=True)
class Quantity:
    """A number.

    Attributes:
        name: the column.
        centre: the mean, which is subtracted for the network.
        scale: the deviation, which it is divided by.
    """

    name: str
    centre: float
    scale: float
    width: int = 1

    def encode(self, texts: Any, commas: bool) -> Any:
        """Return floats, (rows, 1), NaN where there is none; ``commas`` are decimal ones."""
        return ((as_numbers(texts, commas) - self.centre) / self.scale)[:, None]

    def decode(self, output: Any) -> dict[str, list[str]]:
        """Return a column of texts."""
        return {self.name: [f"{x:.6g}" for x in output[:, 0] * self.scale + self.centre]}


Goal = Classes | Quantity


def to_json(goal: Goal) -> dict[str, Any]:
    """Return plain data."""
    return {"task": task(goal), **asdict(goal)}


def task(goal: Goal) -> str:
    """Return ``"classification"`` or ``"regression"``."""
    return "classification" if isinstance(goal, Classes) else "regression"


def from_json(data: dict[str, Any]) -> Goal:
    """Return a goal of plain data."""
    fields = dict(data)
    if fields.pop("task") == "classification":
        return Classes(fields["name"], tuple(fields["values"]))
    return Quantity(**fields)


def decide(name: str, texts: Any, commas: bool, wanted: str | None) -> tuple[Goal, str]:
    """Decide what a column's values are to a network.

    Args:
        name: of the column.
        texts: its values, none missing: a pandas Series.
        commas: whether its table has decimal commas.
        wanted: ``"classification"`` or ``"regression"``, if the user said so.

    Returns:
        The goal, and why it is that.

    Raises:
        Fault: nothing can be learnt from it.
    """
    different = texts.nunique()
    if different == 1:
        raise Fault(f"{name} is always {texts.iloc[0]!r}: there is nothing to learn")
    numbers = as_numbers(texts, commas)
    odd = texts[np.isnan(numbers)]
    if wanted == "regression" or (wanted is None and len(odd) < 0.1 * len(texts)):
        if len(odd) and (wanted == "regression" or not _classes_by_nature(numbers, different)):
            raise Fault(
                f"{name} has values that are no numbers, {examples(list(odd))}: mend them, leave "
                "them empty, or take all for classes with --task classification"
            )
        if wanted == "regression":
            return _quantity(name, numbers), "as you say"
        if not _classes_by_nature(numbers, different):
            return _quantity(name, numbers), f"{different} different numbers"
    if wanted is None and len(odd) and date_format(texts) is not None and different > _FEW:
        raise Fault(f"{name} is a date: turn it into a number, such as days from some day on")
    if different > _MANY or (different > _FEW and different > len(texts) / 2):
        raise Fault(
            f"{name} has {different} different values in {len(texts)} rows: too many for classes"
        )
    values = texts.unique().tolist()
    if len(odd):
        values.sort()
    else:
        values.sort(key=lambda text: (float(as_numbers(texts[texts == text], commas)[0]), text))
    why = "as you say" if wanted else "texts" if len(odd) else "few whole numbers"
    return Classes(name, tuple(map(str, values))), why


def _classes_by_nature(numbers: Any, different: int) -> bool:
    """Tell whether numbers are few, and whole."""
    numbers = numbers[np.isfinite(numbers)]
    return different <= min(_FEW, max(2, len(numbers) // 3)) and bool(
        (numbers == np.round(numbers)).all()
    )


def _quantity(name: str, numbers: Any) -> Quantity:
    centre, deviation, _ = scale(numbers)
    mean = float(np.mean(numbers / 2**10)) * 2**10
    spread = float(np.std(numbers / np.abs(numbers).max())) * float(np.abs(numbers).max())
    if np.isfinite(mean) and spread > 0:
        centre, deviation = mean, spread
    return Quantity(name, centre, deviation)
