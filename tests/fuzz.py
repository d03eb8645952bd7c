"""Random programs by the thousand: ``make fuzz``, or ``python -m tests.fuzz --count 10000``.

Each is run by NumPy and by chainrule, and its gradient compared with differences; of some the
gradient is printed and compiled, too. What fails is printed as a script. Compositions of transforms
are compared with differences, and some of them compiled (`tests.programs.random_transforms`).
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import trees
from tests.programs import random_transforms
from tests.programs.random_exchanges import exchanging_program
from tests.programs.random_shapes import ShapedProgram, shaped_program

__all__ = ["KINDS", "drawn", "examine"]

KINDS = {"shapes": shaped_program, "exchanges": exchanging_program}
_TRANSFORMS = "transforms"
_STEP = 1e-6
_EVERY = {"printed": 2, "compiled": 20}  # of how many programs one is


class Kinked(Exception):
    """The program has no derivative here, or none that differences tell."""


def drawn(seed: int, kind: str = "shapes") -> ShapedProgram:
    """Draw the program of a seed, of one of the `KINDS`."""
    return KINDS[kind](random.Random(seed).choice, seed)


def examine(program: ShapedProgram, printed: bool = False, compiled: bool = False) -> None:
    """Compare what chainrule makes of a program with what NumPy makes of it.

    Raises:
        Kinked: there is nothing to compare the gradient with.
        AssertionError: they differ.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", cr.errors.IndependentOutputWarning)
        expected = program.function(*copy.deepcopy(program.args))
        args = copy.deepcopy(program.args)
        both = cr.value_and_grad(program.function, (0, 1))
        value, gradients = both(*args)
        np.testing.assert_equal(args, program.args, "an argument was overwritten")
        single = "float32" in repr(program)
        np.testing.assert_allclose(value, expected, rtol=1e-4 if single else 1e-10, atol=1e-10)
        for x, g in zip(_leaves(program.args), _leaves(gradients), strict=True):
            assert np.shape(x) == np.shape(g)
            assert getattr(x, "dtype", None) == getattr(g, "dtype", None)
        if printed:
            staged = cr.stage(program.function, *copy.deepcopy(program.args))
            _same(staged(*copy.deepcopy(program.args)), (value, gradients), single)
        if compiled:
            warnings.simplefilter("ignore", cr.errors.NotCompiledWarning)  # arguments overwritten
            fast = cr.compile(both)
            for k in range(5):
                there = _moved(program.args, 0.01 * k, seed=k)
                _same(fast(*copy.deepcopy(there)), both(*copy.deepcopy(there)), single)
        if single:
            args = _mapped(lambda x: x if type(x) is float else np.array(x, float), args)
            program = ShapedProgram(program.source.replace("float32", "float64"), args)
            gradients = cr.grad(program.function, (0, 1))(*copy.deepcopy(args))
        compare_slopes(program, gradients)


def compare_slopes(program: ShapedProgram, gradients: Any) -> None:
    """Compare gradients with slopes to the right and to the left.

    Raises:
        Kinked: these are not the same, or not numbers.
        AssertionError: the gradients are others.
    """
    if not all(np.all(np.isfinite(g)) for g in _leaves(gradients)):
        raise Kinked
    for seed in range(2):
        direction = _direction(program.args, seed)
        slope = sum(np.sum(g * d) for g, d in zip(_leaves(gradients), direction, strict=True))
        values = [_value(program, k * _STEP, seed) for k in (-2, -1, 1, 2)]
        if not np.all(np.isfinite(values)):
            raise Kinked
        central = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * _STEP)
        middle = _value(program, 0.0, seed)
        scale = max(1.0, abs(middle), abs(central))
        if abs(slope - central) <= 1e-5 * scale:
            continue
        sides = [(values[3] - middle) / (2 * _STEP), (middle - values[0]) / (2 * _STEP)]
        sides += [(values[2] - middle) / _STEP, (middle - values[1]) / _STEP]
        if max(sides) - min(sides) > 1e-3 * scale:
            raise Kinked
        raise AssertionError(f"the slope is {central!r}, by the gradient it is {slope!r}")


def _value(program: ShapedProgram, distance: float, seed: int) -> Any:
    leaves, build = trees.flatten(copy.deepcopy(program.args))
    direction = _direction(program.args, seed)
    there = [x + distance * d for x, d in zip(leaves, direction, strict=True)]
    return program.function(
        *build(
            [
                float(y) if type(x) is float else np.array(y)
                for x, y in zip(leaves, there, strict=True)
            ]
        )
    )


def _direction(args: Any, seed: int) -> list[Any]:
    generator = np.random.default_rng(seed)
    return [np.asarray(generator.uniform(-1, 1, np.shape(x)))[()] for x in _leaves(args)]


def _moved(args: Any, distance: float, seed: int) -> Any:
    """Return arguments of the same types beside others."""
    generator = np.random.default_rng(seed)

    def moved(x: Any) -> Any:
        y = x * (1 + distance * generator.uniform(-1, 1, np.shape(x)))
        return np.asarray(y, x.dtype) if isinstance(x, np.ndarray) else float(y)

    return _mapped(moved, args)


def _same(found: Any, right: Any, single: bool) -> None:
    for a, b in zip(_leaves(found), _leaves(right), strict=True):
        assert np.shape(a) == np.shape(b)
        scale = np.max(np.abs(b), initial=1.0, where=np.isfinite(b))
        np.testing.assert_allclose(
            a, b, 1e-3 if single else 1e-8, (1e-3 if single else 1e-9) * scale
        )


def _leaves(tree: Any) -> list[Any]:
    return trees.flatten(tree)[0]


def _mapped(function: Any, tree: Any) -> Any:
    leaves, build = trees.flatten(tree)
    return build([function(leaf) for leaf in leaves])


def reproducer(program: ShapedProgram) -> str:
    """Return a script that shows what a program gives."""
    arguments = repr(program.args).replace("array(", "np.array(").replace("float32)", "'float32')")
    return (
        "import dataclasses, functools, math\nimport numpy as np\nimport chainrule as cr\n\n"
        f"K = np.array([0.3, -0.7, 1.1])\n\n\n{program.source}\n\nargs = {arguments}\n"
        "print(program(*args))\nprint(cr.value_and_grad(program, (0, 1))(*args))\n"
        "print(cr.stage(program, *args).source)\n"
    )


def _run(kind: str, seed: int) -> tuple[Callable[[], None], Callable[[], str]]:
    """Return what examines the program of a seed, and what tells how to see it fail."""
    printed, compiled = (seed % every == 0 for every in _EVERY.values())
    if kind == _TRANSFORMS:
        composed = random_transforms.composition(seed)
        return (
            lambda: random_transforms.examine(composed, compiled),
            lambda: _transforms_reproducer(seed, composed, compiled),
        )
    program = drawn(seed, kind)
    return lambda: examine(program, printed, compiled), lambda: reproducer(program)


def _transforms_reproducer(
    seed: int, composed: random_transforms.Composition, compiled: bool
) -> str:
    return (
        "from tests.programs.random_transforms import composition, examine\n\n"
        f"examine(composition({seed}), compiled={compiled})  # {composed!r}\n"
    )


def main() -> None:
    from rich.progress import track

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="programs (10000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first one (0)")
    parser.add_argument("--failures", type=int, default=1, help="after which it stops (1)")
    kinds = [*KINDS, _TRANSFORMS]
    parser.add_argument("--kind", choices=kinds, help="of programs (all, by turns)")
    options = parser.parse_args()
    found: Counter[str] = Counter()
    for seed in track(range(options.seed, options.seed + options.count), "programs"):
        check, script = _run(options.kind or kinds[seed // 7 % len(kinds)], seed)
        try:
            check()
            found["right"] += 1
        except Kinked:
            found["no derivative there"] += 1
        except cr.errors.GradientLostError as error:
            found[f"refused: {str(error)[:60]}"] += 1
        except Exception as error:
            found["wrong"] += 1
            print(f"\n# seed {seed}: {type(error).__name__}: {error}\n\n{script()}")
            if found["wrong"] >= options.failures:
                break
    print(", ".join(f"{count} {what}" for what, count in found.most_common()))
    sys.exit(bool(found["wrong"]))


if __name__ == "__main__":
    main()
