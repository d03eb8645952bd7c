"""Code of one kernel: its loops, what it reads and writes, its reductions and scatters.

`loop_ir` says what the loops of a kernel are as data, and is read first; `build` makes them of what
the schedule says. Three printers write them: `llvm` for the machine, `python` for people,
`javascript` for pages. `llvm` is helped by `loops`, around what is done with an entry, by
`pointers`, which tell where arrays lie, and by `reductions` and `scatter`, which are written once
for several kernels, or beside them. `turns` and `turns_python` do all of this for loops whose turns
come one after the other; `array_loop` calls a body made of kernels, turn after turn.
"""
