"""``FILE.py:FUNCTION``: find the file, run it, and take the function out of it."""

from __future__ import annotations

import difflib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from chainrule.cli.faults import Fault, reason, user_code

__all__ = ["find", "loaded", "split"]


def split(target: str) -> tuple[Path, str]:
    """Take ``FILE.py:FUNCTION`` apart and make sure that the file can be read."""
    file, colon, function = target.rpartition(":")
    if colon and function and not file:
        raise Fault(f"{target!r} names no file: write FILE.py:{function}")
    if not colon or not function:
        missing = target.rstrip(":") or "FILE.py"
        raise Fault(f"{target!r} names no function: write {missing}:FUNCTION")
    try:
        path = Path(os.path.expanduser(file))
        if path.is_dir():
            raise Fault(f"{file} is a folder, not a Python file")
        if not path.exists():
            raise Fault(f"there is no file {file}{_did_you_mean(path.name, _neighbours(path))}")
    except OSError as error:
        raise Fault(f"{file} cannot be read: {reason(error)}") from error
    if path.suffix == ".ipynb":
        raise Fault(f"{file} is a notebook: call chainrule.explain in it, or save a .py file")
    return path, function


@contextmanager
def loaded(path: Path, show_traceback: bool = False) -> Iterator[ModuleType]:
    """Run a file as a module, with its folder first on ``sys.path`` for as long as it is used.

    A file in a package may import its neighbours relatively.
    """
    filename = os.path.abspath(path)
    try:
        source = Path(filename).read_bytes()
    except OSError as error:
        raise Fault(f"{path} cannot be read: {reason(error)}") from error
    name = path.stem
    if name in sys.modules or name in sys.stdlib_module_names:  # numpy.py must not be NumPy
        name = f"{name}_of_{os.getpid()}"
    module = ModuleType(name)
    module.__file__ = filename
    folder = os.path.dirname(filename)
    root, module.__package__ = _package(folder)
    folders = list(dict.fromkeys([folder, root]))
    sys.path[:0] = folders
    sys.modules[name] = module  # dataclasses look their module up
    try:
        with user_code(show_traceback):
            exec(_compiled(source, filename), module.__dict__)
        yield module
    finally:
        sys.modules.pop(name, None)
        for added in folders:
            if added in sys.path:
                sys.path.remove(added)


def _package(folder: str) -> tuple[str, str]:
    """Return the folder above all packages that a folder is in, and the dotted name from there."""
    names: list[str] = []
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, name = os.path.split(folder)
        names.insert(0, name)
    return folder, ".".join(names)


def _compiled(source: bytes, filename: str) -> CodeType:
    try:
        return compile(source, filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        error.filename = filename  # missing where the file is no text at all
        raise


def find(module: ModuleType, name: str) -> Callable[..., Any]:
    """Return the function of this (maybe dotted) name."""
    file = os.path.basename(module.__file__ or "")
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Fault(f"{file} has no function {name}{_suggest(module, name)}") from None
    if isinstance(found, type):
        raise Fault(f"{name} in {file} is a class: name a function, or a method as {name}.METHOD")
    if not callable(found):
        raise Fault(f"{name} in {file} is no function, it has the type {type(found).__name__}")
    if inspect.iscoroutinefunction(found) or inspect.isasyncgenfunction(found):
        raise Fault(f"{name} in {file} is async: name a function that returns a number")
    if inspect.isgeneratorfunction(found):
        raise Fault(f"{name} in {file} is a generator: name a function that returns a number")
    return found  # type: ignore[no-any-return]


def _suggest(module: ModuleType, name: str) -> str:
    functions = [
        key
        for key, value in vars(module).items()
        if callable(value)
        and not isinstance(value, type)
        and not key.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
    ]
    close = _did_you_mean(name, functions)
    if close or not functions:
        return close or "; it defines none"
    listed = ", ".join(functions[:8]) + (", ..." if len(functions) > 8 else "")
    return f"; it has {listed}"


def _did_you_mean(name: str, known: list[str]) -> str:
    close = [k for k in known if k == f"{name}.py"]
    close = close or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _neighbours(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.iterdir() if entry.suffix == ".py"]
    except OSError:
        return []
