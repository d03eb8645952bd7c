"""Print the table of docs/accuracy.md: python tests/native/ir/math/accuracy_table.py [names]."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import measure
import numpy as np

from chainrule.native.ir.math.catalogue import FUNCTIONS
from chainrule.native.runtime import engine

_KINDS = ("double", "float")


def _operands(name: str, dtype: type) -> list[measure.Numbers]:
    """Return a million arguments of usual size."""
    low, high = {
        "arcsin": (-1.0, 1.0),
        "arccos": (-1.0, 1.0),
        "arctanh": (-1.0, 1.0),
        "arccosh": (1.0, 10.0),
        "power": (0.01, 10.0),
    }.get(name, (0.01, 10.0) if name.startswith("log") else (-10.0, 10.0))
    generator = np.random.default_rng(0)
    count = FUNCTIONS[name][0]
    return [generator.uniform(low, high, 1_000_000).astype(dtype) for _ in range(count)]


def _row(name: str) -> Iterator[str]:
    yield name
    targets = (engine.host(), measure.PLAIN)
    for kind, count in zip(_KINDS, (4, 200), strict=True):
        for error, _ in measure.largest_errors(name, kind, targets, count):
            yield f"{error:.2f}"
    for dtype in (np.float64, np.float32):
        operands = _operands(name, dtype)
        own = measure.nanoseconds(lambda *x: measure.evaluate(name, targets[0], *x), *operands)
        peer = measure.nanoseconds(measure.reference(name), *operands)
        yield f"{own:.1f}"
        yield f"{peer:.1f}"


def main() -> None:
    """Print a table in Markdown: largest errors in ULP, and nanoseconds per element."""
    heads = ["function"]
    heads += [f"{kind}, {target}" for kind in _KINDS for target in ("host", "plain x86-64")]
    heads += [f"{kind}, {who} ns" for kind in _KINDS for who in ("own", "NumPy or SciPy")]
    print("| " + " | ".join(heads) + " |")
    print("| --- " + "| ---: " * (len(heads) - 1) + "|")
    for name in sys.argv[1:] or FUNCTIONS:
        print("| " + " | ".join(_row(name)) + " |", flush=True)


if __name__ == "__main__":
    main()
