"""Every loss as a function: logits and target in, value and gradient out.

One for each loss of the engine's catalogue, under its name there. Each builds an `Objective` of one
term and calls its `loss_and_gradient`; for several terms in one sweep, for sums that add up over
batches and for what each class contributes, use `Objective` itself.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal, Unpack

from numpy.typing import ArrayLike

from . import compounds, terms
from ._arrays import Array
from ._settings import (
    COUNTED,
    CompoundSettings,
    OverlapSettings,
    VoxelSettings,
    documented,
)
from ._spec import Reduction
from .compounds import Compound
from .objective import Objective, Value
from .terms import Activation, ClassValues, Overlap, Smoothing, Term, VolumeWeight

__all__ = [
    "binary_cross_entropy",
    "combo",
    "cross_entropy",
    "dice",
    "dice_binary_cross_entropy",
    "dice_cross_entropy",
    "dice_focal",
    "focal",
    "focal_tversky",
    "generalized_dice",
    "generalized_dice_focal",
    "generalized_wasserstein_dice",
    "iou",
    "log_cosh_dice",
    "log_dice",
    "matthews_correlation",
    "tversky",
    "unified_focal",
]


@documented(terms.Dice, OverlapSettings)
def dice(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    squared: bool = False,
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    **settings: Unpack[OverlapSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.Dice, **locals())


@documented(terms.IoU, OverlapSettings)
def iou(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    **settings: Unpack[OverlapSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.IoU, **locals())


@documented(terms.Tversky, OverlapSettings)
def tversky(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    alpha: float = 0.3,
    beta: float = 0.7,
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    **settings: Unpack[OverlapSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.Tversky, **locals())


@documented(terms.FocalTversky, OverlapSettings)
def focal_tversky(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 0.75,
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    **settings: Unpack[OverlapSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.FocalTversky, **locals())


@documented(terms.LogDice, OverlapSettings)
def log_dice(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    gamma: float = 1.0,
    squared: bool = False,
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    **settings: Unpack[OverlapSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.LogDice, **locals())


@documented(terms.LogCoshDice, OverlapSettings)
def log_cosh_dice(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    squared: bool = False,
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    **settings: Unpack[OverlapSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.LogCoshDice, **locals())


@documented(terms.GeneralizedDice, OverlapSettings)
def generalized_dice(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    weight: VolumeWeight = "inverse_square",
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    **settings: Unpack[OverlapSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.GeneralizedDice, **locals())


@documented(terms.GeneralizedWassersteinDice, OverlapSettings)
def generalized_wasserstein_dice(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    distances: Sequence[Sequence[float]] | None = None,
    weight: Literal["foreground", "inverse_square", "inverse", "uniform"] = "foreground",
    smoothing: Smoothing = 1e-5,
    **settings: Unpack[OverlapSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.GeneralizedWassersteinDice, **locals())


@documented(terms.MatthewsCorrelation, OverlapSettings)
def matthews_correlation(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    smoothing: float = 1e-5,
    **settings: Unpack[OverlapSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.MatthewsCorrelation, **locals())


@documented(terms.CrossEntropy, VoxelSettings)
def cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    label_smoothing: float = 0.0,
    **settings: Unpack[VoxelSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.CrossEntropy, **locals())


@documented(terms.BinaryCrossEntropy, VoxelSettings)
def binary_cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "sigmoid",
    pos_weight: ClassValues = 1.0,
    **settings: Unpack[VoxelSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.BinaryCrossEntropy, **locals())


@documented(terms.Focal, VoxelSettings)
def focal(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    gamma: ClassValues = 2.0,
    alpha: ClassValues | None = None,
    **settings: Unpack[VoxelSettings],
) -> tuple[Value, Array]:
    return _evaluated(terms.Focal, **locals())


@documented(compounds.DiceCrossEntropy, CompoundSettings)
def dice_cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    squared: bool = False,
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    label_smoothing: float = 0.0,
    dice_weight: float = 1.0,
    cross_entropy_weight: float = 1.0,
    **settings: Unpack[CompoundSettings],
) -> tuple[Value, Array]:
    return _evaluated(compounds.DiceCrossEntropy, **locals())


@documented(compounds.DiceBinaryCrossEntropy, CompoundSettings)
def dice_binary_cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "sigmoid",
    squared: bool = False,
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    pos_weight: ClassValues = 1.0,
    dice_weight: float = 1.0,
    cross_entropy_weight: float = 1.0,
    **settings: Unpack[CompoundSettings],
) -> tuple[Value, Array]:
    return _evaluated(compounds.DiceBinaryCrossEntropy, **locals())


@documented(compounds.DiceFocal, CompoundSettings)
def dice_focal(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    squared: bool = False,
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    gamma: ClassValues = 2.0,
    alpha: ClassValues | None = None,
    focal_activation: Activation = "sigmoid",
    dice_weight: float = 1.0,
    focal_weight: float = 1.0,
    **settings: Unpack[CompoundSettings],
) -> tuple[Value, Array]:
    return _evaluated(compounds.DiceFocal, **locals())


@documented(compounds.GeneralizedDiceFocal, CompoundSettings)
def generalized_dice_focal(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    weight: VolumeWeight = "inverse_square",
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    gamma: ClassValues = 2.0,
    alpha: ClassValues | None = None,
    focal_activation: Activation = "sigmoid",
    generalized_dice_weight: float = 1.0,
    focal_weight: float = 1.0,
    **settings: Unpack[CompoundSettings],
) -> tuple[Value, Array]:
    return _evaluated(compounds.GeneralizedDiceFocal, **locals())


@documented(compounds.Combo, CompoundSettings)
def combo(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "sigmoid",
    alpha: float = 0.5,
    beta: float = 0.5,
    squared: bool = False,
    overlap: Overlap = "product",
    smoothing: Smoothing = 1e-5,
    **settings: Unpack[CompoundSettings],
) -> tuple[Value, Array]:
    return _evaluated(compounds.Combo, **locals())


@documented(compounds.UnifiedFocal, CompoundSettings)
def unified_focal(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation = "softmax",
    asymmetric: bool = False,
    lambda_: float = 0.5,
    delta: float = 0.6,
    gamma: float = 0.5,
    smoothing: Smoothing = 1e-5,
    **settings: Unpack[CompoundSettings],
) -> tuple[Value, Array]:
    return _evaluated(compounds.UnifiedFocal, **locals())


def _evaluated(
    loss: type[Term] | type[Compound],
    *,
    logits: ArrayLike,
    target: ArrayLike,
    settings: dict[str, Any],
    **options: Any,
) -> tuple[Value, Array]:
    """The value and gradient of a loss with its options, and the settings of the call."""
    reduction = settings.pop("reduction", "mean")
    counted = {name: settings.pop(name) for name in COUNTED if name in settings}
    objective = _objective(loss(**options, **settings), reduction)
    return objective.loss_and_gradient(logits, target, **counted)


@functools.lru_cache(maxsize=128)
def _objective(term: Term | Compound, reduction: Reduction) -> Objective:
    return Objective(term, reduction=reduction)
