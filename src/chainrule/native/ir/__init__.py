"""LLVM IR as text: lines and registers, arithmetic of single entries, access to memory.

`text` holds lines, `elements` and `division` compute, `access` and `buffers` are about memory, and
`math` has the elementary functions.
"""
