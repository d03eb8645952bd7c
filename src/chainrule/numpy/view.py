"""A user's function, seen with globals in which ``math.exp`` and ``np.array`` are operations.

Some functions cannot be told by NumPy's protocols that they meet an Array: those of `math`,
``np.array``, a few of SciPy's. Where a recorded function refers to one of them through its globals
or its closure, it runs as the same code object with other globals: a view in which these names are
the matching operations and everything else is the user's own, live. Helper functions that it calls
are treated alike. Source is never parsed, and the user's module is never changed.
"""

from __future__ import annotations

import functools
import os
import site
import sysconfig
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from chainrule.core.source import annotate, is_internal
from chainrule.errors import ChainruleError
from chainrule.numpy.replace import replacements

__all__ = ["UserFunction"]

_MISSING = object()
_LIBRARIES = tuple(
    {
        os.path.join(path, "")
        for path in (
            sysconfig.get_path("stdlib"),
            sysconfig.get_path("purelib"),
            sysconfig.get_path("platlib"),
            site.getusersitepackages(),
        )
    }
)


class UserFunction:
    """A function to record: found once, checked at each call, run with its own traceback."""

    __slots__ = ("_seen", "_watched", "f")

    def __init__(self, f: Callable[..., Any]) -> None:
        if not callable(f):
            raise TypeError(
                f"expected a function to differentiate, got a {type(f).__name__}: {f!r}"
            )
        self.f = f
        self._seen: Callable[..., Any] | None = None
        self._watched: list[tuple[dict[str, Any], str, Any]] = []

    def __call__(self, args: Any, kwargs: dict[str, Any]) -> Any:
        """Run the function; an error starts at the user's line and names what was there."""
        try:
            return self.seen()(*args, **kwargs)
        except Exception as error:
            hidden = error.__cause__ or error.__context__
            if isinstance(hidden, ChainruleError) and not isinstance(error, ChainruleError):
                # NumPy met our error while it converted an Array, and wrapped it.
                hidden.__traceback__ = error.__traceback__
                annotate(hidden)
                raise hidden from None
            annotate(error)
            raise

    def seen(self) -> Callable[..., Any]:
        """Return the function as it is to be run now."""
        if self._seen is None or not all(
            names.get(name, _MISSING) is value for names, name, value in self._watched
        ):
            search = _Search()
            self._seen = search.rebound(self.f)
            self._watched = search.watched
        return self._seen


class _Search:
    """One walk over a function and the helpers it refers to."""

    def __init__(self) -> None:
        self.watched: list[tuple[dict[str, Any], str, Any]] = []
        table = replacements()
        self.table = {id(original): replacement for original, replacement in table}
        self.originals = [original for original, _ in table]
        self.modules: dict[int, tuple[ModuleType, dict[str, Any]]] = {}
        for original, replacement in table:
            for module in _homes(original):
                names = self.modules.setdefault(id(module), (module, {}))[1]
                names[original.__name__] = replacement
        self.found: dict[int, Any] = {}
        self.views: dict[int, _View] = {}

    def rebound(self, f: Any) -> Any:
        """Return f itself where nothing in it needs replacing, else its counterpart."""
        return self.replacement(f, frozenset(), ()) or f

    def replacement(self, value: Any, attributes: frozenset[str], root: tuple[str, ...]) -> Any:
        """Return what a value is to be replaced by, or None."""
        if id(value) in self.table:
            return self.table[id(value)]
        if isinstance(value, ModuleType):
            return self._module(value, attributes)
        if isinstance(value, FunctionType):
            return self._function(value, root)
        if isinstance(value, MethodType) and isinstance(value.__func__, FunctionType):
            inner = self._function(value.__func__, root)
            return inner and MethodType(inner, value.__self__)
        if isinstance(value, functools.partial):
            inner = self.replacement(value.func, frozenset(), root)
            return inner and functools.partial(inner, *value.args, **value.keywords)
        call = getattr(type(value), "__call__", None)  # noqa: B004  # wanted: the function itself
        if isinstance(call, FunctionType) and not root:
            inner = self._function(call, root)
            return inner and MethodType(inner, value)
        return None

    def _module(self, module: ModuleType, attributes: frozenset[str]) -> ModuleType | None:
        names = self.modules.get(id(module), (module, {}))[1]
        if not attributes.isdisjoint(names):
            return _module_view(module, names)
        for name in attributes:  # scipy.special.expit, reached through scipy
            inner = module.__dict__.get(name)
            if isinstance(inner, ModuleType) and id(inner) in self.modules:
                view = self._module(inner, attributes)
                if view is not None:
                    return _module_view(module, {name: view})
        return None

    def _function(self, f: FunctionType, root: tuple[str, ...]) -> FunctionType | None:
        if id(f) in self.found:
            return self.found[id(f)]
        code = f.__code__
        if is_internal(code) or (root and not _is_users(code, root)):
            return None
        root = root or (os.path.join(os.path.dirname(code.co_filename), ""),)
        self.found[id(f)] = None  # while a recursive function is looked at
        names = frozenset(_names(code))
        own: dict[str, Any] = {}
        for name in names & f.__globals__.keys():
            value = f.__globals__[name]
            if isinstance(value, (ModuleType, FunctionType, BuiltinFunctionType)) or callable(
                value
            ):
                self.watched.append((f.__globals__, name, value))
                new = self.replacement(value, names, root)
                if new is not None:
                    own[name] = new
        cells = tuple(self._cell(cell, names, root) for cell in f.__closure__ or ())
        if not own and cells == (f.__closure__ or ()):
            return None
        view = self.views.get(id(f.__globals__))
        if view is None:
            view = self.views[id(f.__globals__)] = _View(f.__globals__)
        view.update(own)
        new_f = FunctionType(code, view, f.__name__, f.__defaults__, cells)
        new_f.__kwdefaults__ = f.__kwdefaults__
        new_f.__qualname__ = f.__qualname__
        if own.get(f.__name__) is None and f.__globals__.get(f.__name__) is f:
            view[f.__name__] = new_f  # it may call itself
        self.found[id(f)] = new_f
        return new_f

    def _cell(self, cell: CellType, names: frozenset[str], root: tuple[str, ...]) -> CellType:
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            return cell
        new = self.replacement(value, names, root)
        return cell if new is None else CellType(new)


class _View(dict[str, Any]):
    """Replaced names in front of a module's live globals."""

    def __init__(self, names: dict[str, Any]) -> None:
        super().__init__(__builtins__=names.get("__builtins__", __builtins__))
        self.names = names

    def __missing__(self, name: str) -> Any:
        return self.names[name]


def _module_view(module: ModuleType, names: dict[str, Any]) -> ModuleType:
    view = ModuleType(module.__name__)
    view.__dict__.update(module.__dict__)
    view.__dict__.update(names)
    return view


def _homes(original: Any) -> Iterator[ModuleType]:
    import sys

    module = sys.modules.get(original.__module__)
    if module is not None and getattr(module, original.__name__, None) is original:
        yield module
    if original.__module__.startswith("scipy.special"):
        yield sys.modules["scipy.special"]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_users(code: CodeType, root: tuple[str, ...]) -> bool:
    """Tell a user's helper from library code, whose insides are left alone."""
    return code.co_filename.startswith(root) or not code.co_filename.startswith(_LIBRARIES)
