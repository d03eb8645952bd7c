"""The entry into machine code, as a Python function: LLVM IR made for one layout.

The result is a function of CPython's fast calling convention (METH_FASTCALL | METH_KEYWORDS):
``ptr @entry(ptr self, ptr args, i64 count, ptr keywords)``. It checks the arguments, collects
pointers to the buffers, calls `@run`, compares the guards, and makes the result. Whatever it does
not expect it leaves to the fallback, called with the arguments that it got.
"""

from __future__ import annotations

from chainrule.native.entry import table
from chainrule.native.entry.arguments import Arguments
from chainrule.native.entry.layout import Guard, Layout, bits
from chainrule.native.entry.objects import ARRAY_DATA, DECLARATIONS, TUPLE_ITEMS
from chainrule.native.entry.result import Result
from chainrule.native.entry.writer import Writer
from chainrule.native.runtime.interrupts import UNLOCKED

__all__ = ["ir"]

#: Its work is calls of CPython and tests that are met. To optimise it takes LLVM as long as to
#: compile a small program, and wins no nanosecond of a call.
_HOW = "nounwind optnone noinline"
#: Bytes of scratch memory up to which the stack has room for it.
_SMALL_ARENA = 2048


def ir(layout: Layout) -> str:
    """Write the entry of a module that defines `@run`."""
    if layout.structure is None:
        raise ValueError("the result has a structure that machine code does not make")
    return _Entry(layout).text()


class _Entry(Writer):
    """The function under construction."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.arguments = Arguments(self)
        self.result = Result(self)
        self.buffers = 0

    def text(self) -> str:
        layout = self.layout
        inputs = self.arguments.take()
        self._check_watches()
        captured = [self._captured(k) for k in range(len(layout.captured))]
        for buffer in inputs + captured + self.result.allocate(self.arguments.arrays):
            self._buffer(buffer)
        for k in range(len(layout.guards)):
            self.first.append(f"%guard{k} = alloca i64")
            self._buffer(f"%guard{k}")
        self._run()
        for k, guard in enumerate(layout.guards):
            self._check_guard(k, guard)
        made = self.result.make()
        self._release("held", self.arguments.held)
        self.add(f"ret ptr {made}")
        self._leave()
        head = [
            f"%buffers = alloca [{max(self.buffers, 1)} x ptr]",
            *self._room("objects", self.result.made),
            *self._room("held", self.arguments.held),
            *self.first,
            f"%table.array.at = getelementptr i8, ptr %self, i64 {TUPLE_ITEMS}",
            "%table.array = load ptr, ptr %table.array.at",
            f"%table.at = getelementptr i8, ptr %table.array, i64 {ARRAY_DATA}",
            "%table = load ptr, ptr %table.at",
        ]
        body = "\n".join(["entry:", *(f"  {line}" for line in head), *self.lines])
        signature = "define ptr @entry(ptr %self, ptr %args, i64 %count, ptr %keywords)"
        return f"{DECLARATIONS}{UNLOCKED}\n{signature} {_HOW} {{\n{body}\n}}\n"

    def _room(self, name: str, count: int) -> list[str]:
        """Make room for objects that are to be given up."""
        if not count:
            return []
        return [
            f"%{name} = alloca [{count} x ptr]",
            f"call void @llvm.memset.p0.i64(ptr %{name}, i8 0, i64 {8 * count}, i1 false)",
        ]

    def _release(self, name: str, count: int) -> None:
        if count:
            self.add(f"call void @cr.release(ptr %{name}, i64 {count})")

    def _buffer(self, pointer: str) -> None:
        k = self.buffers
        self.buffers += 1
        self.add(
            f"%buffer{k} = getelementptr ptr, ptr %buffers, i64 {k}",
            f"store ptr {pointer}, ptr %buffer{k}",
        )

    # --- before ------------------------------------------------------------------------------

    def _captured(self, k: int) -> str:
        name = f"captured{k}"
        self.word(f"{name}.at", self.places.captured[k])
        self.word(f"{name}.expected", self.places.captured[k] + 1)
        self.add(f"%{name} = load ptr, ptr %{name}.at")
        return self.checked_array(name)

    def _check_watches(self) -> None:
        self.word("watch.count.at", table.WATCH_COUNT)
        self.word("watches.at", table.WATCHES)
        self.add(
            "%watch.count = load i64, ptr %watch.count.at",
            "%watched = icmp ne i64 %watch.count, 0",
            "br i1 %watched, label %watch, label %watched.well",
        )
        self.label("watch")
        self.add(
            "%watches = load ptr, ptr %watches.at",
            "%unchanged = call i1 @cr.unchanged(ptr %watches, i64 %watch.count)",
            "br i1 %unchanged, label %watched.well, label %fall.back",
        )
        self.label("watched.well")

    # --- the run -----------------------------------------------------------------------------

    def _run(self) -> None:
        size = self.layout.arena_bytes
        if size > _SMALL_ARENA:
            self._borrow_arena(size)
        elif size:
            self.first.append(f"%arena = alloca [{size} x i8], align 64")
        self._buffer("%arena" if size else "null")
        self.buffers += self.layout.words
        if self.layout.releases_lock:
            self.add("%code = call i32 @cr.unlocked(ptr @run, ptr %buffers)")
        else:
            self.add("%code = call i32 @run(ptr %buffers)")
        if size > _SMALL_ARENA:
            self._return_arena()
        self.add("%ran = icmp eq i32 %code, 0")
        self.require("%ran", "stopped")

    def _borrow_arena(self, size: int) -> None:
        """Take the function's arena, or another one while some call is using it."""
        self.add("br label %arena.take")
        self.label("arena.take")
        self.word("arena.at", table.ARENA)
        self.add(
            "%arena.own = atomicrmw xchg ptr %arena.at, ptr null seq_cst, align 8",
            "%arena.free = icmp ne ptr %arena.own, null",
            "br i1 %arena.free, label %arena.ready, label %arena.make",
        )
        self.label("arena.make")
        self.add(
            f"%arena.block = call ptr @malloc(i64 {size + 64})",
            "%arena.failed = icmp eq ptr %arena.block, null",
            "br i1 %arena.failed, label %no.memory, label %arena.align",
        )
        self.label("arena.align")
        self.add(
            "%arena.beyond = getelementptr i8, ptr %arena.block, i64 63",
            "%arena.aligned = call ptr @llvm.ptrmask.p0.i64(ptr %arena.beyond, i64 -64)",
            "br label %arena.ready",
        )
        self.label("arena.ready")
        self.add(
            "%arena = phi ptr [ %arena.own, %arena.take ], [ %arena.aligned, %arena.align ]",
            "%arena.rented = phi ptr [ null, %arena.take ], [ %arena.block, %arena.align ]",
        )

    def _return_arena(self) -> None:
        self.add(
            "%arena.borrowed = icmp eq ptr %arena.rented, null",
            "br i1 %arena.borrowed, label %arena.back, label %arena.drop",
        )
        self.label("arena.back")
        self.add(
            "store atomic ptr %arena, ptr %arena.at seq_cst, align 8",
            "br label %arena.done",
        )
        self.label("arena.drop")
        self.add("call void @free(ptr %arena.rented)", "br label %arena.done")
        self.label("arena.done")

    def _check_guard(self, k: int, guard: Guard) -> None:
        kind, value = guard
        self.add(
            f"%guard{k}.found = load i64, ptr %guard{k}",
            f"%guard{k}.same = icmp eq i64 %guard{k}.found, {bits(guard)}",
        )
        met = f"%guard{k}.same"
        if kind == "float" and value != value:  # one NaN is as good as another
            self.add(
                f"%guard{k}.float = load double, ptr %guard{k}",
                f"%guard{k}.nan = fcmp uno double %guard{k}.float, 0.0",
            )
            met = f"%guard{k}.nan"
        self.require(met, "give.up")

    # --- after -------------------------------------------------------------------------------

    def _leave(self) -> None:
        """Write the ways out that are not the usual one."""
        if self.layout.arena_bytes > _SMALL_ARENA:
            self.label("no.memory")
            self.add("%error = call ptr @PyErr_NoMemory()", "br label %fail")
        self.label("fail")
        self._release("objects", self.result.made)
        self._release("held", self.arguments.held)
        self.add("ret ptr null")
        self.label("stopped")
        self.add(
            "%raised = call ptr @PyErr_Occurred()",
            "%silent = icmp eq ptr %raised, null",
            "br i1 %silent, label %give.up, label %fail",
        )
        self.label("give.up")
        self._release("objects", self.result.made)
        self.add("br label %fall.back")
        self.label("no.attribute")
        self.add("call void @PyErr_Clear()", "br label %fall.back")
        self.label("fall.back")
        self._release("held", self.arguments.held)
        self.word("fallback.at", table.FALLBACK)
        self.add(
            "%fallback = load ptr, ptr %fallback.at",
            "%other = call ptr @PyObject_Vectorcall("
            "ptr %fallback, ptr %args, i64 %count, ptr %keywords)",
            "ret ptr %other",
        )
