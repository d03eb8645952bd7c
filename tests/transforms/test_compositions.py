"""Transforms of transforms of random functions, some of them compiled."""

import pytest

from tests.programs.random_transforms import composition, examine

BLOCKS, LENGTH = 10, 20


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_compositions(block):
    for seed in range(block * LENGTH, (block + 1) * LENGTH):
        examine(composition(seed), compiled=seed % 20 == 0)


@pytest.mark.parametrize("seed", [1480, 2509, 2680])
def test_compositions_that_were_wrong_once(seed):
    examine(composition(seed), compiled=True)
