"""Fresh inputs for a transform, and the run of a function on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array
from chainrule.core.backward import Derive
from chainrule.core.captured import hold
from chainrule.core.kinds import identity
from chainrule.core.node import Leaf, Node
from chainrule.core.recording import Recording
from chainrule.errors import ArgumentError
from chainrule.numpy.creation import result_leaves, to_be_filled
from chainrule.numpy.view import UserFunction
from chainrule.transforms.argnums import refuse
from chainrule.transforms.results import own, plain

__all__ = ["Inputs", "Overwritten", "derived_again", "lent", "run_once"]

_ndarray = np.ndarray

_PLAIN = (float, _ndarray, Array)


class Overwritten(Exception):
    """The function has written into an array that it was lent, or into what it made of one.

    From now on it is given others. Whoever catches this begins again after the handler, not in it:
    an error of the second run would be told with this one.
    """


def run_once(
    run: UserFunction,
    args: Sequence[Any],
    argnums: tuple[int, ...] | None = None,
    kwargs: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Inputs, list[Any], list[Any], Callable[[Any], Any]]:
    """Run a function whose derivative, by all arguments or some, will be asked for later.

    Returns:
        The inputs; the leaves of what came out, with their nodes as they were then; the values of
        these; and the function that puts leaves together.
    """
    recording = Recording()
    try:
        chosen = tuple(range(len(args))) if argnums is None else argnums
        inputs = Inputs(run.f, args, chosen, recording, kept=True)
        outputs, build = result_leaves(inputs.run(run, dict(kwargs)))
        # The nodes of the outputs as they are now: the caller may write into the value in place.
        outputs = [own(leaf) for leaf in outputs]
        return inputs, outputs, [own(plain(leaf, recording)) for leaf in outputs], build
    except Overwritten:
        pass
    finally:
        recording.end()
    return run_once(run, args, argnums, kwargs)


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
