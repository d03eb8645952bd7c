"""The loops of a kernel: which axes of its space run over rows, and which over a row's entries."""

from __future__ import annotations

import pytest

from chainrule.native.schedule.space import Nest


@pytest.mark.parametrize(
    ("axes", "inner"), [((), False), ((0,), False), ((1,), True), ((0, 3), True)]
)
def test_any_of_the_inner_axes_counts_whatever_holds_the_axes(axes, inner):
    nest = Nest(groups=((0,), (1, 2), (3,)), outer=(2,), inner=(12, 5))
    assert nest.is_inner(axes) == inner
    assert nest.is_inner(iter(axes)) == inner
