"""Generalized Dice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from . import _voxels
from ._overlap import L1, PRODUCT, OverlapLoss
from ._voxels import Voxels


class GeneralizedDiceLoss(OverlapLoss):
    """Generalized Dice loss: 1 − (2 Σ_k w_k tp_k + nr) / (Σ_k w_k (Σp_k + Σg_k) + dr).

    One ratio for all classes k of a sample, tp = Σpg, in which small classes weigh more. Range
    [0, 1] for probabilities. Paper: Sudre et al. 2017, https://arxiv.org/abs/1707.03237.

    Quirk: a class without reference weighs as much as the smallest one that has some. Quirk: where
    no class has any, the loss is 1 − nr / dr, whatever the prediction, without gradient.

    Args:
        include_background: see `DiceLoss`, as all that follow but these:
        w_type: how a class weighs by the size G = Σg of its reference: `"square"`, 1/G²;
            `"simple"`, 1/G; `"uniform"`, 1.
        reduction: `"mean"`, `"sum"`, or `"none"` for (N, 1, 1, …), with `batch` (1, 1, …).

    Raises:
        TypeError, ValueError, AssertionError, RuntimeError: as `DiceLoss`; ValueError for an
            unknown `w_type`.
    """

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[..., Any] | None = None,
        w_type: str = "square",
        reduction: str = "mean",
        smooth_nr: float = 1e-5,
        smooth_dr: float = 1e-5,
        batch: bool = False,
        soft_label: bool = False,
    ) -> None:
        super().__init__(
            include_background,
            to_onehot_y,
            sigmoid,
            softmax,
            other_act,
            reduction,
            smooth_nr,
            smooth_dr,
            batch,
        )
        if w_type not in ("square", "simple", "uniform"):
            raise ValueError(f"w_type: found {w_type!r}, wanted 'square', 'simple' or 'uniform'")
        self.w_type = str(getattr(w_type, "value", w_type))
        self.soft_label = soft_label

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `GeneralizedDiceLoss`."""
        voxels = self.voxels(input, target, self.to_onehot_y)
        return self.of_sums(voxels.measure(self.names), voxels).to(voxels.dtype)

    @property
    def names(self) -> tuple[str, ...]:
        """The sums that the loss is made of."""
        return L1 if self.soft_label else PRODUCT

    def of_sums(self, sums: dict[str, Tensor], voxels: Voxels) -> Tensor:
        """The loss of sums over the voxels."""
        both, prediction, reference = self.overlap(sums, self.names, voxels)
        weight = self._weights(reference)
        both = (weight * both).sum(-1, keepdim=True)
        sizes = (weight * (prediction + reference)).sum(-1, keepdim=True)
        loss = 1 - (2 * both + self.smooth_nr) / (sizes + self.smooth_dr)
        return _voxels.reduced(loss, self.reduction, [*loss.shape, *voxels.ones])

    def _weights(self, size: Tensor) -> Tensor:
        if self.w_type == "uniform":
            return torch.ones_like(size)
        weight = 1 / (size * size if self.w_type == "square" else size)
        largest = torch.where(weight.isinf(), 0.0, weight).amax(-1, keepdim=True)
        return torch.where(weight.isinf(), largest, weight)
