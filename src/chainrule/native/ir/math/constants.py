"""Numbers such as pi, to hundreds of digits, and their expansion into sums of machine numbers."""

from __future__ import annotations

from fractions import Fraction

from chainrule.native.ir.math.emitter import Format

#: ln 2.
LN2 = Fraction(
    int(
        "b17217f7d1cf79abc9e3b39803f2f6af40f343267298b62d8a0d175b8baafa2be7b876206debac98",
        16,
    ),
    2**320,
)
#: 1 / ln 2.
INVERSE_LN2 = Fraction(
    int(
        "171547652b82fe1777d0ffda0d23a7d11d6aef551bad2b4b1164a2cd9a342648fbc3887eeaa2ed9ac",
        16,
    ),
    2**320,
)
#: 1 / ln 10.
INVERSE_LN10 = Fraction(
    int(
        "6f2dec549b9438ca9aadd557d699ee191f71a30122e4d1011d1f96a27bc7529e3aa1277d0a0179f9",
        16,
    ),
    2**320,
)
#: pi.
PI = Fraction(
    int(
        "3243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89452821e638d01377",
        16,
    ),
    2**320,
)
#: 2 / pi, to as many digits as the reduction of the largest double asks for.
TWO_OVER_PI = Fraction(
    int(
        "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea"
        "09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b"
        "1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f7"
        "8a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc209af4361da9e39161",
        16,
    ),
    2**1312,
)
#: sqrt(1 / 2).
INVERSE_SQRT_2 = Fraction(
    int("b504f333f9de6484597d89b3754abe9f1d6f60ba893ba84ced17ac85833399154afc83043ab8a2c3", 16),
    2**320,
)
#: 1 / sqrt(pi).
INVERSE_SQRT_PI = Fraction(
    int("906eba8214db688d71d48a7f6bfec3441409a0ebac3e751739a15830cce620b0c0759cf859270f11", 16),
    2**320,
)


def round_to(x: Fraction, bits: int) -> Fraction:
    """Return x rounded to so many significant bits."""
    if x == 0:
        return x
    exponent = abs(x.numerator).bit_length() - x.denominator.bit_length()
    # In integers: fractions of so many digits would be reduced at each step.
    if abs(x.numerator) << max(-exponent, 0) < x.denominator << max(exponent, 0):
        exponent -= 1
    places = bits - 1 - exponent
    scaled, divisor = x.numerator << max(places, 0), x.denominator << max(-places, 0)
    whole, rest = divmod(scaled, divisor)
    if 2 * rest > divisor or (2 * rest == divisor and whole % 2):
        whole += 1
    return Fraction(whole << max(-places, 0), 1 << max(places, 0))


def expand(x: Fraction, format: Format, *bits: int) -> tuple[float, ...]:
    """Return numbers that sum to x: the first of so many bits each, and one of full precision."""
    parts = []
    for count in bits:
        part = round_to(x, min(count, format.fraction + 1))
        parts.append(float(part))
        x -= part
    return (*parts, format.round(float(x)))
