"""Gradients against central differences and complex steps."""

from chainrule.check.gradients import check_gradient
from chainrule.check.report import ArgumentCheck, Entry, GradientReport

__all__ = ["ArgumentCheck", "Entry", "GradientReport", "check_gradient"]
