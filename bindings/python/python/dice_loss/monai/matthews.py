"""Matthews correlation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from . import _voxels
from ._overlap import PRODUCT, OverlapLoss


class MCCLoss(OverlapLoss):
    """Matthews correlation loss: 1 − (tp tn − fp fn + nr) / √((tp+fp)(tp+fn)(tn+fp)(tn+fn) + dr).

    tp = Σpg, fp = Σp − tp, fn = Σg − tp, tn = Σ(1 − p)(1 − g), of each class of each sample; 0
    where fp = fn = 0. Range [0, 2] for probabilities; NaN where the root has none. Paper: Abhishek
    and Hamarneh 2021, https://arxiv.org/abs/2010.13454.

    Quirk: `reduction="none"` gives (N, C), or (C) with `batch`, without axes for the voxels.

    Args:
        include_background: see `DiceLoss`, as all others.

    Raises:
        TypeError, ValueError, AssertionError, RuntimeError: as `DiceLoss`.
    """

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[..., Any] | None = None,
        reduction: str = "mean",
        smooth_nr: float = 0.0,
        smooth_dr: float = 1e-5,
        batch: bool = False,
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

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `MCCLoss`."""
        voxels = self.voxels(input, target, self.to_onehot_y)
        sums = voxels.measure((*PRODUCT, "voxels"))
        tp, prediction, reference = self.overlap(sums, PRODUCT, voxels)
        count = self.pooled(sums["voxels"][:, voxels.first :], voxels)
        fp, fn = prediction - tp, reference - tp
        tn = count - prediction - fn
        perfect = (fp == 0) & (fn == 0)
        product = prediction * reference * (tn + fp) * (tn + fn) + self.smooth_dr
        correlation = (tp * tn - fp * fn + self.smooth_nr) / torch.where(perfect, 1, product).sqrt()
        loss = torch.where(perfect, 0.0, 1 - correlation)
        return _voxels.reduced(loss, self.reduction, [*loss.shape]).to(voxels.dtype)
