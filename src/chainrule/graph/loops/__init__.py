"""Loops: a recorded run unrolls them, and folding finds them again.

Folding looks at operations, never at source: turns that are the same but for what they carry, for
integers that grow evenly, for constants, and for which turns of an earlier loop they read become
one `Loop`. The forward pass, the backward pass (which reads the turns of the forward pass in
reverse) and derivatives of any order are all the same to it. To be read in this order:

- `steps`: what is folded, whether it is operations or statements.
- `runs`: where turns may be. `fold` looks at them closely, and `pattern` makes one step of them.
- `affine`: integers that grow evenly from turn to turn.
- `loop`: `Loop`, an operation whose body is a graph.
- `vertices`: folds a graph, `body` makes the loops of it.
- `unfold`: gives the graph that was folded back.
"""
