"""From sums to the loss, in torch."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .._plain import evaluation
from .._plain.evaluation import Evaluation, evaluate
from .._plain.objective import Integrand, Objective, Term, integrands, objective
from . import _namespace as xp
from ._plain import voxel_losses

__all__ = [
    "Evaluation",
    "Moments",
    "Objective",
    "Term",
    "evaluate",
    "integrands",
    "objective",
    "soft_dice",
    "voxel_losses",
]


class Moments(evaluation.Moments):
    """Sums (R, K, C) by name, and which classes were annotated in a row (R, C)."""

    def __init__(
        self,
        columns: Sequence[Integrand],
        data: Tensor,
        valid: Tensor | None = None,
        class_weights: Tensor | None = None,
    ) -> None:
        super().__init__(xp, columns, data, valid, class_weights=class_weights)


def soft_dice(moments: Moments, activation: str) -> Tensor:
    """(C): 2Σpg / (Σp + Σg), a mean over the rows that have the class; NaN if none has it."""
    dice: Tensor = evaluation.soft_dice(moments, activation)
    return dice
