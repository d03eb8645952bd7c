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
from chainrule.errors import RUNS, ChainruleError, GradientLostError
from chainrule.numpy.boundary import Raised, at_the_boundary
from chainrule.numpy.seen import Search

__all__ = ["UserFunction", "wrote_what_was_lent"]


class UserFunction:
    """A function to record: found once, checked at each call, run with its own traceback."""

    __slots__ = ("_search", "_seen", "f", "fills_copies", "known", "overwrites")

    def __init__(self, f: Callable[..., Any]) -> None:
        if not callable(f):
            raise TypeError(
                f"expected a function to differentiate, got a {type(f).__name__}: {f!r}"
            )
        self.f = f
        #: It is known to write into arguments that nobody differentiates by.
        self.overwrites = False
        #: It is known to write into what it makes of arrays from outside, or into these.
        self.fills_copies = False
        #: How much that is: where an error has added to it, a further run may do what one did not.
        self.known = 0
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
            self._learn(error if raised.first is None else raised.first)
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

    def _learn(self, error: Exception) -> None:
        """Take notice of a write that the function was not run for."""
        lost = isinstance(error, GradientLostError)
        self.fills_copies |= lost
        self.overwrites |= lost or wrote_what_was_lent(error)
        self.known = self.overwrites + self.fills_copies

    def with_fresh(self, given: Callable[[], tuple[Any, dict[str, Any]]]) -> Any:
        """Run the function, again if need be, on arguments that are made for each run."""
        known = self.known
        try:
            return self(*given())
        except Exception:
            if self.known == known:
                raise
        return self.with_fresh(given)

    def seen(self, kinds: frozenset[type] = frozenset()) -> Callable[..., Any]:
        """Return the function as it is to be run now, with arguments of some classes."""
        search = self._search
        if (
            search is None
            or search.lends_arrays is not self.fills_copies
            or not kinds <= search.kinds
            or not search.is_current()
        ):
            kinds |= search.kinds if search is not None else frozenset()
            search = Search(lends_arrays=self.fills_copies)
            seen = search.rebound(self.f, kinds)
            while search.again:  # a function was asked about before it was known
                search = Search(search.needing, search.stored, self.fills_copies)
                seen = search.rebound(self.f, kinds)
            self._seen, self._search = seen, search
        return self._seen


RUNS.add(UserFunction.__call__.__code__)


def wrote_what_was_lent(error: Exception) -> bool:
    """Tell an error of a write into an array that was lent, read-only."""
    reasons = (error, error.__cause__)
    return any(isinstance(x, ValueError) and "read-only" in str(x) for x in reasons)


def _plain(result: Any) -> Any:
    """Return a result in which arrays that nothing was written into are plain again."""
    if type(result) is Array:
        return result if result.node is not None else result.value
    if trees.is_container(result):
        leaves, build = trees.flatten(result)
        if any(type(leaf) is Array and leaf.node is None for leaf in leaves):
            return build(map(_plain, leaves))
    return result
