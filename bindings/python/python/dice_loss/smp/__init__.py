"""The losses of segmentation_models_pytorch 0.6 (SMP), computed by this package's engine.

The same classes, arguments, order, defaults and numbers as `segmentation_models_pytorch.losses`;
only the import changes::

    from dice_loss.smp import DiceLoss

    criterion = DiceLoss("multiclass", ignore_index=255)
    criterion(logits, labels).backward()

SMP itself is not needed. Quirks of SMP that one would not expect are kept, and each is named in
its class's documentation; `dice_loss.torch` has the same losses without them. Not kept: sums that
overflow in half precision (losses of half logits are float32), and numbers that are not finite in
ignored voxels, which here stay out of the loss. A target outside [0, 1] is refused.
"""

from . import functional
from .constants import BINARY_MODE, MULTICLASS_MODE, MULTILABEL_MODE
from .cross_entropy import SoftBCEWithLogitsLoss, SoftCrossEntropyLoss
from .focal import FocalLoss
from .lovasz import LovaszLoss
from .mcc import MCCLoss
from .overlap import DiceLoss, JaccardLoss, TverskyLoss

__all__ = [
    "BINARY_MODE",
    "MULTICLASS_MODE",
    "MULTILABEL_MODE",
    "DiceLoss",
    "FocalLoss",
    "JaccardLoss",
    "LovaszLoss",
    "MCCLoss",
    "SoftBCEWithLogitsLoss",
    "SoftCrossEntropyLoss",
    "TverskyLoss",
    "functional",
]
