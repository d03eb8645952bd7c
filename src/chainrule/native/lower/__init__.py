"""From a graph to primitives: entries, views, gathers, updates, reductions, products of matrices.

`roles` says what the primitives are, and `primitives` rewrites a graph into them, by rules:

- for kinds of operation: `movement` and `parts`, `gather`, `updates`, `contractions`;
- for linear algebra, before any other: `factors` finds what one decomposition tells, by functions
  of `lapack`;
- for less work: `early_gather`, `early_sums`, `masked`; `forwarding` of what was stored, and what
  loops leave in arrays; `put_back`, updates that leave an array as it is.

Loops over numbers stay loops after that: `looped` finds them, `turns` says what is left of one,
`loop_body` makes it (`signs` has less of them). `one_loop` takes the sums of a backward pass in its
turns, and `angles` the cosines of angles with their sines. Loops over arrays are found before it:

- `array_loop` says what native code has, and `rolled` makes it of a folded graph;
- `bodies` writes what a turn computes in terms of primitives;
- `independent` tells whether turns wait for one another; `batched` makes one operation of turns
  that do not, in terms of `many_turns` and `many_bodies`; `blocks` does so for some turns at once
  where lengths move, in parts that `ragged` tells;
- `variables` are what turns hand on, `tapes` and `kept` what is kept of each, `reads` which turns
  are read, and `narrowed` of which loops that is the last alone; `read_again` tells what need not
  be kept, by `seen` and `unchanged`;
- `turn_places`, `at_turn` and `lengths` are about what moves with the turns, `until` about loops
  that end when a condition fails, and `rolled_until` about those over arrays.
"""
