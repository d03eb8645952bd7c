"""Fourier transforms of NumPy and SciPy, in every spelling."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
from scipy.fft import dct, idctn

import chainrule as cr
from tests.programs.functions import check_function, drawn

X, M, T = drawn(6), drawn(4, 5), drawn(2, 3, 4)


def turned(a):
    return a + 0.3j * np.flip(a, -1)


BUFFER = np.zeros(6, complex)


def of(library, name, *options, **named):
    function = getattr(library, name)
    return lambda x: function(x, *options, **named)


NORMS = (None, "ortho", "forward")
CASES = {
    **{
        f"{library.__name__}.{name}{n}{norm}": (
            of(library, name, n, norm=norm),
            X,
        )
        for library in (np.fft, scipy.fft)
        for name in ("fft", "ifft", "irfft", "hfft")
        for n, norm in ((None, None), (8, "ortho"), (5, "forward"))
    },
    **{
        f"{library.__name__}.{name}{n}{norm}": (
            of(library, name, n, 0, norm),
            M,
        )
        for library in (np.fft, scipy.fft)
        for name in ("rfft", "ihfft")
        for n, norm in ((None, None), (7, "ortho"), (3, "forward"))
    },
    "fft2": (lambda x: np.fft.fft2(x), T),
    "ifft2": (lambda x: np.fft.ifft2(turned(x), s=(2, 5), axes=(0, -1), norm="ortho"), M),
    "fftn": (lambda x: np.fft.fftn(x), T),
    "fftn_lengths": (lambda x: scipy.fft.fftn(x, s=(4, 2), norm="forward"), T),
    "ifftn": (lambda x: np.fft.ifftn(x, axes=(2, 0)), T),
    "rfft2": (lambda x: np.fft.rfft2(x), T),
    "rfftn": (lambda x: np.fft.rfftn(x, axes=(0, 1)), T),
    "irfft2": (lambda x: np.fft.irfft2(turned(x), s=(3, 5), axes=(-2, -1)), M),
    "irfftn": (lambda x: np.fft.irfftn(turned(x), norm="ortho"), T),
    "there_and_back": (lambda x: np.fft.irfft(np.abs(np.fft.rfft(x)) ** 2), X),
    "hfftn": (lambda x: scipy.fft.hfftn(turned(x)), M),
    "ihfft2": (lambda x: scipy.fft.ihfft2(x), M),
    "fftshift": (lambda x: np.fft.fftshift(x), M),
    "ifftshift": (lambda x: np.fft.ifftshift(x, axes=1), M),
    "scipy_fftshift": (lambda x: scipy.fft.fftshift(x, axes=(0,)), M),
    **{
        f"{name}{type}{norm}": (
            of(scipy.fft, name, type, norm=norm),
            M,
        )
        for name in ("dct", "idct", "dst", "idst")
        for type in (1, 2, 3, 4)
        for norm in NORMS
    },
    "dct_length": (lambda x: dct(x, n=3, axis=0), M),
    "dst_length": (lambda x: scipy.fft.dst(x, 1, n=7, orthogonalize=True), M),
    "idct_orthogonalize": (lambda x: scipy.fft.idct(x, 2, norm="ortho", orthogonalize=False), M),
    "dctn": (lambda x: scipy.fft.dctn(x, norm="ortho"), T),
    "idctn": (lambda x: idctn(x, 3, s=(2, 6), axes=(0, 2)), T),
    "dstn": (lambda x: scipy.fft.dstn(turned(x), axes=1), T),
}


@pytest.mark.parametrize("name", CASES)
def test_value_and_derivatives(name):
    f, *args = CASES[name]
    check_function(f, tuple(args))


def test_a_transform_of_lists_and_keywords():
    g = cr.grad(lambda x: np.real(scipy.fft.fft(x=x, n=3, overwrite_x=True)[1]))(np.ones(4))
    np.testing.assert_allclose(g, [1, -0.5, -0.5, 0])


def test_complex_numbers_of_which_scipy_forgets_an_option():
    z = M + 1j
    found = scipy.fft.dct(z, orthogonalize=True).real
    if np.allclose(found, scipy.fft.dct(M, orthogonalize=True)):
        pytest.skip("SciPy has been mended: chainrule need not refuse them any longer")
    with pytest.raises(cr.errors.UnsupportedError, match="orthogonalize="):
        cr.grad(lambda x: np.sum(scipy.fft.dct(x * 1j, orthogonalize=True).imag))(M)


def test_bad_options_are_told_as_numpy_tells_them():
    with pytest.raises(ValueError, match="norm"):
        cr.grad(lambda x: np.sum(np.fft.irfft(x, norm="orto")))(X)
    with pytest.raises(ValueError, match="different lengths"):
        cr.grad(lambda x: np.sum(np.fft.irfft2(x, s=(1, 2, 3))))(M)
    with pytest.raises(cr.errors.GradientLostError, match="out="):
        cr.grad(lambda x: np.sum(np.abs(np.fft.fft(x, out=BUFFER))))(X)
