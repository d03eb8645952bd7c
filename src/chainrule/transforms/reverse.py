"""Gradients: `grad`, `value_and_grad` and the pullback of `vjp`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array, shape_of, value_of
from chainrule.core.backward import Derive, attempt_backward
from chainrule.core.callables import name_of
from chainrule.core.reach import reach
from chainrule.core.recording import Recording
from chainrule.core.source import stack_level
from chainrule.errors import (
    ArgumentError,
    GradientMismatchError,
    IndependentOutputWarning,
    NonScalarOutputError,
)
from chainrule.numpy.creation import restack, result_leaves
from chainrule.numpy.view import UserFunction
from chainrule.transforms.argnums import positions, select
from chainrule.transforms.derived import derived
from chainrule.transforms.inputs import Inputs, Overwritten, run_once
from chainrule.transforms.results import check_real, finish, plain

__all__ = [
    "grad",
    "is_independent",
    "seeds_like",
    "upstream",
    "value_and_grad",
    "vjp",
    "warn_independent",
]

_float64 = np.float64


def value_and_grad(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    check: bool = False,
) -> Callable[..., Any]:
    """Return a function that computes f and its gradient in one go.

    Args:
        f: a function of NumPy arrays and floats with one number as its output.
        argnums: which positional arguments to differentiate by. Each may be a float, a
            floating-point array, or a tree (tuple, list, dict, dataclass, None) of them.
        has_aux: f returns ``(output, aux)``; aux is handed through.
        check: run f by itself, too, and raise if its value is another one. It is if f does
            something else with arrays whose history is recorded: by a question that these cannot
            answer as a number does.

    Returns:
        A function of f's arguments that returns ``(value, gradient)``, or ``((value, aux),
        gradient)``. The gradient has the shapes, dtypes and structure of the argument; it is a
        tuple of such where argnums is a sequence.

    Raises:
        ArgumentError: an argument to differentiate by is not made of floating-point numbers.
        NonScalarOutputError: f's output is not one number.
        GradientMismatchError: with ``check``, the values differ.

    Warns:
        IndependentOutputWarning: the output does not depend on the arguments.

    >>> import numpy as np, chainrule as cr
    >>> cr.value_and_grad(lambda w: np.sum(w**2))(np.array([1.0, -2.0]))
    (5.0, array([ 2., -4.]))
    """
    run = UserFunction(f)
    argnums = positions(argnums)

    @derived(value_and_grad, f, argnums, has_aux, check)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        recording = Recording(nodes=[])
        finished = None
        try:
            inputs = Inputs(f, args, select(argnums, args, f), recording)
            y = inputs.run(run, kwargs)
            if has_aux:
                y, aux = _split(y, f)
            kind: Any = type(y.sample) if type(y) is Array else None
            usual = kind is float or kind is _float64
            if not usual:
                y = _one_number(y, f)
            gradients = [None] * len(inputs.nodes)
            if type(y) is Array:
                if usual or y.dtype.kind == "f":
                    one = kind(1) if usual else y.dtype.type(1)
                    gradients, sure = attempt_backward([(y, one)], inputs.nodes)
                    if not sure or y.node.recording.unseen:
                        again = upstream([one])
                        gradients = inputs.derived_again(again, [y], gradients, sure)
                else:
                    check_real([y], f)
            for g in gradients:
                if g is not None:
                    break
            else:
                if is_independent(y, inputs):
                    warn_independent(f)
            finished = inputs.build(finish(gradients, inputs.values, recording))
            value = plain(y, recording)
            if has_aux:
                value = value, _plain_tree(aux, recording)
        except Overwritten:
            pass
        finally:
            recording.end()
        if finished is None:
            return value_and_gradient(*args, **kwargs)
        if check:
            _check_value(f, args, kwargs, value[0] if has_aux else value, has_aux)
        return value, finished[0] if isinstance(argnums, int) else finished

    return value_and_gradient


def grad(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    check: bool = False,
) -> Callable[..., Any]:
    """Return the gradient of f as a function of the same arguments.

    See `value_and_grad` for the arguments and errors. With ``has_aux`` the result is ``(gradient,
    aux)``. Gradients nest: ``grad(grad(f))`` is the second derivative.

    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.sin)(0.0)
    1.0
    >>> cr.grad(cr.grad(lambda x: x**3))(2.0)
    12.0
    """
    both = value_and_grad(f, argnums, has_aux, check)

    @derived(grad, f, argnums, has_aux, check)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, g = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return f's output and its pullback.

    Args:
        f: a function; its output may be a tree of arrays of any shape.
        args: f's arguments, each of them floating-point (or a tree of such).

    Returns:
        ``(y, pullback)``. ``pullback(g)``, with g of the shape and structure of y, returns a tuple
        of one gradient per argument: g times the Jacobian. It may be called many times. Of complex
        numbers it is what `grad` gives for the real function ``np.sum(g * y).real``.

    Raises:
        ArgumentError: an argument is not made of floating-point numbers.
        ValueError: g has not the shape of y.

    >>> import numpy as np, chainrule as cr
    >>> y, pullback = cr.vjp(lambda W, x: W @ x, np.eye(2), np.array([3.0, 4.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([[ 3.,  4.],
           [30., 40.]]), array([ 1., 10.]))
    """
    inputs, outputs, values, build = run_once(UserFunction(f), args)
    value = build(values)

    def pullback(g: Any) -> tuple[Any, ...]:
        seeds = seeds_like(g, value)
        starts = [(y, g) for y, g in zip(outputs, seeds, strict=True) if type(y) is Array]
        gradients = inputs.derived(upstream([g for _, g in starts]), [y for y, _ in starts])
        return inputs.build(finish(gradients, inputs.values, inputs.recording))

    return value, pullback


def upstream(seeds: Sequence[Any]) -> Derive:
    """Return the backward pass that begins with these upstream gradients, one for each output."""
    return lambda outputs, nodes, recorded: attempt_backward(
        list(zip(outputs, seeds, strict=True)), nodes, recorded
    )


def seeds_like(g: Any, value: Any, what: str = "the function's value") -> list[Any]:
    """Check an upstream gradient (or tangent) against the value that it belongs to."""
    seeds, _ = trees.flatten(g)
    values, _ = trees.flatten(value)
    if len(seeds) != len(values):
        raise ValueError(
            f"expected {len(values)} arrays, in the structure of {what}, got {len(seeds)}"
        )
    checked: list[Any] = []
    for seed, v in zip(seeds, values, strict=True):
        if np.iscomplexobj(value_of(seed)) and np.asarray(value_of(v)).dtype.kind == "f":
            raise ValueError(f"expected real numbers, as those of {what}, got complex ones")
        if type(seed) is not Array:
            if type(v) is float or type(v) is complex:
                seed = type(v)(seed)
            elif isinstance(v, (np.ndarray, np.generic, Array)) and v.dtype.kind in "fc":
                seed = np.asarray(seed, dtype=v.dtype)[()]
            else:  # integers and the like carry no gradient, whatever is given for them
                checked.append(None)
                continue
        if shape_of(seed) != shape_of(v):
            raise ValueError(f"expected shape {shape_of(v)}, that of {what}, got {shape_of(seed)}")
        checked.append(seed)
    return checked


def _check_value(
    f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], value: Any, has_aux: bool
) -> None:
    """Compare the value of a recorded run with that of the function by itself."""
    leaves, build = trees.flatten([list(args), kwargs])
    plain_args, plain_kwargs = build([value_of(leaf) for leaf in leaves])
    expected = f(*plain_args, **plain_kwargs)
    expected, found = np.asarray(expected[0] if has_aux else expected), np.asarray(value_of(value))
    single = expected.dtype.kind == "f" and expected.dtype.itemsize < 8
    if not np.allclose(found, expected, 1e-3 if single else 1e-7, 1e-300, equal_nan=True):
        raise GradientMismatchError(
            f"{getattr(f, '__name__', repr(f))} is {expected} by itself and {found} while its "
            "gradient is recorded, so the gradient is that of another function: it is random, it "
            "changes something that it reads, or it asks what its argument is in a way that "
            "chainrule cannot answer for a number"
        )


def _split(y: Any, f: Callable[..., Any]) -> tuple[Any, Any]:
    if not (isinstance(y, tuple) and len(y) == 2):
        raise ArgumentError(
            f"has_aux=True: {name_of(f)} must return a pair (output, aux), it returned a "
            f"{type(y).__name__}"
        )
    return y


def _one_number(y: Any, f: Callable[..., Any]) -> Any:
    """Return the output if it is one number, else say what it is and what to do."""
    if type(y) is np.ndarray:
        y = restack(y)
    name = name_of(f)
    if trees.is_container(y) or not isinstance(y, (Array, np.ndarray, np.generic, float, int)):
        raise NonScalarOutputError(
            f"the gradient of {name} needs one number as its output, it returned a "
            f"{'None' if y is None else type(y).__name__}: return a float or a 0-d array "
            "(has_aux=True lets further outputs through), or use chainrule.vjp"
        )
    shape = shape_of(y)
    if shape != ():
        raise NonScalarOutputError(
            f"the gradient of {name} needs one number as its output, it returned shape {shape}: "
            "sum or average it, or use chainrule.jacobian for all its derivatives"
        )
    return y


def is_independent(y: Any, inputs: Inputs) -> bool:
    """Tell an output that knows nothing of the inputs from one whose gradient is zero (a step)."""
    if not inputs.nodes:
        return False
    if type(y) is not Array:
        return True
    reached, _ = reach([y.node], inputs.nodes)
    return not any(node in inputs.nodes for node in reached)


def warn_independent(f: Callable[..., Any]) -> None:
    """Warn that a function's output knows nothing of its inputs."""
    warnings.warn(
        f"the output of {name_of(f)} does not depend on the arguments it is differentiated by, so "
        "the gradient is zero",
        IndependentOutputWarning,
        stacklevel=stack_level(),
    )


def _plain_tree(tree: Any, recording: Recording) -> Any:
    leaves, build = result_leaves(tree)
    return build([plain(leaf, recording) for leaf in leaves])
