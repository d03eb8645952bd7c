"""Arguments and results that are trees: taken apart and put together by machine code."""

from __future__ import annotations

import dataclasses
import gc
import sys
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule import trees
from chainrule.native.entry import calling

pytestmark = pytest.mark.skipif(not calling.objects.known(), reason="another kind of Python")


@dataclasses.dataclass(frozen=True)
class Layer:
    weight: Any
    bias: Any
    name: str = dataclasses.field(default="layer", metadata={"static": True})


@dataclasses.dataclass(slots=True)
class Slotted:
    x: Any
    y: Any


class Pair(NamedTuple):
    first: Any
    second: Any


def leaf() -> Any:
    return np.array([1.0, 2.0, 3.0])


TREES: dict[str, Callable[[], Any]] = {
    "tuple": lambda: (leaf(), (leaf(), 2.0)),
    "list": lambda: [leaf(), [2.0, leaf()]],
    "empty": lambda: [leaf(), (), [], {}, None],
    "dict": lambda: {"b": leaf(), "a": leaf(), 3: 1.0},
    "named tuple": lambda: Pair(leaf(), Pair(2.0, leaf())),
    "dataclass": lambda: Layer(leaf(), None),
    "slots": lambda: Slotted(leaf(), np.float64(3.0)),
    "scalars": lambda: [leaf(), np.int32(5), np.float32(2)],
    "all": lambda: {"layers": [Layer(leaf(), 1.0), (Layer(leaf(), None),)], "n": Slotted(1.0, [])},
}


def assert_same(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        assert_same(list(a.values()), list(b.values()))
    elif isinstance(a, (tuple, list)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    elif dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, np.ndarray):
        np.testing.assert_array_equal(a, b)
    else:
        assert a == b or a is b


def twice(tree: Any, x: Any) -> Any:
    return trees.map_leaves(lambda leaf: leaf + leaf, tree), x + x


def is_quick(compiled: Any) -> bool:
    return type(compiled.__call__) is type(len)


@pytest.mark.parametrize("name", TREES)
def test_trees_go_in_and_out(name: str) -> None:
    compiled = cr.compile(twice)
    for _ in range(3):
        tree = TREES[name]()
        assert_same(compiled(tree, 1.0), twice(tree, 1.0))
    assert is_quick(compiled)
    assert_same(compiled(tree, x=1.0), twice(tree, 1.0))


def arguments() -> dict[str, Any]:
    x = leaf()
    return {
        "longer": [[x, x, x], {"a": x}, Layer(x, x), 3],
        "a tuple": [(x, x), {"a": x}, Layer(x, x), 3],
        "another key": [[x, x], {"b": x}, Layer(x, x), 3],
        "more keys": [[x, x], {"a": x, "b": x}, Layer(x, x), 3],
        "no keys": [[x, x], {}, Layer(x, x), 3],
        "ordered": [[x, x], OrderedDict(a=x), Layer(x, x), 3],
        "another constant": [[x, x], {"a": x}, Layer(x, x), 4],
        "a truth": [[x, x], {"a": x}, Layer(x, x), True],
        "another string": [[x, x], {"a": x}, Layer(x, x, "other"), 3],
        "another shape": [[x, x[:2]], {"a": x}, Layer(x, x), 3],
        "another type": [[x, x], {"a": x}, Slotted(x, x), 3],
        "none": [[x, x], {"a": x}, Layer(x, None), 3],
    }


@pytest.mark.parametrize("name", arguments())
def test_other_trees_are_other_signatures(name: str) -> None:
    def f(items: Any, named: Any, layer: Any, k: Any) -> Any:
        total = sum(np.sum(x) for x in (*items, *named.values()))
        size = len(getattr(layer, "name", "none")) * (10 if k is True else 1)
        return total + k * size, list(named), type(items).__name__

    compiled = cr.compile(f)
    x = leaf()
    usual = [x, x], {"a": x}, Layer(x, x), 3
    other = arguments()[name]
    for _ in range(2):
        assert compiled(*usual) == f(*usual)
        assert compiled(*other) == f(*other)
    assert is_quick(compiled)


def test_equal_constants_that_are_other_objects_do() -> None:
    compiled = cr.compile(lambda x, k, name: x * k * len(name))
    for _ in range(2):
        assert compiled(1.0, 10**6, "a name") == 6e6
    before = compiled.__call__
    assert compiled(2.0, int("1000000"), " ".join(["a", "name"])) == 12e6
    assert compiled.__call__ is before
    assert compiled(2.0, 10**6 + 1, "a name") == 12e6 + 12


def test_what_is_missing_or_replaced_is_seen() -> None:
    compiled = cr.compile(lambda tree: tree.x * tree.y)
    tree = Slotted(2.0, 3.0)
    assert [compiled(tree) for _ in range(3)] == [6.0] * 3
    tree.x = 4.0
    assert compiled(tree) == 12.0
    del tree.y
    with pytest.raises(AttributeError):
        compiled(tree)
    tree.y = 1.0
    assert compiled(tree) == 4.0


@pytest.mark.parametrize("name", TREES)
def test_references_are_counted(name: str) -> None:
    compiled = cr.compile(twice)
    tree, x = TREES[name](), 1.5
    leaves = trees.flatten(tree)[0]
    for _ in range(3):
        compiled(tree, x)
        compiled([tree], x)
    gc.collect()
    watched = [*leaves, type(tree), None, twice, np.ndarray, "weight", "b"]
    before = [sys.getrefcount(x) for x in watched]
    for _ in range(100):
        result = compiled(tree, x)
        compiled([tree], x)
    assert all(abs(sys.getrefcount(x) - n) < 30 for x, n in zip(watched, before, strict=True))
    made = weakref.ref(next(x for x in trees.flatten(result)[0] if type(x) is np.ndarray))
    del result
    gc.collect()
    assert made() is None
