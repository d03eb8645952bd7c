"""Functions with derivatives of a user's own: `primitive`, and the rules that are declared for it.

Each becomes an operation of chainrule's, whose rules are what autograd's declarations say.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.apply import apply
from chainrule.core.array import Array, value_of
from chainrule.core.callables import name_of
from chainrule.core.joint import Joint, added
from chainrule.errors import UnsupportedError
from chainrule.interop.autograd.vspaces import SparseObject, vspace
from chainrule.numpy.creation import restack

__all__ = [
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "notrace_primitive",
    "primitive",
    "primitive_jvps",
    "primitive_vjps",
    "subval",
    "subvals",
]

Function = Callable[..., Any]

_DESCRIBED = ("__module__", "__name__", "__qualname__", "__doc__")

#: primitive -> ``(argnums, ans, args, kwargs) -> (g -> gradients)``.
primitive_vjps: dict[Function, Function] = {}
#: primitive -> ``(argnums, tangents, ans, args, kwargs) -> tangent``.
primitive_jvps: dict[Function, Function] = {}


class _Call:
    """One call of a primitive: its arguments, with places for those that are recorded."""

    def __init__(self, fun: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.fun = fun
        self.kwargs = dict(kwargs)
        self.leaves: list[list[Any]] = []
        self.builds: list[Function] = []
        self.places: list[tuple[int, int]] = []  # argument and leaf of each operand
        self.operands: list[Any] = []
        for k, arg in enumerate(args):
            leaves, build = trees.flatten(arg)
            leaves = [restack(leaf) for leaf in leaves]
            for at, leaf in enumerate(leaves):
                if type(leaf) is Array:
                    self.places.append((k, at))
                    self.operands.append(leaf)
                    leaves[at] = None
            self.leaves.append(leaves)
            self.builds.append(build)
        self.argnums = tuple(sorted({k for k, _ in self.places}))

    def args(self, operands: Sequence[Any]) -> tuple[Any, ...]:
        """Return the arguments with operands in their places."""
        filled = [list(leaves) for leaves in self.leaves]
        for (k, at), operand in zip(self.places, operands, strict=True):
            filled[k][at] = operand
        return tuple(build(leaves) for build, leaves in zip(self.builds, filled, strict=True))

    def compute(self, *operands: Any) -> Any:
        """Call the function itself."""
        return self.fun.fun(*self.args(operands), **self.kwargs)  # type: ignore[attr-defined]

    def gradients(self, g: Any, operands: Sequence[Any], ans: Any) -> list[Any]:
        """Return the gradients of all operands."""
        maker = primitive_vjps.get(self.fun)
        if maker is None:
            raise _missing("VJP", self.fun, self.argnums)
        args = self.args(operands)
        found = dict(
            zip(self.argnums, maker(self.argnums, ans, args, self.kwargs)(g), strict=False)
        )
        flat = {k: trees.flatten(_dense(x))[0] for k, x in found.items() if x is not None}
        return [flat[k][at] if k in flat else None for k, at in self.places]

    def push(self, tangents: Sequence[Any], operands: Sequence[Any], ans: Any) -> Any:
        """Return the tangent of the answer."""
        maker = primitive_jvps.get(self.fun)
        if maker is None:
            raise _missing("JVP", self.fun, self.argnums)
        args = self.args(operands)
        filled = [vspace(args[k]).zeros() if k in self.argnums else None for k in range(len(args))]
        moved = set()
        leaves = [trees.flatten(x)[0] if k in self.argnums else [] for k, x in enumerate(filled)]
        for (k, at), tangent in zip(self.places, tangents, strict=True):
            if tangent is not None:
                leaves[k][at] = tangent
                moved.add(k)
        argnums = tuple(k for k in self.argnums if k in moved)
        gs = [self.builds[k](leaves[k]) for k in argnums]
        return _dense(maker(argnums, gs, ans, args, self.kwargs))


def _missing(what: str, fun: Function, argnums: tuple[int, ...]) -> UnsupportedError:
    define = "defvjp" if what == "VJP" else "defjvp"
    return UnsupportedError(
        f"{what} of {name_of(fun)} wrt argnums {argnums} not defined: declare it with "
        f"{define}({name_of(fun)}, ...)"
    )


def _dense(g: Any) -> Any:
    return g.mut_add(g.vs.zeros()) if isinstance(g, SparseObject) else g


class _Primitive(Joint):
    """The operation that a primitive is: its rules are looked up when they are needed.

    Of a primitive that returns a tree, its parameters say which leaf it is.
    """

    def __init__(self, name: str, compute: Function) -> None:
        super().__init__(name, compute, dtypes="fc")

    def pull_together(
        self,
        sums: Sequence[Any],
        asked: Sequence[bool],
        g: Any,
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
        guarded: bool,
    ) -> Sequence[Any]:
        if "part" in params:  # its gradient is zero elsewhere
            build, leaves, part = (params[name] for name in ("build", "leaves", "part"))
            g = build([g if k == part else vspace(x).zeros() for k, x in enumerate(leaves)])
            output = build(leaves)
        return added(sums, params["call"].gradients(g, operands, output), operands)

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        call: _Call = params["call"]
        if call.fun not in primitive_jvps and call.fun in primitive_vjps:
            return super().push(tangents, operands, output, params)
        if "part" not in params:
            return call.push(tangents, operands, output)
        pushed = call.push(tangents, operands, params["build"](params["leaves"]))
        return trees.flatten(pushed)[0][params["part"]]


def primitive(f_raw: Function) -> Function:
    """Wrap a function whose derivatives are declared with `defvjp` or `defjvp`.

    It is called with plain values; what it is called with is noted in the graph. By its keyword
    arguments nothing is differentiated.

    >>> from chainrule.interop.autograd import grad
    >>> from chainrule.interop.autograd.extend import defvjp, primitive
    >>> import numpy as np
    >>> cube = primitive(lambda x: x**3)
    >>> defvjp(cube, lambda ans, x: lambda g: g * 3 * x**2)
    >>> grad(cube)(2.0)
    12.0
    """
    operation = _Primitive(name_of(f_raw), lambda *operands, call: call.compute(*operands))
    taken = _Primitive(name_of(f_raw), lambda *operands, leaves, part, **more: leaves[part])

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = _Call(wrapped, args, kwargs)
        if not call.operands:
            return f_raw(*args, **kwargs)
        answer = call.compute(*(value_of(x) for x in call.operands))
        if trees.is_container(answer):
            leaves, build = trees.flatten(answer)
            options = {"call": call, "build": build, "leaves": leaves}
            return build(
                [
                    apply(taken, taken.compute, call.operands, {**options, "part": at})
                    for at in range(len(leaves))
                ]
            )
        if not isinstance(answer, (float, complex, np.ndarray, np.inexact)):
            return answer  # it has no gradient
        return apply(operation, lambda *operands, call: answer, call.operands, {"call": call})

    functools.update_wrapper(wrapped, f_raw, [x for x in _DESCRIBED if hasattr(f_raw, x)])
    wrapped.fun = f_raw  # type: ignore[attr-defined]
    wrapped.defgrad = functools.partial(_defgrad, wrapped)  # type: ignore[attr-defined]
    wrapped.defvjp = functools.partial(_defvjp, wrapped)  # type: ignore[attr-defined]
    wrapped.defvjp_is_zero = functools.partial(_defvjp_is_zero, wrapped)  # type: ignore[attr-defined]
    return wrapped


def notrace_primitive(f_raw: Function) -> Function:
    """Wrap a function that is to see plain values, and has no derivative."""

    @functools.wraps(f_raw)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return f_raw(*map(value_of, args), **kwargs)

    return wrapped


# Reverse mode.


def defvjp_argnums(fun: Function, vjpmaker: Function) -> None:
    """Declare all gradients at once: ``(argnums, ans, args, kwargs) -> (g -> gradients)``."""
    primitive_vjps[fun] = vjpmaker


def defvjp_argnum(fun: Function, vjpmaker: Function) -> None:
    """Declare gradients by a function of the position: ``(argnum, ans, args, kwargs) -> vjp``."""

    def maker(argnums: Sequence[int], *args: Any) -> Function:
        vjps = [vjpmaker(k, *args) for k in argnums]
        return lambda g: [vjp(g) for vjp in vjps]

    defvjp_argnums(fun, maker)


def defvjp(
    fun: Function, *vjpmakers: Function | None, argnums: Iterable[int] | None = None
) -> None:
    """Declare the gradient by each argument: ``(ans, *args, **kwargs) -> (g -> gradient)``.

    None stands for zero. ``argnums`` are the arguments meant, the first ones if left out.
    """
    rules = dict(zip(argnums if argnums is not None else count(), vjpmakers, strict=False))

    def maker(wanted: Sequence[int], ans: Any, args: Any, kwargs: Any) -> Function:
        for k in wanted:
            if k not in rules:
                raise _missing("VJP", fun, (k,))
        vjps = [None if (rule := rules[k]) is None else rule(ans, *args, **kwargs) for k in wanted]
        return lambda g: [None if vjp is None else vjp(g) for vjp in vjps]

    defvjp_argnums(fun, maker)


# Forward mode.


def defjvp_argnums(fun: Function, jvpmaker: Function) -> None:
    """Declare the tangent: ``(argnums, tangents, ans, args, kwargs) -> tangent``."""
    primitive_jvps[fun] = jvpmaker


def defjvp_argnum(fun: Function, jvpmaker: Function) -> None:
    """Declare the tangent by a function of the position: ``(argnum, g, ans, args, kwargs)``."""

    def maker(argnums: Sequence[int], gs: Sequence[Any], *args: Any) -> Any:
        return _total([jvpmaker(k, g, *args) for k, g in zip(argnums, gs, strict=True)])

    defjvp_argnums(fun, maker)


def defjvp(
    fun: Function, *jvpfuns: Function | str | None, argnums: Iterable[int] | None = None
) -> None:
    """Declare the tangent by each argument: ``(g, ans, *args, **kwargs) -> tangent``.

    None stands for zero, and ``"same"`` for the function itself, where it is linear.
    """
    rules = dict(zip(argnums if argnums is not None else count(), jvpfuns, strict=False))

    def tangent(k: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        if k not in rules:
            raise _missing("JVP", fun, (k,))
        rule = rules[k]
        if rule is None:
            return vspace(ans).zeros()
        if isinstance(rule, str):
            return fun(*subval(args, k, g), **kwargs)
        return rule(g, ans, *args, **kwargs)

    defjvp_argnum(fun, tangent)


def def_linear(fun: Function) -> None:
    """Declare a function linear in each of its arguments."""
    defjvp_argnum(fun, lambda k, g, ans, args, kwargs: fun(*subval(args, k, g), **kwargs))


def subvals(x: Iterable[Any], ivs: Iterable[tuple[int, Any]]) -> tuple[Any, ...]:
    """Return a tuple with other items at some places."""
    items = list(x)
    for at, value in ivs:
        items[at] = value
    return tuple(items)


def subval(x: Iterable[Any], i: int, v: Any) -> tuple[Any, ...]:
    """Return a tuple with another item at one place."""
    return subvals(x, [(i, v)])


def _total(tangents: list[Any]) -> Any:
    total = _dense(tangents[0])
    for tangent in tangents[1:]:
        dense = _dense(tangent)
        total = vspace(total).add(total, dense)
    return total


# How rules were declared before autograd 1.2.


def _deprecated(name: str) -> None:
    warnings.warn(
        f"the {name} method is deprecated: use defvjp(f, ...) of autograd.extend", stacklevel=3
    )


def _enter(fun: Any, argnum: int, rule: Function | None) -> None:
    rules = fun.__dict__.setdefault("_rules", {})
    rules[argnum] = rule
    defvjp(fun, *rules.values(), argnums=list(rules))


def _defgrad(fun: Function, gradfun: Function, argnum: int = 0) -> None:
    _deprecated("defgrad")
    _enter(fun, argnum, gradfun)


def _defvjp(fun: Function, vjpmaker: Function, argnum: int = 0) -> None:
    _deprecated("defvjp")

    def staged(ans: Any, *args: Any, **kwargs: Any) -> Function:
        return lambda g: vjpmaker(g, ans, vspace(args[argnum]), vspace(g), *args, **kwargs)

    _enter(fun, argnum, staged)


def _defvjp_is_zero(fun: Function, argnums: Iterable[int] = (0,)) -> None:
    _deprecated("defvjp_is_zero")
    for k in argnums:
        _enter(fun, k, None)
