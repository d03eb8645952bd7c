"""From one run of a function to a program: its graph, its guards, and what it refers to.

`signature` tells what of the arguments is an input. `run` records; `capture` and `watch` follow
what the function refers to, `guards` what Python looked at. `program` is what comes out.
"""
