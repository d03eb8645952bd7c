"""Colourings: few colours, and never two columns that cannot be told apart."""

import numpy as np
import pytest
import scipy.sparse

from chainrule.transforms.sparse.colouring import columns_apart, stars

rng = np.random.default_rng(0)


def columns(matrix):
    matrix = scipy.sparse.csc_array(matrix)
    matrix.sort_indices()
    return matrix.indptr, matrix.indices


def band(n, below, above):
    return np.tri(n, k=above) - np.tri(n, k=-below - 1)


def arrow(n, first=True):
    matrix = np.eye(n)
    at = 0 if first else n - 1
    matrix[at] = matrix[:, at] = 1
    return matrix


def grid(n):
    path = band(n, 1, 1)
    return (np.kron(path, np.eye(n)) + np.kron(np.eye(n), path) > 0).astype(float)


def random(n, density):
    matrix = rng.random((n, n)) < density
    return (matrix | matrix.T | np.eye(n, dtype=bool)).astype(float)


MATRICES = {
    # name: (matrix, the most colours of its columns, the most of its stars)
    "diagonal": (np.eye(7), 1, 1),
    "tridiagonal": (band(30, 1, 1), 3, 3),
    "band": (band(30, 2, 3), 6, 7),
    "grid": (grid(6), 7, 6),
    "arrow": (arrow(20), 20, 2),
    "arrow the other way": (arrow(20, first=False), 20, 2),
    "dense": (np.ones((5, 5)), 5, 5),
    "random": (random(40, 0.05), 20, 14),
    "without entries": (np.zeros((4, 4)), 1, 1),
    "empty": (np.zeros((0, 0)), 0, 0),
}


@pytest.mark.parametrize("name", MATRICES)
def test_columns_of_a_colour_share_no_row(name):
    matrix, most, _ = MATRICES[name]
    colours, number = columns_apart(*columns(matrix), len(matrix))
    assert number == len(set(colours.tolist())) <= most
    seeds = np.eye(number)[colours] if number else np.zeros((0, 0))
    assert np.all(matrix @ seeds <= 1)


@pytest.mark.parametrize("name", MATRICES)
def test_entries_of_a_symmetric_matrix_are_found_once(name):
    matrix = np.maximum(MATRICES[name][0], MATRICES[name][0].T)
    colours, number = stars(*columns(matrix))
    assert number == len(set(colours.tolist())) <= MATRICES[name][2]
    found = matrix @ np.eye(number)[colours] if number else np.zeros((0, 0))
    for i, j in zip(*np.nonzero(matrix), strict=True):
        assert found[i, colours[j]] == 1 or found[j, colours[i]] == 1
