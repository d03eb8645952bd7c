"""The way from Python into machine code and back, as LLVM IR made for one layout.

The result is a function of CPython's fast calling convention (METH_FASTCALL | METH_KEYWORDS):
``ptr @entry(ptr self, ptr args, i64 count, ptr keywords)``. It checks the arguments, collects
pointers to the buffers, calls `@run`, compares the guards, and makes the result. Whatever it does
not expect it leaves to the fallback, called with the arguments that it got.
"""

from __future__ import annotations

from chainrule.native.entry import table
from chainrule.native.entry.layout import Guard, Layout, Slot, Structure, bits
from chainrule.native.entry.objects import ARRAY_DATA, DECLARATIONS, SCALAR_VALUE, TUPLE_ITEMS, TYPE
from chainrule.native.runtime.interrupts import UNLOCKED

__all__ = ["ir"]

#: Bytes of scratch memory up to which the stack has room for it.
_SMALL_ARENA = 2048


def ir(layout: Layout) -> str:
    """Write the entry of a module that defines `@run`."""
    if layout.structure is None:
        raise ValueError("the result has a structure that machine code does not make")
    return _Entry(layout, layout.structure).text()


class _Entry:
    """The function under construction."""

    def __init__(self, layout: Layout, structure: Structure) -> None:
        self.layout = layout
        self.structure = structure
        self.places = table.places(layout)
        self.lines: list[str] = []
        self.first: list[str] = []  # allocas
        self.buffers = 0
        self.labels = 0
        self.objects = 0  # made so far, to be given up if something fails

    def text(self) -> str:
        layout = self.layout
        self._check_call()
        inputs = [self._argument(k, slot) for k, slot in enumerate(layout.inputs)]
        self._check_watches()
        captured = [self._captured(k) for k in range(len(layout.captured))]
        self._allocate_results()
        for buffer in inputs + captured:
            self._buffer(buffer)
        for k in range(len(layout.outputs)):
            self._buffer(f"%output{k}.buffer")
        for k in range(len(layout.guards)):
            self.first.append(f"%guard{k} = alloca i64")
            self._buffer(f"%guard{k}")
        self._run()
        for k, guard in enumerate(layout.guards):
            self._check_guard(k, guard)
        result = self._result()
        self._add(f"ret ptr {result}")
        self._leave()
        count = max(self.objects, 1)
        head = [
            f"%buffers = alloca [{max(self.buffers, 1)} x ptr]",
            f"%objects = alloca [{count} x ptr]",
            *self.first,
            f"call void @llvm.memset.p0.i64(ptr %objects, i8 0, i64 {8 * count}, i1 false)",
            f"%table.array.at = getelementptr i8, ptr %self, i64 {TUPLE_ITEMS}",
            "%table.array = load ptr, ptr %table.array.at",
            f"%table.at = getelementptr i8, ptr %table.array, i64 {ARRAY_DATA}",
            "%table = load ptr, ptr %table.at",
        ]
        body = "\n".join(["entry:", *(f"  {line}" for line in head), *self.lines])
        signature = "define ptr @entry(ptr %self, ptr %args, i64 %count, ptr %keywords)"
        return f"{DECLARATIONS}{UNLOCKED}\n{signature} nounwind {{\n{body}\n}}\n"

    # --- lines -------------------------------------------------------------------------------

    def _add(self, *lines: str) -> None:
        self.lines += [f"  {line}" for line in lines]

    def _label(self, name: str) -> None:
        self.lines.append(f"{name}:")

    def _require(self, condition: str, otherwise: str) -> None:
        """Go on only if a condition holds."""
        self.labels += 1
        self._add(f"br i1 {condition}, label %go.{self.labels}, label %{otherwise}")
        self._label(f"go.{self.labels}")

    def _word(self, name: str, place: int) -> None:
        self._add(f"%{name} = getelementptr i64, ptr %table, i64 {place}")

    def _buffer(self, pointer: str) -> None:
        k = self.buffers
        self.buffers += 1
        self._add(
            f"%buffer{k} = getelementptr ptr, ptr %buffers, i64 {k}",
            f"store ptr {pointer}, ptr %buffer{k}",
        )

    # --- before ------------------------------------------------------------------------------

    def _check_call(self) -> None:
        self._add(
            "%positional = icmp eq ptr %keywords, null",
            f"%complete = icmp eq i64 %count, {len(self.layout.inputs)}",
            "%called.well = and i1 %positional, %complete",
        )
        self._require("%called.well", "fall.back")

    def _argument(self, k: int, slot: Slot) -> str:
        """Check an argument, and return the pointer to its buffer."""
        name = f"input{k}"
        self._add(
            f"%{name}.at = getelementptr ptr, ptr %args, i64 {k}",
            f"%{name} = load ptr, ptr %{name}.at",
        )
        if slot.kind == "array":
            self._word(f"{name}.expected", self.places.inputs[k])
            return self._checked_array(name)
        self._add(
            f"%{name}.type.at = getelementptr i8, ptr %{name}, i64 {TYPE}",
            f"%{name}.type = load ptr, ptr %{name}.type.at",
        )
        expected = "@PyFloat_Type"
        if slot.kind == "scalar":
            expected = f"%{name}.expected"
            self._word(f"{name}.expected.at", self.places.inputs[k])
            self._add(f"{expected} = load ptr, ptr %{name}.expected.at")
        self._add(f"%{name}.ok = icmp eq ptr %{name}.type, {expected}")
        self._require(f"%{name}.ok", "fall.back")
        self._add(f"%{name}.value = getelementptr i8, ptr %{name}, i64 {SCALAR_VALUE}")
        if slot.dtype.kind not in "iu" or slot.dtype.itemsize == 8:
            return f"%{name}.value"
        narrow = f"i{8 * slot.dtype.itemsize}"
        extend = "zext" if slot.dtype.kind == "u" else "sext"
        self.first.append(f"%{name}.wide.at = alloca i64")
        self._add(
            f"%{name}.narrow = load {narrow}, ptr %{name}.value",
            f"%{name}.wide = {extend} {narrow} %{name}.narrow to i64",
            f"store i64 %{name}.wide, ptr %{name}.wide.at",
        )
        return f"%{name}.wide.at"

    def _captured(self, k: int) -> str:
        name = f"captured{k}"
        self._word(f"{name}.at", self.places.captured[k])
        self._word(f"{name}.expected", self.places.captured[k] + 1)
        self._add(f"%{name} = load ptr, ptr %{name}.at")
        return self._checked_array(name)

    def _checked_array(self, name: str) -> str:
        self._add(f"%{name}.ok = call i1 @cr.is_array(ptr %{name}, ptr %{name}.expected)")
        self._require(f"%{name}.ok", "fall.back")
        self._add(
            f"%{name}.data.at = getelementptr i8, ptr %{name}, i64 {ARRAY_DATA}",
            f"%{name}.data = load ptr, ptr %{name}.data.at",
        )
        return f"%{name}.data"

    def _check_watches(self) -> None:
        self._word("watch.count.at", table.WATCH_COUNT)
        self._word("watches.at", table.WATCHES)
        self._add(
            "%watch.count = load i64, ptr %watch.count.at",
            "%watched = icmp ne i64 %watch.count, 0",
            "br i1 %watched, label %watch, label %watched.well",
        )
        self._label("watch")
        self._add(
            "%watches = load ptr, ptr %watches.at",
            "%unchanged = call i1 @cr.unchanged(ptr %watches, i64 %watch.count)",
            "br i1 %unchanged, label %watched.well, label %fall.back",
        )
        self._label("watched.well")

    def _allocate_results(self) -> None:
        for k, slot in enumerate(self.layout.outputs):
            if slot.kind == "array":
                array = self._new_array(f"output{k}", k)
                self._add(
                    f"%output{k}.data.at = getelementptr i8, ptr {array}, i64 {ARRAY_DATA}",
                    f"%output{k}.buffer = load ptr, ptr %output{k}.data.at",
                )
            else:
                self.first.append(f"%output{k}.buffer = alloca i64")

    def _new_array(self, name: str, k: int) -> str:
        self._word(f"{name}.expected", self.places.outputs[k])
        return self._made(name, f"call ptr @cr.new_array(ptr %{name}.expected)")

    def _made(self, name: str, call: str) -> str:
        """Make an object, and note it as one to be given up if a later step fails."""
        self._add(f"%{name} = {call}", f"%{name}.made = icmp ne ptr %{name}, null")
        self._require(f"%{name}.made", "fail")
        self._add(
            f"%{name}.noted = getelementptr ptr, ptr %objects, i64 {self.objects}",
            f"store ptr %{name}, ptr %{name}.noted",
        )
        self.objects += 1
        return f"%{name}"

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
            self._add("%code = call i32 @cr.unlocked(ptr @run, ptr %buffers)")
        else:
            self._add("%code = call i32 @run(ptr %buffers)")
        if size > _SMALL_ARENA:
            self._return_arena()
        self._add("%ran = icmp eq i32 %code, 0")
        self._require("%ran", "stopped")

    def _borrow_arena(self, size: int) -> None:
        """Take the function's arena, or another one while some call is using it."""
        self._add("br label %arena.take")
        self._label("arena.take")
        self._word("arena.at", table.ARENA)
        self._add(
            "%arena.own = atomicrmw xchg ptr %arena.at, ptr null seq_cst, align 8",
            "%arena.free = icmp ne ptr %arena.own, null",
            "br i1 %arena.free, label %arena.ready, label %arena.make",
        )
        self._label("arena.make")
        self._add(
            f"%arena.block = call ptr @malloc(i64 {size + 64})",
            "%arena.failed = icmp eq ptr %arena.block, null",
            "br i1 %arena.failed, label %no.memory, label %arena.align",
        )
        self._label("arena.align")
        self._add(
            "%arena.beyond = getelementptr i8, ptr %arena.block, i64 63",
            "%arena.aligned = call ptr @llvm.ptrmask.p0.i64(ptr %arena.beyond, i64 -64)",
            "br label %arena.ready",
        )
        self._label("arena.ready")
        self._add(
            "%arena = phi ptr [ %arena.own, %arena.take ], [ %arena.aligned, %arena.align ]",
            "%arena.rented = phi ptr [ null, %arena.take ], [ %arena.block, %arena.align ]",
        )

    def _return_arena(self) -> None:
        self._add(
            "%arena.borrowed = icmp eq ptr %arena.rented, null",
            "br i1 %arena.borrowed, label %arena.back, label %arena.drop",
        )
        self._label("arena.back")
        self._add(
            "store atomic ptr %arena, ptr %arena.at seq_cst, align 8",
            "br label %arena.done",
        )
        self._label("arena.drop")
        self._add("call void @free(ptr %arena.rented)", "br label %arena.done")
        self._label("arena.done")

    def _check_guard(self, k: int, guard: Guard) -> None:
        kind, value = guard
        self._add(
            f"%guard{k}.found = load i64, ptr %guard{k}",
            f"%guard{k}.same = icmp eq i64 %guard{k}.found, {bits(guard)}",
        )
        met = f"%guard{k}.same"
        if kind == "float" and value != value:  # one NaN is as good as another
            self._add(
                f"%guard{k}.float = load double, ptr %guard{k}",
                f"%guard{k}.nan = fcmp uno double %guard{k}.float, 0.0",
            )
            met = f"%guard{k}.nan"
        self._require(met, "give.up")

    # --- after -------------------------------------------------------------------------------

    def _result(self) -> str:
        """Make every object first: tuples, filled only when nothing can fail any more."""
        fills: list[str] = []
        seen: set[int] = set()

        def make(part: Structure) -> str:
            name = f"made{self.objects}"
            if isinstance(part, int):
                first = part not in seen
                seen.add(part)
                return self._leaf(part, name, first)
            made = self._made(name, f"call ptr @PyTuple_New(i64 {len(part)})")
            for k, inner in enumerate(part):
                item = make(inner)
                offset = TUPLE_ITEMS + 8 * k
                place = f"{made}.item{k}"
                fills.append(f"{place} = getelementptr i8, ptr {made}, i64 {offset}")
                fills.append(f"store ptr {item}, ptr {place}")
            return made

        result = make(self.structure)
        self._add(*fills)
        return result

    def _leaf(self, k: int, name: str, first: bool) -> str:
        slot = self.layout.outputs[k]
        if slot.kind == "float":
            self._add(f"%{name}.value = load double, ptr %output{k}.buffer")
            return self._made(name, f"call ptr @PyFloat_FromDouble(double %{name}.value)")
        if slot.kind == "scalar":
            self._word(f"{name}.dtype.at", self.places.outputs[k] + 1)
            self._add(f"%{name}.dtype = load ptr, ptr %{name}.dtype.at")
            return self._made(
                name,
                f"call ptr @PyArray_Scalar(ptr %output{k}.buffer, ptr %{name}.dtype, ptr null)",
            )
        if first:
            return f"%output{k}"
        copy = self._new_array(name, k)
        size = slot.dtype.itemsize
        for length in slot.shape:
            size *= length
        self._add(
            f"%{name}.data.at = getelementptr i8, ptr {copy}, i64 {ARRAY_DATA}",
            f"%{name}.data = load ptr, ptr %{name}.data.at",
            f"call void @llvm.memcpy.p0.p0.i64("
            f"ptr %{name}.data, ptr %output{k}.buffer, i64 {size}, i1 false)",
        )
        return copy

    def _leave(self) -> None:
        """Write the ways out that are not the usual one."""
        release = f"call void @cr.release(ptr %objects, i64 {self.objects})"
        if self.layout.arena_bytes > _SMALL_ARENA:
            self._label("no.memory")
            self._add("%error = call ptr @PyErr_NoMemory()", "br label %fail")
        self._label("fail")
        self._add(release, "ret ptr null")
        self._label("stopped")
        self._add(
            "%raised = call ptr @PyErr_Occurred()",
            "%silent = icmp eq ptr %raised, null",
            "br i1 %silent, label %give.up, label %fail",
        )
        self._label("give.up")
        self._add(release, "br label %fall.back")
        self._label("fall.back")
        self._word("fallback.at", table.FALLBACK)
        self._add(
            "%fallback = load ptr, ptr %fallback.at",
            "%other = call ptr @PyObject_Vectorcall("
            "ptr %fallback, ptr %args, i64 %count, ptr %keywords)",
            "ret ptr %other",
        )
