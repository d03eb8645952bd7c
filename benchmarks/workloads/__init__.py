"""The workloads, one file per subject."""

from workload import Workload

from workloads import (
    chain,
    layer_norm,
    logistic,
    mixture,
    network,
    scalar,
    softmax,
)

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for module in (scalar, network, chain, logistic, softmax, mixture, layer_norm)
    for workload in module.WORKLOADS
}


def chosen(names: list[str]) -> list[str]:
    """Return the workloads meant: a name, or the part of it before the hyphen."""
    return [name for name in WORKLOADS if not names or name in names or name.split("-")[0] in names]
