"""What the numbers were measured on, without names of hosts or folders."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

_PACKAGES = (
    "chainrule",
    "numpy",
    "scipy",
    "llvmlite",
    "jax",
    "torch",
    "autograd",
    "numba",
    "casadi",
)


def describe() -> dict[str, str | int]:
    """Return processor, cores, system and versions."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    """Return the model, and the code name that LLVM has for its instructions."""
    import llvmlite.binding as llvm

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    features = llvm.get_host_cpu_features()
    widest = next((x for x in ("avx512f", "avx2", "avx", "neon") if features.get(x)), "no vectors")
    return f"{model} ({llvm.get_host_cpu_name()}, {widest})"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
