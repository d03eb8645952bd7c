"""From one run of a function to a program: its graph, its guards, and what it refers to.

`signature` tells what of the arguments is an input, and `structure` where it lies. `run` records,
and `program` is what comes out; `result` puts the result together, and `recorded` compares it with
the function's own. `capture`, `objects` and `watch` follow what the function refers to, `outside`
tells what nobody can watch, `guards` what Python looked at.

Long loops are recorded in few of their turns:

- `short` ends what `iterables` hands out to them, and `families` are recordings with several
  numbers of turns;
- `conditions` tells loops that end when a condition fails how to go on;
- `counters` makes ranges of ``while`` loops that count, and `whiles` has the turns of others;
- `branches` runs a turn in both ways of a condition, `variables` puts back what it has changed,
  and `supposed` keeps it from doing what cannot be undone;
- `state` tells when turns are alike;
- `rehearsal` runs the function itself in as few turns, whose code `transparent` looks at; where
  that does not tell all, `own` runs the whole function.
"""
