"""Compare chainrule with its peers: ``python benchmarks/run.py [workload ...]``, or ``make bench``.

Needs the extra ``bench``. Only ratios of one run count: machines are noisy.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # equal thread counts for everybody
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import resources
from timing import compare, table
from workloads import WORKLOADS


def check_agreement(name: str, workload: dict) -> None:
    """Refuse to time peers that do not compute the same numbers."""
    results = {peer: f() for peer, f in workload.items()}
    value, gradients = results["chainrule"]
    for peer, (other, others) in results.items():
        np.testing.assert_allclose(value, other, rtol=1e-5, err_msg=f"{name}: {peer}")
        for g, h in zip(gradients, others, strict=True):
            np.testing.assert_allclose(g, h, rtol=1e-4, atol=1e-5, err_msg=f"{name}: {peer}")


def race(name: str) -> None:
    workload = WORKLOADS[name]()
    check_agreement(name, workload)
    print(table(f"{name}: {WORKLOADS[name].__doc__}", compare(workload)), end="\n\n")


def measure_resources() -> None:
    base, ours = resources.import_seconds()
    print(f"import: numpy {base:.3f} s, chainrule {ours:.3f} s ({ours - base:+.3f} s)\n")
    print("cost per node of a chain, value and gradient")
    for length, seconds in resources.chain_costs().items():
        print(f"  {length:>9,} nodes {seconds * 1e6:8.2f} us per node")
    print("\npeak memory of value and gradient")
    for name, (ours_call, theirs_call) in resources.memory_workloads().items():
        a, b = resources.peak_bytes(ours_call), resources.peak_bytes(theirs_call)
        print(f"  {name:20}{a / 1e6:9.1f} MB, HIPS autograd {b / 1e6:9.1f} MB ({a / b:.2f}x)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", nargs="*", help=f"{', '.join(WORKLOADS)}, resources")
    # Resources first: what peers load would weigh on the garbage collector.
    chosen = parser.parse_args().workload or ["resources", *WORKLOADS]
    for name in chosen:
        if name == "resources":
            measure_resources()
        elif name in WORKLOADS:
            race(name)
        else:
            parser.error(f"no workload {name!r}: choose from {', '.join(WORKLOADS)}, resources")


if __name__ == "__main__":
    main()
