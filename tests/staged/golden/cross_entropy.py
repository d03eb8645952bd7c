import numpy as np


def cross_entropy_gradient(logits, labels):
    """Return cross_entropy(logits, labels) and its gradient."""
    # forward pass
    shifted = logits - logits.max(axis=1, keepdims=True)                     # (1)  shape (4, 3)
    logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))  # (2)  shape (4, 3)
    value = -np.mean(logp[np.arange(4), labels])                             # (3)
    # backprop value = -np.mean(logp[np.arange(4), labels])
    dlogp = np.zeros_like(logp)                                              # (3)  shape (4, 3)
    dlogp[np.arange(4), labels] -= 1.0 / 4                                   # (3)
    # backprop logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    t1 = np.exp(shifted)                                                     # (2)  shape (4, 3)
    dshifted = (                                                             # (2)  shape (4, 3)
        dlogp
        - t1 * dlogp.sum(axis=1, keepdims=True) / t1.sum(axis=1, keepdims=True)
    )
    # backprop shifted = logits - logits.max(axis=1, keepdims=True)
    dlogits = (                                                              # (1)  shape (4, 3)
        dshifted
        - dshifted.sum(axis=1, keepdims=True)
        * (logits == logits.max(axis=1, keepdims=True))
    )
    return value, (dlogits,)
