"""The turns of ``while`` loops, and of others that end where they ask something.

Such a loop is heard of when it asks whether it goes on. From one such question to the next is a
turn of it, at whose end a ``for`` loop would ask for its next item.
"""

from __future__ import annotations

from types import FrameType
from typing import TYPE_CHECKING

from chainrule.graph.exits import Exit

if TYPE_CHECKING:
    from chainrule.core.array import Array

__all__ = ["While"]


class While:
    """A loop that runs, as far as it asks whether it goes on.

    Args:
        frame: of the code that runs it.
        exit: the question.
        is_short: whether more turns are to follow from those that are recorded.

    Attributes:
        site: where it is.
        frame: the id of the frame.
        stays: the answer with which it goes on.
        test: what it asks, at the end of a turn.
    """

    collects = False

    def __init__(self, frame: FrameType, exit: Exit, is_short: bool) -> None:
        self.running, self.exit, self.is_short = frame, exit, is_short
        self.frame = id(frame)
        self.site = frame.f_code, exit.region.head
        self.stays = exit.stays
        self.is_open = True
        self.test: Array | None = None

    def contains(self, frame: FrameType) -> bool:
        """Tell whether a frame is in the middle of a turn."""
        return frame is self.running and self.exit.region.holds(frame.f_lasti)
