"""What user code holds: an Array is a value together with the node that made it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.node import Leaf, Node
from chainrule.core.placeholder import Deferred, Placeholder
from chainrule.core.recording import FREE
from chainrule.errors import ArgumentError

if TYPE_CHECKING:
    import weakref
    from collections.abc import Iterator

__all__ = [
    "Array",
    "array",
    "dtype_of",
    "is_complex",
    "is_floating",
    "is_inexact",
    "is_single",
    "shape_of",
    "value_of",
]

_ndarray = np.ndarray
_PLAIN = frozenset({float, int, np.float64})  # real numbers, as most values are


class Array:
    """A number or array whose history is being recorded.

    User code meets it in place of an ndarray or float and treats it as one: operators, methods,
    indexing and every NumPy function that chainrule knows work on it. It is made by `array`, or by
    the transforms (``grad``, ``stage`` ...) for the function they run.

    Its value never changes, but the Array may get another: see `chainrule.numpy.memory`, whose are
    ``origin``, what a view was taken of and how, and ``views``. Without a node it is a constant
    that the function made, such as ``np.zeros(3)``, which waits to be written into. What is
    ``held`` is the value, or a `Deferred`, which is computed as soon as the value is asked for.

    There is no ``__getattr__``: with one, Python would look up every attribute the slow way.
    """

    __slots__ = ("__weakref__", "held", "node", "origin", "views")
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]  # like an ndarray: == is elementwise

    held: Any
    node: Any  # a Node, None of a constant
    origin: Any  # (array, operation, params) of a view
    views: list[weakref.ref[Array]] | None

    def __init__(self, value: Any, node: Node | None) -> None:
        self.held = value
        self.node = node
        self.origin = self.views = None

    @property
    def value(self) -> Any:
        """The value itself: a number or an ndarray."""
        held = self.held
        if type(held) is Deferred:
            held = self.held = held.value
        return held

    @value.setter
    def value(self, value: Any) -> None:
        self.held = value

    # What an ndarray tells about itself.

    @property  # type: ignore[misc]  # isinstance asks it, and so it answers for the value
    def __class__(self) -> type:
        """The type of the value, so that ``isinstance(x, np.ndarray)`` goes the value's way."""
        held = self.held
        return type(held.like) if type(held) is Deferred else type(held)

    @property
    def sample(self) -> Any:
        """A value of the same type and dtype: the value, unless that is deferred."""
        held = self.held
        return held.like if type(held) is Deferred else held

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes, () for a number."""
        held = self.held
        return held.shape if type(held) is _ndarray else shape_of(held)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        held = self.held
        return held.ndim if type(held) is _ndarray else len(shape_of(held))

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype; float64 for a Python float."""
        held = self.held
        return held.dtype if type(held) is _ndarray else dtype_of(held)

    @property
    def nbytes(self) -> int:
        """Bytes that the value takes."""
        return self.size * self.dtype.itemsize

    @property
    def itemsize(self) -> int:
        """Bytes that one entry takes."""
        return int(self.dtype.itemsize)

    def __len__(self) -> int:
        return len(self.value)  # a TypeError lets np.array([a, b]) hold numbers as objects

    def __repr__(self) -> str:
        return repr(self.value) if self.node is None else f"Array({self.value!r})"

    def __str__(self) -> str:
        return str(self.value) if self.node is None else repr(self)

    # Define by run.

    @property
    def grad(self) -> Any:
        """Gradient collected by `backward`; None before it, and for what is not an input."""
        return self.node.grad if isinstance(self.node, Leaf) else None

    @grad.setter
    def grad(self, gradient: Any) -> None:
        if not isinstance(self.node, Leaf):
            raise AttributeError("grad can be set on inputs made by chainrule.array only")
        self.node.grad = gradient

    if TYPE_CHECKING:  # installed by chainrule.numpy from the rows of the operations
        T: Array

        def backward(self, gradient: Any = None) -> None:
            """Add the gradient of this number into ``grad`` of every input it depends on."""

        def item(self) -> Any:
            """Raise: a Python float would lose the gradient."""

        def __iter__(self) -> Iterator[Any]: ...
        def __getitem__(self, index: Any) -> Any: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __add__(self, other: Any) -> Any: ...
        def __radd__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __rsub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __rmul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...
        def __rtruediv__(self, other: Any) -> Any: ...
        def __pow__(self, other: Any) -> Any: ...
        def __rpow__(self, other: Any) -> Any: ...
        def __matmul__(self, other: Any) -> Any: ...
        def __rmatmul__(self, other: Any) -> Any: ...
        def __floordiv__(self, other: Any) -> Any: ...
        def __rfloordiv__(self, other: Any) -> Any: ...
        def __mod__(self, other: Any) -> Any: ...
        def __rmod__(self, other: Any) -> Any: ...
        def __neg__(self) -> Any: ...
        def __pos__(self) -> Any: ...
        def __abs__(self) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...
        def __eq__(self, other: object) -> Any: ...
        def __ne__(self, other: object) -> Any: ...
        def __bool__(self) -> bool: ...
        def __float__(self) -> float: ...
        def __int__(self) -> int: ...
        def __index__(self) -> int: ...
        def __getattr__(self, name: str) -> Any: ...


def array(value: Any) -> Array:
    """Make an input for the define-by-run style: compute, call ``backward()``, read ``.grad``.

    Args:
        value: a float, or anything that ``np.asarray`` turns into a float array. Arrays are copied.

    >>> import chainrule as cr
    >>> x, y, z = cr.array(-2.0), cr.array(5.0), cr.array(-4.0)
    >>> f = (x + y) * z
    >>> f.backward()
    >>> x.grad, y.grad, z.grad
    (-4.0, -4.0, 3.0)
    """
    if type(value) is not float:
        value = np.array(value)
        if value.dtype.kind not in "fc":
            raise ArgumentError(
                f"chainrule.array needs floating-point numbers, got dtype {value.dtype}: "
                "write 3.0 instead of 3, or pass np.asarray(x, dtype=float)"
            )
    return Array(value, Leaf(FREE))


_FLOAT64 = np.dtype(np.float64)


def value_of(operand: Any) -> Any:
    """Return the plain value of an Array, and anything else as it is."""
    if type(operand) is not Array:
        return operand
    held = operand.held
    return operand.value if type(held) is Deferred else held


def shape_of(value: Any) -> tuple[int, ...]:
    """Return the shape of a number, ndarray, Array or Placeholder."""
    if type(value) is float:  # by far the most frequent number
        return ()
    try:
        return value.shape  # type: ignore[no-any-return]
    except AttributeError:
        return np.shape(value)


def dtype_of(value: Any) -> np.dtype[Any]:
    """Return the dtype of a number, ndarray, Array or Placeholder."""
    if type(value) is float:
        return _FLOAT64
    found: np.dtype[Any] = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
    return found


def is_floating(value: Any) -> bool:
    """Tell whether a value is a real floating-point number, or an array of them."""
    return isinstance(value, float) or (
        isinstance(value, (np.ndarray, np.generic, Array, Placeholder)) and value.dtype.kind == "f"
    )


def is_inexact(value: Any) -> bool:
    """Tell whether a value is a real or complex number in floating point, or an array of them."""
    return is_floating(value) or is_complex(value)


def is_single(value: Any) -> bool:
    """Tell whether floating-point numbers have less than double precision."""
    dtype = dtype_of(value)
    return dtype.kind in "fc" and np.finfo(dtype).bits < 64


def is_complex(x: Any) -> bool:
    """Tell whether a number or array is of complex dtype."""
    if type(x) is _ndarray:
        return bool(x.dtype.kind == "c")
    if type(x) in _PLAIN:
        return False
    return type(x) is complex or (hasattr(x, "dtype") and bool(x.dtype.kind == "c"))
