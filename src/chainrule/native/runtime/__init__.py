"""What machine code needs while it is made and runs: LLVM, the disk cache, threads, signals.

`engine` makes machine code of LLVM IR, and `cache` keeps it. `threads` runs loops on several
threads, of the `pool`; `interrupts` lets others run, and answers Ctrl-C. `collection` keeps
the garbage collector away from graphs that are being built.
"""
