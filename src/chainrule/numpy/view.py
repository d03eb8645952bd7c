"""A user's function, seen with globals in which ``math.exp`` and ``np.array`` are operations.

Some functions cannot be told by NumPy's protocols that they meet an Array: those of `math`,
``np.array``, a few of SciPy's. Where a recorded function refers to one of them through its globals
or its closure, it runs as the same code object with other globals: a view in which these names are
the matching operations and everything else is the user's own, live. Helper functions that it calls,
in its own module or another, are treated alike; methods of objects and functions in dicts are not.
Source is never parsed, and the user's module is changed by the user's own ``global`` alone.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array
from chainrule.core.source import annotate
from chainrule.errors import RUNS, ChainruleError
from chainrule.numpy.boundary import Raised, at_the_boundary
from chainrule.numpy.closure import ABSENT, FunctionWalk, content, counterpart
from chainrule.numpy.names import assigned, mentioned
from chainrule.numpy.questions import QUESTIONS
from chainrule.numpy.replace import replacements

__all__ = ["UserFunction"]


class UserFunction:
    """A function to record: found once, checked at each call, run with its own traceback."""

    __slots__ = ("_search", "_seen", "f")

    def __init__(self, f: Callable[..., Any]) -> None:
        if not callable(f):
            raise TypeError(
                f"expected a function to differentiate, got a {type(f).__name__}: {f!r}"
            )
        self.f = f
        self._search: _Search | None = None
        self._seen: Callable[..., Any] = f

    def __call__(self, args: Any, kwargs: dict[str, Any]) -> Any:
        """Run the function; an error starts at the user's line and names what was there."""
        seen = self.seen()
        raised = Raised()
        try:
            result = seen(*args, **kwargs)
            if raised.first is not None:  # and caught, whereupon the function did something else
                raised.first.caught = True
                raise raised.first
            return _plain(result)
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
            search = self._search
            if search is not None and search.stored:
                search.hand_back()
            raised.first = None  # an error's traceback refers to this very frame

    def seen(self) -> Callable[..., Any]:
        """Return the function as it is to be run now."""
        if self._search is None or not self._search.is_current():
            search = _Search()
            seen = search.rebound(self.f)
            while search.again:  # a function was asked about before it was known
                search = _Search(search.needing, search.stored)
                seen = search.rebound(self.f)
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


class _Search(FunctionWalk):
    """One walk over a function and the helpers that it refers to.

    ``needing`` are the functions (their ids) that need a counterpart, and ``stored`` the names that
    ``global`` statements assign to, per module: what an earlier walk found out is passed on to the
    next, since functions may refer to each other in circles.
    """

    def __init__(
        self,
        needing: frozenset[int] = frozenset(),
        stored: dict[int, frozenset[str]] | None = None,
    ) -> None:
        super().__init__()
        self.known, self.known_stored = needing, stored or {}
        self.needing: frozenset[int] = frozenset()
        self.stored: dict[int, frozenset[str]] = {}
        self.scipy = "scipy.special" in sys.modules
        self.replacing, self.modules = _tables(self.scipy)
        self.watched: list[tuple[dict[str, Any], str, Any]] = []
        self.cells: list[tuple[CellType, Any]] = []
        self.found: dict[int, FunctionType] = {}
        self.views: dict[int, _View] = {}
        self.open: set[int] = set()
        self.names: frozenset[str] = frozenset()  # what the function that is walked over mentions
        self.circular = False

    def rebound(self, f: Any) -> Any:
        """Return f itself where nothing in it needs replacing, else its counterpart."""
        new = self.visit(f, "")
        for view in self.views.values():
            view.given = dict(view)
        return new

    @property
    def again(self) -> bool:
        """Whether a further walk would find more."""
        if not self.needing:
            return False
        return (self.circular and self.needing != self.known) or self.stored != self.known_stored

    def is_current(self) -> bool:
        """Tell whether all that was found still has the value that it had."""
        return (
            all(names.get(name, ABSENT) is value for names, name, value in self.watched)
            and all(content(cell) is value for cell, value in self.cells)
            and self.scipy == ("scipy.special" in sys.modules)
        )

    def hand_back(self) -> None:
        """Let the user's modules have what ``global`` statements assigned in their views."""
        for key, view in self.views.items():
            for name in self.stored.get(key, ()):
                value = view.get(name, ABSENT)
                if value is not ABSENT and value is not view.given.get(name, ABSENT):
                    view.names[name] = view.pop(name)

    def _saw_name(self, names: dict[str, Any], name: str, value: Any) -> None:
        if _may_be_replaced(value):
            self.watched.append((names, name, value))

    def _saw_cell(self, cell: CellType, value: Any) -> None:
        if _may_be_replaced(value):
            self.cells.append((cell, value))

    def visit(self, value: Any, name: str) -> Any:
        if id(value) in self.replacing:
            return self.replacing[id(value)]
        if isinstance(value, ModuleType):
            return self._module(value)
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, MethodType) and isinstance(value.__func__, FunctionType):
            inner = self._function(value.__func__)
            return value if inner is value.__func__ else MethodType(inner, value.__self__)
        if isinstance(value, functools.partial):
            inner = self.visit(value.func, name)
            if inner is value.func:
                return value
            return functools.partial(inner, *value.args, **value.keywords)
        call = getattr(type(value), "__call__", None)  # noqa: B004  # wanted: the function itself
        if isinstance(call, FunctionType) and not self._root:
            inner = self._function(call)
            return value if inner is call else MethodType(inner, value)
        return value

    def _module(self, module: ModuleType) -> ModuleType:
        if id(module) in self.modules:
            view, names = self.modules[id(module)]
            return module if self.names.isdisjoint(names) else view
        if id(module) in self.open:
            return module
        self.open.add(id(module))
        replaced = {}
        for name in self.names & module.__dict__.keys():
            value = module.__dict__[name]
            # helpers.f, scipy.special.expit, what helpers has imported from NumPy
            if isinstance(value, (ModuleType, FunctionType)) or id(value) in self.replacing:
                new = self.visit(value, name)
                if new is not value:
                    self.watched.append((module.__dict__, name, value))
                    replaced[name] = new
        self.open.discard(id(module))
        return _ModuleView(module, replaced) if replaced else module

    def _function(self, f: FunctionType) -> FunctionType:
        key = id(f)
        if key in self.found:
            self.circular = self.circular or key in self.open
            return self.found[key]
        if not self.enters(f):
            return f
        names, stored, static = mentioned(f.__code__)
        module = id(f.__globals__)
        if stored:
            self.stored[module] = self.stored.get(module, frozenset()) | stored
        self.found[key] = self._counterpart(f) if key in self.known else f
        self.open.add(key)
        outer, self.names = self.names, names
        parts = self.parts(f, names)
        self.names = outer
        for name in names & QUESTIONS.keys() - f.__globals__.keys():
            self.watched.append((f.__globals__, name, ABSENT))
            parts.names[name] = QUESTIONS[name]
            parts.changed = True
        self.open.discard(key)
        if parts.changed or not names.isdisjoint(self.known_stored.get(module, ())):
            self.needing |= {key}
            new = self.found[key] if key in self.known else self._counterpart(f)
            self.found[key] = new
            parts.put_into(new, f)
            for name in static & f.__globals__.keys():
                value = f.__globals__[name]
                self.watched.append((f.__globals__, name, value))
                new.__globals__.setdefault(name, value)
        return self.found[key]

    def _counterpart(self, f: FunctionType) -> FunctionType:
        """Make the same function with other globals, and with cells of its own for functions."""
        view = self.views.get(id(f.__globals__))
        if view is None:
            view = self.views[id(f.__globals__)] = _View(f.__globals__)
        outer = assigned(f.__code__)
        cells = tuple(
            CellType() if name not in outer and _may_be_replaced(content(cell)) else cell
            for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True)
        )
        new = counterpart(f, view, cells)
        new.__dict__ = f.__dict__  # the same one: f.calls += 1
        return new


def _may_be_replaced(value: Any) -> bool:
    return callable(value) or isinstance(value, ModuleType)


class _View(dict[str, Any]):
    """Replaced names, ``given``, in front of a module's live globals."""

    def __init__(self, names: dict[str, Any]) -> None:
        super().__init__(__builtins__=names.get("__builtins__", __builtins__))
        for name in ("__name__", "__package__", "__spec__", "__file__"):  # relative imports
            if name in names:
                self[name] = names[name]
        self.names = names
        self.given: dict[str, Any] = {}

    def __missing__(self, name: str) -> Any:
        return self.names[name]


class _ModuleView(ModuleType):
    """Replaced names in front of a live module."""

    def __init__(self, module: ModuleType, names: dict[str, Any]) -> None:
        super().__init__(module.__name__)
        self.__dict__.update(names, __wrapped__=module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["__wrapped__"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["__wrapped__"], name, value)


@functools.cache
def _tables(
    scipy_is_loaded: bool,
) -> tuple[dict[int, Any], dict[int, tuple[ModuleType, frozenset[str]]]]:
    """Return what replaces which function (by id), and the modules that have such functions.

    For each module there is its view and the names in it that are replaced.
    """
    pairs = replacements()
    found: dict[int, tuple[ModuleType, dict[str, Any]]] = {}
    for original, new in pairs:
        name = _name_of(original)
        for module in _homes(original, name):
            found.setdefault(id(module), (module, {}))[1][name] = new
    for module, _ in list(found.values()):
        outer = module.__name__.rpartition(".")[0]
        while outer.partition(".")[0] == "numpy":
            found.setdefault(id(sys.modules[outer]), (sys.modules[outer], {}))
            outer = outer.rpartition(".")[0]
    views = {}
    for key, (module, names) in sorted(found.items(), key=_depth):
        view = ModuleType(module.__name__)
        view.__dict__.update(module.__dict__)
        view.__dict__.update(names)
        views[key] = view, frozenset(names)
        outer, _, name = module.__name__.rpartition(".")
        if outer and id(sys.modules[outer]) in found:
            found[id(sys.modules[outer])][1][name] = view
    return {id(original): new for original, new in pairs}, views


def _depth(entry: tuple[int, tuple[ModuleType, Any]]) -> int:
    return -entry[1][0].__name__.count(".")  # np.lib.stride_tricks, np.lib, np


def _name_of(original: Any) -> str:
    """Return what a function is called; ``np.r_`` is no function, and knows no name of its own."""
    name = getattr(original, "__name__", None)
    return name or next(name for name, value in vars(np).items() if value is original)


def _homes(original: Any, name: str) -> Iterator[ModuleType]:
    module = np if getattr(np, name, None) is original else sys.modules.get(original.__module__)
    if module is not None and getattr(module, name, None) is original:
        yield module
    if original.__module__.startswith("scipy.special"):
        yield sys.modules["scipy.special"]
