"""From a graph to primitives: entries, views, gathers, updates, reductions, products of matrices.

`roles` says what the primitives are, and `primitives` rewrites a graph into them, by the rules of
the other files. `looped` then finds the loops over numbers that were unrolled: `turns` says what is
left of one, `loop_body` makes it.
"""
