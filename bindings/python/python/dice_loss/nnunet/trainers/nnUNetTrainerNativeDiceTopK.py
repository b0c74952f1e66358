"""nnU-Net's trainer with Dice and the cross-entropy of the hardest voxels."""

from __future__ import annotations

from dice_loss import Dice
from dice_loss.nnunet.trainers.nnUNetTrainerNativeTerms import nnUNetTrainerNativeTerms
from dice_loss.terms import Term

__all__ = ["nnUNetTrainerNativeDiceTopK"]


class nnUNetTrainerNativeDiceTopK(nnUNetTrainerNativeTerms):
    """Dice plus the cross-entropy of the tenth of the voxels that has most of it.

    As nnU-Net's `nnUNetTrainerDiceTopK10Loss`, but that ignored voxels are never among them, and
    that there may be regions: then it is a tenth of the voxels of all regions together.
    """

    def terms(self) -> list[Term]:
        """Each counts once."""
        return [Dice(), self._cross_entropy(top_k=0.1)]
