"""Minimax polynomials of the elementary functions, one per type. Printed, not written.

`tests/native/ir/math/minimax.py` prints this file: it finds each polynomial by Remez' exchange
algorithm in 60-digit arithmetic, and rounds its coefficients to the type, lowest power first. The
error is that of the polynomial where it is used, relative to the result (1/2 ULP is 2**-53 to
2**-54 for double, 2**-24 to 2**-25 for float).
"""

from __future__ import annotations

from typing import TypeAlias

Polynomial: TypeAlias = tuple[float, ...]


def polynomial(coefficients: str) -> Polynomial:
    """Return the numbers that a hexadecimal text denotes."""
    return tuple(map(float.fromhex, coefficients.split()))


# (exp(r) - 1 - r) / r**2
# on [-0.34692, 0.34692], degree 10, error in use 2**-61.9.
EXP_DOUBLE = polynomial(
    """
    0x1.0000000000000p-1 0x1.5555555555557p-3 0x1.5555555555558p-5 0x1.11111111100bdp-7
    0x1.6c16c16c151ccp-10 0x1.a01a01abf8a8ep-13 0x1.a01a01ad0ca59p-16 0x1.71de01fce71cfp-19
    0x1.27e4cca2d4ee8p-22 0x1.af4e56d3373b2p-26 0x1.1f8b95345c29ap-29
    """
)

# (exp(r) - 1 - r) / r**2
# on [-0.34692, 0.34692], degree 5, error in use 2**-32.0.
EXP_FLOAT = polynomial(
    """
    0x1.0000000000000p-1 0x1.5555560000000p-3 0x1.5554e80000000p-5 0x1.1110ac0000000p-7
    0x1.6d43b80000000p-10 0x1.a17eac0000000p-13
    """
)

# (exp(r) - 1 - r) / r**2
# on [-0.34692, 0.34692], degree 6, error in use 2**-37.7.
EXP_MIDDLE_DOUBLE = polynomial(
    """
    0x1.fffffffffc04cp-2 0x1.555555676deafp-3 0x1.5555556f2d63ap-5 0x1.1110c5e9bb05fp-7
    0x1.6c1651c7f6eb0p-10 0x1.a1520fdcfc12bp-13 0x1.a15af5fb77d68p-16
    """
)

# (exp(r) - 1 - r) / r**2
# on [-0.34692, 0.34692], degree 9, error in use 2**-55.7.
EXP_QUICK_DOUBLE = polynomial(
    """
    0x1.0000000000001p-1 0x1.5555555555558p-3 0x1.5555555553d35p-5 0x1.111111110f7d5p-7
    0x1.6c16c1789d8a0p-10 0x1.a01a01b02246cp-13 0x1.a019b8c8be1fap-16 0x1.71ddf6757d7e1p-19
    0x1.2891d676885dcp-22 0x1.af63a06ec766ep-26
    """
)

# (exp(r) - 1 - r) / r**2
# on [-0.34692, 0.34692], degree 4, error in use 2**-26.5.
EXP_QUICK_FLOAT = polynomial(
    """
    0x1.0000000000000p-1 0x1.5554dc0000000p-3 0x1.5554b80000000p-5 0x1.120bec0000000p-7
    0x1.6d75ea0000000p-10
    """
)

# (log((1 + s) / (1 - s)) / s - 2) / s**2, z = s**2
# on [0, 0.029467], degree 6, error in use 2**-57.6.
LOG_DOUBLE = polynomial(
    """
    0x1.5555555555558p-1 0x1.99999999951bfp-2 0x1.2492492e0f030p-2 0x1.c71c62c21809fp-3
    0x1.7462be2caad08p-3 0x1.39fd33f7c7beap-3 0x1.2b662bd6385e7p-3
    """
)

# (log((1 + s) / (1 - s)) / s - 2) / s**2, z = s**2
# on [0, 0.029467], degree 2, error in use 2**-28.4.
LOG_FLOAT = polynomial(
    """
    0x1.55555c0000000p-1 0x1.997bf80000000p-2 0x1.2eee4a0000000p-2
    """
)

# (log((1 + s) / (1 - s)) / s - 2) / s**2, z = s**2
# on [0, 0.029467], degree 4, error in use 2**-43.1.
LOG_MIDDLE_DOUBLE = polynomial(
    """
    0x1.555555556531fp-1 0x1.999998c867eecp-2 0x1.249325b7c0b85p-2 0x1.c67a078304396p-3
    0x1.8c9ad80335fafp-3
    """
)

# ((log((1 + s) / (1 - s)) / s - 2) / s**2 - 2/3) / s**2, z = s**2
# on [0, 0.029467], degree 7, error in use 2**-70.0.
LOG_TAIL_DOUBLE = polynomial(
    """
    0x1.999999999999ap-2 0x1.2492492492524p-2 0x1.c71c71c6e9f38p-3 0x1.745d177b266f6p-3
    0x1.3b139598fbdd4p-3 0x1.1118d3779942fp-3 0x1.df7a766f390d2p-4 0x1.e045d47112b0fp-4
    """
)

# ((log((1 + s) / (1 - s)) / s - 2) / s**2 - 2/3) / s**2, z = s**2
# on [0, 0.029467], degree 3, error in use 2**-41.1.
LOG_TAIL_FLOAT = polynomial(
    """
    0x1.99999a0000000p-2 0x1.2492900000000p-2 0x1.c6c0600000000p-3 0x1.87a30c0000000p-3
    """
)

# (sin(r) - r) / r**3, z = r**2
# on [0, 0.62427], degree 6, error in use 2**-66.7.
SIN_DOUBLE = polynomial(
    """
    -0x1.5555555555555p-3 0x1.1111111111110p-7 -0x1.a01a01a0198ccp-13 0x1.71de3a5453926p-19
    -0x1.ae6453fc49b46p-26 0x1.61216d52708c7p-33 -0x1.ab0d7013fde48p-41
    """
)

# (sin(r) - r) / r**3, z = r**2
# on [0, 0.62427], degree 3, error in use 2**-35.6.
SIN_FLOAT = polynomial(
    """
    -0x1.5555560000000p-3 0x1.11110e0000000p-7 -0x1.a013820000000p-13 0x1.6db1a80000000p-19
    """
)

# (cos(r) - 1 + r**2 / 2) / r**4, z = r**2
# on [0, 0.62427], degree 5, error in use 2**-60.2.
COS_DOUBLE = polynomial(
    """
    0x1.5555555555555p-5 -0x1.6c16c16c1693dp-10 0x1.a01a019f44d6fp-16 -0x1.27e4fa0b23dcfp-22
    0x1.1eeb5bbad70f3p-29 -0x1.907430c31f6dep-37
    """
)

# (cos(r) - 1 + r**2 / 2) / r**4, z = r**2
# on [0, 0.62427], degree 2, error in use 2**-29.7.
COS_FLOAT = polynomial(
    """
    0x1.5555540000000p-5 -0x1.6c12bc0000000p-10 0x1.9bcc000000000p-16
    """
)

# (sinh(x) - x) / x**3, z = x**2
# on [0, 1], degree 6, error in use 2**-61.6.
SINH_DOUBLE = polynomial(
    """
    0x1.5555555555555p-3 0x1.11111111110fdp-7 0x1.a01a01a01ee80p-13 0x1.71de3a4e13e7dp-19
    0x1.ae6460fbe6130p-26 0x1.611cb2bdce386p-33 0x1.b412592157c4ap-41
    """
)

# (sinh(x) - x) / x**3, z = x**2
# on [0, 1], degree 3, error in use 2**-32.5.
SINH_FLOAT = polynomial(
    """
    0x1.5555560000000p-3 0x1.11111e0000000p-7 0x1.a008fc0000000p-13 0x1.78a7c20000000p-19
    """
)

# (atan(t) - t) / t**3, z = t**2
# on [0, 0.17159], degree 10, error in use 2**-57.4.
ATAN_DOUBLE = polynomial(
    """
    -0x1.5555555555555p-2 0x1.99999999993a8p-3 -0x1.249249243a6c4p-3 0x1.c71c7187ba9cdp-4
    -0x1.745d0b8668011p-4 0x1.3b126af3ed193p-4 -0x1.10fae03b3eeafp-4 0x1.dfecf45140fa7p-5
    -0x1.a0ba834b7746cp-5 0x1.41bcaa5a1f882p-5 -0x1.3b029a10b57a4p-6
    """
)

# (atan(t) - t) / t**3, z = t**2
# on [0, 0.17159], degree 4, error in use 2**-28.5.
ATAN_FLOAT = polynomial(
    """
    -0x1.5555540000000p-2 0x1.99974a0000000p-3 -0x1.2423140000000p-3 0x1.b845600000000p-4
    -0x1.08df660000000p-4
    """
)

# (asin(x) - x) / x**3, z = x**2
# on [0, 0.2501], degree 12, error in use 2**-58.1.
ASIN_DOUBLE = polynomial(
    """
    0x1.5555555555556p-3 0x1.3333333332e3cp-4 0x1.6db6db6e3f4c1p-5 0x1.f1c71c15d189bp-6
    0x1.6e8bb2fa8a394p-6 0x1.1c4d1a5732c8ap-6 0x1.c9d2262adf20bp-7 0x1.780879d4a4d84p-7
    0x1.53005d16e6779p-7 0x1.5f6720922ec77p-8 0x1.2145f93eadf13p-6 -0x1.f37902743ed47p-7
    0x1.db761ef66f662p-6
    """
)

# (asin(x) - x) / x**3, z = x**2
# on [0, 0.2501], degree 5, error in use 2**-30.0.
ASIN_FLOAT = polynomial(
    """
    0x1.5555540000000p-3 0x1.3334480000000p-4 0x1.6d55cc0000000p-5 0x1.fe14560000000p-6
    0x1.168a3a0000000p-6 0x1.15f6100000000p-5
    """
)

# erf(x) / x - 1, z = x**2
# on [0, 1], degree 12, error in use 2**-62.8.
ERF_DOUBLE = polynomial(
    """
    0x1.06eba8214db69p-3 -0x1.812746b0379e6p-2 0x1.ce2f21a042b34p-4 -0x1.b82ce31284f38p-6
    0x1.565bcd0dbd921p-8 -0x1.c02db3db49761p-11 0x1.f9a321e4b84e9p-14 -0x1.f4d1e434bbfbfp-17
    0x1.b9df305caca82p-20 -0x1.5f1f40fae8889p-23 0x1.f7b99d7c497a2p-27 -0x1.38ac229020808p-30
    0x1.062759c3f4196p-34
    """
)

# erf(x) / x - 1, z = x**2
# on [0, 1], degree 6, error in use 2**-29.7.
ERF_FLOAT = polynomial(
    """
    0x1.06eba80000000p-3 -0x1.81273e0000000p-2 0x1.ce2d200000000p-4 -0x1.b7fbb60000000p-6
    0x1.5419fa0000000p-8 -0x1.a485f80000000p-11 0x1.4ae4c60000000p-14
    """
)

# erfc(t + 2.475)
# on [-1.475, 1.475], degree 14, error in use 2**-26.7.
ERF_TAIL_FLOAT = polynomial(
    """
    0x1.e788320000000p-12 -0x1.4350b40000000p-9 0x1.901d560000000p-8 -0x1.2f32420000000p-7
    0x1.34778e0000000p-7 -0x1.ac67c20000000p-8 0x1.7a8c040000000p-9 -0x1.066f900000000p-11
    -0x1.4d9f480000000p-12 0x1.2ec9f80000000p-12 -0x1.47ed180000000p-14 -0x1.6ff1ea0000000p-16
    0x1.18f9ca0000000p-16 -0x1.21ea4c0000000p-22 -0x1.10a2c80000000p-20
    """
)

# (1 + 2 x) exp(x**2) erfc(x), x = 4 (1 + t) / (1 - t)
# on [-0.8, 0.76], degree 21, error in use 2**-57.9.
ERFCX_DOUBLE = polynomial(
    """
    0x1.3ba5916e9fd7fp+0 -0x1.1df1ad154a28ep-3 0x1.f7f5df66fd450p-7 0x1.16ecefcfa5376p-4
    -0x1.9ddb23c3e741ap-4 0x1.7fee004e12c97p-4 -0x1.0fb06dfe7850ep-4 0x1.3079edf6690d2p-5
    -0x1.0962387b34db6p-6 0x1.49c672924735cp-8 -0x1.8d4aa38cef78bp-11 -0x1.a1df32de5e27dp-13
    0x1.3be0f921844b5p-13 -0x1.9956f5c6f43ccp-16 -0x1.78a950144b5eap-17 0x1.7f088c5c13356p-18
    0x1.42b99a3ca30c7p-22 -0x1.b8d97cd8bace7p-21 0x1.1c34a2d06b107p-24 0x1.c1113cf3e78f2p-24
    -0x1.9974238d621dbp-27 -0x1.5ac2baee812aep-27
    """
)

# (1 + 2 x) exp(x**2) erfc(x), x = 4 (1 + t) / (1 - t)
# on [-0.8, 0.76], degree 11, error in use 2**-28.2.
ERFCX_FLOAT = polynomial(
    """
    0x1.3ba5920000000p+0 -0x1.1df1aa0000000p-3 0x1.f7f8e60000000p-7 0x1.16ec300000000p-4
    -0x1.9de27e0000000p-4 0x1.7ff6360000000p-4 -0x1.0f7bf40000000p-4 0x1.302fd60000000p-5
    -0x1.0c0d480000000p-6 0x1.4e98a60000000p-8 -0x1.0b0ae80000000p-11 -0x1.18941e0000000p-12
    """
)

# x**(-1/3)
# on [1, 2], degree 5, error in use 2**-17.2.
CBRT_DOUBLE = polynomial(
    """
    0x1.c876010c20d15p+0 -0x1.92b53b3137877p+0 0x1.40ec759ca420cp+0 -0x1.3590026054e6ep-1
    0x1.444dcfdebd738p-3 -0x1.1bd2b161938f8p-6
    """
)

# x**(-1/3)
# on [1, 2], degree 2, error in use 2**-9.0.
CBRT_FLOAT = polynomial(
    """
    0x1.6428800000000p+0 -0x1.f361240000000p-2 0x1.847f660000000p-4
    """
)
