"""A recorded run as data, and the passes that rewrite it.

A recording consists of nodes, which belong to a run. A graph consists of vertices, which are data:
passes read them and build new ones, printers write them, compilers translate them. To be read in
this order:

- `graph`: what a vertex is, how graphs are walked, and how nodes become vertices. `verify` checks
  what must be true of every graph.
- `run`: runs a function and tells what it makes, and what Python looks at.
- `trace`: one recorded run with what only the run can tell, the names and lines of its values.
  `tracing` notes them while it runs; `naming` reads the names off the bytecode.
  `code` and `exits` tell where it runs, and at which questions a ``while`` may end; `open_loops`
  watches such loops, which stand in the code as `open_code` says.
- `rewrite`: applies rules to a graph until none has anything to say, and merges what is the same.
- `patterns`: what people write in several operations that is one idea, such as a sigmoid.
- `recognise`: replaces such formulas by the one operation they are, before they are differentiated.
- `simplify`: rules that make a gradient as short as a person would write it; `finite` tells them
  which values cannot become infinite.
- `arrange`: writes products and sums in the order in which a person does. `products` takes products
  apart, `closed_forms` knows numbers such as ``math.sqrt(2)``, `common_factors` finds what several
  products share; `repetition` leaves arrays of one number to NumPy's broadcasting.
- `formula`: what a row says its operation is made of, as vertices.
- `looks`: what passes see of the values of a run. `chosen_zeros`: which zeros a choice has made.
- `stabilise`: rules that replace formulas which fail for large or small numbers. Like the lowering
  of compiled code they make vertices whose values nobody computes, by `placeholder`.
- `loops`: finds the loops in a run, which has unrolled them.
"""
