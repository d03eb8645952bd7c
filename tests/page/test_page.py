"""A page as a file: what is in it, where it may be written, and what it refuses."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import main
from chainrule.errors import ArgumentError

LARGEST = 400_000  # bytes of a page without its data


def f(x: Any, y: Any) -> Any:
    q = x * y
    z = np.exp(q)
    return z


def data_of(html: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert found is not None
    return json.loads(found[1])


def test_it_is_one_file_that_loads_nothing() -> None:
    html = cr.explain(f, 1.0, 2.0).page().html
    assert len(html.encode()) < LARGEST
    assert "default-src 'none'" in html
    assert not re.search(
        r'(?:src|href)="(?!data:)', html.split('<script type="application/json"')[0]
    )
    assert "<svg" in html.partition("<noscript>")[2].partition("</noscript>")[0]


def test_its_data_is_the_explanation() -> None:
    data = data_of(cr.explain(f, 1.0, 2.0).page("ru").html)
    assert data["language"] == "ru"
    assert [x["name"] for x in data["inputs"]] == ["x", "y"]
    assert [g["name"] for g in data["groups"]] == ["q", "z"]
    assert data["live"]
    lines = [line for line in data["lines"] if line.get("backward")]
    assert [line["target"] for line in lines] == ["dq", "dx", "dy"]


def test_it_is_saved_as_html(tmp_path: Path) -> None:
    page = cr.explain(f, 1.0, 2.0).page()
    page.save(tmp_path / "f.html")
    assert (tmp_path / "f.html").read_text(encoding="utf-8") == page.html
    with pytest.raises(ArgumentError, match=r"saved as \.html"):
        page.save(tmp_path / "f.svg")
    with pytest.raises(ArgumentError, match="'en' or 'ru'"):
        cr.explain(f, 1.0, 2.0).page("de")


def test_a_notebook_shows_it_in_a_frame() -> None:
    shown = cr.explain(f, 1.0, 2.0).page()._repr_html_()
    assert shown.startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
    assert 'sandbox="allow-scripts' in shown


@pytest.mark.parametrize(
    ("g", "args"),
    [
        (lambda x: x, (2.0,)),  # no gate
        (lambda x: 3.0, (2.0,)),  # which depends on nothing
        (lambda x: np.sum(np.abs(np.fft.fft(x))), (np.arange(4.0),)),  # complex numbers inside
        (lambda x, n, kind: x**n, (2.0, 3, "sum")),  # what is not a float
        (lambda p: np.sum(p["W"] @ p["b"]), ({"W": np.eye(2), "b": np.ones(2)},)),  # a tree
        (lambda x: np.sum(x**2), (np.ones(20_000),)),  # larger than what is shown
        (lambda x: np.sum(x * np.inf), (np.array([0.0, 1.0]),)),  # NaN
    ],
)
def test_every_run_has_a_page(g: Any, args: Any) -> None:
    data = data_of(cr.explain(g, *args).page().html)
    assert len(data["inputs"]) >= 1


def test_a_loop_is_one_box() -> None:
    def decay(x: Any) -> Any:
        for _ in range(40):
            x = x - 0.1 * x * x
        return x

    data = data_of(cr.explain(decay, 0.5).page().html)
    assert [g["loop"] for g in data["groups"]] == [True]
    assert data["live"]
    (turns,) = data["series"]
    assert turns["turns"] == list(range(40))
    assert turns["vertex"] == data["groups"][0]["vertices"][0]
    assert all("place" in data["values"][k] for k in turns["values"] + turns["gradients"])


def test_the_command_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    Path("model.py").write_text("def f(x, y):\n    q = x * y\n    return q\n")
    at = ["--at", "x=1", "--at", "y=2"]
    assert (
        main(["explain", "model.py:f", *at, "--page", "f.html", "--language", "ru", "--open"]) == 0
    )
    assert opened == [(tmp_path / "f.html").as_uri()]
    assert data_of(Path("f.html").read_text(encoding="utf-8"))["language"] == "ru"
    for wrong in (["--page", "f.png"], ["--open"], ["--page", "f.html", "--language", "fr"]):
        assert main(["explain", "model.py:f", *at, *wrong]) == 2
    assert ".html" in capsys.readouterr().err


def test_a_run_that_an_error_ended_is_shown_up_to_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(
        "import math\ndef f(x):\n    q = x - 3.0\n    r = math.log(q)\n    return r * r\n"
    )
    options = ["--page", "f.html", "--svg", "f.svg", "--save", "g.py"]
    assert main(["explain", "m.py:f", "--at", "x=1.0", *options]) == 2
    said = capsys.readouterr()
    assert "wrote f.html: the run up to the error" in said.out
    assert "math domain error" in said.err
    assert sorted(p.name for p in Path().glob("[fg].*")) == ["f.html", "f.svg"]
    data = data_of(Path("f.html").read_text(encoding="utf-8"))
    assert "math domain error" in data["error"]
    assert data["live"]
    texts = {line["text"].strip(): line for line in data["lines"]}
    assert texts["r = math.log(q)"]["fails"]
    assert texts["q = x - 3.0"]["vertex"] == 1
    assert [lead["source"] for lead in data["vertices"][-1]["leads"]] == [1]
    # Without the source there are the lines that made something.
    scope: dict[str, Any] = {}
    exec("def g(x):\n    h = x * 2.0\n    return h[3]\n", scope)
    lines = data_of(cr.explain_failure(scope["g"], np.ones(2)).page().html)["lines"]
    assert [line.get("fails") for line in lines] == [None, True]


def test_lines_that_the_page_cannot_judge_are_not_left_out() -> None:
    def ordered(x: Any) -> Any:
        a = x * 2.0
        b = np.partition(a, 1)
        return np.sum(b * b)

    page = cr.explain(ordered, np.array([3.0, 1.0, 2.0])).page(exercise=True)
    assert page.lines == []


def test_a_result_code_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = cr.explain(f, 1.0, 2.0).page(exercise=True)
    assert [line.split()[0] for line in page.lines] == ["dq", "dx", "dy"]
    data = data_of(page.html)
    assert data["practise"] == "lines"
    text = f"cr1-{data['exercises']['lines']}-101-2"
    code = f"{text}-{zlib.crc32(text.encode()):08x}"
    assert page.result(f" {code}\n")[1:] == ((True, False, True), 2)
    with pytest.raises(ArgumentError, match="damaged"):
        page.result(code.replace("-101-", "-111-"))
    with pytest.raises(ArgumentError, match="not a result code"):
        page.result("dq = z")
    with pytest.raises(ArgumentError, match="is not of"):
        cr.explain(lambda a: a * a, 1.0).page().result(code)
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(
        "import numpy as np\ndef f(x, y):\n    q = x * y\n    z = np.exp(q)\n    return z\n"
    )
    given = ["exercise", "m.py:f", "--at", "x=1", "--at", "y=2"]
    assert main([*given, "--page", "homework.html"]) == 0
    assert data_of(Path("homework.html").read_text(encoding="utf-8"))["practise"] == "lines"
    assert main([*given, "--read", code]) == 1
    out = capsys.readouterr().out
    assert "3 lines to be written" in out
    assert "missing  dx = " in out
    assert "2 of 3 lines right, 2 hints taken" in out
    # The code of one task is not that of another.
    assert main([*given, "--local", "--read", code]) == 2
    assert main([*given, "--local", "--page", "homework.html"]) == 0
    local = data_of(Path("homework.html").read_text(encoding="utf-8"))
    assert local["practise"] == "local"
    text = f"cr1-{local['exercises']['local']}-111-0"
    assert main([*given, "--local", "--read", f"{text}-{zlib.crc32(text.encode()):08x}"]) == 0
    assert "3 local gradients to be written" in capsys.readouterr().out
    assert main([*given, "--read", "cr1-oops"]) == 2
    assert main(given) == 2
