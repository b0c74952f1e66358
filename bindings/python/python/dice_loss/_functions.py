"""What the functions of the losses do, whichever loss it is."""

from __future__ import annotations

import functools
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from . import _core, _direct
from ._arrays import Array, Lent, view
from ._settings import Counted
from ._spec import Reduction
from ._threads import get_num_threads
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


def direct(spec: str, batch: Lent) -> tuple[Value, Array]:
    """The value, or for reduction "none" the values, and gradient of a loss beside the
    objective."""
    gradient = batch.gradient()
    threads, out = get_num_threads(), view(gradient)
    loss, values, shape = _core.direct(spec, *batch.views, batch.options, threads, None, out)
    if _direct.read(spec).reduction == "none":
        return np.array(values).reshape(shape), gradient
    return loss, gradient
