"""A process of its own for each measurement: ``python child.py RESULT KIND ARGUMENT ...``.

`run.py` starts it with the environment that fixes the number of threads, and reads the result, as
JSON, from the file. What peers print goes nowhere.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(kind: str, *arguments: str) -> object:
    if kind == "race":
        from race import race
        from workloads import WORKLOADS

        name, threads, rounds, seconds = arguments
        return race(WORKLOADS[name], int(threads), int(rounds), float(seconds))
    if kind == "first-call":
        from first_call import first_call
        from workloads import WORKLOADS

        name, peer = arguments
        return first_call(WORKLOADS[name], peer)
    if kind == "eager":
        from eager import eager

        rounds, seconds = arguments
        return eager(int(rounds), float(seconds))
    if kind == "derivatives":
        from derivatives import derivatives

        rounds, seconds = arguments
        return derivatives(int(rounds), float(seconds))
    if kind == "solvers":
        from solvers import solvers

        rounds, seconds = arguments
        return solvers(int(rounds), float(seconds))
    if kind == "writes":
        from writes import writes

        rounds, seconds = arguments
        return writes(int(rounds), float(seconds))
    if kind == "training":
        from training import training

        rounds, seconds = arguments
        return training(int(rounds), float(seconds))
    if kind == "loops":
        from loops import loops

        name, rounds, seconds = arguments
        return loops(name, int(rounds), float(seconds))
    if kind == "turns":
        from turns import turns

        (rounds,) = arguments
        return turns(int(rounds))
    if kind == "resources":
        from resources import resources

        return resources()
    raise ValueError(f"no measurement {kind!r}")


if __name__ == "__main__":
    result = main(*sys.argv[2:])
    Path(sys.argv[1]).write_text(json.dumps(result), encoding="utf-8")
