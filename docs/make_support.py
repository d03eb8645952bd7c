"""Write the page of what is differentiated: ``python docs/make_support.py``.

It is read off the tables that recorded code is run by, and kept in the repository; a test makes
sure that it is up to date.
"""

import importlib
import inspect
import textwrap
from pathlib import Path
from types import FunctionType, ModuleType

import numpy as np
import scipy

from chainrule.core.operation import OPERATIONS
from chainrule.numpy.dispatch import FUNCTIONS, is_observer
from chainrule.numpy.replace import replacements
from chainrule.numpy.scipy.table import MEANINGS, OTHERS
from chainrule.numpy.ufuncs import UFUNCS, is_composed

PAGE = Path(__file__).resolve().parent / "support.md"
MODULES = (
    *("numpy", "numpy.linalg", "numpy.fft", "scipy.special", "scipy.linalg", "scipy.fft"),
    *("scipy.stats", "scipy.integrate", "scipy.optimize", "scipy.interpolate", "scipy.ndimage"),
    *("scipy.signal", "scipy.spatial", "scipy.spatial.distance", "scipy.sparse"),
    "scipy.sparse.linalg",
)
KINDS = ("supported", "constant", "run", "missing")
#: Where NumPy has what writes and prints.
_NO_MATHEMATICS = ("_npyio_impl.py", "arrayprint.py")

HEADER = """\
# What is differentiated

All public functions of NumPy's and SciPy's mathematics that take arrays, as of NumPy {numpy} and
SciPy {scipy}, by what a recorded function makes of them:

- **supported**: it has a derivative, to any order; or it is Python code of NumPy's that is run on
  recorded arrays.
- **constant**: its result carries no gradient: a mask, an index, an answer, an integer.
- **run**: it is Python code of SciPy's, which is run on recorded arrays as your own is. A call has
  its derivative if all that it does with them has one (`scipy.stats.pearsonr` and nearly all of
  that module); else it raises the error of what is missing.
- **missing**: a call with an array that is being differentiated raises an
  {{py:class}}`~chainrule.errors.UnsupportedError` that names the line. You can
  [declare an operation](operations.md) for it, or give it a
  [gradient of its own](operations.md#a-function-with-a-gradient-of-its-own).

With plain numbers every function is what it always is. Of an option that is not supported, the
error says which. Methods of arrays are the functions of the same name. This page is written by
`docs/make_support.py`, from the library's tables.

| module | supported | constant | run | missing |
| --- | ---: | ---: | ---: | ---: |
"""


def public(module):
    """Yield the public functions and classes of a module by name."""
    for name in sorted(getattr(module, "__all__", dir(module))):
        value = getattr(module, name, None)
        if name.startswith("_") or not callable(value) or isinstance(value, ModuleType):
            continue
        if ".. deprecated::" in (value.__doc__ or "").partition("Parameters")[0]:
            continue
        is_kind = inspect.isclass(value)
        known = name in MEANINGS.get(module.__name__, {})
        if is_kind and not known and (module is np or issubclass(value, (Exception, np.ndarray))):
            continue
        yield name, value


def kind_of(module, name, value):
    """Return what recorded code makes of a function; None where it takes no arrays."""
    if isinstance(value, np.ufunc) and module.__name__.startswith("numpy"):
        return _of_ufunc(value)
    if value in FUNCTIONS:
        return "constant" if is_observer(value) else "supported"
    if any(value is original for original, _ in replacements()):
        return "supported"
    if name in MEANINGS.get(module.__name__, {}):
        return "supported"
    operation = _named(module, name)
    if operation is not None:
        return "supported" if operation.differentiable else "constant"
    if not module.__name__.startswith("numpy"):
        runs = module.__name__ in OTHERS and isinstance(value, FunctionType)
        return "run" if runs else "missing"
    source = getattr(value, "__wrapped__", None)
    if source is None:  # it asks no argument: settings, files, what is made of numbers
        return None
    if not isinstance(source, FunctionType):
        return "constant"
    return None if source.__code__.co_filename.endswith(_NO_MATHEMATICS) else "supported"


def _of_ufunc(ufunc):
    operation = UFUNCS.get(ufunc)
    if operation is not None:
        return "supported" if operation.differentiable else "constant"
    if is_composed(ufunc):
        return "supported"
    takes_floats = any(set("efd") & set(types.partition("->")[0]) for types in ufunc.types)
    return "missing" if takes_floats else "constant"


def _named(module, name):
    full = f"{module.__name__}.{name}"
    return next((x for x in OPERATIONS.values() if full in x.names), None)


def tables():
    """Return the names of each kind, for each module."""
    found = {}
    for full in MODULES:
        module = importlib.import_module(full)
        names = found[full] = {kind: [] for kind in KINDS}
        for name, value in public(module):
            kind = kind_of(module, name, value)
            if kind is not None:
                names[kind].append(name)
    return found


def header():
    """Return how the page begins; it names the versions that it is of."""
    numpy, its_scipy = (".".join(m.__version__.split(".")[:2]) for m in (np, scipy))
    return HEADER.format(numpy=numpy, scipy=its_scipy)


def page():
    """Return the text of the page."""
    parts = [header()]
    found = tables()
    for full, names in found.items():
        parts.append(f"| {full} | " + " | ".join(str(len(names[kind])) for kind in KINDS) + " |\n")
    for full, names in found.items():
        parts.append(f"\n## {full}\n")
        for kind in KINDS:
            if names[kind]:
                listed = textwrap.fill(
                    ", ".join(f"`{name}`" for name in names[kind]), 120, break_on_hyphens=False
                )
                parts.append(
                    f"\n<details>\n<summary>{len(names[kind])} {kind}</summary>\n\n{listed}\n\n"
                    "</details>\n"
                )
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
