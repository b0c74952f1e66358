"""nnU-Net's trainer with the boundary loss beside Dice and cross-entropy."""

from __future__ import annotations

from dice_loss import Boundary
from dice_loss.nnunet.trainers.nnUNetTrainerNativeMap import nnUNetTrainerNativeMap

__all__ = ["nnUNetTrainerNativeBoundary"]


class nnUNetTrainerNativeBoundary(nnUNetTrainerNativeMap):
    """Dice + cross-entropy + the boundary loss of Kervadec et al. 2019.

    Distances are in the unit of the plan's spacing. The boundary loss counts a hundredth in the
    first epoch and a hundredth more in each, as the paper has it, up to 1, where it stays.
    """

    def term(self) -> Boundary:
        """With the spacing of the plan."""
        return Boundary(spacing=tuple(self.configuration_manager.spacing))

    def share(self) -> float:
        """0.01 and rising."""
        epoch: int = self.current_epoch
        return min(1.0, 0.01 * (1 + epoch))
