"""What can be shown as a picture, as text, as both, and saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

from chainrule.errors import ArgumentError, UnsupportedError
from chainrule.explain import html
from chainrule.explain.circuit import Circuit
from chainrule.explain.dot import dot
from chainrule.explain.drawing import draw
from chainrule.explain.spans import Span, to_plain
from chainrule.explain.svg import svg

__all__ = ["WIDTH", "Pictured"]

#: Columns of a terminal that the text takes, where there are so many.
WIDTH = 80


class Pictured(ABC):
    """A circuit with a text.

    Who inherits it has the ``graph`` that is drawn, ``title``, ``lines`` and ``alarms``.
    """

    @property
    @abstractmethod
    def graph(self) -> Circuit:
        """The graph of operations as it is drawn."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The function and its arguments."""

    @abstractmethod
    def lines(self, width: int = WIDTH) -> list[list[Span]]:
        """Return the text as lines of styled spans."""

    @abstractmethod
    def alarms(self) -> Mapping[str, str]:
        """Return what was found, by the variable at which it is drawn."""

    @property
    def text(self) -> str:
        """The text without colour."""
        return to_plain(self.lines())

    def __str__(self) -> str:
        return self.text

    def svg(self) -> str:
        """Return the graph as an SVG element.

        Raises:
            UnsupportedError: the graph has too many stages to be read as a picture.
        """
        return svg(draw(self.graph, self.alarms()))

    def dot(self) -> str:
        """Return the graph in the DOT language of Graphviz."""
        return dot(self.graph)

    def _repr_svg_(self) -> str | None:
        try:
            return self.svg()
        except UnsupportedError:
            return None

    def _repr_html_(self) -> str:
        return html.fragment(self._repr_svg_() or "", self.lines())

    def save(self, path: str | Path) -> None:
        """Write the picture or the text to a file, by its suffix: .svg, .dot, .html or .txt.

        Raises:
            ArgumentError: another suffix.
        """
        writers: dict[str, Callable[[], str]] = {
            ".svg": self.svg,
            ".dot": self.dot,
            ".html": lambda: html.document(self.title, self._repr_svg_() or "", self.lines()),
            ".txt": lambda: self.text + "\n",
        }
        path = Path(path)
        write = writers.get(path.suffix.lower())
        if write is None:
            raise ArgumentError(
                f"an explanation cannot be saved as {path.name!r}: choose a name that ends in "
                f"{', '.join(writers)}"
            )
        path.write_text(write(), encoding="utf-8")
