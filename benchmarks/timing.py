"""Fair timing: peers in one process, in alternating order, warmed up, medians over rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

Workload = Mapping[str, Callable[[], object]]


def calls_per_round(f: Callable[[], object], seconds: float = 0.02) -> int:
    """Return how many calls take about the given time."""
    count = 1
    while True:
        start = time.perf_counter()
        for _ in range(count):
            f()
        spent = time.perf_counter() - start
        if spent > seconds / 4:
            return max(1, round(count * seconds / spent))
        count *= 4


def compare(workload: Workload, rounds: int = 15) -> dict[str, float]:
    """Return the median seconds per call of every peer.

    Each round runs all peers once, in an order that is reversed every other round, so that a slow
    spell of the machine meets all of them.
    """
    counts = {name: calls_per_round(f) for name, f in workload.items()}
    samples: dict[str, list[float]] = {name: [] for name in workload}
    for round_ in range(rounds):
        names = list(workload) if round_ % 2 else list(reversed(workload))
        for name in names:
            f, count = workload[name], counts[name]
            start = time.perf_counter()
            for _ in range(count):
                f()
            samples[name].append((time.perf_counter() - start) / count)
    return {name: statistics.median(values) for name, values in samples.items()}


def table(title: str, medians: Mapping[str, float], base: str = "chainrule") -> str:
    """Format medians and their ratios to one peer."""
    lines = [title, f"  {'':28}{'median':>12}{'ratio':>9}"]
    for name, seconds in sorted(medians.items(), key=lambda item: item[1]):
        lines.append(f"  {name:28}{seconds * 1e6:9.2f} us{seconds / medians[base]:8.2f}x")
    return "\n".join(lines)
