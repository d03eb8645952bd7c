def newton_gradient(a):
    """Return newton(a) and its gradient."""
    # forward pass
    assert abs(a * a - a) > 1e-06, (
        "line 94 takes another branch (while abs(x * x - a) > 1e-6); stage again"
    )
    x = 0.5 * (a + a / a)                     # (1)
    assert abs(x * x - a) > 1e-06, "line 94 takes another branch; stage again"
    x_1 = 0.5 * (x + a / x)                   # (2)
    assert abs(x_1 * x_1 - a) > 1e-06, "line 94 takes another branch; stage again"
    x_2 = 0.5 * (x_1 + a / x_1)               # (3)
    assert abs(x_2 * x_2 - a) > 1e-06, "line 94 takes another branch; stage again"
    x_3 = 0.5 * (x_2 + a / x_2)               # (4)
    assert abs(x_3 * x_3 - a) > 1e-06, "line 94 takes another branch; stage again"
    x_4 = 0.5 * (x_3 + a / x_3)               # (5)
    assert not abs(x_4 * x_4 - a) > 1e-06, "line 94 takes another branch; stage again"
    # backprop x_4 = 0.5 * (x_3 + a / x_3)
    dx_3 = 0.5 - 0.5 * a / (x_3**2)           # (5)
    da = 0.5 / x_3                            # (5)
    # backprop x_3 = 0.5 * (x_2 + a / x_2)
    dx_2 = (0.5 - 0.5 * a / (x_2**2)) * dx_3  # (4)
    da += (0.5 / x_2) * dx_3                  # (4)
    # backprop x_2 = 0.5 * (x_1 + a / x_1)
    dx_1 = (0.5 - 0.5 * a / (x_1**2)) * dx_2  # (3)
    da += (0.5 / x_1) * dx_2                  # (3)
    # backprop x_1 = 0.5 * (x + a / x)
    dx = (0.5 - 0.5 * a / (x**2)) * dx_1      # (2)
    da += (0.5 / x) * dx_1                    # (2)
    # backprop x = 0.5 * (a + a / a)
    da += (0.5) * dx                          # (1)
    return x_4, (da,)
