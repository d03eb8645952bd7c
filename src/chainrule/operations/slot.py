"""`SLOT`: where an index has an array."""

from __future__ import annotations

from typing import Final

__all__ = ["SLOT"]


class _Slot:
    """Stands for an array in an index; see `SLOT`."""

    def __repr__(self) -> str:
        return "SLOT"

    def __reduce__(self) -> str:
        return "SLOT"  # a copy or a pickle is the same one


#: Where an index has an array, its fixed part has this.
SLOT: Final = _Slot()
