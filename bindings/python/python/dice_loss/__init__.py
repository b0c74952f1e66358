"""Losses for image segmentation: Dice and its family, with exact gradients in two sweeps.

Logits and target in, value and gradient out, for NumPy arrays; nothing else is needed::

    import numpy as np
    import dice_loss

    logits = np.random.default_rng(0).normal(size=(2, 4, 64, 64)).astype(np.float32)
    labels = np.argmax(logits, axis=1)
    value, gradient = dice_loss.dice(logits, labels, activation="softmax", background=False)

- Every loss as a function: `dice_loss.dice`, `dice_loss.focal`, `dice_loss.dice_cross_entropy`, …
- Losses that sort the voxels by their errors: `dice_loss.lovasz_hinge`, `lovasz_softmax`.
- The loss of centrelines, for tubes: `dice_loss.cldice`.
- Several at once, and sums that add up over batches and processes: `Objective`, `Moments`.
- The losses as values, for either face: `dice_loss.terms`, `dice_loss.compounds`.
- Hard metrics from masks and label maps: `dice_loss.metrics`.
- Distances, components, skeletons and balls of masks and label maps: `dice_loss.morphology`.
- PyTorch modules with the same engine behind them: `dice_loss.torch`, imported by itself.
- Losses and metrics for Keras on all its backends: `dice_loss.keras`, imported by itself.
"""

from importlib.metadata import version as _version

from . import centerline, compounds, losses, metrics, morphology, ranked, terms
from ._hints import explain as _explain
from ._threads import get_num_threads, set_num_threads
from .centerline import *
from .compounds import *
from .losses import *
from .metrics import Counts
from .moments import Moments
from .objective import Objective, TermVerdict, Verdict
from .ranked import *
from .terms import *

__version__ = _version("dice-loss")

__all__ = [
    "Counts",
    "Moments",
    "Objective",
    "TermVerdict",
    "Verdict",
    "centerline",
    "compounds",
    "get_num_threads",
    "losses",
    "metrics",
    "morphology",
    "ranked",
    "set_num_threads",
    "terms",
    *centerline.__all__,
    *compounds.__all__,
    *losses.__all__,
    *ranked.__all__,
    *terms.__all__,
]

_explain(__name__)
