"""Products of matrices and vectors: in `tiles` of our own, or by `blas`, whichever is quicker.

`choice` tells which, and `product` writes what was chosen; `extents` has the lengths and strides
of a product, and the best tile for it.
"""
