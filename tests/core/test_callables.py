"""What functions and their arguments are called."""

import math

import pytest

from chainrule.core.callables import argument_names, name_of


def _several(a, *xs, scale=1.0):
    return a, xs, scale


class _Scale:
    def __call__(self, x, factor):
        return x * factor

    def __repr__(self):
        return "Scale()"


@pytest.mark.parametrize(
    ("f", "count", "names"),
    [
        (lambda x, y=1: x, 1, ["x"]),
        (lambda x, y=1: x, 2, ["x", "y"]),
        (lambda *xs: xs, 2, ["xs_0", "xs_1"]),
        (_several, 3, ["a", "xs_0", "xs_1"]),  # and never "scale", which is given by name
        (_Scale(), 2, ["x", "factor"]),
        (max, 2, ["x0", "x1"]),
        (lambda x: x, 2, ["x", "x1"]),
    ],
)
def test_positional_arguments_have_names(f, count, names):
    assert argument_names(f, count) == names


def test_a_function_without_a_name_is_shown():
    assert name_of(math.exp) == "exp"
    assert name_of(_Scale()) == "Scale()"
