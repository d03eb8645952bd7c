"""What the documentation refers to exists."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])

#: Where a file that is named in prose may be: `core/node.py` is in the package.
FOLDERS = (ROOT, ROOT / "src", ROOT / "src" / "chainrule")

#: What follows is about files that are still to come.
PLANS = "## Where things go next"


def page_name(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_files_that_are_named_exist(page):
    text = page.read_text(encoding="utf-8").partition(PLANS)[0]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    named = re.findall(r"`((?:[\w.-]+/)+[\w-]+\.py)`", prose)
    missing = [name for name in named if not any((folder / name).exists() for folder in FOLDERS)]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_code_that_is_quoted_stands_in_its_file(page):
    text = page.read_text(encoding="utf-8")
    quoted = re.findall(
        r"^```{code-block} python\n:caption: (\S+)\n\n(.*?)^```$", text, re.M | re.S
    )
    for name, code in quoted:
        source = (ROOT / "src" / "chainrule" / name).read_text(encoding="utf-8")
        assert code in source, name


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_within_the_repository_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", text)
    assert not [target for target in targets if not (page.parent / target).exists()]


def test_the_page_of_what_is_differentiated_is_up_to_date():
    script = runpy.run_path(str(ROOT / "docs" / "make_support.py"))
    written = (ROOT / "docs" / "support.md").read_text(encoding="utf-8")
    if script["header"]() not in written:
        pytest.skip("it is of other versions of NumPy and SciPy")
    assert script["page"]() == written, "run python docs/make_support.py"
