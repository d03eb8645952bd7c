"""Loops on several threads, called from machine code: ``cr.parallel``.

    declare void @cr.parallel(ptr %function, ptr %context, i64 %count, i64 %parts)

calls ``void function(ptr context, i64 begin, i64 end, i64 index)`` for each of ``min(parts,
count)`` contiguous parts of 0..count (``parts`` 0: as many as Python's `count` says), and returns
when all are done. Which thread takes which part is left open, but every index below the number of
parts is called exactly once, also where all run on the calling thread: a sum of partial sums by
index does not depend on the number of threads.

How the threads work together is told in `chainrule.native.runtime.pool`.
"""

from __future__ import annotations

import ctypes
import functools
import os

from chainrule.native.runtime import engine, pool

__all__ = ["DECLARATION", "count", "set_count"]

#: For modules that call it.
DECLARATION = "declare void @cr.parallel(ptr, ptr, i64, i64)"

_MOST = 64  # threads


@functools.cache
def _default() -> int:
    for name in ("CHAINRULE_NUM_THREADS", "OMP_NUM_THREADS"):
        first = os.environ.get(name, "").split(",")[0].strip()
        if first.isdigit() and int(first) > 0:
            return int(first)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_chosen: list[int] = []


def count() -> int:
    """Tell how many threads a loop uses, the calling one included.

    It is what `set_count` chose, or else the environment's CHAINRULE_NUM_THREADS or
    OMP_NUM_THREADS, or else the number of processors that this process may use.
    """
    return min(_chosen[0] if _chosen else _default(), _MOST)


def set_count(number: int) -> None:
    """Choose how many threads loops use from now on; those that have started stay, asleep."""
    if number < 1:
        raise ValueError(f"the number of threads must be at least 1, not {number}")
    _chosen[:] = [number]
    _tell(_library())


def _tell(library: engine.Library) -> None:
    ctypes.c_int32.from_address(library.address("cr.threads")).value = count()


@functools.cache
def _library() -> engine.Library:
    library = engine.link(pool.definitions(), "threads", optimise=False)
    _tell(library)
    # Its threads run this code as long as the process lives.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))
    return library


@engine.provide
def _address(symbol: str) -> int | None:
    return _library().address(symbol) if symbol == "cr.parallel" else None
