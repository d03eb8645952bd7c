"""A circuit as text in the DOT language of Graphviz."""

from __future__ import annotations

from chainrule.explain.circuit import Circuit, Vertex, norm_text, wire_text
from chainrule.explain.numbers import brief

__all__ = ["dot"]


def dot(circuit: Circuit) -> str:
    """Write a circuit in DOT: stages are clusters, wires are labelled with value and gradient."""
    lines = [
        f"digraph {_quoted(circuit.title)} {{",
        "  rankdir=LR;",
        '  graph [fontname="monospace", bgcolor="white"];',
        '  node [fontname="monospace", shape=circle, margin="0.02,0.02"];',
        '  edge [fontname="monospace", fontsize=10];',
    ]
    for k, vertex in enumerate(circuit.vertices):
        if vertex.is_input:
            lines.append(f"  v{k} [shape=plaintext, label={_quoted(vertex.label)}];")
    for number, group in enumerate(circuit.groups):
        indent = "  "
        heading = group.text if group.body else group.name
        if group.name:
            lines += [
                f"  subgraph cluster_{number} {{",
                f"    label={_quoted(heading)}; tooltip={_quoted(group.text)};",
                '    style="rounded,filled"; color="#c8d1da"; fillcolor="#f3f6fa";',
            ]
            indent = "    "
        for v in group.vertices:
            label = _quoted("loop" if group.body else circuit.vertices[v].label)
            lines.append(f"{indent}v{v} [label={label}, style=filled, fillcolor=white];")
        if group.name:
            lines.append("  }")
    for k, vertex in enumerate(circuit.vertices):
        for lead in vertex.leads:
            source = circuit.vertices[lead.source]
            local = "" if lead.local is None else f", headlabel={_quoted('×' + brief(lead.local))}"
            lines.append(f"  v{lead.source} -> v{k} [label={_quoted(_label(source))}{local}];")
    if circuit.vertices:
        last = len(circuit.vertices) - 1
        lines.append("  result [shape=point];")
        label = _quoted(_label(circuit.vertices[last]))
        lines.append(f"  v{last} -> result [label={label}];")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _label(vertex: Vertex) -> str:
    gradient = "" if vertex.gradient is None else norm_text(vertex.gradient)
    return f"{wire_text(vertex.value)}\n{gradient}".rstrip()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
