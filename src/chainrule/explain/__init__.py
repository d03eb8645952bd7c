"""Numbers beside the code, the graph as a picture, and the review of hand-written backprop.

In the order in which to read it:

- ``explanation`` is what the user gets: ``annotated``, the staged code with the numbers of one run,
  and ways to show it;
- ``failure`` is the same for a run that an error ended, ``pictured`` what both can be shown as;
- ``text`` writes the lines, made of ``spans`` with a style at both ``margins``, ``numbers`` what
  stands in them; ``turns`` are what lines of a loop gave in each turn, ``looped`` writes them;
- ``observation`` is the run as the searches for trouble see it: ``findings``, which go by
  ``measures`` and say its texts, ``non_finite``,
  ``through_time`` (gradients over the turns of a loop), and ``activations``, which finds sigmoids
  and ReLUs however they are written;
- ``circuit`` is the graph as it is drawn, ``dot`` writes it for Graphviz; ``glyphs`` are its signs,
  ``layout`` finds their places, ``drawing`` puts the picture together, ``svg`` writes it, ``html``
  a page with picture and text;
- ``reviews`` is a room of its own: hand-written backprop compared with the true gradients.
"""

from __future__ import annotations

from chainrule.explain.explanation import Explanation, explain
from chainrule.explain.failure import Failure, explain_failure
from chainrule.explain.observation import Finding
from chainrule.explain.reviews.review import Review, review

__all__ = [
    "Explanation",
    "Failure",
    "Finding",
    "Review",
    "explain",
    "explain_failure",
    "review",
]
