"""The losses of nnU-Net 2.8, computed by this package's engine.

The same classes, arguments, order, defaults and numbers as `nnunetv2.training.loss`; only the
import changes::

    from dice_loss.nnunet import DC_and_CE_loss, MemoryEfficientSoftDiceLoss

    criterion = DC_and_CE_loss(
        {"batch_dice": True, "smooth": 1e-5, "do_bg": False, "ddp": False},
        {},
        ignore_label=3,
        dice_class=MemoryEfficientSoftDiceLoss,
    )
    criterion(net_output, target).backward()

The compounds take Dice and cross-entropy from one sweep. nnU-Net itself is not needed, except by
the trainers in `dice_loss.nnunet.trainers`, which `nnUNetv2_train … -tr nnUNetTrainerNativeLoss`
finds where the environment variable `nnUNet_extTrainer` names its folder; `python -m
dice_loss.nnunet` prints that.

Quirks of nnU-Net that one would not expect are kept, and each is named in its class's
documentation; `dice_loss.torch` has the same losses without them. Not kept: numbers that are not
finite in ignored voxels, which here stay out of the loss. A target outside [0, 1] is refused.
"""

from .compounds import DC_and_BCE_loss, DC_and_CE_loss, DC_and_topk_loss
from .cross_entropy import RobustCrossEntropyLoss, TopKLoss
from .deep_supervision import DeepSupervisionWrapper
from .dice import MemoryEfficientSoftDiceLoss, SoftDiceLoss
from .nonlinearity import softmax_helper_dim1

__all__ = [
    "DC_and_BCE_loss",
    "DC_and_CE_loss",
    "DC_and_topk_loss",
    "DeepSupervisionWrapper",
    "MemoryEfficientSoftDiceLoss",
    "RobustCrossEntropyLoss",
    "SoftDiceLoss",
    "TopKLoss",
    "softmax_helper_dim1",
]
