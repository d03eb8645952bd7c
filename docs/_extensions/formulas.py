"""Formulas as outlines in the page: no script, no font, no network, the same in every browser.

They have the size and the colour of the text around them; a screen reader is given the TeX.
"""

from xml.etree import ElementTree

import ziamath
from docutils.nodes import SkipNode
from sphinx.errors import ExtensionError

SIZE = 16.0  # pixels for one em, while a formula is set

ziamath.config.svg2 = False  # each outline where it stands: names of shared ones would clash
ziamath.config.precision = 2
ziamath.config.math.color = "currentColor"


def svg(formula, inline):
    """Return a formula in TeX as a picture in the text."""
    try:
        formula_set = ziamath.Latex(formula, size=SIZE, inline=inline)
    except Exception as error:
        raise ExtensionError(f"this formula cannot be set: {formula}") from error
    if "\\" in formula_set.mathmlstr():  # an unknown command, which would stand there as text
        raise ExtensionError(f"this formula has an unknown command: {formula}")
    picture = formula_set.svgxml()
    for side in ("width", "height"):
        picture.set(side, f"{float(picture.get(side)) / SIZE:.3f}em")
    picture.set("style", f"vertical-align:{formula_set.getyofst() / SIZE:.3f}em")
    picture.set("role", "img")
    picture.set("aria-label", " ".join(formula.split()))
    return ElementTree.tostring(picture, encoding="unicode")


def visit_inline(translator, node):
    translator.body.append(svg(node.astext(), inline=True))
    raise SkipNode


def visit_block(translator, node):
    translator.body.append(f'<div class="math">{svg(node.astext(), inline=False)}</div>\n')
    raise SkipNode


def setup(app):
    app.add_html_math_renderer("outlines", (visit_inline, None), (visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
