"""`vmap`: a function of one example, applied to many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.batching import moved
from chainrule.core.callables import name_of
from chainrule.errors import ArgumentError
from chainrule.numpy.creation import result_leaves
from chainrule.numpy.view import UserFunction
from chainrule.transforms.argnums import place_of
from chainrule.transforms.derived import derived
from chainrule.transforms.examples import Examples
from chainrule.transforms.inputs import Inputs, Overwritten

__all__ = ["vmap"]


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """Return f for many examples at once: what a loop over them would give, without the loop.

    The function is run once, on the first example, and each of its operations is computed for all
    of them. It composes with every other transform, in both orders.

    Args:
        f: a function of one example: of NumPy arrays, numbers, and trees (tuple, list, dict,
            dataclass) of them.
        in_axes: along which axis the examples lie. An int for all arguments, or a tuple with one
            entry for each positional argument: an int, None for an argument that all examples
            share, or a tree of them in the structure of the argument. Named arguments are shared.
        out_axes: where the axis of the examples is put in the result; an int, or a tree of them.
            None hands on a result that does not depend on the example, once.

    Returns:
        A function of arrays with one more axis than f's, whose results have one more, too.

    Raises:
        ArgumentError: an argument has no such axis, the arguments have different numbers of
            examples, or none of them has any.
        ExamplesDisagreeError: Python looked at a value (``if x > 0``) that is not the same for all
            examples.

    >>> import numpy as np, chainrule as cr
    >>> w = np.array([1.0, 2.0])
    >>> cr.vmap(lambda x: np.dot(w, x))(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    array([1., 2., 3.])
    >>> cr.vmap(cr.grad(lambda w, x: np.sin(w @ x)), (None, 0))(w, np.eye(2)).round(3)
    array([[ 0.54 ,  0.   ],
           [-0.   , -0.416]])
    """
    run = UserFunction(f)

    @derived(vmap, f, in_axes, out_axes)
    def for_all(*args: Any, **kwargs: Any) -> Any:
        given, builders = _arguments(f, args, in_axes)
        size = _size(f, args, given)
        try:
            with Examples(size) as examples:
                moved_in = [x if axis is None else moved(x, axis, 0) for x, axis in given]
                fresh = iter(
                    x if axis is None else examples.fresh(x)
                    for x, (_, axis) in zip(moved_in, given, strict=True)
                )
                inputs = Inputs(f, [build(fresh) for build in builders], (), examples.recording)
                y = _run(inputs, run, kwargs, size)
                leaves, build = result_leaves(y)
                axes = _spread(out_axes, y, f"out_axes of vmap({name_of(f)})")
                lent = {id(x) for x in moved_in}
                pairs = zip(leaves, axes, strict=True)
                return build([_result(examples, x, axis, f, lent) for x, axis in pairs])
        except Overwritten:
            pass
        return for_all(*args, **kwargs)

    return for_all


def _run(inputs: Inputs, run: UserFunction, kwargs: dict[str, Any], size: int) -> Any:
    if size:
        return inputs.run(run, kwargs)
    try:
        with np.errstate(all="ignore"):
            return inputs.run(run, kwargs)
    except Overwritten:
        raise
    except Exception as error:
        error.add_note(
            "There are no examples: vmap ran the function on ones, to learn the shape of its result"
        )
        raise


# Arguments.


def _arguments(
    f: Callable[..., Any], args: Sequence[Any], in_axes: Any
) -> tuple[list[tuple[Any, int | None]], list[Callable[..., Any]]]:
    """Return all leaves with their axes, non-negative, and what makes each argument of its own."""
    if isinstance(in_axes, (tuple, list)):
        if len(in_axes) != len(args):
            raise ArgumentError(
                f"in_axes has {len(in_axes)} entries, but {name_of(f)} was called with {len(args)} "
                "positional arguments: it needs one for each, None for an argument that all "
                "examples share"
            )
        entries = list(in_axes)
    else:
        entries = [in_axes] * len(args)
    given: list[tuple[Any, int | None]] = []
    builders: list[Callable[..., Any]] = []
    for position, (arg, entry) in enumerate(zip(args, entries, strict=True)):
        leaves, build = trees.flatten(arg)
        axes = _spread(entry, arg, f"in_axes of {place_of(f, args, position)} of {name_of(f)}")
        for at, (leaf, axis) in enumerate(zip(leaves, axes, strict=True)):
            given.append(_placed(f, args, position, at, leaf, axis))
        builders.append(_taking(build, len(leaves)))
    return given, builders


def _taking(build: Callable[..., Any], count: int) -> Callable[..., Any]:
    return lambda leaves: build([next(leaves) for _ in range(count)])


def _placed(
    f: Callable[..., Any], args: Sequence[Any], position: int, at: int, leaf: Any, axis: int | None
) -> tuple[Any, int | None]:
    """Return a leaf with its axis."""
    if type(leaf) is Array and leaf.node is None:
        leaf = leaf.value
    if axis is None:
        return leaf, None
    ndim = len(shape_of(leaf)) if isinstance(leaf, (np.ndarray, np.generic, Array)) else 0
    if -ndim <= axis < ndim and dtype_of(leaf).kind in "fciub":
        return leaf, axis % ndim
    name = f"{place_of(f, args, position, at)} of {name_of(f)}"
    if ndim and -ndim <= axis < ndim:
        raise ArgumentError(f"{name} has dtype {dtype_of(leaf)}: vmap takes arrays of numbers")
    what = f"has shape {shape_of(leaf)}" if ndim else f"is a {type(leaf).__name__}"
    raise ArgumentError(
        f"{name} {what}, so it has no axis {axis} along which examples could lie: pass an array, "
        "np.asarray(x), or None in its place in in_axes if all examples share it"
    )


def _size(
    f: Callable[..., Any], args: Sequence[Any], given: Sequence[tuple[Any, int | None]]
) -> int:
    """Return the number of examples."""
    sizes = [None if axis is None else shape_of(x)[axis] for x, axis in given]
    found = {size for size in sizes if size is not None}
    if len(found) == 1:
        return found.pop()
    if not found:
        raise ArgumentError(
            f"no argument of {name_of(f)} has examples: in_axes is None for all of them"
        )
    places = (
        place_of(f, args, position, at)
        for position, arg in enumerate(args)
        for at in range(len(trees.flatten(arg)[0]))
    )
    listed = [
        f"{place} has {size} along axis {axis}"
        for place, size, (_, axis) in zip(places, sizes, given, strict=True)
        if size is not None
    ]
    raise ArgumentError(
        f"the arguments of {name_of(f)} have different numbers of examples: {', '.join(listed)}"
    )


def _spread(axes: Any, tree: Any, what: str) -> list[int | None]:
    """Return one axis for each leaf of a tree, of axes that may be a tree, too."""
    if axes is None or not trees.is_container(axes):
        try:
            axis = None if axes is None else index(axes)
        except TypeError:
            raise ArgumentError(
                f"{what}: {axes!r} is neither an int nor None, nor a tree of them"
            ) from None
        return [axis] * len(trees.flatten(tree)[0])
    inner, outer = trees.children(axes), trees.children(tree)
    if type(axes) is not type(tree) or inner.keys() != outer.keys():
        raise ArgumentError(f"{what}: {axes!r} has not the structure of what it belongs to")
    return [axis for key in outer for axis in _spread(inner[key], outer[key], what)]


# Results.


def _result(
    examples: Examples, leaf: Any, axis: int | None, f: Callable[..., Any], lent: set[int]
) -> Any:
    if axis is None:
        if examples.is_one(leaf):
            raise ArgumentError(
                f"out_axes is None for a result of {name_of(f)} that is another one for each "
                "example: say at which axis they are to lie, 0 for instance"
            )
        return leaf
    if not isinstance(leaf, (np.ndarray, np.generic, Array, bool, int, float, complex)):
        raise ArgumentError(
            f"{name_of(f)} returned a {type(leaf).__name__}, of which there is no array for all "
            "examples: return numbers or arrays, or say out_axes=None for it"
        )
    values = examples.all_of(leaf)
    ndim = len(shape_of(values))
    if not -ndim <= axis < ndim:
        raise ArgumentError(
            f"out_axes is {axis}, but a result of {name_of(f)} has {ndim} axes for all examples"
        )
    values = moved(values, 0, axis % ndim)
    if type(values) is Array:
        return values
    if values.base is not None or id(values) in lent or not values.flags.writeable:
        values = np.array(values)
    return values
