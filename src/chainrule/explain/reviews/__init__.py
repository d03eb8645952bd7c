"""Hand-written backprop compared with the true gradient, line by line: `review`.

In the order to read it:

- `review`, the entrance, and `report`, what it returns: findings by line, and how they print.
- `run` runs the hand-written function and notes every change of its variables. `reference` traces
  the function that it differentiates: true values and gradients, and what they would be if.
- `compare` tells whether two values are the same, or one the sum of some paths' contributions.
- `binding` says what each variable stands for, by its name (`names`), its value, and what is
  returned (`returned`). `segments` are gradient variables as they change, and `cutting` tells
  where they become the gradient of another value; `scales` finds those
  that are off by a constant until the last lines, and `inference` what those without a telling
  name stand for.
- `judge` tells what is right, wrong, or only follows from an earlier mistake.
- `attribution` finds the line that made a gradient wrong, and `causes` and `operands` why: each a
  list of hypotheses that are tried on the numbers of a `context`.
- `advice` proposes a line to write instead; `alignment` one where shapes do not go together.

`tests/explain/reviews/mutations.py` makes the mistakes on which every hypothesis is measured. One
that decides fewer than one in a hundred is not worth its lines.
"""
