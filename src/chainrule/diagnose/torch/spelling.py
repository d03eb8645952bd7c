"""What to do about it, in the words of PyTorch."""

from __future__ import annotations

from dataclasses import replace

from chainrule.diagnose.findings import Finding

__all__ = ["in_words_of_torch"]

#: What searches say, and what PyTorch calls it; longer names first.
_WORDS = {
    "nn.binary_cross_entropy": "F.binary_cross_entropy_with_logits",
    "nn.cross_entropy": "F.cross_entropy",
    "nn.glorot_uniform": "nn.init.xavier_uniform_",
    "nn.glorot_normal": "nn.init.xavier_normal_",
    "nn.he_normal": "nn.init.kaiming_normal_",
    "nn.orthogonal": "nn.init.orthogonal_",
    "nn.leaky_relu": "nn.LeakyReLU",
    "nn.relu": "nn.ReLU",
    "nn.elu": "nn.ELU",
    "nn.BatchNorm": "nn.BatchNorm1d",
    "nn.RNNCell": "nn.RNN",
    "nn.LSTMCell": "nn.LSTM",
    "nn.GRUCell": "nn.GRU",
    "shortcuts around layers (nn.Residual)": "shortcuts around layers, x + f(x)",
    "optim.clip_by_global_norm(1.0)": "torch.nn.utils.clip_grad_norm_(parameters, 1.0)",
    "optim.clip_by_global_norm": "torch.nn.utils.clip_grad_norm_",
    "optim.warmup": "torch.optim.lr_scheduler.LinearLR",
    "np.mean in place of np.sum in the loss": 'the mean in the loss: reduction="mean"',
    "params = optim.apply_updates(params, updates)": "optimizer.step()",
    "hand the new parameters back": "call",
    "stop_gradient": "detach(), torch.no_grad",
}


def in_words_of_torch(finding: Finding) -> Finding:
    """Return a finding whose cures are those of PyTorch."""
    cures = []
    for cure in finding.cures:
        for ours, theirs in _WORDS.items():
            cure = cure.replace(ours, theirs)
        cures.append(cure)
    return replace(finding, cures=tuple(cures))
