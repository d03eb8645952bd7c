"""LLVM IR as text: lines and registers, arithmetic of single entries, access to memory.

`text` holds lines; `elements`, `division` and `combining` (reductions) compute; `access` and
`buffers` are about memory, `moving` about what changes with the turns of a loop; `math` has the
elementary functions.
"""
