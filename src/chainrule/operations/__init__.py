"""Every rule, one file per family: a row says what an operation computes and how it is derived.

Read `arithmetic` first: its rows are the shortest. Then those of other kinds: `reduction` and
`shape` (linear), `contraction`, `indexing`, `linalg` (general). `elementwise` has the names of all
operations on entries, whichever file their rows are in. ``batched_*`` has the batching rules of a
family, ``dependent_*`` tells which entries of its results depend on which: both are named in rows.
"""
