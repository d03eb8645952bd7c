"""Formulas that fail for large or small numbers, as ones of the same value that do not.

Every rule is a function of one vertex, whose operands are expected to be shared; it looks at the
form of the graph alone, never at values, and returns None where it has nothing to say. A gradient
contains the parts of the value it belongs to (``exp(x)``, ``1 / (1 + exp(x))``), and would still
fail if these stayed: so there are rules for the forms of gradients, too. `rules` names the input at
which each formula fails.
"""
