"""Runs the code in Markdown files: `pytest README.md docs`.

A fenced `python` block is run; with `>>>` it is a doctest. A block of `output` or `py` (printed
code) must be what the `python` block before it prints; with UPDATE_DOCS=1 it is rewritten.
"""

import difflib
import importlib.util
import os
import re
from contextlib import redirect_stdout
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from io import StringIO
from pathlib import Path

from sybil import Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

if importlib.util.find_spec("torch") is None:  # pytest --doctest-modules loads every module
    collect_ignore = ["src/chainrule/diagnose/torch"]


class Printing(PythonEvaluator):
    """Runs a block and keeps what it prints."""

    def __call__(self, example):
        example.document.printed = ""
        printed = StringIO()
        with redirect_stdout(printed):
            super().__call__(example)
        example.document.printed = printed.getvalue()


def essence(text):
    """Return what must be equal on every machine: rounding errors differ."""
    # A rounding error in a table of gradients, and the entry at which it is largest.
    return re.sub(r"\b(\d\.\de-1[4-9]|0\.0e\+00)\b.*?(?=  good|$)", "rounding", text, flags=re.M)


def compare(example):
    printed = example.document.printed
    found = "\n".join(line.rstrip() for line in printed.strip().splitlines()) + "\n"
    if essence(found) == essence(example.parsed):
        return None
    if os.environ.get("UPDATE_DOCS"):
        path = Path(example.path)
        text = path.read_text()
        shift = getattr(example.document, "shift", 0)
        at = text.index("\n", example.start + shift) + 1
        path.write_text(text[:at] + found + text[at + len(example.parsed) :])
        example.document.shift = shift + len(found) - len(example.parsed)
        return None
    return "".join(difflib.unified_diff(example.parsed.splitlines(True), found.splitlines(True)))


python = PythonCodeBlockParser(doctest_optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)
python.codeblock_parser = CodeBlockParser("python", Printing())

pytest_collect_file = Sybil(
    parsers=[
        python,
        CodeBlockParser("output", compare),
        CodeBlockParser("py", compare),
        SkipParser(),
    ],
    patterns=["*.md"],
).pytest()
