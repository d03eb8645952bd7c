"""What is known of one signature of a compiled function: its recordings, and when to record anew.

A function may take several paths, and what it refers to may change: each recording is for one path
and one state of that. What cannot be compiled runs as Python.
"""

from __future__ import annotations

import os
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrule.core.callables import argument_names, name_of
from chainrule.core.source import stack_level
from chainrule.errors import ChainruleError, NotCompiledWarning, TapeLimitError, UnsupportedError
from chainrule.graph.loops.extrapolate import NotAlikeError
from chainrule.native.interpret import interpreted
from chainrule.native.paths import MISSED, Path, Paths
from chainrule.native.record.families import MOST_TURNS, Relatives, in_full, relatives
from chainrule.native.record.own import NotCompiled, Own
from chainrule.native.record.plans import FEW
from chainrule.native.record.program import Builder
from chainrule.native.record.recorded import NotFaithful, Run, Unsure, same
from chainrule.native.record.recorded import Recorded as Recording
from chainrule.native.record.rehearsal import Uncertain, are_finite, are_of_one_kind, rehearsed
from chainrule.native.record.run import run
from chainrule.native.record.short import Shortener
from chainrule.native.record.signature import Recorded
from chainrule.native.record.watch import Captured
from chainrule.native.runtime.collection import no_collection
from chainrule.native.runtime.interrupts import Stopped
from chainrule.numpy.view import UserFunction

__all__ = ["MOST_RECORDINGS", "NotCompiled", "Specialization"]

#: How often one signature is recorded, for other paths or another state of what is referred to.
MOST_RECORDINGS = 32
#: Bytes that a path takes for a loop that ends when a condition fails, if it can have this many
#: turns in them at least.
_ROOM, _FEWEST = 1 << 26, 32
_MOST_VARIANTS = 8  # states of what is referred to that are kept, for those that come and go

#: What a recorded run makes of captured arrays, and of arrays of integers among the arguments:
#: the first attempt that the function goes along with counts.
_ATTEMPTS = ((True, True), (True, False), (False, False))
_NOTHING: Any = object()


@dataclass(frozen=True, slots=True, eq=False)
class _Variant:
    """All paths for one state of what the function refers to."""

    captured: Captured
    paths: Paths


class Specialization:
    """What is known of one signature, and the way to more.

    Args:
        f: the function.
        builder: makes a recorded program runnable.
        enter: is told of each new path, and what the function refers to on it.
        tape_limit: the bytes of scratch memory that a path may need; None for any number.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        builder: Builder,
        enter: Callable[[Path, Captured], None],
        tape_limit: int | None = None,
    ) -> None:
        self._f = f
        self._builder = builder
        self._told = enter
        self._tape_limit = tape_limit
        self._variants: tuple[_Variant, ...] = ()
        self._recordings = 0
        self._as_python = False
        self._extrapolates = getattr(builder, "extrapolates", False)
        self.lock = threading.RLock()
        _specializations.add(self)

    def __call__(self, args: Sequence[Any], kwargs: Mapping[str, Any], inputs: list[Any]) -> Any:
        """Return the function's result for arguments of this signature, and for their leaves."""
        if self._as_python:
            return self._f(*args, **kwargs)
        result = self._known(inputs)
        return result if result is not MISSED else self._record(args, kwargs, inputs)

    def _known(self, inputs: list[Any]) -> Any:
        for variant in self._variants:
            if variant.captured.is_current():
                try:
                    return variant.paths.run(inputs)
                except Stopped as stopped:
                    raise stopped.error from None
                except Exception:
                    return MISSED  # to be met again where the function itself runs
        return MISSED

    def _record(self, args: Sequence[Any], kwargs: Mapping[str, Any], inputs: list[Any]) -> Any:
        with self.lock:
            result = self._known(inputs)  # another thread may have been here
            if result is not MISSED:
                return result
            if self._as_python:
                return self._f(*args, **kwargs)
            if self._recordings >= MOST_RECORDINGS:
                self._run_as_python(self._too_many())
                return self._f(*args, **kwargs)
            try:
                result, path, captured = self.built(args, kwargs, inputs)
            except Recorded:
                return UserFunction(self._f)(args, dict(kwargs))
            except NotCompiled as reason:
                self._run_as_python(str(reason))
                return reason.result
            self._recordings += 1
            self._enter(path, captured)
            return result

    def _enter(self, path: Path, captured: Captured) -> None:
        for variant in self._variants:
            if variant.captured.is_current():
                break
        else:
            variant = _Variant(captured, Paths([array for array, _, _ in captured.arrays]))
            self._variants = (variant, *self._variants[: _MOST_VARIANTS - 1])
        variant.paths.add(path)
        self._told(path, captured)

    def built(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], inputs: list[Any]
    ) -> tuple[Any, Path, Captured]:
        """Record and build: return the function's result, the path, and what it refers to.

        Raises:
            Recorded: the function refers to an Array.
            NotCompiled: compiled code could not do what the function does.
            ChainruleError: the function cannot be recorded.
        """
        with no_collection():  # no decorator, which would be in the traceback of an error
            return self._built(args, kwargs, inputs)

    def _built(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], inputs: list[Any]
    ) -> tuple[Any, Path, Captured]:
        names = argument_names(self._f, len(args))
        all_ways = self._recordings > 0  # conditions in loops come out in many ways
        own = Own(self._f, args, kwargs)
        failure = _NOTHING
        for lift, integers in _ATTEMPTS:
            draft: Run | Relatives | None = None
            few, lifts, nests = FEW[0], False, True
            reason = None
            made: list[Path] = []
            notes: dict[str, None] = {}
            doubt = "other recordings of few turns did not tell all"

            def record(
                shortener: Shortener | None,
                defers: bool = True,
                lift: bool = lift,
                integers: bool = integers,
            ) -> Run:
                return run(self._f, args, kwargs, names, lift, integers, defers, shortener)

            try:
                draft = relatives(record, all_ways, notes) if self._extrapolates else record(None)
            except Recorded:
                raise
            except NotFaithful as error:
                reason = str(error)
            except Exception as error:
                failure = error if failure is _NOTHING else failure
            own.begins(draft)
            if reason is not None or not isinstance(draft, Relatives):
                own.run(reason)
            while isinstance(draft, Relatives):
                shown = _NOTHING
                if not own.has_run:
                    try:
                        shown = rehearsed(self._f, args, kwargs, inputs, draft, interpreted)
                    except Uncertain as uncertain:
                        doubt = str(uncertain)
                result, path = self._extrapolated(draft, own, shown, inputs, notes)
                if path is not None:
                    compared = path.compared or doubt if own.has_run else ""
                    path = replace(path, notes=tuple(notes), compared=compared)
                    return result, path, path.recorded.captured
                if draft.has_guards:
                    all_ways = True
                elif draft.has_seeds and not lifts:
                    lifts = True
                elif draft.nests:
                    nests = lifts = False
                elif draft.few < FEW[-1]:
                    few = FEW[-1]
                else:
                    own.run()
                    draft = draft.whole or in_full(record, all_ways, notes)
                    continue
                notes.clear()
                draft = relatives(record, all_ways, notes, few, lifts, nests)
            if isinstance(draft, Run):
                expected = own.run()

                def again(recorded: Recording, made: list[Path] = made) -> Any:
                    made[:] = [self._path(recorded)]
                    return self._ran(made[0], inputs)

                try:
                    try:
                        recorded = draft.compared(expected, again)
                    except Unsure:
                        made.clear()
                        try:
                            draft = run(self._f, args, kwargs, names, lift, integers, False)
                        except NotFaithful:
                            raise
                        except Exception as error:
                            failure = error if failure is _NOTHING else failure
                            continue
                        recorded = draft.compared(expected, again)
                except NotFaithful as error:
                    reason = str(error)
                else:
                    path = made[0] if made else self._path(recorded)
                    path = replace(path, notes=tuple(notes))
                    return expected, path, recorded.captured
            if reason is not None:
                raise NotCompiled(reason, own.run())
        try:
            name = name_of(self._f)
            if isinstance(failure, ChainruleError) and failure.__cause__ is None:
                failure.add_note(f"This is what chainrule.compile met when it recorded {name}.")
                raise failure
            kind = type(failure).__name__
            raise UnsupportedError(
                f"{name} cannot be compiled: recorded arrays led to {kind}: {failure}"
            ) from failure
        finally:  # or it would keep this frame, and the arguments, until they are collected
            del failure

    def _extrapolated(
        self, draft: Relatives, own: Own, shown: Any, inputs: list[Any], notes: dict[str, None]
    ) -> tuple[Any, Path | None]:
        """Build what was recorded in few turns; return the function's result, too.

        Args:
            draft: what was recorded.
            own: runs the function itself, where only that can tell whether it does the same.
            shown: what the function returns in few turns, if that might tell it.
            inputs: the leaves of the arguments.
            notes: is told why it is not what the function does.

        Raises:
            NotCompiled: a loop has more turns than there is memory for, or it writes into an array.
        """
        left, has_less = list(MOST_TURNS), False
        while left:
            most = left.pop(0)
            kind = shown if shown is not _NOTHING else own.run()
            try:
                path = self._path(draft.typed(kind, most))
            except (NotAlikeError, NotFaithful) as error:
                notes[f"all turns are recorded: {error}"] = None
                return None, None
            except TapeLimitError:
                if not draft.loops:
                    raise
                return None, None  # there may be far fewer turns
            bytes_ = getattr(path.runnable, "scratch_bytes", 0)
            if draft.loops and most == MOST_TURNS[0] and bytes_ > _ROOM and not has_less:
                has_less = True  # large arrays: memory for fewer turns is tried first
                left = [max(most * _ROOM // bytes_, _FEWEST), *MOST_TURNS]
                continue
            found = self._ran(path, inputs)
            if shown is not _NOTHING:
                doubt = next(iter(draft.turns.doubts), None)
                if doubt is None and found is not None:
                    if are_finite(found):
                        return found, path
                    doubt = "the result is not finite"
                path = replace(path, compared=doubt or "what Python looks at comes out otherwise")
            expected = own.run()
            if same(found, expected):
                if shown is not _NOTHING and not are_of_one_kind(shown, expected):
                    path = replace(self._path(draft.typed(expected, most)), compared=path.compared)
                return expected, path
            if found is not None or not draft.loops:
                return None, None
            if any(loop.most is not None for loop in draft.loops):
                return None, None  # a ``for`` loop that comes to its end
        if draft.whole is None:
            raise NotCompiled(f"a loop has more than {MOST_TURNS[-1]:,} turns", own.run())
        return None, None

    @staticmethod
    def _ran(path: Path, inputs: list[Any]) -> Any:
        """Return the result that a path gives; None where it gives none."""
        recorded = path.recorded
        try:
            outputs, found = path.runnable(inputs, [x for x, _, _ in recorded.captured.arrays])
        except Stopped as stopped:
            raise stopped.error from None
        except Exception:
            return None
        return recorded.result(outputs) if found is True else None

    def _path(self, recorded: Recording) -> Path:
        path = Path(recorded, self._builder(recorded.program))
        needed = getattr(path.runnable, "scratch_bytes", 0)
        if self._tape_limit is not None and needed > self._tape_limit:
            raise TapeLimitError(
                f"{name_of(self._f)}, compiled for these arguments, needs {needed:,} bytes for "
                "what it keeps on its way, for backward passes above all, and its tape_limit is "
                f"{self._tape_limit:,}: raise the limit, take fewer turns or float32, or let it "
                "run as Python, without compile, with its loops checkpointed "
                "(chainrule.checkpoint, checkpoint=k of scan and fori_loop)"
            )
        return path

    def _run_as_python(self, reason: str) -> None:
        self._as_python = True
        self._variants = ()
        warnings.warn(
            f"{name_of(self._f)} runs as Python for these arguments: {reason}",
            NotCompiledWarning,
            stacklevel=stack_level(),
        )

    def _too_many(self) -> str:
        variant = self._variants[0]
        if variant.captured.is_current():
            line = variant.paths.diverged
            where = f" at {line}" if line is not None else ""
            return (
                f"what Python looks at{where} came out in more than {MOST_RECORDINGS} ways. Write "
                "np.where or another function of arrays there, or leave that part uncompiled"
            )
        return (
            f"{variant.captured.changed()} was changed more than {MOST_RECORDINGS} times: pass it "
            "as an argument"
        )


_specializations: weakref.WeakSet[Specialization] = weakref.WeakSet()


def _fresh_locks() -> None:
    """Forget locks that threads of the parent process held."""
    for specialization in _specializations:
        specialization.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_locks)
