"""Sparse Jacobians and Hessians.

Read in this order: `index_sets` and `pattern`, what depends on what; `colouring`, what can be found
together; `plan`, where each entry then lies, and `plans`, those kept; `entries`, what stands for
a matrix that is recorded; `derivatives`, the transforms.
"""

from chainrule.transforms.sparse.derivatives import sparse_hessian, sparse_jacobian, sparsity

__all__ = ["sparse_hessian", "sparse_jacobian", "sparsity"]
