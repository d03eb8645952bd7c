"""Constants in printed code: numbers as they are, arrays by the name the user gave them."""

from __future__ import annotations

import ast
import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.graph.closed_forms import written
from chainrule.graph.trace import Row
from chainrule.staged.names import Names
from chainrule.staged.text import POWER, PRODUCT, UNARY, Text, atom, call, literal, subscript

__all__ = ["Constants"]

_SHORT = 4  # entries up to which an array stands in the expression itself
_LISTED = 24  # entries up to which it is written out, number by number
_WIDTH = 76  # characters of base85 to a line


class Constants:
    """The arrays that a function captured, and what they are called.

    Args:
        names: the names in use; those of the constants are taken from it.
        known: what user code calls its captured arrays, by id.
        rows: the captured arrays that are rows of others, by id.
        given: variables that hold an array already (arguments made of integers), by id.
        mixed: there are numbers of less than double precision, too.
    """

    def __init__(
        self,
        names: Names,
        known: Mapping[int, str],
        rows: Mapping[int, Row],
        given: Mapping[int, str],
        mixed: bool,
    ) -> None:
        self.mixed = mixed
        self._names = names
        self._known = known
        self._rows = rows
        self._given = dict(given)
        self._of_id: dict[int, str] = {}
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}

    def text(self, value: Any) -> Text:
        """Return a constant as an expression, and remember it if it needs a name."""
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return self._scalar(value)
        return _number(value)

    def buffer(self, array: np.ndarray[Any, Any]) -> Text:
        """Return an array that is written into: ``np.zeros(3)``, whatever the user calls it."""
        return _plain(array) or self._array(array)

    def typed(self, value: Any) -> Text:
        """Return a number of NumPy that is to keep its dtype beside others."""
        return call(f"np.{value.dtype.name}", _number(value.item()))

    def index(self, array: np.ndarray[Any, Any]) -> Text:
        """Return an array as it stands in an index: a short one as a list."""
        text = self.text(array)
        is_list = array.ndim == 1 and array.dtype.kind == "i" and 0 < array.size <= _SHORT
        if not is_list or text.is_name or (array.size > 1 and _counts(array)):
            return text
        return literal(array.tolist())

    def copy(self, array: np.ndarray[Any, Any]) -> Text:
        """Return the entries of an array, also where a variable holds them."""
        return self._array(array.copy())

    def _scalar(self, value: np.generic) -> Text:
        if value.dtype == np.float64 or value.dtype.kind in "ib":
            return _number(value.item())
        return call(f"np.{value.dtype.name}", literal(value.item()))

    def _array(self, value: np.ndarray[Any, Any]) -> Text:
        if id(value) in self._given:
            return atom(self._given[id(value)])
        if id(value) in self._of_id:
            return atom(self._of_id[id(value)])
        if id(value) in self._rows:
            return self._row(self._rows[id(value)])
        if self._known.get(id(value)) is None or self._known[id(value)] in self._names.used:
            plain = _plain(value)
            if plain is not None:
                return plain
            same = next((n for n, a in self.arrays.items() if _same(a, value)), None)
            if same is not None:
                return atom(same)
        known = self._known.get(id(value))
        name = self._names.fresh(known) if known else self._names.numbered("c")
        self._of_id[id(value)] = name
        self.arrays[name] = value
        return atom(name)

    def _row(self, row: Row) -> Text:
        if id(row.array) not in self._of_id:
            self._of_id[id(row.array)] = name = self._names.fresh(row.name)
            self.arrays[name] = row.array
        return subscript(atom(self._of_id[id(row.array)]), str(row.at))

    def is_held(self, value: np.ndarray[Any, Any], text: Text) -> bool:
        """Tell of what is written as a text whether a variable holds it, or an array it is in."""
        return text.is_name or id(value) in self._rows

    def definitions(self, large: bool) -> list[str]:
        """Return the lines that define the arrays.

        Args:
            large: also those with many entries, as text that Python decodes.
        """
        lines: list[str] = []
        for name, array in self.arrays.items():
            if array.size <= _LISTED:
                lines.append(f"{name} = {_listed(array)}")
            elif large:
                lines += _encoded(name, array)
            else:
                lines.append(
                    f"# {name}: {array.dtype.name} {array.shape}, captured by the function"
                )
        return lines


def _number(value: Any) -> Text:
    """Return a number, ``math.sqrt(2)`` and the like as such."""
    text = written(value) if isinstance(value, float) else None
    if text is None:
        return literal(value)
    match ast.parse(text, mode="eval").body:
        case ast.BinOp(op=ast.Pow()):
            return Text(text, POWER)
        case ast.BinOp():
            return Text(text, PRODUCT)
        case ast.UnaryOp():
            return Text(text, UNARY)
    return atom(text)


def _same(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _plain(array: np.ndarray[Any, Any]) -> Text | None:
    """Return an array as ``np.arange(5)``, ``np.zeros((2, 3))`` or a short list."""
    if array.ndim == 0:
        return call("np.array", *_parts(array))
    if array.dtype == np.intp and array.size > 1:
        flat = array.reshape(-1)
        if array.ndim == sum(n > 1 for n in array.shape) == 1 and _counts(flat):
            return call("np.arange", literal(array.size))
        if max(array.shape) == array.size and _counts(flat):
            return atom(f"np.arange({array.size}).reshape{literal(array.shape).text}")
    if array.size > 1 and (filled := _filled(array)) is not None:
        return filled
    return atom(_listed(array)) if array.size <= _SHORT else None


def _filled(array: np.ndarray[Any, Any]) -> Text | None:
    """Return an array as ``np.zeros(3)``, ``np.ones((2, 3))`` or ``np.eye(2)``."""
    if array.dtype.kind != "f":
        return None
    dtype = [] if array.dtype == np.float64 else [f"np.{array.dtype.name}"]
    shape = literal(array.shape[0] if array.ndim == 1 else array.shape)
    if not array.any():
        return call("np.zeros", shape, *dtype)
    if (array == 1).all():
        return call("np.ones", shape, *dtype)
    if not dtype and array.ndim == 2 and np.array_equal(array, np.eye(*array.shape)):
        rows, columns = array.shape
        return call("np.eye", *map(literal, array.shape[: 1 + (rows != columns)]))
    return None


def _counts(flat: np.ndarray[Any, Any]) -> bool:
    return bool((flat == np.arange(flat.size)).all())


def _parts(array: np.ndarray[Any, Any]) -> list[str]:
    """Return the numbers of an array, and its dtype where the numbers do not tell it."""
    inferred = np.array(array.tolist()).dtype if array.size else np.dtype(float)
    return [
        literal(array.tolist()).text,
        *([] if inferred == array.dtype else [f"dtype=np.{array.dtype.name}"]),
    ]


def _listed(array: np.ndarray[Any, Any]) -> str:
    if not array.size:
        return call("np.zeros", literal(array.shape), f"np.{array.dtype.name}").text
    return call("np.array", *_parts(array)).text


def _encoded(name: str, array: np.ndarray[Any, Any]) -> list[str]:
    text = base64.b85encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode()
    pieces = [text[k : k + _WIDTH] for k in range(0, len(text), _WIDTH)]
    return [
        f"{name} = np.frombuffer(",
        "    zlib.decompress(",
        "        base64.b85decode(",
        *(f'            "{piece}"' for piece in pieces),
        "        )",
        "    ),",
        f"    dtype={array.dtype.str!r},",
        f").reshape({literal(array.shape).text})",
    ]
