"""The picture of docs/jacobians.md: outputs, arguments and derivatives as grids of cells."""

CELL, GAP, SHIFT = 16, 26, 9
INK, OUTPUT, ARGUMENT, BOTH = "#57606a", "#fff1d6", "#dcebff", "#e4f3e1"

#: The title, and the shapes of output and argument.
PANELS = [
    ("scalar by vector", (), (4,)),
    ("vector by vector", (3,), (4,)),
    ("scalar by matrix", (), (3, 4)),
    ("vector by matrix", (3,), (3, 4)),
]


def pictures():
    """Return the pictures by file name."""
    parts, x = [], 20
    for title, output, argument in PANELS:
        parts.append(text(x, 22, title, "bold"))
        at = x
        for shape, fill, sign in (
            (output, OUTPUT, "by"),
            (argument, ARGUMENT, "is"),
            (output + argument, BOTH, ""),
        ):
            column = fill is OUTPUT  # an output stands, an argument lies
            cells, width = grid(shape, at, 44, fill, column)
            parts += [cells, text(at, 132, str(shape).replace(" ", ""))]
            at += max(width, 8 * len(str(shape).replace(" ", ""))) + GAP
            if sign:
                parts.append(text(at - GAP + 5, 64, sign))
        x = at + 8
    size = f'width="{x}" height="148" viewBox="0 0 {x} 148"'
    style = "max-width:100%;height:auto"
    return {
        "jacobian-shapes.svg": (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" style="{style}" '
            'font-family="monospace">\n<title>The shapes of Jacobians</title>\n'
            '<rect width="100%" height="100%" rx="8" fill="#ffffff"/>\n'
            + "\n".join(parts)
            + "\n</svg>\n"
        )
    }


def text(x, y, content, weight="normal"):
    return (
        f'<text x="{x}" y="{y}" font-size="12" font-weight="{weight}" fill="{INK}">{content}</text>'
    )


def grid(shape, x, y, fill, column):
    """Return the cells of an array, and their width; of three axes, one matrix behind another."""
    if len(shape) == 3:
        layers = [
            grid(shape[1:], x + k * SHIFT, y + (shape[0] - 1 - k) * SHIFT, fill, False)[0]
            for k in reversed(range(shape[0]))
        ]
        return "\n".join(layers), shape[2] * CELL + (shape[0] - 1) * SHIFT
    rows, columns = {0: (1, 1), 1: (shape or (1,)) * 2, 2: shape}[len(shape)]
    if len(shape) == 1:
        rows, columns = (rows, 1) if column else (1, columns)
    cells = [
        f'<rect x="{x + j * CELL}" y="{y + i * CELL}" width="{CELL}" height="{CELL}" '
        f'fill="{fill}" stroke="{INK}"/>'
        for i in range(rows)
        for j in range(columns)
    ]
    return "\n".join(cells), columns * CELL
