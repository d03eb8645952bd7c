"""The benchmarks: what they time is right, and what they say about it."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks"
STATIC = ROOT / "docs" / "_static"

if not FOLDER.exists():
    pytest.skip("the benchmarks are not in this distribution", allow_module_level=True)
sys.path.insert(0, str(FOLDER))
try:
    import agreement
    import floors
    import measure
    import peers
    import run
    import table
    import verdicts
    from programs import PROGRAMS
    from workload import Target
    from workloads import WORKLOADS, chosen, scalar
finally:
    sys.path.remove(str(FOLDER))

SMALL = ["scalar", "network-s", "network-m", "chain-1e3", "mixture"]


def results(call):
    return call.results(call.function(*call.arguments))


@pytest.mark.parametrize("name", SMALL)
def test_what_is_timed_agrees_with_the_eager_engine(name):
    workload = WORKLOADS[name]
    reference = results(peers.chainrule_eager(workload))
    found = results(peers.chainrule(workload))
    assert agreement.disagreement(found, reference) < workload.tolerance


def test_the_listing_by_hand_agrees_with_the_engine():
    workload = WORKLOADS["scalar"]
    reference = results(peers.chainrule_eager(workload))
    assert agreement.disagreement(scalar.by_hand(*workload.inputs()[0]), reference) < 1e-15


@pytest.mark.parametrize(
    ("gradient", "reason"),
    [
        (np.array([[1.0, 2.0]]), "shape"),
        (np.array([1.0, np.nan]), "finite"),
    ],
)
def test_a_result_that_cannot_be_compared_is_refused(gradient, reason):
    with pytest.raises(ValueError, match=reason):
        agreement.disagreement((1.0, (gradient,)), (1.0, (np.array([1.0, 2.0]),)))


def test_disagreement_is_relative_to_the_largest_entry():
    found, wanted = (1.0, (np.array([1e-3, 100.0]),)), (1.0, (np.array([0.0, 100.0]),))
    assert agreement.disagreement(found, wanted) == pytest.approx(1e-5)


def test_everybody_runs_in_every_round():
    ran = []
    calls = {name: peers.Call(ran.append, (name,)) for name in "ab"}
    timings = measure.compare(calls, rounds=5, seconds=1e-4, rest=0)
    assert set(timings) == set(ran) == {"a", "b"}
    assert all(
        timing.rounds == 5 and 0 < timing.best <= timing.seconds for timing in timings.values()
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["chain"], ["chain", "chain-1e3"]),
        (["chain-1e3"], ["chain-1e3"]),
        (["softmax", "scalar"], ["scalar", "softmax"]),
        (["nothing"], []),
    ],
)
def test_names_of_workloads(names, expected):
    assert chosen(names) == expected


def test_the_quicker_way_is_the_floor_and_the_highest_floor_counts():
    seconds = {
        "empty call": 1.0,
        "copy by NumPy": 9.0,
        "copy of one number by NumPy": 2.0,
        "copy by PyTorch": 8.0,
        "copy of one number by PyTorch": 3.0,
        "products by NumPy": 4.0,
        "products by SciPy's BLAS": 3.5,
    }
    found = floors.combine(seconds)
    assert found == {"call": 1.0, "copy": 5.0, "GEMMs": 3.5, "floor": 5.0}


RACE = {
    "peers": {
        "chainrule": {"seconds": 2.0, "cores": 1.0, "best": 1.9},
        "jax.jit": {"seconds": 6.0, "cores": 1.0, "best": 1.9},
        "torch": {"seconds": 4.0, "cores": 1.5, "best": 1.9},
    },
    "floors": {"GEMMs": 1.0, "floor": 1.0},
    "failures": {"torch.compile": "RuntimeError: no compiler"},
}


@pytest.mark.parametrize(
    ("target", "ratio", "is_met"),
    [
        (Target("jax.jit", 3), 3.0, True),
        (Target("best", 2), 2.0, True),
        (Target("best", 2.5), 2.0, False),
        (Target("GEMMs", 2), 2.0, True),
        (Target("GEMMs", 1.25), 2.0, False),
        (Target("torch.compile", 1), None, False),
    ],
)
def test_targets(target, ratio, is_met):
    verdict = verdicts.verdict(target, verdicts.ratio(RACE, target.against))
    assert (verdict.ratio, verdict.is_met) == (ratio, is_met)


def test_targets_of_derivatives():
    seconds = {"chainrule compiled": 3.0, "jax.jit": 2.0, "LAPACK": 2.5, "chainrule eager": 1.0}
    found = verdicts.derivative_verdicts(seconds)
    assert [(one.target, one.ratio, one.is_met) for one in found] == [
        ("chainrule compiled ≥1 jax.jit", 2 / 3, False),
        ("chainrule compiled ≤1.3 LAPACK", 1.2, True),
    ]


def test_misses_failures_and_too_many_cores_are_said():
    slow = {**RACE["peers"]["torch"], "seconds": 3.0}
    race = {**RACE, "peers": {**RACE["peers"], "torch": slow}}
    lines = list(table.misses({"races": {"layer-norm/1": race}}))
    assert lines == [
        "layer-norm, 1 thread: ≥2 best (torch) missed: 1.50",
        "layer-norm, 1 thread: torch.compile is not timed: RuntimeError: no compiler",
        "layer-norm, 1 thread: torch kept 1.5 cores at work",
    ]


def test_a_busy_machine_is_said():
    timings = {name: {**t, "seconds": 2.0, "cores": 0.5} for name, t in RACE["peers"].items()}
    (line,) = table.notes({"races": {"chain-1e3/2": {**RACE, "peers": timings}}})
    assert line == "chain-1e3, 2: 0.50 processors; torch 1.1x its best round"
    quiet = {name: {**t, "best": t["seconds"]} for name, t in RACE["peers"].items()}
    assert not list(table.notes({"races": {"chain-1e3/2": {**RACE, "peers": quiet}}}))


@pytest.mark.parametrize(
    "products",
    [((3, 4, 5), (2, 3, 4)), ((30, 4, 1),), ((1, 30, 4),)],
)
def test_products_of_the_floor_are_products(products, monkeypatch):
    workload = dataclasses.replace(WORKLOADS["network-m"], products=products)
    triples = list(floors.operands(workload))
    monkeypatch.setattr(floors, "operands", lambda _: triples)
    for make in (floors.products_by_numpy, floors.products_by_blas):
        for _, _, c in triples:
            c[...] = np.nan
        make(workload).function()
        for a, b, c in triples:
            np.testing.assert_allclose(c, a @ b, rtol=1e-12)


def test_results_of_one_machine_are_kept_together(tmp_path, monkeypatch):
    monkeypatch.setattr(run.figure, "draw", lambda races, folder: None)
    here, elsewhere = ({"processor": name, "cores": 2, "system": "x"} for name in ("a", "b"))

    def keep(about, name, is_whole=False):
        return run.keep(tmp_path, {"machine": about, "races": {f"{name}/1": RACE}}, is_whole)

    def kept():
        return list(json.loads((tmp_path / "benchmarks.json").read_text())["races"])

    assert keep(here, "softmax", is_whole=True)
    assert keep(here, "chain-1e3")
    assert kept() == ["chain-1e3/1", "softmax/1"]  # in the order of the workloads
    assert not keep(elsewhere, "scalar")
    assert kept() == ["chain-1e3/1", "softmax/1"]
    assert keep(elsewhere, "scalar", is_whole=True)
    assert kept() == ["scalar/1"]


def test_the_page_shows_what_was_measured():
    kept = json.loads((STATIC / "benchmarks.json").read_text(encoding="utf-8"))
    text = (STATIC / "benchmarks.txt").read_text(encoding="utf-8")
    assert text == table.report(kept)
    assert max(map(len, text.splitlines())) <= 80
    assert not set(kept["machine"]) & {"host", "path"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_with_loops_give_numbers_by_which_they_can_be_compared(name):
    program = PROGRAMS[name]
    value = program.numpy(*program.inputs())
    assert np.shape(value) == ()
    assert np.isfinite(value)


def test_the_table_of_loops():
    timing = {"seconds": 2e-6, "best": 1e-6, "cores": 1.0, "rounds": 5}
    found = {
        "heat": {
            "first call": {"chainrule": 0.5, "jax.jit": 0.25},
            "peers": {"chainrule": timing, "jax.jit": {**timing, "seconds": 5e-6}},
            "failures": {"Numba": "ImportError: none"},
        },
        "lu": {"failed": "not done"},
    }
    machine = {"processor": "P", "cores": 1, "system": "S"}
    report = table.report({"machine": machine, "loops": found})
    lines = [" ".join(line.split()) for line in report.splitlines()]
    assert "heat 500 ms 250 ms 2.00 2 µs 5 µs · 2.50 ·" in lines
    assert "lu failed" in lines
    assert "✗ heat, loops: Numba is not timed: ImportError: none" in lines


def test_training_is_reported_with_its_targets():
    peers = {"chainrule": 1.0, "scikit-learn": 4.0, "PyTorch": 2.0, "jax.jit": 1.5}
    record = {"title": "an epoch", "peers": peers, "accuracy": {"chainrule": 0.98}, "products": 0.5}
    lines = list(table.training_lines({"digits": record}))
    assert "4.00x" in lines[3]
    assert lines[2].endswith("accuracy 98.0%")
    assert [line.split()[0] for line in lines[-3:]] == ["✓", "✗", "✓"]
