"""The stabilising rules, in the order in which they are tried."""

from __future__ import annotations

from chainrule.graph.rewrite import Rule
from chainrule.graph.stabilise import entries, rows

__all__ = ["STABILISING"]

#: The rules, for `chainrule.graph.rewrite`, in the order in which they are tried.
STABILISING: tuple[Rule, ...] = (
    rows.new_axes,
    entries.softplus,
    entries.sigmoid,
    entries.slope_of_softplus,
    rows.logsumexp,
    rows.softmax,
    rows.slope_of_logsumexp,
    rows.log_softmax,
    rows.product_with_inverse,
    rows.exp_of_log_softmax,
    entries.root_of_square,
)
