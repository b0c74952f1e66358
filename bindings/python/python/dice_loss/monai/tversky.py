"""Tversky."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from . import _voxels
from ._overlap import L1, PRODUCT, OverlapLoss
from .dice import ignoring


class TverskyLoss(OverlapLoss):
    """Tversky loss: 1 − (tp + nr) / (tp + α fp + β fn + dr), of each class of each sample.

    tp = Σpg, fp = Σp − tp, fn = Σg − tp. Range [0, 1] for probabilities, hard labels and nr ≤ dr.
    Paper: Salehi, Erdogmus and Gholipour 2017, https://arxiv.org/abs/1706.05721.

    Quirk: `reduction="none"` gives (N, C), or (C) with `batch`, without axes for the voxels.
    Quirk: `ignore_index` with several channels, as in `DiceLoss`.

    Args:
        include_background: see `DiceLoss`, as all that follow but these:
        alpha: α, the weight of false positives.
        beta: β, the weight of false negatives.

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
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str = "mean",
        smooth_nr: float = 1e-5,
        smooth_dr: float = 1e-5,
        batch: bool = False,
        soft_label: bool = False,
        ignore_index: int | None = None,
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
        self.alpha = alpha
        self.beta = beta
        self.soft_label = soft_label
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `TverskyLoss`."""
        voxels = ignoring(self.voxels(input, target, self.to_onehot_y), self.ignore_index)
        names = L1 if self.soft_label else PRODUCT
        both, prediction, reference = self.overlap(voxels.measure(names), names, voxels)
        # In this order, since an array of NumPy's multiplies no tensor, but a tensor does an array.
        errors = (prediction - both) * self.alpha + (reference - both) * self.beta
        loss = 1 - (both + self.smooth_nr) / (both + errors + self.smooth_dr)
        return _voxels.reduced(loss, self.reduction, [*loss.shape]).to(voxels.dtype)
