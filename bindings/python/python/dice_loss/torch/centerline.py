"""The loss of centrelines, for tubes: soft clDice, as a module.

What it computes is said at `dice_loss.centerline`. In main memory the engine computes; other
devices and transforms such as `torch.func` are served by torch's own operations. It has no moments:
see `dice_loss.torch.direct` for what that means on several ranks.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .._choices import Absent, Activation, Pool, Reduction
from .._direct import centerline
from .._terms import ClassWeights, Regions, Smoothing
from .direct import DirectLoss, evaluated

__all__ = ["ClDiceLoss", "cldice_loss"]


class ClDiceLoss(DirectLoss):
    """Soft clDice: Dice of the centrelines of prediction and reference, for tubes.

    L = 1 − 2 T_prec T_sens / (T_prec + T_sens + ε), with T_prec = (Σ S(p) g + s) / (Σ S(p) + s′),
    T_sens = (Σ p S(g) + s) / (Σ S(g) + s′), and soft skeletons S. In [0, 1]. Paper: Shit et al.
    2021, https://arxiv.org/abs/2003.07311.

    ::

        ClDiceLoss(alpha=0.5, background=False)(logits, target).backward()

    Args:
        iterations: how often maps are eroded for their skeletons: the radius of the thickest tube,
            in voxels; 0 to 1000.
        smoothing: s and s′, one number for both or a pair; at least 0.
        epsilon: ε, added to the denominator of the harmonic mean; at least 0.
        alpha: the share of clDice: (1 − alpha) · Dice + alpha · clDice, with the same smoothing.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        pool: what has a value of its own: `"sample"`, each class of each sample, which is the
            default; `"batch"`, each class; `"all"`, everything at once, as in the paper's code.
        absent: what a class counts that the reference lacks: `"skip"`, the default, nothing;
            `"formula"`, what the formula says; `"zero"`, a loss of 0 that stays in the mean.
        background: whether class 0 takes part, as it does by default; with one channel always. Its
            skeleton means little: False is what tubes want.
        classes: only these classes take part; all by default.
        class_weights: one for each class, at least 0; they normalise the mean over classes, and
            with `pool="all"` weigh their sums.
        reduction: `"mean"` over what counts, `"sum"`, or `"none"`: (N, C), (C) of the batch, or a
            number of everything.
        ignore_index: voxels with this label do not count: they are 0 in prediction and reference,
            and both skeletons end there.
        regions: for labels 0, 1, …, the channels that each belongs to, or a mapping by label.
        target_kind: `"labels"` or `"dense"`, where shape and dtype are not to decide.
        process_group: none; a loss of skeletons is computed of each rank's batch by itself.
    """

    loss = "cldice"
    _why = "looks at skeletons"

    def __init__(
        self,
        *,
        iterations: int = 3,
        smoothing: Smoothing = 1.0,
        epsilon: float = 0.0,
        alpha: float = 1.0,
        activation: Activation = "softmax",
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
    ) -> None:
        own = centerline(
            activation, iterations=iterations, smoothing=smoothing, epsilon=epsilon, alpha=alpha
        )
        super().__init__(
            own,
            iterations=iterations,
            smoothing=smoothing,
            epsilon=epsilon,
            alpha=alpha,
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


def cldice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    class_valid: Tensor | None = None,
    iterations: int = 3,
    smoothing: Smoothing = 1.0,
    epsilon: float = 0.0,
    alpha: float = 1.0,
    activation: Activation = "softmax",
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
    """Soft clDice, as `dice_loss.torch.ClDiceLoss`: Dice of the centrelines of prediction and
    reference.

    Args:
        logits, target, mask, class_valid: see the forward of `ClDiceLoss`.
        iterations, smoothing, epsilon, alpha, activation, pool, absent, background, classes,
            class_weights, reduction, ignore_index, regions, target_kind, process_group: see
            `ClDiceLoss`.

    Returns:
        The loss.
    """
    return evaluated(
        ClDiceLoss,
        {
            "iterations": iterations,
            "smoothing": smoothing,
            "epsilon": epsilon,
            "alpha": alpha,
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
