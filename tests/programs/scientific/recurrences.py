"""Recurrences and dynamic programming: each entry of a table from earlier ones."""

from __future__ import annotations

import numpy as np


def smooth_image(alpha, img_in):
    """Deriche's recursive filter, there and back, along both axes."""
    k = (
        (1.0 - np.exp(-alpha))
        * (1.0 - np.exp(-alpha))
        / (1.0 + alpha * np.exp(-alpha) - np.exp(2.0 * alpha))
    )
    a1 = a5 = k
    a2 = a6 = k * np.exp(-alpha) * (alpha - 1.0)
    a3 = a7 = k * np.exp(-alpha) * (alpha + 1.0)
    a4 = a8 = -k * np.exp(-2.0 * alpha)
    b1 = 2.0 ** (-alpha)
    b2 = -np.exp(-2.0 * alpha)
    c1 = c2 = 1

    y1 = np.empty_like(img_in)
    y1[:, 0] = a1 * img_in[:, 0]
    y1[:, 1] = a1 * img_in[:, 1] + a2 * img_in[:, 0] + b1 * y1[:, 0]
    for j in range(2, img_in.shape[1]):
        y1[:, j] = a1 * img_in[:, j] + a2 * img_in[:, j - 1] + b1 * y1[:, j - 1] + b2 * y1[:, j - 2]

    y2 = np.empty_like(img_in)
    y2[:, -1] = 0.0
    y2[:, -2] = a3 * img_in[:, -1]
    for j in range(img_in.shape[1] - 3, -1, -1):
        y2[:, j] = (
            a3 * img_in[:, j + 1] + a4 * img_in[:, j + 2] + b1 * y2[:, j + 1] + b2 * y2[:, j + 2]
        )
    img_out = c1 * (y1 + y2)
    y1[0, :] = a5 * img_out[0, :]
    y1[1, :] = a5 * img_out[1, :] + a6 * img_out[0, :] + b1 * y1[0, :]
    for i in range(2, img_in.shape[0]):
        y1[i, :] = (
            a5 * img_out[i, :] + a6 * img_out[i - 1, :] + b1 * y1[i - 1, :] + b2 * y1[i - 2, :]
        )
    y2[-1, :] = 0.0
    y2[-2, :] = a7 * img_out[-1, :]
    for i in range(img_in.shape[0] - 3, -1, -1):
        y2[i, :] = (
            a7 * img_out[i + 1, :] + a8 * img_out[i + 2, :] + b1 * y2[i + 1, :] + b2 * y2[i + 2, :]
        )
    img_out[:] = c2 * (y1 + y2)
    return img_out


def shortest_paths(path):
    for k in range(path.shape[0]):
        path[:] = np.minimum(path[:], np.add.outer(path[:, k], path[k, :]))


def shortest_paths_by_rows(path):
    for k in range(path.shape[0]):
        for i in range(path.shape[0]):
            path[i, :] = np.minimum(path[i, :], path[i, k] + path[k, :])


def _pairs(b1, b2):
    return 1 if b1 + b2 == 3 else 0


def folding(N, seq, bonus, score):
    """Pair bases of a strand so that the score is largest; a pair's score depends on its place."""
    table = np.zeros((N, N), bonus.dtype)
    for i in range(N - 1, -1, -1):
        for j in range(i + 1, N):
            if j - 1 >= 0:
                table[i, j] = np.maximum(table[i, j], table[i, j - 1])
            if i + 1 < N:
                table[i, j] = np.maximum(table[i, j], table[i + 1, j])
            if j - 1 >= 0 and i + 1 < N:
                if i < j - 1:
                    table[i, j] = np.maximum(
                        table[i, j],
                        table[i + 1, j - 1] + _pairs(seq[i], seq[j]) * bonus[i] * score,
                    )
                else:
                    table[i, j] = np.maximum(table[i, j], table[i + 1, j - 1])
            for k in range(i + 1, j):
                table[i, j] = np.maximum(table[i, j], table[i, k] + table[k + 1, j])
    return table


def time_warping(x, y):
    D = np.full((len(x) + 1, len(y) + 1), np.inf)
    D[0, 0] = 0.0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            cost = (x[i - 1] - y[j - 1]) ** 2
            D[i, j] = cost + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return D[-1, -1]


def likelihood(start, transition, emission, observed):
    """The forward algorithm of a hidden Markov model, with logarithms of its scales."""
    alpha = np.zeros((len(observed), len(start)))
    scales = np.zeros(len(observed))
    alpha[0] = start * emission[:, observed[0]]
    scales[0] = alpha[0].sum()
    alpha[0] /= scales[0]
    for t in range(1, len(observed)):
        alpha[t] = alpha[t - 1] @ transition * emission[:, observed[t]]
        scales[t] = np.sum(alpha[t])
        alpha[t] /= scales[t]
    return np.log(scales).sum()


def kalman(x, P, observations, F=0.9, Q=0.1, R=0.4):
    track = []
    gains = {}
    for t, z in enumerate(observations):
        x, P = F * x, F * P * F + Q
        K = P / (P + R)
        x = x + K * (z - x)
        P *= 1 - K
        track.append(x)
        gains[t] = K
    return np.stack(track), gains


def option_price(spot, strike, rate, volatility, steps):
    """A binomial tree, walked back into the same array."""
    dt = 1.0 / steps
    up = np.exp(volatility * np.sqrt(dt))
    down = 1 / up
    p = (np.exp(rate * dt) - down) / (up - down)
    values = np.empty(steps + 1)
    for i in range(steps + 1):
        values[i] = max(strike - spot * up**i * down ** (steps - i), 0.0)
    for n in range(steps, 0, -1):
        values[:n] = np.exp(-rate * dt) * (p * values[1 : n + 1] + (1 - p) * values[:n])
        exercise = strike - spot * up ** np.arange(n) * down ** (n - 1 - np.arange(n))
        np.maximum(values[:n], exercise, out=values[:n])
    return values[0]


def logistic_map(x, r, n):
    history = np.zeros(n)
    for i in range(n):
        x = r * x * (1 - x)
        history[i] = x
    return history


def runge_kutta(y, dt, steps, mu=1.2):
    def rhs(state):
        out = np.empty_like(state)
        out[0] = state[1]
        out[1] = mu * (1 - state[0] ** 2) * state[1] - state[0]
        return out

    states = np.zeros((steps + 1, y.size))
    states[0] = y
    for n in range(steps):
        k1 = rhs(states[n])
        k2 = rhs(states[n] + dt / 2 * k1)
        k3 = rhs(states[n] + dt / 2 * k2)
        k4 = rhs(states[n] + dt * k3)
        states[n + 1] = states[n] + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return states


def bubble_sort(a):
    """Entries are swapped where Python compares them."""
    a = a.copy()
    for i in range(len(a)):
        for j in range(len(a) - 1 - i):
            if a[j] > a[j + 1]:
                a[j], a[j + 1] = a[j + 1], a[j]
    return np.cumsum(a)


def long_memory(x, gates):
    """A recurrent network whose state is kept in views of one buffer."""
    buffer = np.zeros(4)
    h, c = buffer[:2], buffer[2:]
    out = np.empty((len(x), 2))
    for t in range(len(x)):
        z = np.concatenate((h, x[t])) @ gates
        f, i, g = 1 / (1 + np.exp(-z[:2])), 1 / (1 + np.exp(-z[2:4])), np.tanh(z[4:])
        c[:] = f * c + i * g
        h[...] = np.tanh(c)
        out[t] = buffer[:2]
    return out, buffer
