"""What the parts of an entry are written with: lines of LLVM IR, labels, words of the table."""

from __future__ import annotations

from typing import Any

from chainrule.native.entry import table
from chainrule.native.entry.layout import Layout
from chainrule.native.entry.objects import ARRAY_DATA

__all__ = ["Writer"]


class Writer:
    """An entry under construction.

    Attributes:
        layout: what it is for.
        places: where in the table its words lie.
        lines: what is written so far.
        first: allocas, which go before everything else.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.places = table.places(layout)
        self.lines: list[str] = []
        self.first: list[str] = []
        self._labels = 0

    def add(self, *lines: str) -> None:
        """Write lines."""
        self.lines += [f"  {line}" for line in lines]

    def label(self, name: str) -> None:
        """Begin a block."""
        self.lines.append(f"{name}:")

    def require(self, condition: str, otherwise: str) -> None:
        """Go on only if a condition holds."""
        self._labels += 1
        self.add(f"br i1 {condition}, label %go.{self._labels}, label %{otherwise}")
        self.label(f"go.{self._labels}")

    def word(self, name: str, place: int) -> None:
        """Point at a word of the table."""
        self.add(f"%{name} = getelementptr i64, ptr %table, i64 {place}")

    def object(self, name: str, value: Any) -> str:
        """Return an object that arguments or result are known by, in a register of that name."""
        self.word(f"{name}.at", self.places.objects[id(value)])
        self.add(f"%{name} = load ptr, ptr %{name}.at")
        return f"%{name}"

    def field(self, name: str, holder: str, offset: int, kind: str = "ptr") -> str:
        """Return what lies in an object at an offset, in a register of that name."""
        self.add(
            f"%{name}.at = getelementptr i8, ptr {holder}, i64 {offset}",
            f"%{name} = load {kind}, ptr %{name}.at",
        )
        return f"%{name}"

    def checked_array(self, name: str) -> str:
        """Check an array against ``%NAME.expected``; return the pointer to its data."""
        self.add(f"%{name}.ok = call i1 @cr.is_array(ptr %{name}, ptr %{name}.expected)")
        self.require(f"%{name}.ok", "fall.back")
        return self.field(f"{name}.data", f"%{name}", ARRAY_DATA)

    def note(self, pointer: str, name: str, number: int) -> None:
        """Enter an object in one of the arrays of those that are to be given up."""
        at = f"{pointer}.noted"
        self.add(
            f"{at} = getelementptr ptr, ptr %{name}, i64 {number}",
            f"store ptr {pointer}, ptr {at}",
        )
