"""Draw the runs of the pages about training: ``python docs/network_pictures.py``.

A page's own code is run, and what its monitors saw is drawn. It takes a minute, and matplotlib.
"""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Pictures by page: after which of its monitors.
PICTURES = {
    "training.md": ["training.png"],
    "sigmoid.md": ["sigmoid.png", "sigmoid-deep.png"],
    "relu.md": ["relu.png"],
}


def monitors(page):
    """Run the code of a page and return what ``monitor`` was, one after the other."""
    names, found = {}, []
    text = (HERE / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S):
        exec(compile(block, page, "exec"), names)
        monitor = names.get("monitor")
        if monitor is not None and all(monitor is not other for other in found):
            found.append(monitor)
    return found


def main():
    for page, pictures in PICTURES.items():
        for name, monitor in zip(pictures, monitors(page), strict=True):
            monitor.plot().savefig(HERE / "_static" / name, dpi=100)
            print(f"wrote {name}")


if __name__ == "__main__":
    main()
