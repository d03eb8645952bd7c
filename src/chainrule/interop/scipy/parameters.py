"""Parameters as SciPy's solvers have them, a vector, and as the user has them: a tree."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array
from chainrule.errors import ArgumentError, NonFiniteError, UnsupportedError
from chainrule.numpy.dispatch import arrays_in
from chainrule.transforms.ravel import Unravel, ravel

__all__ = ["as_vector", "limits", "no_method", "pairs", "refuse_arrays", "start"]

Vector = np.ndarray[Any, np.dtype[np.float64]]


def no_method(method: Any, known: Iterable[str]) -> ArgumentError:
    """Say that there is no such method, and which was perhaps meant."""
    near = difflib.get_close_matches(str(method), known, 1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return ArgumentError(f"there is no method {method!r}.{meant} They are {', '.join(known)}")


def start(x0: Any, what: str = "x0") -> tuple[Vector, Unravel]:
    """Return where a solver begins, as a vector, and the function that makes the user's of it.

    One number, and a list or tuple of numbers, are an array, as they are to SciPy; so are integers
    floats. Any other tuple, list, dict or dataclass is a tree.

    Raises:
        ArgumentError: a leaf is no real number, or there is none.
        NonFiniteError: an entry is NaN or infinite.
    """
    if not trees.is_container(x0) or _is_array(x0):
        x0 = np.atleast_1d(np.asarray(x0))
    leaves, build = trees.flatten(x0)
    checked = [
        _real(leaf, f"{what}{path}") for leaf, path in zip(leaves, trees.paths(x0), strict=True)
    ]
    vector, unravel = ravel(build(checked))
    if not unravel.size:
        raise ArgumentError(f"{what} has no entries: there is nothing to be found")
    return vector.astype(float), unravel


def _is_array(x0: Any) -> bool:
    """Tell a list or tuple that holds nothing but numbers, in lists and tuples of equal lengths."""
    if not isinstance(x0, (list, tuple)) or hasattr(x0, "_fields"):
        return False
    return bool(x0) and all(isinstance(x, numbers.Number) or _is_array(x) for x in x0)


def _real(leaf: Any, what: str) -> Any:
    """Return a leaf as a float or an array of floats."""
    kind = np.asarray(leaf).dtype.kind
    if kind not in "iuf":
        cure = {
            "c": "SciPy's solvers work with real numbers; let its real and imaginary parts be two",
            "b": "a parameter is a number; pass what is none by args",
        }.get(kind, "a parameter is a number, or an array of numbers")
        raise ArgumentError(f"{what} is {_described(leaf)}: {cure}")
    if isinstance(leaf, (int, float)):
        leaf = float(leaf)
    else:
        leaf = np.asarray(leaf)
        leaf = leaf.astype(float) if kind in "iu" else leaf
    finite = np.isfinite(leaf)
    if not np.all(finite):
        first = "" if np.ndim(leaf) == 0 else str(np.argwhere(~finite)[0].tolist())
        value = np.asarray(leaf)[~finite][0] if np.ndim(leaf) else leaf
        raise NonFiniteError(f"{what}{first} is {value}: a search begins at finite numbers")
    return leaf


def _described(leaf: Any) -> str:
    dtype = getattr(leaf, "dtype", None)
    return f"a {type(leaf).__name__}" if dtype is None else f"an array of dtype {dtype}"


def refuse_arrays(function: str, *given: Any) -> None:
    """Raise where what a solver is given, or what it computes, is being differentiated.

    Raises:
        UnsupportedError: it is.
    """
    if any(type(x) is Array for tree in given for x in _leaves(tree)):
        raise UnsupportedError(
            f"chainrule.interop.scipy.{function} was given arrays that are being differentiated: "
            f"to differentiate what a solver finds, call SciPy's own {function} in its place"
        )


def _leaves(tree: Any) -> Iterator[Any]:
    yield from trees.flatten(tree)[0] if trees.is_container(tree) else arrays_in(tree)


def as_vector(tree: Any, unravel: Unravel, what: str) -> Vector:
    """Return a vector of a tree like the parameters, in which a number stands for a whole leaf.

    Raises:
        ArgumentError: it is not like the parameters.
    """
    parts = []
    leaves = _alike(tree, unravel, what)
    for leaf, shape, path in zip(leaves, unravel.shapes, _paths(unravel), strict=True):
        try:
            part = np.broadcast_to(np.asarray(leaf, float), shape)
        except (TypeError, ValueError):
            raise ArgumentError(
                f"{what}{path} is {_shown(leaf)}, and the parameter has shape {shape}"
            ) from None
        parts.append(part.ravel())
    return np.concatenate(parts)


def _shown(leaf: Any) -> str:
    shape = np.shape(leaf) if not isinstance(leaf, dict) else ()
    return f"of shape {shape}" if shape else f"{leaf!r}"


def _paths(unravel: Unravel) -> list[str]:
    return trees.paths(unravel.build([0.0] * len(unravel.shapes)))


def _alike(tree: Any, unravel: Unravel, what: str) -> list[Any]:
    """Return the parts of a tree that stand where the leaves of the parameters do."""
    if unravel.structure is None:
        return [tree]
    if not trees.is_container(tree) and np.ndim(tree) == 0:
        return [tree] * len(unravel.shapes)
    try:
        return list(unravel.structure.flatten_up_to(tree))
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{what} is not like the parameters, which are {_outline(unravel)}: {error}"
        ) from None


def _outline(unravel: Unravel) -> str:
    """Say what the parameters are made of."""
    named = zip(_paths(unravel), unravel.shapes, strict=True)
    return ", ".join(f"{path} of shape {shape}" for path, shape in named)


def limits(bounds: Any, unravel: Unravel) -> tuple[Vector, Vector]:
    """Return the lowest and the highest values, of what `least_squares` takes for bounds.

    Raises:
        ArgumentError: they are not like the parameters.
    """
    if hasattr(bounds, "lb"):
        low, high = bounds.lb, bounds.ub
        return _entries(low, unravel, "bounds.lb"), _entries(high, unravel, "bounds.ub")
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise ArgumentError(
            "bounds is the pair of the lowest and of the highest values, each a number or like the "
            f"parameters; it is {bounds!r}"
        )
    low, high = bounds
    return as_vector(low, unravel, "bounds[0]"), as_vector(high, unravel, "bounds[1]")


def _entries(end: Any, unravel: Unravel, what: str) -> Vector:
    """Return an end of a Bounds: a number, or one for each entry of the parameters."""
    end = np.asarray(end)
    if end.dtype.kind not in "biuf" or end.shape not in ((), (1,), (unravel.size,)):
        raise ArgumentError(
            f"{what} has shape {end.shape} and dtype {end.dtype}: the parameters have "
            f"{unravel.size} entries"
        )
    return np.broadcast_to(end.astype(float), (unravel.size,))


def pairs(bounds: Any, unravel: Unravel) -> Any:
    """Return bounds as SciPy's `minimize` takes them, of what the user gives for parameters.

    That is a Bounds or, of one array, a pair ``(low, high)`` for each entry; of a tree, a tree of
    pairs like it. None stands for no bound.

    Raises:
        ArgumentError: they are not like the parameters.
    """
    if bounds is None:
        return None
    if hasattr(bounds, "lb"):
        _entries(bounds.lb, unravel, "bounds.lb")
        _entries(bounds.ub, unravel, "bounds.ub")
        return bounds
    if unravel.structure is None:
        bounds = list(bounds)
        if len(bounds) != unravel.size:
            raise ArgumentError(
                f"there are {len(bounds)} pairs of bounds for {unravel.size} entries of x0"
            )
        return [_pair(pair, f"bounds[{k}]") for k, pair in enumerate(bounds)]
    found: list[tuple[Any, Any]] = []
    for pair, shape, path in zip(
        _alike(bounds, unravel, "bounds"), unravel.shapes, _paths(unravel), strict=True
    ):
        ends = []
        for end, none in zip(_pair(pair, f"bounds{path}"), (-np.inf, np.inf), strict=True):
            try:
                end = np.broadcast_to(np.asarray(none if end is None else end, float), shape)
            except (TypeError, ValueError):
                raise ArgumentError(
                    f"an end of bounds{path} is {_shown(end)}, and the parameter has shape {shape}"
                ) from None
            ends.append(end.ravel().tolist())
        found += zip(*ends, strict=True)
    return found


def _pair(pair: Any, what: str) -> tuple[Any, Any]:
    if pair is None:
        return None, None
    try:
        low, high = pair
    except (TypeError, ValueError):
        raise ArgumentError(f"{what} is {pair!r}: it is a pair (low, high), or None") from None
    return low, high
