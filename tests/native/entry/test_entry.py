"""The built-in function around machine code: arguments, guards, results, references."""

from __future__ import annotations

import collections
import ctypes
import gc
import itertools
import pickle
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import CellType
from typing import Any

import numpy as np
import pytest

from chainrule.native.entry import calling
from chainrule.native.entry.layout import Guard, Layout, Slot, Structure, Watch
from chainrule.native.runtime import engine
from chainrule.numpy.closure import ABSENT

from ..conftest import STATM, resident

pytestmark = pytest.mark.skipif(not calling.objects.known(), reason="another kind of Python")

F8, F4, I8 = np.dtype("f8"), np.dtype("f4"), np.dtype("i8")
FLOAT = Slot("float", F8)


def array(*shape: int, dtype: str = "f8") -> Slot:
    return Slot("array", np.dtype(dtype), shape)


def scalar(dtype: str) -> Slot:
    return Slot("scalar", np.dtype(dtype))


def layout(
    inputs: Sequence[Slot],
    outputs: Sequence[Slot],
    structure: Structure = 0,
    captured: Sequence[Slot] = (),
    guards: Sequence[Guard] = (),
    arena: int = 0,
    releases_lock: bool = False,
) -> Layout:
    slots = tuple(inputs), tuple(captured), tuple(outputs)
    return Layout(*slots, tuple(guards), arena, releases_lock, structure)


def run(plan: Layout, body: str) -> str:
    """Write @run: buffer k is %bk. $copy i j type copies a number from one buffer to another."""
    count = sum(map(len, (plan.inputs, plan.captured, plan.outputs, plan.guards))) + 1
    lines = []
    for k in range(count):
        lines += [
            f"%p{k} = getelementptr ptr, ptr %buffers, i64 {k}",
            f"%b{k} = load ptr, ptr %p{k}",
        ]
    for number, line in enumerate(x.strip() for x in body.strip().splitlines()):
        if line.startswith("$copy"):
            _, source, target, kind = line.split()
            lines.append(f"%c{number} = load {kind}, ptr %b{source}")
            lines.append(f"store {kind} %c{number}, ptr %b{target}")
        else:
            lines.append(line)
    text = "\n  ".join(lines)
    end = "" if text.rstrip().splitlines()[-1].strip().startswith("ret") else "\n  ret i32 0"
    return f"define i32 @run(ptr %buffers) {{\n  {text}{end}\n}}\n"


def fallback(*args: Any, **kwargs: Any) -> Any:
    return "fallback", args, kwargs


def compiled(
    plan: Layout,
    body: str,
    captured: Sequence[np.ndarray[Any, Any]] = (),
    watched: Sequence[Watch] = (),
    otherwise: Callable[..., Any] = fallback,
    declarations: str = "",
) -> Callable[..., Any]:
    library = engine.link(calling.ir(plan) + declarations + run(plan, body), "test")
    return calling.make(plan, library, captured, watched, otherwise)


TWO_FLOATS = layout([FLOAT, FLOAT], [FLOAT] * 3, (0, (1, 2)))
PRODUCT = """
%x = load double, ptr %b0
%y = load double, ptr %b1
%z = fmul double %x, %y
store double %z, ptr %b2
store double %y, ptr %b3
store double %x, ptr %b4
"""


# --- arguments ---------------------------------------------------------------------------------


def test_floats() -> None:
    f = compiled(TWO_FLOATS, PRODUCT)
    assert f(2.0, 3.0) == (6.0, (3.0, 2.0))
    value, (dx, dy) = f(-0.0, float("inf"))
    assert value != value
    assert [type(x) for x in (value, dx, dy)] == [float] * 3
    assert str(dy) == "-0.0"


class FloatLike(float):
    pass


class ArrayLike(np.ndarray):
    pass


@pytest.mark.parametrize(
    "args",
    [
        (),
        (1.0,),
        (1.0, 2.0, 3.0),
        (1, 2.0),
        (1.0, True),
        (1.0, "2"),
        (1.0, None),
        (1.0, np.float64(2.0)),
        (1.0, FloatLike(2.0)),
        (1.0, np.array(2.0)),
    ],
    ids=repr,
)
def test_other_arguments_go_to_the_fallback(args: tuple[Any, ...]) -> None:
    f = compiled(TWO_FLOATS, PRODUCT)
    name, given, kwargs = f(*args)
    assert (name, kwargs) == ("fallback", {})
    assert all(x is y for x, y in zip(given, args, strict=True))


def test_keywords_go_to_the_fallback() -> None:
    f = compiled(TWO_FLOATS, PRODUCT)
    assert f(1.0, y=2.0) == ("fallback", (1.0,), {"y": 2.0})
    assert f(x=1.0, y=2.0) == ("fallback", (), {"x": 1.0, "y": 2.0})


def test_an_error_of_the_fallback_is_the_error() -> None:
    def refuse(*args: Any) -> Any:
        raise ValueError("not these")

    with pytest.raises(ValueError, match="not these"):
        compiled(TWO_FLOATS, PRODUCT, otherwise=refuse)(1)


SCALARS = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]


@pytest.mark.parametrize("dtype", SCALARS)
def test_scalars(dtype: str) -> None:
    plan = layout([scalar(dtype)], [scalar(dtype)])
    kind = {"f4": "float", "f8": "double", "b1": "i8"}.get(dtype, "i64")
    f = compiled(plan, f"$copy 0 1 {kind}")
    one = np.dtype(dtype).type
    edges: list[Any] = [0, 1]
    if np.dtype(dtype).kind in "iu":
        edges += [np.iinfo(dtype).min, np.iinfo(dtype).max]
    elif dtype != "b1":
        edges += [-0.0, np.inf, -1.5]
    for edge in edges:
        result = f(one(edge))
        assert type(result) is one
        assert repr(result) == repr(one(edge))
        assert calling.call(plan, linked(f), [one(edge)], ())[0] == [one(edge)]
    for other in SCALARS:
        if other != dtype:
            assert f(np.dtype(other).type(1))[0] == "fallback"
    assert f(np.zeros((), dtype))[0] == "fallback"
    assert f(1)[0] == "fallback"


def linked(f: Callable[..., Any]) -> engine.Library:
    return next(x for x in f.__self__ if isinstance(x, engine.Library))  # type: ignore[attr-defined]


SUM = """
br label %head
head:
%i = phi i64 [ 0, %0 ], [ %next, %body ]
%more = icmp slt i64 %i, COUNT
br i1 %more, label %body, label %done
body:
%x.at = getelementptr double, ptr %b0, i64 %i
%x = load double, ptr %x.at
%y = fadd double %x, 1.0
%y.at = getelementptr double, ptr %b1, i64 %i
store double %y, ptr %y.at
%next = add i64 %i, 1
br label %head
done:
"""


def plus_one(*shape: int, **options: Any) -> Callable[..., Any]:
    plan = layout([array(*shape)], [array(*shape)], **options)
    return compiled(plan, SUM.replace("COUNT", str(int(np.prod(shape)))))


@pytest.mark.parametrize("shape", [(3, 4), (5,), (), (0,), (3, 0, 2), (1,) * 32], ids=repr)
@pytest.mark.parametrize("releases_lock", [False, True])
def test_arrays_of_any_shape(shape: tuple[int, ...], releases_lock: bool) -> None:
    f = plus_one(*shape, releases_lock=releases_lock)
    x = np.random.default_rng(0).normal(size=shape)
    result = f(x)
    assert type(result) is np.ndarray
    assert result.shape == shape
    assert result.dtype == F8
    assert result.flags.owndata
    assert result.flags.writeable
    np.testing.assert_array_equal(result, x + 1)
    assert not np.shares_memory(result, f(x))


def misaligned() -> np.ndarray[Any, Any]:
    return np.zeros(97, np.uint8)[1:].view(F8).reshape(3, 4)


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((4, 3)),
        np.zeros((3, 4, 1)),
        np.zeros(12),
        np.zeros(()),
        np.zeros((3, 4), "f4"),
        np.zeros((3, 4), "i8"),
        np.zeros((3, 4), ">f8"),
        np.zeros((3, 4), "c8"),
        np.zeros((3, 4), "M8[s]"),
        np.zeros((3, 4), "V8"),
        np.zeros((3, 4), object),
        np.zeros((3, 4)).T.copy().T,
        np.zeros((3, 8))[:, ::2],
        np.zeros((6, 4))[::2],
        misaligned(),
        np.zeros((3, 4)).view(ArrayLike),
        np.ma.zeros((3, 4)),
        np.float64(1.0),
        [[0.0] * 4] * 3,
    ],
    ids=lambda x: f"{type(x).__name__} {getattr(x, 'dtype', '')} {getattr(x, 'strides', '')}",
)
def test_other_arrays_go_to_the_fallback(x: Any) -> None:
    f = plus_one(3, 4)
    name, (given,), _ = f(x)
    assert name == "fallback"
    assert given is x


def test_contiguous_views_and_other_dtype_objects_are_taken() -> None:
    f = plus_one(3, 4)
    frozen = np.zeros((3, 4))
    frozen.flags.writeable = False
    pickled = pickle.loads(pickle.dumps(np.zeros((3, 4))))
    for x in (np.zeros((9, 4))[3:6], frozen, np.zeros(12).reshape(3, 4), pickled):
        np.testing.assert_array_equal(f(x), np.ones((3, 4)))


# --- results -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (0, 1.0),
        ((), ()),
        ((0,), (1.0,)),
        ((0, 0), (1.0, 1.0)),
        (((), (0, ((0,),))), ((), (1.0, ((1.0,),)))),
    ],
)
def test_structures(structure: Structure, expected: Any) -> None:
    outputs = [] if structure == () else [FLOAT]
    plan = layout([FLOAT], outputs, structure)
    assert compiled(plan, "$copy 0 1 double" if outputs else "")(1.0) == expected


def test_an_output_that_occurs_again_is_a_copy() -> None:
    outputs = [array(3), scalar("f4"), FLOAT]
    plan = layout([FLOAT], outputs, ((0, 1), 2, (0, (0, 1, 2))))
    body = """
    $copy 0 1 double
    store float 2.5, ptr %b2
    $copy 0 3 double
    """
    (a, b), c, (a2, (a3, b2, c2)) = compiled(plan, body)(7.0)
    assert a[0] == a2[0] == a3[0] == 7.0
    assert not np.shares_memory(a, a2)
    assert not np.shares_memory(a2, a3)
    assert b == b2 == np.float32(2.5)
    assert c == c2 == 7.0


def test_the_layout_says_what_is_wrong_with_it() -> None:
    with pytest.raises(ValueError, match=r"the result has outputs \[0\] of \[0, 1\]"):
        layout([], [FLOAT, FLOAT], 0)
    for kind, dtype, shape, message in [
        ("float", "f4", (), "has dtype float64, not float32"),
        ("scalar", "f2", (), "has no place"),
        ("scalar", "f8", (1,), "a scalar has no shape"),
        ("array", ">f8", (1,), "does not work on dtype >f8"),
        ("array", "O", (1,), "does not work on dtype object"),
    ]:
        with pytest.raises(ValueError, match=message):
            Slot(kind, np.dtype(dtype), shape)  # type: ignore[arg-type]
    unusual = Layout((), (), (FLOAT,), (), 0, False, None)
    assert not calling.available(unusual)
    with pytest.raises(ValueError, match="structure"):
        calling.ir(unusual)


# --- guards, codes, errors ---------------------------------------------------------------------

NAN = float("nan")


@pytest.mark.parametrize(
    ("guard", "same", "other"),
    [
        (("bool", True), [1], [0]),
        (("bool", False), [0], [1]),
        (("int", -5), [-5], [5, 0]),
        (("float", 0.5), [0.5], [0.25, NAN]),
        (("float", 0.0), [0.0], [-0.0]),
        (("float", NAN), [NAN, -NAN], [0.0, float("inf")]),
    ],
    ids=repr,
)
def test_guards(guard: Guard, same: list[Any], other: list[Any]) -> None:
    slot, kind = (FLOAT, "double") if guard[0] == "float" else (scalar("i8"), "i64")
    plan = layout([slot], [array(2)], guards=[("bool", True), guard])
    f = compiled(plan, f"store i64 1, ptr %b2\n$copy 0 3 {kind}")
    given = float if guard[0] == "float" else np.int64
    for value in same:
        assert isinstance(f(given(value)), np.ndarray)
        assert calling.call(plan, linked(f), [given(value)], ())[1] is True
    for value in other:
        assert f(given(value))[0] == "fallback"
        met = calling.call(plan, linked(f), [given(value)], ())[1]
        assert repr(met) == repr((True, type(guard[1])(value)))


def test_a_call_tells_guards_up_to_the_first_not_met() -> None:
    plan = layout([], [], (), guards=[("int", 1), ("int", 2), ("int", 3)])
    f = compiled(plan, "store i64 1, ptr %b0\nstore i64 7, ptr %b1\nstore i64 3, ptr %b2")
    assert calling.call(plan, linked(f), [], [])[1] == (1, 7)


def test_an_error_code_goes_to_the_fallback() -> None:
    plan = layout([FLOAT], [array(2)])
    f = compiled(plan, "ret i32 3")
    assert f(1.0) == ("fallback", (1.0,), {})
    with pytest.raises(calling.RunError, match="error code 3"):
        calling.call(plan, linked(f), [1.0], ())


def test_an_exception_with_an_error_code_is_raised() -> None:
    plan = layout([FLOAT], [array(2)])
    declarations = "declare ptr @PyErr_SetNone(ptr)\ndeclare i64 @PyLong_AsLong(ptr)\n"
    body = "%n = call i64 @PyLong_AsLong(ptr null)\nret i32 3"  # SystemError: bad argument
    f = compiled(plan, body, declarations=declarations)
    for _ in range(3):
        with pytest.raises(SystemError):
            f(1.0)


def test_results_too_large_for_memory() -> None:
    plan = layout([FLOAT], [array(1000), array(2**44)], (0, 1))
    f = compiled(plan, "")

    def refused() -> None:
        with pytest.raises(MemoryError):
            f(1.0)
        with pytest.raises(MemoryError):
            calling.call(plan, linked(f), [1.0], ())

    tracemalloc.start()
    try:
        refused()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(10):
            refused()
        assert tracemalloc.get_traced_memory()[0] - before < 8000  # the first result is given up
    finally:
        tracemalloc.stop()


# --- captured and watched ----------------------------------------------------------------------


def test_captured_arrays_are_read_at_each_call() -> None:
    w = np.array([1.0, 2.0])
    plan = layout([FLOAT], [FLOAT], captured=[array(2)])
    f = compiled(plan, "$copy 1 2 double", captured=[w])
    assert f(0.0) == 1.0
    w[0] = 5.0
    assert f(0.0) == 5.0
    assert calling.call(plan, linked(f), [0.0], [w])[0] == [5.0]
    for shape in [(2, 1), (1000,)]:
        w.resize(shape, refcheck=False)
        assert f(0.0) == ("fallback", (0.0,), {})
        w.resize((2,), refcheck=False)
        assert f(0.0) == 5.0
    with pytest.raises(ValueError, match=r"wants an array of float64 \(2,\), not float64 \(3,\)"):
        calling.make(plan, linked(f), [np.zeros(3)], [], fallback)


@pytest.mark.parametrize("change", ["rebound", "deleted", "appeared", "cell", "emptied", "filled"])
def test_watches(change: str) -> None:
    sentinel = object()
    names: dict[str, Any] = {"W": sentinel}
    cell, empty = CellType(sentinel), CellType()
    watched = [
        Watch(names, "W", sentinel),
        Watch(names, "abs", ABSENT),
        Watch(cell, None, sentinel),
        Watch(empty, None, ABSENT),
    ]
    f = compiled(TWO_FLOATS, PRODUCT, watched=watched)
    assert f(2.0, 3.0) == (6.0, (3.0, 2.0))
    names["other"] = 1
    assert f(2.0, 3.0) == (6.0, (3.0, 2.0))
    assert all(watch.holds() for watch in watched)

    if change == "rebound":
        names["W"] = object()
    elif change == "deleted":
        del names["W"]
    elif change == "appeared":
        names["abs"] = abs
    elif change == "cell":
        cell.cell_contents = 1.0
    elif change == "emptied":
        del cell.cell_contents
    else:
        empty.cell_contents = 1.0
    assert f(2.0, 3.0) == ("fallback", (2.0, 3.0), {})
    assert sum(watch.holds() for watch in watched) == 3


def test_only_dictionaries_and_cells_are_watched() -> None:
    with pytest.raises(TypeError, match="a list cannot be watched"):
        Watch([], "x", 1)  # type: ignore[arg-type]


class Stubborn:
    """A key whose comparison raises."""

    refuses = False

    def __hash__(self) -> int:
        return 7

    def __eq__(self, other: object) -> bool:
        if self.refuses:
            raise ValueError("not comparable")
        return self is other


def test_any_key_of_any_dictionary_is_watched() -> None:
    value = object()
    for key in (None, 3, ("a", 1), Stubborn()):
        names = collections.defaultdict(list, {key: value})
        f = compiled(TWO_FLOATS, PRODUCT, watched=[Watch(names, key, value)])
        assert f(2.0, 3.0) == (6.0, (3.0, 2.0))
        names[key] = None
        assert f(2.0, 3.0)[0] == "fallback"


@pytest.mark.parametrize("absent", [False, True])
def test_a_comparison_that_raises_counts_as_a_change(absent: bool) -> None:
    stored, asked = Stubborn(), Stubborn()
    names = {stored: 1}
    f = compiled(TWO_FLOATS, PRODUCT, watched=[Watch(names, asked, ABSENT if absent else 1)])
    stored.refuses = True
    assert f(2.0, 3.0)[0] == "fallback"
    assert f(2.0, 3.0)[0] == "fallback"


# --- the arena ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [8, 2048, 2049, 100_000])
def test_the_arena_is_aligned_and_wholly_there(size: int) -> None:
    plan = layout([FLOAT], [scalar("u8")], arena=size)
    body = f"""
    %address = ptrtoint ptr %b2 to i64
    %last = getelementptr i8, ptr %b2, i64 {size - 1}
    store volatile i8 1, ptr %last
    %rest = urem i64 %address, 64
    store i64 %rest, ptr %b1
    """
    f = compiled(plan, body)
    assert f(1.0) == f(1.0) == 0
    assert calling.call(plan, linked(f), [1.0], ())[0] == [0]


def test_a_function_called_from_within_itself_has_another_arena() -> None:
    """The call-back comes from @run while it is using the arena."""
    plan = layout([FLOAT], [FLOAT], arena=50_000)
    results: list[Any] = []

    @ctypes.PYFUNCTYPE(None)
    def again() -> None:
        if len(results) < 3:
            results.append(None)
            results.append(f(float(len(results))))

    engine.provide({"test_entry_again": ctypes.cast(again, ctypes.c_void_p).value}.get)
    body = """
    %x = load double, ptr %b0
    store volatile double %x, ptr %b2
    call void @test_entry_again()
    %still = load volatile double, ptr %b2
    store double %still, ptr %b1
    """
    f = compiled(plan, body, declarations="declare void @test_entry_again()\n")
    assert f(7.0) == 7.0
    assert results == [None, None, None, 3.0, 2.0, 1.0]
    assert f(8.0) == 8.0


@pytest.mark.parametrize("releases_lock", [False, True])
def test_threads_call_at_once(releases_lock: bool) -> None:
    plan = layout([array(300)], [array(300)], arena=300 * 8, releases_lock=releases_lock)
    body = """
    call void @llvm.memcpy.p0.p0.i64(ptr %b2, ptr %b0, i64 2400, i1 false)
    call void @usleep(i32 100)
    call void @llvm.memcpy.p0.p0.i64(ptr %b1, ptr %b2, i64 2400, i1 false)
    """
    f = compiled(plan, body, declarations="declare void @usleep(i32)\n")

    def work(k: int) -> bool:
        x = np.full(300, float(k))
        return all((f(x) == k).all() for _ in range(20))

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(30)))


def test_the_lock_is_released() -> None:
    plan = layout([FLOAT], [FLOAT], releases_lock=True)
    f = compiled(
        plan,
        "call void @usleep(i32 300000)\n$copy 0 1 double",
        declarations="declare void @usleep(i32)\n",
    )
    thread = threading.Thread(target=f, args=(1.0,))
    thread.start()
    counter = itertools.count()
    while thread.is_alive():
        next(counter)
    assert next(counter) > 1000


# --- references --------------------------------------------------------------------------------


def _cases() -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    everything = layout(
        [FLOAT, scalar("f4"), array(40), array(3, 4, dtype="f4")],
        [FLOAT, scalar("f4"), array(2000), array(), array(0)],
        (0, (1, 2), (3, 2, (4,)), 0),
        captured=[array(5)],
        guards=[("bool", True)],
        arena=5000,
    )
    names = {"W": object()}
    watched = [Watch(names, "W", names["W"])]
    args = (1.25, np.float32(1.0), np.zeros(40), np.zeros((3, 4), "f4"))
    w = np.zeros(5)
    body = "$copy 0 5 double\nstore float 1.0, ptr %b6\nstore i64 GUARD, ptr %b10"
    good = compiled(everything, body.replace("GUARD", "1"), [w], watched)
    bad = compiled(everything, body.replace("GUARD", "0"), [w], watched)
    code = compiled(everything, body.replace("GUARD", "0") + "\nret i32 1", [w], watched)
    return {
        "two floats": (compiled(TWO_FLOATS, PRODUCT), (1.0, 2.0)),
        "everything": (good, args),
        "guard not met": (bad, args),
        "error code": (code, args),
        "another argument": (good, (*args[:3], np.zeros(3))),
    }


CASES = ["two floats", "everything", "guard not met", "error code", "another argument"]


@pytest.mark.parametrize("case", CASES)
def test_references_are_counted(case: str) -> None:
    f, args = _cases()[case]
    watch = [f, *args, fallback, None, np.dtype("f8"), np.dtype("f4"), np.ndarray, np.float32]
    f(*args)
    before = [sys.getrefcount(x) for x in watch]
    for _ in range(1000):
        f(*args)
    after = [sys.getrefcount(x) for x in watch]
    assert all(abs(x - y) < 50 for x, y in zip(before, after, strict=True))
    result = f(*args)
    if case in ("two floats", "everything"):
        assert sys.getrefcount(result) == 2
        assert gc.is_tracked(result)


@pytest.mark.parametrize("case", CASES)
def test_memory_is_flat(case: str) -> None:
    f, args = _cases()[case]
    times = 200_000 if case == "two floats" else 20_000

    def repeat(times: int) -> None:
        for _ in itertools.repeat(None, times):
            f(*args)

    repeat(1000)
    tracemalloc.start()
    try:
        repeat(100)
        before = tracemalloc.get_traced_memory()[0]
        repeat(3000)
        assert tracemalloc.get_traced_memory()[0] - before < 3000
    finally:
        tracemalloc.stop()
    if STATM.exists():
        before = resident()
        repeat(times)
        assert resident() - before < 2**20


def test_what_is_kept_is_kept_and_freed_with_the_function() -> None:
    class Names(dict):  # type: ignore[type-arg]
        pass

    class Otherwise:
        def __call__(self, *args: Any) -> Any:
            return "otherwise"

    otherwise = Otherwise()
    w = np.zeros(2)
    cell = CellType(w)
    plan = layout([FLOAT], [FLOAT], captured=[array(2)])
    f = compiled(plan, "$copy 0 2 double", [w], [Watch(cell, None, w)], otherwise)
    alive = [weakref.ref(otherwise), weakref.ref(w), weakref.ref(linked(f))]
    otherwise.function = f  # type: ignore[attr-defined]
    del otherwise, w, cell
    gc.collect()
    assert f(1.0) == 1.0
    assert f(1) == "otherwise"
    assert all(x() is not None for x in alive)
    del f
    gc.collect()
    assert all(x() is None for x in alive)


def test_a_plain_processor() -> None:
    plan = layout(
        [array(40), FLOAT, scalar("i4")],
        [array(40), FLOAT, scalar("i4")],
        (0, (1, 2), 0),
        captured=[array(3)],
        guards=[("int", 4)],
        arena=5000,
        releases_lock=True,
    )
    body = """
    call void @llvm.memcpy.p0.p0.i64(ptr %b4, ptr %b0, i64 320, i1 false)
    $copy 3 5 double
    $copy 2 6 i64
    $copy 2 7 i64
    """
    plain = engine.Target("x86-64") if engine.host().cpu != "generic" else None
    library = engine.link(calling.ir(plan) + run(plan, body), "plain", plain)
    f = calling.make(plan, library, [np.full(3, 9.0)], [], fallback)
    x = np.arange(40.0)
    a, (b, c), d = f(x, 1.0, np.int32(4))
    np.testing.assert_array_equal([a, d], [x, x])
    assert (b, c, type(c)) == (9.0, 4, np.int32)
    assert f(x, 1.0, np.int32(5))[0] == "fallback"


def test_an_unknown_numpy_has_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    assert calling.available(TWO_FLOATS)
    monkeypatch.setattr(calling.objects, "_NUMPY_ABI", 0x03000000)
    calling.objects.known.cache_clear()
    try:
        assert not calling.available(TWO_FLOATS)
    finally:
        monkeypatch.undo()
        calling.objects.known.cache_clear()
    assert calling.available(TWO_FLOATS)


def test_results_survive_the_function() -> None:
    f = plus_one(1000)
    result = f(np.zeros(1000))
    del f
    gc.collect()
    np.testing.assert_array_equal(result, np.ones(1000))


# --- through ctypes ----------------------------------------------------------------------------


@pytest.mark.parametrize("releases_lock", [False, True])
def test_call_copies_what_lies_otherwise(releases_lock: bool) -> None:
    plan = layout([array(3, 4)], [array(3, 4)], releases_lock=releases_lock)
    library = linked(compiled(plan, SUM.replace("COUNT", "12")))
    odd = misaligned()
    odd[:] = np.arange(12.0).reshape(3, 4)
    for x in (odd, odd.copy(), np.asfortranarray(odd), np.arange(24.0).reshape(3, 8)[:, ::2]):
        (result,), met = calling.call(plan, library, [x], [])
        np.testing.assert_array_equal(result, x + 1)
        assert met is True
    for wrong in (np.zeros((4, 3)), np.zeros((3, 4), "f4"), 1.0):
        with pytest.raises(ValueError, match="wants an array of float64"):
            calling.call(plan, library, [wrong], [])


def test_call_refuses_other_scalars() -> None:
    library = linked(compiled(TWO_FLOATS, PRODUCT))
    assert calling.call(TWO_FLOATS, library, [2.0, 3.0], []) == ([6.0, 3.0, 2.0], True)
    with pytest.raises(ValueError, match="wants a float, not 3"):
        calling.call(TWO_FLOATS, library, [2.0, 3], [])
