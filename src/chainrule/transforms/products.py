"""Products of second derivatives with a vector, without the matrix: `hvp`, `vhp`, `ggnvp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.core.array import Array
from chainrule.core.backward import Derive
from chainrule.core.callables import name_of
from chainrule.core.recording import Recording
from chainrule.errors import ArgumentError
from chainrule.numpy.creation import result_leaves
from chainrule.numpy.view import UserFunction
from chainrule.transforms.argnums import positions, select
from chainrule.transforms.derived import derived
from chainrule.transforms.forward import along
from chainrule.transforms.inputs import Inputs, Overwritten
from chainrule.transforms.results import check_real, finish, plain
from chainrule.transforms.reverse import grad, seeds_like, upstream

__all__ = ["ggnvp", "hvp", "vhp"]


def hvp(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return the product of f's Hessian with a vector: the gradient, pushed forward along it.

    It costs a few gradients, however many entries the vector has.

    Args:
        f: a function with one number as its output, as for `grad`.
        argnums: which positional arguments to differentiate by.

    Returns:
        A function of f's arguments, and after them the vector: an array (or tree) like the argument
        that is differentiated by, a tuple of such where argnums is a sequence. The result is, too.

    Raises:
        ArgumentError: an argument to differentiate by is not made of floating-point numbers.
        NonScalarOutputError: f's output is not one number.
        ValueError: the vector has not the shapes of the argument.

    >>> import numpy as np, chainrule as cr
    >>> product = cr.hvp(lambda x: x[0] ** 2 * x[1])
    >>> product(np.array([3.0, 5.0]), np.array([1.0, 0.0]))  # the Hessian is [[10, 6], [6, 0]]
    array([10.,  6.])
    """
    return _product(hvp, along, f, argnums)


def vhp(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return the product of a vector with f's Hessian: the gradient, pulled back from it.

    The Hessian is symmetric, so the result is that of `hvp`, found by two backward passes. See
    there for arguments and errors.

    >>> import numpy as np, chainrule as cr
    >>> cr.vhp(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]), np.array([0.0, 1.0]))
    array([6., 0.])
    """
    return _product(vhp, upstream, f, argnums)


def _product(
    transform: Callable[..., Any],
    derive: Callable[[Sequence[Any]], Derive],
    f: Callable[..., Any],
    argnums: int | Sequence[int],
) -> Callable[..., Any]:
    argnums = positions(argnums)
    run = UserFunction(grad(f, argnums))

    @derived(transform, f, argnums)
    def product(*given: Any, **kwargs: Any) -> Any:
        args, vector = _vector(f, given)
        recording = Recording()
        try:
            inputs = Inputs(f, args, select(argnums, args, f), recording)
            gradient, _ = result_leaves(inputs.run(run, kwargs))
            seeds = _like_inputs(vector, inputs, argnums)
            pairs = [(y, v) for y, v in zip(gradient, seeds, strict=True) if type(y) is Array]
            if derive is along:
                found = iter(inputs.derived(along(seeds), [y for y, _ in pairs]))
                results = [next(found) if type(y) is Array else None for y in gradient]
            else:
                results = inputs.derived(upstream([v for _, v in pairs]), [y for y, _ in pairs])
            built = inputs.build(finish(results, inputs.values, recording))
            return built[0] if isinstance(argnums, int) else built
        except Overwritten:
            pass
        finally:
            recording.end()
        return product(*given, **kwargs)

    return product


def ggnvp(
    f: Callable[..., Any],
    loss: Callable[[Any], Any] | None = None,
    argnums: int | Sequence[int] = 0,
) -> Callable[..., Any]:
    """Return the product of a generalized Gauss-Newton matrix with a vector.

    Of ``loss(f(x))`` that matrix is ``J.T @ H @ J``, for the Jacobian J of f and the Hessian H of
    the loss: the Hessian but for the curvature of f. It is positive semidefinite where the loss is
    convex, so conjugate gradients can use it (N. N. Schraudolph, "Fast curvature matrix-vector
    products for second-order gradient descent", 2002).

    Args:
        f: a function of NumPy arrays and floats; its output may be a tree of arrays.
        loss: a function of f's output with one number as its output; left out, half of the sum of
            squares, of which H is the identity.
        argnums: which positional arguments of f to differentiate by.

    Returns:
        A function of f's arguments, and after them the vector, as with `hvp`.

    Raises:
        ArgumentError: an argument to differentiate by is not made of floating-point numbers.
        NonScalarOutputError: the loss is not one number.
        ValueError: the vector has not the shapes of the argument.

    >>> import numpy as np, chainrule as cr
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> v = np.array([1.0, 0.0])
    >>> cr.ggnvp(lambda x: A @ x)(np.zeros(2), v)  # A.T @ A @ v
    array([35., 44.])
    """
    argnums = positions(argnums)
    run = UserFunction(f)
    curvature = None if loss is None else hvp(loss)

    @derived(ggnvp, f, loss, argnums)
    def product(*given: Any, **kwargs: Any) -> Any:
        args, vector = _vector(f, given)
        recording = Recording()
        try:
            inputs = Inputs(f, args, select(argnums, args, f), recording)
            leaves, build = result_leaves(inputs.run(run, kwargs))
            check_real(leaves, f)
            outputs = [y for y in leaves if type(y) is Array]
            seeds = _like_inputs(vector, inputs, argnums)
            found = iter(inputs.derived(along(seeds), outputs))
            values = [plain(y, recording) for y in leaves]
            pushed = [next(found) if type(y) is Array else None for y in leaves]
            tangents = finish(pushed, values, recording)
            if curvature is not None:
                tangents, _ = result_leaves(curvature(build(values), build(tangents)))
            upwards = [t for y, t in zip(leaves, tangents, strict=True) if type(y) is Array]
            results = inputs.derived(upstream(upwards), outputs)
            built = inputs.build(finish(results, inputs.values, recording))
            return built[0] if isinstance(argnums, int) else built
        except Overwritten:
            pass
        finally:
            recording.end()
        return product(*given, **kwargs)

    return product


def _vector(f: Callable[..., Any], given: Sequence[Any]) -> tuple[Sequence[Any], Any]:
    if len(given) < 2:
        raise ArgumentError(
            f"the product for {name_of(f)} needs its arguments and, after them, the vector: it was "
            f"called with {len(given)} positional argument{'s' if len(given) != 1 else ''}"
        )
    return given[:-1], given[-1]


def _like_inputs(vector: Any, inputs: Inputs, argnums: int | Sequence[int]) -> list[Any]:
    given = (vector,) if isinstance(argnums, int) else tuple(vector)
    return seeds_like(given, inputs.build(inputs.values), "what it is differentiated by")
