"""The gradient of a function as Python that a person would have written."""

from __future__ import annotations

from chainrule.staged.parts import Line, Stage
from chainrule.staged.run import Run
from chainrule.staged.staged import Staged, stage

__all__ = ["Line", "Run", "Stage", "Staged", "stage"]
