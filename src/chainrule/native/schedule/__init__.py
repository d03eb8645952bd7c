"""What is computed together, in which loop nest, in which memory, and when.

`fusion` makes kernels of vertices, and `plan` is what becomes of them, as data; `survey` tells
what one of them consists of, and `space` the loops it has. `in_place` tells which arrays are
changed where they lie; `memory` and `arena` give every stored vertex its place.
"""
