"""Fair timing: everybody in one process, in alternating order, warmed up, medians over rounds."""

from __future__ import annotations

import statistics
import time
import timeit
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from peers import Call


@dataclass(frozen=True)
class Timing:
    """Of one call.

    Attributes:
        seconds: the median over rounds.
        best: the least over rounds.
        cores: processor time over time: how many cores were at work.
        rounds: how many there were.
    """

    seconds: float
    best: float
    cores: float
    rounds: int

    def record(self) -> dict[str, float]:
        return asdict(self)


def loop(call: Call) -> timeit.Timer:
    """Return a loop that calls without anything in between."""
    names = [f"a{k}" for k in range(len(call.arguments))]
    given = dict(zip(names, call.arguments, strict=True))
    return timeit.Timer(f"f({', '.join(names)})", globals={"f": call.function, **given})


def calls_per_round(timer: timeit.Timer, seconds: float) -> int:
    """Return how many calls take about the given time; at least one."""
    count = 1
    while (spent := timer.timeit(count)) < seconds / 4:
        count = max(count * 2, min(count * 10, round(count * seconds / max(spent, 1e-9) / 2)))
    return max(1, round(count * seconds / spent))


def compare(
    calls: Mapping[str, Call], rounds: int, seconds: float, rest: float = 0.05
) -> dict[str, Timing]:
    """Time calls in turn.

    Each round runs all of them once, in an order that is reversed every other round, so that a slow
    spell of the machine meets everybody.

    Args:
        calls: by name.
        rounds: how many; the median counts.
        seconds: of each call in each round.
        rest: seconds before each. Threads of OpenMP and OpenBLAS go on looking for work for up to
            30 ms, and would take the processors from whoever comes next.
    """
    timers = {name: loop(call) for name, call in calls.items()}
    counts = {name: calls_per_round(timer, seconds) for name, timer in timers.items()}
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for round_ in range(rounds):
        for name in list(calls) if round_ % 2 else reversed(calls):
            time.sleep(rest)
            timers[name].timeit(1)
            before = time.process_time()
            elapsed = timers[name].timeit(counts[name])
            worked = time.process_time() - before
            samples[name].append((elapsed / counts[name], worked / elapsed))
    return {
        name: Timing(
            statistics.median(seconds for seconds, _ in values),
            min(seconds for seconds, _ in values),
            statistics.median(cores for _, cores in values),
            rounds,
        )
        for name, values in samples.items()
    }
