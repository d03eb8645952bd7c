"""Products of matrices and vectors: in `tiles` of our own, or by `blas`, whichever is quicker.

`choice` tells which, and `product` writes what was chosen; `extents` has the lengths and strides
of a product, and the best tile for it. `chunks` are some rows of a product at a time, for what goes
on with them, and `ahead` fetches what that reads.
"""
