"""What stands for a sparse matrix whose entries are recorded: SciPy's own holds no Arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.numpy.creation import asarray
from chainrule.operations.indexing import getitem, scatter_add
from chainrule.operations.slot import SLOT
from chainrule.transforms.sparse.plan import Block

__all__ = ["SparseEntries"]


class SparseEntries:
    """A sparse matrix under a transform, or while it is compiled: its pattern, and an Array.

    It has the attributes of ``scipy.sparse.csr_array`` that say what is in it (``data``,
    ``indices``, ``indptr``, ``shape``), the product with a vector or a matrix, and `toarray`.
    What compiled code returns is a csr_array.
    """

    format = "csr"
    ndim = 2
    __array_ufunc__ = None  # so that an ndarray lets it multiply from the right

    def __init__(self, data: Any, block: Block, transposed: bool = False) -> None:
        self.data = data
        self.block = block

    def __repr__(self) -> str:
        return f"<recorded sparse matrix of shape {self.shape} with {self.nnz} entries>"

    @property
    def shape(self) -> tuple[int, int]:
        """Its rows and columns."""
        return self.block.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of its entries."""
        return dtype_of(self.data)

    @property
    def nnz(self) -> int:
        """The number of entries of its pattern."""
        return len(self.block.columns)

    @property
    def indices(self) -> np.ndarray[Any, Any]:
        """The columns of its entries, row by row."""
        return self.block.columns.copy()

    @property
    def indptr(self) -> np.ndarray[Any, Any]:
        """Where each row begins among its entries, and at last where the last one ends."""
        return self.block.starts.copy()

    def toarray(self) -> Any:
        """Return all entries, zeros included."""
        places = self.block.rows, self.block.columns
        return scatter_add(self.data, *places, index=(SLOT, SLOT), shape=self.shape)

    def __matmul__(self, other: Any) -> Any:
        return self._product(other, self.block.rows, self.block.columns, self.shape[0])

    def __rmatmul__(self, other: Any) -> Any:
        other = asarray(other)
        turned = self._product(
            np.transpose(other), self.block.columns, self.block.rows, self.shape[1]
        )
        return np.transpose(turned)

    def _product(self, other: Any, to: Any, source: Any, length: int) -> Any:
        other = asarray(other)
        _, *rest = shape_of(other)
        factors = getitem(other, source, index=(SLOT,))
        data = self.data[(slice(None), *(None,) * len(rest))] if rest else self.data
        return scatter_add(data * factors, to, index=(SLOT,), shape=(length, *rest))
