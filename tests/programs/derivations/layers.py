"""Derivations of layers and models, as papers and students write them."""

from __future__ import annotations

from tests.programs.derivations.derivation import derivations
from tests.programs.layers import PROGRAMS

_LISTINGS = {
    "batch norm": (
        "batch_norm",
        """
        def by_hand(x, gamma, beta, dout):
            N, D = x.shape
            mu = 1./N * np.sum(x, axis=0)
            xmu = x - mu
            sq = xmu ** 2
            var = 1./N * np.sum(sq, axis=0)
            sqrtvar = np.sqrt(var + 1e-5)
            ivar = 1./sqrtvar
            xhat = xmu * ivar
            gammax = gamma * xhat
            out = gammax + beta
            dbeta = np.sum(dout, axis=0)
            dgammax = dout
            dgamma = np.sum(dgammax*xhat, axis=0)
            dxhat = dgammax * gamma
            divar = np.sum(dxhat*xmu, axis=0)
            dxmu1 = dxhat * ivar
            dsqrtvar = -1. /(sqrtvar**2) * divar
            dvar = 0.5 * 1. /np.sqrt(var+1e-5) * dsqrtvar
            dsq = 1. /N * np.ones((N,D)) * dvar
            dxmu2 = 2 * xmu * dsq
            dx1 = (dxmu1 + dxmu2)
            dmu = -1 * np.sum(dxmu1+dxmu2, axis=0)
            dx2 = 1. /N * np.ones((N,D)) * dmu
            dx = dx1 + dx2
            return dx, dgamma, dbeta, out
        """,
    ),
    "layer norm": (
        "layer_norm",
        """
        def by_hand(x, gamma, beta, t):
            N, D = x.shape
            mean = x.mean(axis=1, keepdims=True)
            var = x.var(axis=1, keepdims=True)
            std = np.sqrt(var + 1e-5)
            xhat = (x - mean) / std
            out = gamma * xhat + beta
            loss = 0.5 * np.sum((out - t)**2)
            dout = out - t
            dt = -dout
            dbeta = dout.sum(axis=0)
            dgamma = (dout * xhat).sum(axis=0)
            dxhat = dout * gamma
            dvar = np.sum(dxhat * (x - mean) * -0.5 * std**-3, axis=1, keepdims=True)
            dmean = np.sum(-dxhat / std, axis=1, keepdims=True)
            dx = dxhat / std + dvar * 2 * (x - mean) / D + dmean / D
            return loss, (dx, dgamma, dbeta, dt)
        """,
    ),
    "linear regression": (
        "linear_regression",
        """
        def by_hand(X, y, w, b):
            n = len(y)
            y_hat = X @ w + b
            loss = np.sum((y_hat - y)**2) / n
            error = y_hat - y
            dw = (2/n) * X.T @ error
            db = (2/n) * np.sum(error)
            dX = (2/n) * np.outer(error, w)
            dy = -(2/n) * error
            return loss, (dX, dy, dw, db)
        """,
    ),
    "regression in loops": (
        "linear_regression",
        """
        def by_hand(X, y, w, b):
            n = X.shape[0]
            loss = 0.0
            dw = np.zeros(3)
            db = 0.0
            dX = np.zeros_like(X)
            dy = np.zeros_like(y)
            for i in range(n):
                pred = 0.0
                for j in range(3):
                    pred += X[i, j] * w[j]
                pred += b
                diff = pred - y[i]
                loss += diff**2 / n
                for j in range(3):
                    dw[j] += 2 * diff * X[i, j] / n
                    dX[i, j] = 2 * diff * w[j] / n
                db += 2 * diff / n
                dy[i] = -2 * diff / n
            return loss, (dX, dy, dw, db)
        """,
    ),
    "logistic regression": (
        "logistic_regression",
        """
        def by_hand(X, y, w, b):
            m = X.shape[0]
            A = sigmoid(X @ w + b)
            dz = A - y
            dw = 1 / m * np.dot(X.T, dz)
            db = 1 / m * np.sum(dz)
            dX = 1 / m * np.outer(dz, w)
            dy = -1 / m * np.log(A / (1 - A))
            return dX, dy, dw, db
        """,
    ),
    "convolution": (
        "convolution",
        """
        def by_hand(x, w, b):
            N, H, W = x.shape
            out = np.zeros((N, H - 2, W - 2))
            for i in range(H - 2):
                for j in range(W - 2):
                    out[:, i, j] = np.sum(x[:, i:i+3, j:j+3] * w, axis=(1, 2)) + b
            loss = np.sum(out**2)
            dout = 2 * out
            dx = np.zeros_like(x)
            dw = np.zeros_like(w)
            for i in range(H - 2):
                for j in range(W - 2):
                    dx[:, i:i+3, j:j+3] += dout[:, i, j][:, None, None] * w
                    dw += np.sum(x[:, i:i+3, j:j+3] * dout[:, i, j][:, None, None], axis=0)
            db = np.array([dout.sum()])
            return loss, (dx, dw, db)
        """,
    ),
    "recurrent": (
        "recurrent_network",
        """
        def by_hand(xs, Wxh, Whh, bh, target):
            h = [np.zeros(5)]
            for x in xs:
                h.append(np.tanh(Wxh @ x + Whh @ h[-1] + bh))
            loss = np.sum((h[-1] - target)**2)
            dh = 2 * (h[-1] - target)
            dtarget = -dh
            dWxh = 0; dWhh = 0; dbh = 0
            dxs = [None] * 4
            for t in range(3, -1, -1):
                da = dh * (1 - h[t+1]**2)
                dWxh = dWxh + da[:, None] @ xs[t][None, :]
                dWhh = dWhh + da[:, None] * h[t]
                dbh = dbh + da
                dxs[t] = da @ Wxh
                dh = da @ Whh
            dxs = np.array(dxs)
            return loss, (dxs, dWxh, dWhh, dbh, dtarget)
        """,
    ),
    "attention": (
        "attention",
        """
        def by_hand(Q, K, V):
            d = Q.shape[1]
            S = Q @ K.T / np.sqrt(d)
            A = softmax(S)
            O = A @ V
            loss = np.sum(O**2)
            dO = 2 * O
            dV = A.T @ dO
            dA = dO @ V.T
            dS = A * (dA - np.sum(dA * A, axis=1, keepdims=True))
            dS = dS / np.sqrt(d)
            dQ = dS @ K
            dK = dS.T @ Q
            return loss, (dQ, dK, dV)
        """,
    ),
    "max pooling": (
        "max_pooling",
        """
        def by_hand(x, w):
            p = np.zeros((2, 2))
            for i in range(2):
                for j in range(2):
                    p[i, j] = np.max(x[2*i:2*i+2, 2*j:2*j+2])
            loss = np.sum(p * w)
            dp = w
            dw = p
            dx = np.zeros_like(x)
            for i in range(2):
                for j in range(2):
                    window = x[2*i:2*i+2, 2*j:2*j+2]
                    mask = window == np.max(window)
                    dx[2*i:2*i+2, 2*j:2*j+2] += mask * dp[i, j]
            return loss, (dx, dw)
        """,
    ),
    "dropout": (
        "dropout",
        """
        def by_hand(X, W1, W2):
            z = X @ W1
            h = np.maximum(0, z)
            h *= MASK
            out = h @ W2
            loss = np.sum(out**2) / 5
            dout = 2 * out / 5
            dW2 = h.T @ dout
            dh = dout @ W2.T
            dh *= MASK
            dh[z < 0] = 0
            dW1 = X.T @ dh
            dX = dh @ W1.T
            return loss, (dX, dW1, dW2)
        """,
    ),
    "hinge loss": (
        "hinge_loss",
        """
        def by_hand(X, W):
            num_train = X.shape[0]
            scores = X.dot(W)
            correct = scores[np.arange(num_train), labels].reshape(-1, 1)
            margins = np.maximum(0, scores - correct + 1)
            margins[np.arange(num_train), labels] = 0
            loss = margins.sum() / num_train + 0.1 * np.sum(W * W)
            mask = np.zeros(scores.shape)
            mask[margins > 0] = 1
            row_sum = np.sum(mask, axis=1)
            mask[np.arange(num_train), labels] = -row_sum
            dW = X.T.dot(mask) / num_train
            dW += 2 * 0.1 * W
            dX = mask.dot(W.T) / num_train
            return loss, (dX, dW)
        """,
    ),
    "embedding in loops": (
        "embedding",
        """
        def by_hand(E, W, b):
            idx = np.array([[0, 1], [2, 2], [5, 0], [7, 3]])
            emb = E[idx]
            e = emb.reshape(4, -1)
            hpre = e @ W + b
            h = np.tanh(hpre)
            loss = (h**2).mean()
            dh = 2 * h / h.size
            dhpre = (1 - h**2) * dh
            dW = e.T @ dhpre
            db = dhpre.sum(0)
            de = dhpre @ W.T
            demb = de.reshape(emb.shape)
            dE = np.zeros_like(E)
            for k in range(idx.shape[0]):
                for j in range(idx.shape[1]):
                    ix = idx[k, j]
                    dE[ix] += demb[k, j]
            return loss, (dE, dW, db)
        """,
    ),
    "embedding": (
        "embedding",
        """
        def by_hand(E, W, b):
            idx = np.array([[0, 1], [2, 2], [5, 0], [7, 3]])
            e = E[idx].reshape(4, 6)
            h = np.tanh(e @ W + b)
            dh = 2 * h / h.size
            dz = (1 - h**2) * dh
            dW = e.T @ dz
            db = dz.sum(0)
            dE = np.zeros_like(E)
            np.add.at(dE, idx, (dz @ W.T).reshape(4, 2, 3))
            return dE, dW, db
        """,
    ),
}

DERIVATIONS = derivations(PROGRAMS, _LISTINGS)
