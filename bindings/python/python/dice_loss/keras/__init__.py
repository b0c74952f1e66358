"""Segmentation losses and metrics for Keras 3, on its TensorFlow, JAX and torch backends.

::

    from dice_loss.keras import DiceCE, DiceScore

    model.compile("adam", DiceCE(from_logits=True), metrics=[DiceScore(classes=3)])

- `losses`: every loss of the engine, from Dice to UnifiedFocal; `SegmentationLoss` for any weighted
  sum of `dice_loss.terms`.
- `ranked`: the Lovász losses; `centerline`: clDice.
- `metrics`: DiceScore and IoUScore of each class, from counts added up over batches.
- `builtin`: `keras.losses.Dice` and `keras.losses.Tversky`, number for number.
"""

from .._hints import explain as _explain
from . import builtin, centerline, losses, metrics, ranked
from .centerline import *  # noqa: F403
from .centerline import __all__ as _centerline
from .losses import *  # noqa: F403
from .losses import __all__ as _losses
from .metrics import DiceScore, IoUScore
from .ranked import *  # noqa: F403
from .ranked import __all__ as _ranked
from .segmentation_loss import SegmentationLoss

__all__ = [
    "DiceScore",
    "IoUScore",
    "SegmentationLoss",
    "builtin",
    "centerline",
    "losses",
    "metrics",
    "ranked",
    *_centerline,
    *_losses,
    *_ranked,
]

_explain(__name__)
