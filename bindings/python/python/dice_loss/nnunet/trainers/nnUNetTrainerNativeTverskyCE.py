"""nnU-Net's trainer with Tversky loss and cross-entropy."""

from __future__ import annotations

from dice_loss import Tversky
from dice_loss.nnunet.trainers.nnUNetTrainerNativeTerms import nnUNetTrainerNativeTerms
from dice_loss.terms import Term

__all__ = ["nnUNetTrainerNativeTverskyCE"]


class nnUNetTrainerNativeTverskyCE(nnUNetTrainerNativeTerms):
    """Tversky loss, false negatives 0.7 and false positives 0.3, plus cross-entropy."""

    def terms(self) -> list[Term]:
        """Each counts once."""
        return [Tversky(), self._cross_entropy()]
