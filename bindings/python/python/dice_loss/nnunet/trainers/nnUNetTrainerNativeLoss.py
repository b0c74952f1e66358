"""nnU-Net's trainer with this package's losses.

nnU-Net looks for trainers in its own folders and then in those that the environment variable
`nnUNet_extTrainer` names, in training and in prediction::

    export nnUNet_extTrainer="$(python -m dice_loss.nnunet)"
    nnUNetv2_train DATASET CONFIGURATION FOLD -tr nnUNetTrainerNativeLoss
"""

from __future__ import annotations

from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from torch import nn

from dice_loss.nnunet import DC_and_BCE_loss, DC_and_CE_loss, MemoryEfficientSoftDiceLoss

__all__ = ["nnUNetTrainerNativeLoss"]


class nnUNetTrainerNativeLoss(nnUNetTrainer):
    """`nnUNetTrainer` in all but the implementation of its loss.

    Dice (in the batch if the plans say so, smoothing 1e-5) plus cross-entropy, under softmax
    without the background in Dice, or under sigmoid for regions; the ignore label; nnU-Net's own
    weights of deep supervision. Folders of results have this class's name.
    """

    def _build_loss(self) -> nn.Module:
        """The loss, in nnU-Net's wrapper if the network has several outputs."""
        loss: nn.Module = self._native_loss()
        wrapper = super()._build_loss()
        if isinstance(wrapper, DeepSupervisionWrapper):
            wrapper.loss, loss = loss, wrapper
        return loss

    def _native_loss(self) -> nn.Module:
        labels = self.label_manager
        dice = {
            "batch_dice": self.configuration_manager.batch_dice,
            "do_bg": labels.has_regions,
            "smooth": 1e-5,
            "ddp": self.is_ddp,
        }
        loss: DC_and_BCE_loss | DC_and_CE_loss
        if labels.has_regions:
            loss = DC_and_BCE_loss({}, dice, use_ignore_label=labels.ignore_label is not None)
        else:
            loss = DC_and_CE_loss(
                dice, {}, ignore_label=labels.ignore_label, dice_class=MemoryEfficientSoftDiceLoss
            )
        if self._do_i_compile():
            loss.dc.compile()
        return loss
