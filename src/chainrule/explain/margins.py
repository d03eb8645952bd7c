"""Lines of an explanation: code at the left margin, numbers at the right one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.explain.numbers import columns
from chainrule.explain.observation import Finding
from chainrule.explain.spans import Span, wrap

__all__ = ["INDENT", "indented", "marked", "numbered", "right", "two_sides"]

INDENT = 5  # of code below a stage's number


def marked(finding: Finding, width: int, said: set[str]) -> Iterator[list[Span]]:
    """Write a finding; advice that was given before is not repeated."""
    where = f"line {finding.line}: " if finding.line is not None else ""
    message = finding.message
    if finding.advice in said:
        message = message.removesuffix(finding.advice).rstrip()
    said.add(finding.advice)
    mark = "! "
    for k, text in enumerate(wrap(where + message, width - INDENT - len(mark))):
        yield [Span(" " * INDENT), Span((mark if not k else "  ") + text, "finding")]


def indented(text: str, indent: int, width: int, style: str) -> Iterator[list[Span]]:
    """Write a text below its first line's beginning, in as many lines as it takes."""
    follow = "#   " if text.startswith("# ") else ""
    for k, part in enumerate(wrap(text, width - indent - (len(follow)))):
        yield [Span(" " * indent + (follow if k else "") + part, style)]


def right(text: str, style: str, width: int) -> Iterator[list[Span]]:
    """Write a text at the right margin."""
    for part in wrap(text, width - INDENT):
        yield [Span(" " * (width - columns(part)) + part, style)]


def two_sides(left: Sequence[Span], text: str, style: str, width: int) -> Iterator[list[Span]]:
    """Put text at both margins, on one line if it fits, else the right one below."""
    taken = sum(columns(span.text) for span in left)
    room = width - taken - columns(text)
    if room >= 2:
        yield [*left, Span(" " * room), Span(text, style)]
        return
    *first, (code, code_style) = left
    indent = sum(columns(span.text) for span in first)
    for k, part in enumerate(wrap(code, width - indent - 4)):
        yield (
            [*first, Span(part, code_style)]
            if not k
            else [Span(" " * (indent + 4) + part, code_style)]
        )
    yield from right(text, style, width)


def numbered(number: int, code: str, depth: int = 0) -> list[Span]:
    """Put the number of its stage before a line of code, which may stand in loops."""
    mark = f"({number})" if number else ""
    return [Span(mark.ljust(INDENT), "dim"), Span("    " * depth + code)]
