"""Configuration of the documentation (Sphinx with MyST)."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "_extensions"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import make_lecture

project = "chainrule"
author = "The chainrule authors"
copyright = "2026, The chainrule authors"
version = release = installed_version("chainrule")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "formulas",
    "self_contained",
]
default_role = "py:obj"  # `name` in a docstring links to its description
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_extensions"]

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_update_mathjax = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes of a class are not described twice

html_theme = "furo"
html_math_renderer = "outlines"
html_title = f"chainrule {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]


def setup(app):
    """Put the lecture's live pages beside the others."""

    def build(app, exception):
        if exception is None and app.builder.format == "html":
            make_lecture.build(Path(app.outdir) / "lecture")

    app.connect("build-finished", build)
