"""The engine: what a node is, and how gradients flow.

To read it in ten minutes, in this order:

1. `recording`: one run of user code while its graph is noted.
2. `operation`: a function that the graph knows, declared by a row.
3. `node`, `array`: one application of an operation, and what user code holds of it.
4. `apply`: where nodes are made.
5. `chain_rule`: the backward pass over nodes. `backward` and `reach` choose the nodes.
6. `elementwise`, `linear`, `general`, `constant`: what kinds make of rules (all in `kinds`).

The rest when it is needed:

- rows: `traits` (what else a row may say), `rules` (which values a rule reads), `batching`,
  `dependence` and `series` (rules for many examples, for patterns of Jacobians, for Taylor series),
  `joint` (a kind that pulls back to all operands at once), `domain` (what the tests draw from),
  `declare` (operations of a user's own);
- passes: `forward` (the other direction), `retrace` (a run noted again, of other nodes);
- values: `captured` (constants that the user may overwrite), `saved` (values as rules get them),
  `deferred` (those that nobody has looked at), `placeholder` and `symbolic` (what stands for a
  value that is not there), `counted` (integers that count the turns of a loop);
- `source` and `callables`: the user's lines and functions in messages.
"""
