"""The arguments of a call: taken apart down to the inputs, and checked on the way.

Whatever is not as it was leads to the fallback. Inputs that lie in containers are held until the
end: while machine code runs, others may take them out.
"""

from __future__ import annotations

from chainrule.native.entry.layout import Fixed, Slot, Structure, Tree
from chainrule.native.entry.objects import LIST_ITEMS, SCALAR_VALUE, SIZE, TUPLE_ITEMS, TYPE
from chainrule.native.entry.writer import Writer

__all__ = ["Arguments"]


class Arguments:
    """Writes the part of an entry that checks the arguments.

    Attributes:
        arrays: the objects of the inputs that are arrays.
        held: how many objects ``%held`` holds at most.
    """

    def __init__(self, writer: Writer) -> None:
        self._to = writer
        self._inputs = writer.layout.inputs
        self._found: dict[int, str] = {}
        self.arrays: dict[int, str] = {}
        self.held = 0

    def take(self) -> list[str]:
        """Write it, and return the pointers to the inputs' buffers."""
        given = self._to.layout.arguments
        structures = tuple(range(len(self._inputs))) if given is None else given
        self._to.add(
            "%positional = icmp eq ptr %keywords, null",
            f"%complete = icmp eq i64 %count, {len(structures)}",
            "%called.well = and i1 %positional, %complete",
        )
        self._to.require("%called.well", "fall.back")
        for containers in (False, True):  # of another batch size it is soon told by an array
            for k, structure in enumerate(structures):
                if isinstance(structure, int) != containers:
                    name = f"argument{k}"
                    self._to.field(name, "%args", 8 * k)
                    self._part(name, structure, is_inside=False)
        return [self._found[k] for k in range(len(self._inputs))]

    def _part(self, name: str, structure: Structure, is_inside: bool = True) -> None:
        if isinstance(structure, int):
            if is_inside:
                self._to.add(f"call void @Py_IncRef(ptr %{name})")
                self._hold(name)
            self._found[structure] = self._input(name, structure, self._inputs[structure])
        elif isinstance(structure, Fixed):
            self._is_same(name, structure.value)
        elif isinstance(structure, tuple):
            self._sequence(name, tuple, structure)
        elif structure.keys is None:
            self._sequence(name, structure.kind, structure.parts)
        elif structure.kind is dict:
            self._dict(name, structure)
        else:
            self._record(name, structure)

    def _hold(self, name: str) -> None:
        self._to.note(f"%{name}", "held", self.held)
        self.held += 1

    def _is_same(self, name: str, value: object) -> None:
        expected = self._to.object(f"{name}.wanted", value)
        self._to.add(f"%{name}.same = call i1 @cr.is_same(ptr %{name}, ptr {expected})")
        self._to.require(f"%{name}.same", "fall.back")

    def _is_of(self, name: str, kind: type) -> None:
        expected = self._to.object(f"{name}.kind", kind)
        found = self._to.field(f"{name}.type", f"%{name}", TYPE)
        self._to.add(f"%{name}.is.kind = icmp eq ptr {found}, {expected}")
        self._to.require(f"%{name}.is.kind", "fall.back")

    def _sequence(self, name: str, kind: type, parts: tuple[Structure, ...]) -> None:
        self._is_of(name, kind)
        size = self._to.field(f"{name}.size", f"%{name}", SIZE, "i64")
        self._to.add(f"%{name}.complete = icmp eq i64 {size}, {len(parts)}")
        self._to.require(f"%{name}.complete", "fall.back")
        items, first = f"%{name}", TUPLE_ITEMS
        if kind is list and parts:
            items, first = self._to.field(f"{name}.items", items, LIST_ITEMS), 0
        for k, part in enumerate(parts):
            self._to.field(f"{name}.{k}", items, first + 8 * k)
            self._part(f"{name}.{k}", part)

    def _dict(self, name: str, tree: Tree) -> None:
        """Go through a dict: the same keys in another order are another signature."""
        self._is_of(name, dict)
        at = [f"%{name}.{what}.place" for what in ("position", "key", "value")]
        self._to.first += [f"{place} = alloca i64" for place in at]
        self._to.add(f"store i64 0, ptr {at[0]}")
        following = f"call i32 @PyDict_Next(ptr %{name}, ptr {at[0]}, ptr {at[1]}, ptr {at[2]})"
        for k, (key, part) in enumerate(zip(tree.keys or (), tree.parts, strict=True)):
            self._to.add(f"%{name}.{k}.found = {following}")
            self._to.add(f"%{name}.{k}.there = icmp ne i32 %{name}.{k}.found, 0")
            self._to.require(f"%{name}.{k}.there", "fall.back")
            self._to.add(
                f"%{name}.{k}.key = load ptr, ptr {at[1]}",
                f"%{name}.{k} = load ptr, ptr {at[2]}",
            )
            self._is_same(f"{name}.{k}.key", key)
            self._part(f"{name}.{k}", part)
        self._to.add(f"%{name}.more = {following}", f"%{name}.all = icmp eq i32 %{name}.more, 0")
        self._to.require(f"%{name}.all", "fall.back")

    def _record(self, name: str, tree: Tree) -> None:
        self._is_of(name, tree.kind)
        for k, (field, part) in enumerate(zip(tree.keys or (), tree.parts, strict=True)):
            wanted = self._to.object(f"{name}.{k}.name", field)
            self._to.add(
                f"%{name}.{k} = call ptr @PyObject_GetAttr(ptr %{name}, ptr {wanted})",
                f"%{name}.{k}.there = icmp ne ptr %{name}.{k}, null",
            )
            self._to.require(f"%{name}.{k}.there", "no.attribute")
            self._hold(f"{name}.{k}")
            self._part(f"{name}.{k}", part, is_inside=False)  # it is held already

    def _input(self, name: str, k: int, slot: Slot) -> str:
        """Check an input, and return the pointer to its buffer."""
        if slot.kind == "array":
            self._to.word(f"{name}.expected", self._to.places.inputs[k])
            self.arrays[k] = f"%{name}"
            return self._to.checked_array(name)
        found = self._to.field(f"{name}.type", f"%{name}", TYPE)
        expected = "@PyFloat_Type"
        if slot.kind == "scalar":
            expected = f"%{name}.expected"
            self._to.word(f"{name}.expected.at", self._to.places.inputs[k])
            self._to.add(f"{expected} = load ptr, ptr %{name}.expected.at")
        self._to.add(f"%{name}.ok = icmp eq ptr {found}, {expected}")
        self._to.require(f"%{name}.ok", "fall.back")
        self._to.add(f"%{name}.value = getelementptr i8, ptr %{name}, i64 {SCALAR_VALUE}")
        if slot.dtype.kind not in "iu" or slot.dtype.itemsize == 8:
            return f"%{name}.value"
        narrow = f"i{8 * slot.dtype.itemsize}"
        extend = "zext" if slot.dtype.kind == "u" else "sext"
        self._to.first.append(f"%{name}.wide.at = alloca i64")
        self._to.add(
            f"%{name}.narrow = load {narrow}, ptr %{name}.value",
            f"%{name}.wide = {extend} {narrow} %{name}.narrow to i64",
            f"store i64 %{name}.wide, ptr %{name}.wide.at",
        )
        return f"%{name}.wide.at"
