"""From a graph to primitives: entries, views, moves, reductions, and products of matrices.

`roles` says what the primitives are, and `primitives` rewrites a graph into them, by the rules of
the other files.
"""
