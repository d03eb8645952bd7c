"""Complex numbers between real inputs and outputs: transforms, contours, fractals, scattering."""

from __future__ import annotations

import numpy as np


def stockham_fft(N, R, K, x, y):
    """A transform of x, stage by stage, into y."""
    i_coord, j_coord = np.mgrid[0:R, 0:R]
    dft_mat = np.empty((R, R), dtype=np.complex128)
    dft_mat = np.exp(-2.0j * np.pi * i_coord * j_coord / R)
    y[:] = x[:]
    ii_coord, jj_coord = np.mgrid[0:R, 0 : R**K]
    for i in range(K):
        yv = np.reshape(y, (R**i, R, R ** (K - i - 1)))
        tmp_perm = np.transpose(yv, axes=(1, 0, 2))
        D = np.empty((R, R**i, R ** (K - i - 1)), dtype=np.complex128)
        tmp = np.exp(-2.0j * np.pi * ii_coord[:, : R**i] * jj_coord[:, : R**i] / R ** (i + 1))
        D[:] = np.repeat(np.reshape(tmp, (R, R**i, 1)), R ** (K - i - 1), axis=2)
        tmp_twid = np.reshape(tmp_perm, (N,)) * np.reshape(D, (N,))
        y[:] = np.reshape(dft_mat @ np.reshape(tmp_twid, (R, R ** (K - 1))), (N,))


def fourier(re, im, R, K):
    N = R**K
    x = re + 1j * im
    y = np.empty(N, dtype=np.complex128)
    stockham_fft(N, R, K, x, y)
    return y


def contour(NR, NM, slab_per_bc, Ham, int_pts, Y):
    """Sum solutions of linear systems over the points of a contour."""
    P0 = np.zeros((NR, NM), dtype=np.complex128)
    P1 = np.zeros((NR, NM), dtype=np.complex128)
    for z in int_pts:
        Tz = np.zeros((NR, NR), dtype=np.complex128)
        for n in range(slab_per_bc + 1):
            zz = np.power(z, slab_per_bc / 2 - n)
            Tz += zz * Ham[n]
        if NR == NM:
            X = np.linalg.inv(Tz)
        else:
            X = np.linalg.solve(Tz, Y)
        if abs(z) < 1.0:
            X = -X
        P0 += X
        P1 += z * X
    return P0, P1


def contour_of_reals(NR, NM, slab_per_bc, H_re, H_im, angles, Y_re):
    return contour(
        NR, NM, slab_per_bc, H_re + 1j * H_im, 0.8 * np.exp(1j * angles), Y_re.astype(complex)
    )


def self_energies(neigh_idx, dH, G, D, Sigma):
    """Scattering: products of small matrices, at shifted energies and momenta, are added up."""
    for k in range(G.shape[0]):
        for E in range(G.shape[1]):
            for q in range(D.shape[0]):
                for w in range(D.shape[1]):
                    for i in range(D.shape[-2]):
                        for j in range(D.shape[-1]):
                            for a in range(neigh_idx.shape[0]):
                                for b in range(neigh_idx.shape[1]):
                                    if E - w >= 0:
                                        dHG = G[k, E - w, neigh_idx[a, b]] @ dH[a, b, i]
                                        dHD = dH[a, b, j] * D[q, w, a, b, i, j]
                                        Sigma[k, E, a] += dHG @ dHD


def self_energies_of_reals(neigh_idx, dH, G, D):
    Sigma = np.zeros(G.shape, dtype=np.complex128)
    self_energies(neigh_idx, dH * (1 + 0.2j), G + 0.5j * G**2, D * (0.3 - 1j), Sigma)
    return Sigma


def escape_times(xmin, xmax, ymin, ymax, xn, yn, maxiter, horizon=2.0):
    """The last iterates before they escape, and the (integer) times at which they do."""
    X = np.linspace(xmin, xmax, xn, dtype=np.float64)
    Y = np.linspace(ymin, ymax, yn, dtype=np.float64)
    C = X + Y[:, None] * 1j
    N = np.zeros(C.shape, dtype=np.int64)
    Z = np.zeros(C.shape, dtype=np.complex128)
    for n in range(maxiter):
        I = np.less(abs(Z), horizon)
        N[I] = n
        Z[I] = Z[I] ** 2 + C[I]
    N[maxiter - 1 == N] = 0
    return Z, N


def escape_of_the_rest(xmin, xmax, ymin, ymax, xn, yn, itermax, horizon=2.0):
    """The same, with arrays of those that are left, which become shorter."""
    Xi, Yi = np.mgrid[0:xn, 0:yn]
    X = np.linspace(xmin, xmax, xn, dtype=np.float64)[Xi]
    Y = np.linspace(ymin, ymax, yn, dtype=np.float64)[Yi]
    C = X + Y * 1j
    N_ = np.zeros(C.shape, dtype=np.int64)
    Z_ = np.zeros(C.shape, dtype=np.complex128)
    Xi.shape = Yi.shape = C.shape = xn * yn
    Z = np.zeros(C.shape, np.complex128)
    for i in range(itermax):
        if not len(Z):
            break
        np.multiply(Z, Z, Z)
        np.add(Z, C, Z)
        I = abs(Z) > horizon
        N_[Xi[I], Yi[I]] = i + 1
        Z_[Xi[I], Yi[I]] = Z[I]
        np.logical_not(I, I)
        Z = Z[I]
        Xi, Yi = Xi[I], Yi[I]
        C = C[I]
    return Z_.T, N_.T


def split_step(psi_re, psi_im, potential, dt, steps):
    """Schroedinger's equation: half a turn in space, one in momentum, half in space."""
    psi = psi_re + 1j * psi_im
    k = 2 * np.pi * np.fft.fftfreq(psi.size)
    for _ in range(steps):
        psi *= np.exp(-0.5j * dt * potential)
        psi = np.fft.ifft(np.exp(-0.5j * dt * k**2) * np.fft.fft(psi))
        psi *= np.exp(-0.5j * dt * potential)
    return np.abs(psi) ** 2


def spectrum(signal, window):
    """Power of overlapping windows."""
    n = window.size
    out = np.zeros(n)
    count = 0
    for start in range(0, signal.size - n + 1, n // 2):
        part = np.fft.fft(signal[start : start + n] * window)
        out += part.real**2 + part.imag**2
        count += 1
    out /= count
    return 10 * np.log10(out)
