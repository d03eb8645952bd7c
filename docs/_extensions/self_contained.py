"""No page loads anything from another host: the documentation is read without the network.

Checked when the pages are built. Links, which a reader follows or not, may lead anywhere.
"""

import re
from html.parser import HTMLParser
from pathlib import Path

from sphinx.util import logging

log = logging.getLogger(__name__)

#: What the browser loads by itself, and from which attribute.
LOADED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
#: Kinds of `<link>` that name a page and load nothing.
NAMES_A_PAGE = {"canonical", "alternate", "author", "help", "license", "next", "prev", "search"}

OUTSIDE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.I)
IN_STYLE = re.compile(r"(?:@import\s+(?:url\()?|url\()\s*['\"]?([^'\")\s;]+)", re.I)


class Page(HTMLParser):
    """Collects what a page loads."""

    def __init__(self):
        super().__init__()
        self.loaded, self._style = [], False

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self._style = tag == "style"
        if tag == "link" and NAMES_A_PAGE.intersection((found.get("rel") or "").split()):
            return
        self.loaded += [found[name] for name in LOADED.get(tag, ()) if found.get(name)]
        self.loaded += IN_STYLE.findall(found.get("style") or "")

    def handle_data(self, data):
        if self._style:
            self.loaded += IN_STYLE.findall(data)

    def handle_endtag(self, tag):
        self._style = False


def outside(path):
    """Return what a page or a style sheet loads from another host."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".css":
        loaded = IN_STYLE.findall(text)
    else:
        page = Page()
        page.feed(text)
        loaded = page.loaded
    return sorted({address for address in loaded if OUTSIDE.match(address)})


def check(app, exception):
    if exception is None and app.builder.format == "html":
        for path in sorted(Path(app.outdir).rglob("*")):
            if path.suffix in {".html", ".css", ".svg"}:
                for address in outside(path):
                    log.warning("%s loads %s", path.relative_to(app.outdir), address)


def setup(app):
    app.connect("build-finished", check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
