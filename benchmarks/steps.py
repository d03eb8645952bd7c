"""Where the time goes: ``python benchmarks/steps.py NAME ...`` times each step of compiled code.

Reads of the processor's clock are put around the calls of kernels and products in the code that
`chainrule.native.pipeline` writes. Set CHAINRULE_NUM_THREADS for the number of threads.
"""

from __future__ import annotations

import argparse
import ctypes
import re
import time
from typing import Any

import numpy as np
from peers import by_parameters, namespaces
from table import duration
from workload import Workload
from workloads import WORKLOADS, chosen

import chainrule as cr
from chainrule.native.executable import Executable
from chainrule.native.interpret import interpreted
from chainrule.native.record.signature import flatten
from chainrule.native.runtime import engine

_CALL = re.compile(r"\bcall (?:void|float|double) @(?P<name>cr\.\w+|kernel\w*)\S*\((?P<rest>.*)")
_ROUNDS = 50


def planned(workload: Workload) -> Executable:
    """Record a workload as `chainrule.compile` does, and make a plan of it."""
    found: list[Executable] = []

    def builder(program):
        found.append(Executable(program))
        return interpreted(program)

    parameters, data = workload.inputs()
    f = workload.function(*namespaces(workload))
    compiled = cr.compile(cr.value_and_grad(f, by_parameters(workload)), builder=builder)
    compiled(*parameters, *data)
    return found[0]


def with_clocks(ir: str) -> tuple[str, list[str]]:
    """Return the code with clocks around each step, and what the steps are called."""
    lines, labels, inside = [], [], False
    for line in ir.splitlines():
        if line.startswith("define ") and " @segment" in line:
            inside = True
        match = _CALL.search(line) if inside else None
        if match is None:
            lines.append(line)
        else:
            k = len(labels)
            name, rest = match["name"], match["rest"]
            labels.append(rest.split(",")[0].split()[-1] if name == "cr.parallel" else f"@{name}")
            lines += [
                f"  %clock{k}.a = call i64 @llvm.readcyclecounter()",
                line,
                f"  %clock{k}.b = call i64 @llvm.readcyclecounter()",
                f"  %clock{k}.d = sub i64 %clock{k}.b, %clock{k}.a",
                f"  %clock{k}.p = getelementptr i64, ptr @clocks, i64 {k}",
                f"  %clock{k}.s = load i64, ptr %clock{k}.p",
                f"  %clock{k}.n = add i64 %clock{k}.s, %clock{k}.d",
                f"  store i64 %clock{k}.n, ptr %clock{k}.p",
            ]
        if line == "}":
            inside = False
    lines.append(f"@clocks = global [{len(labels)} x i64] zeroinitializer")
    lines.append("declare i64 @llvm.readcyclecounter()")
    return "\n".join(lines), labels


def measure(plan: Executable, inputs: list[Any]) -> dict[str, float]:
    """Return the seconds of each step in its best round: others may be at work, too."""
    ir, labels = with_clocks(plan.built.ir)
    library = engine.link(ir, "clocks")
    clocks = (ctypes.c_int64 * len(labels)).from_address(library.address("clocks"))
    prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    segments = {name: prototype(library.address(name)) for name in plan._segments}
    plan.library, plan._segments = library, segments
    calls: dict[str, float] = {}
    call_numpy = plan._call

    def timed(vertex, *rest):
        start = time.perf_counter()
        is_met = call_numpy(vertex, *rest)
        label = f"NumPy's {vertex.operation.name}{np.shape(vertex.value)}"
        calls[label] = calls.get(label, 0.0) + time.perf_counter() - start
        return is_met

    plan._call = timed
    captured = [leaf.value for leaf in plan.built.program.captured]
    plan(inputs, captured)
    rounds: list[dict[str, float]] = []
    for _ in range(_ROUNDS):
        ctypes.memset(clocks, 0, ctypes.sizeof(clocks))
        calls.clear()
        start, cycles = time.perf_counter(), _cycles()
        plan(inputs, captured)
        elapsed, cycles = time.perf_counter() - start, _cycles() - cycles
        named = zip(labels, clocks, strict=True)
        steps = {f"{k} {label}": n * elapsed / cycles for k, (label, n) in enumerate(named)}
        rounds.append({**steps, **calls})
    return {label: min(steps[label] for steps in rounds) for label in rounds[0]}


def _cycles(_kept: list[Any] = []) -> int:  # noqa: B006
    if not _kept:
        ir = "declare i64 @llvm.readcyclecounter()\ndefine i64 @now() {\n"
        ir += "  %now = call i64 @llvm.readcyclecounter()\n  ret i64 %now\n}"
        library = engine.link(ir, "now")
        _kept += [ctypes.PYFUNCTYPE(ctypes.c_int64)(library.address("now")), library]
    return int(_kept[0]())


def show(name: str) -> None:
    workload = WORKLOADS[name]
    plan = planned(workload)
    parameters, data = workload.inputs()
    print(f"\n{name}: {workload.title}")
    print(plan.describe()["schedule"])
    parts = measure(plan, flatten((*parameters, *data), {})[1])
    whole = sum(parts.values())
    for label, seconds in parts.items():
        print(f"  {label:34} {duration(seconds):>9} {seconds / whole:6.1%}")
    print(f"  {'all':34} {duration(whole):>9}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="+", help=", ".join(WORKLOADS))
    for chosen_name in chosen(parser.parse_args().name):
        show(chosen_name)
