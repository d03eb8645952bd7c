"""Numbers beside the code, the graph as a picture, and the review of hand-written backprop."""

from __future__ import annotations

from chainrule.explain.explanation import Explanation, explain
from chainrule.explain.observed import Finding
from chainrule.explain.reviews.review import Review, review

__all__ = ["Explanation", "Finding", "Review", "explain", "review"]
