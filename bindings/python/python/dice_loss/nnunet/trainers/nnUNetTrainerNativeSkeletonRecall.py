"""nnU-Net's trainer with skeleton recall beside Dice and cross-entropy."""

from __future__ import annotations

from dice_loss import SkeletonRecall
from dice_loss.nnunet.trainers.nnUNetTrainerNativeMap import nnUNetTrainerNativeMap

__all__ = ["nnUNetTrainerNativeSkeletonRecall"]


class nnUNetTrainerNativeSkeletonRecall(nnUNetTrainerNativeMap):
    """Dice + cross-entropy + the skeleton recall of Kirchhoff et al. 2024.

    Skeletons are those of the patch, dilated by two voxels.
    """

    def term(self) -> SkeletonRecall:
        """With the radius of the paper, in voxels."""
        return SkeletonRecall(radius=2.0)
