"""The way from Python into machine code: a built-in function by CPython's fast call, and its ABI.

`layout` is what both sides agree upon; `calling` makes the function, which `wrapper` writes by
`writer` (`arguments` are taken apart, the `result` is put together) from `objects` (fields of
Python's and NumPy's objects) and `table` (what only this process knows).
"""
