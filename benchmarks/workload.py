"""What a workload is: the mathematics, its inputs, its targets, and what no code can do without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Function = Callable[..., Any]


@dataclass(frozen=True)
class Target:
    """How fast chainrule is to be.

    Attributes:
        against: a peer, ``best`` (the fastest peer of the same run) or ``floor``; ``GEMMs`` is the
            time of the matrix products alone, ``LAPACK`` that of the calls of LAPACK.
        ratio: for peers, their time over chainrule's, at least; for floors, chainrule's time over
            the floor's, at most.
    """

    against: str
    ratio: float

    @property
    def is_bound(self) -> bool:
        return self.against in ("floor", "GEMMs", "LAPACK")

    def __str__(self) -> str:
        return f"{self.ratio:g}x {self.against}"


@dataclass(frozen=True)
class Workload:
    """Value and gradient of one function, as data.

    Attributes:
        name: on the command line.
        title: what it is, with its sizes.
        function: from a NumPy-like namespace and a scipy.special-like one to the function. It takes
            the parameters, by all of which it is differentiated, and then the data.
        torch: the function as users of PyTorch write it, with the library's own fused functions.
        inputs: makes parameters and data: NumPy arrays or Python floats.
        targets: of ``issue 3``; each must be met with one thread and with two.
        products: the matrix products that value and gradient need: (rows, inner, columns).
        by_hand: names of further peers, to functions that make them from parameters and data; what
            they make takes parameters and data, and returns value and gradients.
        tolerance: by which results may differ, relative to the largest entry of each; float32
            results are compared with a float64 computation (docs/benchmarks.md says why 1e-5).
    """

    name: str
    title: str
    function: Callable[[Any, Any], Function]
    torch: Callable[[], Function]
    inputs: Callable[[], tuple[tuple[Any, ...], tuple[Any, ...]]]
    targets: tuple[Target, ...]
    products: tuple[tuple[int, int, int], ...] = ()
    by_hand: Mapping[str, Callable[..., Function]] = field(default_factory=dict)

    @property
    def tolerance(self) -> float:
        return 1e-6 if self.dtype == np.float64 else 1e-5

    @property
    def dtype(self) -> np.dtype[Any]:
        parameters, _ = self.inputs()
        return np.asarray(parameters[0]).dtype

    @property
    def traffic(self) -> int:
        """Bytes that any code must read (the inputs) or write (the gradients) at least once."""
        parameters, data = self.inputs()
        sizes = [np.asarray(x).nbytes for x in (*parameters, *parameters, *data)]
        return sum(sizes)
