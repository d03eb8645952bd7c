"""Products of matrices and vectors: in tiles of our own, or by BLAS, whichever is quicker."""
