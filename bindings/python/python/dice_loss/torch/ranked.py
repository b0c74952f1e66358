"""Losses that see the voxels in the order of their errors: the Lovász losses, as modules.

What they compute is said at `dice_loss.ranked`. In main memory the engine ranks; other devices and
transforms such as `torch.func` are served by torch's own operations. They have no moments: see
`dice_loss.torch.direct` for what that means on several ranks.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .._choices import Absent, Pool, Reduction
from .._direct import RankedActivation, ranked_activation
from .._terms import ClassWeights, Regions
from .direct import DirectLoss, evaluated

__all__ = ["LovaszHingeLoss", "LovaszSoftmaxLoss", "lovasz_hinge_loss", "lovasz_softmax_loss"]


class LovaszHingeLoss(DirectLoss):
    """Lovász hinge: the Lovász extension of the Jaccard loss, of hinge errors of the logits.

    L = Σ_i e_i (J_i − J_{i−1}) over the errors e of a class in descending order, with J_i the
    Jaccard loss of a prediction that is wrong in the first i voxels alone, and e = max(0, 1 − x) of
    a voxel inside the class, max(0, 1 + x) of one outside. Each channel by itself: binary, and
    multilabel. At least 0, and not bounded. Paper: Berman, Rannen Triki and Blaschko 2018,
    https://arxiv.org/abs/1705.08790.

    ::

        LovaszHingeLoss(ignore_index=255)(logits, target).backward()

    Args:
        pool: what is ranked together: `"sample"`, the voxels of each sample, which is the default;
            `"batch"`, those of the batch.
        absent: what a class counts that the reference lacks: `"formula"`, the default, the largest
            of its errors; `"skip"`, nothing; `"zero"`, a loss of 0 that stays in the mean.
        background: whether class 0 takes part, as it does by default; with one channel always.
        classes: only these classes take part; all by default.
        class_weights: one for each class, at least 0; they normalise the mean over classes.
        reduction: `"mean"` over what counts, `"sum"`, or `"none"`: (N, C), or (C) of the batch.
        ignore_index: voxels with this label are not ranked.
        regions: for labels 0, 1, …, the channels that each belongs to, or a mapping by label.
        target_kind: `"labels"` or `"dense"`, where shape and dtype are not to decide. A dense
            target holds 0 and 1.
        process_group: none; a loss that ranks is computed of each rank's batch by itself.
    """

    loss = "lovasz_hinge"
    _why = "sorts the voxels"

    def __init__(
        self,
        *,
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: None = None,
    ) -> None:
        super().__init__(
            {},
            pool=pool,
            absent=absent,
            background=background,
            classes=classes,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class LovaszSoftmaxLoss(DirectLoss):
    """Lovász-softmax: the Lovász extension of the Jaccard loss, of errors of probabilities.

    L = Σ_i e_i (J_i − J_{i−1}) over the errors e = |g − p| of a class in descending order, with J_i
    the Jaccard loss of a prediction that is wrong in the first i voxels alone; a mean over classes.
    In [0, 1]; of hard predictions it is the Jaccard loss itself. Paper: Berman, Rannen Triki and
    Blaschko 2018, https://arxiv.org/abs/1705.08790.

    (kornia 0.9 takes the raw labels in place of the mask of each class, which its later sources no
    longer do: its numbers are others.)

    ::

        LovaszSoftmaxLoss(ignore_index=255)(logits, target).backward()

    Args:
        activation: what turns logits into probabilities: `"softmax"`, or `"probabilities"` for an
            input that holds them already, such as a sigmoid's.
        absent: what a class counts that the reference lacks: `"skip"`, the default, nothing (the
            paper's "classes present"); `"formula"`, the largest of its errors ("all"); `"zero"`, a
            loss of 0 that stays in the mean.
        pool, background, classes, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `LovaszHingeLoss`.
    """

    loss = "lovasz_softmax"
    _why = "sorts the voxels"

    def __init__(
        self,
        *,
        activation: RankedActivation = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: None = None,
    ) -> None:
        super().__init__(
            ranked_activation(activation),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            classes=classes,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


def lovasz_hinge_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    class_valid: Tensor | None = None,
    pool: Pool | None = None,
    absent: Absent | None = None,
    background: bool | None = None,
    classes: Sequence[int] | None = None,
    class_weights: ClassWeights | None = None,
    reduction: Reduction = "mean",
    ignore_index: int | None = None,
    regions: Regions | None = None,
    target_kind: str | None = None,
    process_group: None = None,
) -> Tensor:
    """Lovász hinge, as `dice_loss.torch.LovaszHingeLoss`: the Lovász extension of the Jaccard loss,
    of hinge errors of the logits.

    Args:
        logits, target, mask, class_valid: see the forward of `LovaszHingeLoss`.
        pool, absent, background, classes, class_weights, reduction, ignore_index, regions,
            target_kind, process_group: see `LovaszHingeLoss`.

    Returns:
        The loss.
    """
    return evaluated(
        LovaszHingeLoss,
        {
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask,
        class_valid,
    )


def lovasz_softmax_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    class_valid: Tensor | None = None,
    activation: RankedActivation = "softmax",
    pool: Pool | None = None,
    absent: Absent | None = None,
    background: bool | None = None,
    classes: Sequence[int] | None = None,
    class_weights: ClassWeights | None = None,
    reduction: Reduction = "mean",
    ignore_index: int | None = None,
    regions: Regions | None = None,
    target_kind: str | None = None,
    process_group: None = None,
) -> Tensor:
    """Lovász-softmax, as `dice_loss.torch.LovaszSoftmaxLoss`: the Lovász extension of the
    Jaccard loss, of errors of probabilities.

    Args:
        logits, target, mask, class_valid: see the forward of `LovaszSoftmaxLoss`.
        activation, pool, absent, background, classes, class_weights, reduction, ignore_index,
            regions, target_kind, process_group: see `LovaszSoftmaxLoss`.

    Returns:
        The loss.
    """
    return evaluated(
        LovaszSoftmaxLoss,
        {
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "classes": classes,
            "class_weights": class_weights,
            "reduction": reduction,
            "ignore_index": ignore_index,
            "regions": regions,
            "target_kind": target_kind,
            "process_group": process_group,
        },
        logits,
        target,
        mask,
        class_valid,
    )
