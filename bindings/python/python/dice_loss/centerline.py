"""The loss of centrelines, for tubes: soft clDice.

With the soft skeletons S(p) and S(g) of prediction and reference,

    T_prec = (Σ S(p) g + s) / (Σ S(p) + s′),   T_sens = (Σ p S(g) + s) / (Σ S(g) + s′),
    L = 1 − 2 T_prec T_sens / (T_prec + T_sens + ε).

A soft skeleton is what openings take away. With e_0 = p, e_{k+1} the erosion of e_k (the minimum of
a voxel and its two neighbours along each axis) and d_k = relu(e_k − dilation of e_{k+1}) (the
maximum of all 3 × 3 or 3 × 3 × 3 neighbours), S_0 = d_0 and
S_k = S_{k−1} + relu(d_k − S_{k−1} d_k).
The gradient is exact; of numbers in a window that are the same the first voxel has it, of minima
along two axes each half, as with PyTorch's `max_pool` and `minimum`.

A skeleton is no function of sums over the voxels: there are no moments, and the loss is no term of
an `Objective`.

Paper: Shit et al., clDice — a novel topology-preserving loss function for tubular structure
segmentation, CVPR 2021, https://arxiv.org/abs/2003.07311.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from . import _direct, _functions
from ._arrays import Array, Lent
from ._choices import Absent, Activation, Pool, Reduction
from ._terms import ClassWeights, Regions, Smoothing
from .objective import Value

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
) -> tuple[Value, Array]:
    """Soft clDice: Dice of the centrelines of prediction and reference.

    In [0, 1] for probabilities and s ≤ s′; a prediction that equals its hard reference costs 0 if
    s = s′.

    Args:
        logits: (N, C, spatial…) with one to three spatial axes: float32, float64, float16, or
            bfloat16 of `ml_dtypes`.
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

    Returns:
        The loss, a float (an array for reduction "none"), and its gradient in the shape, type and
        order of axes of the logits; 0 at voxels that do not count, whatever the logits hold there.

    Raises:
        TypeError: an array or option of the wrong type. Voxel weights are no option: a skeleton has
            none.
        ValueError: shapes that do not fit, other spatial axes, labels outside the classes, options
            out of their range.
    """
    own = _direct.centerline(
        activation, iterations=iterations, smoothing=smoothing, epsilon=epsilon, alpha=alpha
    )
    text = _direct.spec(
        "cldice",
        own=own,
        pool=pool,
        absent=absent,
        background=background,
        classes=classes,
        class_weights=class_weights,
        reduction=reduction,
    )
    batch = Lent(
        logits,
        target,
        ignore_index=ignore_index,
        mask=mask,
        class_valid=class_valid,
        regions=regions,
    )
    return _functions.direct(text, batch)
