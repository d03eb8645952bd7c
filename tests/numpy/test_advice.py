"""What errors at the boundary say to write instead is right: it gives the value and a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate

import chainrule as cr
from chainrule.errors import UnsupportedError


def test_an_integral() -> None:
    def integral(p: Any) -> Any:
        t, w = np.polynomial.legendre.leggauss(50)
        return 0.5 * np.sum(w * np.sin(p * 0.5 * (t + 1)))

    with pytest.raises(UnsupportedError, match="leggauss"):
        cr.grad(lambda p: scipy.integrate.qmc_quad(lambda t: np.sin(p * t), 0, 1).integral)(2.0)
    np.testing.assert_allclose(integral(2.0), (1 - np.cos(2.0)) / 2)
    assert cr.check_gradient(integral, 2.0)
