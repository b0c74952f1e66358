# Written by `cargo xtask generate` from crates/dice-loss/src; do not edit.
"""The losses as modules.

They differ in their formula and its options; what they have in common (shapes, targets, pooling,
absent classes, masks, devices, errors) is said once, at `SegmentationLoss`. In the formulas
p is the probability that the activation gives the class, g the reference and Σ a sum over the
voxels that count, each times its weight; s is added to the numerator and s′ to the denominator
(`smoothing`: one number for both, or a pair).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .. import compounds, terms
from .._choices import (
    Absent,
    Activation,
    Division,
    Overlap,
    Pool,
    Reduction,
    TransportWeight,
    VolumeWeight,
)
from .._terms import ClassValues, ClassWeights, Regions, Smoothing
from ._ranks import ProcessGroup
from .segmentation_loss import NamedLoss

__all__ = [
    "BCELoss",
    "BorderCELoss",
    "BoundaryLoss",
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
    "HausdorffDTLoss",
    "InstanceCELoss",
    "IoULoss",
    "KappaLoss",
    "LogCoshDiceLoss",
    "LogDiceLoss",
    "MatthewsCorrelationLoss",
    "SensitivitySpecificityLoss",
    "SkeletonRecallLoss",
    "TverskyLoss",
    "UnifiedFocalLoss",
]


class DiceLoss(NamedLoss):
    """Dice loss: one minus twice the overlap over the two sizes.

    L = 1 − (2 I + s) / (Σp + Σg + s′), with the soft intersection I = Σpg; or with `squared`
    L = 1 − (2 Σpg + s) / (Σp² + Σg² + s′).

    Range [0, 1] for hard labels and s ≤ s′; a perfect match costs 0 by default. Papers: Milletari,
    Navab and Ahmadi 2016 (V-Net, squared), https://arxiv.org/abs/1606.04797; Drozdzal et al. 2016
    (linear), https://arxiv.org/abs/1608.04117; Wang et al. 2023 (`"l1"`),
    https://arxiv.org/abs/2303.16296.

    ::

        DiceLoss(ignore_index=255)(logits, target).backward()

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "dice_loss"

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.Dice(
                squared=squared,
                overlap=overlap,
                smoothing=smoothing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class IoULoss(NamedLoss):
    """IoU loss: intersection over union, the Jaccard index: one minus the overlap over the union.

    L = 1 − (I + s) / (Σp + Σg − I + s′), with the soft intersection I = Σpg; or with `squared`
    sizes Σp² and Σg² (power Jaccard).

    It has the minimum of Dice and punishes a small overlap more.

    Range [0, 1] for hard labels and s ≤ s′; a perfect match costs 0 by default. Papers: Rahman and
    Wang 2016, https://doi.org/10.1007/978-3-319-50835-1_22; Wang and Blaschko 2023 (`"l1"`),
    https://arxiv.org/abs/2302.05666; Duque-Arias et al. 2021 (squared),
    https://hal.science/hal-03139997.

    ::

        IoULoss(ignore_index=255)(logits, target).backward()

    Args:
        squared: sizes as sums of squares, Σp² + Σg², beside Σpg whatever the overlap.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "iou_loss"

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.IoU(
                squared=squared,
                overlap=overlap,
                smoothing=smoothing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class TverskyLoss(NamedLoss):
    """Tversky loss: Dice with a price each for false positives and false negatives.

    L = 1 − (I + s) / (I + α FP + β FN + s′), with the soft intersection I = Σpg, FP = Σp − I and
    FN = Σg − I; with `squared`, Σp² and Σg² stand for Σp and Σg, I is Σpg whatever the overlap, and
    α is at most β: where a voxel is half found, Σp² − I is negative, and a larger α would reward
    that.

    The defaults favour recall. α = β = ½ is Dice (with 2s for s), α = β = 1 is IoU.

    Range [0, 1] for hard labels and s ≤ s′; a perfect match costs 0 by default. Papers: Salehi,
    Erdogmus and Gholipour 2017, https://arxiv.org/abs/1706.05721; Wang and Blaschko 2023 (`"l1"`),
    https://arxiv.org/abs/2302.05666; Duque-Arias et al. 2021 (squared),
    https://hal.science/hal-03139997.

    ::

        TverskyLoss(ignore_index=255)(logits, target).backward()

    Args:
        squared: sizes as sums of squares, Σp² + Σg², beside Σpg whatever the overlap.
        alpha: α, the weight of false positives; at least 0.
        beta: β, the weight of false negatives; at least 0.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "tversky_loss"

    def __init__(
        self,
        *,
        squared: bool = False,
        alpha: float = 0.3,
        beta: float = 0.7,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.Tversky(
                squared=squared,
                alpha=alpha,
                beta=beta,
                overlap=overlap,
                smoothing=smoothing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class FocalTverskyLoss(NamedLoss):
    """Focal Tversky loss: a power of the Tversky loss, taken class by class before any mean.

    L = (1 − T)^γ, with the Tversky index T = (I + s) / (I + α FP + β FN + s′).

    γ < 1 keeps the gradient large while a class is nearly right, γ > 1 looks away from such a
    class. The paper writes the exponent as 1/γ.

    Range [0, 1] for hard labels and s ≤ s′; a perfect match costs 0 by default. Paper: Abraham and
    Khan 2018, https://arxiv.org/abs/1810.07842.

    ::

        FocalTverskyLoss(ignore_index=255)(logits, target).backward()

    Args:
        squared: sizes as sums of squares, Σp² + Σg², beside Σpg whatever the overlap.
        alpha: α, the weight of false positives; at least 0.
        beta: β, the weight of false negatives; at least 0.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        gamma: γ, the exponent; above 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "focal_tversky_loss"

    def __init__(
        self,
        *,
        squared: bool = False,
        alpha: float = 0.3,
        beta: float = 0.7,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        gamma: float = 0.75,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.FocalTversky(
                squared=squared,
                alpha=alpha,
                beta=beta,
                overlap=overlap,
                smoothing=smoothing,
                gamma=gamma,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class LogDiceLoss(NamedLoss):
    """Log-Dice loss: a power of minus the logarithm of the Dice coefficient.

    L = (−ln D)^γ, with the smoothed Dice coefficient D.

    The paper takes γ = 0.3. Smoothing of the numerator bounds it: without, it is infinite where
    nothing overlaps.

    Range [0, ∞) for hard labels and s ≤ s′; a perfect match costs 0 by default. Paper: Wong et al.
    2018, https://arxiv.org/abs/1809.00076.

    ::

        LogDiceLoss(ignore_index=255)(logits, target).backward()

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        gamma: γ, the exponent; above 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "log_dice_loss"

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        gamma: float = 1.0,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.LogDice(
                squared=squared,
                overlap=overlap,
                smoothing=smoothing,
                gamma=gamma,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class LogCoshDiceLoss(NamedLoss):
    """Log-cosh Dice loss: the Dice loss, made smooth around its minimum.

    L = ln cosh(1 − D), with the smoothed Dice coefficient D: about half the square of a small Dice
    loss, so that the gradient fades towards a perfect match.

    Range [0, 0.434] for hard labels and s ≤ s′; a perfect match costs 0 by default. Paper: Jadon
    2020, https://arxiv.org/abs/2006.14822.

    ::

        LogCoshDiceLoss(ignore_index=255)(logits, target).backward()

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "log_cosh_dice_loss"

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.LogCoshDice(
                squared=squared,
                overlap=overlap,
                smoothing=smoothing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class GeneralizedDiceLoss(NamedLoss):
    """Generalized Dice loss: one Dice ratio for all classes, in which a rare class weighs more.

    L = 1 − (2 Σ_k v_k I_k + s) / (Σ_k v_k (Σp_k + Σg_k) + s′), with the soft intersections I = Σpg
    and weights v by the size of the class, the smallest class present weighing 1.

    Range [0, 1] for hard labels and s ≤ s′; a perfect match costs 0 by default. Paper: Sudre et al.
    2017, https://arxiv.org/abs/1707.03237.

    ::

        GeneralizedDiceLoss(ignore_index=255)(logits, target).backward()

    Args:
        weight: v by the size G of a class: `"inverse_square"`, 1/G²; `"inverse"`, 1/G; `"uniform"`,
            1.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "generalized_dice_loss"

    def __init__(
        self,
        *,
        weight: VolumeWeight = "inverse_square",
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.GeneralizedDice(
                weight=weight,
                overlap=overlap,
                smoothing=smoothing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class GeneralizedWassersteinDiceLoss(NamedLoss):
    """Generalized Wasserstein Dice loss: Dice in which confusing two classes costs their distance.

    With the cost E_k = Σ g_k Σ_l M_kl p_l of a class and its size G_k,
    L = 1 − (2 Σ_k a_k (G_k − E_k) + s) / (2 Σ_k a_k (G_k − E_k) + Σ_k b_k E_k + s′), where a = 1
    for foreground classes, 0 for the background, and b = 1; or a = b = v by the size of the class.

    Probabilities must add up to 1 over the classes.

    Range [0, 1] for s ≤ s′; a perfect match costs 0 by default. Paper: Fidon et al. 2017,
    https://arxiv.org/abs/1707.00478.

    ::

        GeneralizedWassersteinDiceLoss(ignore_index=255)(logits, target).backward()

    Args:
        distances: M, a row for each class: not negative, 0 on the diagonal, divided by its largest
            entry; by default all classes are equally far apart.
        weight: `"foreground"`, a = 1 for foreground classes, 0 for the background, and b = 1; or
            a = b = v by the size G of a class: `"inverse_square"`, 1/G²; `"inverse"`, 1/G;
            `"uniform"`, 1.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"softmax"` or `"probabilities"` (the
            input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "generalized_wasserstein_dice_loss"

    def __init__(
        self,
        *,
        distances: Sequence[Sequence[float]] | None = None,
        weight: TransportWeight = "foreground",
        smoothing: Smoothing = 1e-5,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.GeneralizedWassersteinDice(
                distances=distances,
                weight=weight,
                smoothing=smoothing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class MatthewsCorrelationLoss(NamedLoss):
    """Matthews correlation loss: one minus the correlation of prediction and reference, each class
    against the rest.

    L = 1 − (n Σpg − Σp Σg) / √(Σp Σg (n − Σp)(n − Σg)), with n voxels, to which s true positives
    and s true negatives are added.

    It rewards true negatives too: swapping a class and its background changes nothing.

    Range [0, 2] for probabilities; 1 without any correlation; a perfect match costs 0 by default.
    Paper: Abhishek and Hamarneh 2020, https://arxiv.org/abs/2010.13454.

    ::

        MatthewsCorrelationLoss(ignore_index=255)(logits, target).backward()

    Args:
        smoothing: s, voxels added to the true positives and to the true negatives; at least 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "matthews_correlation_loss"

    def __init__(
        self,
        *,
        smoothing: float = 1e-5,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.MatthewsCorrelation(
                smoothing=smoothing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class KappaLoss(NamedLoss):
    """Kappa loss: one minus Cohen's κ, the agreement of prediction and reference beyond chance.

    L = 1 − (2 Σpg − 2C + s) / (Σp + Σg − 2C + s′), each class against the rest, with the overlap
    C = Σp Σg / n that n voxels would have by chance.

    It rewards true negatives too: swapping a class and its background changes nothing.

    Range [0, 2] for s ≤ s′; 1 where the two agree as by chance; a perfect match costs 0 by default.
    Paper: Zhang, Petitjean and Ainouz 2020, https://doi.org/10.1109/ISBI45749.2020.9098404.

    ::

        KappaLoss(ignore_index=255)(logits, target).backward()

    Args:
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "kappa_loss"

    def __init__(
        self,
        *,
        smoothing: Smoothing = 1e-5,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.Kappa(
                smoothing=smoothing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class SensitivitySpecificityLoss(NamedLoss):
    """Sensitivity-specificity loss: the mean squared errors inside and outside the reference,
    weighed against each other.

    L = r Σg(p − g)² / Σg + (1 − r) Σ(1 − g)(p − g)² / Σ(1 − g), with the sensitivity ratio r.

    A side without voxels costs nothing.

    Range [0, 1]; a perfect match costs 0 by default. Paper: Brosch et al. 2015,
    https://doi.org/10.1007/978-3-319-24574-4_1.

    ::

        SensitivitySpecificityLoss(ignore_index=255)(logits, target).backward()

    Args:
        ratio: r, the share of the error inside the reference; 0 to 1.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "sensitivity_specificity_loss"

    def __init__(
        self,
        *,
        ratio: float = 0.05,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.SensitivitySpecificity(
                ratio=ratio,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class BoundaryLoss(NamedLoss):
    """Boundary loss: the mean of the probabilities times the signed distances to the border.

    L = Σmp / Σ1, with the signed distance m of each voxel to the border of the class, negative
    inside, which the target carries as the map `boundary`.

    By itself it leads to empty predictions: add it to an overlap loss, with a weight that rises
    from epoch to epoch.

    Range any number; a perfect match costs least, but not 0. Paper: Kervadec et al. 2019,
    https://arxiv.org/abs/1812.07032.

    ::

        BoundaryLoss(ignore_index=255)(logits, target).backward()

    Args:
        spacing: the distance from voxel to voxel along each spatial axis; 1 by default; above 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "boundary_loss"

    def __init__(
        self,
        *,
        spacing: Sequence[float] | None = None,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.Boundary(
                spacing=spacing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class HausdorffDTLoss(NamedLoss):
    """Hausdorff distance loss: the squared errors, each times how far from both borders it lies.

    L = Σm(p − g)² / Σ1, with m = d_p^α + d_g^α, the distances of each voxel to the borders of the
    prediction and of the reference, which the target carries as the map `hausdorff`; or with `log`
    ln(1 + L).

    The distances to the prediction's border are those of p > ½, taken anew in each step. No
    gradient goes through them.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Karimi and Salcudean 2019,
    https://arxiv.org/abs/1904.10030.

    ::

        HausdorffDTLoss(ignore_index=255)(logits, target).backward()

    Args:
        alpha: α, the power of the distances; above 0.
        log: whether the loss is ln(1 + L), which tames large distances.
        spacing: the distance from voxel to voxel along each spatial axis; 1 by default; above 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "hausdorff_dt_loss"

    def __init__(
        self,
        *,
        alpha: float = 2.0,
        log: bool = False,
        spacing: Sequence[float] | None = None,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.HausdorffDT(
                alpha=alpha,
                log=log,
                spacing=spacing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class SkeletonRecallLoss(NamedLoss):
    """Skeleton recall loss: one minus the share of the reference's skeleton that is predicted.

    L = 1 − (Σmp + s) / (Σm + s′), with m the dilated skeleton of each class, within the class,
    which the target carries as the map `skeleton`.

    False positives cost nothing: add it to an overlap loss.

    Range [0, 1]; a perfect match costs 0 by default. Paper: Kirchhoff et al. 2024,
    https://arxiv.org/abs/2404.03010.

    ::

        SkeletonRecallLoss(ignore_index=255)(logits, target).backward()

    Args:
        radius: how far the skeleton is dilated, in the units of the spacing; at least 0.
        spacing: the distance from voxel to voxel along each spatial axis; 1 by default; above 0.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "skeleton_recall_loss"

    def __init__(
        self,
        *,
        radius: float = 2.0,
        spacing: Sequence[float] | None = None,
        smoothing: Smoothing = 1e-5,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.SkeletonRecall(
                radius=radius,
                spacing=spacing,
                smoothing=smoothing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class CrossEntropyLoss(NamedLoss):
    """Cross-entropy loss: the log loss over exclusive classes.

    ℓ(voxel) = −Σ_k t_k ln p_k, t_k = w_k ((1 − ε) g_k + ε / C), with class weights w and C classes.
    The mean divides by Σ_k w_k g_k of the voxels that count, so it does not depend on how many are
    ignored.

    Where classes are not annotated, p and g of the background hold theirs too (Shi et al. 2021,
    https://arxiv.org/abs/2007.03868).

    Range [0, ∞); a perfect match costs 0 by default. Paper: Szegedy et al. 2016 (label smoothing),
    https://arxiv.org/abs/1512.00567.

    ::

        CrossEntropyLoss(ignore_index=255)(logits, target).backward()

    Args:
        label_smoothing: ε, the share of the target that is spread evenly over the classes; 0 to 1.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
        activation: what turns logits into probabilities: `"softmax"` or `"probabilities"` (the
            input as it is).
        background: whether class 0 takes part, in a compound in its overlap; with one channel it
            always does.
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        class_weights, reduction, ignore_index, regions, target_kind, process_group: see
            `SegmentationLoss`.
    """

    function = "cross_entropy_loss"

    def __init__(
        self,
        *,
        label_smoothing: float = 0.0,
        top_k: float = 1.0,
        threshold: float = 1.0,
        min_kept: int = 0,
        activation: Activation = "softmax",
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.CrossEntropy(
                label_smoothing=label_smoothing,
                top_k=top_k,
                threshold=threshold,
                min_kept=min_kept,
                classes=classes,
                map=map,
            ),
            activation=activation,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class BCELoss(NamedLoss):
    """Binary cross-entropy loss: the log loss of each channel by itself, for binary and multilabel
    data.

    ℓ(voxel, class) = −π g ln p − (1 − g) ln(1 − p), with the weight π of positives. The mean is
    over the voxels that count and the classes.

    Range [0, ∞); a perfect match costs 0 by default.

    ::

        BCELoss(ignore_index=255)(logits, target).backward()

    Args:
        pos_weight: π, how much a positive voxel counts against a negative one; one number, one for
            each class, or `BackgroundForeground`; at least 0.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
        activation: what turns logits into probabilities: `"sigmoid"` or `"probabilities"` (the
            input as it is).
        background: whether class 0 takes part, in a compound in its overlap; with one channel it
            always does.
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        class_weights, reduction, ignore_index, regions, target_kind, process_group: see
            `SegmentationLoss`.
    """

    function = "bce_loss"

    def __init__(
        self,
        *,
        pos_weight: ClassValues = 1.0,
        top_k: float = 1.0,
        threshold: float = 1.0,
        min_kept: int = 0,
        activation: Activation = "sigmoid",
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.BinaryCrossEntropy(
                pos_weight=pos_weight,
                top_k=top_k,
                threshold=threshold,
                min_kept=min_kept,
                classes=classes,
                map=map,
            ),
            activation=activation,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class FocalLoss(NamedLoss):
    """Focal loss: cross-entropy that looks away from the voxels it already gets right.

    Softmax: ℓ(voxel) = −Σ_k α_k g_k (1 − p_k)^γ ln p_k. Sigmoid, each class by itself: ℓ(voxel,
    class) = −α g (1 − p)^γ ln p − (1 − α)(1 − g) p^γ ln(1 − p). Without α both sides count fully.
    The mean is over the voxels that count.

    α balances but does not normalise; class weights do both.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Lin et al. 2017,
    https://arxiv.org/abs/1708.02002.

    ::

        FocalLoss(ignore_index=255)(logits, target).backward()

    Args:
        gamma: γ, the focusing exponent; one number, one for each class, or `BackgroundForeground`;
            at least 0.
        alpha: α, the balance; none by default; one number, one for each class, or
            `BackgroundForeground`; 0 to 1.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
        activation: what turns logits into probabilities: `"softmax"` or `"sigmoid"`.
        background: whether class 0 takes part, in a compound in its overlap; with one channel it
            always does.
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        class_weights, reduction, ignore_index, regions, target_kind, process_group: see
            `SegmentationLoss`.
    """

    function = "focal_loss"

    def __init__(
        self,
        *,
        gamma: ClassValues = 2.0,
        alpha: ClassValues | None = None,
        top_k: float = 1.0,
        threshold: float = 1.0,
        min_kept: int = 0,
        activation: Activation = "softmax",
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.Focal(
                gamma=gamma,
                alpha=alpha,
                top_k=top_k,
                threshold=threshold,
                min_kept=min_kept,
                classes=classes,
                map=map,
            ),
            activation=activation,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class BorderCELoss(NamedLoss):
    """Border-weighted cross-entropy loss: cross-entropy in which the borders between components
    that nearly touch count more.

    ℓ(voxel) = −m Σ_k w_k g_k ln p_k, with class weights w and m = 1 + w₀ exp(−(d₁ + d₂)² / 2σ²), d₁
    and d₂ the distances to the nearest component of a class and the nearest other one, which the
    target carries as the map `border`. The mean divides by Σ m w_y of the voxels that count.

    Under softmax the map is the same for all classes, the largest weight of any class but the
    background. Under sigmoid it is binary cross-entropy, each channel with the components of its
    own. What touches in the label map is one component: of instances that do, hand in the map.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Ronneberger et al. 2015 (U-Net),
    https://arxiv.org/abs/1505.04597.

    ::

        BorderCELoss(ignore_index=255)(logits, target).backward()

    Args:
        w0: w₀, what is added to the weight where two components touch; at least 0.
        sigma: σ, how far a border reaches, in the units of the spacing; above 0.
        spacing: the distance from voxel to voxel along each spatial axis; 1 by default; above 0.
        activation: what turns logits into probabilities: `"softmax"` or `"sigmoid"`.
        background: whether class 0 takes part, in a compound in its overlap; with one channel it
            always does.
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        class_weights, reduction, ignore_index, regions, target_kind, process_group: see
            `SegmentationLoss`.
    """

    function = "border_ce_loss"

    def __init__(
        self,
        *,
        w0: float = 10.0,
        sigma: float = 5.0,
        spacing: Sequence[float] | None = None,
        activation: Activation = "softmax",
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.BorderCrossEntropy(
                w0=w0,
                sigma=sigma,
                spacing=spacing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class InstanceCELoss(NamedLoss):
    """Cross-entropy by instances loss: cross-entropy in which every instance counts the same, be it
    large or small.

    ℓ(voxel) = −m Σ_k w_k g_k ln p_k, with class weights w and the map `instance_weights` that the
    target carries. With K instances of a class, m is 1 / (K |R|) in the voxels R of each: its cell,
    or itself and the background, whose voxels have a share in all K. So the loss of a class is the
    mean over its instances of the mean over the voxels of each. A class without instances is one,
    of all voxels. The mean divides by Σ m w_y of the voxels that count.

    Under softmax the map is the same for all classes, the mean over the classes but the background
    that have instances. Under sigmoid it is binary cross-entropy, each channel with the instances
    of its own.

    Range [0, ∞); a perfect match costs 0 by default. Papers: Bouteille et al. 2025,
    https://arxiv.org/abs/2511.17146; Kofler et al. 2022, https://arxiv.org/abs/2205.08209.

    ::

        InstanceCELoss(ignore_index=255)(logits, target).backward()

    Args:
        division: which voxels are those of an instance: `"cells"`, those nearest to it; `"blobs"`,
            its own and the background.
        spacing: the distance from voxel to voxel along each spatial axis; 1 by default; above 0.
        activation: what turns logits into probabilities: `"softmax"` or `"sigmoid"`.
        background: whether class 0 takes part, in a compound in its overlap; with one channel it
            always does.
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        class_weights, reduction, ignore_index, regions, target_kind, process_group: see
            `SegmentationLoss`.
    """

    function = "instance_ce_loss"

    def __init__(
        self,
        *,
        division: Division = "cells",
        spacing: Sequence[float] | None = None,
        activation: Activation = "softmax",
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        map: str | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            terms.InstanceCrossEntropy(
                division=division,
                spacing=spacing,
                classes=classes,
                map=map,
            ),
            activation=activation,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class DiceCELoss(NamedLoss):
    """Dice + CE loss: Dice plus cross-entropy over exclusive classes, the usual choice for
    multi-class segmentation.

    L = λ_D Dice + λ_CE CE. Cross-entropy keeps the background that Dice may leave out.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Isensee et al. 2021 (nnU-Net),
    https://arxiv.org/abs/1809.10486.

    ::

        DiceCELoss(ignore_index=255)(logits, target).backward()

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        label_smoothing: ε, the share of the target that is spread evenly over the classes; 0 to 1.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
        dice_weight: λ_D, the weight of Dice.
        cross_entropy_weight: λ_CE, the weight of cross-entropy.
        activation: what turns logits into probabilities: `"softmax"` or `"probabilities"` (the
            input as it is).
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "dice_ce_loss"

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        label_smoothing: float = 0.0,
        top_k: float = 1.0,
        threshold: float = 1.0,
        min_kept: int = 0,
        dice_weight: float = 1.0,
        cross_entropy_weight: float = 1.0,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            compounds.DiceCrossEntropy(
                squared=squared,
                overlap=overlap,
                smoothing=smoothing,
                label_smoothing=label_smoothing,
                top_k=top_k,
                threshold=threshold,
                min_kept=min_kept,
                dice_weight=dice_weight,
                cross_entropy_weight=cross_entropy_weight,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class DiceBCELoss(NamedLoss):
    """Dice + BCE loss: Dice plus binary cross-entropy, the usual choice for binary and multilabel
    segmentation.

    L = λ_D Dice + λ_BCE BCE. Cross-entropy keeps the background that Dice may leave out.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Isensee et al. 2021 (nnU-Net),
    https://arxiv.org/abs/1809.10486.

    ::

        DiceBCELoss(ignore_index=255)(logits, target).backward()

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        pos_weight: π, how much a positive voxel counts against a negative one; one number, one for
            each class, or `BackgroundForeground`; at least 0.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
        dice_weight: λ_D, the weight of Dice.
        cross_entropy_weight: λ_BCE, the weight of cross-entropy.
        activation: what turns logits into probabilities: `"sigmoid"` or `"probabilities"` (the
            input as it is).
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "dice_bce_loss"

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        pos_weight: ClassValues = 1.0,
        top_k: float = 1.0,
        threshold: float = 1.0,
        min_kept: int = 0,
        dice_weight: float = 1.0,
        cross_entropy_weight: float = 1.0,
        activation: Activation = "sigmoid",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            compounds.DiceBinaryCrossEntropy(
                squared=squared,
                overlap=overlap,
                smoothing=smoothing,
                pos_weight=pos_weight,
                top_k=top_k,
                threshold=threshold,
                min_kept=min_kept,
                dice_weight=dice_weight,
                cross_entropy_weight=cross_entropy_weight,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class DiceFocalLoss(NamedLoss):
    """Dice + focal loss: Dice plus focal loss, each under its own activation.

    L = λ_D Dice + λ_F Focal. The focal loss is that of each channel's sigmoid by default, also
    beside a softmax Dice.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Zhu et al. 2018 (AnatomyNet),
    https://arxiv.org/abs/1808.05238.

    ::

        DiceFocalLoss(ignore_index=255)(logits, target).backward()

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        gamma: γ, the focusing exponent; one number, one for each class, or `BackgroundForeground`;
            at least 0.
        alpha: α, the balance; none by default; one number, one for each class, or
            `BackgroundForeground`; 0 to 1.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
        focal_activation: that of the focal loss, softmax or sigmoid, whatever that of the other.
        dice_weight: λ_D, the weight of Dice.
        focal_weight: λ_F, the weight of focal.
        activation: what turns logits into probabilities: `"softmax"` or `"sigmoid"`.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "dice_focal_loss"

    def __init__(
        self,
        *,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        gamma: ClassValues = 2.0,
        alpha: ClassValues | None = None,
        top_k: float = 1.0,
        threshold: float = 1.0,
        min_kept: int = 0,
        focal_activation: Activation = "sigmoid",
        dice_weight: float = 1.0,
        focal_weight: float = 1.0,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            compounds.DiceFocal(
                squared=squared,
                overlap=overlap,
                smoothing=smoothing,
                gamma=gamma,
                alpha=alpha,
                top_k=top_k,
                threshold=threshold,
                min_kept=min_kept,
                focal_activation=focal_activation,
                dice_weight=dice_weight,
                focal_weight=focal_weight,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class GeneralizedDiceFocalLoss(NamedLoss):
    """Generalized Dice + focal loss: generalized Dice plus focal loss, each under its own
    activation.

    L = λ_GD GeneralizedDice + λ_F Focal. The focal loss is that of each channel's sigmoid by
    default, also beside a softmax Dice.

    Range [0, ∞); a perfect match costs 0 by default. Papers: Sudre et al. 2017,
    https://arxiv.org/abs/1707.03237; Lin et al. 2017, https://arxiv.org/abs/1708.02002.

    ::

        GeneralizedDiceFocalLoss(ignore_index=255)(logits, target).backward()

    Args:
        weight: v by the size G of a class: `"inverse_square"`, 1/G²; `"inverse"`, 1/G; `"uniform"`,
            1.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        gamma: γ, the focusing exponent; one number, one for each class, or `BackgroundForeground`;
            at least 0.
        alpha: α, the balance; none by default; one number, one for each class, or
            `BackgroundForeground`; 0 to 1.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
        focal_activation: that of the focal loss, softmax or sigmoid, whatever that of the other.
        generalized_dice_weight: λ_GD, the weight of generalized Dice.
        focal_weight: λ_F, the weight of focal.
        activation: what turns logits into probabilities: `"softmax"` or `"sigmoid"`.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "generalized_dice_focal_loss"

    def __init__(
        self,
        *,
        weight: VolumeWeight = "inverse_square",
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        gamma: ClassValues = 2.0,
        alpha: ClassValues | None = None,
        top_k: float = 1.0,
        threshold: float = 1.0,
        min_kept: int = 0,
        focal_activation: Activation = "sigmoid",
        generalized_dice_weight: float = 1.0,
        focal_weight: float = 1.0,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            compounds.GeneralizedDiceFocal(
                weight=weight,
                overlap=overlap,
                smoothing=smoothing,
                gamma=gamma,
                alpha=alpha,
                top_k=top_k,
                threshold=threshold,
                min_kept=min_kept,
                focal_activation=focal_activation,
                generalized_dice_weight=generalized_dice_weight,
                focal_weight=focal_weight,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class ComboLoss(NamedLoss):
    """Combo loss: binary cross-entropy with a price each for false negatives and false positives,
    mixed with Dice.

    L = α B + (1 − α) Dice, with B the mean over voxels and classes of −β g ln p − (1 − β)(1 − g)
    ln(1 − p).

    β > ½ punishes false negatives more, β < ½ false positives. (The paper subtracts the Dice
    coefficient; the gradient is the same.)

    Range [0, ∞); a perfect match costs 0 by default. Paper: Taghanaki et al. 2019,
    https://arxiv.org/abs/1805.02798.

    ::

        ComboLoss(ignore_index=255)(logits, target).backward()

    Args:
        alpha: α, the share of cross-entropy; 0 to 1.
        beta: β, the share of the voxels of a class in its cross-entropy; between 0 and 1, neither
            included.
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"sigmoid"` or `"probabilities"` (the
            input as it is).
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "combo_loss"

    def __init__(
        self,
        *,
        alpha: float = 0.5,
        beta: float = 0.5,
        squared: bool = False,
        overlap: Overlap = "product",
        smoothing: Smoothing = 1e-5,
        activation: Activation = "sigmoid",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            compounds.Combo(
                alpha=alpha,
                beta=beta,
                squared=squared,
                overlap=overlap,
                smoothing=smoothing,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class UnifiedFocalLoss(NamedLoss):
    """Unified focal loss: focal and focal Tversky with one balance and one focus between them.

    L = λ F + (1 − λ) T. F is the focal loss with α = δ for foreground classes, 1 − δ for the
    background and the exponent γ; T is the focal Tversky loss with the exponent 1 − γ, where false
    negatives weigh δ and false positives 1 − δ.

    The asymmetric form focuses only where it helps: foreground voxels keep their full
    cross-entropy, the background its full Tversky loss, and T is half the background's, half the
    foreground's. Under sigmoid every channel is a foreground class.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Yeung et al. 2022,
    https://arxiv.org/abs/2102.04525.

    ::

        UnifiedFocalLoss(ignore_index=255)(logits, target).backward()

    Args:
        asymmetric: the asymmetric form.
        lambda_: λ, the share of F; 0 to 1.
        delta: δ, the weight of the foreground and of false negatives; 0 to 1.
        gamma: γ, the focus: 0 is none in F and full in T; 0 to 1, 1 not included.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"softmax"` or `"sigmoid"`.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.
    """

    function = "unified_focal_loss"

    def __init__(
        self,
        *,
        asymmetric: bool = False,
        lambda_: float = 0.5,
        delta: float = 0.6,
        gamma: float = 0.5,
        smoothing: Smoothing = 1e-5,
        activation: Activation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__(
            compounds.UnifiedFocal(
                asymmetric=asymmetric,
                lambda_=lambda_,
                delta=delta,
                gamma=gamma,
                smoothing=smoothing,
            ),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )
