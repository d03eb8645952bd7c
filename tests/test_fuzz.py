"""Some of the programs that ``make fuzz`` draws: value, gradient, printed and compiled code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chainrule import errors
from tests import fuzz
from tests.programs.random_shapes import ShapedProgram

_BLOCKS, _LENGTH = 20, 25


@pytest.fixture(autouse=True, scope="module")
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAINRULE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("block", range(_BLOCKS))
def test_random_programs(block: int) -> None:
    compared = 0
    for seed in range(20_000 + block * _LENGTH, 20_000 + (block + 1) * _LENGTH):
        program = fuzz.drawn(seed, "exchanges" if block % 10 == 4 else "shapes")
        try:
            fuzz.examine(program, printed=seed % 4 == 0, compiled=seed % 20 == 0)
            compared += 1
        except (fuzz.Kinked, errors.GradientLostError):
            pass
        except Exception as error:
            error.add_note(f"seed {seed}:\n{fuzz.reproducer(program)}")
            raise
    assert compared > 0.8 * _LENGTH


def test_a_wrong_gradient_is_found() -> None:
    program = ShapedProgram("def program(x, y):\n    return x * np.sum(y)\n", (0.5, 0.25))
    fuzz.compare_slopes(program, (0.25, 0.5))
    with pytest.raises(AssertionError, match="by the gradient it is"):
        fuzz.compare_slopes(program, (0.25, 0.51))
