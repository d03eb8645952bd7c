"""The command ``chainrule``: functions in files explained and checked, networks for tables."""

from chainrule.cli.app import main

__all__ = ["main"]
