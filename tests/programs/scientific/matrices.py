"""Products of matrices and vectors, and factorisations, written into their arguments."""

from __future__ import annotations

import numpy as np

# Products.


def gemm(alpha, beta, C, A, B):
    C[:] = alpha * A @ B + beta * C


def two_products(alpha, beta, A, B, C, D):
    D[:] = alpha * A @ B @ C + beta * D


def three_products(A, B, C, D):
    return A @ B @ C @ D


def normal_product(A, x):
    return (A @ x) @ A


def both_sides(A, p, r):
    return r @ A, A @ p


def two_vectors(x1, x2, y_1, y_2, A):
    x1 += A @ y_1
    x2 += y_2 @ A


def rank_two(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    A += np.outer(u1, v1) + np.outer(u2, v2)
    x += beta * y @ A + z
    w += alpha * A @ x


def summed_products(alpha, beta, A, B, x):
    return alpha * A @ x + beta * B @ x


def into_a_buffer(NR, NQ, NP, A, C4):
    for r in range(NR):
        for q in range(NQ):
            total = np.empty(NP, dtype=A.dtype)
            np.dot(A[r, q, :], C4, out=total)
            A[r, q, :] = total


def all_at_once(NR, NQ, NP, A, C4):
    A[:] = np.reshape(np.reshape(A, (NR, NQ, 1, NP)) @ C4, (NR, NQ, NP))


def symmetric_product(alpha, beta, C, A, B):
    temp2 = np.empty((C.shape[1],), dtype=C.dtype)
    C *= beta
    for i in range(C.shape[0]):
        for j in range(C.shape[1]):
            C[:i, j] += alpha * B[i, j] * A[i, :i]
            temp2[j] = B[:i, j] @ A[i, :i]
        C[i, :] += alpha * B[i, :] * A[i, i] + alpha * temp2


def rank_k(alpha, beta, C, A):
    for i in range(A.shape[0]):
        C[i, : i + 1] *= beta
        for k in range(A.shape[1]):
            C[i, : i + 1] += alpha * A[i, k] * A[: i + 1, k]


def rank_2k(alpha, beta, C, A, B):
    for i in range(A.shape[0]):
        C[i, : i + 1] *= beta
        for k in range(A.shape[1]):
            C[i, : i + 1] += A[: i + 1, k] * alpha * B[i, k] + B[: i + 1, k] * alpha * A[i, k]


def triangular_product(alpha, A, B):
    for i in range(B.shape[0]):
        for j in range(B.shape[1]):
            B[i, j] += np.dot(A[i + 1 :, i], B[i + 1 :, j])
    B *= alpha


# Factorisations and solutions.


def cholesky(A):
    A[0, 0] = np.sqrt(A[0, 0])
    for i in range(1, A.shape[0]):
        for j in range(i):
            A[i, j] -= np.dot(A[i, :j], A[j, :j])
            A[i, j] /= A[j, j]
        A[i, i] -= np.dot(A[i, :i], A[i, :i])
        A[i, i] = np.sqrt(A[i, i])


def cholesky_of_numpy(A):
    A[:] = np.linalg.cholesky(A) + np.triu(A, k=1)


def lu(A):
    for i in range(A.shape[0]):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, A.shape[0]):
            A[i, j] -= A[i, :i] @ A[:i, j]


def lu_solve(A, b):
    x = np.zeros_like(b)
    y = np.zeros_like(b)
    for i in range(A.shape[0]):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, A.shape[0]):
            A[i, j] -= A[i, :i] @ A[:i, j]
    for i in range(A.shape[0]):
        y[i] = b[i] - A[i, :i] @ y[:i]
    for i in range(A.shape[0] - 1, -1, -1):
        x[i] = (y[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return x, y


def substitution(L, x, b):
    for i in range(x.shape[0]):
        x[i] = (b[i] - L[i, :i] @ x[:i]) / L[i, i]


def gram_schmidt(A):
    Q = np.zeros_like(A)
    R = np.zeros((A.shape[1], A.shape[1]), dtype=A.dtype)
    for k in range(A.shape[1]):
        nrm = np.dot(A[:, k], A[:, k])
        R[k, k] = np.sqrt(nrm)
        Q[:, k] = A[:, k] / R[k, k]
        for j in range(k + 1, A.shape[1]):
            R[k, j] = np.dot(Q[:, k], A[:, j])
            A[:, j] -= Q[:, k] * R[k, j]
    return Q, R


def toeplitz_solve(r):
    """Durbin's recursion."""
    y = np.empty_like(r)
    alpha = -r[0]
    beta = 1.0
    y[0] = -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return y


def tridiagonal(low, mid, up, rhs):
    """Thomas' algorithm with lists of the caller's entries, and copies that are overwritten."""
    n = len(rhs)
    c, d = np.copy(up), np.array(rhs, copy=True)
    c[0] /= mid[0]
    d[0] /= mid[0]
    for i in range(1, n):
        m = mid[i] - low[i - 1] * c[i - 1]
        if i < n - 1:
            c[i] /= m
        d[i] = (d[i] - low[i - 1] * d[i - 1]) / m
    for i in reversed(range(n - 1)):
        d[i] -= c[i] * d[i + 1]
    return d


def pivoted_solve(A, b):
    """Gauss, with rows that are swapped."""
    A, b = A.copy(), b.copy()
    n = A.shape[0]
    for k in range(n):
        p = k + np.argmax(np.abs(A[k:, k]))
        if p != k:
            A[[k, p]] = A[[p, k]]
            b[k], b[p] = b[p], b[k]
        for i in range(k + 1, n):
            factor = A[i, k] / A[k, k]
            A[i, k:] -= factor * A[k, k:]
            b[i] -= factor * b[k]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return x


def householder(A):
    """A QR factorisation that reflects views of what it overwrites."""
    R = A.astype(np.float64)
    m, n = R.shape
    Q = np.eye(m)
    for k in range(n):
        column = R[k:, k]
        w = column.copy()
        w[0] += np.copysign(np.linalg.norm(column), column[0])
        w /= np.sqrt(np.add.reduce(w * w))
        block = R[k:, k:]
        block -= 2 * np.outer(w, w @ block)
        Q[:, k:] -= 2 * np.outer(Q[:, k:] @ w, w)
    return Q, R


def conjugate_gradients(A, b, tolerance=1e-3, limit=None):
    x = np.zeros_like(b)
    r = b - A @ x
    p = r.copy()
    rr = r @ r
    limit = limit or len(b)
    for _ in range(limit):
        Ap = A @ p
        alpha = rr / (p @ Ap)
        x += alpha * p
        r -= alpha * Ap
        new = r @ r
        if np.sqrt(new) < tolerance:
            break
        p *= new / rr
        p += r
        rr = new
    return x


def power_iteration(A, v, steps):
    for _ in range(steps):
        np.matmul(A, v, out=v)
        np.divide(v, np.linalg.norm(v), out=v)
    return v @ A @ v, v
