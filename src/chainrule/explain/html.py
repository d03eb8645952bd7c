"""An explanation as HTML: the picture above the text, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from chainrule.explain.spans import Span, to_html

__all__ = ["document", "fragment"]


def fragment(picture: str, lines: Sequence[Sequence[Span]]) -> str:
    """Return an element for a notebook; wide pictures scroll."""
    return (
        '<div style="background:#ffffff;color:#24292f;padding:8px;border-radius:8px">\n'
        f'<div style="overflow-x:auto">\n{picture}</div>\n'
        '<pre style="font-family:monospace;line-height:1.35;color:#24292f;background:#ffffff">'
        f"{to_html(lines)}</pre>\n</div>\n"
    )


def document(title: str, picture: str, lines: Sequence[Sequence[Span]]) -> str:
    """Return a whole page."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n</head>\n<body>\n{fragment(picture, lines)}"
        "</body>\n</html>\n"
    )
