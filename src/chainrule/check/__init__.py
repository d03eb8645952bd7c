"""Gradients against central differences and complex steps.

`gradients` is what the user calls; it asks the function at a `point` for its slope, by
`differences`, and tells what it found in a `report`.
"""

from chainrule.check.gradients import check_gradient
from chainrule.check.report import ArgumentCheck, Entry, GradientReport

__all__ = ["ArgumentCheck", "Entry", "GradientReport", "check_gradient"]
