"""Python and NumPy objects as machine code sees them: their fields, and what handles them.

The offsets below hold for every 64-bit CPython with a lock and every NumPy 2; `known` compares them
with the running interpreter. `definitions` is linked once in a process: it checks arrays against
what is expected of them, makes new ones, and compares what is watched.
"""

from __future__ import annotations

import ctypes
import functools
import struct
import sys
import sysconfig
from types import CellType
from typing import Any

import numpy as np

from chainrule.native.runtime import engine

__all__ = [
    "ARRAY_DATA",
    "DECLARATIONS",
    "LIST_ITEMS",
    "SCALAR_VALUE",
    "SIZE",
    "TUPLE_HASH",
    "TUPLE_ITEMS",
    "TYPE",
    "known",
]

TYPE = 8  #: in any object
SCALAR_VALUE = 16  #: in a float or a NumPy scalar
TUPLE_ITEMS = tuple.__basicsize__  #: in a tuple (Python 3.14 moved them)
TUPLE_HASH = 24 if TUPLE_ITEMS > 24 else None  #: in a tuple; Python 3.14 keeps it, -1 if unknown
ARRAY_DATA = 16  #: in an ndarray
SIZE = 16  #: in a tuple or a list
LIST_ITEMS = 24  #: in a list, a pointer to them
CELL_CONTENTS = 16
_EQUAL = 2  # CPython's Py_EQ
_ARRAY_NDIM, _ARRAY_SHAPE, _ARRAY_DTYPE, _ARRAY_FLAGS = 24, 32, 56, 64
_DTYPE_KIND, _DTYPE_BYTE_ORDER, _DTYPE_NUMBER, _DTYPE_SIZE = 24, 26, 28, 40
_CONTIGUOUS_AND_ALIGNED = 0x0101
_NUMPY_ABI = 0x02000000

# Places in NumPy's table of functions, which stay as they are (numpy/__multiarray_api.h).
_NUMPY = {"PyArray_Type": 2, "PyArray_Scalar": 60, "PyArray_New": 93}
_TYPES = {"PyFloat_Type": float, "PyLong_Type": int, "PyUnicode_Type": str}

#: For modules that use objects.
DECLARATIONS = """\
@PyFloat_Type = external global i8
declare ptr @PyFloat_FromDouble(double) nounwind
declare ptr @PyTuple_New(i64) nounwind
declare ptr @PyList_New(i64) nounwind
declare i32 @PyList_SetItem(ptr, i64, ptr) nounwind
declare ptr @PyDict_New() nounwind
declare i32 @PyDict_Next(ptr, ptr, ptr, ptr) nounwind
declare i32 @PyDict_SetItem(ptr, ptr, ptr) nounwind
declare ptr @PyType_GenericAlloc(ptr, i64) nounwind
declare ptr @PyObject_GetAttr(ptr, ptr) nounwind
declare i32 @PyObject_GenericSetAttr(ptr, ptr, ptr) nounwind
declare void @Py_IncRef(ptr) nounwind
declare void @Py_DecRef(ptr) nounwind
declare void @PyErr_Clear() nounwind cold
declare ptr @PyErr_Occurred() nounwind cold
declare ptr @PyErr_NoMemory() nounwind cold
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr) nounwind cold
declare ptr @PyArray_Scalar(ptr, ptr, ptr) nounwind
declare ptr @malloc(i64) nounwind
declare void @free(ptr) nounwind
declare i1 @cr.is_array(ptr, ptr) nounwind
declare i1 @cr.is_same(ptr, ptr) nounwind
declare ptr @cr.new_array(ptr) nounwind
declare i1 @cr.unchanged(ptr, i64) nounwind
declare void @cr.release(ptr, i64) nounwind cold
"""

_DEFINITIONS = f"""\
@PyArray_Type = external global i8
@PyLong_Type = external global i8
@PyUnicode_Type = external global i8
declare i32 @PyObject_RichCompareBool(ptr, ptr, i32)
declare ptr @PyArray_New(ptr, i32, ptr, i32, ptr, ptr, i32, i32, ptr)
declare ptr @PyDict_GetItemWithError(ptr, ptr)
declare ptr @PyErr_Occurred()
declare void @PyErr_Clear()
declare void @Py_DecRef(ptr)

; Whether an object is an array as expected: dtype, number of axes, and their lengths are given.
define i1 @cr.is_array(ptr %object, ptr %expected) nounwind {{
entry:
  %type.at = getelementptr i8, ptr %object, i64 {TYPE}
  %type = load ptr, ptr %type.at
  %exact = icmp eq ptr %type, @PyArray_Type
  br i1 %exact, label %check.flags, label %no
check.flags:
  %flags.at = getelementptr i8, ptr %object, i64 {_ARRAY_FLAGS}
  %flags = load i32, ptr %flags.at
  %both = and i32 %flags, {_CONTIGUOUS_AND_ALIGNED}
  %plain = icmp eq i32 %both, {_CONTIGUOUS_AND_ALIGNED}
  br i1 %plain, label %check.dtype, label %no
check.dtype:
  %dtype.at = getelementptr i8, ptr %object, i64 {_ARRAY_DTYPE}
  %dtype = load ptr, ptr %dtype.at
  %dtype.expected = load ptr, ptr %expected
  %same = icmp eq ptr %dtype, %dtype.expected
  br i1 %same, label %check.axes, label %compare.dtype
compare.dtype:
  ; There are others of the same meaning: arrays that were pickled bring their own.
  %kind.at = getelementptr i8, ptr %dtype, i64 {_DTYPE_KIND}
  %kind = load i8, ptr %kind.at
  %kind.expected.at = getelementptr i8, ptr %dtype.expected, i64 {_DTYPE_KIND}
  %kind.expected = load i8, ptr %kind.expected.at
  %same.kind = icmp eq i8 %kind, %kind.expected
  %size.at = getelementptr i8, ptr %dtype, i64 {_DTYPE_SIZE}
  %size = load i64, ptr %size.at
  %size.expected.at = getelementptr i8, ptr %dtype.expected, i64 {_DTYPE_SIZE}
  %size.expected = load i64, ptr %size.expected.at
  %same.size = icmp eq i64 %size, %size.expected
  %order.at = getelementptr i8, ptr %dtype, i64 {_DTYPE_BYTE_ORDER}
  %order = load i8, ptr %order.at
  %native = icmp ne i8 %order, {ord(">")}
  %same.number = and i1 %same.kind, %same.size
  %alike = and i1 %same.number, %native
  br i1 %alike, label %check.axes, label %no
check.axes:
  %ndim.at = getelementptr i8, ptr %object, i64 {_ARRAY_NDIM}
  %ndim.short = load i32, ptr %ndim.at
  %ndim = sext i32 %ndim.short to i64
  %ndim.expected.at = getelementptr i64, ptr %expected, i64 1
  %ndim.expected = load i64, ptr %ndim.expected.at
  %same.ndim = icmp eq i64 %ndim, %ndim.expected
  br i1 %same.ndim, label %axes, label %no
axes:
  %shape.at = getelementptr i8, ptr %object, i64 {_ARRAY_SHAPE}
  %shape = load ptr, ptr %shape.at
  %shape.expected = getelementptr i64, ptr %expected, i64 2
  br label %axis
axis:
  %i = phi i64 [ 0, %axes ], [ %next, %compare ]
  %all = icmp eq i64 %i, %ndim
  br i1 %all, label %yes, label %compare
compare:
  %length.at = getelementptr i64, ptr %shape, i64 %i
  %length = load i64, ptr %length.at
  %length.expected.at = getelementptr i64, ptr %shape.expected, i64 %i
  %length.expected = load i64, ptr %length.expected.at
  %same.length = icmp eq i64 %length, %length.expected
  %next = add i64 %i, 1
  br i1 %same.length, label %axis, label %no
yes:
  ret i1 true
no:
  ret i1 false
}}

; Whether an object is the one expected, or an int or a string that equals it.
define i1 @cr.is_same(ptr %object, ptr %expected) nounwind {{
entry:
  %identical = icmp eq ptr %object, %expected
  br i1 %identical, label %yes, label %check.type
check.type:
  %type.at = getelementptr i8, ptr %object, i64 {TYPE}
  %type = load ptr, ptr %type.at
  %expected.type.at = getelementptr i8, ptr %expected, i64 {TYPE}
  %expected.type = load ptr, ptr %expected.type.at
  %same.type = icmp eq ptr %type, %expected.type
  %is.int = icmp eq ptr %type, @PyLong_Type
  %is.string = icmp eq ptr %type, @PyUnicode_Type
  %is.value = or i1 %is.int, %is.string
  %comparable = and i1 %same.type, %is.value
  br i1 %comparable, label %compare, label %no
compare:
  %equal = call i32 @PyObject_RichCompareBool(ptr %object, ptr %expected, i32 {_EQUAL})
  %is.equal = icmp eq i32 %equal, 1
  br i1 %is.equal, label %yes, label %no
yes:
  ret i1 true
no:
  ret i1 false
}}

; A new array of the given dtype, number of axes, and their lengths; null with an error set.
define ptr @cr.new_array(ptr %wanted) nounwind {{
  %dtype = load ptr, ptr %wanted
  %number.at = getelementptr i8, ptr %dtype, i64 {_DTYPE_NUMBER}
  %number = load i32, ptr %number.at
  %ndim.at = getelementptr i64, ptr %wanted, i64 1
  %ndim.long = load i64, ptr %ndim.at
  %ndim = trunc i64 %ndim.long to i32
  %shape = getelementptr i64, ptr %wanted, i64 2
  %array = call ptr @PyArray_New(ptr @PyArray_Type, i32 %ndim, ptr %shape, i32 %number,
      ptr null, ptr null, i32 0, i32 0, ptr null)
  ret ptr %array
}}

; Whether each of some dictionary entries (holder, key, value) or cells (holder, null, value) is
; unchanged. The value null stands for none.
define i1 @cr.unchanged(ptr %watches, i64 %count) nounwind {{
entry:
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %compare ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %watch, label %yes
watch:
  %first = mul i64 %i, 3
  %holder.at = getelementptr ptr, ptr %watches, i64 %first
  %holder = load ptr, ptr %holder.at
  %key.at = getelementptr ptr, ptr %holder.at, i64 1
  %key = load ptr, ptr %key.at
  %value.at = getelementptr ptr, ptr %holder.at, i64 2
  %value = load ptr, ptr %value.at
  %is.cell = icmp eq ptr %key, null
  br i1 %is.cell, label %cell, label %entry.of.dictionary
cell:
  %contents.at = getelementptr i8, ptr %holder, i64 {CELL_CONTENTS}
  %contents = load ptr, ptr %contents.at
  br label %compare
entry.of.dictionary:
  %item = call ptr @PyDict_GetItemWithError(ptr %holder, ptr %key)
  %no.item = icmp eq ptr %item, null
  br i1 %no.item, label %ask, label %compare
ask:
  ; A key's own comparison may have raised an exception: then nothing is known.
  %raised = call ptr @PyErr_Occurred()
  %failed = icmp ne ptr %raised, null
  br i1 %failed, label %forget, label %compare
forget:
  call void @PyErr_Clear()
  ret i1 false
compare:
  %found = phi ptr [ %contents, %cell ], [ %item, %entry.of.dictionary ],
      [ null, %ask ]
  %same = icmp eq ptr %found, %value
  %next = add i64 %i, 1
  br i1 %same, label %head, label %no
yes:
  ret i1 true
no:
  ret i1 false
}}

; Give up some objects, of which any may be null.
define void @cr.release(ptr %objects, i64 %count) nounwind {{
entry:
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %release ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %release, label %done
release:
  %at = getelementptr ptr, ptr %objects, i64 %i
  %object = load ptr, ptr %at
  call void @Py_DecRef(ptr %object)
  %next = add i64 %i, 1
  br label %head
done:
  ret void
}}
"""


@engine.provide
def _address(symbol: str) -> int | None:
    if symbol.startswith("cr.") and f"@{symbol}(" in _DEFINITIONS:
        return _library().address(symbol)
    if symbol in _NUMPY:
        return int(_numpy_table()[_NUMPY[symbol]])
    if symbol in _TYPES:
        return id(_TYPES[symbol])
    if symbol.startswith("Py") and hasattr(ctypes.pythonapi, symbol):
        return ctypes.cast(getattr(ctypes.pythonapi, symbol), ctypes.c_void_p).value
    return None


@functools.cache
def _library() -> engine.Library:
    return engine.link(_DEFINITIONS, "objects", optimise=False)


@functools.cache
def _numpy_table() -> Any:
    prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    pointer = prototype(("PyCapsule_GetPointer", ctypes.pythonapi))
    capsule = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
    return ctypes.cast(pointer(capsule, None), ctypes.POINTER(ctypes.c_size_t))


# --- whether all this holds here ---------------------------------------------------------------


@functools.cache
def known() -> bool:
    """Tell whether objects are built here as this module says."""
    return (
        sys.implementation.name == "cpython"
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
        and sys.byteorder == "little"
        and struct.calcsize("P") == 8
        and object.__basicsize__ == 16
        and float.__basicsize__ == 24
        and _fields_of_numpy()
        and _read(CellType(sample := object()), CELL_CONTENTS, "P") == id(sample)
        and _read((sample,), TUPLE_ITEMS, "P") == id(sample)
        and _read((sample,) * 3, SIZE, "q") == 3
        and _read(items := [sample] * 3, SIZE, "q") == 3
        and ctypes.c_size_t.from_address(_read(items, LIST_ITEMS, "P")).value == id(sample)
        and all(map(function_offset, ("__code__", "__defaults__", "__kwdefaults__")))
    )


@functools.cache
def function_offset(attribute: str) -> int | None:
    """Find where a function refers to its code or defaults, by looking into one; None if nowhere.

    The places differ between versions of Python.
    """

    def sample(x: Any = 0, *, y: Any = 0) -> None: ...

    wanted = id(getattr(sample, attribute))
    for offset in range(16, type(sample).__basicsize__ - 7, 8):
        if _read(sample, offset, "P") == wanted:
            return offset
    return None


def _fields_of_numpy() -> bool:
    try:
        version = ctypes.CFUNCTYPE(ctypes.c_uint)(_numpy_table()[0])()
    except (AttributeError, ValueError):
        return False
    if version != _NUMPY_ABI or np.ndarray.__basicsize__ < _ARRAY_FLAGS + 8:
        return False
    array = np.zeros((3, 5), np.int16)
    dtype = array.dtype
    shape = _read(array, _ARRAY_SHAPE, "P")
    return (
        _numpy_table()[_NUMPY["PyArray_Type"]] == id(np.ndarray)
        and _read(array, ARRAY_DATA, "P") == array.ctypes.data
        and _read(array, _ARRAY_NDIM, "i") == 2
        and (ctypes.c_int64 * 2).from_address(shape)[:] == [3, 5]
        and _read(array, _ARRAY_DTYPE, "P") == id(dtype)
        and _read(array, _ARRAY_FLAGS, "i") & 0x0103 == _CONTIGUOUS_AND_ALIGNED
        and _read(dtype, _DTYPE_KIND, "c") == b"i"
        and _read(dtype, _DTYPE_BYTE_ORDER, "c") == b"="
        and _read(dtype, _DTYPE_NUMBER, "i") == dtype.num
        and _read(dtype, _DTYPE_SIZE, "q") == 2
        and _read(np.int64(77), SCALAR_VALUE, "q") == 77
    )


def _read(owner: Any, offset: int, letter: str) -> Any:
    return struct.unpack(letter, ctypes.string_at(id(owner) + offset, struct.calcsize(letter)))[0]
