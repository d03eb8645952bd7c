"""Which references to ``math`` and ``np.array`` a recorded function may make: all plain ones."""

from __future__ import annotations

import functools
import importlib
import math
import subprocess
import sys
import textwrap
from math import exp as e

import numpy as np
import pytest

import chainrule as cr

LOOKED_UP = math


def helper(x):
    return e(x)


def helper_of_helper(x):
    return helper(x)


def default(x, f=math.exp):
    return f(x)


def keyword_default(x, *, f=math.exp, scale=1.0):
    return f(x) * scale


def recursive(x, n=3):
    return math.exp(x) if n == 0 else recursive(x, n - 1)


def nested(x):
    def inner(y):
        return math.exp(y)

    return inner(x)


def generator(x):
    return sum(math.exp(y) for y in [x])


def comprehension(x):
    return {k: [math.exp(y) for y in (x,)] for k in "a"}["a"][0]


def in_class_body(x):
    class Local:
        y = math.exp(x)

    return Local.y


def enclosing():
    f, module = math.exp, math

    def function(x):
        return f(x) + 0.0 * module.sin(x)

    return function


def wrapped(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs)

    return wrapper


class Callable:
    def __init__(self, a):
        self.a = a

    def __call__(self, x):
        return math.exp(self.a * x)

    method = __call__


FUNCTIONS = {
    "the function itself": math.exp,
    "imported by name": lambda x: e(x),
    "module under another name": lambda x: LOOKED_UP.exp(x),
    "helper": lambda x: helper(x),
    "helper of helper": helper_of_helper,
    "default": default,
    "keyword default": keyword_default,
    "keyword default of a helper": lambda x: keyword_default(x, scale=1.0),
    "recursive": recursive,
    "nested": nested,
    "generator": generator,
    "comprehension": comprehension,
    "class body": in_class_body,
    "closure": enclosing(),
    "wrapped": wrapped(helper),
    "map": lambda x: next(map(math.exp, [x])),
    "partial": functools.partial(lambda a, x: math.exp(a * x), 1.0),
    "partial of math": functools.partial(math.pow, math.e),
    "callable object": Callable(1.0),
    "method": Callable(1.0).method,
    "array": lambda x: np.exp(np.array([x]))[0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivative_of_exp(name):
    f = FUNCTIONS[name]
    assert f(0.5) == pytest.approx(math.exp(0.5), rel=1e-15)  # and again below: nothing is changed
    assert cr.grad(f)(0.5) == pytest.approx(math.exp(0.5), rel=1e-15)
    assert cr.grad(cr.grad(f))(0.5) == pytest.approx(math.exp(0.5), rel=1e-15)
    assert type(f(0.5)) in (float, np.float64)


IMPORTS = {
    "a package": "import scipy; f = scipy.linalg.expm",
    "a module of it": "import scipy.linalg; f = scipy.linalg.expm",
    "under another name": "import scipy.linalg as la; f = la.expm",
    "from the package": "from scipy import linalg; f = linalg.expm",
    "from the module": "from scipy.linalg import expm as f",
}


@pytest.mark.parametrize("statement", IMPORTS.values(), ids=IMPORTS)
def test_imports_where_they_are_needed(statement):
    code = f"""
        import numpy as np, chainrule as cr
        def g(x):
            {statement}
            return f(x * np.eye(2)).sum()
        print(cr.grad(g)(1.0), cr.grad(g)(1.0))
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]  # SciPy is not loaded
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert [float(x) for x in run.stdout.split()] == pytest.approx([2 * math.e] * 2)


def test_helpers_of_another_module(tmp_path, monkeypatch):
    (tmp_path / "my_helpers.py").write_text(
        textwrap.dedent("""
            from math import exp
            import math as m
            def f(x, *, g=m.exp): return exp(x) * m.cos(x) * g(x)
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("my_helpers")
    try:
        expected = math.exp(1.0) * (2 * math.cos(0.5) - math.sin(0.5))
        assert cr.grad(lambda x: module.f(x))(0.5) == pytest.approx(expected)
        assert cr.grad(module.f)(0.5) == pytest.approx(expected)
    finally:
        del sys.modules["my_helpers"]


def test_globals_are_live():
    names = {"math": math, "scale": 2.0}
    exec("def f(x):\n    global seen\n    seen = scale\n    return scale * math.exp(x)", names)
    gradient = cr.grad(names["f"])
    assert gradient(0.0) == 2.0
    names["scale"] = 3.0
    assert gradient(0.0) == 3.0
    assert names["seen"] == 3.0
    names["math"] = type("Fake", (), {"exp": staticmethod(lambda x: x * 5.0)})
    assert gradient(0.0) == 15.0
