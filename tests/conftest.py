"""Leaves out the comparisons with other libraries where these are not installed, and says so."""

from importlib.util import find_spec

MISSING = [name for name in ("jax", "torch") if find_spec(name) is None]

collect_ignore = ["peers"] if MISSING else []


def pytest_report_header():
    if MISSING:
        return (
            f"tests/peers is left out: no {' and no '.join(MISSING)} here (make peers installs it)"
        )
    return None
