"""Errors weighed by their distance from the border."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..terms import HausdorffDT
from . import _voxels
from ._mapped import MappedLoss


class HausdorffDTLoss(MappedLoss):
    """Hausdorff loss by distance transforms: the mean of (p − g)² (d_p^α + d_g^α).

    d_p and d_g are the distances of a voxel to the border of the prediction, p > ½, and of the
    target, g > ½, in voxels: on either side to the nearest voxel of the other. A prediction or
    target that is empty, or full, has distances of 0. No gradient passes through them. Range: at
    least 0. Paper: Karimi and Salcudean 2019, https://arxiv.org/abs/1904.10030.

    Distances are made on the CPU, of all channels at once. With spacing, `HausdorffDTLoss` of
    `dice_loss.torch` has them.

    Args:
        alpha: α.
        include_background: whether channel 0 takes part.
        to_onehot_y: the target holds labels, (N, 1, spatial…).
        sigmoid: p is the sigmoid of the input.
        softmax: p is the softmax of the input over the channels.
        other_act: p is what this function makes of the input.
        reduction: `"mean"`, `"sum"`, or `"none"` for (N, C, 1, …), with `batch` (1, C, 1, …).
        batch: one mean for each class, over the batch.

    Raises:
        TypeError: `other_act` is no callable.
        ValueError: two activations; an unknown reduction; an input that is no image or volume; a
            dense target outside [0, 1].
        AssertionError: a target of another shape than the input.
        RuntimeError: a label that names no class.
    """

    def __init__(
        self,
        alpha: float = 2.0,
        include_background: bool = False,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[..., Any] | None = None,
        reduction: str = "mean",
        batch: bool = False,
    ) -> None:
        super().__init__(
            include_background, to_onehot_y, sigmoid, softmax, other_act, reduction, batch
        )
        self.alpha = alpha

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `HausdorffDTLoss`."""
        term = HausdorffDT(alpha=float(self.alpha), absent="formula")
        values, voxels = self.values(input, target, term)
        if self.batch:
            values = values.mean(0, keepdim=True)
        shape = [*values.shape, *voxels.ones]
        return _voxels.reduced(values, self.reduction, shape).to(voxels.dtype)


class LogHausdorffDTLoss(HausdorffDTLoss):
    """ln(1 + L) of the loss L of `HausdorffDTLoss`, after the reduction."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `LogHausdorffDTLoss`."""
        return torch.log(super().forward(input, target) + 1)
