"""The prediction weighed by its signed distance from the border."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..terms import Boundary
from . import _voxels
from ._mapped import MappedLoss


class BoundaryLoss(MappedLoss):
    """Boundary loss: the mean of p φ, with the signed distance φ to the border of the target.

    Outside the target, g > ½, φ is the distance d to it in voxels; inside, −(d − 1) with the
    distance d to what is outside, so that the voxels along the border have 0. A target that is
    empty, or full, has distances of 0. Range: any number. Paper: Kervadec et al. 2019,
    https://arxiv.org/abs/1812.07032.

    Distances are made on the CPU, of all channels at once. With spacing, `BoundaryLoss` of
    `dice_loss.torch` has them.

    Args:
        include_background: whether channel 0 takes part.
        to_onehot_y: the target holds labels, (N, 1, spatial…) or (N, spatial…).
        sigmoid: p is the sigmoid of the input.
        softmax: p is the softmax of the input over the channels.
        other_act: p is what this function makes of the input.
        reduction: `"mean"`, `"sum"`, or `"none"` for (N, C), with `batch` (C).
        batch: the mean over the batch before the reduction.

    Raises:
        TypeError: `other_act` is no callable.
        ValueError: two activations; an unknown reduction; an input that is no image or volume; a
            dense target outside [0, 1].
        AssertionError: a target of another shape than the input.
        RuntimeError: a label that names no class.
    """

    def __init__(
        self,
        include_background: bool = True,
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

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `BoundaryLoss`."""
        if self.to_onehot_y and input.shape[1] > 1 and target.dim() == input.dim() - 1:
            target = target.unsqueeze(1)
        values, voxels = self.values(input, target, Boundary(absent="formula"))
        if self.batch:
            values = values.mean(0)
        return _voxels.reduced(values, self.reduction, [*values.shape]).to(voxels.dtype)
