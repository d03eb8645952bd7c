"""Texts as numbers and dates, as people write them in tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

__all__ = ["as_dates", "as_numbers", "date_format", "examples", "missing", "writes_decimal_commas"]

_MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "?", "-", "--", "."})
_UNITS = r"[$€£%\s\u00a0']"  # around and in numbers: $1'250, 12 %
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")
#: With decimal commas: 3,14 and 1.250,5.
_COMMA = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+)?(,\d*)?([eE][-+]?\d+)?")
_POINT = re.compile(r"[-+]?\d*\.\d*([eE][-+]?\d+)?")
_TRIED = 200  # dates that a format is tried with before all are
_FORMATS = (
    "ISO8601",
    *("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%y"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%y", "%m/%d/%y"),
    *("%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y"),
)


def missing(texts: Any) -> Any:
    """Tell for each text of a pandas Series whether it says that there is no value."""
    return texts.str.lower().isin(_MISSING).to_numpy()


def writes_decimal_commas(texts: Iterable[str], separator: str) -> bool:
    """Tell whether a table has commas where others have points: 3,14.

    What could be read both ways, as 1,250, is decided by the rest; if there is nothing else, by
    whether commas part the values.

    Args:
        texts: the cells of a table.
        separator: between its values.
    """
    unclear = commas = points = 0
    for text in texts:
        if "," not in text and "." not in text:
            continue
        plain = re.sub(_UNITS, "", text)
        with_comma = "," in plain and _COMMA.fullmatch(plain) is not None
        with_point = bool(_GROUPED.fullmatch(plain)) or (
            _POINT.fullmatch(plain) is not None and _COMMA.fullmatch(plain) is None
        )
        unclear += with_comma and with_point
        commas += with_comma and not with_point
        points += with_point and not with_comma
    return commas > points or (bool(unclear) and not points and separator != ",")


def as_numbers(texts: Any, commas: bool = False) -> Any:
    """Return floats, NaN where a text is no number or not finite.

    Args:
        texts: a pandas Series.
        commas: whether they are written with decimal commas.
    """
    if not commas:
        numbers = _plain_numbers(texts)
        odd = np.isnan(numbers)
        if odd.any():  # with units, or grouped by thousands
            rest = texts[odd].str.replace(_UNITS, "", regex=True)
            grouped = rest.str.fullmatch(_GROUPED)
            rest = rest.where(~grouped, rest.str.replace(",", "", regex=False))
            numbers[odd] = _plain_numbers(rest)
    else:
        plain = texts.str.replace(_UNITS, "", regex=True)
        plain = plain.where(plain.str.fullmatch(_COMMA), "")
        plain = plain.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        numbers = _plain_numbers(plain)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _plain_numbers(texts: Any) -> Any:
    import pandas

    numbers = pandas.to_numeric(texts, errors="coerce")
    return numbers.to_numpy(dtype=float, na_value=np.nan).copy()


def date_format(texts: Any) -> str | None:
    """Return the format of dates that nine tenths of the texts have, None if there is none."""
    looking = texts[texts.str.contains(r"\d", regex=True)]
    if len(looking) < 0.9 * len(texts) or not len(texts):
        return None
    few = looking.iloc[:: max(len(looking) // _TRIED, 1)]
    for style in _FORMATS:
        if not np.isfinite(as_dates(few, style)).mean() >= 0.8:
            continue
        if np.isfinite(as_dates(looking, style)).sum() >= 0.9 * len(texts):
            return style
    return None


def as_dates(texts: Any, style: str) -> Any:
    """Return days since 1970, NaN where a text is no date of the format."""
    import pandas

    dates = pandas.to_datetime(texts, format=style, errors="coerce", utc=True)
    days = (dates - pandas.Timestamp(0, tz="UTC")) / pandas.Timedelta(days=1)
    return days.to_numpy(dtype=float, na_value=np.nan)


def examples(texts: Sequence[str], most: int = 3) -> str:
    """Return some different texts in quotation marks."""
    different = list(dict.fromkeys(texts))
    shown = [repr(t if len(t) <= 20 else t[:19] + "…") for t in different[:most]]
    return ", ".join(shown) + (" …" if len(different) > most else "")
