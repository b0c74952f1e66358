"""nnU-Net's trainer with soft clDice beside Dice and cross-entropy."""

from __future__ import annotations

from torch import nn

from dice_loss.nnunet.centerline import WithClDice
from dice_loss.nnunet.trainers.nnUNetTrainerNativeLoss import nnUNetTrainerNativeLoss
from dice_loss.torch import ClDiceLoss

__all__ = ["nnUNetTrainerNativeClDice"]


class nnUNetTrainerNativeClDice(nnUNetTrainerNativeLoss):
    """Dice + cross-entropy + the soft clDice of Shit et al. 2021, for tubes.

    Dice and cross-entropy are of all outputs of deep supervision, as ever; clDice is of the finest
    alone, since thin tubes fall to pieces where their target is resized. It is of each rank.
    """

    def iterations(self) -> int:
        """The radius of the thickest tube, in voxels of the patch."""
        return 3

    def share(self) -> float:
        """What clDice counts."""
        return 1.0

    def _of_outputs(self, loss: nn.Module) -> nn.Module:
        labels = self.label_manager
        regions = labels.has_regions
        cldice = ClDiceLoss(
            iterations=self.iterations(),
            activation="sigmoid" if regions else "softmax",
            pool="batch" if self.configuration_manager.batch_dice else "sample",
            background=regions,
            class_weights=self.class_weights(),
            ignore_index=None if regions else labels.ignore_label,
            target_kind="dense" if regions else "labels",
        )
        return WithClDice(
            loss,
            cldice,
            share=self.share(),
            ignores_region=regions and labels.ignore_label is not None,
        )
