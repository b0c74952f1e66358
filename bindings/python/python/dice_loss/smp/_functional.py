"""`dice_loss.smp.functional` by the name that it has in SMP."""

from .functional import *  # noqa: F403
from .functional import __all__ as __all__
