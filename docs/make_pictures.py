"""Draw the pictures of the documentation: ``python docs/make_pictures.py``.

They are kept in the repository; a test makes sure that they are up to date.
"""

import re
import runpy
from pathlib import Path

import chainrule

HERE = Path(__file__).resolve().parent


def pictures():
    """Return the pictures by file name."""
    lecture = runpy.run_path(str(HERE.parent / "examples" / "lecture.py"))
    examples = {
        "circuit": (lecture["circuit"], lecture["CIRCUIT"]),
        "neuron": (lecture["neuron"], lecture["NEURON"]),
        "staged": (lecture["staged"], lecture["STAGED"]),
        "network": (lecture["network"], lecture["network_values"]()),
    }
    drawn = {
        f"{name}.svg": chainrule.explain(f, *values.values()).svg()
        for name, (f, values) in examples.items()
    }
    drawn["first-page.svg"] = first_page()
    for script in ("compiling_pictures.py", "jacobian_pictures.py"):
        drawn |= runpy.run_path(str(HERE / script))["pictures"]()
    return drawn


def first_page():
    """Return the picture of the first page, drawn by the code that stands there."""
    text = (HERE / "index.md").read_text(encoding="utf-8")
    page = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.S)[:2]:
        exec(block, page)
    return page["picture"]


def main():
    folder = HERE / "_static"
    folder.mkdir(exist_ok=True)
    for name, svg in pictures().items():
        (folder / name).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
