"""What stands for a sparse matrix whose entries are recorded: SciPy's own holds no Arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.numpy.creation import RecordedMatrix, asarray
from chainrule.numpy.dispatch import unsupported
from chainrule.operations.indexing import getitem, scatter_add
from chainrule.operations.slot import SLOT
from chainrule.transforms.sparse.plan import Block

__all__ = ["SparseEntries"]


class SparseEntries(RecordedMatrix):
    """A sparse matrix under a transform, or while it is compiled: its pattern, and an Array.

    It has the attributes of ``scipy.sparse.csr_array`` that say what is in it (``data``,
    ``indices``, ``indptr``, ``shape`` and the like), its transpose ``T``, products with arrays, and
    `toarray`. What compiled code returns is SciPy's own.
    """

    ndim = 2
    __array_ufunc__ = None  # so that an ndarray lets it multiply from the right

    def __init__(self, data: Any, block: Block, transposed: bool = False) -> None:
        self.data = data
        self._block = block
        self._transposed = transposed

    def __repr__(self) -> str:
        return f"<recorded sparse matrix of shape {self.shape} with {self.nnz} entries>"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"a sparse matrix whose entries are recorded has no {name}, but data, indices, indptr, "
            "shape, T, toarray() and products with arrays: take J.toarray(), or do the rest where "
            "it is not recorded"
        )

    @property
    def format(self) -> str:
        """How its entries lie: by rows, or by columns where it was transposed."""
        return "csc" if self._transposed else "csr"

    @property
    def shape(self) -> tuple[int, int]:
        """Its rows and columns."""
        rows, columns = self._block.shape
        return (columns, rows) if self._transposed else (rows, columns)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of its entries."""
        return dtype_of(self.data)

    @property
    def nnz(self) -> int:
        """The number of entries of its pattern."""
        return len(self._block.columns)

    @property
    def indices(self) -> np.ndarray[Any, Any]:
        """The columns of its entries, row by row."""
        return self._block.columns.copy()

    @property
    def indptr(self) -> np.ndarray[Any, Any]:
        """Where each row begins among its entries, and at last where the last one ends."""
        return self._block.starts.copy()

    @property
    def T(self) -> SparseEntries:
        """The transposed matrix."""
        return SparseEntries(self.data, self._block, not self._transposed)

    def toarray(self) -> Any:
        """Return all entries, zeros included."""
        return scatter_add(self.data, *self._places(), index=(SLOT, SLOT), shape=self.shape)

    def holding(self, matrix: Any) -> Any:
        """Return another matrix in this pattern; None if it has entries elsewhere.

        Args:
            matrix: one of SciPy's, found by a run that another pattern may have come of.
        """
        if matrix.shape != self.shape:
            return None
        known = matrix.indptr, matrix.indices
        if matrix.format == self.format and all(
            map(np.array_equal, known, (self._block.starts, self._block.columns))
        ):
            return matrix
        entries = np.asarray(matrix.tocsr()[self._places()]).ravel()
        if np.count_nonzero(entries) != matrix.count_nonzero():
            return None
        made = self._block.matrix(entries)
        return made.T if self._transposed else made

    def __matmul__(self, other: Any) -> Any:
        return self._product(other, *self._places(), self.shape[0])

    def __rmatmul__(self, other: Any) -> Any:
        return np.transpose(self.T @ np.transpose(asarray(other)))

    dot = __matmul__

    def _places(self) -> tuple[Any, Any]:
        """Return the rows and the columns of the entries."""
        places = self._block.rows, self._block.columns
        return places[::-1] if self._transposed else places

    def _product(self, other: Any, rows: Any, columns: Any, length: int) -> Any:
        if isinstance(other, RecordedMatrix) or "scipy.sparse" in type(other).__module__:
            raise unsupported(
                "the product of two sparse matrices",
                "multiply with one after the other, A @ (B @ x)",
            )
        other = asarray(other)
        if not len(shape_of(other)) or shape_of(other)[0] != self.shape[1]:
            raise ValueError(f"matmul: {self.shape} and {shape_of(other)} do not fit")
        rest = shape_of(other)[1:]
        factors = getitem(other, columns, index=(SLOT,))
        data = self.data[(slice(None), *(None,) * len(rest))] if rest else self.data
        return scatter_add(data * factors, rows, index=(SLOT,), shape=(length, *rest))
