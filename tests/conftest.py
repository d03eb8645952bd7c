"""Leaves out what needs what is not here, and says so: other libraries, a browser, Node."""

import gc
import shutil
import signal
from importlib.util import find_spec

MISSING = [name for name in ("jax", "torch") if find_spec(name) is None]
NO_BROWSER = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
NO_BROWSER += [name for name in ("selenium",) if find_spec(name) is None]

collect_ignore = ["peers"] if MISSING else []
if NO_BROWSER:
    collect_ignore.append("page/test_browser.py")


# A shell's background jobs ignore Ctrl-C, and hand that on to what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header():
    left_out = []
    if MISSING:
        missing = " and no ".join(MISSING)
        left_out.append(f"tests/peers is left out: no {missing} here (make peers installs it)")
    if NO_BROWSER:
        missing = " and no ".join(NO_BROWSER)
        left_out.append(f"tests/page/test_browser.py is left out: no {missing} here")
    if shutil.which("node") is None:
        left_out.append("the arithmetic of pages is not tested: no node here")
    return left_out


def pytest_collection_finish():
    """Keep the collector out of the tests themselves: that is a seventh of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
