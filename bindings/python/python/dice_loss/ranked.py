"""Losses that see the voxels in the order of their errors: the Lovász losses.

Of each class the voxels are sorted by their errors e, the largest first. With J_i the Jaccard loss
of a prediction that is wrong in the first i voxels and right in all others,

    L = Σ_i e_i (J_i − J_{i−1}),   J_i = 1 − (G − inside_i) / (G + outside_i),

where G is the size of the class, and inside_i and outside_i are how many of the first i voxels lie
inside and outside it: the Lovász extension of the Jaccard loss. The gradient by e_i is the
increment J_i − J_{i−1}; of errors that are the same the voxel that comes first is taken for the
larger.

Such a loss is no function of sums over the voxels: there are no moments, and it is no term of an
`Objective`.

Paper: Berman, Rannen Triki and Blaschko, The Lovász-Softmax loss, CVPR 2018,
https://arxiv.org/abs/1705.08790.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from . import _direct, _functions
from ._arrays import Array, Lent
from ._choices import Absent, Pool, Reduction
from ._terms import ClassWeights, Regions
from .objective import Value

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
) -> tuple[Value, Array]:
    """Lovász hinge: the Lovász extension of the Jaccard loss, of hinge errors of the logits.

    e = max(0, 1 − x) of a voxel inside the class and max(0, 1 + x) of one outside, of each channel
    by itself: binary, and multilabel. A logit beyond its margin has no error and no gradient. At
    least 0, and not bounded.

    Args:
        logits: (N, C, spatial…): float32, float64, float16, or bfloat16 of `ml_dtypes`.
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

    Returns:
        The loss, a float (an array for reduction "none"), and its gradient in the shape, type and
        order of axes of the logits; 0 at voxels that do not count, whatever the logits hold there.

    Raises:
        TypeError: an array or option of the wrong type. Voxel weights are no option: ranks have
            none.
        ValueError: shapes that do not fit, labels outside the classes, a dense target that is
            neither 0 nor 1, options out of their range.
    """
    text = _direct.spec(
        "lovasz_hinge",
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


def lovasz_softmax(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: _direct.RankedActivation = "softmax",
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
    """Lovász-softmax: the Lovász extension of the Jaccard loss, of errors of probabilities.

    e = |g − p| of each class, a mean over classes. In [0, 1]; of hard predictions it is the Jaccard
    loss itself.

    (kornia 0.9 takes the raw labels in place of the mask of each class, which its later sources no
    longer do: its numbers are others.)

    Args:
        activation: what turns logits into probabilities: `"softmax"`, or `"probabilities"` for an
            input that holds them already, such as a sigmoid's.
        absent: what a class counts that the reference lacks: `"skip"`, nothing (the paper's
            "classes present"); `"formula"`, the largest of its errors ("all"); `"zero"`, a loss of
            0 that stays in the mean.
        logits, target, pool, background, classes, class_weights, reduction, ignore_index, mask,
            class_valid, regions: see `lovasz_hinge`.

    Returns and raises what `lovasz_hinge` does.
    """
    text = _direct.spec(
        "lovasz_softmax",
        own=_direct.ranked_activation(activation),
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
