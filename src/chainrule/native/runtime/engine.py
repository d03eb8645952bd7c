"""From LLVM IR to machine code in memory: parse, optimise, compile, link.

`link` takes the text of a module and gives a `Library`, whose functions stay callable as long as it
is referenced. Text must not hold addresses of this process, since the object is kept on disk: what
lies outside is declared in it, and found through the functions handed to `provide`.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from chainrule.errors import ChainruleError
from chainrule.native.runtime import cache

__all__ = ["Library", "LinkError", "Target", "emit", "host", "link", "provide"]

# Interleaving triples the time to build, and out-of-order processors gain little by it. A loop that
# does gain asks for it with !llvm.loop.interleave.count metadata, which counts all the same.
_INTERLEAVING = False
_CODE_GENERATION = 2
_MOST_TO_MATCH = 200_000  # characters: what comes of matching grows with the square of the length
_PIPELINE = f"interleave {_INTERLEAVING}, {_MOST_TO_MATCH}, code generation {_CODE_GENERATION}, pic"


class LinkError(ChainruleError, RuntimeError):
    """Machine code could not be made or loaded: a fault in the IR, or a system that forbids it."""


@dataclass(frozen=True)
class Target:
    """A processor, in LLVM's words: its name, and a list such as ``+avx2,-avx512f``.

    Attributes:
        cpu: the name.
        features: the list.
        triple: the kind of machine, such as ``aarch64-linux-gnu``; "" for this one.
    """

    cpu: str
    features: str = ""
    triple: str = ""

    @property
    def has_fma(self) -> bool:
        """Whether an instruction multiplies and adds with one rounding."""
        triple = self.triple or llvm.get_process_triple()
        return triple.startswith(("aarch64", "arm64")) or "+fma" in self.features.split(",")

    @property
    def vector_bytes(self) -> int:
        """The width of its vectors."""
        features = self.features.split(",")
        return 64 if "+avx512f" in features else 32 if "+avx" in features else 16

    @property
    def vector_registers(self) -> int:
        """The number of its vectors: what is not x86 has 32 or more."""
        is_short = llvm.get_process_triple().startswith(("x86", "i386", "i686"))
        return 16 if is_short and "+avx512f" not in self.features.split(",") else 32


@functools.cache
def host() -> Target:
    """The processor that this process runs on."""
    return Target(llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


@dataclass(frozen=True)
class _Job:
    """All that an object depends on, but for the versions."""

    ir: str
    target: Target
    optimise: bool

    @property
    def key(self) -> str:
        target = self.target.cpu, self.target.features, self.target.triple
        parts = *_versions(), _PIPELINE, str(self.optimise), *target, self.ir
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class _Object:
    """An object file, with the symbols that it needs from outside and those that it defines."""

    image: bytes
    needed: list[str]
    defined: list[str]

    def kept(self) -> bytes:
        """Return what is kept on disk: the symbols in one line, and the file."""
        return json.dumps([self.needed, self.defined]).encode() + b"\n" + self.image

    @classmethod
    def of(cls, kept: bytes) -> _Object:
        """Return what was kept on disk."""
        symbols, _, image = kept.partition(b"\n")
        try:
            needed, defined = json.loads(symbols)
        except ValueError:
            raise LinkError("what is on disk is no object") from None
        return cls(image, needed, defined)


class Library:
    """Machine code in memory, freed with the last reference to this object."""

    def __init__(self, job: _Job, name: str, made: _Object, from_disk: bool) -> None:
        self._job = job
        self.name = name
        self.from_disk = from_disk  #: whether it was found there, already compiled
        self._linker = _linker()
        self._tracker = _load(self._linker, name, made)

    def address(self, symbol: str) -> int:
        """Where a function or variable lies that the IR defines for use from outside."""
        try:
            return int(self._tracker[symbol])
        except KeyError:
            raise LinkError(f"{self.name} does not define {symbol!r}") from None

    @property
    def ir(self) -> str:
        """The optimised IR, for people: made again by each call."""
        with _LOCK:
            return str(_optimised(self._job))

    @property
    def assembly(self) -> str:
        """The machine code as assembly text, for people: made again by each call."""
        with _LOCK:
            return str(_machine(self._job.target).emit_assembly(_optimised(self._job)))

    def __repr__(self) -> str:
        return f"<Library {self.name!r} for {self._job.target.cpu}>"

    def __del__(self, _finalising: Callable[[], bool] = sys.is_finalizing) -> None:
        if _finalising():  # code may still be running in other threads
            return
        with _LOCK:
            tracker = self.__dict__.pop("_tracker", None)
            if tracker is not None:
                tracker.close()
            self.__dict__.pop("_linker", None)  # freed under the lock too, if it is the last


def link(ir: str, name: str, target: Target | None = None, *, optimise: bool = True) -> Library:
    """Compile the text of a module and load it; it is on disk if it was compiled before.

    Args:
        ir: the text, without addresses of this process.
        name: for messages.
        target: the processor to compile for; None for this one.
        optimise: whether loops are vectorised and functions inlined. Not to do it takes a fraction
            of the time, and does for code without loops that was written by hand.

    Raises:
        LinkError: The IR is faulty, or declares what nobody provides.
    """
    job = _Job(ir, target or host(), optimise)
    key = job.key
    with _LOCK:
        kept = cache.load(key)
        if kept is not None:
            try:
                return Library(job, name, _Object.of(kept), from_disk=True)
            except LinkError:
                pass  # compiling anew tells whether the object or the IR is to blame
        made = _object(job)
        library = Library(job, name, made, from_disk=False)
    cache.store(key, made.kept())
    return library


def emit(ir: str, target: Target) -> bytes:
    """Compile the text of a module to an object file, for a processor that may be another kind.

    Raises:
        LinkError: The IR is faulty.
    """
    with _LOCK:
        return _object(_Job(ir, target, optimise=True)).image


# --- symbols outside ---------------------------------------------------------------------------

_providers: list[Callable[[str], int | None]] = []


def provide(provider: Callable[[str], int | None]) -> Callable[[str], int | None]:
    """Register a function that gives the address of a symbol which IR declares, or None."""
    _providers.append(provider)
    return provider


def _outside(name: str) -> int | None:
    for provider in _providers:
        address = provider(name)
        if address:
            return address
    return None  # left to the linker, which looks among the symbols of the process


# --- compiling ---------------------------------------------------------------------------------


def _object(job: _Job) -> _Object:
    module = _optimised(job)
    needed, defined = [], []
    for symbol in (*module.functions, *module.global_variables):
        if symbol.is_declaration:
            needed.append(symbol.name)
        elif symbol.linkage is llvm.Linkage.external:
            defined.append(symbol.name)
    needed = [name for name in needed if not name.startswith("llvm.")]
    return _Object(bytes(_machine(job.target).emit_object(module)), needed, defined)


def _optimised(job: _Job) -> Any:
    machine = _machine(job.target)
    try:
        module = llvm.parse_assembly(job.ir, llvm.create_context())
        module.verify()
    except RuntimeError as error:
        raise LinkError(f"LLVM cannot read the IR: {error}") from None
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    builder = _pass_builder(job.target, job.optimise, len(job.ir) <= _MOST_TO_MATCH)
    manager = builder.getModulePassManager()
    manager.add_strip_dead_prototype_pass()  # what is only declared need not be there
    try:
        manager.run(module, builder)
    finally:
        _free(manager)
    return module


def _pass_builder(target: Target, optimise: bool, match: bool) -> Any:
    """Return what makes the pipeline of one module: it would hear of the next one, too.

    ``match`` asks for vectors made of what stands beside one another outside of loops.
    """
    options = llvm.create_pipeline_tuning_options(3 if optimise else 0)
    options.loop_vectorization = True
    options.slp_vectorization = match
    options.loop_interleaving = _INTERLEAVING
    return llvm.create_pass_builder(_machine(target), options)


def _free(manager: Any) -> None:
    """Free a pipeline, and with it what a run has left in it: a hundred kilobytes.

    To close it is not enough, as llvmlite 0.50 then calls the `_dispose` of the base class common
    to all of its objects, which does nothing and hides the right one.
    """
    bases = (vars(base) for base in type(manager).__mro__ if base is not llvm.ffi.ObjectRef)
    dispose = next(base["_dispose"] for base in bases if "_dispose" in base)
    dispose(manager)
    manager.detach()


@functools.cache
def _machine(target: Target) -> Any:
    _initialise()
    if target.triple:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    kind = llvm.Target.from_triple(target.triple or llvm.get_default_triple())
    return kind.create_target_machine(
        cpu=target.cpu,
        features=target.features,
        opt=_CODE_GENERATION,
        reloc="pic",
        codemodel="small",
        jit=True,
    )


@functools.cache
def _initialise() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@functools.cache
def _versions() -> tuple[str, ...]:
    # Asked of the package that is running: reading what is installed takes longer than linking.
    chainrule = str(sys.modules["chainrule"].__version__)
    return chainrule, llvmlite.__version__, llvm.get_process_triple()


# --- loading -----------------------------------------------------------------------------------

# What a linker remembers of libraries that are gone (kilobytes each) goes with the linker, and
# the linker with the last of its libraries. One for each library would take a millisecond to make.
_LIBRARIES_OF_A_LINKER = 64
_served = itertools.count()
_numbers = itertools.count()
_linkers: list[Any] = []


def _linker() -> Any:
    """The linker that serves now."""
    if next(_served) % _LIBRARIES_OF_A_LINKER == 0 or not _linkers:
        _linkers[:] = [_new_linker()]
    return _linkers[0]


def _new_linker() -> Any:
    _initialise()
    try:
        llvm.check_jit_execution()
    except OSError as error:
        raise LinkError(f"this system does not let programs make machine code: {error}") from None
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=host().cpu, features=host().features, reloc="pic", codemodel="small", jit=True
    )
    # JITLink gives all memory back when a library goes. Windows still needs the older linker.
    return llvm.create_lljit_compiler(
        machine, use_jit_link=os.name == "posix", suppress_errors=True
    )


def _load(linker: Any, name: str, made: _Object) -> Any:
    builder = llvm.JITLibraryBuilder().add_object_img(made.image).add_current_process()
    for symbol in made.needed:
        address = _outside(symbol)
        if address is not None:
            builder.import_symbol(symbol, address)
    for symbol in made.defined:
        builder.export_symbol(symbol)
    try:
        return builder.link(linker, f"{name}.{next(_numbers)}")  # no name may occur twice
    except RuntimeError as error:
        missing = [x for x in made.needed if not _outside(x) and not _in_process(x)]
        reason = f"nobody provides {', '.join(missing)}" if missing else str(error)
        raise LinkError(f"{name} cannot be linked: {reason}") from None


def _in_process(symbol: str) -> bool:
    return bool(llvm.address_of_symbol(symbol))


# --- threads and forks -------------------------------------------------------------------------

# All of LLVM's work is done under this lock. A child is forked only while nobody holds it, so that
# LLVM's own locks, and the one of llvmlite, are free in the child.
_LOCK = threading.RLock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release
    )
