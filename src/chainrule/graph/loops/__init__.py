"""Loops: a recorded run unrolls them, and folding finds them again.

Folding looks at operations, never at source: turns that are the same but for what they carry, for
integers that grow evenly, for constants, and for which turns of an earlier loop they read become
one `Loop`. The forward pass, the backward pass (which reads the turns of the forward pass in
reverse) and derivatives of any order are all the same to it. To be read in this order:

- `steps`: what is folded, whether it is operations or statements.
- `runs`: where turns may be. `fold` looks at them closely, and `pattern` makes one step of them;
  `edges` sees inner loops of no, one or two turns in the first and last turns of an outer one.
- `affine`: integers that grow evenly from turn to turn; `series`: constants that do.
- `loop`: `Loop`, an operation whose body is a graph.
- `vertices`: folds a graph, `body` makes the loops of it, with lists of operands (`listing`).
- `unfold`: gives the graph that was folded back; `bounds` tells whether all is there that it reads.
- `extrapolate`: the graph of a long loop, from one with few of its turns; `alike` compares them.
"""
