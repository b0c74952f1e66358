"""What the losses that see distances have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..terms import OverlapTerm
from ._overlap import OverlapLoss
from ._voxels import Voxels


class MappedLoss(OverlapLoss):
    """A term whose map the engine makes of the target, of images and volumes alone."""

    def __init__(
        self,
        include_background: bool,
        to_onehot_y: bool,
        sigmoid: bool,
        softmax: bool,
        other_act: Callable[..., Any] | None,
        reduction: str,
        batch: bool,
    ) -> None:
        super().__init__(
            include_background,
            to_onehot_y,
            sigmoid,
            softmax,
            other_act,
            reduction,
            0.0,
            0.0,
            batch,
        )

    def values(self, input: Tensor, target: Tensor, term: OverlapTerm) -> tuple[Tensor, Voxels]:
        """The loss of every sample and channel that takes part, (N, C)."""
        if input.dim() not in (4, 5):
            raise ValueError(
                f"input: found shape {tuple(input.shape)}, wanted images (N, C, H, W) or volumes "
                "(N, C, H, W, D)"
            )
        voxels = self.voxels(input, target, self.to_onehot_y)
        values = voxels.loss(((1.0, term),), "none")
        return values[:, voxels.first :], voxels
