"""The walk that finds what recorded code is to see in place of what it refers to.

It follows globals, the variables of enclosing functions and defaults to helpers, and to the methods
of the classes and objects, and the functions in the containers, that it meets there.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.numpy.calls import CALLS, MAPPED, with_calls
from chainrule.numpy.closure import ABSENT, FunctionWalk, content, counterpart
from chainrule.numpy.containers import CONTAINERS, filled, items_of, refill, same_objects
from chainrule.numpy.dispatch import arrays_in
from chainrule.numpy.lent import lend, returned
from chainrule.numpy.names import assigned, imports, is_users_file, keeps_attributes, mentioned
from chainrule.numpy.namespaces import Globals, ModuleView, tables
from chainrule.numpy.objects import Objects, attributes
from chainrule.numpy.questions import QUESTIONS
from chainrule.numpy.scipy.seen_objects import is_seen, seen_object
from chainrule.numpy.scipy.table import loaded

__all__ = ["Search"]

_CACHED = type(functools.cache(len))
_MOST = 1000  # items of a container that is looked into
_ENOUGH = 50  # items that tell what kind of items it has
_DEEPEST = 4  # containers in one another


class _Any(frozenset[str]):
    """The names that code which is not known may mention."""

    def isdisjoint(self, other: Any) -> bool:
        return False


_ANY = _Any()
#: Classes of arguments that are not the user's.
_USUAL = frozenset({Array, np.ndarray, float, int, bool, str, tuple, list, dict, type(None)})
_NONE: frozenset[type] = frozenset()
_WRAPPERS = (staticmethod, classmethod)
_MEMBERS = (*_WRAPPERS, property, functools.cached_property)
_IMPORTED = frozenset({"math", "numpy", "scipy"})


class Search(FunctionWalk):
    """One walk over a function and the helpers that it refers to.

    ``needing`` are the functions (their ids) that need a counterpart, and ``stored`` the names that
    ``global`` statements assign to, per module: what an earlier walk found out is passed on to the
    next, since functions may refer to each other in circles. ``lends_arrays`` says that arrays are
    to be seen as Arrays, so that what the function makes of them can be written into.
    """

    def __init__(
        self,
        needing: frozenset[int] = frozenset(),
        stored: dict[int, frozenset[str]] | None = None,
        lends_arrays: bool = False,
    ) -> None:
        super().__init__()
        self.lends_arrays = lends_arrays
        self.known, self.known_stored = needing, stored or {}
        self.needing: frozenset[int] = frozenset()
        self.stored: dict[int, frozenset[str]] = {}
        self.scipy = loaded()
        self.replacing, self.modules = tables(self.scipy, lends_arrays)
        self.watched: list[tuple[Mapping[str, Any], str, Any]] = []
        self.cells: list[tuple[CellType, Any]] = []
        #: Containers, their items; the counterpart, and its items, if there is one.
        self.held: list[tuple[Any, list[Any], tuple[Any, list[Any]] | None]] = []
        self.objects = Objects()
        self.kinds: frozenset[type] = frozenset()  # classes of the arguments
        self.found: dict[int, Any] = {}
        self.kept: list[Any] = []  # what an id stands for stays alive
        self.views: dict[int, Globals] = {}
        self.open: set[int] = set()
        self.names: frozenset[str] = frozenset()  # what the function that is walked over mentions
        self.circular = False
        #: There are counterparts of objects and containers, or globals to hand back.
        self.lends = False

    def rebound(self, f: Any, kinds: frozenset[type] = frozenset()) -> Any:
        """Return f itself where nothing in it needs replacing, else its counterpart.

        It is given objects of some classes as arguments.
        """
        self.kinds = kinds
        new = self.visit(f, "")
        for kind in kinds:
            self._class(kind)
        for view in self.views.values():
            view.given = dict(view)
        handed = any(counterpart is not None for _, _, counterpart in self.held)
        self.lends = self.objects.are_seen_otherwise or bool(self.stored) or handed
        return new

    @staticmethod
    def kinds_of(arguments: Sequence[Any]) -> frozenset[type]:
        """Return the classes of the user's among those of some arguments."""
        if _USUAL.issuperset(map(type, arguments)):
            return _NONE
        kinds = set(map(type, arguments)) - _USUAL
        return frozenset(kind for kind in kinds if _has_twins(kind) or is_seen(kind))

    def argument(self, value: Any) -> Any:
        """Return what stands for an argument."""
        if is_seen(type(value)):
            return seen_object(value)
        if not _has_twins(type(value)):
            return value
        kind = self.found.get(id(type(value)), type(value)) if self.kinds else type(value)
        arrays = attributes(value).values() if self.lends_arrays else ()
        lent = [(x, lend(x)) for x in arrays if type(x) is np.ndarray and self._may_be_replaced(x)]
        if lent and kind is type(value):
            kind = self.found[id(kind)] = self.objects.subclass(kind, ())
        return value if kind is type(value) else self.objects.twin_for_a_run(value, kind, lent)

    @property
    def again(self) -> bool:
        """Whether a further walk would find more."""
        if not self.needing:
            return False
        return (self.circular and self.needing != self.known) or self.stored != self.known_stored

    def is_current(self) -> bool:
        """Tell whether all that was found still has the value that it had."""
        for names, name, value in self.watched:
            if names.get(name, ABSENT) is not value:
                return False
        for cell, value in self.cells:
            if content(cell) is not value:
                return False
        for container, items, _ in self.held:
            if not same_objects(items_of(container), items):
                return False
        return self.scipy == loaded()

    def hand_back(self) -> None:
        """Let the user's modules and containers have what the run has put into counterparts."""
        for key, view in self.views.items():
            for name in self.stored.get(key, ()):
                value = view.get(name, ABSENT)
                if value is not ABSENT and value is not view.given.get(name, ABSENT):
                    view.names[name] = returned(view.pop(name))
        for container, items, seen in self.held:
            if seen is None or same_objects(items_of(seen[0]), seen[1]):
                continue
            back = {id(new): item for new, item in zip(seen[1], items, strict=True)}
            refill(container, seen[0], [back.get(id(x), returned(x)) for x in items_of(seen[0])])

    def _saw_name(self, names: dict[str, Any], name: str, value: Any) -> None:
        if self._may_be_replaced(value):
            self.watched.append((names, name, value))

    def _saw_cell(self, cell: CellType, value: Any) -> None:
        if self._may_be_replaced(value):
            self.cells.append((cell, value))

    def _gets_a_cell(self, value: Any) -> bool:
        if type(value) in CONTAINERS:
            return self.visit(value, "") is not value
        return self._may_be_replaced(value)

    def _may_be_replaced(self, value: Any, depth: int = _DEEPEST) -> bool:
        """Tell a function, a module, an object, and a container that seems to hold any of them."""
        kind = type(value)
        if kind is np.ndarray:
            return self.lends_arrays and value.dtype.kind in "fciu"
        if kind in CONTAINERS:
            some = itertools.islice(items_of(value), _ENOUGH)
            return depth > 0 and any(self._may_be_replaced(item, depth - 1) for item in some)
        seen = callable(value) or isinstance(value, ModuleType) or is_seen(kind)
        return seen or Objects.has_room_for(kind)

    def visit(self, value: Any, name: str) -> Any:
        """Return what is seen in place of a value."""
        if name == "__class__":
            return value  # which super() looks for among the classes of an object
        if id(value) in self.replacing:
            return self.replacing[id(value)]
        if isinstance(value, ModuleType):
            return self._module(value)
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, MethodType) and id(value.__self__) in self.replacing:
            return getattr(self.replacing[id(value.__self__)], value.__name__)
        if isinstance(value, MethodType) and isinstance(value.__func__, FunctionType):
            owner, inner = self.visit(value.__self__, name), self._function(value.__func__)
            same = inner is value.__func__ and owner is value.__self__
            return value if same else MethodType(inner, owner)
        if isinstance(value, functools.partial):
            old = [value.func, *value.args, *value.keywords.values()]
            new = [self.visit(x, name) for x in old]
            if same_objects(new, old):
                return value
            count = 1 + len(value.args)
            keywords = dict(zip(value.keywords, new[count:], strict=True))
            return functools.partial(new[0], *new[1:count], **keywords)
        if isinstance(value, _CACHED):
            return self._cached(value)
        if is_seen(type(value)):
            return self._constant(value, seen_object)
        if type(value) is np.ndarray:
            return self._constant(value, lend) if self._may_be_replaced(value) else value
        holds = self._holder(value)
        if holds is not None:
            outer, self.names = self.names, _ANY
            new = holds(value)
            self.names = outer
            return new
        call = getattr(type(value), "__call__", None)  # noqa: B004  # wanted: the function itself
        if isinstance(call, FunctionType) and not self._root:
            inner = self._function(call)
            return value if inner is call else MethodType(inner, value)
        return value

    def _holder(self, value: Any) -> Callable[[Any], Any] | None:
        kind: type = type(value)
        if isinstance(value, type):
            return self._class
        if kind in CONTAINERS:
            return self._container
        return self._object if _has_twins(kind) else None

    def _cached(self, f: Any) -> Any:
        """Let a cached function be called with Arrays, which are no keys."""
        inner = self.visit(f.__wrapped__, f.__name__)

        @functools.wraps(f)
        def uncached(*args: Any, **kwargs: Any) -> Any:
            known = next(arrays_in([args, kwargs]), None) is None
            return (f if known else inner)(*args, **kwargs)

        uncached.__dict__.update(cache_info=f.cache_info, cache_clear=f.cache_clear)
        return uncached

    def _constant(self, value: Any, seen: Callable[[Any], Any]) -> Any:
        """Return what is seen of an object of SciPy's, or of an array."""
        if id(value) not in self.found:
            self.kept.append(value)
            self.found[id(value)] = seen(value)
        return self.found[id(value)]

    def _container(self, value: Any) -> Any:
        """Return a container with counterparts in it, if it has any."""
        items = items_of(value)
        if len(items) > _MOST or id(value) in self.open or not self._may_be_replaced(value):
            return value
        if id(value) in self.found:
            return self.found[id(value)]
        self.open.add(id(value))
        new = [self.visit(item, "") for item in items]
        self.open.discard(id(value))
        self.kept.append(value)
        same = same_objects(new, items)
        made = value if same else filled(value, new)
        self.found[id(value)] = made
        self.held.append((value, items, None if same else (made, new)))
        return made

    def _class(self, kind: type) -> Any:
        key = id(kind)
        if key in self.found:
            self.circular = self.circular or key in self.open
            return self.found[key]
        if not Objects.has_room_for(kind):
            return kind
        self.kept.append(kind)
        self.open.add(key)
        self.found[key] = kind
        extra = tuple(new for base in kind.__bases__ if (new := self._class(base)) is not base)
        if key in self.known:
            self.found[key] = self.objects.subclass(kind, extra)
        members = {}
        for name, value in list(vars(kind).items()):
            if self._may_be_replaced(value) or isinstance(value, _MEMBERS):
                self.watched.append((vars(kind), name, value))
                new = self._member(value, name)
                if new is not value:
                    members[name] = new
        self.open.discard(key)
        if members or extra:
            self.needing |= {key}
            if key not in self.known:
                self.found[key] = self.objects.subclass(kind, extra)
            for name, member in members.items():
                type.__setattr__(self.found[key], name, member)
                if isinstance(member, functools.cached_property):
                    member.__set_name__(kind, name)
        return self.found[key]

    def _member(self, value: Any, name: str) -> Any:
        """Return what is seen in place of an entry of a class."""
        if isinstance(value, _WRAPPERS):
            inner = self.visit(value.__func__, name)
            return value if inner is value.__func__ else type(value)(inner)
        if isinstance(value, property):
            get, put, drop = (self.visit(x, name) for x in (value.fget, value.fset, value.fdel))
            same = same_objects([get, put, drop], [value.fget, value.fset, value.fdel])
            return value if same else property(get, put, drop, value.__doc__)
        if isinstance(value, functools.cached_property):
            inner = self.visit(value.func, name)
            return value if inner is value.func else functools.cached_property(inner)
        return self.visit(value, name)

    def _object(self, value: Any) -> Any:
        """Return an object with other methods, if its class or its attributes need others."""
        key = id(value)
        if key in self.found:
            return self.found[key]
        self.kept.append(value)
        kind = self._class(type(value))
        self.found[key] = value if kind is type(value) else self.objects.twin(value, kind)
        swapped = False
        own = attributes(value)
        for name, held in list(own.items()):
            if not self._may_be_replaced(held):
                continue
            self.watched.append((own, name, held))
            new = self.visit(held, name)
            if new is not held:
                swapped = True
                self.objects.swapped[id(held)] = held, new
        if swapped and kind is type(value):
            self.found[key] = self.objects.twin(value, self.objects.subclass(kind, ()))
        return self.found[key]

    def _module(self, module: ModuleType) -> ModuleType:
        if id(module) in self.modules:
            view, names = self.modules[id(module)]
            if self.names.isdisjoint(names) and "getattr" not in self.names:
                return module
            return view
        if id(module) in self.open:
            return module
        self.open.add(id(module))
        replaced = {}
        users = is_users_file(getattr(module, "__file__", None))
        for name in self.names & module.__dict__.keys():
            value = module.__dict__[name]
            # helpers.f, scipy.special.expit, what helpers has imported from NumPy
            known = isinstance(value, (ModuleType, FunctionType)) or id(value) in self.replacing
            if known or (users and self._may_be_replaced(value)):
                new = self.visit(value, name)
                if new is not value:
                    self.watched.append((module.__dict__, name, value))
                    replaced[name] = new
        self.open.discard(id(module))
        return ModuleView(module, replaced) if replaced else module

    def _function(self, f: FunctionType) -> Any:
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
        self.found[key] = f
        self.open.add(key)
        if key in self.known:
            self.found[key] = self._counterpart(f)
        outer, self.names = self.names, names
        parts = self.parts(f, names)
        self.names = outer
        for name in names & QUESTIONS.keys() - f.__globals__.keys():
            self.watched.append((f.__globals__, name, ABSENT))
            parts.names[name] = QUESTIONS[name]
            parts.changed = True
        if _with_calls(f) is not f.__code__:
            for name in names & CALLS.keys() - f.__globals__.keys():
                self.watched.append((f.__globals__, name, ABSENT))
                parts.names[MAPPED.format(name)] = CALLS[name]
            parts.changed = True
        self.open.discard(key)
        parts.changed |= not imports(f.__code__).isdisjoint(_IMPORTED)
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
            view = self.views[id(f.__globals__)] = Globals(f.__globals__, self.lends_arrays)
        outer = assigned(f.__code__)
        cells = tuple(
            CellType() if name not in outer and self._gets_a_cell(content(cell)) else cell
            for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True)
        )
        new = counterpart(f, view, cells)
        new.__code__ = _with_calls(f)
        new.__dict__ = f.__dict__  # the same one: f.calls += 1
        return new


def _with_calls(f: FunctionType) -> CodeType:
    return with_calls(f.__code__, frozenset(CALLS.keys() & f.__globals__.keys()))


def _has_twins(kind: type) -> bool:
    return keeps_attributes(kind) and Objects.has_room_for(kind)
