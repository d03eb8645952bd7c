"""Derivations of small networks, as the lecture and students of courses write them."""

from __future__ import annotations

from tests.programs import lecture, networks
from tests.programs.derivations.derivation import derivations

_LISTINGS = {
    "accumulators that begin with zeros": (
        "network",
        """
        def by_hand(x, W1, b1, W2, b2, y):
            h1 = x @ W1 + b1
            z1 = sigmoid(h1)
            z2 = z1 @ W2 + b2
            loss = ((z2 - y) ** 2).sum()
            dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
            dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)
            dx, dy = np.zeros_like(x), np.zeros_like(y)
            for n in range(len(x)):
                dz2 = 2 * (z2[n] - y[n])
                dy[n] -= dz2
                dW2 += np.outer(z1[n], dz2)
                db2 += dz2
                dz1 = W2 @ dz2
                dh1 = dz1 * z1[n] * (1 - z1[n])
                dW1 += np.outer(x[n], dh1)
                db1 += dh1
                dx[n] = W1 @ dh1
            return loss, (dx, dW1, db1, dW2, db2, dy)
        """,
    ),
    "reversed sums, in-place products": (
        "network",
        """
        def by_hand(x, W1, b1, W2, b2, y):
            z1 = sigmoid(x @ W1 + b1)
            error = z1 @ W2 + b2 - y
            loss = np.sum(error**2)
            dz2 = error * 2
            delta = dz2 @ W2.T
            delta *= z1
            delta *= 1 - z1
            W1_grad = (delta.T @ x).T
            b1_grad = np.ones(len(x)) @ delta
            W2_grad = np.einsum("nh,no->ho", z1, dz2)
            b2_grad = np.add.reduce(dz2)
            x_grad = np.dot(delta, W1.T)
            y_grad = -dz2
        """,
    ),
    "softmax, its gradient made in place": (
        "softmax_loss",
        """
        def by_hand(X, W, b):
            N = X.shape[0]
            scores = X @ W + b
            exps = np.exp(scores - scores.max(axis=1, keepdims=True))
            probs = exps / exps.sum(axis=1, keepdims=True)
            loss = -np.log(probs[np.arange(N), labels]).mean() + 0.1 * np.sum(W * W)
            dscores = probs
            dscores[np.arange(N), labels] -= 1
            dscores /= N
            dW = X.T @ dscores
            dW += 0.2 * W
            db = np.sum(dscores, axis=0)
            dX = dscores @ W.T
            return loss, {"X": dX, "W": dW, "b": db}
        """,
    ),
    "relu": (
        "relu_loss",
        """
        def by_hand(params, X):
            W1, b1, W2 = params["W1"], params["b1"], params["W2"]
            h = np.maximum(0, X @ W1 + b1)
            out = h @ W2
            grads = {}
            dout = 2 * out / out.size
            grads["W2"] = h.T @ dout
            dh = dout @ W2.T
            dh[h <= 0] = 0
            grads["W1"] = X.T @ dh
            grads["b1"] = np.sum(dh, axis=0)
            dX = dh @ W1.T
            return np.mean(out**2), grads
        """,
    ),
    "backprop through time": (
        "recurrent",
        """
        def by_hand(x, W):
            hs = [np.zeros(3)]
            for t in range(3):
                h = np.tanh(W @ hs[-1] + x[t])
                hs.append(h)
            dh = np.ones(3)
            dW = np.zeros_like(W)
            dx = np.zeros_like(x)
            for t in reversed(range(3)):
                da = dh * (1 - hs[t + 1] ** 2)
                dW += np.outer(da, hs[t])
                dx[t] += da
                dh = W.T @ da
            return np.sum(h), (dx, dW)
        """,
    ),
    "network": (
        "network",
        """
        def by_hand(x, W1, b1, W2, b2, y):
            h1 = x @ W1 + b1
            z1 = sigmoid(h1)
            z2 = z1 @ W2 + b2
            loss = np.sum((z2 - y) ** 2)
            dz2 = 2 * (z2 - y)
            dy = -dz2
            dW2 = z1.T @ dz2
            db2 = dz2.sum(axis=0)
            dz1 = dz2 @ W2.T
            dh1 = dz1 * z1 * (1 - z1)
            dW1 = x.T @ dh1
            db1 = dh1.sum(axis=0)
            dx = dh1 @ W1.T
            return loss, (dx, dW1, db1, dW2, db2, dy)
        """,
    ),
    "softmax": (
        "softmax_loss",
        """
        def by_hand(X, W, b):
            N = X.shape[0]
            scores = X @ W + b
            exps = np.exp(scores - scores.max(axis=1, keepdims=True))
            probs = exps / exps.sum(axis=1, keepdims=True)
            loss = -np.log(probs[np.arange(N), labels]).mean() + 0.1 * np.sum(W * W)
            dscores = probs.copy()
            dscores[np.arange(N), labels] -= 1
            dscores /= N
            dW = X.T @ dscores
            dW += 0.2 * W
            db = np.sum(dscores, axis=0)
            dX = dscores @ W.T
            return loss, {"X": dX, "W": dW, "b": db}
        """,
    ),
    "sigmoid network": (
        "mean_network",
        """
        def by_hand(x, y, W1, b1, W2, b2):
            N, D = y.shape
            a1 = x.dot(W1) + b1
            h = sigmoid(a1)
            out = h.dot(W2) + b2
            loss = ((out - y)**2).mean()
            dout = 2.0 * (out - y) / (N * D)
            grad_y = -dout
            dW2 = h.T.dot(dout)
            db2 = dout.sum(axis=0)
            dh = dout.dot(W2.T)
            da1 = h * (1 - h) * dh
            dW1 = x.T.dot(da1)
            db1 = da1.sum(0)
            dx = da1.dot(W1.T)
            return loss, (dx, grad_y, dW1, db1, dW2, db2)
        """,
    ),
    "deltas": (
        "mean_network",
        """
        def by_hand(x, y, W1, b1, W2, b2):
            h1 = x @ W1 + b1
            z1 = sigmoid(h1)
            z2 = z1 @ W2 + b2
            loss = np.mean((z2 - y)**2)
            delta2 = 2 * (z2 - y) / z2.size
            gW2 = z1.T @ delta2
            gb2 = delta2.sum(axis=0)
            delta1 = (delta2 @ W2.T) * z1 * (1 - z1)
            gW1 = x.T @ delta1
            gb1 = delta1.sum(axis=0)
            gx = delta1 @ W1.T
            gy = -delta2
            return loss, (gx, gy, gW1, gb1, gW2, gb2)
        """,
    ),
    "cs231n network": (
        "relu_softmax",
        """
        def by_hand(X, W1, b1, W2, b2):
            reg = 0.1
            num_train = X.shape[0]
            hidden_layer = np.maximum(0, np.dot(X, W1) + b1)
            scores = np.dot(hidden_layer, W2) + b2
            exp_scores = np.exp(scores)
            probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
            correct_logprobs = -np.log(probs[range(num_train), labels])
            data_loss = np.sum(correct_logprobs) / num_train
            reg_loss = 0.5*reg*np.sum(W1*W1) + 0.5*reg*np.sum(W2*W2)
            loss = data_loss + reg_loss
            dscores = probs
            dscores[range(num_train), labels] -= 1
            dscores /= num_train
            dW2 = np.dot(hidden_layer.T, dscores)
            db2 = np.sum(dscores, axis=0, keepdims=False)
            dhidden = np.dot(dscores, W2.T)
            dhidden[hidden_layer <= 0] = 0
            dW1 = np.dot(X.T, dhidden)
            db1 = np.sum(dhidden, axis=0, keepdims=False)
            dW2 += reg * W2
            dW1 += reg * W1
            dX = dhidden @ W1.T
            return loss, (dX, dW1, db1, dW2, db2)
        """,
    ),
    "network as attributes": (
        "relu_softmax",
        """
        def by_hand(X, W1, b1, W2, b2):
            class Net: pass
            net = Net()
            N = X.shape[0]
            net.z1 = X @ W1 + b1
            net.h = relu(net.z1)
            net.scores = net.h @ W2 + b2
            net.p = softmax(net.scores)
            penalty = 0.05 * ((W1**2).sum() + (W2**2).sum())
            loss = -np.log(net.p[np.arange(N), labels]).mean() + penalty
            net.dscores = (net.p - onehot) / N
            net.dW2 = net.h.T @ net.dscores
            net.dW2 += 0.1 * W2
            net.db2 = net.dscores.sum(0)
            net.dz1 = (net.dscores @ W2.T) * (net.z1 > 0)
            net.dW1 = X.T @ net.dz1 + 0.1 * W1
            net.db1 = net.dz1.sum(0)
            net.dX = net.dz1 @ W1.T
            return loss, (net.dX, net.dW1, net.db1, net.dW2, net.db2)
        """,
    ),
    "tanh network": (
        "tanh_softmax",
        """
        def by_hand(X, W1, W2):
            N = X.shape[0]
            a1 = X @ W1
            h1 = np.tanh(a1)
            logits = h1 @ W2
            p = softmax(logits)
            L = -np.sum(onehot * np.log(p)) / N
            dlogits = (p - onehot) / N
            dW2 = h1.T @ dlogits
            dh1 = dlogits @ W2.T
            da1 = dh1 * (1 - h1**2)
            dW1 = X.T @ da1
            dX = da1 @ W1.T
            return L, (dX, dW1, dW2)
        """,
    ),
    "softmax alone": (
        "tanh_softmax",
        """
        def by_hand(X, W1, W2):
            Y = onehot
            N = X.shape[0]
            Z1 = X @ W1
            A1 = np.tanh(Z1)
            Z2 = A1 @ W2
            A2 = np.exp(Z2) / np.exp(Z2).sum(axis=1, keepdims=True)
            cost = -np.mean(np.sum(Y * np.log(A2), axis=1))
            dA2 = -Y / A2 / N
            dZ2 = A2 * (dA2 - np.sum(dA2 * A2, axis=1, keepdims=True))
            dW2 = A1.T @ dZ2
            dA1 = dZ2 @ W2.T
            dZ1 = (1 - np.power(A1, 2)) * dA1
            dW1 = X.T @ dZ1
            dX = dZ1 @ W1.T
            return cost, {"dW1": dW1, "dW2": dW2, "dX": dX}
        """,
    ),
    "the mean left to the last lines": (
        "tanh_softmax",
        """
        def by_hand(X, W1, W2):
            N = X.shape[0]
            Z1 = X @ W1
            A1 = np.tanh(Z1)
            Z2 = A1 @ W2
            P = softmax(Z2)
            loss = -np.sum(onehot * np.log(P)) / N
            dZ2 = P - onehot
            dW2 = 1/N * A1.T @ dZ2
            dZ1 = dZ2 @ W2.T * (1 - A1**2)
            dW1 = 1/N * X.T @ dZ1
            dX = 1/N * dZ1 @ W1.T
            return loss, (dX, dW1, dW2)
        """,
    ),
}

DERIVATIONS = derivations({**lecture.PROGRAMS, **networks.PROGRAMS}, _LISTINGS)
