"""Fourier transforms of lines of an array.

`pocketfft` has NumPy's own as functions that LLVM IR can call, and `lines` brings together for them
what lies apart in memory.
"""
