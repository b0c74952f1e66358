"""Segmentation losses for PyTorch.

Every loss is a module, see `dice_loss.torch.losses`; any weighted sum of them is one too and
costs the same, see `SegmentationLoss`. `measure` gives the sums that losses are made
of, for formulas of your own. `dice_loss.torch.functional` has every loss as a function.

::

    from dice_loss.torch import DiceCELoss

    criterion = DiceCELoss(background=False)
    criterion(model(image), labels).backward()
"""

from .._hints import explain as _explain
from . import distributed, functional
from ._details import InstanceDetails, LossDetails
from ._measure import measure
from .centerline import ClDiceLoss
from .deep_supervision import DeepSupervisionLoss
from .distributed import Accumulation
from .instances import BlobLoss, CCDiceCELoss, CCDiceLoss
from .losses import *  # noqa: F403
from .losses import __all__ as _losses
from .ranked import LovaszHingeLoss, LovaszSoftmaxLoss
from .segmentation_loss import SegmentationLoss

__all__ = [
    "Accumulation",
    "BlobLoss",
    "CCDiceCELoss",
    "CCDiceLoss",
    "ClDiceLoss",
    "DeepSupervisionLoss",
    "InstanceDetails",
    "LossDetails",
    "LovaszHingeLoss",
    "LovaszSoftmaxLoss",
    "SegmentationLoss",
    "distributed",
    "functional",
    "measure",
    *_losses,
]

_explain(__name__)
