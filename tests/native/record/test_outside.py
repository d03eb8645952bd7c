"""The table of docs/compiling.md: what is watched, and what makes a function run as Python."""

from __future__ import annotations

import array
import collections
import contextvars
import ctypes
import enum
import functools
import operator
import os
import sys
import time
import types
import weakref

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import NotCompiledWarning

RATE = 2.0
MODULE = types.ModuleType("settings_that_change")
MODULE.__file__ = __file__
sys.modules[MODULE.__name__] = MODULE


class Kind(enum.Enum):
    ONE = 1


class Meta(type):
    s = 2.0


class Made(metaclass=Meta):
    pass


class Base:
    s = 2.0


class Derived(Base):
    pass


class Settings(collections.UserDict):
    pass


class Holder:
    pass


@functools.singledispatch
def dispatched(x):
    return x * 2.0


def looked_up(x):
    import settings_that_change

    return x * settings_that_change.K


def watched():
    """Return, for each row, a function and what changes what it refers to."""
    holder, weights, table = Holder(), np.array([2.0, 2.0]), {"k": 2.0}
    holder.w = MODULE.K = Kind.ONE.w = Meta.s = Base.s = 2.0
    partial = functools.partial(lambda x, k: x * k, k=2.0)
    user, chain = collections.UserDict(k=2.0), collections.ChainMap({}, table)
    proxy, values = types.MappingProxyType(table), table.values()
    doubles, raw = array.array("d", [2.0]), bytearray(b"\x02")
    view, numbers = memoryview(weights), (ctypes.c_double * 1)(2.0)
    variable = contextvars.ContextVar("variable", default=2.0)
    get, reference = operator.attrgetter("w"), weakref.ref(holder)
    total, item, instance = weights.sum, table.get, Derived()
    set_item, own = operator.setitem, Settings(k=2.0)
    return {
        "getattr": (lambda x: x * getattr(MODULE, "K"), lambda: setattr(MODULE, "K", 3.0)),  # noqa: B009
        "vars": (lambda x: x * vars(MODULE)["K"], lambda: setattr(MODULE, "K", 3.0)),
        "import": (looked_up, lambda: setattr(MODULE, "K", 3.0)),
        "attrgetter": (lambda x: x * get(holder), lambda: setattr(holder, "w", 3.0)),
        "partial": (lambda x: partial(x), lambda: set_item(partial.keywords, "k", 3.0)),
        "UserDict": (lambda x: x * user["k"], lambda: set_item(user, "k", 3.0)),
        "subclass of UserDict": (lambda x: x * own["k"], lambda: set_item(own, "k", 3.0)),
        "ChainMap": (lambda x: x * chain["k"], lambda: set_item(table, "k", 3.0)),
        "mapping proxy": (lambda x: x * proxy["k"], lambda: set_item(table, "k", 3.0)),
        "dict view": (lambda x: x * sum(values), lambda: set_item(table, "k", 3.0)),
        "array.array": (lambda x: x * doubles[0], lambda: set_item(doubles, 0, 3.0)),
        "bytearray": (lambda x: x * raw[0], lambda: set_item(raw, 0, 3)),
        "memoryview": (lambda x: x * view[0], lambda: set_item(weights, 0, 3.0)),
        "ctypes": (lambda x: x * numbers[0], lambda: set_item(numbers, 0, 3.0)),
        "weakref": (lambda x: x * reference().w, lambda: setattr(holder, "w", 3.0)),
        "method of an array": (lambda x: x * total(), lambda: set_item(weights, 0, 3.0)),
        "method of a dict": (lambda x: x * item("k"), lambda: set_item(table, "k", 3.0)),
        "context variable": (lambda x: x * variable.get(), lambda: variable.set(3.0)),
        "enum": (lambda x: x * Kind.ONE.w, lambda: setattr(Kind.ONE, "w", 3.0)),
        "metaclass": (lambda x: x * Made.s, lambda: setattr(Meta, "s", 3.0)),
        "base class": (lambda x: x * instance.s, lambda: setattr(Base, "s", 3.0)),
        "singledispatch": (
            lambda x: dispatched(x),
            lambda: dispatched.register(np.ndarray, lambda x: x * 3.0),
        ),
    }


@pytest.mark.parametrize("row", list(watched()))
def test_what_is_watched(row):
    f, change = watched()[row]
    fast, x = cr.compile(f), np.array([0.5, 1.5])
    for _ in range(3):
        np.testing.assert_array_equal(fast(x), f(x))
    change()
    assert not np.array_equal(f(x), x * 2.0)
    for _ in range(2):
        np.testing.assert_array_equal(fast(x), f(x))
    if "s" in Derived.__dict__:
        del Derived.s


def test_an_attribute_that_a_class_gets_later_hides_that_of_its_base():
    Base.s, instance = 2.0, Derived()
    f = lambda x: x * instance.s
    fast = cr.compile(f)
    assert fast(1.0) == fast(1.0) == 2.0
    Derived.s = 3.0
    try:
        assert fast(1.0) == 3.0
    finally:
        del Derived.s


ITERATOR, FLAT, ALIAS = iter([2.0] * 9), np.full(9, 2.0).flat, getattr

OUTSIDE = {
    "environment": (lambda x: x * float(os.environ["CR_K"]), "os.environ"),
    "clock": (lambda x: x * (time.time() * 0 + 2), "time.time"),
    "working directory": (lambda x: x * (2 if os.getcwd() else 3), "os.getcwd"),
    "file": (lambda x: x * (2 if open(__file__, "rb").close() is None else 3), r"open\(\)"),
    "np.load": (lambda x: x * 2 if x.size else np.load("w.npy"), "numpy.load"),
    "eval": (lambda x: x * eval("RATE"), r"eval\(\)"),
    "globals": (lambda x: x * globals()["RA" + "TE"], r"globals\(\)"),
    "getattr under another name": (lambda x: x * ALIAS(MODULE, "K"), "`ALIAS` is getattr"),
    "iterator": (lambda x: x * next(ITERATOR), "`ITERATOR` is a list_iterator"),
    "flat": (lambda x: x * next(FLAT), "`FLAT` is a flatiter"),
}


@pytest.mark.parametrize("row", OUTSIDE)
def test_what_runs_as_python(row, monkeypatch):
    monkeypatch.setenv("CR_K", "2")
    MODULE.K = 2.0
    f, named = OUTSIDE[row]
    fast, x = cr.compile(f), np.ones(2)
    with pytest.warns(NotCompiledWarning, match=named):
        fast(x)
    np.testing.assert_array_equal(fast(x), f(x))
