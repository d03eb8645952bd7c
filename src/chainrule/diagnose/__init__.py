"""Why a network does not learn, by layer and by line.

`diagnose` looks at a model, its loss and its data, tries some steps, and says what is wrong in
plain words, with the numbers, and what to do about it.

To be read in this order: findings (what can be found), diagnose and examine (in which order it is
looked for), probe (one run, by layer), then the searches: data, probabilities and losses (with
outputs), start, units (with spread, samples of entries), precision, wrong, steps with trial (by a
learner, a copy that is trained), heart; report (how it is said), plots. `Monitor` watches a
training loop from inside; watched is what it makes of its numbers.
"""

from chainrule.diagnose.diagnose import diagnose
from chainrule.diagnose.findings import KINDS, Finding
from chainrule.diagnose.monitor import Monitor
from chainrule.diagnose.report import Report

__all__ = ["KINDS", "Finding", "Monitor", "Report", "diagnose"]
