"""The loss of centrelines, for tubes: soft clDice, as a function for JAX.

What it computes is said at `dice_loss.centerline`. On the CPU the engine computes, once for the
loss and its gradient; elsewhere, and with `reference=True`, plain `jax.numpy` does.

It is no function of sums over the voxels, so it takes no `axis_name`: see `dice_loss.jax.ranked`.
"""

from __future__ import annotations

from collections.abc import Sequence

from jax import Array
from jax.typing import ArrayLike

from .. import _direct
from .._choices import Absent, Activation, Pool, Reduction
from .._terms import ClassWeights, Regions, Smoothing
from ._batch import prepare
from ._direct import loss

__all__ = ["cldice"]


def cldice(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    iterations: int = 3,
    smoothing: Smoothing = 1.0,
    epsilon: float = 0.0,
    alpha: float = 1.0,
    activation: Activation = "softmax",
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
    """Soft clDice: Dice of the centrelines of prediction and reference.

    In [0, 1] for probabilities and s ≤ s′; a prediction that equals its hard reference costs 0 if
    s = s′. Paper: Shit et al. 2021, https://arxiv.org/abs/2003.07311.

    Args:
        logits: (N, C, spatial…) with one to three spatial axes: float32, float64, float16 or
            bfloat16.
        target: labels (N, spatial…) or (N, 1, spatial…), integers; or dense (N, C, spatial…) in
            [0, 1], of any type. For one channel labels are 0 and 1.
        iterations: how often maps are eroded for their skeletons: the radius of the thickest tube,
            in voxels; 0 to 1000.
        smoothing: s and s′, one number for both or a pair; at least 0.
        epsilon: ε, added to the denominator of the harmonic mean; at least 0.
        alpha: the share of clDice: (1 − alpha) · Dice + alpha · clDice, with the same smoothing.
        activation: what turns logits into probabilities: `"softmax"`, `"sigmoid"` or
            `"probabilities"` (the input as it is).
        pool: what has a value of its own: `"sample"`, each class of each sample; `"batch"`, each
            class; `"all"`, everything at once, as in the paper's code.
        absent: what a class counts that the reference lacks: `"skip"`, nothing; `"formula"`, what
            the formula says; `"zero"`, a loss of 0 that stays in the mean.
        background: whether class 0 takes part; with one channel it always does. Its skeleton means
            little: False is what tubes want.
        classes: only these classes take part; all by default.
        class_weights: one for each class, at least 0; they normalise the mean over classes, and
            with `pool="all"` weigh their sums.
        reduction: `"mean"` over what counts, or `"sum"`; or `"none"`: (N, C), (C) of the batch, or
            a number of everything.
        ignore_index: voxels with this label do not count: they are 0 in prediction and reference,
            and both skeletons end there.
        mask: (N, spatial…); voxels where it is False or 0 do not count.
        class_valid: (N, C) or (C,) bool: which classes were annotated. Others are left out.
        regions: for labels 0, 1, …, the channels that each belongs to, or a mapping by label; the
            target is a label map.
        channel_axis: 1, or -1 for channels last.
        axis_name: none; a loss of skeletons is computed of each device's batch by itself.
        reference: compute in plain `jax.numpy`, for forward mode and higher derivatives.

    Returns:
        The loss: float32, or float64 of float64 logits.

    Raises:
        TypeError, ValueError: options, types and shapes that do not fit, when the function is
            traced. Voxel weights are no option: a skeleton has none.
        jax.errors.JaxRuntimeError: a label that names no class, or a dense target outside [0, 1],
            when it runs.
    """
    _direct.expect_alone("cldice", "axis_name", axis_name)
    own = _direct.centerline(
        activation, iterations=iterations, smoothing=smoothing, epsilon=epsilon, alpha=alpha
    )
    spec = _direct.spec(
        "cldice",
        own=own,
        pool=pool,
        absent=absent,
        background=background,
        classes=classes,
        class_weights=class_weights,
        reduction=reduction,
    )
    batch = prepare(
        logits,
        target,
        ignore_index=ignore_index,
        mask=mask,
        class_valid=class_valid,
        regions=regions,
        channel_axis=channel_axis,
    )
    return loss(spec, *batch, reference=reference)
