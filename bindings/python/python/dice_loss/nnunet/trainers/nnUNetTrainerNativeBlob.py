"""nnU-Net's trainer with blob loss beside Dice and cross-entropy."""

from __future__ import annotations

from dice_loss import Dice, InstanceCrossEntropy
from dice_loss.nnunet.trainers.nnUNetTrainerNativeMap import nnUNetTrainerNativeMap
from dice_loss.terms import Term

__all__ = ["nnUNetTrainerNativeBlob"]


class nnUNetTrainerNativeBlob(nnUNetTrainerNativeMap):
    """Twice Dice + cross-entropy, and the mean of both over the instances of the patch.

    The blob loss of Kofler et al. 2022, with the weights of the paper: each instance is seen with
    the background, all others left out.
    """

    def term(self) -> list[Term]:
        """Dice and cross-entropy of blobs."""
        return [Dice(pool="blob"), InstanceCrossEntropy(division="blobs")]

    def whole(self) -> float:
        """As in the paper."""
        return 2.0
