"""What a column is taken for, and how a network is fed with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chainrule.cli.tables.values import as_dates, as_numbers, date_format, examples, missing

__all__ = ["Category", "Column", "Left", "Number", "from_json", "scale", "take"]

_MOST_CLASSES = 50  # values of a category; of more, the frequent ones
_KEPT = 30  # of these
_OFTEN = 5  # rows for each value, on average, in a column of many that is a category
_FAR = 100.0  # times what the middle half says: from there on that is the measure
_CUT = 10.0  # and values are cut off at so many

Say = Callable[[str], None]


@dataclass(frozen=True)
class Number:
    """A column of numbers, or of dates in days: less their mean, divided by their deviation.

    Attributes:
        name: the column.
        centre: what is subtracted.
        scale: what it is divided by.
        typical: what stands where a value is missing.
        gaps: whether values were missing in training: then another feature says where.
        cut: at how many deviations values are cut off, if they are.
        dates: how dates are written, if it is dates.
    """

    name: str
    centre: float
    scale: float
    typical: float
    gaps: bool = False
    cut: float | None = None
    dates: str | None = None

    @property
    def width(self) -> int:
        """How many features it makes."""
        return 1 + self.gaps

    def parsed(self, texts: Any, commas: bool) -> Any:
        """Return floats, NaN where there is none; ``commas`` are decimal ones."""
        if self.dates is not None:
            return as_dates(texts, self.dates)
        return as_numbers(texts, commas)

    def encode(self, texts: Any, commas: bool, say: Say) -> Any:
        """Return features: (rows, width)."""
        numbers = self.parsed(texts, commas)
        absent = np.isnan(numbers)
        _tell_odd(self, texts, absent, say)
        if absent.any() and not self.gaps:
            say(f"{self.name}: {int(absent.sum())} missing, filled with {self.typical:.6g}")
        feature = (np.where(absent, self.typical, numbers) - self.centre) / self.scale
        if self.cut is not None:
            feature = np.clip(feature, -self.cut, self.cut)
        return np.stack([feature, absent.astype(float)], axis=1) if self.gaps else feature[:, None]


@dataclass(frozen=True)
class Category:
    """A column of names: a feature for each, 1 where it is that one.

    Attributes:
        name: the column.
        values: the names.
        gaps: whether values were missing in training: then a feature says so.
        rest: whether rare values were taken together.
    """

    name: str
    values: tuple[str, ...]
    gaps: bool = False
    rest: bool = False

    @property
    def width(self) -> int:
        """How many features it makes."""
        return len(self.values) + self.gaps + self.rest

    def encode(self, texts: Any, commas: bool, say: Say) -> Any:
        """Return features: (rows, width)."""
        absent = missing(texts)
        plain = texts.to_numpy(dtype=object)
        features = np.zeros((len(texts), self.width))
        known = np.zeros(len(texts), dtype=bool)
        for k, value in enumerate(self.values):
            same = (plain == value) & ~absent
            features[:, k] = same
            known |= same
        if self.gaps:
            features[:, len(self.values)] = absent
        elif absent.any():
            say(f"{self.name}: {int(absent.sum())} missing, as never in training")
        new = ~known & ~absent
        if self.rest:
            features[:, -1] = new
        elif new.any():
            were = "that was" if new.sum() == 1 else "that were"
            shown = examples(plain[new])
            say(f"{self.name}: {int(new.sum())} {were} not there in training, {shown}")
        return features


@dataclass(frozen=True)
class Left:
    """A column that is left out.

    Attributes:
        name: the column.
        why: the reason.
    """

    name: str
    why: str
    width: int = 0

    def encode(self, texts: Any, commas: bool, say: Say) -> Any:
        """Return no features: (rows, 0)."""
        return np.zeros((len(texts), 0))


Column = Number | Category | Left
_KINDS = {"number": Number, "category": Category, "left": Left}


def to_json(column: Column) -> dict[str, Any]:
    """Return plain data."""
    kind = next(name for name, kind in _KINDS.items() if type(column) is kind)
    return {"kind": kind, **asdict(column)}


def from_json(data: dict[str, Any]) -> Column:
    """Return a column of plain data."""
    fields = dict(data)
    kind = _KINDS[fields.pop("kind")]
    if "values" in fields:
        fields["values"] = tuple(fields["values"])
    made: Any = kind(**fields)
    return made  # type: ignore[no-any-return]


def take(name: str, texts: Any, commas: bool, training: Any, say: Say) -> Column:
    """Decide what a column is, and measure it.

    Args:
        name: of the column.
        texts: all of it, a pandas Series.
        commas: whether its table has decimal commas.
        training: the rows that may be measured.
        say: is told what is worth knowing.
    """
    absent = missing(texts)
    given = texts[~absent]
    if not len(given):
        return Left(name, "it is empty")
    if given.nunique() == 1:
        return Left(name, f"it is always {examples(list(given[:1]))}")
    numbers = as_numbers(given, commas)
    if np.isfinite(numbers).sum() >= 0.9 * len(given):
        whole = as_numbers(texts, commas)
        if not absent.any() and _counts_rows(whole):
            return Left(name, "it numbers the rows")
        return _measured(Number(name, 0.0, 1.0, 0.0), texts, commas, training, say)
    style = date_format(given)
    if style is not None:
        if style in ("%d/%m/%Y", "%d/%m/%y"):
            other = style.replace("%d/%m", "%m/%d")
            if np.isfinite(as_dates(given, other)).all():
                say(f"{name}: read as day/month; 2024-12-31 could not be misread")
        return _measured(Number(name, 0.0, 1.0, 0.0, dates=style), texts, commas, training, say)
    return _category(name, texts, absent, training)


def _category(name: str, texts: Any, absent: Any, training: Any) -> Column:
    seen = texts[~absent & training]
    counts = seen.value_counts()
    gaps = bool((absent & training).any())
    if len(counts) <= _MOST_CLASSES and 2 * len(counts) <= len(seen) + 4:
        return Category(name, tuple(sorted(map(str, counts.index))), gaps)
    if len(counts) and len(seen) / len(counts) >= _OFTEN:
        kept = sorted(map(str, counts.index[:_KEPT]))
        return Category(name, tuple(kept), gaps, rest=True)
    return Left(name, f"it has {len(counts)} different texts in {len(seen)} rows")


def _counts_rows(numbers: Any) -> bool:
    return len(numbers) >= 10 and numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())


def _measured(column: Number, texts: Any, commas: bool, training: Any, say: Say) -> Column:
    numbers = column.parsed(texts, commas)
    absent = np.isnan(numbers)
    _tell_odd(column, texts, absent, say)
    seen = numbers[training & ~absent]
    if not len(seen) or seen.min() == seen.max():
        return Left(column.name, "it does not change in the rows to train with")
    centre, deviation, far = scale(seen)
    cut = None
    if far:
        unit = "" if column.dates is None else " days since 1970"
        worst = seen[np.argmax(np.abs(seen / 2 - centre / 2))]
        say(
            f"{column.name}: {worst:.6g}{unit} is far out, {centre:.6g} is in the middle; cut off "
            f"at {_CUT:.0f} deviations. Is it right?"
        )
        cut = _CUT
    gaps = bool((absent & training).any())
    if absent.any():
        say(f"{column.name}: {int(absent.sum())} missing, filled with the median")
    return Number(
        column.name,
        centre,
        deviation,
        _median(seen),
        gaps,
        cut,
        column.dates,
    )


def _median(seen: Any) -> float:
    half = np.median(seen / 2)  # a sum of two is finite
    return float(half) * 2


def scale(seen: Any) -> tuple[float, float, bool]:
    """Return centre and deviation of numbers, and whether some are very far out."""
    largest = float(np.abs(seen).max()) or 1.0
    part = seen / largest  # squares of it are finite
    mean, deviation = float(part.mean()), float(part.std())
    low, middle, high = np.percentile(part, [25, 50, 75])
    half = float(high - low) / 1.349
    far = float(np.abs(part - mean).max())
    if half > 0 and far > _FAR * half:
        return float(middle) * largest, half * largest, True
    return mean * largest, max(deviation * largest, 1e-300), False


def _tell_odd(column: Number, texts: Any, absent: Any, say: Say) -> None:
    odd = texts[absent & ~missing(texts)]
    if len(odd):
        what = "date" if column.dates is not None else "finite number"
        words = f"is no {what}" if len(odd) == 1 else f"are no {what}s"
        say(f"{column.name}: {len(odd)} {words}, {examples(list(odd))}: taken as missing")


def described(columns: Sequence[Column]) -> list[tuple[str, list[str]]]:
    """Return what the columns were taken for: kinds with their columns."""
    kinds: dict[str, list[str]] = {}
    for column in columns:
        if isinstance(column, Number):
            kind = "numbers" if column.dates is None else "dates, in days"
            kinds.setdefault(kind, []).append(column.name)
        elif isinstance(column, Category):
            words = f"{column.name} ({len(column.values)}{' and more' if column.rest else ''})"
            kinds.setdefault("categories", []).append(words)
        else:
            kinds.setdefault("left out", []).append(f"{column.name} ({column.why})")
    return list(kinds.items())
