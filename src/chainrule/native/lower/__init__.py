"""From a graph to primitives: entries, views, gathers, updates, reductions, products of matrices.

`roles` says what the primitives are, and `primitives` rewrites a graph into them, by the rules of
the other files.
"""
