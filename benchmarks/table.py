"""The results as text, 80 columns wide."""

from __future__ import annotations

import io
import statistics
from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from verdicts import (
    Verdict,
    best_peer,
    derivative_verdicts,
    ours,
    ratio,
    start_verdicts,
    training_verdicts,
    verdicts,
)

_COLUMNS = {
    "jax.jit": "jax",
    "torch": "torch",
    "torch.compile": "t.comp",
    "autograd": "autogr",
    "Numba": "Numba",
    "CasADi": "CasADi",
    "floor": "floor",
}

_BUSY = 0.9  # of a processor, below which others must have had the rest
_NOISY = 1.5  # median over the best round from which on a race is called so


def number(value: float | None) -> str:
    """Write three digits, or a whole number."""
    if value is None:
        return "·"
    return f"{value:.0f}" if value >= 99.5 else f"{value:#.3g}"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "failed"
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def main_table(races: dict[str, Any]) -> Table:
    """Return chainrule's time, and the ratios to every peer and to the floor, with the targets."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("workload", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    for label in _COLUMNS.values():
        table.add_column(label, justify="right", no_wrap=True)
    table.add_column("target", no_wrap=True)
    for threads in sorted({key.split("/")[1] for key in races}):
        table.add_section()
        table.add_row(f"{threads} thread{'s' if threads != '1' else ''}")
        for key, race in races.items():
            if key.endswith(f"/{threads}"):
                _add(table, key.split("/")[0], race)
    return table


def _add(table: Table, name: str, race: dict[str, Any]) -> None:
    if "failed" in race:
        table.add_row(name, "failed")
        return
    first, *more = [_mark(verdict) for verdict in verdicts(name, race)]
    cells = (number(ratio(race, against)) for against in _COLUMNS)
    table.add_row(name, duration(ours(race)), *cells, first)
    for target in more:
        table.add_row("", "", *("" for _ in _COLUMNS), target)


def _mark(verdict: Verdict) -> str:
    short = verdict.target.replace("torch.compile", "t.comp").replace("jax.jit", "jax")
    return f"{'✓' if verdict.is_met else '✗'} {short}"


def start_table(starts: dict[str, Any]) -> Table:
    """Return the first calls: seconds, and parts of jax.jit's."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("first call", no_wrap=True)
    for label in ("jax.jit", "cold", "warm", "cold/jax", "warm/jax"):
        table.add_column(label, justify="right", no_wrap=True)
    table.add_column("targets", no_wrap=True)
    for name, found in starts.items():
        if "failed" in found:
            table.add_row(name, "failed")
            continue
        times = [
            duration(found[label]["first call"])
            for label in ("jax.jit", "chainrule cold", "chainrule warm")
        ]
        both = start_verdicts(found)
        parts = [f"{verdict.ratio:.2f}" for verdict in both]
        table.add_row(name, *times, *parts, " ".join(map(_mark, both)))
    return table


def turn_lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield for each program what loops of few and of many turns take to compile."""
    for name, counts in found.items():
        few, many = counts.values()
        times = f"{duration(few['seconds'])}, {duration(many['seconds'])}"
        ratio = many["seconds"] / few["seconds"]
        lines = f"{few['lines']:,}, {many['lines']:,} lines"
        yield f"{name:12} {times:>15} ({ratio:.2f})  {lines}"


def loop_table(found: dict[str, Any]) -> Table:
    """Return first and later calls of programs with loops, and the ratios to peers."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("program", no_wrap=True)
    for label in ("first", "jax", "/ jax", "call", "jax", "Numba", "jax /", "Numba /"):
        table.add_column(label, justify="right", no_wrap=True)
    for name, program in found.items():
        if "failed" in program or "chainrule" not in program["peers"]:
            table.add_row(name, "failed")
            continue
        first = program["first call"]
        calls = {peer: timing["seconds"] for peer, timing in program["peers"].items()}
        mine, jax, numba = (calls.get(peer) for peer in ("chainrule", "jax.jit", "Numba"))
        table.add_row(
            name,
            _time(first["chainrule"]),
            _time(first.get("jax.jit")),
            _ratio(first["chainrule"], first.get("jax.jit")),
            *map(_time, (mine, jax, numba)),
            _ratio(jax, mine),
            _ratio(numba, mine),
        )
    return table


def _time(seconds: float | None) -> str:
    return "·" if seconds is None else duration(seconds)


def _ratio(a: float | None, b: float | None) -> str:
    return number(None if a is None or b is None else a / b)


def misses(results: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each target that is missed, and for whoever failed."""
    for key, race in results.get("races", {}).items():
        name, threads = key.split("/")
        label = f"{name}, {threads} thread{'s' if threads != '1' else ''}"
        if "failed" in race:
            yield f"{label}: failed: {race['failed']}"
            continue
        for verdict in verdicts(name, race):
            if not verdict.is_met:
                fastest = f" ({best_peer(race)})" if verdict.target.endswith("best") else ""
                yield f"{label}: {verdict.target}{fastest} missed: {number(verdict.ratio)}"
        for peer, reason in race["failures"].items():
            yield f"{label}: {peer} is not timed: {reason}"
        for peer, timing in race["peers"].items():
            if timing["cores"] > int(threads) + 0.1:
                yield f"{label}: {peer} kept {timing['cores']:.1f} cores at work"
    for name, found in results.get("loops", {}).items():
        if "failed" in found:
            yield f"{name}, loops: failed: {found['failed']}"
            continue
        for peer, reason in found["failures"].items():
            yield f"{name}, loops: {peer} is not timed: {reason}"
    for name, found in results.get("first-call", {}).items():
        if "failed" in found:
            yield f"{name}, first call: failed: {found['failed']}"
            continue
        for verdict in start_verdicts(found):
            if not verdict.is_met:
                yield f"{name}, first call: {verdict.target} of jax.jit missed: {verdict.ratio:.2f}"


def notes(results: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each race that others on the machine disturbed."""
    for key, race in results.get("races", {}).items():
        peers = race.get("peers")
        if not peers:
            continue
        had = statistics.median(timing["cores"] for timing in peers.values())
        spread, noisiest = max((t["seconds"] / t["best"], peer) for peer, t in peers.items())
        if had < _BUSY or spread > _NOISY:
            name, threads = key.split("/")
            worst = f"{noisiest} {spread:.1f}x its best round"
            yield f"{name}, {threads}: {had:.2f} processors; {worst}"


def eager_lines(eager: dict[str, Any]) -> Iterator[str]:
    yield "The eager engine and the printed code (one thread):"
    for name, seconds in eager.items():
        hips = seconds["HIPS autograd"]
        for label, time in sorted(seconds.items(), key=lambda item: item[1]):
            line = f"  {name:10} {label:20} {duration(time):>9}"
            yield line if label == "HIPS autograd" else f"{line}  {time / hips:.3f} of HIPS"


def derivative_lines(found: dict[str, Any]) -> Iterator[str]:
    yield "Jacobians, Hessians, products with them, batches, series (one thread):"
    for name, seconds in found.items():
        for label, time in seconds.items():
            yield f"  {name:18} {label:22} {duration(time):>9}"
        for judged in derivative_verdicts(seconds):
            yield f"  {name:18} {'✓' if judged.is_met else '✗'} {judged.target}"


def solver_lines(found: dict[str, Any]) -> Iterator[str]:
    yield "SciPy's solvers, by chainrule and by finite differences (one thread):"
    for name, run in found.items():
        (_, mine), (_, theirs) = run["seconds"].items()
        a, b = run["evaluations"].values()
        yield (
            f"  {name:16}{duration(mine):>9} {a:>6,} evaluations,{duration(theirs):>9} {b:>7,}"
            f"  {number(theirs / mine):>5}x"
        )


def write_lines(found: dict[str, Any]) -> Iterator[str]:
    yield "An array filled entry by entry, compiled (one thread):"
    for key, seconds in found.items():
        name, n = key.split("/")
        entry, first = seconds["call"] / int(n), seconds["first call"]
        times = f"{entry * 1e9:6.1f} ns each, first call {first:.1f} s"
        yield f"  {name:20} {int(n):>6,} entries {times}"


def training_lines(found: dict[str, Any]) -> Iterator[str]:
    yield "Training, one thread:"
    for name, record in found.items():
        yield f"  {record['title']}"
        mine = record["peers"]["chainrule"]
        for peer, seconds in record["peers"].items():
            accuracy = record.get("accuracy", {}).get(peer)
            reached = "" if accuracy is None else f", accuracy {accuracy:.1%}"
            yield f"    {peer:14}{duration(seconds):>9} {seconds / mine:6.2f}x{reached}"
        if products := record.get("products"):
            yield f"    {'products alone':14}{duration(products):>9} {products / mine:6.2f}x"
        for judged in training_verdicts(name, record):
            yield f"    {'✓' if judged.is_met else '✗'} {judged.target}"


def resource_lines(found: dict[str, Any]) -> Iterator[str]:
    base, whole = found["import"]["numpy"], found["import"]["chainrule"]
    yield f"import: NumPy {base:.3f} s, chainrule {whole:.3f} s ({whole - base:+.3f} s)"
    yield "cost of a node, value and gradient of a chain:"
    for length, seconds in found["seconds per node"].items():
        yield f"  {int(length):>9,} nodes {seconds * 1e6:6.2f} µs"
    yield "peak memory of value and gradient:"
    for name, peak in found["peak bytes"].items():
        a, b = peak["chainrule"], peak["HIPS autograd"]
        yield f"  {name:14}{a / 1e6:8.1f} MB, HIPS autograd {b / 1e6:8.1f} MB"


def report(results: dict[str, Any]) -> str:
    """Write everything that was measured as text."""
    file = io.StringIO()
    console = Console(file=file, width=80, highlight=False, markup=False, color_system=None)
    if races := results.get("races"):
        console.print(main_table(races))
        console.print(
            "time: chainrule's. Peers: their time over chainrule's, larger is better.\n"
            "floor: chainrule's time over the floor's, smaller is better.\n"
        )
    if starts := results.get("first-call"):
        console.print(start_table(starts))
        console.print()
    if found := results.get("loops"):
        console.print(loop_table(found))
        console.print(
            "first, call: chainrule's first and later calls; then those of the peers.\n"
            "/ jax: part of jax's first call. jax /, Numba /: their time over chainrule's.\n"
        )
    if found := results.get("turns"):
        console.print("Compile time and lines of LLVM IR, of 10 and of 10,000 turns:")
        for line in turn_lines(found):
            console.print(f"  {line}")
        console.print()
    missed = list(misses(results))
    for line in missed:
        console.print(f"✗ {line}")
    disturbed = list(notes(results))
    if disturbed:
        console.print("\nMeasured while other work ran on the machine (workload, threads):")
    for line in disturbed:
        console.print(f"  {line}")
    console.print()
    sections = (
        ("eager", eager_lines),
        ("derivatives", derivative_lines),
        ("solvers", solver_lines),
        ("writes", write_lines),
        ("training", training_lines),
        ("resources", resource_lines),
    )
    for section, lines in sections:
        found = results.get(section)
        if found and "failed" in found:
            console.print(f"✗ {section}: failed: {found['failed']}\n")
        elif found:
            console.print("\n".join(lines(found)) + "\n")
    about = results["machine"]
    console.print(f"{about['processor']}, {about['cores']} cores, {about['system']}")
    versions = list(about.items())[3:]
    console.print(", ".join(f"{name} {version}" for name, version in versions))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"
