"""The stabilising rules in the order in which they are tried, and what each of them is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.graph.rewrite import Rule
from chainrule.graph.stabilise import differences, logistic, roots, rows

__all__ = ["CURES", "STABILISING", "Cure"]

#: The rules, for `chainrule.graph.rewrite`.
STABILISING: tuple[Rule, ...] = (
    rows.new_axes,
    logistic.softplus,
    logistic.log_of_sigmoid,
    logistic.cancelled,
    logistic.difference,
    rows.logsumexp,
    rows.softmax,
    rows.slope_of_logsumexp,
    rows.log_softmax,
    rows.product_with_inverse,
    rows.exp_of_log_softmax,
    roots.root_of_square,
    roots.root_of_squares,
    roots.slope_of_root,
    differences.exp_minus_one,
    differences.one_minus_cos,
)


@dataclass(frozen=True)
class Cure:
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
CURES: tuple[Cure, ...] = (
    Cure(
        "np.log(1 + np.exp(x))",
        "logaddexp(x, 0)",
        {"x": 1000.0},
        (logistic.softplus, logistic.cancelled),
    ),
    Cure("np.log1p(np.exp(x))", "logaddexp(x, 0)", {"x": 1000.0}, (logistic.softplus,)),
    Cure("np.exp(x) / (1 + np.exp(x))", "expit(x)", {"x": 1000.0}, (logistic.cancelled,)),
    Cure("np.exp(x) / (1 + np.exp(x))", "expit(x)", {"x": 40.0}, (logistic.difference,)),
    Cure("1 / (1 + np.exp(-x))", "1 / (1 + np.exp(-x))", {"x": -400.0}, (logistic.cancelled,)),
    Cure(
        "np.exp(x) / (1 + np.exp(x))**2",
        "expit(x) * expit(-x)",
        {"x": 800.0},
        (logistic.cancelled,),
    ),
    Cure(
        "np.log(1 / (1 + np.exp(-x)))",
        "log_expit(x)",
        {"x": -1000.0},
        (logistic.log_of_sigmoid, logistic.cancelled),
    ),
    Cure(
        "np.log(1 - 1 / (1 + np.exp(-x)))",
        "log_expit(-x)",
        {"x": 40.0},
        (logistic.log_of_sigmoid, logistic.cancelled),
    ),
    Cure(
        "np.log(expit(x))",
        "log_expit(x)",
        {"x": -1000.0},
        (logistic.log_of_sigmoid, logistic.cancelled),
    ),
    Cure(
        "np.log1p(-expit(x))",
        "log_expit(-x)",
        {"x": 1000.0},
        (logistic.log_of_sigmoid, logistic.cancelled),
    ),
    Cure(
        "np.log(np.sum(np.exp(x)))",
        "logsumexp(x)",
        {"x": (1000.0, 0.0)},
        (rows.logsumexp, rows.slope_of_logsumexp),
    ),
    Cure(
        "np.exp(x) / np.sum(np.exp(x))",
        "softmax(x)",
        {"x": (1000.0, 999.0)},
        (rows.softmax, rows.slope_of_logsumexp),
    ),
    Cure(
        "np.log(softmax(x))",
        "log_softmax(x)",
        {"x": (1000.0, 0.0)},
        (rows.log_softmax, rows.product_with_inverse),
    ),
    Cure(
        "np.exp(x - logsumexp(x))",
        "softmax(x)",
        {"x": (1e14, 1e14 + 1)},
        (rows.exp_of_log_softmax,),
    ),
    Cure("np.sqrt(x * x)", "np.abs(x)", {"x": 1e200}, (roots.root_of_square,)),
    Cure("np.sqrt(x**2)", "np.abs(x)", {"x": -1e-200}, (roots.root_of_square,)),
    Cure("np.sqrt(x**2)", "np.abs(x)", {"x": 1e-310}, (roots.root_of_square, roots.slope_of_root)),
    Cure(
        "np.sqrt(x * x + y * y)",
        "np.hypot(x, y)",
        {"x": 1e-200, "y": 2e-200},
        (roots.root_of_squares,),
    ),
    Cure(
        "np.sqrt(x**2 + y**2)",
        "np.hypot(x, y)",
        {"x": 1e308, "y": 1e308},
        (roots.root_of_squares, roots.slope_of_root),
    ),
    Cure("np.exp(x) - 1", "np.expm1(x)", {"x": 1e-20}, (differences.exp_minus_one,)),
    Cure(
        "1 - np.cos(x)",
        "np.sin(x)**2 / (1 + np.cos(x))",
        {"x": 1e-10},
        (differences.one_minus_cos,),
    ),
)
