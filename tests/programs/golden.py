"""Programs as people write them, each with an example: what staged code is tested on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit, ndtr

import chainrule as cr
from tests.programs import Program

RANDOM = np.random.default_rng(0)


PROGRAMS: dict[str, Program] = {}


def normal(*shape: int) -> np.ndarray:
    return np.round(RANDOM.normal(size=shape), 3)


def example(*args: Any, name: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS[name or function.__name__] = Program(function, args)
        return function

    return enter


# Numbers.


@example(3.0, -4.0, name="lecture")
def f(x, y):
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    f = num * invden
    return f


@example(2.0, 3.0)
def fork(x, y):
    a = x * y
    b = a + x
    c = a * b
    return c / y


@example(2.0, 3.0)
def tuple_assignment(x, y):
    a, b = x * y, x + y
    a, b = b, a
    x = a * b
    return x - math.log(b)


@example(2.0)
def reused_names(x):
    h = math.sin(x)
    h = h * h
    h = h + x
    return h


@example(1.5)
def branch(x):
    if x > 0:
        y = math.sin(x)
    else:
        y = x**2
    return y * x


@example(0.25)
def early_return(x):
    if x > 1:
        return x
    y = np.sqrt(x)
    return y * x


@example(5.0)
def newton(a):
    x = a
    while abs(x * x - a) > 1e-6:
        x = 0.5 * (x + a / x)
    return x


@example(2.0)
def walrus(x):
    return (y := x * x) + math.exp(y)


@example(2.0)
def comprehension(x):
    return sum([x**k / (k + 1) for k in range(4)])


@example(0.3, 0.7)
def one_long_line(a, b):
    return (a * math.sin(b) + b * math.cos(a)) * math.exp(-a * b) / (1 + a**2) + math.log(1 + b**2)


def _closure(rate):
    def decayed(x, t):
        return x * math.exp(-rate * t)

    return decayed


example(2.0, 0.5, name="closure")(_closure(0.1))
example(1.0, 2.0, name="lambda")(lambda x, y: x * np.exp(-y))


def _typed_at_the_prompt():
    names = {"math": math}
    exec("def prompt(x):\n    y = math.tanh(x)\n    return y * y\n", names)
    return names["prompt"]


example(0.5, name="prompt")(_typed_at_the_prompt())

# Vectors and matrices.


def sigmoid(h):
    return 1 / (1 + np.exp(-h))


_NETWORK = (normal(4, 3), normal(3, 5), normal(5), normal(5, 2), normal(2), normal(4, 2))


@example(*_NETWORK)
def network(x, W1, b1, W2, b2, y):
    h1 = x @ W1 + b1
    z1 = sigmoid(h1)
    z2 = z1 @ W2 + b2
    loss = np.sum((z2 - y) ** 2)
    return loss


@example(*_NETWORK)
def network_inline(x, W1, b1, W2, b2, y):
    h1 = x @ W1 + b1
    z1 = 1 / (1 + np.exp(-h1))
    z2 = z1 @ W2 + b2
    return np.mean((z2 - y) ** 2)


@example(*_NETWORK)
def network_expit(x, W1, b1, W2, b2, y):
    h1 = x @ W1 + b1
    z1 = expit(h1)
    z2 = z1 @ W2 + b2
    loss = np.sum((z2 - y) ** 2)
    return loss


_WEIGHTS = {"W1": normal(3, 4), "b1": normal(4), "W2": normal(4, 2), "b2": normal(2)}


@example(_WEIGHTS, normal(5, 3), normal(5, 2))
def dict_of_weights(params, x, y):
    h = np.maximum(x @ params["W1"] + params["b1"], 0)
    p = h @ params["W2"] + params["b2"]
    return np.mean((p - y) ** 2)


@dataclasses.dataclass
class Line:
    slope: float
    offset: float


@example(Line(2.0, 1.0), normal(3), normal(3))
def dataclass_of_numbers(line, x, y):
    return np.sum((line.slope * x + line.offset - y) ** 2)


@example([normal(2), normal(3)], (1.0, 2.0))
def list_and_tuple(ws, ab):
    a, b = ab
    return a * ws[0].sum() + b * np.prod(ws[1])


@example(normal(4, 3), np.array([0, 2, 1, 1]))
def cross_entropy(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -logp[np.arange(4), labels].mean()


@example(normal(4, 3), np.array([0, 2, 1, 1]))
def one_hot(logits, labels):
    y = np.eye(3)[labels]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.sum(y * np.log(p))


@example(normal(4, 3), normal(3), normal(3))
def layer_norm(x, gamma, beta):
    mu = x.mean(axis=1, keepdims=True)
    xc = x - mu
    var = (xc**2).mean(axis=1, keepdims=True)
    std = np.sqrt(var + 1e-5)
    xhat = xc / std
    out = gamma * xhat + beta
    return np.sum(out**2)


@example(normal(8), normal(3))
def convolution(x, k):
    n = len(x) - len(k) + 1
    y = 0
    for i in range(len(k)):
        y = y + k[i] * x[i : i + n]
    return np.sum(y**2)


@example(0.5, normal(3))
def loop(a, x):
    h = x
    for _ in range(3):
        h = np.tanh(a * h + x)
    return h @ h


@example(normal(6))
def differences(x):
    d = x[1:] - x[:-1]
    return (d * d).sum()


@example(np.array([1.0, 0.25, 4.0, 0.0]))
def guarded_root(x):
    safe = np.where(x > 0, np.sqrt(x), 0.0)
    return safe.sum()


@example(normal(3), normal(2))
def concatenated(a, b):
    c = np.concatenate([a, b])
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    return np.sum(weights * c**2)


@example(normal(3, 3), normal(3))
def quadratic_form(M, v):
    return v @ M @ v / 2


@example(normal(3, 4), normal(4), normal(3))
def matrix_vector(W, x, b):
    h = np.tanh(W @ x + b)
    return np.sum(h)


@example(normal(5))
def euclidean(x):
    return np.sqrt(np.sum(x**2))


@example(normal(2, 3))
def chained_methods(x):
    return x.T.reshape(6).cumsum().sum()


@example(normal(4))
def augmented(x):
    s = 0.0
    s += x[0] * x[1]
    s += x[2]
    s *= 2
    return s


@example(normal(4))
def written_at(x):
    y = 2 * x
    y[1:3] = x[:2] ** 2
    y[0] = x[3]
    return np.sum(y * x)


# Written in place.


@example(normal(3, 3) + 3 * np.eye(3), np.array([1.0, -2.0, 0.5]))
def triangular_solve(L, b):
    x = np.zeros(3)
    for i in range(3):
        x[i] = (b[i] - L[i, :i] @ x[:i]) / L[i, i]
    return np.sum(x**2)


@example(np.array([0.5, -1.0, 2.0, 0.25, 1.5, -0.75]))
def two_buffers(u):
    v = np.zeros_like(u)
    for _ in range(2):
        v[1:-1] = (u[:-2] + u[2:]) / 2
        u[1:-1] = (v[:-2] + v[2:]) / 2
    return np.sum(u**2)


@example(np.array([0.5, -1.0, 2.0, 0.25]))
def stencil(u):
    u[1:-1] = (u[:-2] + u[2:]) / 2
    return np.sum(u**2)


@example(np.array([0.5, -1.0, 2.0, 0.25]))
def accumulator(x):
    total = np.zeros(2)
    for i in range(4):
        total[i % 2] += x[i] ** 2
    return total[0] * total[1]


@example(np.array([[0.5, 1.0], [2.0, 0.25]]))
def shortest_path(cost):
    D = np.zeros((3, 3))
    for i in range(1, 3):
        for j in range(1, 3):
            D[i, j] = cost[i - 1, j - 1] + np.minimum(D[i - 1, j], D[i, j - 1])
    return D[2, 2]


@example(np.array([[0.5, 1.0], [2.0, 0.25], [1.5, -1.0]]))
def swapped_rows(A):
    B = 2 * A
    B[[0, 2]] = B[[2, 0]]
    return np.sum(B[0] * B[1])


@example(np.array([0.5, -1.0, 2.0, 0.25]))
def padded(x):
    p = np.zeros(6)
    p[1:-1] = x
    return np.sum((p[2:] - p[:-2]) ** 2)


@example(1.5, 0.25)
def recurrence(r, y0):
    y = np.empty(4)
    y[0] = y0
    for n in range(3):
        y[n + 1] = r * y[n] * (1 - y[n])
    return np.sum(y)


@example(np.array([[0.5, 1.0], [2.0, 0.25], [1.5, -1.0]]), np.array([0.5, -1.0, 2.0]))
def scaled_rows(A, factors):
    for row, factor in zip(A, factors, strict=True):
        row *= factor
    return np.sum(A**2)


@example(np.array([0.5, -1.0, 2.0, 0.25]), 1.5)
def replaced(x, v):
    x[x > 1] = v
    x[0] += v
    x[3] *= v
    return np.sum(x**3)


@example(np.array([0.5, -1.0, 2.0]), np.array([1.0, 0.25, 1.5, -0.5]))
def added_at(x, v):
    out = np.sin(x)
    np.add.at(out, [0, 0, 2, 1], v)
    np.multiply(out, x, out=out)
    return np.sum(out**2)


@example(normal(5, 4), np.array([1, 1, 3]))
def embedding(E, ids):
    e = E[ids]
    return np.sum(e * e)


@example(normal(3), normal(4))
def outer_product(a, b):
    o = np.outer(a, b)
    return np.sum(np.sin(o))


@example(normal(4, 3))
def standardised(x):
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    return np.sum(z**3)


@example(normal(3), 1e-3)
def helper(w, lam):
    def squared(t):
        return t * t

    return squared(w).sum() + lam * squared(w + 1).sum()


@example(normal(3), normal(3))
def independent_argument(x, y):
    z = x * 2  # noqa: F841  # reaches nothing
    return np.dot(y, y)


@example(normal(4))
def stopped(x):
    return np.sum(x * cr.stop_gradient(x) ** 2)


@example(np.array([1.0, -2.0, 0.5]))
def masked(x):
    positive = x > 0
    return np.sum(np.log(x[positive])) + np.sum(x[~positive] ** 3)


@example(normal(2, 3).astype(np.float32), normal(3).astype(np.float32))
def single_precision(x, w):
    h = x @ w
    return np.sum(np.maximum(h, 0) ** 2)


# Textbook forms.


@example(normal(4, 3), normal(5, 3), normal(5, 2))
def attention(Q, K, V):
    scores = Q @ K.T / np.sqrt(Q.shape[1])
    e = np.exp(scores)
    A = e / e.sum(axis=1, keepdims=True)
    out = A @ V
    return np.sum(out**2)


@example(normal(5, 2))
def pairwise_distances(x):
    d = x[:, None, :] - x[None, :, :]
    r2 = (d**2).sum(axis=-1)
    return np.sum(np.exp(-r2))


@example(normal(2, 3), normal(2, 4), normal(2, 4), normal(3, 16), normal(4, 16), normal(16))
def lstm_cell(x, h, c, Wx, Wh, b):
    a = x @ Wx + h @ Wh + b
    ai, af, ao, ag = np.split(a, 4, axis=1)
    i, f, o, g = expit(ai), expit(af), expit(ao), np.tanh(ag)
    c = f * c + i * g
    h = o * np.tanh(c)
    return np.sum(h)


@example(normal(8, 3), normal(3), normal(3))
def batch_norm(x, gamma, beta):
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    xhat = (x - mu) / np.sqrt(var + 1e-5)
    y = gamma * xhat + beta
    return np.sum(y**3)


@example(normal(6), 0.3, 1.2)
def gaussian(x, mu, sigma):
    z = (x - mu) / sigma
    return np.sum(0.5 * z**2 + np.log(sigma))


@example(np.array([0.5, -1.0, 2.0]))
def leaky_relu(x):
    return np.sum(np.where(x > 0, x, 0.01 * x))


@example(normal(3), np.eye(3) / 2, normal(2), normal(2, 3), np.eye(2))
def kalman(x, P, z, H, R):
    y = z - H @ x
    S = H @ P @ H.T + R
    K = P @ H.T
    xn = x + K @ y
    return xn @ xn + np.trace(S)


@example(100.0, 95.0, 0.5, 0.02, 0.3)
def black_scholes(S, K, T, r, sigma):
    def N(x):
        return 0.5 * (1 + math.erf(x / math.sqrt(2)))

    d1 = (math.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * math.sqrt(T))
    d2 = d1 - sigma * math.sqrt(T)
    return S * N(d1) - K * math.exp(-r * T) * N(d2)


@example(100.0, 95.0, 0.02, 0.3, 0.5)
def call_price(S, K, r, sigma, T):
    d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * math.sqrt(T))
    d2 = d1 - sigma * math.sqrt(T)
    price = S * ndtr(d1) - K * math.exp(-r * T) * ndtr(d2)
    return price


@example(100.0, 95.0, 0.02, 0.3, 0.5)
def call_price_in_stages(S, K, r, sigma, T):
    vol = sigma * math.sqrt(T)
    d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / vol
    d2 = d1 - vol
    discount = math.exp(-r * T)
    strike = K * discount * ndtr(d2)
    price = S * ndtr(d1) - strike
    return price


# Constants.


@example(0.5)
def error_function(x):
    return math.erf(x)


@example(0.3, 0.1, 2.0)
def bell_curve(x, mu, sigma):
    z = (x - mu) / sigma
    density = math.exp(-(z**2) / 2) / (sigma * math.sqrt(2 * math.pi))
    return density


@example(0.3, 0.4)
def box_muller(u, v):
    r = math.sqrt(-2 * math.log(u))
    angle = 2 * math.pi * v
    return r * math.cos(angle)


@example(normal(5))
def gelu(x):
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    y = 0.5 * x * (1 + np.tanh(inner))
    return np.sum(y)


@example(2.0)
def cube_root(x):
    return x ** (1 / 3)


# More.


@example(normal(4), "relu", 2)
def built_in(x, activation, power):
    y = np.zeros(4)
    y = y + (np.maximum(x, 0) if activation == "relu" else np.tanh(x))
    return np.sum(y**power)
