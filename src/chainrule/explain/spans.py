"""Lines of text made of spans with a style: as plain text, for a coloured terminal, as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

from chainrule.explain.numbers import columns

__all__ = ["Span", "to_ansi", "to_html", "to_plain", "wrap"]


class Span(NamedTuple):
    """A piece of a line in one style."""

    text: str
    style: str = "code"


#: For each style what it is in a terminal (rich) and in HTML (CSS).
_STYLES = {
    "code": ("", ""),
    "title": ("bold", "font-weight:bold"),
    "number": ("green", "color:#00735c"),
    "gradient": ("red", "color:#c2330f"),
    "dim": ("dim", "color:#6e7781"),
    "finding": ("bold yellow", "color:#9a6700;font-weight:bold"),
}


def wrap(text: str, width: int) -> list[str]:
    """Break a text at spaces into lines of at most so many columns; longer words are divided.

    >>> wrap("loss = np.sum((z2 - y) ** 2)", 12)
    ['loss =', 'np.sum((z2 -', 'y) ** 2)']
    """
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if columns(joined) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if columns(lines[-1]) + columns(character) > width:
                lines.append("")
            lines[-1] += character
    return lines


def to_plain(lines: Iterable[Sequence[Span]]) -> str:
    """Join the lines without styles."""
    return "\n".join("".join(span.text for span in line).rstrip() for line in lines)


def to_ansi(lines: Iterable[Sequence[Span]], end: str = "") -> Any:
    """Return the lines as a `rich.text.Text`, which prints `end` after them."""
    from rich.text import Text

    text = Text(no_wrap=True, end=end)
    for k, line in enumerate(lines):
        text.append("\n" if k else "")
        for span in line:
            text.append(span.text, style=_STYLES[span.style][0])
    return text


def to_html(lines: Iterable[Sequence[Span]]) -> str:
    """Join the lines as HTML for a ``pre`` element."""
    written = []
    for line in lines:
        parts = []
        for span in line:
            css = _STYLES[span.style][1]
            text = escape(span.text)
            parts.append(f'<span style="{css}">{text}</span>' if css else text)
        written.append("".join(parts))
    return "\n".join(written)
