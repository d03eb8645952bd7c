"""An explanation as a page: one changes the inputs, steps through both passes, and writes lines.

In the order in which to read it:

- ``replay`` is the run again as one graph: every value, every gradient and every local gradient,
  for other inputs, too;
- ``encoding`` writes values as JSON, ``lines`` the code, ``data`` all that the page shows;
- ``watch`` says what goes wrong, for other inputs, too;
- ``exercise`` chooses the lines that are left to the reader, and reads result codes;
- ``page`` is the file: the data, the graph as JavaScript (`chainrule.native.scripted`), and the
  front end, whose sources are in the folder ``frontend`` of the repository and whose bundle is in
  ``static``.
"""

from __future__ import annotations

from chainrule.page.exercise import Result, read_result
from chainrule.page.page import About, Language, Page

__all__ = ["About", "Language", "Page", "Result", "read_result"]
