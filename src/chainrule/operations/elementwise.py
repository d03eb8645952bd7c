"""Operations on every entry alone, all in one place for those who name them."""

from chainrule.core.complex_parts import *  # noqa: F403
from chainrule.operations.arithmetic import *  # noqa: F403
from chainrule.operations.choices import *  # noqa: F403
from chainrule.operations.exponential import *  # noqa: F403
from chainrule.operations.number_parts import *  # noqa: F403
from chainrule.operations.powers import *  # noqa: F403
from chainrule.operations.trigonometric import *  # noqa: F403
