"""Sums that go into places: bins, rows of sparse matrices, statistics, particles."""

from __future__ import annotations

import numpy as np


def mean_by_bins(data, radius, npt):
    """Average what lies in each ring, by masks."""
    rmax = radius.max()
    res = np.zeros(npt, dtype=np.float64)
    for i in range(npt):
        r1 = rmax * i / npt
        r2 = rmax * (i + 1) / npt
        mask_r12 = np.logical_and((r1 <= radius), (radius < r2))
        values_r12 = data[mask_r12]
        res[i] = values_r12.mean()
    return res


def mean_by_histograms(data, radius, npt):
    histu = np.histogram(radius, npt)[0]
    histw = np.histogram(radius, npt, weights=data)[0]
    return histw / histu


def sparse_product(A_row, A_col, A_val, x):
    y = np.empty(A_row.size - 1, A_val.dtype)
    for i in range(A_row.size - 1):
        cols = A_col[A_row[i] : A_row[i + 1]]
        vals = A_val[A_row[i] : A_row[i + 1]]
        y[i] = vals @ x[cols]
    return y


def assemble(nodes, coordinates, stiffness):
    """Add the elements of a bar into one matrix."""
    n = coordinates.shape[0]
    K = np.zeros((n, n))
    for e, (i, j) in enumerate(nodes):
        length = abs(coordinates[j] - coordinates[i])
        k = stiffness[e] / length
        K[np.ix_([i, j], [i, j])] += k * np.array([[1, -1], [-1, 1]])
    load = np.ones(n - 1)
    return np.linalg.solve(K[1:, 1:], load)


def deposit(positions, charges, cells):
    """Give each particle's charge to the two cells beside it."""
    density = np.zeros(cells)
    left = np.floor(positions).astype(int)
    part = positions - left
    np.add.at(density, left % cells, charges * (1 - part))
    np.add.at(density, (left + 1) % cells, charges * part)
    return density


def segments(values, labels, count):
    total = np.zeros((count,) + values.shape[1:], dtype=values.dtype)
    largest = np.full((count,) + values.shape[1:], -np.inf)
    for k in range(len(values)):
        total[labels[k]] += values[k]
        largest[labels[k]] = np.maximum(largest[labels[k]], values[k])
    return total, largest


def correlation(M, float_n, data):
    mean = np.mean(data, axis=0)
    stddev = np.std(data, axis=0)
    stddev[stddev <= 0.1] = 1.0
    data -= mean
    data /= np.sqrt(float_n) * stddev
    corr = np.eye(M, dtype=data.dtype)
    for i in range(M - 1):
        corr[i + 1 : M, i] = corr[i, i + 1 : M] = data[:, i] @ data[:, i + 1 : M]
    return corr


def covariance(M, float_n, data):
    mean = np.mean(data, axis=0)
    data -= mean
    cov = np.zeros((M, M), dtype=data.dtype)
    for i in range(M):
        cov[i:M, i] = cov[i, i:M] = data[:, i] @ data[:, i:M] / (float_n - 1.0)
    return cov


def covariance_by_product(M, float_n, data):
    mean = np.mean(data, axis=0)
    np.subtract(data, mean, out=data)
    cov = np.zeros((M, M), dtype=data.dtype)
    cov[:] = data.T @ data / (float_n - 1.0)
    return cov


def _accelerations(pos, mass, G, softening):
    x = pos[:, 0:1]
    y = pos[:, 1:2]
    z = pos[:, 2:3]
    dx = x.T - x
    dy = y.T - y
    dz = z.T - z
    inv_r3 = dx**2 + dy**2 + dz**2 + softening**2
    inv_r3[inv_r3 > 0] = inv_r3[inv_r3 > 0] ** (-1.5)
    ax = G * (dx * inv_r3) @ mass
    ay = G * (dy * inv_r3) @ mass
    az = G * (dz * inv_r3) @ mass
    return np.hstack((ax, ay, az))


def _energies(pos, vel, mass, G):
    KE = 0.5 * np.sum(mass * vel**2)
    x = pos[:, 0:1]
    y = pos[:, 1:2]
    z = pos[:, 2:3]
    dx = x.T - x
    dy = y.T - y
    dz = z.T - z
    inv_r = np.sqrt(dx**2 + dy**2 + dz**2)
    inv_r[inv_r > 0] = 1.0 / inv_r[inv_r > 0]
    PE = G * np.sum(np.sum(np.triu(-(mass * mass.T) * inv_r, 1)))
    return KE, PE


def bodies(mass, pos, vel, N, Nt, dt, G, softening):
    """Kick and drift; energies are noted on the way."""
    vel -= np.mean(mass * vel, axis=0) / np.mean(mass)
    acc = _accelerations(pos, mass, G, softening)
    KE = np.ndarray(Nt + 1, dtype=np.float64)
    PE = np.ndarray(Nt + 1, dtype=np.float64)
    KE[0], PE[0] = _energies(pos, vel, mass, G)
    t = 0.0
    for i in range(Nt):
        vel += acc * dt / 2.0
        pos += vel * dt
        acc[:] = _accelerations(pos, mass, G, softening)
        vel += acc * dt / 2.0
        t += dt
        KE[i + 1], PE[i + 1] = _energies(pos, vel, mass, G)
    return KE, PE


def pair_forces(positions, strength=np.float64(0.7)):
    """Newton's third law, pair by pair, in a list of arrays."""
    n = len(positions)
    forces = [np.zeros(2) for _ in range(n)]
    energy = 0.0
    for i in range(n):
        for j in range(i):
            r = positions[i] - positions[j]
            d2 = np.sum(r * r)
            energy += strength / np.sqrt(d2)
            f = strength * r / d2**1.5
            forces[i] += f
            forces[j] -= f
    return np.array(forces), energy


def arc_distance(theta_1, phi_1, theta_2, phi_2):
    temp = (
        np.sin((theta_2 - theta_1) / 2) ** 2
        + np.cos(theta_1) * np.cos(theta_2) * np.sin((phi_2 - phi_1) / 2) ** 2
    )
    distance_matrix = 2 * (np.arctan2(np.sqrt(temp), np.sqrt(1 - temp)))
    return distance_matrix


def trace_of_tanh(a):
    trace = 0.0
    for i in range(a.shape[0]):
        trace += np.tanh(a[i, i])
    return a + trace
