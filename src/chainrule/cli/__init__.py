"""The command ``chainrule``: explain, check and review a function in a file."""

from chainrule.cli.app import main

__all__ = ["main"]
