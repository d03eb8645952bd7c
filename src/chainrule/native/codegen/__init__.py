"""Code of one kernel: its loops, what it reads and writes, its reductions and scatters.

`kernel` writes a kernel, and is read first; `loops` are around it, `pointers` tell where its arrays
lie. `reductions` and `scatter` are what is written once for several kernels, or beside them.
"""
