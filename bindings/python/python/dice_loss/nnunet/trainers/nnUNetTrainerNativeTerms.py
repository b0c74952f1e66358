"""What nnU-Net's trainers with terms of this package have in common."""

from __future__ import annotations

from typing import Any

from torch import nn

from dice_loss.nnunet.trainers.nnUNetTrainerNativeLoss import nnUNetTrainerNativeLoss

__all__ = ["nnUNetTrainerNativeTerms"]


class nnUNetTrainerNativeTerms(nnUNetTrainerNativeLoss):
    """nnU-Net's trainer with a sum of terms for its loss: to derive from, with `terms`.

    The best value is 0, and under DDP every term is that of the batches of all ranks.
    """

    def terms(self) -> Any:
        """A term, or several, each alone or as `(weight, term)`."""
        raise NotImplementedError

    def _native_loss(self) -> nn.Module:
        return self._of_terms(self.terms())
