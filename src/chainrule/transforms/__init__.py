"""Derivatives of functions: gradients, products with Jacobians, many examples at once.

A transform gives its inputs fresh nodes, runs the function, and derives what came out by them. In
the order in which to read it:

- `argnums`: by which arguments; `inputs`: fresh ones, and the run on them; `results`: what comes
  out, on its way back to the user. `derived` is what every transform returns, a function that is
  called and pickled as the user's is.
- `reverse`: `grad`, `value_and_grad` and `vjp`, by the backward pass. `forward`: `jvp`, and
  `linearize`, which keeps the run for many directions.
- `jacobians`, `products`, `elementwise`: matrices of derivatives, their products with vectors, and
  derivatives of the shape of their argument. `sparse` is a room of its own.
- `examples` computes a run for many examples as it is made: for `vmap`, and for `jacobians`.
  `taylor` does it with power series.
- `stable`: a derivative that met something infinite is taken once more, of formulas that do not.
- `calls`: a call of a function as one node: for `checkpoint`, `custom_gradient`, and the loops and
  choices of `control_flow`.
- `define_by_run`: ``y.backward()``; `stop`: `stop_gradient`; `ravel`: trees as vectors.
"""
