"""From IR to machine code in memory, and back to nothing."""

from __future__ import annotations

import ctypes
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from chainrule.native.runtime import engine
from chainrule.native.runtime.engine import LinkError, Target

from ..conftest import resident, tells_memory


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))


def constant(number: int) -> str:
    return f"define i64 @number() {{\n  ret i64 {number}\n}}\n"


def number(library: engine.Library) -> int:
    return ctypes.CFUNCTYPE(ctypes.c_int64)(library.address("number"))()


TWICE = """
define void @twice(ptr noalias %x, ptr noalias %y, i64 %n) {
entry:
  %none = icmp eq i64 %n, 0
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %x.at = getelementptr double, ptr %x, i64 %i
  %value = load double, ptr %x.at
  %double = fadd double %value, %value
  %y.at = getelementptr double, ptr %y, i64 %i
  store double %double, ptr %y.at
  %next = add i64 %i, 1
  %end = icmp eq i64 %next, %n
  br i1 %end, label %done, label %loop
done:
  ret void
}
"""


def test_a_function_runs() -> None:
    library = engine.link(constant(42), "answer")
    assert number(library) == 42
    assert "answer" in repr(library)


@pytest.mark.parametrize("target", [None, Target("x86-64")], ids=["host", "plain"])
def test_loops_are_vectorised(target: Target | None) -> None:
    if target and engine.host().cpu == "generic":
        pytest.skip("another kind of processor")
    library = engine.link(TWICE, "twice", target)
    twice = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(
        library.address("twice")
    )
    x = np.arange(37.0)
    y = np.zeros(37)
    twice(x.ctypes.data, y.ctypes.data, 37)
    np.testing.assert_array_equal(y, 2 * x)
    assert "x double>" in library.ir
    if target:
        assert "ymm" not in library.assembly
        assert "xmm" in library.assembly


def test_symbols_are_variables_too_and_named_if_missing() -> None:
    library = engine.link("@number = global i64 7\n", "variable")
    assert ctypes.c_int64.from_address(library.address("number")).value == 7
    with pytest.raises(LinkError, match="variable does not define 'other'"):
        library.address("other")


def test_functions_of_the_process_and_of_providers_are_found() -> None:
    callback = ctypes.CFUNCTYPE(ctypes.c_int64)(lambda: 11)
    address = ctypes.cast(callback, ctypes.c_void_p).value
    assert address is not None
    engine.provide({"test_engine_eleven": address}.get)
    ir = """
    declare i64 @test_engine_eleven()
    declare i64 @labs(i64)
    define i64 @number() {
      %eleven = call i64 @test_engine_eleven()
      %minus = sub i64 0, %eleven
      %plus = call i64 @labs(i64 %minus)
      ret i64 %plus
    }
    """
    assert number(engine.link("\n".join(x.strip() for x in ir.splitlines()), "outside")) == 11


@pytest.mark.parametrize(
    ("ir", "message"),
    [
        ("define vid @f() {\n}", "(?s)LLVM cannot read the IR: .*expected type"),
        (
            "declare void @nobody()\ndefine void @f() {\n  call void @nobody()\n  ret void\n}",
            "f cannot be linked: nobody provides nobody",
        ),
    ],
    ids=["syntax", "missing symbol"],
)
def test_faults_in_the_ir_are_errors(ir: str, message: str) -> None:
    for _ in range(2):  # the second time from the disk, perhaps
        with pytest.raises(LinkError, match=message):
            engine.link(ir, "f")


def test_an_object_is_compiled_once_for_a_target(tmp_path: Path) -> None:
    assert not engine.link(constant(1), "first").from_disk
    assert engine.link(constant(1), "again").from_disk
    assert number(engine.link(constant(1), "again")) == 1
    assert not engine.link(constant(2), "other").from_disk
    assert not engine.link(constant(1), "elsewhere", Target("x86-64")).from_disk
    assert len(list(tmp_path.iterdir())) == 3


def test_an_object_that_cannot_be_linked_is_compiled_anew(tmp_path: Path) -> None:
    from chainrule.native.runtime import cache

    engine.link(constant(5), "first")
    (file,) = tmp_path.iterdir()
    cache.store(file.stem, b"no object, though its checksum is right")
    library = engine.link(constant(5), "second")
    assert not library.from_disk
    assert number(library) == 5
    assert engine.link(constant(5), "third").from_disk


@tells_memory
@pytest.mark.parametrize(("on_disk", "times"), [(True, 1000), (False, 60)])
def test_a_compilation_leaves_no_memory_behind(
    monkeypatch: pytest.MonkeyPatch, on_disk: bool, times: int
) -> None:
    if not on_disk:
        monkeypatch.setenv("CHAINRULE_CACHE", "0")

    def link(times: int) -> None:
        for _ in range(times):
            assert engine.link(TWICE, "twice").from_disk == on_disk

    if on_disk:
        engine.link(TWICE, "twice")
    link(times // 5)
    before = resident()
    link(times)
    assert resident() - before < 2 * 2**20


def test_nothing_is_printed_of_a_function_that_stays_as_it_is(
    capfd: pytest.CaptureFixture[str],
) -> None:
    for k in range(4):
        ir = constant(k).replace("() {", "() noinline optnone {")
        assert number(engine.link(ir, "number")) == k
    assert capfd.readouterr().err == ""


def test_libraries_outlive_one_another() -> None:
    libraries = [engine.link(constant(k % 5), f"number {k}") for k in range(150)]
    del libraries[::2]
    assert [number(x) for x in libraries] == [(2 * k + 1) % 5 for k in range(75)]


def test_threads_link_at_once() -> None:
    with ThreadPoolExecutor(6) as pool:
        results = pool.map(lambda k: number(engine.link(constant(k % 7), "f")), range(60))
        assert list(results) == [k % 7 for k in range(60)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_forked_meanwhile_can_link() -> None:
    stop = threading.Event()

    def link_on() -> None:
        k = 0
        while not stop.is_set():
            k += 1
            engine.link(constant(1000 + k % 50), "parent")

    thread = threading.Thread(target=link_on)
    thread.start()
    try:
        for k in range(10):
            child = os.fork()
            if child == 0:
                os._exit(0 if number(engine.link(constant(k), "child")) == k else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()


def test_what_is_only_declared_need_not_exist() -> None:
    asked: list[str] = []
    engine.provide(asked.append)  # type: ignore[arg-type]  # it returns None
    declared = "declare void @test_engine_declared()\ndeclare i64 @test_engine_declared_too()\n"
    assert number(engine.link(declared + constant(3), "declared")) == 3
    assert asked == []
