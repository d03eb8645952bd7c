"""The commands and their options. What they do is said by the modules beside this one."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.markup import escape

import chainrule
from chainrule.cli.binding import bind
from chainrule.cli.faults import Fault, reason, user_code
from chainrule.cli.files import writing, written
from chainrule.cli.networks import commands as networks
from chainrule.cli.options import (
    Argnums,
    At,
    Hand,
    Open,
    PageLanguage,
    Static,
    Target,
    Traceback,
    check_page,
    file_option,
    prose,
)
from chainrule.cli.target import find, loaded, split
from chainrule.cli.values import read
from chainrule.errors import ArgumentError

__all__ = ["main"]

#: What the command line is called for; bad options end in its own usage error.
_UsageError: type[Any] = typer.BadParameter.__bases__[0]

#: Commands that are given values of arguments.
_WITH_VALUES = ("explain", "exercise", "check", "review")

_F = TypeVar("_F", bound=Callable[..., int])

app = typer.Typer(
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _command(example: str) -> Callable[[_F], _F]:
    """Make a function a command, its docstring the help, with an example at the end."""

    def declare(function: _F) -> _F:
        epilog = f"Example: [bold]{escape(example)}[/]"
        app.command(help=prose(function), epilog=epilog)(function)
        return function

    return declare


@app.callback(
    invoke_without_command=True,
    epilog="Example: [bold]chainrule explain examples/lecture.py:staged --at x=3 --at y=-4[/]",
)
def _chainrule(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
) -> None:
    """Backpropagation that shows its work.

    The gradient of a plain NumPy function as code that you can read, with a number on every line.
    """
    if version:
        typer.echo(f"chainrule {chainrule.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@_command(example="chainrule explain net.py:loss --at W=@W.npy --at 'b=[0, 0]'")
def explain(
    function: Target,
    at: At = None,
    static: Static = None,
    argnums: Argnums = None,
    svg: Annotated[Path | None, file_option("--svg", "Draw the graph, as SVG.")] = None,
    dot: Annotated[
        Path | None, file_option("--dot", "Write the graph as Graphviz DOT text.")
    ] = None,
    save: Annotated[Path | None, file_option("--save", "Write the gradient as a module.")] = None,
    page: Annotated[
        Path | None, file_option("--page", "Write it as a live page, one HTML file.")
    ] = None,
    language: PageLanguage = "en",
    open_page: Open = False,
    traceback: Traceback = False,
) -> int:
    """Show a function's gradient as code, with a number on every line.

    Each stage of the function and of its gradient stands beside its value, the local gradient and
    the upstream gradient. What goes wrong (saturated units, dead ReLUs, vanishing gradients, NaN)
    is pointed out at the line. Where the function raises an error, pictures and page show the way
    up to there.
    """
    path, name = split(function)
    values = read(at, static)
    options = _distinct({"--svg": svg, "--dot": dot, "--save": save, "--page": page})
    check_page(page, open_page)
    with ExitStack() as stack:
        opened = {option: stack.enter_context(ExitStack()) for option in options}
        drafts = {
            option: opened[option].enter_context(written(option, file, (path,)))
            for option, file in options.items()
        }
        module = stack.enter_context(loaded(path, traceback))
        call = bind(find(module, name), name, values, argnums)
        try:
            with user_code(traceback):
                explanation = chainrule.explain(call.function, *call.args, argnums=call.argnums)
        except Fault:
            for option in _draw_failure(call, drafts, language):
                opened[option].close()
                typer.echo(f"wrote {options[option]}: the run up to the error")
            raise
        write: dict[str, Callable[[Path], object]] = {
            "--svg": lambda file: file.write_text(explanation.svg(), encoding="utf-8"),
            "--dot": lambda file: file.write_text(explanation.dot(), encoding="utf-8"),
            "--save": explanation.staged.save,
            "--page": lambda file: file.write_text(
                _page(explanation, language).html, encoding="utf-8"
            ),
        }
        for option, draft in drafts.items():
            with writing(option, options[option]):
                write[option](draft)
    _show(explanation)  # at last: a reader that stops early must not cost the files
    for file in options.values():
        typer.echo(f"wrote {file}")
    if open_page and page is not None:
        webbrowser.open(page.resolve().as_uri())
    return 0


@_command(example="chainrule exercise net.py:loss --at 'W=[1, 2]' --page homework.html")
def exercise(
    function: Target,
    at: At = None,
    static: Static = None,
    argnums: Argnums = None,
    page: Annotated[
        Path | None, file_option("--page", "Write the exercise, one HTML file.")
    ] = None,
    code: Annotated[
        str | None,
        typer.Option("--read", metavar="CODE", help="Tell what the code of a result says."),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Ask for the local gradients alone.")
    ] = False,
    language: PageLanguage = "en",
    open_page: Open = False,
    traceback: Traceback = False,
) -> int:
    """Let somebody else write a function's backward pass.

    The page shows the forward pass and leaves the backward lines to its reader. Each is judged as
    it is typed, with hints. It shows the result as a code, which [bold]--read[/] takes; the exit
    code is then 1 where a line is not right.
    """
    path, name = split(function)
    if (page is None) == (code is None):
        raise Fault("write either --page FILE.html or --read CODE")
    check_page(page, open_page)
    values = read(at, static)
    with ExitStack() as stack:
        draft = stack.enter_context(written("--page", page, (path,))) if page else None
        module = stack.enter_context(loaded(path, traceback))
        call = bind(find(module, name), name, values, argnums)
        with user_code(traceback):
            explanation = chainrule.explain(call.function, *call.args, argnums=call.argnums)
        task = _page(explanation, language, exercise="local" if local else True)
        if not task.lines:
            raise Fault(f"{name} has no backward line that a page could judge")
        if draft is not None:
            with writing("--page", draft):
                draft.write_text(task.html, encoding="utf-8")
    if page is not None:
        what = "local gradients" if local else "lines"
        typer.echo(f"wrote {page}: {len(task.lines)} {what} to be written")
        if open_page:
            webbrowser.open(page.resolve().as_uri())
        return 0
    try:
        result = task.result(str(code))
    except ArgumentError as error:
        raise Fault(str(error)) from error
    for line, right in zip(task.lines, result.right, strict=True):
        typer.echo(f"{'right  ' if right else 'missing'}  {line}")
    typer.echo(
        f"{sum(result.right)} of {len(result.right)} lines right, {result.hints} hints taken"
    )
    return 0 if all(result.right) else 1


@_command(example="chainrule check net.py:loss --at x=0.5 --static steps=10")
def check(
    function: Target,
    at: At = None,
    static: Static = None,
    argnums: Argnums = None,
    traceback: Traceback = False,
) -> int:
    """Compare a function's gradient with finite differences.

    The exit code is 1 where they differ.
    """
    path, name = split(function)
    values = read(at, static)
    with loaded(path, traceback) as module:
        call = bind(find(module, name), name, values, argnums)
        with user_code(traceback):
            report = chainrule.check_gradient(call.function, *call.args, argnums=call.argnums)
    _show(report)
    return 0 if report else 1


@_command(example="chainrule review my.py:backprop my.py:f --at x=3 --at y=-4")
def review(
    handwritten: Hand,
    function: Target,
    at: At = None,
    static: Static = None,
    argnums: Argnums = None,
    traceback: Traceback = False,
) -> int:
    """Review a hand-written backward pass, line by line.

    Its variables are compared by name with the true values and gradients of the function: den and
    dden, W1 and dW1. The first wrong line is told apart from what follows from it, with the likely
    cause. The exit code is 1 where something is wrong.
    """
    hand_path, hand_name = split(handwritten)
    path, name = split(function)
    values = read(at, static)
    with ExitStack() as stack:
        module = stack.enter_context(loaded(path, traceback))
        hand_module = module
        if not hand_path.samefile(path):
            hand_module = stack.enter_context(loaded(hand_path, traceback))
        hand = find(hand_module, hand_name)
        call = bind(find(module, name), name, values, argnums)
        with user_code(traceback):
            verdict = chainrule.review(hand, call.function, *call.args, argnums=call.argnums)
    _show(verdict)
    return 0 if verdict else 1


_command(example="chainrule train table.csv --target price --save run")(networks.train)
_command(example="chainrule predict run new.csv --output predicted.csv")(networks.predict)
_command(example="chainrule diagnose run --plot layers.png")(networks.diagnose)


def _distinct(options: dict[str, Path | None]) -> dict[str, Path]:
    given = {option: target for option, target in options.items() if target is not None}
    if len({target.resolve() for target in given.values()}) < len(given):
        raise Fault(f"{' and '.join(given)} name the same file")
    return given


def _page(shown: Any, language: str, **options: Any) -> Any:
    try:
        return shown.page(language, **options)
    except ArgumentError as error:
        raise Fault(f"--language {language}: {error}") from error


def _draw_failure(call: Any, drafts: dict[str, Path], language: str) -> list[str]:
    """Draw a run that an error ended, and return the options whose files are written."""
    pictures: list[str] = [option for option in ("--svg", "--dot", "--page") if option in drafts]
    if not pictures:
        return []
    try:
        with user_code():
            failure = chainrule.explain_failure(call.function, *call.args, argnums=call.argnums)
            texts = {"--dot": failure.dot, "--svg": failure.svg}
            for option in pictures:
                text = texts[option]() if option in texts else _page(failure, language).html
                drafts[option].write_text(text, encoding="utf-8")
    except Fault:
        return []  # the error is about the arguments: f was not called, or went well
    return pictures


def _show(result: Any) -> None:
    from rich.console import Console

    Console(highlight=False).print(result)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command ``chainrule`` and return its exit code.

    0: all is well. 1: ``check`` or ``review`` found something wrong. 2: bad input, with one message
    on standard error. 130: interrupted. 141: the reader of the output stopped early (``| head``).
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that knows ASCII alone
    if os.environ.get("COLUMNS", "").strip() == "0":  # a terminal that does not know its width
        del os.environ["COLUMNS"]
    try:
        code = app(list(sys.argv[1:] if argv is None else argv), "chainrule", standalone_mode=False)
        if sys.stdout is not None:  # it was closed: >&-
            sys.stdout.flush()
        return int(code or 0)
    except Fault as fault:
        typer.echo(fault.traceback, nl=False, err=True)
        return _complain(str(fault))
    except _UsageError as error:
        return _complain(_usage(error))
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except (BrokenPipeError, SystemExit):  # where nobody reads, typer and rich leave by SystemExit
        sys.stdout = None  # nothing is left to flush
        return 141
    except OSError as error:  # > /dev/full
        sys.stdout = None
        return _complain(f"the output cannot be written: {reason(error)}")


def _usage(error: Any) -> str:
    message = str(error.format_message())
    command = error.ctx.command_path if getattr(error, "ctx", None) else "chainrule"
    if "unexpected extra argument" in message and command.endswith(_WITH_VALUES):
        message += ". A value is given with --at, in quotes if it has spaces: --at 'W=[[1, 2]]'"
    return f"{message}\n  {command} --help tells more"


def _complain(message: str) -> int:
    typer.echo(f"{typer.style('error:', fg='red', bold=True)} {message}", err=True)
    return 2
