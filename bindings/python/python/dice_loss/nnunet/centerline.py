"""Soft clDice beside a loss of all outputs of a network."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..torch import ClDiceLoss
from .terms import split

__all__ = ["WithClDice"]


class WithClDice(nn.Module):
    """loss(outputs, targets) + share · soft clDice of the finest output.

    Thin tubes fall to pieces where their target is resized, so centrelines of the other outputs
    would be those of pieces.

    Args:
        loss: of all outputs, in a wrapper of deep supervision if there are several.
        cldice: of logits, and of labels or regions.
        share: what clDice counts.
        ignores_region: whether the last channel of the target is that of voxels to ignore.
    """

    def __init__(
        self,
        loss: nn.Module,
        cldice: ClDiceLoss,
        *,
        share: float = 1.0,
        ignores_region: bool = False,
    ) -> None:
        super().__init__()
        self.loss = loss
        self.cldice = cldice
        self.share = share
        self.ignores_region = ignores_region

    def forward(self, outputs: Any, targets: Any, class_valid: Any = None) -> Tensor:
        """The loss, of one output or of a list, where the other arguments are lists too."""
        beside = () if class_valid is None else (class_valid,)
        loss: Tensor = self.loss(outputs, targets, *beside)
        if isinstance(outputs, list | tuple):
            outputs, targets = outputs[0], targets[0]
            class_valid = class_valid and class_valid[0]
        truth, mask = split(targets, self.ignores_region)
        of_tubes: Tensor = self.cldice(outputs, truth, mask=mask, class_valid=class_valid)
        return loss + self.share * of_tubes
