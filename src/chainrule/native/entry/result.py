"""The result of a call: arrays made before the run, and put together with numbers after it.

First every object is made, empty; then dicts and dataclasses are filled, which may fail; then
tuples and lists, which cannot. Whatever fails on the way, all objects are given up.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.native.entry.layout import Fixed, Structure, Tree, inside
from chainrule.native.entry.objects import ARRAY_DATA, TUPLE_HASH, TUPLE_ITEMS
from chainrule.native.entry.writer import Writer

__all__ = ["Result"]


class Result:
    """Writes the parts of an entry that make the result.

    Attributes:
        made: how many objects ``%objects`` holds at most.
    """

    def __init__(self, writer: Writer) -> None:
        self._to = writer
        self._seen: set[int] = set()
        self._stores: list[tuple[str, str, str, bool]] = []
        self._fills: list[str] = []
        self._given: list[str] = []  # objects that those that hold them keep by themselves
        self.made = 0

    def allocate(self, inputs: Mapping[int, str]) -> list[str]:
        """Write the making of arrays; return the pointers to the outputs' buffers.

        Args:
            inputs: the arrays that were given, by the number of the input.
        """
        slots = self._to.layout.outputs
        for k, slot in enumerate(slots):
            donor = self._to.layout.donors.get(k)
            if donor is not None:
                self._to.add(
                    f"%output{k} = getelementptr i8, ptr {inputs[donor]}, i64 0",
                    f"call void @Py_IncRef(ptr %output{k})",
                )
                self._to.note(f"%output{k}", "objects", self.made)
                self.made += 1
                self._to.field(f"output{k}.buffer", f"%output{k}", ARRAY_DATA)
            elif slot.kind == "array":
                array = self._new_array(f"output{k}", k)
                self._to.field(f"output{k}.buffer", array, ARRAY_DATA)
            else:
                self._to.first.append(f"%output{k}.buffer = alloca i64")
        return [f"%output{k}.buffer" for k in range(len(slots))]

    def make(self) -> str:
        """Write the rest, and return the result."""
        structure = self._to.layout.structure
        assert structure is not None
        result = self._object(structure)
        if isinstance(structure, Fixed):
            self._to.add(f"call void @Py_IncRef(ptr {result})")
        for k, (holder, key, item, is_dict) in enumerate(self._stores):
            put = "PyDict_SetItem" if is_dict else "PyObject_GenericSetAttr"
            self._to.add(
                f"%put{k} = call i32 @{put}(ptr {holder}, ptr {key}, ptr {item})",
                f"%put{k}.well = icmp eq i32 %put{k}, 0",
            )
            self._to.require(f"%put{k}.well", "fail")
        self._to.add(*(f"call void @Py_DecRef(ptr {item})" for item in self._given), *self._fills)
        return result

    def _made(self, name: str, call: str) -> str:
        """Make an object, and note it as one to be given up if a later step fails."""
        self._to.add(f"%{name} = {call}", f"%{name}.made = icmp ne ptr %{name}, null")
        self._to.require(f"%{name}.made", "fail")
        self._to.note(f"%{name}", "objects", self.made)
        self.made += 1
        return f"%{name}"

    def _new_array(self, name: str, k: int) -> str:
        self._to.word(f"{name}.expected", self._to.places.outputs[k])
        return self._made(name, f"call ptr @cr.new_array(ptr %{name}.expected)")

    def _object(self, part: Structure) -> str:
        name = f"made{self.made}.{len(self._fills) + len(self._stores)}"
        if isinstance(part, int):
            first = part not in self._seen
            self._seen.add(part)
            return self._leaf(part, name, first)
        if isinstance(part, Fixed):
            return self._to.object(name, part.value)
        if isinstance(part, Tree) and part.keys is not None:
            return self._mapping(name, part)
        count = len(inside(part))
        if isinstance(part, tuple):
            made = self._made(name, f"call ptr @PyTuple_New(i64 {count})")
        elif part.kind is list:
            made = self._made(name, f"call ptr @PyList_New(i64 {count})")
        else:
            made = self._named_tuple(name, part)
        for k, inner in enumerate(inside(part)):
            item = self._object(inner)
            if isinstance(inner, Fixed):
                self._fills.append(f"call void @Py_IncRef(ptr {item})")
            if isinstance(part, Tree) and part.kind is list:
                self._fills.append(f"call i32 @PyList_SetItem(ptr {made}, i64 {k}, ptr {item})")
                continue
            place = f"{made}.item{k}"
            self._fills += [
                f"{place} = getelementptr i8, ptr {made}, i64 {TUPLE_ITEMS + 8 * k}",
                f"store ptr {item}, ptr {place}",
            ]
        return made

    def _named_tuple(self, name: str, tree: Tree) -> str:
        kind = self._to.object(f"{name}.kind", tree.kind)
        count = len(tree.parts)
        made = self._made(name, f"call ptr @PyType_GenericAlloc(ptr {kind}, i64 {count})")
        if TUPLE_HASH is not None:
            self._to.add(
                f"%{name}.hash = getelementptr i8, ptr {made}, i64 {TUPLE_HASH}",
                f"store i64 -1, ptr %{name}.hash",
            )
        return made

    def _mapping(self, name: str, tree: Tree) -> str:
        """Make a dict; or a dataclass's instance, as ``object.__new__`` does."""
        is_dict = tree.kind is dict
        if is_dict:
            made = self._made(name, "call ptr @PyDict_New()")
        else:
            kind = self._to.object(f"{name}.kind", tree.kind)
            made = self._made(name, f"call ptr @PyType_GenericAlloc(ptr {kind}, i64 0)")
        for k, (key, part) in enumerate(zip(tree.keys or (), tree.parts, strict=True)):
            at = self._to.object(f"{name}.key{k}", key)
            item = self._object(part)
            self._stores.append((made, at, item, is_dict))
            if not isinstance(part, Fixed):
                self._given.append(item)
        return made

    def _leaf(self, k: int, name: str, first: bool) -> str:
        slot = self._to.layout.outputs[k]
        if slot.kind == "float":
            self._to.add(f"%{name}.value = load double, ptr %output{k}.buffer")
            return self._made(name, f"call ptr @PyFloat_FromDouble(double %{name}.value)")
        if slot.kind == "scalar":
            self._to.word(f"{name}.dtype.at", self._to.places.outputs[k] + 1)
            self._to.add(f"%{name}.dtype = load ptr, ptr %{name}.dtype.at")
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
        data = self._to.field(f"{name}.data", copy, ARRAY_DATA)
        self._to.add(
            f"call void @llvm.memcpy.p0.p0.i64("
            f"ptr {data}, ptr %output{k}.buffer, i64 {size}, i1 false)",
        )
        return copy
