"""nnU-Net's trainer with Dice and focal loss."""

from __future__ import annotations

from dice_loss import Dice, Focal
from dice_loss.nnunet.trainers.nnUNetTrainerNativeTerms import nnUNetTrainerNativeTerms
from dice_loss.terms import Term

__all__ = ["nnUNetTrainerNativeDiceFocal"]


class nnUNetTrainerNativeDiceFocal(nnUNetTrainerNativeTerms):
    """Dice plus focal loss with γ = 2, under softmax, or of each region under sigmoid."""

    def terms(self) -> list[Term]:
        """Each counts once."""
        return [Dice(), Focal()]
