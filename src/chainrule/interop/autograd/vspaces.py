"""Vector spaces of values: numbers, arrays, and lists, tuples and dicts of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from chainrule import trees
from chainrule.core.array import dtype_of, shape_of, value_of

__all__ = ["SparseObject", "VSpace", "vspace"]


class VSpace:
    """The space that a value is a vector of; two are equal where their vectors can be added.

    ``size`` is its real dimension, and ``iscomplex`` tells whether it has complex numbers in it.
    Of a number or array there are ``shape``, ``ndim`` and ``dtype``, too.
    """

    mappings: ClassVar[dict[type, Callable[[Any], Any]]] = {}

    def __init__(self, value: Any) -> None:
        leaves, self._build = trees.flatten(value)
        self._skeleton = (trees.paths(value), type(value) if trees.is_container(value) else None)
        self._shapes = [shape_of(x) for x in leaves]
        self._dtypes = [dtype_of(x) for x in leaves]
        self._floats = [type(value_of(x)) in (float, complex) for x in leaves]
        if not trees.is_container(value):
            (self.shape,), (self.dtype,) = self._shapes, self._dtypes
            self.ndim = len(self.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VSpace) and self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(tuple(self._shapes))

    def __repr__(self) -> str:
        kinds = zip(self._skeleton[0], self._shapes, self._dtypes, strict=True)
        return f"VSpace({', '.join(f'{path}{shape} {dtype}' for path, shape, dtype in kinds)})"

    def _compared(self) -> tuple[Any, ...]:
        return self._skeleton, self._shapes, self._dtypes

    @classmethod
    def register(cls, value_type: type, vspace_maker: Callable[[Any], Any] | None = None) -> None:
        """Let values of a type have vector spaces of this class."""
        VSpace.mappings[value_type] = vspace_maker or cls

    @property
    def iscomplex(self) -> bool:
        """Whether complex numbers are among the entries."""
        return any(dtype.kind == "c" for dtype in self._dtypes)

    @property
    def size(self) -> int:
        """The real dimension: a complex number counts twice."""
        pairs = zip(self._shapes, self._dtypes, strict=True)
        return sum(int(np.prod(shape)) * (2 if dtype.kind == "c" else 1) for shape, dtype in pairs)

    # Vectors.

    def _filled(self, make: Callable[[tuple[int, ...], Any], Any]) -> Any:
        made = []
        for shape, dtype, number in zip(self._shapes, self._dtypes, self._floats, strict=True):
            x = make(shape, dtype)
            made.append(x.item() if number else x)
        return self._build(made)

    def zeros(self) -> Any:
        """Return the zero vector."""
        return self._filled(np.zeros)

    def ones(self) -> Any:
        """Return the sum of the standard basis: 1 everywhere, ``1 + 1j`` where it is complex."""
        return self._filled(lambda s, d: np.full(s, 1 + 1j if d.kind == "c" else 1, d))

    def randn(self) -> Any:
        """Return a vector of normal numbers, from NumPy's global generator."""

        def draw(shape: tuple[int, ...], dtype: Any) -> Any:
            drawn = np.random.randn(*shape)  # noqa: NPY002  # what np.random.seed is meant for
            if dtype.kind == "c":
                drawn = drawn + 1j * np.random.randn(*shape)  # noqa: NPY002
            return np.array(drawn).astype(dtype)

        return self._filled(draw)

    def standard_basis(self) -> Iterator[Any]:
        """Yield the vectors of the standard basis, of a complex entry both 1 and 1j."""
        for at, (shape, dtype) in enumerate(zip(self._shapes, self._dtypes, strict=True)):
            for place in np.ndindex(*shape):
                for one in (1, 1j) if dtype.kind == "c" else (1,):
                    vectors, _ = trees.flatten(self.zeros())
                    vector = np.array(vectors[at])
                    vector[place] = one
                    vectors[at] = vector.item() if self._floats[at] else vector
                    yield self._build(vectors)

    # What is done with them; all of it can be differentiated.

    def _map(self, f: Callable[..., Any], *vectors: Any) -> Any:
        rows = [trees.flatten(vector)[0] for vector in vectors]
        return self._build([f(*row) for row in zip(*rows, strict=True)])

    def add(self, x_prev: Any, x_new: Any) -> Any:
        """Return the sum of two vectors."""
        return self._map(lambda x, y: x + y, x_prev, x_new)

    def mut_add(self, x_prev: Any, x_new: Any) -> Any:
        """Return the sum of two vectors, of which the first may be None for zero."""
        return x_new if x_prev is None else self.add(x_prev, x_new)

    def scalar_mul(self, x: Any, a: Any) -> Any:
        """Return a vector times a number."""
        return self._map(lambda x: x * a, x)

    def inner_prod(self, x: Any, y: Any) -> Any:
        """Return the real inner product."""
        products = self._map(lambda x, y: np.real(np.sum(np.conj(x) * y)), x, y)
        return sum(trees.flatten(products)[0])

    def covector(self, x: Any) -> Any:
        """Return the complex conjugate: gradients here are conjugates of the steepest ascent."""
        return self._map(lambda x: np.conj(x) if dtype_of(x).kind == "c" else x, x)


class SparseObject:
    """A gradient that is made by adding to zeros: ``mut_add(zeros)`` returns it."""

    __slots__ = ("mut_add", "vs")

    def __init__(self, vs: VSpace, mut_add: Callable[[Any], Any]) -> None:
        self.vs = vs
        self.mut_add = mut_add


def vspace(value: Any) -> Any:
    """Return the vector space that a value is in.

    Raises:
        TypeError: it is none of floating-point numbers.
    """
    kind = type(value_of(value))
    if kind in VSpace.mappings:
        return VSpace.mappings[kind](value)
    if isinstance(value, SparseObject):
        return value.vs
    leaves, _ = trees.flatten(value)
    for leaf in leaves:
        if not hasattr(leaf, "dtype") and not isinstance(leaf, (float, complex)):
            raise TypeError(f"there is no vector space of {leaf!r}, a {type(leaf).__name__}")
    return VSpace(value)
