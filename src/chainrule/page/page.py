"""`Page`: an explanation as one file that needs nothing else, and no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from chainrule.errors import ArgumentError
from chainrule.explain import Explanation, Failure
from chainrule.page.data import PageData
from chainrule.page.encoding import as_json
from chainrule.page.exercise import Result, Task, read_result

__all__ = ["About", "Language", "Page"]

Language = Literal["en", "ru"]

# Nothing is loaded, wherever the file is opened: neither by the page nor by what it holds.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class About:
    """What is said on a page besides the explanation, in each language.

    Attributes:
        title: stands in the place of the function's name.
        text: paragraphs.
        home: the page that it belongs to.
        previous: the page before it.
        next: the page after it.
    """

    title: Mapping[Language, str]
    text: Mapping[Language, Sequence[str]]
    home: str | None = None
    previous: str | None = None
    next: str | None = None


class Page:
    """An explanation as a live page: one HTML file, made of the user's own function.

    In a notebook it shows itself; `save` writes it to a file.

    Args:
        explanation: what it shows; of a function that raised an error, the way up to there.
        language: in which it speaks at first; the reader may change it.
        exercise: leave the backward lines to the reader from the beginning; ``"local"`` asks for
            the local gradients in them alone.
        about: what is said on it.
    """

    def __init__(
        self,
        explanation: Explanation | Failure,
        language: Language = "en",
        exercise: bool | Literal["local"] = False,
        about: About | None = None,
    ) -> None:
        if language not in get_args(Language):
            raise ArgumentError(
                f"a page speaks {' or '.join(map(repr, get_args(Language)))}, not {language!r}"
            )
        self.explanation = explanation
        self.language = language
        if exercise not in (True, False, "local"):
            raise ArgumentError(f"exercise is True, False or 'local', not {exercise!r}")
        self.exercise = exercise
        self.about = about

    @cached_property
    def _data(self) -> PageData:
        return PageData(self.explanation)

    @property
    def _task(self) -> Task:
        return "local" if self.exercise == "local" else "lines"

    @property
    def lines(self) -> list[str]:
        """The backward lines that a reader can be asked to write, in their order.

        In an exercise in local gradients they are those whose local gradient is asked for.
        """
        return [
            f"{line['target']} {line['operator']} {line['expression']}"
            for line in self._data.asked(self._task)
        ]

    def result(self, code: str) -> Result:
        """Read the code that the page shows for what its reader has written.

        Raises:
            ArgumentError: the code is damaged, or of another exercise.
        """
        found = read_result(code)
        if found.exercise != self._data.json["exercises"][self._task]:
            raise ArgumentError(f"the result code is not of {self.explanation.title}")
        return found

    @cached_property
    def html(self) -> str:
        """The whole file."""
        e = self.explanation
        data = self._data
        about = None if self.about is None else asdict(self.about)
        practise = self._task if self.exercise else None
        choices = {"language": self.language, "practise": practise, "about": about}
        shown = as_json({**data.json, **choices})
        title = e.title if self.about is None else self.about.title[self.language]
        still = e._repr_svg_() or "" if self.exercise else e._repr_html_()
        program = data.script.source if data.script else "null"
        return f"""\
<!DOCTYPE html>
<html lang="{self.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_static("page.css")}</style>
</head>
<body>
<div id="page"></div>
<noscript>
{still}</noscript>
<script type="application/json" id="data">{shown}</script>
<script>window.chainruleProgram = {program};</script>
<script>{_static("page.js")}</script>
</body>
</html>
"""

    def save(self, path: str | Path) -> None:
        """Write the page to a file.

        Raises:
            ArgumentError: its name does not end in .html.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ArgumentError(f"a page is saved as .html, not as {path.name!r}")
        path.write_text(self.html, encoding="utf-8")

    def __repr__(self) -> str:
        return f"<page of {self.explanation.title}>"

    def _repr_html_(self) -> str:
        """Show it in a frame of its own: its styles and scripts are not the notebook's."""
        return (
            f'<iframe srcdoc="{escape(self.html)}" sandbox="allow-scripts allow-downloads" '
            f'title="{escape(self.explanation.title)}" '
            'style="width:100%;height:720px;border:0;border-radius:8px"></iframe>'
        )


@cache
def _static(name: str) -> str:
    return (files("chainrule.page") / "static" / name).read_text(encoding="utf-8")
