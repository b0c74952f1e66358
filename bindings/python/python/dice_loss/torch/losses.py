"""The losses as modules.

They differ in their formula and its options; what they have in common (shapes, targets, pooling,
absent classes, masks, devices, errors) is said once, at `SegmentationLoss`. In the formulas
p is the probability that the activation gives the class, g the reference and Σ a sum over the
voxels that count, each times its weight; s is added to the numerator and s′ to the denominator
(`smoothing`: one number for both, or a pair).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Unpack

from .. import compounds, terms
from ..terms import Activation, ClassValues, Overlap, Smoothing, VolumeWeight
from .segmentation_loss import CompoundSettings, NamedLoss, OverlapSettings, VoxelSettings

__all__ = [
    "BCELoss",
    "ComboLoss",
    "CrossEntropyLoss",
    "DiceBCELoss",
    "DiceCELoss",
    "DiceFocalLoss",
    "DiceLoss",
    "FocalLoss",
    "FocalTverskyLoss",
    "GeneralizedDiceFocalLoss",
    "GeneralizedDiceLoss",
    "GeneralizedWassersteinDiceLoss",
    "IoULoss",
    "LogCoshDiceLoss",
    "LogDiceLoss",
    "MatthewsCorrelationLoss",
    "TverskyLoss",
    "UnifiedFocalLoss",
]


class DiceLoss(NamedLoss):
    """Soft Dice loss: 1 − (2 Σpg + s) / (Σp + Σg + s′).

    Range [0, 1] for hard labels and s ≤ s′; 0 at a perfect match when s = s′. Papers: Drozdzal et
    al. 2016, https://arxiv.org/abs/1608.04117; Milletari, Navab and Ahmadi 2016 (V-Net, squared),
    https://arxiv.org/abs/1606.04797; Wang et al. 2023 (`"l1"`), https://arxiv.org/abs/2303.16296.

    ::

        DiceLoss(background=False)(logits, labels).backward()

    Args:
        squared: sizes as sums of squares, Σp² + Σg².
        overlap: how the intersection is counted: `"product"`, Σpg, or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, which for soft labels is largest at p = g.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`, and `classes`: only these take part.
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


class IoULoss(NamedLoss):
    """Soft intersection over union (Jaccard) loss: 1 − (I + s) / (Σp + Σg − I + s′), I = Σpg.

    Range [0, 1] for hard labels and s ≤ s′; 0 at a perfect match when s = s′. Papers: Rahman and
    Wang 2016, https://doi.org/10.1007/978-3-319-50835-1_22; Wang and Blaschko 2023 (`"l1"`),
    https://arxiv.org/abs/2302.05666.

    Args:
        overlap: `"product"` or `"l1"`, see `DiceLoss`.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`, and `classes`.
    """

    def __init__(
        self,
        *,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        **settings: Unpack[OverlapSettings],
    ) -> None:
        super().__init__(terms.IoU(overlap=overlap, smoothing=smoothing), **settings)


class TverskyLoss(NamedLoss):
    """Tversky loss: 1 − (I + s) / (I + α FP + β FN + s′), FP = Σp − I, FN = Σg − I.

    α weighs false positives, β false negatives; the defaults favour recall. α = β = ½ is Dice,
    α = β = 1 is IoU. Range [0, 1] for hard labels and s ≤ s′. Paper: Salehi, Erdogmus and
    Gholipour 2017, https://arxiv.org/abs/1706.05721.

    Args:
        alpha: α, at least 0.
        beta: β, at least 0.
        overlap: `"product"` or `"l1"`, see `DiceLoss`.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`, and `classes`.
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


class FocalTverskyLoss(NamedLoss):
    """Focal Tversky loss: (1 − T)^γ with the Tversky index T, class by class before any mean.

    γ < 1 keeps the gradient large while a class is nearly right. (The paper writes 1/γ.) Range
    [0, 1] for hard labels and s ≤ s′. Paper: Abraham and Khan 2018,
    https://arxiv.org/abs/1810.07842.

    Args:
        alpha: of false positives, at least 0.
        beta: of false negatives, at least 0.
        gamma: γ, above 0.
        overlap: `"product"` or `"l1"`, see `DiceLoss`.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`, and `classes`.
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


class LogDiceLoss(NamedLoss):
    """Logarithmic Dice loss: (−ln D)^γ with the Dice coefficient D.

    Range [0, ∞). Paper: Wong et al. 2018 (γ = 0.3), https://arxiv.org/abs/1809.00076.

    Args:
        gamma: γ, above 0.
        squared: sizes as sums of squares.
        overlap: `"product"` or `"l1"`, see `DiceLoss`.
        smoothing: s and s′; at least 0. Without s the loss is infinite where nothing overlaps.
        settings: those of `SegmentationLoss`, and `classes`.
    """

    def __init__(
        self,
        *,
        gamma: float = 1.0,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        **settings: Unpack[OverlapSettings],
    ) -> None:
        term = terms.LogDice(gamma=gamma, squared=squared, overlap=overlap, smoothing=smoothing)
        super().__init__(term, **settings)


class LogCoshDiceLoss(NamedLoss):
    """Log-cosh Dice loss: ln cosh(1 − D) with the Dice coefficient D.

    Range [0, 0.434]. Paper: Jadon 2020, https://arxiv.org/abs/2006.14822.

    Args:
        squared: sizes as sums of squares.
        overlap: `"product"` or `"l1"`, see `DiceLoss`.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`, and `classes`.
    """

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        **settings: Unpack[OverlapSettings],
    ) -> None:
        term = terms.LogCoshDice(squared=squared, overlap=overlap, smoothing=smoothing)
        super().__init__(term, **settings)


class GeneralizedDiceLoss(NamedLoss):
    """Generalized Dice loss: 1 − (2 Σ_k v_k I_k + s) / (Σ_k v_k (Σp_k + Σg_k) + s′).

    One ratio for all classes, in which a rare class weighs more, so one value a sample or batch.
    The smallest class present weighs 1. Range [0, 1]. Paper: Sudre et al. 2017,
    https://arxiv.org/abs/1707.03237.

    Args:
        weight: v by the size G of the reference: `"inverse_square"`, `"inverse"` or
            `"uniform"`.
        overlap: `"product"` or `"l1"`, see `DiceLoss`.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`, and `classes`.
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


class GeneralizedWassersteinDiceLoss(NamedLoss):
    """Generalized Wasserstein Dice loss: confusing two classes costs their distance.

    With the cost E_k = Σ g_k Σ_l M_kl p_l and the size G_k of a class,
    1 − (2 Σ_k a_k (G_k − E_k) + s) / (2 Σ_k a_k (G_k − E_k) + Σ_k b_k E_k + s′), where a = 1 for
    foreground classes, 0 for the background, and b = 1; or a = b = v by the size of the class.
    One value a sample or batch. Softmax, or probabilities that add up to 1. Range [0, 1]. Paper:
    Fidon et al. 2017, https://arxiv.org/abs/1707.00478.

    Args:
        distances: M, a row for each class: at least 0, 0 on the diagonal; divided by its largest
            entry. All classes are equally far apart by default.
        weight: `"foreground"`, or a weight v as in `GeneralizedDiceLoss`.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`, and `classes`.
    """

    def __init__(
        self,
        *,
        distances: Sequence[Sequence[float]] | None = None,
        weight: Literal["foreground", "inverse_square", "inverse", "uniform"] = "foreground",
        smoothing: Smoothing = 1e-5,
        **settings: Unpack[OverlapSettings],
    ) -> None:
        term = terms.GeneralizedWassersteinDice(
            distances=distances, weight=weight, smoothing=smoothing
        )
        super().__init__(term, **settings)


class MatthewsCorrelationLoss(NamedLoss):
    """Matthews correlation loss: 1 − (n Σpg − Σp Σg) / √(Σp Σg (n − Σp)(n − Σg)), n voxels.

    Range [0, 2] for probabilities; 0 at a perfect match, 1 without any correlation. Paper:
    Abhishek and Hamarneh 2020, https://arxiv.org/abs/2010.13454.

    Args:
        smoothing: so many voxels are added to the true positives and to the true negatives.
        settings: those of `SegmentationLoss`, and `classes`.
    """

    def __init__(self, *, smoothing: float = 1e-5, **settings: Unpack[OverlapSettings]) -> None:
        super().__init__(terms.MatthewsCorrelation(smoothing=smoothing), **settings)


class CrossEntropyLoss(NamedLoss):
    """Cross-entropy over exclusive classes: −Σ_k t_k ln p_k, t_k = w_k ((1 − ε) g_k + ε / C).

    w are the class weights. The mean divides by Σ_k w_k g_k over the voxels that count, for soft
    targets as for labels (`torch.nn.CrossEntropyLoss` does so for labels only). Softmax or
    probabilities. Range [0, ∞). Unreduced, a map (N, 1, spatial…). Paper (label smoothing):
    Szegedy et al. 2016, https://arxiv.org/abs/1512.00567.

    Args:
        label_smoothing: ε, from 0 to 1.
        settings: those of `SegmentationLoss`, and `classes`.
    """

    def __init__(self, *, label_smoothing: float = 0.0, **settings: Unpack[VoxelSettings]) -> None:
        super().__init__(terms.CrossEntropy(label_smoothing=label_smoothing), **settings)


class BCELoss(NamedLoss):
    """Binary cross-entropy of each channel by itself: −π g ln p − (1 − g) ln(1 − p).

    Logits in, unless `activation="probabilities"`. A mean over voxels and classes. Range [0, ∞).
    Unreduced, a map (N, C, spatial…).

    Args:
        pos_weight: π, the weight of positives, one or one for each class; at least 0.
        settings: those of `SegmentationLoss`, and `classes`; sigmoid by default.
    """

    _activation = "sigmoid"

    def __init__(self, *, pos_weight: ClassValues = 1.0, **settings: Unpack[VoxelSettings]) -> None:
        super().__init__(terms.BinaryCrossEntropy(pos_weight=pos_weight), **settings)


class FocalLoss(NamedLoss):
    """Focal loss: cross-entropy that looks away from the voxels it already gets right.

    Softmax: −Σ_k α_k g_k (1 − p_k)^γ ln p_k, a mean over voxels. Sigmoid, each channel by itself:
    −α g (1 − p)^γ ln p − (1 − α)(1 − g) p^γ ln(1 − p), a mean over voxels and classes; without α
    both sides count fully. Range [0, ∞). Unreduced, a map (N, 1, spatial…) or (N, C, spatial…).
    Paper: Lin et al. 2017, https://arxiv.org/abs/1708.02002.

    Args:
        gamma: γ, one or one for each class; at least 0. The gradient is finite below 1 too.
        alpha: α, one or one for each class, from 0 to 1.
        settings: those of `SegmentationLoss`, and `classes`.
    """

    def __init__(
        self,
        *,
        gamma: ClassValues = 2.0,
        alpha: ClassValues | None = None,
        **settings: Unpack[VoxelSettings],
    ) -> None:
        super().__init__(terms.Focal(gamma=gamma, alpha=alpha), **settings)


class DiceCELoss(NamedLoss):
    """Dice plus cross-entropy, λ_D Dice + λ_CE CE: the usual choice for exclusive classes.

    `background=False` leaves the background out of Dice; cross-entropy keeps it. Softmax or
    probabilities. Range [0, ∞). Paper: Isensee et al. 2021 (nnU-Net),
    https://arxiv.org/abs/1809.10486.

    Args:
        squared, overlap, smoothing: of `DiceLoss`.
        label_smoothing: of `CrossEntropyLoss`.
        dice_weight: λ_D.
        cross_entropy_weight: λ_CE.
        settings: those of `SegmentationLoss`.
    """

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        label_smoothing: float = 0.0,
        dice_weight: float = 1.0,
        cross_entropy_weight: float = 1.0,
        **settings: Unpack[CompoundSettings],
    ) -> None:
        compound = compounds.DiceCrossEntropy(
            squared=squared,
            overlap=overlap,
            smoothing=smoothing,
            label_smoothing=label_smoothing,
            dice_weight=dice_weight,
            cross_entropy_weight=cross_entropy_weight,
        )
        super().__init__(compound, **settings)


class DiceBCELoss(NamedLoss):
    """Dice plus binary cross-entropy, λ_D Dice + λ_BCE BCE: for binary and multilabel data.

    Sigmoid or probabilities. Range [0, ∞). Paper: Isensee et al. 2021 (nnU-Net),
    https://arxiv.org/abs/1809.10486.

    Args:
        squared, overlap, smoothing: of `DiceLoss`.
        pos_weight: of `BCELoss`.
        dice_weight: λ_D.
        cross_entropy_weight: λ_BCE.
        settings: those of `SegmentationLoss`; sigmoid by default.
    """

    _activation = "sigmoid"

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        pos_weight: ClassValues = 1.0,
        dice_weight: float = 1.0,
        cross_entropy_weight: float = 1.0,
        **settings: Unpack[CompoundSettings],
    ) -> None:
        compound = compounds.DiceBinaryCrossEntropy(
            squared=squared,
            overlap=overlap,
            smoothing=smoothing,
            pos_weight=pos_weight,
            dice_weight=dice_weight,
            cross_entropy_weight=cross_entropy_weight,
        )
        super().__init__(compound, **settings)


class DiceFocalLoss(NamedLoss):
    """Dice plus focal loss, λ_D Dice + λ_F focal.

    The focal loss is that of each channel's sigmoid, also beside a softmax Dice, unless
    `focal_activation` says otherwise. Range [0, ∞). Paper: Zhu et al. 2018 (AnatomyNet),
    https://arxiv.org/abs/1808.05238.

    Args:
        squared, overlap, smoothing: of `DiceLoss`.
        gamma, alpha: of `FocalLoss`.
        focal_activation: softmax or sigmoid.
        dice_weight: λ_D.
        focal_weight: λ_F.
        settings: those of `SegmentationLoss`.
    """

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        gamma: ClassValues = 2.0,
        alpha: ClassValues | None = None,
        focal_activation: Activation = "sigmoid",
        dice_weight: float = 1.0,
        focal_weight: float = 1.0,
        **settings: Unpack[CompoundSettings],
    ) -> None:
        compound = compounds.DiceFocal(
            squared=squared,
            overlap=overlap,
            smoothing=smoothing,
            gamma=gamma,
            alpha=alpha,
            focal_activation=focal_activation,
            dice_weight=dice_weight,
            focal_weight=focal_weight,
        )
        super().__init__(compound, **settings)


class GeneralizedDiceFocalLoss(NamedLoss):
    """Generalized Dice plus focal loss, λ_GD generalized Dice + λ_F focal.

    The focal loss is that of each channel's sigmoid, also beside a softmax generalized Dice,
    unless `focal_activation` says otherwise. Range [0, ∞). Papers: Sudre et al. 2017,
    https://arxiv.org/abs/1707.03237; Lin et al. 2017, https://arxiv.org/abs/1708.02002.

    Args:
        weight, overlap, smoothing: of `GeneralizedDiceLoss`.
        gamma, alpha: of `FocalLoss`.
        focal_activation: softmax or sigmoid.
        generalized_dice_weight: λ_GD.
        focal_weight: λ_F.
        settings: those of `SegmentationLoss`.
    """

    def __init__(
        self,
        *,
        weight: VolumeWeight = "inverse_square",
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        gamma: ClassValues = 2.0,
        alpha: ClassValues | None = None,
        focal_activation: Activation = "sigmoid",
        generalized_dice_weight: float = 1.0,
        focal_weight: float = 1.0,
        **settings: Unpack[CompoundSettings],
    ) -> None:
        compound = compounds.GeneralizedDiceFocal(
            weight=weight,
            overlap=overlap,
            smoothing=smoothing,
            gamma=gamma,
            alpha=alpha,
            focal_activation=focal_activation,
            generalized_dice_weight=generalized_dice_weight,
            focal_weight=focal_weight,
        )
        super().__init__(compound, **settings)


class ComboLoss(NamedLoss):
    """Combo loss, α B + (1 − α) Dice, B the mean of −β g ln p − (1 − β)(1 − g) ln(1 − p).

    β > ½ punishes false negatives more, β < ½ false positives. Sigmoid or probabilities. Range
    [0, ∞). Paper: Taghanaki et al. 2019, https://arxiv.org/abs/1805.02798.

    Args:
        alpha: α, from 0 to 1.
        beta: β, above 0 and below 1.
        squared, overlap, smoothing: of `DiceLoss`.
        settings: those of `SegmentationLoss`; sigmoid by default.
    """

    _activation = "sigmoid"

    def __init__(
        self,
        *,
        alpha: float = 0.5,
        beta: float = 0.5,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        **settings: Unpack[CompoundSettings],
    ) -> None:
        compound = compounds.Combo(
            alpha=alpha, beta=beta, squared=squared, overlap=overlap, smoothing=smoothing
        )
        super().__init__(compound, **settings)


class UnifiedFocalLoss(NamedLoss):
    """Unified focal loss, λ F + (1 − λ) T: one balance δ and one focus γ for focal and Tversky.

    F is the focal loss with α = δ for foreground classes and 1 − δ for the background; T the focal
    Tversky loss with exponent 1 − γ, δ for false negatives and 1 − δ for false positives. The
    asymmetric form focuses only where it helps. Under sigmoid every channel is a foreground class.
    Range [0, ∞). Paper: Yeung et al. 2022, https://arxiv.org/abs/2102.04525.

    Args:
        asymmetric: whether foreground voxels keep their full cross-entropy and the background its
            full Tversky loss.
        lambda_: λ, from 0 to 1.
        delta: δ, from 0 to 1.
        gamma: γ, from 0 to 1, 1 not included.
        smoothing: s and s′; at least 0.
        settings: those of `SegmentationLoss`.
    """

    def __init__(
        self,
        *,
        asymmetric: bool = False,
        lambda_: float = 0.5,
        delta: float = 0.6,
        gamma: float = 0.5,
        smoothing: Smoothing = 1e-5,
        **settings: Unpack[CompoundSettings],
    ) -> None:
        compound = compounds.UnifiedFocal(
            asymmetric=asymmetric, lambda_=lambda_, delta=delta, gamma=gamma, smoothing=smoothing
        )
        super().__init__(compound, **settings)
