"""From times to ratios, and whether each target is met."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from derivatives import TARGETS as DERIVATIVES
from training import TARGETS as TRAINING
from workload import Target
from workloads import WORKLOADS


@dataclass(frozen=True)
class Verdict:
    """One target of one workload with one number of threads."""

    target: str
    ratio: float | None  # None: not measured
    is_met: bool


def ours(race: dict[str, Any]) -> float | None:
    """Return chainrule's seconds; None if it failed."""
    timing = race.get("peers", {}).get("chainrule")
    return timing and timing["seconds"]


def ratio(race: dict[str, Any], against: str) -> float | None:
    """Return a peer's time over chainrule's, or chainrule's over a floor's."""
    mine = ours(race)
    if mine is None:
        return None
    if against in race["floors"]:
        return mine / race["floors"][against]
    peers = {name: t["seconds"] for name, t in race["peers"].items() if name != "chainrule"}
    theirs = min(peers.values(), default=None) if against == "best" else peers.get(against)
    return None if theirs is None else theirs / mine


def best_peer(race: dict[str, Any]) -> str:
    peers = {name: t["seconds"] for name, t in race["peers"].items() if name != "chainrule"}
    return min(peers, key=lambda name: peers[name], default="")


def verdicts(name: str, race: dict[str, Any]) -> list[Verdict]:
    """Return whether the targets of a workload are met."""
    return [verdict(target, ratio(race, target.against)) for target in WORKLOADS[name].targets]


def training_verdicts(name: str, record: dict[str, Any]) -> list[Verdict]:
    """Return whether the targets of training are met."""
    mine = record["peers"]["chainrule"]
    others = {peer: seconds for peer, seconds in record["peers"].items() if peer != "chainrule"}
    best = min(others.values())
    return [
        verdict(target, (best if target.against == "best" else others[target.against]) / mine)
        for target in TRAINING[name]
    ]


def derivative_verdicts(seconds: dict[str, float]) -> list[Verdict]:
    """Return whether the targets of one derivative are met, as far as others compute it."""
    found = []
    for label, mine in seconds.items():
        for target in DERIVATIVES.get(label, ()):
            if target.against in seconds:
                theirs = seconds[target.against]
                judged = verdict(target, mine / theirs if target.is_bound else theirs / mine)
                found.append(replace(judged, target=f"{label} {judged.target}"))
    return found


def verdict(target: Target, found: float | None) -> Verdict:
    """Judge one target by the ratio that was found."""
    sign = "≤" if target.is_bound else "≥"
    if found is None:
        met = False
    else:
        met = found <= target.ratio if target.is_bound else found >= target.ratio
    return Verdict(f"{sign}{target.ratio:g} {target.against}", found, met)


def start_verdicts(found: dict[str, Any]) -> list[Verdict]:
    """Return whether the targets of first calls are met, as parts of jax.jit's time."""
    if "failed" in found:
        return [Verdict("cold <1", None, False), Verdict("warm <1/3", None, False)]
    seconds = {label: record["first call"] for label, record in found.items()}
    cold = seconds["chainrule cold"] / seconds["jax.jit"]
    warm = seconds["chainrule warm"] / seconds["jax.jit"]
    return [
        Verdict("cold <1", cold, cold < 1),
        Verdict("warm <1/3", warm, warm < 1 / 3),
    ]
