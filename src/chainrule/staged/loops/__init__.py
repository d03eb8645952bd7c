"""Printed loops: turns that are the same are written once.

Folding (`chainrule.graph.loops.fold`) is told the printed statements as its steps. In the order in
which to read it:

- ``statement``: a statement as a template.
- ``fold``: folds statements; ``tree``: what comes of it, with what every statement reads.
- ``plan``: names for variables, and the lists in which values are kept for the backward pass;
  ``trial`` finds them, with ``names``, and ``instances`` of the unrolled code. ``tidy`` and
  ``whole`` let turns be alike before that.
- ``counting``: loop variables and what is written by them; ``wording``: how they are
  written, with ``lists``; ``layout``: lines.
- ``general``: what is the same for all numbers of turns, which ``until`` writes as ``while``.
"""
