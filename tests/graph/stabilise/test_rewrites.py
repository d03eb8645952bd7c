"""Every stabilising rule is in the documentation, with an input at which it is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule.graph.stabilise import roots, rules, softmax
from chainrule.graph.stabilise.rules import REWRITES, STABILISING, Rewrite

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
DOCS = Path(__file__).parents[3] / "docs" / "compiling.md"
ULPS = 16  # of the right number, up to which a result is called right


class Exact:
    """NumPy's functions of arrays of mpmath's numbers."""

    sum = np.sum
    log, log1p, exp, sqrt, cos, cosh = (
        np.frompyfunc(f, 1, 1)
        for f in (mpmath.log, mpmath.log1p, mpmath.exp, mpmath.sqrt, mpmath.cos, mpmath.cosh)
    )

    @staticmethod
    def expit(x: Any) -> Any:
        return 1 / (1 + Exact.exp(-x))

    @staticmethod
    def logsumexp(x: Any) -> Any:
        return Exact.log(np.sum(Exact.exp(x)))

    @staticmethod
    def softmax(x: Any) -> Any:
        return Exact.exp(x) / np.sum(Exact.exp(x))


EXACT = {"np": Exact, "expit": Exact.expit, "softmax": Exact.softmax, "logsumexp": Exact.logsumexp}
PLAIN = {"np": np} | {name: getattr(scipy.special, name) for name in EXACT if name != "np"}


def formula(rewrite: Rewrite, functions: dict[str, Any]) -> Callable[..., Any]:
    """Return the formula as a function of arrays."""
    source = f"lambda {', '.join(rewrite.at)}: {rewrite.written}"
    return eval(compile(source, __file__, "eval"), functions)


def added_up(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the sum of a function's entries, which are weighted differently."""

    def weighted(*values: Any) -> Any:
        y = f(*values)
        return np.sum(y * (1 - np.arange(np.size(y)) / 4).reshape(np.shape(y)))

    return weighted


def given(rewrite: Rewrite, dtype: Any = np.float64) -> tuple[np.ndarray, ...]:
    return tuple(np.atleast_1d(np.array(x, dtype)) for x in rewrite.at.values())


def function_of(rewrite: Rewrite) -> Any:
    argnums = tuple(range(len(rewrite.at)))
    return cr.value_and_grad(added_up(formula(rewrite, PLAIN)), argnums)


def flat(result: Any) -> list[float]:
    value, gradients = result
    return [float(value), *(float(x) for gradient in gradients for x in gradient)]


def right(rewrite: Rewrite, values: tuple[np.ndarray, ...]) -> list[Any]:
    """Return the value and the gradient, of hundreds of digits."""
    with mpmath.workdps(1500):
        exact = [np.array([mpmath.mpf(float(y)) for y in x], object) for x in values]
        f = added_up(formula(rewrite, EXACT))
        results = [f(*exact)]
        for x in exact:
            for k, entry in enumerate(x.copy()):
                step = (abs(entry) or mpmath.mpf(1)) * mpmath.mpf(10) ** -400
                ends = []
                for x[k] in (entry + step, entry - step):
                    ends.append(f(*exact))
                x[k] = entry
                results.append((ends[0] - ends[1]) / (2 * step))
        return results


def is_right(found: float, expected: Any, dtype: Any = np.float64) -> bool:
    info = np.finfo(dtype)
    if not np.isfinite(found):
        return False
    error = abs(mpmath.mpf(found) - expected)
    return bool(
        error <= ULPS * max(abs(expected) * float(info.eps), float(info.smallest_subnormal))
    )


def compiled(rewrite: Rewrite, dtype: Any = np.float64) -> list[float]:
    function, values = cr.compile(function_of(rewrite)), given(rewrite, dtype)
    function(*(np.ones_like(x) for x in values))  # recorded with numbers that tell nothing
    return flat(function(*values))


def name_of(rewrite: Rewrite) -> str:
    return f"{rewrite.written} at {', '.join(map(str, rewrite.at.values()))}"


def listed(numbers: Any, write: Callable[[float], str]) -> str:
    texts = [write(float(x)).removesuffix(".0").replace("e+", "e") for x in np.ravel(numbers)]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def row(rewrite: Rewrite) -> str:
    """Return the row of a rewrite in the documentation."""
    values = given(rewrite)
    found, expected = flat(function_of(rewrite)(*values)), right(rewrite, values)
    wrong = [not is_right(*pair) for pair in zip(found, expected, strict=True)]
    if wrong[0]:
        with mpmath.workdps(1500):
            exact = [np.array([mpmath.mpf(float(y)) for y in x], object) for x in values]
            results = formula(rewrite, PLAIN)(*values), formula(rewrite, EXACT)(*exact)
    else:
        results = found[1:], expected[1:]
    cells = (
        f"`{rewrite.written}`",
        f"`{rewrite.becomes}`",
        ", ".join(f"{name} = {listed(x, repr)}" for name, x in rewrite.at.items()),
        ("" if wrong[0] else "gradient ") + listed(results[0], "{:.4g}".format),
        listed(results[1], "{:.4g}".format),
    )
    return f"| {' | '.join(cells)} |"


def test_the_documentation_lists_every_cure() -> None:
    lines = DOCS.read_text().splitlines()
    first = lines.index("## Stabilising rewrites")
    begin = next(k for k in range(first, len(lines)) if lines[k].startswith("| ---"))
    end = next(k for k in range(begin, len(lines)) if not lines[k].startswith("|"))
    written, expected = lines[begin + 1 : end], [row(rewrite) for rewrite in REWRITES]
    assert written == expected, "\n".join(expected)


@pytest.mark.parametrize("rewrite", REWRITES, ids=name_of)
def test_value_and_gradient_are_right_where_the_formula_fails(rewrite: Rewrite) -> None:
    values = given(rewrite)
    expected = right(rewrite, values)
    found = zip(flat(function_of(rewrite)(*values)), expected, strict=True)
    assert not all(is_right(*pair) for pair in found)
    cured = compiled(rewrite)
    assert all(map(is_right, cured, expected)), (cured, [float(x) for x in expected])


SINGLE = [
    rewrite
    for rewrite in REWRITES
    if all(np.all((np.abs(x) < 1e30) & (np.abs(x) > 1e-30) | (x == 0)) for x in given(rewrite))
]


@pytest.mark.parametrize("rewrite", SINGLE, ids=name_of)
def test_single_precision(rewrite: Rewrite) -> None:
    expected = right(rewrite, given(rewrite, np.float32))
    found = compiled(rewrite, np.float32)
    assert all(is_right(*pair, np.float32) for pair in zip(found, expected, strict=True)), found


@pytest.mark.parametrize(
    ("rewrite", "rule"),
    [
        pytest.param(rewrite, rule, id=f"{name_of(rewrite)} without {rule.__name__}")
        for rewrite in REWRITES
        for rule in rewrite.rules
    ],
)
def test_without_the_rule_it_fails(
    rewrite: Rewrite, rule: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in (
        ("graph.stabilise.rules", "STABILISING"),
        ("transforms.stable", "OVERFLOWING"),
    ):
        rest = tuple(x for x in getattr(rules, name) if x is not rule)
        monkeypatch.setattr(f"chainrule.{module}.{name}", rest)
    expected = right(rewrite, given(rewrite))
    assert not all(map(is_right, compiled(rewrite), expected))


def test_every_rule_is_needed_for_some_cure() -> None:
    needed = {rule for rewrite in REWRITES for rule in rewrite.rules}
    # One lets the others see more, one is for a gradient where there is none: see test_singular.
    assert needed == {*STABILISING} - {softmax.new_axes, roots.root_of_variance}
