"""Losses that see the voxels in the order of their errors: the Lovász losses, as functions for JAX.

What they compute is said at `dice_loss.ranked`. On the CPU the engine ranks, once for the loss and
its gradient; elsewhere, and with `reference=True`, plain `jax.numpy` does.

They are no functions of sums over the voxels, so they take no `axis_name`: within `shard_map` each
device computes the loss of its own part of the batch, and averaging these, by `jax.lax.pmean`,
trains for their mean. With `pool="sample"` and as many samples on each device that is the loss of
the whole batch, as far as the same classes count in each; with `pool="batch"` it is another loss
than that of the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax import Array
from jax.typing import ArrayLike

from .. import _direct
from .._choices import Absent, Pool, Reduction
from .._direct import RankedActivation, expect_alone, ranked_activation
from .._terms import ClassWeights, Regions
from ._batch import prepare
from ._direct import loss as loss_of

__all__ = ["lovasz_hinge", "lovasz_softmax"]


def lovasz_hinge(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    pool: Pool | None = "sample",
    absent: Absent | None = "formula",
    background: bool | None = True,
    classes: Sequence[int] | None = None,
    class_weights: ClassWeights | None = None,
    reduction: Reduction = "mean",
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    class_valid: ArrayLike | None = None,
    regions: Regions | None = None,
    channel_axis: int = 1,
    axis_name: None = None,
    reference: bool = False,
) -> Array:
    """Lovász hinge: the Lovász extension of the Jaccard loss, of hinge errors of the logits.

    e = max(0, 1 − x) of a voxel inside the class and max(0, 1 + x) of one outside, of each channel
    by itself: binary, and multilabel. A logit beyond its margin has no error and no gradient. At
    least 0, and not bounded. Paper: Berman, Rannen Triki and Blaschko 2018,
    https://arxiv.org/abs/1705.08790.

    Args:
        logits: (N, C, spatial…): float32, float64, float16 or bfloat16.
        target: labels (N, spatial…) or (N, 1, spatial…), integers; or dense (N, C, spatial…) of 0
            and 1, of any type. For one channel labels are 0 and 1.
        pool: what is ranked together: `"sample"`, the voxels of each sample; `"batch"`, those of
            the batch.
        absent: what a class counts that the reference lacks: `"formula"`, the largest of its
            errors; `"skip"`, nothing; `"zero"`, a loss of 0 that stays in the mean.
        background: whether class 0 takes part; with one channel it always does.
        classes: only these classes take part; all by default.
        class_weights: one for each class, at least 0; they normalise the mean over classes. A
            sequence, or a mapping by class, which may leave out what takes no part.
        reduction: `"mean"` over what counts, or `"sum"`; or `"none"`: (N, C), or (C) of the batch.
        ignore_index: voxels with this label are not ranked.
        mask: (N, spatial…); voxels where it is False or 0 are not ranked.
        class_valid: (N, C) or (C,) bool: which classes were annotated. Others are left out.
        regions: for labels 0, 1, …, the channels that each belongs to, or a mapping by label; the
            target is a label map.
        channel_axis: 1, or -1 for channels last.
        axis_name: none; a loss that ranks is computed of each device's batch by itself.
        reference: compute in plain `jax.numpy`, for forward mode and higher derivatives.

    Returns:
        The loss: float32, or float64 of float64 logits.

    Raises:
        TypeError, ValueError: options, types and shapes that do not fit, when the function is
            traced. Voxel weights are no option: ranks have none.
        jax.errors.JaxRuntimeError: a label that names no class, or a dense target that is neither 0
            nor 1, when it runs.
    """
    expect_alone("lovasz_hinge", "axis_name", axis_name)
    spec = _direct.spec(
        "lovasz_hinge",
        pool=pool,
        absent=absent,
        background=background,
        classes=classes,
        class_weights=class_weights,
        reduction=reduction,
    )
    return _loss(
        spec,
        logits,
        target,
        reference,
        ignore_index=ignore_index,
        mask=mask,
        class_valid=class_valid,
        regions=regions,
        channel_axis=channel_axis,
    )


def lovasz_softmax(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: RankedActivation = "softmax",
    pool: Pool | None = "sample",
    absent: Absent | None = "skip",
    background: bool | None = True,
    classes: Sequence[int] | None = None,
    class_weights: ClassWeights | None = None,
    reduction: Reduction = "mean",
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    class_valid: ArrayLike | None = None,
    regions: Regions | None = None,
    channel_axis: int = 1,
    axis_name: None = None,
    reference: bool = False,
) -> Array:
    """Lovász-softmax: the Lovász extension of the Jaccard loss, of errors of probabilities.

    e = |g − p| of each class, a mean over classes. In [0, 1]; of hard predictions it is the Jaccard
    loss itself. Paper: Berman, Rannen Triki and Blaschko 2018, https://arxiv.org/abs/1705.08790.

    Args:
        activation: what turns logits into probabilities: `"softmax"`, or `"probabilities"` for an
            input that holds them already, such as a sigmoid's.
        absent: what a class counts that the reference lacks: `"skip"`, nothing (the paper's
            "classes present"); `"formula"`, the largest of its errors ("all"); `"zero"`, a loss of
            0 that stays in the mean.
        logits, target, pool, background, classes, class_weights, reduction, ignore_index, mask,
            class_valid, regions, channel_axis, axis_name, reference: see `lovasz_hinge`.

    Returns and raises what `lovasz_hinge` does.
    """
    expect_alone("lovasz_softmax", "axis_name", axis_name)
    spec = _direct.spec(
        "lovasz_softmax",
        own=ranked_activation(activation),
        pool=pool,
        absent=absent,
        background=background,
        classes=classes,
        class_weights=class_weights,
        reduction=reduction,
    )
    return _loss(
        spec,
        logits,
        target,
        reference,
        ignore_index=ignore_index,
        mask=mask,
        class_valid=class_valid,
        regions=regions,
        channel_axis=channel_axis,
    )


def _loss(
    spec: str, logits: ArrayLike, target: ArrayLike, reference: bool, **counted: Any
) -> Array:
    return loss_of(spec, *prepare(logits, target, **counted), reference=reference)
