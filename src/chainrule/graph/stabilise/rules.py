"""The stabilising rules in the order in which they are tried, and what each of them is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Vertex
from chainrule.graph.repetition import without_repetition
from chainrule.graph.rewrite import Rule, only_of, passed, rewrite, share
from chainrule.graph.stabilise import differences, roots, sigmoid, softmax
from chainrule.operations import elementwise

__all__ = ["OVERFLOWING", "REWRITES", "STABILISING", "Rewrite", "may_overflow", "stabilised"]

#: What overflows, and what takes part in it: put in its place before it is differentiated, too.
OVERFLOWING: tuple[Rule, ...] = (
    softmax.new_axes,
    sigmoid.softplus,
    sigmoid.log_of_sigmoid,
    sigmoid.log_of_cosh,
    sigmoid.cancelled,
    softmax.logsumexp,
    softmax.softmax,
    softmax.log_softmax,
    softmax.exp_of_log_softmax,
    roots.root_of_square,
    roots.root_of_squares,
    roots.root_of_exponential,
    roots.root_of_variance,
)
_FUNCTIONS = frozenset(  # each of these rules but the first is about one of them
    {
        *(elementwise.exp, elementwise.sigmoid, elementwise.log, elementwise.log1p),
        *(elementwise.sqrt, elementwise.power),
    }
)
#: All rules. Differences that cancel have derivatives that do not.
STABILISING: tuple[Rule, ...] = (
    *OVERFLOWING,
    differences.exp_minus_one,
    differences.one_minus_cos,
)


def may_overflow(operation: Operation, params: Mapping[str, Any]) -> bool:
    """Tell whether a rule about what overflows may have something to say where this is applied."""
    return operation in _FUNCTIONS or softmax.may_add_axes(operation, params)


@dataclass(frozen=True)
class Rewrite:
    """A formula as people write it, an input at which it fails, and what is computed instead.

    Attributes:
        written: the formula, in NumPy and with functions of scipy.special.
        becomes: what is computed.
        at: the input at which the formula, or its gradient, is wrong.
        rules: without any one of these, the formula or its gradient would still be wrong there.
    """

    written: str
    becomes: str
    at: Mapping[str, float | tuple[float, ...]]
    rules: tuple[Rule, ...]


#: What the rules are for. The table in docs/compiling.md shows it, and is tested against it.
REWRITES: tuple[Rewrite, ...] = (
    Rewrite(
        "np.log(1 + np.exp(x))",
        "logaddexp(x, 0)",
        {"x": 1000.0},
        (sigmoid.softplus,),
    ),
    Rewrite("np.log1p(np.exp(x))", "logaddexp(x, 0)", {"x": 1000.0}, (sigmoid.softplus,)),
    Rewrite("np.exp(x) / (1 + np.exp(x))", "expit(x)", {"x": 1000.0}, (sigmoid.cancelled,)),
    Rewrite("np.exp(x) / (1 + np.exp(x))", "expit(x)", {"x": 40.0}, (sigmoid.cancelled,)),
    Rewrite("1 / (1 + np.exp(-x))", "1 / (1 + np.exp(-x))", {"x": -400.0}, (sigmoid.cancelled,)),
    Rewrite(
        "np.exp(x) / (1 + np.exp(x))**2",
        "expit(x) * expit(-x)",
        {"x": 800.0},
        (sigmoid.cancelled,),
    ),
    Rewrite(
        "np.log(1 / (1 + np.exp(-x)))",
        "log_expit(x)",
        {"x": -1000.0},
        (sigmoid.log_of_sigmoid,),
    ),
    Rewrite(
        "np.log(1 - 1 / (1 + np.exp(-x)))",
        "log_expit(-x)",
        {"x": 40.0},
        (sigmoid.log_of_sigmoid,),
    ),
    Rewrite(
        "np.log(expit(x))",
        "log_expit(x)",
        {"x": -1000.0},
        (sigmoid.log_of_sigmoid,),
    ),
    Rewrite(
        "np.log1p(-expit(x))",
        "log_expit(-x)",
        {"x": 1000.0},
        (sigmoid.log_of_sigmoid,),
    ),
    Rewrite(
        "np.log(np.sum(np.exp(x)))",
        "logsumexp(x)",
        {"x": (1000.0, 0.0)},
        (softmax.logsumexp,),
    ),
    Rewrite(
        "np.exp(x) / np.sum(np.exp(x))",
        "softmax(x)",
        {"x": (1000.0, 999.0)},
        (softmax.softmax,),
    ),
    Rewrite(
        "np.log(softmax(x))",
        "log_softmax(x)",
        {"x": (1000.0, 0.0)},
        (softmax.log_softmax,),
    ),
    Rewrite(
        "np.exp(x - logsumexp(x))",
        "softmax(x)",
        {"x": (1e14, 1e14 + 1)},
        (softmax.exp_of_log_softmax,),
    ),
    Rewrite("np.sqrt(x * x)", "np.abs(x)", {"x": 1e200}, (roots.root_of_square,)),
    Rewrite("np.sqrt(x**2)", "np.abs(x)", {"x": -1e-200}, (roots.root_of_square,)),
    Rewrite("np.sqrt(x**2)", "np.abs(x)", {"x": 1e-310}, (roots.root_of_square,)),
    Rewrite(
        "np.sqrt(x * x + y * y)",
        "np.hypot(x, y)",
        {"x": 1e-200, "y": 2e-200},
        (roots.root_of_squares,),
    ),
    Rewrite(
        "np.sqrt(x**2 + y**2)",
        "np.hypot(x, y)",
        {"x": 1e308, "y": 1e308},
        (roots.root_of_squares,),
    ),
    Rewrite(
        "np.sqrt(np.exp(x))",
        "np.exp(x / 2)",
        {"x": -800.0},
        (roots.root_of_exponential,),
    ),
    Rewrite(
        "np.log(np.cosh(x))",
        "np.abs(x) + np.log1p(np.expm1(-2 * np.abs(x)) / 2)",
        {"x": 800.0},
        (sigmoid.log_of_cosh,),
    ),
    Rewrite("np.exp(x) - 1", "np.expm1(x)", {"x": 1e-20}, (differences.exp_minus_one,)),
    Rewrite(
        "1 - np.cos(x)",
        "np.sin(x)**2 / (1 + np.cos(x))",
        {"x": 1e-10},
        (differences.one_minus_cos,),
    ),
)


def stabilised(outputs: Sequence[Vertex], fits: Callable[[np.dtype[Any]], bool]) -> list[Vertex]:
    """Return the same computation in forms that do not fail.

    Rules are applied where all dtypes fit. Vertices that they make have placeholders for values.
    """
    rules = [only_of(fits, *STABILISING)]
    return passed(share(without_repetition(outputs)), lambda given: rewrite(given, rules))
