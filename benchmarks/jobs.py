"""Measurements in processes of their own: the number of threads is fixed before anything loads."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from race import in_words
from workloads import WORKLOADS

_FIRST_CALL_KINDS = (("jax.jit", ""), ("chainrule", "cold"), ("chainrule", "warm"))
_TIMEOUT = 900  # seconds


@dataclass(frozen=True)
class Job:
    """One measurement: what it is called, what it adds to the results, and where."""

    label: str
    section: str
    key: str
    run: Callable[[], Any]


def jobs(
    names: list[str],
    sections: list[str],
    threads: list[int],
    rounds: int,
    seconds: float,
    programs: Iterable[str],
) -> Iterator[Job]:
    """Yield what is to be measured.

    Args:
        names: of workloads that are raced.
        sections: further ones: ``first-call``, ``eager``, ``derivatives``, ``solvers``,
            ``loops``, ``turns``, ``training``, ``writes``, ``resources``.
        threads: with which they are.
        rounds: of everything.
        seconds: of each peer in each round.
        programs: with loops, which are timed in ``loops``.
    """
    if "resources" in sections:
        yield Job("resources", "resources", "", lambda: child(1, "resources"))
    for name in names:
        for count in threads:
            arguments = (count, "race", name, count, rounds, seconds)
            label = f"{name}, {count} thread{'s' if count > 1 else ''}"
            yield Job(label, "races", f"{name}/{count}", lambda a=arguments: child(*a))
    if "eager" in sections:
        yield Job("eager", "eager", "", lambda: child(1, "eager", rounds, seconds))
    for name in programs if "loops" in sections else ():
        arguments = ("loops", name, rounds, seconds)
        yield Job(f"{name}, loops", "loops", name, lambda a=arguments: child(1, *a))
    if "turns" in sections:
        yield Job("turns", "turns", "", lambda: child(1, "turns", rounds))
    if "derivatives" in sections:
        yield Job(
            "derivatives", "derivatives", "", lambda: child(1, "derivatives", rounds, seconds)
        )
    if "solvers" in sections:
        yield Job("solvers", "solvers", "", lambda: child(1, "solvers", rounds, seconds))
    if "writes" in sections:
        yield Job("writes", "writes", "", lambda: child(1, "writes", rounds, seconds))
    if "training" in sections:
        yield Job("training", "training", "", lambda: child(1, "training", rounds, seconds))
    if "first-call" in sections:
        for name in names or WORKLOADS:
            yield Job(f"{name}, first call", "first-call", name, lambda n=name: starts(n, rounds))


def child(threads: int, *arguments: object, cache: str = "0") -> Any:
    """Run `child.py`; return its result, or a record of its failure."""
    number = str(threads)
    variables = ("OMP", "OPENBLAS", "MKL", "NUMBA", "CHAINRULE")
    environment = {
        **os.environ,
        **{f"{name}_NUM_THREADS": number for name in variables},
        "NPROC": number,  # jax
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}",
        "JAX_PLATFORMS": "cpu",
        "CHAINRULE_CACHE": cache,
    }
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        environment["TORCHINDUCTOR_CACHE_DIR"] = folder
        command = [sys.executable, str(Path(__file__).with_name("child.py")), str(result)]
        try:
            done = subprocess.run(
                [*command, *map(str, arguments)],
                env=environment,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return {"failed": f"not done after {_TIMEOUT} seconds"}
        if done.returncode or not result.exists():
            last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
            return {"failed": in_words(RuntimeError(last)).partition(": ")[2]}
        return json.loads(result.read_text(encoding="utf-8"))


def starts(name: str, rounds: int) -> dict[str, Any]:
    """Return the median seconds of the first call, by who makes it and what is on disk."""
    samples: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            for peer, state in _FIRST_CALL_KINDS:
                start = time.perf_counter()
                found = child(1, "first-call", name, peer, cache=cache)
                whole = time.perf_counter() - start
                if isinstance(found, dict):
                    return found
                record = {"first call": found, "process": whole}
                samples.setdefault(f"{peer} {state}".strip(), []).append(record)
    return {
        label: {key: statistics.median(record[key] for record in records) for key in records[0]}
        for label, records in samples.items()
    }
