"""Compare chainrule with its peers: ``make bench``, or ``python benchmarks/run.py [NAME ...]``.

Names are workloads (``softmax``; ``network`` for all of them), programs with loops (``lstm``),
``first-call``, ``eager``, ``derivatives``, ``solvers``, ``loops`` (all these programs), ``turns``,
``writes``, ``training`` and ``resources``; with none, everything is measured, in about an hour.
Results are kept in docs/_static, where those of the same machine and versions are replaced one by
one, and drawn; on another machine only a whole run is kept. Only ratios of one run of one workload
mean something: machines are noisy. docs/benchmarks.md explains it all.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import figure
import machine
import table
from jobs import jobs
from programs import PROGRAMS
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from workloads import WORKLOADS, chosen

_KEPT = Path(__file__).resolve().parents[1] / "docs" / "_static"
_SECTIONS = (
    "races",
    "first-call",
    "eager",
    "derivatives",
    "solvers",
    "loops",
    "turns",
    "writes",
    "training",
    "resources",
)


def main() -> None:
    arguments = _arguments()
    sections = [name for name in arguments.name if name in _SECTIONS]
    names = [name for name in WORKLOADS if any(name in chosen([x]) for x in arguments.name)]
    programs = [name for name in arguments.name if name in PROGRAMS] or list(PROGRAMS)
    if names:
        sections.append("races")
    if len(programs) < len(PROGRAMS):
        sections.append("loops")
    sections = sections or list(_SECTIONS)
    console = Console()
    raced = (names or list(WORKLOADS)) if "races" in sections else []
    results = _measured(console, arguments, raced, sections, programs)
    print(table.report(results), end="")
    is_kept = keep(arguments.into, results, is_whole=not arguments.name)
    what = "kept in" if is_kept else "not kept: measured elsewhere, or with other versions, is"
    console.print(f"{what} {arguments.into}", style="dim")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = ", ".join([*WORKLOADS, *PROGRAMS, *_SECTIONS])
    parser.add_argument("name", nargs="*", help=known)
    parser.add_argument(
        "--threads", type=int, nargs="+", default=[1, 2], help="of everybody (1 and 2)"
    )
    parser.add_argument("--rounds", type=int, default=7, help="medians are of this many (7)")
    parser.add_argument(
        "--seconds", type=float, default=0.1, help="of each peer in each round (0.1)"
    )
    parser.add_argument("--into", type=Path, default=_KEPT, help="where results are kept")
    arguments = parser.parse_args()
    for name in arguments.name:
        if name not in _SECTIONS and name not in PROGRAMS and not chosen([name]):
            parser.error(f"no workload {name!r}: there are {known}")
    if arguments.rounds < 5:
        parser.error("a median of fewer than 5 rounds tells nothing")
    return arguments


def _measured(
    console: Console,
    arguments: argparse.Namespace,
    names: list[str],
    sections: list[str],
    programs: list[str],
) -> dict[str, Any]:
    results: dict[str, Any] = {"machine": machine.describe()}
    effort = arguments.threads, arguments.rounds, arguments.seconds
    to_do = list(jobs(names, sections, *effort, programs))
    columns = (TextColumn("{task.description:26}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("", total=len(to_do))
        for job in to_do:
            progress.update(task, description=job.label)
            found = job.run()
            if job.key:
                results.setdefault(job.section, {})[job.key] = found
            else:
                results[job.section] = found
            progress.advance(task)
    return results


def keep(folder: Path, results: dict[str, Any], is_whole: bool) -> bool:
    """Write results beside those of the same machine, as JSON, text and pictures.

    Returns:
        Whether they were: some results of another machine are not mixed with those that are there.
    """
    path = folder / "benchmarks.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if not is_whole and kept and kept["machine"] != results["machine"]:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    order = list(WORKLOADS)
    whole = {"machine": results["machine"]}
    for section in _SECTIONS:
        found = {} if is_whole else kept.get(section, {})
        found = {**found, **results.get(section, {})}
        if section in ("races", "first-call"):
            by_workload = sorted(found.items(), key=lambda item: order.index(item[0].split("/")[0]))
            found = dict(by_workload)
        if found:
            whole[section] = found
    path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    (folder / "benchmarks.txt").write_text(table.report(whole), encoding="utf-8")
    if "races" in whole:
        figure.draw(whole["races"], folder)
    return True


if __name__ == "__main__":
    main()
