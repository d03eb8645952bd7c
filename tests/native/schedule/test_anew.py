"""What is computed anew where it is used, rather than stored."""

import numpy as np
import pytest

import chainrule as cr


@pytest.mark.parametrize(
    "combined",
    [
        lambda squares, product: 2 * product - squares[:, None] - squares,
        lambda squares, product: squares[:, None] + squares - 2 * product,  # before the product
    ],
)
def test_sums_that_are_in_memory_are_combined_where_they_are_used(combined):
    def kernel_matrix(x):
        return np.exp(-(combined(np.sum(x * x, axis=1), x @ x.T) ** 2))

    x = np.random.default_rng(0).normal(size=(20, 3))
    compiled = cr.compile(kernel_matrix)
    steps = compiled.lower(x).schedule.splitlines()
    assert sum("over 20 x 20" in step for step in steps) == 1
    compiled(x)
    np.testing.assert_allclose(compiled(x), kernel_matrix(x), rtol=1e-12, atol=1e-15)
