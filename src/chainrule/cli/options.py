"""The options that the commands share, and how their help is laid out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli.faults import Fault

__all__ = [
    "Argnums",
    "At",
    "Hand",
    "Open",
    "PageLanguage",
    "Static",
    "Target",
    "Traceback",
    "check_page",
    "file_option",
    "prose",
]

Target = Annotated[
    str,
    typer.Argument(
        metavar="FILE.py:FUNCTION", show_default=False, help="The function, and the file it is in."
    ),
]
Hand = Annotated[
    str,
    typer.Argument(
        metavar="FILE.py:HAND",
        show_default=False,
        help="Your own forward and backward pass, which stores gradients as dNAME.",
    ),
]
At = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="NAME=VALUE",
        show_default=False,
        help="Value of an argument to differentiate by: a number, [bold]x=3[/] (taken as 3.0); "
        "an array in JSON, [bold]W='\\[\\[1, 2], \\[3, 4]]'[/]; an object of arrays in JSON; or a "
        "file, [bold]W=@W.npy[/].",
    ),
]
Static = Annotated[
    list[str] | None,
    typer.Option(
        "--static",
        metavar="NAME=VALUE",
        show_default=False,
        help="Value of any other argument, passed on as it is: [bold]n=5[/] is the int 5, "
        "[bold]kind=relu[/] a string, [bold]labels=@labels.npy[/] an array.",
    ),
]
Argnums = Annotated[
    str | None,
    typer.Option(
        "--argnums",
        metavar="NAMES",
        show_default=False,
        help="Differentiate by these alone: names or positions, [bold]W1,b1[/] or [bold]0,2[/].",
    ),
]
Traceback = Annotated[
    bool,
    typer.Option("--traceback", metavar=" ", help="Show the traceback of an error in your code."),
]


PageLanguage = Annotated[
    str, typer.Option("--language", metavar="en|ru", help="In which the page speaks at first.")
]
Open = Annotated[bool, typer.Option("--open", metavar=" ", help="Open the page in a browser.")]


def check_page(page: Path | None, open_page: bool) -> None:
    """Make sure that the options of a page go together."""
    if open_page and page is None:
        raise Fault("--open shows a page: write --page FILE.html --open")
    if page is not None and page.suffix.lower() not in (".html", ".htm"):
        raise Fault(f"--page {page}: a page is an .html file")


def file_option(option: str, help: str) -> Any:
    """Declare an option that names a file to write."""
    # It is to be written: typer would ask whether it can be read.
    return typer.Option(option, metavar="FILE", show_default=False, readable=False, help=help)


def prose(command: Callable[..., Any]) -> str:
    """Return a docstring with the line breaks inside its paragraphs taken out."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.getdoc(command) or "")
