"""Fresh inputs for a transform, and its results on their way back to the user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import index
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from chainrule import trees
from chainrule.core.apply import apply_unary
from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.backward import Derive
from chainrule.core.callables import name_of, positional
from chainrule.core.captured import hold
from chainrule.core.kinds import astype, identity
from chainrule.core.node import Leaf, Node
from chainrule.core.recording import Recording
from chainrule.errors import ArgumentError, UnsupportedError
from chainrule.numpy.creation import result_leaves, to_be_filled
from chainrule.numpy.view import UserFunction

__all__ = [
    "Inputs",
    "Overwritten",
    "Run",
    "check_real",
    "derived_again",
    "finish",
    "lent",
    "own",
    "place_of",
    "plain",
    "positions",
    "refuse",
    "run_once",
    "select",
]

_ndarray = np.ndarray
_float64 = np.float64

_PLAIN = (float, _ndarray, Array)
_NUMBERS = (float, complex, np.generic)


class Overwritten(Exception):
    """The function has written into an array that it was lent, or into what it made of one.

    From now on it is given others.
    """


class Run(NamedTuple):
    """A run that is over, to be derived again and again.

    Attributes:
        inputs: its arguments.
        outputs: the leaves of what came out, with their nodes as they were then.
        values: those of the leaves.
        build: puts leaves together.
    """

    inputs: Inputs
    outputs: list[Any]
    values: list[Any]
    build: Callable[[Any], Any]


def run_once(
    run: UserFunction,
    args: Sequence[Any],
    argnums: tuple[int, ...] | None = None,
    kwargs: Mapping[str, Any] = MappingProxyType({}),
) -> Run:
    """Run a function whose derivative, by all arguments or some, will be asked for later."""
    recording = Recording()
    try:
        chosen = tuple(range(len(args))) if argnums is None else argnums
        inputs = Inputs(run.f, args, chosen, recording, kept=True)
        outputs, build = result_leaves(inputs.run(run, dict(kwargs)))
        # The nodes of the outputs as they are now: the caller may write into the value in place.
        outputs = [own(leaf) for leaf in outputs]
        return Run(inputs, outputs, [own(plain(leaf, recording)) for leaf in outputs], build)
    except Overwritten:
        return run_once(run, args, argnums, kwargs)
    finally:
        recording.end()


class Inputs:
    """The arguments that a transform differentiates with respect to, as fresh arrays.

    ``nodes`` are theirs, in the order of the leaves; ``args`` are all arguments with the fresh
    arrays in their places. ``kept`` says that a pullback will use the values again later, when the
    user may have overwritten the arguments.
    """

    __slots__ = ("_argnums", "_builders", "_f", "_kept", "args", "nodes", "recording", "values")

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        argnums: tuple[int, ...],
        recording: Recording,
        kept: bool = False,
    ) -> None:
        self._f = f
        self._kept = kept
        self._argnums = argnums
        self.recording = recording
        self.nodes: list[Node] = []
        self.values: list[Any] = []
        self.args = list(args)
        self._builders: list[tuple[int, Callable[[Iterable[Any]], Any]] | None] = []
        for k in argnums:
            arg = args[k]
            if type(arg) not in _PLAIN and trees.is_container(arg):
                leaves, build = trees.flatten(arg)
                start = len(self.nodes)
                fresh = [self._fresh(leaf, k, at) for at, leaf in enumerate(leaves)]
                self.args[k] = build(fresh)
                self._builders.append((len(self.nodes) - start, build))
            else:
                self.args[k] = self._fresh(arg, k, 0)
                self._builders.append(None)

    def _fresh(self, value: Any, position: int, at: int) -> Array:
        kind = type(value)
        if kind is Array and value.node is not None:
            if value.dtype.kind not in "fc":
                raise self._refuse(value, position, at)
            again: Array = identity(value)
            self.nodes.append(again.node)
            self.values.append(own(again))
            return again
        if kind is Array:
            value, kind = value.value, _ndarray
        if kind is _ndarray:
            if value.dtype.kind not in "fc":
                raise self._refuse(value, position, at)
            if self._kept:
                value = hold(value, self.recording)
        elif not (kind is float or kind is complex or _is_number(value)):
            raise self._refuse(value, position, at)
        node = Leaf(self.recording)
        self.nodes.append(node)
        self.values.append(value)
        return Array(value, node)

    def _refuse(self, value: Any, position: int, at: int) -> ArgumentError:
        return refuse(self._f, self.args[position], value, position, at)

    def run(self, function: UserFunction, kwargs: dict[str, Any]) -> Any:
        """Run the function, which may overwrite what it is not differentiated by, too.

        The caller's arrays stay as they are: they are lent to it, read-only, until it has written.

        Raises:
            Overwritten: it has; begin again.
        """
        args = self.args
        named = kwargs
        if kwargs or len(self._argnums) < len(args):
            hand = _copied if function.overwrites else _lent
            args = [x if k in self._argnums else hand(x) for k, x in enumerate(args)]
            named = {name: hand(x) for name, x in kwargs.items()}
        known = function.known
        try:
            return function(args, named)
        except Exception:
            if function.known == known:
                raise
        raise Overwritten

    def derived(self, derive: Derive, outputs: Sequence[Array]) -> list[Any]:
        """Derive outputs by the inputs; in stable form where that met something infinite.

        In code of `compile`, which is for other numbers, too, it always does.
        """
        found, sure = derive(outputs, self.nodes, False)
        if sure and not (outputs and outputs[0].node.recording.unseen):
            return found
        return self.derived_again(derive, outputs, found, sure)

    def derived_again(
        self, derive: Derive, outputs: Sequence[Array], found: list[Any], sure: bool
    ) -> list[Any]:
        """Derive outputs once more, in stable form; ``found`` is what a first attempt gave."""
        values = [x.held if type(x) is Array else x for x in self.values]
        return derived_again(derive, outputs, self.nodes, values, found, sure)

    def build(self, results: Sequence[Any]) -> tuple[Any, ...]:
        """Put one result per leaf into the structure of the arguments, one entry per argument."""
        built = []
        at = 0
        for builder in self._builders:
            if builder is None:
                built.append(results[at])
                at += 1
            else:
                count, build = builder
                built.append(build(results[at : at + count]))
                at += count
        return tuple(built)


def _is_number(value: Any) -> bool:
    return isinstance(value, np.generic) and value.dtype.kind in "fc"


def _lent(value: Any) -> Any:
    if type(value) is Array:
        return own(value)
    return lent(value) if type(value) is _ndarray and value.dtype.kind in "fc" else value


def lent(value: Any) -> Any:
    """Return an array for a function that must not write into it; any other value as it is."""
    if type(value) is _ndarray:
        value = value.view()
        value.setflags(write=False)
    return value


def _copied(value: Any) -> Any:
    if trees.is_container(value):
        leaves, build = trees.flatten(value)
        return build(map(_copied, leaves))
    return to_be_filled(own(value))


def derived_again(
    derive: Derive,
    outputs: Sequence[Array],
    inputs: Sequence[Node],
    values: Sequence[Any],
    found: list[Any],
    sure: bool = False,
) -> list[Any]:
    """Derive outputs in stable form, see `chainrule.transforms.stable`."""
    from chainrule.transforms import stable  # loads the passes over graphs

    return stable.derived_again(derive, outputs, inputs, values, found, sure)


def refuse(f: Callable[..., Any], arg: Any, leaf: Any, position: int, at: int) -> ArgumentError:
    """Say which argument cannot be differentiated, and what to write instead."""
    name = _place(f, arg, position, at)
    if isinstance(leaf, (bool, np.bool_)):
        what, cure = f"is a bool, {leaf}", "leave it out of argnums"
    elif isinstance(leaf, (int, np.integer)):
        what, cure = f"is an int, {leaf}", f"write {float(leaf)}, or leave it out of argnums"
    elif isinstance(leaf, (_ndarray, Array)) and type(leaf) in (_ndarray, Array):
        what = f"has dtype {leaf.dtype}"
        cure = "pass np.asarray(x, dtype=float), or leave it out of argnums"
    elif isinstance(leaf, _ndarray):
        what, cure = f"is a {type(leaf).__name__}", "pass a plain array, np.asarray(x)"
    else:
        what, cure = f"is a {type(leaf).__name__}", "pass a float or an array, or set argnums"
    return ArgumentError(
        f"{name} of {name_of(f)} {what}: a gradient exists by floating-point numbers only; {cure}"
    )


def place_of(
    f: Callable[..., Any], args: Sequence[Any], position: int, at: int | None = None
) -> str:
    """Name an argument of a function, or one leaf of it: ``argument 1 (params['w'])``."""
    return _place(f, args[position], position, at)


def _place(f: Callable[..., Any], arg: Any, position: int, at: int | None) -> str:
    where = trees.paths(arg)[at] if at is not None and trees.is_container(arg) else ""
    names, rest = positional(f)
    where = (names[position] if position < len(names) else rest or "") + where
    return f"argument {position} ({where})" if where else f"argument {position}"


def positions(argnums: Any) -> int | tuple[int, ...]:
    """Return argnums as an int or a tuple of ints.

    Raises:
        ArgumentError: it is neither an integer nor a sequence of them.
    """
    try:
        return index(argnums)
    except TypeError:
        pass
    try:
        return tuple(index(k) for k in argnums)
    except TypeError:
        raise ArgumentError(
            f"argnums is {argnums!r}: it is the position of an argument, 0, or several, (0, 1)"
        ) from None


def select(argnums: int | Sequence[int], args: Sequence[Any], f: Any) -> tuple[int, ...]:
    """Resolve argnums against the positional arguments.

    Raises:
        ArgumentError: there is no such argument, or one is named twice.
    """
    if type(argnums) is not int and type(argnums) is not tuple:
        argnums = positions(argnums)
    count = len(args)
    selected = _resolved(argnums, count)
    if selected is None:
        raise ArgumentError(
            f"argnums is {argnums}, but {name_of(f)} was called with {count} positional "
            f"argument{'s' if count != 1 else ''}: arguments to differentiate by are passed "
            "by position"
        )
    if len(set(selected)) < len(selected):
        raise ArgumentError(f"argnums is {argnums}: it names an argument twice")
    return selected


@lru_cache(1024)
def _resolved(argnums: int | tuple[int, ...], count: int) -> tuple[int, ...] | None:
    """Count negative positions from the end; None where one is out of range."""
    chosen = (argnums,) if isinstance(argnums, int) else argnums
    if not all(-count <= k < count for k in chosen):
        return None
    return tuple(k % count for k in chosen)


def plain(value: Any, recording: Recording) -> Any:
    """Return a result as its user expects it: a plain value, and a float64 number as a float.

    It stays an Array where an outer recording may still differentiate it.
    """
    value = _unwrapped(value, recording)
    if type(value) is _float64:
        return float(value)
    if type(value) is Array and value.__class__ is _float64:
        return apply_unary(identity, float, value)
    return value


def _unwrapped(value: Any, recording: Recording) -> Any:
    if type(value) is Array:
        if value.node is None:
            return value.held
        outer = value.node.recording
        if outer is recording or not (_is_float(value) or outer.note is not None):
            return value.value
    return value


def check_real(values: Iterable[Any], f: Callable[..., Any]) -> None:
    """Raise where an output that is being differentiated is complex.

    Raises:
        UnsupportedError: it is; its gradient would come out as zero.
    """
    for value in values:
        if type(value) is Array and value.dtype.kind == "c":
            raise UnsupportedError(
                f"the output of {name_of(f)} is complex ({value.dtype}), so it has no gradient: "
                "differentiate a real number made of it, such as np.abs(y)**2, y.real or y.imag. "
                "The derivative of a holomorphic function is chainrule.holomorphic_grad(f), and "
                "all of an array's are chainrule.jacobian(f)"
            )


def own(value: Any) -> Any:
    """Copy what the caller may write into while a graph still needs it."""
    if type(value) is Array:
        return Array(value.held, value.node)
    return np.array(value) if type(value) is _ndarray else value


def _is_float(value: Array) -> bool:
    return value.dtype.kind in "fc"


def finish(results: Sequence[Any], values: Sequence[Any], recording: Recording) -> list[Any]:
    """Give gradients or tangents the type, dtype and shape of what they belong to.

    Each also has memory of its own.
    """
    finished = []
    given: set[int] = set()
    for g, like in zip(results, values, strict=True):
        if type(g) is Array:
            g = _unwrapped(g, recording)
        kind = like.__class__
        if g is None:
            zero = np.zeros(shape_of(like), dtype_of(like))
            g = zero if kind is _ndarray else kind(0) if kind in (float, complex) else zero[()]
        elif type(g) is Array:
            g = _with_type(g, like)
        elif kind is _ndarray:
            if type(g) is not _ndarray or g.dtype != like.dtype:
                g = np.array(g, dtype=like.dtype)
            if g.base is not None or not g.flags.writeable or id(g) in given:
                g = np.array(g)
            given.add(id(g))
        elif type(g) is not kind and issubclass(kind, _NUMBERS):
            g = kind(g)
        finished.append(g)
    return finished


def _with_type(g: Array, like: Any) -> Array:
    """Give an Array the type and the dtype of another value."""
    kind = like.__class__
    dtype = np.dtype(float) if kind is float else getattr(like, "dtype", g.dtype)
    if g.dtype != dtype:
        g = astype(g, dtype=dtype)
    if g.__class__ is not kind:
        g = apply_unary(identity, np.asarray if kind is _ndarray else kind, g)
    return g
