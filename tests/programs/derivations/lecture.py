"""Derivations of the lecture's functions of numbers, in many ways to write them."""

from __future__ import annotations

import inspect
import re

from tests.programs.derivations.derivation import derivations
from tests.programs.lecture import PROGRAMS, staged_by_hand

#: The lecture's own listing, without its comments.
LECTURE = re.sub(r"\n? *#.*", "", inspect.getsource(staged_by_hand))
LECTURE = LECTURE.replace("staged_by_hand", "by_hand")

_LISTINGS = {
    "lecture": ("staged", LECTURE),
    "of a function in one line": ("in_one_line", LECTURE),
    "its own example values": (
        "staged",
        LECTURE.replace("(x, y):", "():\n    x = 3.0\n    y = -4.0"),
    ),
    "another order, fused lines": (
        "staged",
        """
        def by_hand(x, y):
            sigy = 1.0 / (1 + math.exp(-y))
            sigx = 1.0 / (1 + math.exp(-x))
            num = x + sigy
            den = sigx + (x + y) ** 2
            f = num / den
            dden = -num / den**2
            dx = 1 / den + dden * (sigx * (1 - sigx) + 2 * (x + y))
            dy = dden * 2 * (x + y)
            dy = dy + sigy * (1 - sigy) / den
            return dx, dy
        """,
    ),
    "paths added in pieces that are not the function's": (
        "staged",
        """
        def by_hand(x, y):
            den = 1.0 / (1 + math.exp(-x)) + x**2 + 2 * x * y + y**2
            num = x + 1.0 / (1 + math.exp(-y))
            dden = -num / den**2
            s = 1.0 / (1 + math.exp(-x))
            dx = 2 * x * dden
            dx += 2 * y * dden
            dx += s * dden
            dx -= s * s * dden
            dx += 1 / den
            dy = 2 * y * dden
            dy += 2 * x * dden
            s = 1.0 / (1 + math.exp(-y))
            dy += s * (1 - s) / den
        """,
    ),
    "other names, other parameters, gradients returned alone": (
        "staged",
        """
        def by_hand(a, b):
            p = 1.0 / (1 + math.exp(-b))
            top = a + p
            s = 1.0 / (1 + math.exp(-a))
            m = a + b
            bottom = s + m * m
            dtop = 1 / bottom
            dbottom = -top / bottom**2
            ds = dbottom
            dm = 2 * m * dbottom
            da = dm + s * (1 - s) * ds + dtop
            dp = dtop
            db = dm + p * (1 - p) * dp
            return [da, db]
        """,
    ),
    "a local gradient under a name of its own": (
        "staged",
        """
        def by_hand(x, y):
            sigy = 1.0 / (1 + math.exp(-y))
            num = x + sigy
            sigx = 1.0 / (1 + math.exp(-x))
            xpy = x + y
            den = sigx + xpy**2
            f = num / den
            dsigx = sigx * (1 - sigx)
            dxpy = 2 * xpy
            dden = -num / den**2
            dx = 1 / den + dden * dsigx + dden * dxpy
            dy = dden * dxpy + sigy * (1 - sigy) / den
        """,
    ),
    "a name that means something else": (
        "staged",
        """
        def by_hand(x, y):
            num = x + y
            den = 1.0 / (1 + math.exp(-x)) + num**2
            top = x + 1.0 / (1 + math.exp(-y))
            f = top / den
            dden = -top / den**2
            dnum = 2 * num * dden
            s, t = 1.0 / (1 + math.exp(-x)), 1.0 / (1 + math.exp(-y))
            dx = dnum + s * (1 - s) * dden + 1 / den
            dy = dnum + t * (1 - t) / den
            return f, dx, dy
        """,
    ),
    "derivatives called df/dx": (
        "circuit",
        """
        def by_hand(x, y, z):
            q = x + y
            f = q * z
            dfdz = q
            dfdq = z
            df_dx = 1.0 * dfdq
            grad_y = 1.0 * dfdq
        """,
    ),
    "equal contributions": (
        "square",
        """
        def by_hand(x):
            y = x + x
            dy = x
            dx = y
            dx += dy
            dx += dy
        """,
    ),
    "a statement over several lines": (
        "circuit",
        """
        def by_hand(x, y, z):
            q = (
                x
                + y
            )
            f = q * z
            dq = (
                1.0
                * z
            )
            dx, dy, dz = (
                dq,
                dq,
                q,
            )
            return f, (
                dx,
                dy,
                dz,
            )
        """,
    ),
    "circuit": (
        "circuit",
        """
        def by_hand(a, b, c):
            s = a + b
            out = s * c
            dout = 1.0
            ds = c * dout
            dc = s * dout
            da = ds
            db = ds
            return out, da, db, dc
        """,
    ),
    "neuron in lists": (
        "neuron_in_two_lines",
        """
        def by_hand(w0, x0, w1, x1, w2):
            dot = w0*x0 + w1*x1 + w2
            f = 1.0 / (1 + math.exp(-dot))
            ddot = (1 - f) * f
            dx = [w0 * ddot, w1 * ddot]
            dw = [x0 * ddot, x1 * ddot, 1.0 * ddot]
            return f, (dw[0], dx[0], dw[1], dx[1], dw[2])
        """,
    ),
}

DERIVATIONS = derivations(PROGRAMS, _LISTINGS)
