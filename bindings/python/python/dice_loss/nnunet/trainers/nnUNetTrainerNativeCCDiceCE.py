"""nnU-Net's trainer with CC-DiceCE in place of Dice and cross-entropy."""

from __future__ import annotations

from dice_loss import Dice, InstanceCrossEntropy
from dice_loss.nnunet.trainers.nnUNetTrainerNativeMap import nnUNetTrainerNativeMap
from dice_loss.terms import Term

__all__ = ["nnUNetTrainerNativeCCDiceCE"]


class nnUNetTrainerNativeCCDiceCE(nnUNetTrainerNativeMap):
    """The CC-DiceCE of Bouteille et al. 2025, alone: every instance of the patch counts the same.

    Cells are those of the plan's spacing. With Dice and cross-entropy of the whole patch beside,
    derive and let `whole` return what they count.
    """

    def term(self) -> list[Term]:
        """Dice and cross-entropy of cells."""
        spacing = tuple(self.configuration_manager.spacing)
        return [Dice(pool="cell"), InstanceCrossEntropy(division="cells", spacing=spacing)]

    def whole(self) -> float:
        """None of it."""
        return 0.0
