"""Products of matrices and vectors: in `tiles` of our own, or by `blas`, whichever is quicker.

`product` chooses.
"""
