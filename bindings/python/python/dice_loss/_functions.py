"""What the functions of the losses do, whichever loss it is."""

from __future__ import annotations

import functools
from typing import Unpack

from numpy.typing import ArrayLike

from ._arrays import Array
from ._settings import Counted
from ._spec import Reduction
from .compounds import Compound
from .objective import Objective, Value
from .terms import Term


def evaluated(
    loss: Term | Compound,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Reduction,
    **counted: Unpack[Counted],
) -> tuple[Value, Array]:
    """The value and gradient of a loss that says everything itself."""
    return _objective(loss, reduction).loss_and_gradient(logits, target, **counted)


@functools.lru_cache(maxsize=128)
def _objective(loss: Term | Compound, reduction: Reduction) -> Objective:
    return Objective(loss, reduction=reduction)
