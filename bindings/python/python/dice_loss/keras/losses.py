"""The losses by name.

They differ in their formula and its options; what they have in common (shapes, targets, pooling,
absent classes, weights, masks) is said once, at `SegmentationLoss`. In the formulas p is the
probability of the class, g the reference and Σ a sum over the voxels that count, each times its
weight; s is added to the numerator and s′ to the denominator (`smoothing`: one number for both, or
a pair).
"""

from __future__ import annotations

from typing import Unpack

import keras

from .. import compounds, terms
from ..terms import ClassValues, Overlap, Smoothing, VolumeWeight
from .segmentation_loss import NamedLoss, OverlapSettings, VoxelSettings

__all__ = [
    "Dice",
    "DiceCE",
    "Focal",
    "FocalTversky",
    "GeneralizedDice",
    "IoU",
    "Tversky",
]

_serializable = keras.saving.register_keras_serializable(package="dice_loss")


@_serializable
class Dice(NamedLoss):
    """Soft Dice loss: 1 − (2 Σpg + s) / (Σp + Σg + s′).

    Range [0, 1] for hard labels and s ≤ s′. Papers: https://arxiv.org/abs/1608.04117;
    https://arxiv.org/abs/1606.04797 (V-Net, squared); https://arxiv.org/abs/2303.16296 (`"l1"`).

    ::

        model.compile("adam", Dice(from_logits=True, background=False))

    Args:
        squared: sizes as sums of squares, Σp² + Σg².
        overlap: how the intersection is counted: `"product"`, Σpg, or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, which for soft labels is largest at p = g.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`.
    """

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        **settings: Unpack[OverlapSettings],
    ) -> None:
        term = terms.Dice(squared=squared, overlap=overlap, smoothing=smoothing)
        super().__init__(term, **settings)


@_serializable
class IoU(NamedLoss):
    """Soft intersection over union (Jaccard) loss: 1 − (I + s) / (Σp + Σg − I + s′), I = Σpg.

    Range [0, 1] for hard labels and s ≤ s′. Papers:
    https://doi.org/10.1007/978-3-319-50835-1_22; https://arxiv.org/abs/2302.05666 (`"l1"`).

    Args:
        overlap: `"product"` or `"l1"`, see `Dice`.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`.
    """

    def __init__(
        self,
        *,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        **settings: Unpack[OverlapSettings],
    ) -> None:
        super().__init__(terms.IoU(overlap=overlap, smoothing=smoothing), **settings)


@_serializable
class Tversky(NamedLoss):
    """Tversky loss: 1 − (I + s) / (I + α FP + β FN + s′), FP = Σp − I, FN = Σg − I.

    α weighs false positives, β false negatives, as in the paper,
    https://arxiv.org/abs/1706.05721; in `keras.losses.Tversky` it is the other way round, see
    `dice_loss.keras.builtin`. Range [0, 1] for hard labels and s ≤ s′.

    Args:
        alpha: α, at least 0.
        beta: β, at least 0.
        overlap: `"product"` or `"l1"`, see `Dice`.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.3,
        beta: float = 0.7,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        **settings: Unpack[OverlapSettings],
    ) -> None:
        term = terms.Tversky(alpha=alpha, beta=beta, overlap=overlap, smoothing=smoothing)
        super().__init__(term, **settings)


@_serializable
class FocalTversky(NamedLoss):
    """Focal Tversky loss: (1 − T)^γ with the Tversky index T, class by class before any mean.

    Range [0, 1] for hard labels and s ≤ s′. Paper: https://arxiv.org/abs/1810.07842, which writes
    the exponent as 1/γ.

    Args:
        alpha: α, the weight of false positives, at least 0.
        beta: β, the weight of false negatives, at least 0.
        gamma: γ, above 0.
        overlap: `"product"` or `"l1"`, see `Dice`.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.3,
        beta: float = 0.7,
        gamma: float = 0.75,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        **settings: Unpack[OverlapSettings],
    ) -> None:
        term = terms.FocalTversky(
            alpha=alpha, beta=beta, gamma=gamma, overlap=overlap, smoothing=smoothing
        )
        super().__init__(term, **settings)


@_serializable
class GeneralizedDice(NamedLoss):
    """Generalized Dice loss: 1 − (2 Σ_k v_k I_k + s) / (Σ_k v_k (Σp_k + Σg_k) + s′).

    One ratio for all classes, in which a rare class weighs more. Range [0, 1]. Paper:
    https://arxiv.org/abs/1707.03237.

    Args:
        weight: v by the size G of a class: `"inverse_square"`, 1/G²; `"inverse"`, 1/G;
            `"uniform"`, 1.
        overlap: `"product"` or `"l1"`, see `Dice`.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`.
    """

    def __init__(
        self,
        *,
        weight: VolumeWeight = "inverse_square",
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        **settings: Unpack[OverlapSettings],
    ) -> None:
        term = terms.GeneralizedDice(weight=weight, overlap=overlap, smoothing=smoothing)
        super().__init__(term, **settings)


@_serializable
class Focal(NamedLoss):
    """Focal loss: cross-entropy that looks away from the voxels it already gets right.

    Softmax: −Σ_k α_k g_k (1 − p_k)^γ ln p_k. Sigmoid, each class by itself:
    −α g (1 − p)^γ ln p − (1 − α)(1 − g) p^γ ln(1 − p). Without α both sides count fully. The mean
    is over the voxels that count. Range [0, ∞). Paper: https://arxiv.org/abs/1708.02002.

    Of probabilities, `activation` says which of the two it is.

    Args:
        gamma: γ, at least 0: one number, one for each class, or
            `dice_loss.terms.BackgroundForeground`.
        alpha: α, 0 to 1, likewise; none by default.
        settings: those of `SegmentationLoss`.
    """

    def __init__(
        self,
        *,
        gamma: ClassValues = 2.0,
        alpha: ClassValues | None = None,
        **settings: Unpack[VoxelSettings],
    ) -> None:
        super().__init__(terms.Focal(gamma=gamma, alpha=alpha), **settings)


@_serializable
class DiceCE(NamedLoss):
    """Dice plus cross-entropy: λ_D (1 − (2 Σpg + s) / (Σp + Σg + s′)) − λ_CE mean(ln p_y).

    For classes that exclude each other. `pool`, `absent` and `background` are those of the Dice
    loss; cross-entropy keeps the background. Range [0, ∞).

    Args:
        dice_weight: λ_D, at least 0.
        cross_entropy_weight: λ_CE, at least 0.
        squared: sizes as sums of squares, Σp² + Σg².
        overlap: `"product"` or `"l1"`, see `Dice`.
        smoothing: s and s′; at least 0.
        label_smoothing: the share of the target that is spread evenly over the classes.
        settings: those of `SegmentationLoss`, with reduction "none" left out.
    """

    def __init__(
        self,
        *,
        dice_weight: float = 1.0,
        cross_entropy_weight: float = 1.0,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        label_smoothing: float = 0.0,
        **settings: Unpack[OverlapSettings],
    ) -> None:
        term = compounds.DiceCrossEntropy(
            dice_weight=dice_weight,
            cross_entropy_weight=cross_entropy_weight,
            squared=squared,
            overlap=overlap,
            smoothing=smoothing,
            label_smoothing=label_smoothing,
        )
        super().__init__(term, **settings)
