"""A user's function, seen with globals in which ``math.exp`` and ``np.array`` are operations.

Some functions cannot be told by NumPy's protocols that they meet an Array: those of `math`,
``np.array``, a few of SciPy's. Where a recorded function refers to one of them through its globals
or its closure, it runs as the same code object with other globals: a view in which these names are
the matching operations and everything else is the user's own, live. Helper functions that it calls,
in its own module or another, in containers or as methods, are treated alike (`numpy.seen`). Source
is never parsed, and the user's module is changed by the user's own ``global`` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import trees
from chainrule.core.array import Array
from chainrule.core.source import annotate
from chainrule.errors import RUNS, ChainruleError
from chainrule.numpy.boundary import Raised, at_the_boundary
from chainrule.numpy.seen import Search

__all__ = ["UserFunction"]


class UserFunction:
    """A function to record: found once, checked at each call, run with its own traceback."""

    __slots__ = ("_search", "_seen", "f", "overwrites")

    def __init__(self, f: Callable[..., Any]) -> None:
        if not callable(f):
            raise TypeError(
                f"expected a function to differentiate, got a {type(f).__name__}: {f!r}"
            )
        self.f = f
        #: It is known to write into arguments that nobody differentiates by.
        self.overwrites = False
        self._search: Search | None = None
        self._seen: Callable[..., Any] = f

    def __call__(self, args: Any, kwargs: dict[str, Any]) -> Any:
        """Run the function; an error starts at the user's line and names what was there."""
        kinds = Search.kinds_of((*args, *kwargs.values()) if kwargs else args)
        seen = self.seen(kinds)
        search: Any = self._search
        raised = Raised()
        if search.lends:
            search.objects.begin()
        try:
            if kinds:
                given = {name: search.argument(x) for name, x in kwargs.items()}
                result = seen(*map(search.argument, args), **given)
            else:
                result = seen(*args, **kwargs)
            if raised.first is not None:  # and caught, whereupon the function did something else
                raised.first.caught = True
                raise raised.first
            return result if type(result) is Array and result.node is not None else _plain(result)
        except Exception as error:
            if raised.first is not None and raised.first is not error:
                raise raised.first from error
            hidden = error.__cause__ or error.__context__
            if isinstance(hidden, ChainruleError) and not isinstance(error, ChainruleError):
                # NumPy met our error while it converted an Array, and wrapped it.
                hidden.__traceback__ = error.__traceback__
                annotate(hidden)
                raise hidden from None
            instead = None
            if not isinstance(error, ChainruleError):
                instead = at_the_boundary(error, self.f, args, kwargs)
            annotate(error)
            if instead is not None:
                raise instead from error
            raise
        finally:
            if search.lends:
                search.objects.end()
                search.hand_back()
            if raised.first is not None:
                raised.first = None  # an error's traceback refers to this very frame

    def seen(self, kinds: frozenset[type] = frozenset()) -> Callable[..., Any]:
        """Return the function as it is to be run now, with arguments of some classes."""
        search = self._search
        if search is None or not kinds <= search.kinds or not search.is_current():
            kinds |= search.kinds if search is not None else frozenset()
            search = Search()
            seen = search.rebound(self.f, kinds)
            while search.again:  # a function was asked about before it was known
                search = Search(search.needing, search.stored)
                seen = search.rebound(self.f, kinds)
            self._seen, self._search = seen, search
        return self._seen


RUNS.add(UserFunction.__call__.__code__)


def _plain(result: Any) -> Any:
    """Return a result in which arrays that nothing was written into are plain again."""
    if type(result) is Array:
        return result if result.node is not None else result.value
    if trees.is_container(result):
        leaves, build = trees.flatten(result)
        if any(type(leaf) is Array and leaf.node is None for leaf in leaves):
            return build(map(_plain, leaves))
    return result
