"""What the tests of compiled functions share.

Every test that takes ``compiled`` runs with each builder of `BUILDERS`.
"""

from __future__ import annotations

import copy
import functools
import gc
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import trees
from chainrule.native.executable import native
from chainrule.native.interpret import interpreted

TESTS = Path(__file__).parents[1]
#: Name -> what makes a program runnable, and the relative error that it may have.
BUILDERS: dict[str, tuple[Any, float]] = {
    "native": (native, 1e-12),
    "interpreter": (interpreted, 1e-13),
}


def load(name: str, path: Path) -> Any:
    """Import a file of another directory of tests."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def on_copies(f: Any, args: tuple[Any, ...]) -> Any:
    """Return a function that leaves its arguments as they are, or it could not be compiled."""
    given = copy.deepcopy(args)
    f(*given)
    pairs = zip(trees.flatten(given)[0], trees.flatten(args)[0], strict=True)
    if all(np.array_equal(a, b) for a, b in pairs):
        return f
    return functools.wraps(f)(lambda *xs: f(*(x.copy() if np.ndim(x) else x for x in xs)))


@pytest.fixture(autouse=True, scope="session")
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep compiled objects of the tests out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAINRULE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(params=BUILDERS)
def builder(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def compiled(builder: str) -> Callable[..., Any]:
    """``chainrule.compile`` with one of the builders; ``compiled.same`` compares results."""

    def compile(f: Callable[..., Any]) -> Any:
        return cr.compile(f, builder=BUILDERS[builder][0])

    compile.tolerance = BUILDERS[builder][1]
    return compile


def same(found: Any, expected: Any, tolerance: float = 1e-13, size: float = 0.0) -> None:
    """Compare two results: the trees, the types, the dtypes, the shapes and the values.

    Errors may be as large as they are for terms of some size, which may have cancelled.
    """
    leaves, _ = trees.flatten(found)
    rights, _ = trees.flatten(expected)
    assert type(found) is type(expected)
    assert len(leaves) == len(rights)
    for leaf, right in zip(leaves, rights, strict=True):
        assert type(leaf) is type(right)
        assert getattr(leaf, "dtype", None) == getattr(right, "dtype", None)
        assert np.shape(leaf) == np.shape(right)
        if not isinstance(right, (np.ndarray, np.generic, float, complex)):
            assert leaf == right
            continue
        array = np.asarray(right)
        if array.dtype.kind not in "fc":
            assert np.array_equal(leaf, right)
            continue
        single = array.real.dtype.itemsize < 8
        allowed = max(tolerance, 2e-6) if single else tolerance
        finite = np.abs(array[np.isfinite(array)])
        scale = float(np.max(finite, initial=size))
        np.testing.assert_allclose(leaf, right, rtol=allowed, atol=allowed * scale)


STATM = Path("/proc/self/statm")
tells_memory = pytest.mark.skipif(not STATM.exists(), reason="reads /proc")


def resident() -> int:
    """Return the bytes of memory that this process has, after a garbage collection."""
    gc.collect()
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def calls_of(args: tuple[Any, ...], count: int = 5) -> Iterator[tuple[Any, ...]]:
    """Yield arguments, and others of the same signature, farther and farther away.

    What is wrong in compiled code may show in no first call, nor in one by other branches.
    """
    yield args
    for k in range(1, count):
        yield tuple(other(arg, k, 0.025 * 2**k) for arg in args)


def other(value: Any, seed: int = 0, distance: float = 0.05) -> Any:
    """Return an argument of the same signature with other values; integers stay."""
    random = np.random.default_rng(seed)
    leaves, build = trees.flatten(value)

    def moved(leaf: Any) -> Any:
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f":
            return (leaf * (1 + distance * random.uniform(-1, 1, leaf.shape))).astype(leaf.dtype)
        if type(leaf) is float:
            return leaf * (1 + distance * random.uniform(-1, 1))
        return leaf

    return build([moved(leaf) for leaf in leaves])
