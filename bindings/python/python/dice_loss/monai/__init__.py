"""The losses of MONAI 1.6 under their own names, computed by the engine.

Change the import line and nothing else::

    from dice_loss.monai import DiceCELoss  # was: from monai.losses import DiceCELoss

    criterion = DiceCELoss(to_onehot_y=True, softmax=True, include_background=False)
    criterion(model(image), label).backward()

Class names, arguments, their order and defaults, shapes of results, warnings, exception types,
attributes and state dicts are MONAI's, and so are the numbers, as far as float32 goes. MONAI itself
is not needed. What MONAI gets wrong is reproduced and marked "Quirk" where it is; the losses of
`dice_loss.torch` are without. What differs on purpose:

- float16 and bfloat16 inputs are summed up in float64 and give a float32 loss, which is never inf
  or NaN for their sake;
- voxels that are ignored or masked out have no effect, NaN included, and a gradient of exactly 0;
- a target, other than labels, is in [0, 1], or it is a ValueError; labels are integers of any type,
  or it is a RuntimeError;
- bool targets, integer labels under deep supervision and float64 class weights work.

In all formulas p is what the activation makes of the input, g the reference, Σ a sum over the
voxels of a channel, nr and dr are `smooth_nr` and `smooth_dr`. Inputs are (N, C, spatial…) in
float64, float32, float16 or bfloat16, targets (N, C, spatial…) or, with `to_onehot_y`, labels
(N, 1, spatial…).
"""

from .boundary import BoundaryLoss
from .cldice import SoftclDiceLoss, SoftDiceclDiceLoss
from .compound import DiceCELoss, DiceFocalLoss, GeneralizedDiceFocalLoss
from .deep_supervision import DeepSupervisionLoss
from .dice import DiceLoss, MaskedDiceLoss
from .focal import FocalLoss
from .generalized import GeneralizedDiceLoss
from .hausdorff import HausdorffDTLoss, LogHausdorffDTLoss
from .matthews import MCCLoss
from .neighbours import NACLLoss
from .tversky import TverskyLoss
from .unified_focal import AsymmetricUnifiedFocalLoss
from .wasserstein import GeneralizedWassersteinDiceLoss
from .wrappers import MaskedLoss, MultiScaleLoss

# The short names that some have beside their own.
Dice = DiceLoss
dice_ce = DiceCELoss
dice_focal = DiceFocalLoss
generalized_dice = GeneralizedDiceLoss
generalized_dice_focal = GeneralizedDiceFocalLoss
generalized_wasserstein_dice = GeneralizedWassersteinDiceLoss

__all__ = [
    "AsymmetricUnifiedFocalLoss",
    "BoundaryLoss",
    "DeepSupervisionLoss",
    "Dice",
    "DiceCELoss",
    "DiceFocalLoss",
    "DiceLoss",
    "FocalLoss",
    "GeneralizedDiceFocalLoss",
    "GeneralizedDiceLoss",
    "GeneralizedWassersteinDiceLoss",
    "HausdorffDTLoss",
    "LogHausdorffDTLoss",
    "MCCLoss",
    "MaskedDiceLoss",
    "MaskedLoss",
    "MultiScaleLoss",
    "NACLLoss",
    "SoftDiceclDiceLoss",
    "SoftclDiceLoss",
    "TverskyLoss",
    "dice_ce",
    "dice_focal",
    "generalized_dice",
    "generalized_dice_focal",
    "generalized_wasserstein_dice",
]
