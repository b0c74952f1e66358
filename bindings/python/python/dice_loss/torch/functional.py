# Written by `cargo xtask generate` from crates/dice-loss/src; do not edit.
"""Every loss as a function: `dice_loss(logits, target, background=False)`.

A function takes what the forward of its module takes, and the module's options by keyword. Losses
beside the objective, such as the Lovász losses, have functions in a file of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

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
from . import losses
from ._functions import evaluated
from ._ranks import ProcessGroup
from .centerline import cldice_loss
from .ranked import lovasz_hinge_loss, lovasz_softmax_loss

__all__ = [
    "bce_loss",
    "border_ce_loss",
    "boundary_loss",
    "cldice_loss",
    "combo_loss",
    "cross_entropy_loss",
    "dice_bce_loss",
    "dice_ce_loss",
    "dice_focal_loss",
    "dice_loss",
    "focal_loss",
    "focal_tversky_loss",
    "generalized_dice_focal_loss",
    "generalized_dice_loss",
    "generalized_wasserstein_dice_loss",
    "hausdorff_dt_loss",
    "instance_ce_loss",
    "iou_loss",
    "kappa_loss",
    "log_cosh_dice_loss",
    "log_dice_loss",
    "lovasz_hinge_loss",
    "lovasz_softmax_loss",
    "matthews_correlation_loss",
    "sensitivity_specificity_loss",
    "skeleton_recall_loss",
    "tversky_loss",
    "unified_focal_loss",
]


def dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Dice loss, as `dice_loss.torch.DiceLoss`: one minus twice the overlap over the two sizes.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.DiceLoss,
        {
            "squared": squared,
            "overlap": overlap,
            "smoothing": smoothing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def iou_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """IoU loss, as `dice_loss.torch.IoULoss`: intersection over union, the Jaccard index: one minus
    the overlap over the union.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.IoULoss,
        {
            "squared": squared,
            "overlap": overlap,
            "smoothing": smoothing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def tversky_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Tversky loss, as `dice_loss.torch.TverskyLoss`: Dice with a price each for false positives
    and false negatives.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.TverskyLoss,
        {
            "squared": squared,
            "alpha": alpha,
            "beta": beta,
            "overlap": overlap,
            "smoothing": smoothing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def focal_tversky_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Focal Tversky loss, as `dice_loss.torch.FocalTverskyLoss`: a power of the Tversky loss, taken
    class by class before any mean.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.FocalTverskyLoss,
        {
            "squared": squared,
            "alpha": alpha,
            "beta": beta,
            "overlap": overlap,
            "smoothing": smoothing,
            "gamma": gamma,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def log_dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Log-Dice loss, as `dice_loss.torch.LogDiceLoss`: a power of minus the logarithm of the Dice
    coefficient.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.LogDiceLoss,
        {
            "squared": squared,
            "overlap": overlap,
            "smoothing": smoothing,
            "gamma": gamma,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def log_cosh_dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Log-cosh Dice loss, as `dice_loss.torch.LogCoshDiceLoss`: the Dice loss, made smooth around
    its minimum.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.LogCoshDiceLoss,
        {
            "squared": squared,
            "overlap": overlap,
            "smoothing": smoothing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def generalized_dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Generalized Dice loss, as `dice_loss.torch.GeneralizedDiceLoss`: one Dice ratio for all
    classes, in which a rare class weighs more.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.GeneralizedDiceLoss,
        {
            "weight": weight,
            "overlap": overlap,
            "smoothing": smoothing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def generalized_wasserstein_dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Generalized Wasserstein Dice loss, as `dice_loss.torch.GeneralizedWassersteinDiceLoss`: Dice
    in which confusing two classes costs their distance.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.GeneralizedWassersteinDiceLoss,
        {
            "distances": distances,
            "weight": weight,
            "smoothing": smoothing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def matthews_correlation_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Matthews correlation loss, as `dice_loss.torch.MatthewsCorrelationLoss`: one minus the
    correlation of prediction and reference, each class against the rest.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
        smoothing: s, voxels added to the true positives and to the true negatives; at least 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.MatthewsCorrelationLoss,
        {
            "smoothing": smoothing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def kappa_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Kappa loss, as `dice_loss.torch.KappaLoss`: one minus Cohen's κ, the agreement of prediction
    and reference beyond chance.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.KappaLoss,
        {
            "smoothing": smoothing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def sensitivity_specificity_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Sensitivity-specificity loss, as `dice_loss.torch.SensitivitySpecificityLoss`: the mean
    squared errors inside and outside the reference, weighed against each other.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
        ratio: r, the share of the error inside the reference; 0 to 1.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.SensitivitySpecificityLoss,
        {
            "ratio": ratio,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def boundary_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Boundary loss, as `dice_loss.torch.BoundaryLoss`: the mean of the probabilities times the
    signed distances to the border.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
        spacing: the distance from voxel to voxel along each spatial axis; 1 by default; above 0.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        classes: only these classes take part; all by default.
        map: the name of the map that weighs the voxels in every sum of the loss; a loss that wants
            a map has a name for it, any other has none.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.BoundaryLoss,
        {
            "spacing": spacing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def hausdorff_dt_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Hausdorff distance loss, as `dice_loss.torch.HausdorffDTLoss`: the squared errors, each times
    how far from both borders it lies.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.HausdorffDTLoss,
        {
            "alpha": alpha,
            "log": log,
            "spacing": spacing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def skeleton_recall_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Skeleton recall loss, as `dice_loss.torch.SkeletonRecallLoss`: one minus the share of the
    reference's skeleton that is predicted.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.SkeletonRecallLoss,
        {
            "radius": radius,
            "spacing": spacing,
            "smoothing": smoothing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def cross_entropy_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Cross-entropy loss, as `dice_loss.torch.CrossEntropyLoss`: the log loss over exclusive
    classes.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.CrossEntropyLoss,
        {
            "label_smoothing": label_smoothing,
            "top_k": top_k,
            "threshold": threshold,
            "min_kept": min_kept,
            "activation": activation,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def bce_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Binary cross-entropy loss, as `dice_loss.torch.BCELoss`: the log loss of each channel by
    itself, for binary and multilabel data.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.BCELoss,
        {
            "pos_weight": pos_weight,
            "top_k": top_k,
            "threshold": threshold,
            "min_kept": min_kept,
            "activation": activation,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Focal loss, as `dice_loss.torch.FocalLoss`: cross-entropy that looks away from the voxels it
    already gets right.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.FocalLoss,
        {
            "gamma": gamma,
            "alpha": alpha,
            "top_k": top_k,
            "threshold": threshold,
            "min_kept": min_kept,
            "activation": activation,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def border_ce_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Border-weighted cross-entropy loss, as `dice_loss.torch.BorderCELoss`: cross-entropy in which
    the borders between components that nearly touch count more.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.BorderCELoss,
        {
            "w0": w0,
            "sigma": sigma,
            "spacing": spacing,
            "activation": activation,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def instance_ce_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    details: bool = False,
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
) -> Any:
    """Cross-entropy by instances loss, as `dice_loss.torch.InstanceCELoss`: cross-entropy in which
    every instance counts the same, be it large or small.

    Args:
        logits, target, mask, voxel_weight, class_valid, maps, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.InstanceCELoss,
        {
            "division": division,
            "spacing": spacing,
            "activation": activation,
            "background": background,
            "classes": classes,
            "map": map,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        details=details,
    )


def dice_ce_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    details: bool = False,
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
) -> Any:
    """Dice + CE loss, as `dice_loss.torch.DiceCELoss`: Dice plus cross-entropy over exclusive
    classes, the usual choice for multi-class segmentation.

    Args:
        logits, target, mask, voxel_weight, class_valid, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.DiceCELoss,
        {
            "squared": squared,
            "overlap": overlap,
            "smoothing": smoothing,
            "label_smoothing": label_smoothing,
            "top_k": top_k,
            "threshold": threshold,
            "min_kept": min_kept,
            "dice_weight": dice_weight,
            "cross_entropy_weight": cross_entropy_weight,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        details=details,
    )


def dice_bce_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    details: bool = False,
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
) -> Any:
    """Dice + BCE loss, as `dice_loss.torch.DiceBCELoss`: Dice plus binary cross-entropy, the usual
    choice for binary and multilabel segmentation.

    Args:
        logits, target, mask, voxel_weight, class_valid, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.DiceBCELoss,
        {
            "squared": squared,
            "overlap": overlap,
            "smoothing": smoothing,
            "pos_weight": pos_weight,
            "top_k": top_k,
            "threshold": threshold,
            "min_kept": min_kept,
            "dice_weight": dice_weight,
            "cross_entropy_weight": cross_entropy_weight,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        details=details,
    )


def dice_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    details: bool = False,
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
) -> Any:
    """Dice + focal loss, as `dice_loss.torch.DiceFocalLoss`: Dice plus focal loss, each under its
    own activation.

    Args:
        logits, target, mask, voxel_weight, class_valid, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.DiceFocalLoss,
        {
            "squared": squared,
            "overlap": overlap,
            "smoothing": smoothing,
            "gamma": gamma,
            "alpha": alpha,
            "top_k": top_k,
            "threshold": threshold,
            "min_kept": min_kept,
            "focal_activation": focal_activation,
            "dice_weight": dice_weight,
            "focal_weight": focal_weight,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        details=details,
    )


def generalized_dice_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    details: bool = False,
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
) -> Any:
    """Generalized Dice + focal loss, as `dice_loss.torch.GeneralizedDiceFocalLoss`: generalized
    Dice plus focal loss, each under its own activation.

    Args:
        logits, target, mask, voxel_weight, class_valid, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.GeneralizedDiceFocalLoss,
        {
            "weight": weight,
            "overlap": overlap,
            "smoothing": smoothing,
            "gamma": gamma,
            "alpha": alpha,
            "top_k": top_k,
            "threshold": threshold,
            "min_kept": min_kept,
            "focal_activation": focal_activation,
            "generalized_dice_weight": generalized_dice_weight,
            "focal_weight": focal_weight,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        details=details,
    )


def combo_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    details: bool = False,
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
) -> Any:
    """Combo loss, as `dice_loss.torch.ComboLoss`: binary cross-entropy with a price each for false
    negatives and false positives, mixed with Dice.

    Args:
        logits, target, mask, voxel_weight, class_valid, details: see the forward of
            `SegmentationLoss`.
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

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.ComboLoss,
        {
            "alpha": alpha,
            "beta": beta,
            "squared": squared,
            "overlap": overlap,
            "smoothing": smoothing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        details=details,
    )


def unified_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    details: bool = False,
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
) -> Any:
    """Unified focal loss, as `dice_loss.torch.UnifiedFocalLoss`: focal and focal Tversky with one
    balance and one focus between them.

    Args:
        logits, target, mask, voxel_weight, class_valid, details: see the forward of
            `SegmentationLoss`.
        asymmetric: the asymmetric form.
        lambda_: λ, the share of F; 0 to 1.
        delta: δ, the weight of the foreground and of false negatives; 0 to 1.
        gamma: γ, the focus: 0 is none in F and full in T; 0 to 1, 1 not included.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        activation: what turns logits into probabilities: `"softmax"` or `"sigmoid"`.
        pool, absent, background, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `SegmentationLoss`.

    Returns:
        The loss; for `details` the pair `(loss, LossDetails)`.
    """
    return evaluated(
        losses.UnifiedFocalLoss,
        {
            "asymmetric": asymmetric,
            "lambda_": lambda_,
            "delta": delta,
            "gamma": gamma,
            "smoothing": smoothing,
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        details=details,
    )
