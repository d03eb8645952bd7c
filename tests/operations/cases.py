"""The table of the operations' tests: operands for every row.

They are drawn from the row's ``domain``, in the shapes of its ``examples``, which an elementwise
row need not have. What cannot be drawn so (masks, indices) has its cases in `CASES`. A row that is
declared without any makes `test_every_row_is_in_the_table` fail.
"""

from __future__ import annotations

import importlib
import pkgutil
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import chainrule.operations
from chainrule.core import kinds
from chainrule.core.array import value_of
from chainrule.core.domain import REAL, Interval, Matrices
from chainrule.core.kinds import Elementwise
from chainrule.core.operation import Operation
from chainrule.operations.slot import SLOT

RANDOM = np.random.default_rng(0)


class Case(NamedTuple):
    """Operands and parameters; the gradient is checked by the operands that are float arrays."""

    operands: tuple[Any, ...]
    params: dict[str, Any]


def case(*operands: Any, **params: Any) -> Case:
    return Case(operands, params)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape)


def away(*shape: int) -> np.ndarray:
    """Draw distinct numbers, well apart from one another and from 0."""
    n = int(np.prod(shape))
    sizes = RANDOM.permutation(np.arange(1, n + 1) * 0.3)
    return (sizes * RANDOM.choice([-1, 1], n)).reshape(shape)


def draw(
    domain: Interval | Matrices, shape: tuple[int, ...], random: np.random.Generator = RANDOM
) -> np.ndarray:
    if isinstance(domain, Matrices):
        m = random.uniform(-1, 1, shape)
        n = shape[-1]
        return m @ m.swapaxes(-1, -2) + np.eye(n) if domain.definite else m + n * np.eye(n)
    x = random.uniform(domain.low, domain.high, shape)
    return np.where(np.abs(x) < domain.hole, np.copysign(domain.hole + np.abs(x), x), x)


MASK = np.array([[True, False, True], [False, False, True]])
REPEATED = np.array([0, 2, -1, 0])

CASES: dict[str, list[Case]] = {
    # Elementwise, with operands that cannot be drawn blindly.
    "polygamma": [case(draw(Interval(0.5, 4), (3,)), n=1), case(draw(Interval(0.5, 4), ()), n=0)],
    "ldexp": [case(normal(2, 3), np.array([1, -2, 3])), case(np.array(1.5), 2)],
    "around": [case(away(2, 3) + 0.01, decimals=1), case(away(2, 3) + 0.05)],
    "clip": [case(away(2, 3), -0.7, 0.8), case(away(2, 3), away(3) - 5, away(2, 1) + 5)],
    "where": [case(MASK, normal(2, 3), normal(3)), case(np.array(True), normal(), 2.0)],
    "stop_gradient": [case(np.arange(3))],  # of floats the difference quotient is not 0
    "guarded_multiply": [case(away(2, 3), away(2, 3)), case(away(2, 3), away(3))],
    **{
        name: [case(away(2, 3), 0.7 + np.arange(3.0)), case(away(3), np.array(0.8))]
        for name in ("fmod", "remainder", "floor_divide")
    },
    # The kinds' own.
    "unbroadcast": [case(normal(2, 3), shape=(3,)), case(normal(2, 3), shape=(2, 1))],
    "broadcast_to": [case(normal(3), shape=(2, 3)), case(normal(2, 1), shape=(4, 2, 3))],
    "astype": [case(normal(3), dtype=np.dtype(np.float64))],
    # Reductions.
    **{
        name: [
            case(away(2, 3)),
            case(away(2, 3), axis=(1,)),
            case(away(2, 3, 2), axis=(0, 2), keepdims=True),
            case(away()),
            case(away(2, 3), axis=()),
        ]
        for name in ("sum", "mean", "prod", "max", "min", "logsumexp")
    },
    **{
        name: [
            case(away(2, 3)),
            case(away(3, 2), axis=(0,), ddof=1),
            case(away(2, 3, 2), axis=(0, 2), keepdims=True, ddof=0.5),
        ]
        for name in ("var", "std")
    },
    **{
        name: [case(away(2, 3), axis=(1,)), case(away(2, 3)), case(away(2, 3, 2), axis=(0, 2))]
        for name in ("softmax", "log_softmax")
    },
    **{
        name: [case(away(4), axis=0), case(away(2, 3, 2), axis=1), case(away(1, 3), axis=0)]
        for name in ("cumsum", "cumprod", "sort")
    },
    # Shapes.
    "reshape": [case(normal(2, 3), shape=(3, 2)), case(normal(1), shape=())],
    "transpose": [case(normal(2, 3)), case(normal(2, 3, 4), axes=(2, 0, 1))],
    "swapaxes": [case(normal(2, 3, 4), axis1=0, axis2=2)],
    "expand_dims": [case(normal(3), axis=(0, 2)), case(normal(), axis=(0,))],
    "squeeze": [case(normal(1, 3, 1), axis=(0, 2)), case(normal(1), axis=(0,))],
    "concatenate": [
        case(normal(2, 3), normal(2, 1), normal(2, 2), axis=1),
        case(normal(2), np.arange(3), normal(0), axis=0),
    ],
    "stack": [case(normal(3), normal(3), axis=1), case(normal(), 2.0, normal(), axis=0)],
    "tile": [
        case(normal(2, 3), reps=(2,)),
        case(normal(3), reps=(2, 2)),
        case(normal(2, 1), reps=(0, 2)),
    ],
    "repeat": [
        case(normal(2, 3), repeats=2, axis=1),
        case(normal(2, 3), repeats=np.array([0, 1, 3]), axis=1),
    ],
    "flip": [case(normal(2, 3)), case(normal(2, 3), axis=(1,))],
    "roll": [case(normal(5), shift=2, axis=0), case(normal(2, 3), shift=(1, -2), axis=(0, 1))],
    "pad": [
        case(normal(2, 3), pad_width=((1, 0), (0, 2))),
        case(normal(3), pad_width=((1, 2),), constant_values=5.0),
        *(
            case(normal(2, 3), pad_width=((1, 1), (2, 1)), mode=mode)
            for mode in ("edge", "reflect", "symmetric", "wrap")
        ),
    ],
    "tril": [case(normal(3, 4), k=1), case(normal(2, 3, 3))],
    "triu": [case(normal(3, 4), k=-1), case(normal(2, 3, 3))],
    "diag": [case(normal(3), k=1), case(normal(3, 4), k=-1), case(normal(2, 4))],
    "diagonal": [case(normal(3, 4), offset=1), case(normal(2, 3, 4), axis1=2, axis2=0, offset=-1)],
    "embed_diagonal": [
        case(normal(3), shape=(3, 4), offset=1),
        case(normal(3, 2), shape=(2, 3, 4), axis1=2, axis2=0),
    ],
    "trace": [case(normal(3, 4), offset=1), case(normal(2, 3, 4), axis1=2, axis2=0, offset=-1)],
    # Contractions.
    "matmul": [
        case(normal(*a), normal(*b))
        for a, b in [
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3, 4)),
            ((4, 2, 3), (3,)),
            ((3,), (4, 3, 2)),
            ((4, 2, 3), (3, 2)),
            ((2, 3), (4, 3, 2)),
            ((4, 1, 2, 3), (5, 3, 2)),
            ((0, 3), (3, 2)),
        ]
    ],
    "dot": [
        case(normal(*a), normal(*b))
        for a, b in [
            ((3,), (3,)),
            ((2, 3), (3, 4)),
            ((2, 3), (3,)),
            ((4, 2, 3), (3,)),
            ((3,), (4, 3, 2)),
            ((4, 2, 3), (2, 3, 5)),
        ]
    ],
    "inner": [
        case(normal(3), normal(3)),
        case(normal(2, 3), normal(4, 3)),
        case(normal(2, 4, 3), normal(3)),
    ],
    "outer": [case(normal(3), normal(2))],
    "vdot": [case(normal(3), normal(3)), case(normal(2, 3), normal(3, 2))],
    "kron": [
        case(normal(2), normal(3)),
        case(normal(2, 3), normal(3, 2)),
        case(normal(2), normal(2, 3)),
        case(normal(2, 1, 2), normal(3, 2)),
    ],
    "tensordot": [
        case(normal(2, 3, 4), normal(4, 3, 5), axes=((1, 2), (1, 0))),
        case(normal(2, 3), normal(4), axes=((), ())),
        case(normal(2, 3), normal(3, 2), axes=((0, 1), (1, 0))),
    ],
    "einsum": [
        case(*operands, subscripts=subscripts)
        for subscripts, operands in [
            ("ij,jk->ik", (normal(2, 3), normal(3, 4))),
            ("ij,jk,kl->il", (normal(2, 3), normal(3, 2), normal(2, 2))),
            ("ii->i", (normal(3, 3),)),
            ("ii->", (normal(3, 3),)),
            ("iij->j", (normal(3, 3, 2),)),
            ("iii,i->i", (normal(2, 2, 2), normal(2))),
            ("ij->", (normal(2, 3),)),
            ("ij,k->i", (normal(2, 3), normal(4))),
            ("ij->ji", (normal(2, 3),)),
            (",i->i", (normal(), normal(3))),
            ("...ij,...jk->...ik", (normal(4, 2, 3), normal(3, 2))),
            ("...ij,...j->...i", (normal(2, 1, 2, 3), normal(4, 3))),
            ("...,i->...i", (normal(2, 1), normal(3))),
            ("a...->...", (normal(2, 3),)),
            ("ij,ij->ij", (normal(1, 3), normal(2, 3))),
            ("i,i->", (normal(1), normal(3))),
            ("i,i,i->i", (normal(3), normal(3), normal(3))),
        ]
    ],
    # Indexing.
    "getitem": [
        case(normal(4, 3), index=1),
        case(normal(4, 3), index=slice(1, None, 2)),
        case(normal(4, 3), index=(slice(None, None, -1), 2)),
        case(normal(4, 3), index=(None, Ellipsis, 0)),
        case(normal(2, 3), MASK, index=(SLOT,)),
        case(normal(2, 3), MASK[0], index=(1, SLOT)),
        case(normal(4, 3), REPEATED, index=(SLOT,)),
        case(normal(4, 3), REPEATED, np.array([1, 1, 2, 1]), index=(SLOT, SLOT)),
        case(normal(4, 3), REPEATED[:, None], REPEATED[:2], index=(SLOT, SLOT)),
        case(normal(2, 4, 3), REPEATED, index=(slice(None), SLOT, 1)),
        case(normal(2, 4, 3), np.array([1, 1]), REPEATED[:2], index=(SLOT, slice(1, 3), SLOT)),
        case(normal(4, 3), np.array(2), index=(SLOT,)),
        case(normal(), index=()),
        case(normal(4), np.array([], int), index=(SLOT,)),
    ],
    "scatter_add": [
        case(normal(4), REPEATED, index=(SLOT,), shape=(5,)),
        case(normal(4, 3), REPEATED, index=(SLOT,), shape=(5, 3)),
        case(normal(3), index=1, shape=(2, 3)),
        case(normal(3), MASK, index=(SLOT,), shape=(2, 3)),
    ],
    "set_at": [
        case(normal(4, 3), normal(3), index=1),
        case(normal(4, 3), normal(), index=(slice(None), 0)),
        case(normal(4, 3), normal(1, 1, 3), index=slice(0, 2)),
        case(normal(2, 3), normal(3), MASK, index=(SLOT,)),
        case(normal(4, 3), normal(4, 3), REPEATED, index=(SLOT,)),
        case(normal(4, 3), 1.0, np.array([0, 2]), index=(SLOT,)),
    ],
    "take": [
        case(normal(4, 3), REPEATED, axis=0),
        case(normal(2, 3), np.array([[0, 1], [2, 0]]), axis=1),
        case(normal(2, 3), np.array([7, -1]), axis=1, mode="wrap"),
        case(normal(2, 3), np.array([7, -1]), axis=1, mode="clip"),
        case(normal(2, 3), np.array(1), axis=1),
    ],
    "take_along_axis": [
        case(normal(2, 3), np.array([[0, 0], [2, 1]]), axis=1),
        case(normal(2, 3), np.array([[0, 1, 1]]), axis=0),
        case(normal(4), REPEATED, axis=0),
    ],
    # Norms.
    "norm": [
        case(away(3)),
        case(away(2, 3)),
        case(away(2, 3, 2)),
        case(away(2, 3), axis=(1,), keepdims=True),
        *(case(away(4), ord=order) for order in (1, 2, 3, 0.5, 1.5, -1, np.inf, -np.inf, 0)),
        *(case(away(2, 3), ord=order) for order in ("fro", 1, -1, np.inf, -np.inf)),
        *(case(away(2, 3, 2), ord=order, axis=(2, 0)) for order in ("fro", 1, np.inf)),
        case(away(2, 3), ord=3, axis=(0,)),
    ],
}

# Cases that came later: those above stay as they were drawn.
CASES |= {
    "size": [
        case(away(2, 3)),
        case(away(2, 3), axis=(1,)),
        case(away(2, 3, 2), axis=(0, 2), keepdims=True),
    ],
    # Triangles are given, and so are numbers where there are zeros: none of them counts.
    "solve_known_triangle": [
        case(np.tril(away(3, 3)) + 3 * np.eye(3), normal(3, 2), lower=True),
        case(np.triu(away(3, 3)) + 3 * np.eye(3), normal(3), lower=False),
        case(np.tril(away(2, 2, 2)) + 3 * np.eye(2), normal(2, 2, 3), lower=True),
    ],
}

#: What stands before the argument of a special function: orders and parameters, with no gradient.
ORDERS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("jv", "yv", "iv", "kv", "ive", "kve", "jve", "yve"), (1.5,)),
    **dict.fromkeys(("hankel1", "hankel2", "hankel1e", "hankel2e"), (1.5,)),
    **dict.fromkeys(("kn", "yn", "struve", "modstruve", "expn"), (2,)),
    "hyp0f1": (1.7,),
    **dict.fromkeys(("hyp1f1", "hyperu"), (1.3, 2.2)),
    "zeta": (3.5,),
    **dict.fromkeys(("pdtr", "pdtrc", "pdtri"), (2,)),
    **dict.fromkeys(("bdtr", "bdtrc", "bdtri"), (2.0, np.array(5))),
    **dict.fromkeys(("nbdtr", "nbdtrc", "nbdtri"), (2, 4)),
    "hyp2f1": (0.7, 1.2, 2.1),
    "lpmv": (1, 2.5),
    "eval_jacobi": (3, 0.5, 1.5),
    "eval_sh_jacobi": (3, 2.5, 1.5),
    "sph_legendre_p": (np.array([2, 3, 1]), np.array([1, -3, 0])),
    "eval_gegenbauer": (3, 0.7),
    "eval_genlaguerre": (3, 0.7),
    **{
        f"eval_{name}": (np.array([0, 1, 4]),)
        for name in (
            *("legendre", "chebyt", "chebyu", "chebyc", "chebys", "hermite", "hermitenorm"),
            *("sh_legendre", "sh_chebyt", "sh_chebyu", "laguerre"),
        )
    },
}

# What carries no gradient.
_TWO = [case(away(2, 3), away(3)), case(away(3), 0.9)]
CASES |= {
    **dict.fromkeys(("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"), _TWO),
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor"), _TWO),
    **{
        name: [case(np.array([1.0, -0.0, np.nan, np.inf, -np.inf]))]
        for name in ("logical_not", "isnan", "isinf", "isfinite", "signbit")
    },
    **{name: [case(MASK, MASK[0])] for name in ("bitwise_and", "bitwise_or", "bitwise_xor")},
    "invert": [case(MASK)],
    "fold": [case(np.array([1, 2], dtype=np.uint64), count=3)],
    "uniform": [case(np.array([1, 2], dtype=np.uint64), shape=(2, 3), dtype=np.dtype(float))],
    "qr_order": [case(away(2, 4))],
    "lu_permutation": [case(away(3, 3))],
    "lu_pivots": [case(away(4, 2))],
    "argsort": [case(away(2, 3), axis=0)],
    "searchsorted": [case(np.arange(4.0), normal(3))],
    **{name: [case(away(2, 3), axis=1), case(away(2, 3))] for name in ("argmax", "argmin")},
    **{name: [case(normal(2, 3), axis=(0,))] for name in ("any", "all", "count_nonzero")},
}


def determined(name: str, y: Any, part: int = 0, **_: Any) -> Any:
    """Return what of a result is determined, where LAPACK chooses the phases of complex vectors.

    Of `scipy_eigh` it chooses the signs of real ones, too, and others for a matrix nearby.
    """
    if np.asarray(value_of(y)).dtype.kind != "c" and name != "scipy_eigh":
        return y
    if (name, part) in {("eigh", 1), ("scipy_eigh", 1), ("svd", 0)}:
        return y * np.conj(y[..., :1, :])
    if (name, part) == ("svd", 2):
        return y * np.conj(y[..., :1])
    return y


def rows() -> dict[str, Operation]:
    """Find the rows of chainrule.core and chainrule.operations, and none that a test declared."""
    names = [module.name for module in pkgutil.iter_modules(chainrule.operations.__path__)]
    modules = [importlib.import_module(f"chainrule.operations.{name}") for name in names]
    found = [x for module in (kinds, *modules) for x in vars(module).values()]
    return {x.name: x for x in found if isinstance(x, Operation)}


ROWS = rows()


def cases_of(name: str) -> list[Case]:
    operation = ROWS[name]
    if name in CASES:
        return CASES[name]
    domain = operation.domain or REAL
    random = generator_of(name)

    def drawn(shapes: Sequence[tuple[int, ...]], params: Mapping[str, Any]) -> Case:
        each = isinstance(domain, (Interval, Matrices))
        domains = (domain,) * len(shapes) if each else domain
        return case(
            *(draw(d, shape, random) for d, shape in zip(domains, shapes, strict=True)), **params
        )

    if name in ORDERS:
        return [case(*ORDERS[name], draw(domain, shape, random)) for shape in ((3,), (2, 3), ())]
    if operation.examples or not isinstance(operation, Elementwise):
        return [drawn(example.shapes, example.params) for example in operation.examples]
    arity = len(operation.d)
    if operation.numpy and operation.numpy[0].startswith("scipy."):
        return [drawn([shape] * arity, {}) for shape in ((), (3,))]  # SciPy's own broadcasting
    shapes = [[()] * arity, [(2, 3)] * arity, [(0, 3)] * arity]
    if arity == 2:
        shapes += [[(2, 3), (3,)], [(2, 1), (1, 3)], [(), (2,)]]
    return [drawn(row, {}) for row in shapes]


def generator_of(name: str) -> np.random.Generator:
    """Return random numbers of the row's own, which do not move when another row is added."""
    return np.random.default_rng(zlib.crc32(name.encode()))
