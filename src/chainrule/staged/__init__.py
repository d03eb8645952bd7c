"""The gradient of a function as Python that a person would have written.

In the order in which to read it:

- ``staging`` has `stage`, which runs the steps of ``write`` and lets ``verify`` check the result;
  ``open_loops`` runs functions a few times more whose loops go on until a condition fails;
- ``partition`` parts a recorded run into stages: what a person writes on one line;
- ``writes`` says what a stage writes in place, and which entries of what it reads;
- ``derive`` finds the gradient of one stage, ``alike`` that of others of its kind (``growth``:
  with other indices and lengths), ``steps`` those of all of them;
- ``liveness`` decides which variables share their memory, so that a write is done in place;
- ``backprop`` writes the lines of the backward pass, with the ``terms`` that each consists of, and
  the ``gradients`` that they add to;
- ``speller`` turns a graph into an expression (``text``), by the tables of ``spelling`` and the
  ``templates`` of rows;
  ``statements`` writes what takes more than one expression;
- ``names``, ``constants``, ``arguments``: what variables, arrays and parameters are called;
- ``lines`` are the stages and backward lines that come of it, ``program`` the module that they are
  printed in, ``formatting`` its line breaks; ``loops`` writes turns that are the same once;
- ``staged`` is what the user gets; ``run`` executes it line by line.
"""

from __future__ import annotations

from chainrule.staged.lines import Line, Stage
from chainrule.staged.loops.layout import Row
from chainrule.staged.run import Run
from chainrule.staged.staged import Staged
from chainrule.staged.staging import stage

__all__ = ["Line", "Row", "Run", "Stage", "Staged", "stage"]
