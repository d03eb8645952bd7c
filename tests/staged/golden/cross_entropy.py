import numpy as np


def cross_entropy_gradient(logits, labels):
    """Return cross_entropy(logits, labels) and its gradient."""
    # forward pass
    shifted = logits - logits.max(axis=1, keepdims=True)                     # (1)  shape (4, 3)
    logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))  # (2)  shape (4, 3)
    value = -np.mean(logp[np.arange(4), labels])                             # (3)
    # backprop value = -np.mean(logp[np.arange(4), labels])
    dlogp = np.zeros_like(logp)                                              # (3)  shape (4, 3)
    dlogp[np.arange(4), labels] -= 1 / 4                                     # (3)
    # backprop logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    dshifted = dlogp - dlogp.sum(axis=1, keepdims=True) * np.exp(logp)       # (2)  shape (4, 3)
    # backprop shifted = logits - logits.max(axis=1, keepdims=True)
    t1 = logits == logits.max(axis=1, keepdims=True)                         # (1)  shape (4, 3)
    dlogits = (                                                              # (1)  shape (4, 3)
        dshifted
        - dshifted.sum(axis=1, keepdims=True)
        * t1
        / np.count_nonzero(t1, axis=1, keepdims=True)
    )
    return value, (dlogits,)
