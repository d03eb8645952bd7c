"""scipy.sparse: matrices as constant factors."""

from __future__ import annotations

import hashlib
import importlib
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array, shape_of
from chainrule.core.dependence import Dependence, Pairs
from chainrule.core.kinds import Constant, Linear
from chainrule.numpy.creation import restack
from chainrule.numpy.dispatch import has_history, plain, unsupported
from chainrule.numpy.scipy.seen_objects import Seen, is_seen, seen_class, seen_of
from chainrule.numpy.scipy.table import made_of, means

__all__: list[str] = []


class _Factor:
    """A sparse matrix as a parameter of an operation, told from others by its identity.

    It is read when it is used, for the user may change it; so its transpose is one of the moment.
    """

    def __init__(self, matrix: Any, transposed: _Factor | None = None) -> None:
        self._matrix = matrix
        self._transposed = transposed
        self._is_turned = transposed is not None

    @property
    def matrix(self) -> Any:
        """The matrix, as it is now."""
        return self._matrix.T if self._is_turned else self._matrix

    @property
    def T(self) -> _Factor:
        """The transposed matrix."""
        if self._transposed is None:
            self._transposed = _Factor(self._matrix, self)
        return self._transposed

    def entries(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return the rows and the columns of what it holds."""
        matrix = self.matrix.tocoo()
        return matrix.row, matrix.col

    def look_at_pattern(self, x: Any) -> Hashable:
        """Return what its pattern is told by; whoever guards x is told, too.

        Args:
            x: what it is multiplied with.
        """
        known = _Known(self.entries())
        bool(_has_pattern(x, factor=self, known=known))
        return known.key


class _Known:
    """A pattern as it was when somebody looked at it."""

    def __init__(self, entries: tuple[np.ndarray[Any, Any], ...]) -> None:
        self._entries = entries

    @property
    def key(self) -> Hashable:
        """What it is told by."""
        return tuple(hashlib.blake2b(x.tobytes(), digest_size=16).digest() for x in self._entries)

    def is_of(self, factor: _Factor) -> bool:
        """Tell whether a matrix has the same pattern now."""
        return all(map(np.array_equal, self._entries, factor.entries()))


_has_pattern = Constant("has_pattern", lambda x, factor, known: known.is_of(factor), numpy=())


def _product_dependence(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Read the pattern of the matrix; the columns of what it is multiplied with are apart."""
    columns = np.arange(math.prod(shape_of(operands[0])[1:]))
    rows, entries = (
        np.add.outer(np.asarray(at, np.intp) * len(columns), columns).ravel()
        for at in params["factor"].entries()
    )
    return Pairs(rows, entries)


_product: Linear = Linear(
    "sparse_product",
    lambda x, factor: factor.matrix @ x,
    pullback=lambda g, x, factor: _product(g, factor=factor.T),
    numpy=(),
    depends=_product_dependence,
    dtypes="fc",
)
_solution: Linear = Linear(
    "sparse_solve",
    lambda x, factor: importlib.import_module("scipy.sparse.linalg").spsolve(factor.matrix, x),
    pullback=lambda g, x, factor: _solution(g, factor=factor.T),
    numpy=(),
    dtypes="fc",
)


@seen_of("scipy.sparse.sparray", "scipy.sparse.spmatrix")
class _Matrix(Seen):
    """A sparse matrix as recorded code sees it: it may be multiplied with Arrays."""

    def __init__(self, original: Any) -> None:
        super().__init__(original)
        self._factor = _Factor(original)

    def __matmul__(self, x: Any) -> Any:
        x = restack(x)
        if not (type(x) is Array and has_history(x)):
            return _seen(self._original @ plain(_plainly(x)))
        return _product(x, factor=self._factor)

    def __rmatmul__(self, x: Any) -> Any:
        x = restack(x)
        if not (type(x) is Array and has_history(x)):
            return _seen(plain(x) @ self._original)
        return np.transpose(_product(np.transpose(x), factor=self._factor.T))

    def dot(self, x: Any) -> Any:
        """Return the product with a vector, or with the columns of a matrix."""
        return self @ x

    @property
    def T(self) -> Any:
        """The transposed matrix."""
        made = _Matrix(self._original.T)
        made._factor = self._factor.T
        return made

    def transpose(self, *args: Any, **kwargs: Any) -> Any:
        """Return the transposed matrix."""
        return self.T

    def __getattr__(self, name: str) -> Any:
        return _seen_result(super().__getattr__(name))

    def _entrywise(self, other: Any, name: str) -> Any:
        is_matrix = isinstance(self, importlib.import_module("scipy.sparse").spmatrix)
        if name in ("__mul__", "__rmul__") and is_matrix and np.ndim(plain(other)):
            return self @ other if name == "__mul__" else self.__rmatmul__(other)
        if has_history(other):
            raise unsupported(
                "a sparse matrix whose entries depend on an Array", "multiply after the product"
            )
        return _seen(getattr(self._original, name)(plain(_plainly(other))))

    def __mul__(self, other: Any) -> Any:
        return self._entrywise(other, "__mul__")

    def __rmul__(self, other: Any) -> Any:
        return self._entrywise(other, "__rmul__")

    def __truediv__(self, other: Any) -> Any:
        return self._entrywise(other, "__truediv__")

    def __add__(self, other: Any) -> Any:
        return self._sum(other, 1)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._sum(-other, 1)

    def __rsub__(self, other: Any) -> Any:
        return self._sum(other, -1)

    def _sum(self, other: Any, sign: int) -> Any:
        if has_history(other):
            return sign * self._original.toarray() + other
        return _seen(sign * self._original + plain(_plainly(other)))

    def __neg__(self) -> Any:
        return _seen(-self._original)

    def __getitem__(self, index: Any) -> Any:
        return _seen(self._original[plain(index)])

    def __len__(self) -> int:
        return len(self._original)


def _plainly(x: Any) -> Any:
    """Return SciPy's own matrix of what is seen of one."""
    if type(x) is list or type(x) is tuple:
        return type(x)(map(_plainly, x))
    return x._original if type(x) is _Matrix else x


def _seen(x: Any) -> Any:
    """Return what is seen of a sparse matrix; anything else as it is."""
    return _Matrix(x) if type(x) is not _Matrix and is_seen(type(x)) else x


def _seen_result(f: Any) -> Any:
    """Return a function whose result is seen; anything else as it is."""
    if not callable(f):
        return f

    def call(*args: Any, **kwargs: Any) -> Any:
        return _seen(f(*map(_plainly, args), **{k: _plainly(x) for k, x in kwargs.items()}))

    return call


for _form in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"):
    made_of(f"scipy.sparse.{_form}_array", f"scipy.sparse.{_form}_matrix")(
        lambda original: seen_class(original, _seen_result(original))
    )
made_of(
    *(
        f"scipy.sparse.{name}"
        for name in (
            *("block_array", "block_diag", "bmat", "diags", "diags_array", "eye", "eye_array"),
            *("hstack", "identity", "kron", "kronsum", "random", "random_array", "tril", "triu"),
            "vstack",
        )
    )
)(_seen_result)


@means("scipy.sparse.linalg.spsolve")
def spsolve(A: Any, b: Any, *args: Any, **kwargs: Any) -> Any:
    return _solution(restack(b), factor=_Factor(_plainly(A)))
