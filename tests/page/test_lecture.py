"""The lecture as live pages: all of them, in both languages, linked with one another."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import get_args

from chainrule.page import Language

from .test_page import LARGEST, data_of

SCRIPT = Path(__file__).parents[2] / "docs" / "make_lecture.py"


def test_the_pages_of_the_lecture(tmp_path: Path) -> None:
    lecture = runpy.run_path(str(SCRIPT))
    for _, title, text in lecture["TEXTS"]:
        assert set(title) == set(text) == set(get_args(Language))
        assert len({len(paragraphs) for paragraphs in text.values()}) == 1
    *pages, index = lecture["build"](tmp_path / "lecture")
    assert len(pages) == 7
    linked = set(re.findall(r'href="([^"]+)"', index.read_text(encoding="utf-8")))
    assert linked == {page.name for page in pages}
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert len(html.encode()) < LARGEST
        data = data_of(html)
        assert data["live"]
        assert data["missing"] == []
        links = [data["about"][key] for key in ("home", "previous", "next")]
        assert all((page.parent / link).exists() for link in links if link)
