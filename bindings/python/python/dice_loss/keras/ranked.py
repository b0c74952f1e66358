"""Losses that see the voxels in the order of their errors: the Lovász losses, for Keras.

What they compute is said at `dice_loss.ranked`, and what they have in common with others beside the
objective at `dice_loss.keras.direct`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from .._choices import Absent, Pool
from .._terms import ClassWeights, Regions
from .direct import DirectLoss
from .segmentation_loss import Reduction

__all__ = ["LovaszHinge", "LovaszSoftmax"]

_serializable = keras.saving.register_keras_serializable(package="dice_loss")


@_serializable
class LovaszHinge(DirectLoss):
    """Lovász hinge: the Lovász extension of the Jaccard loss, of hinge errors of the logits.

    L = Σ_i e_i (J_i − J_{i−1}) over the errors e of a class in descending order, with J_i the
    Jaccard loss of a prediction that is wrong in the first i voxels alone, and e = max(0, 1 − x) of
    a voxel inside the class, max(0, 1 + x) of one outside. Each channel by itself: binary, and
    multilabel. At least 0, and not bounded. Paper: Berman, Rannen Triki and Blaschko 2018,
    https://arxiv.org/abs/1705.08790.

    ::

        model.compile("adam", LovaszHinge())

    `y_pred` holds logits, as for `keras.losses.Hinge`: a model without an activation at its end. A
    dense `y_true` holds 0 and 1; one value a voxel is labels, see `SegmentationLoss`. Where it runs
    is said there too.

    Args:
        axis: of the classes.
        pool: what is ranked together: `"sample"`, the voxels of each sample, which is the default;
            `"batch"`, those of the batch.
        absent: what a class counts that the reference lacks: `"formula"`, the default, the largest
            of its errors; `"skip"`, nothing; `"zero"`, a loss of 0 that stays in the mean.
        background: whether class 0 takes part, as it does by default; with one channel always.
        classes: only these classes take part; all by default.
        class_weights: one for each class, at least 0; they normalise the mean over classes.
        ignore_index: voxels with this label are not ranked.
        reduction: `"sum_over_batch_size"` or another mean, over what counts; `"sum"`; or `"none"`:
            (N, C), or (C) of the batch.
        regions, sparse_y_true, native, name, dtype: see `SegmentationLoss`.
    """

    loss = "lovasz_hinge"
    _why = "sorts the voxels, and ranks have no weights"

    def __init__(
        self,
        *,
        axis: int = -1,
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        class_weights: ClassWeights | None = None,
        ignore_index: int | None = None,
        regions: Regions | None = None,
        sparse_y_true: bool | None = None,
        reduction: Reduction = "sum_over_batch_size",
        native: bool | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis,
            pool=pool,
            absent=absent,
            background=background,
            classes=classes,
            class_weights=class_weights,
            ignore_index=ignore_index,
            regions=regions,
            sparse_y_true=sparse_y_true,
            reduction=reduction,
            native=native,
            name=name,
            dtype=dtype,
        )


@_serializable
class LovaszSoftmax(DirectLoss):
    """Lovász-softmax: the Lovász extension of the Jaccard loss, of errors of probabilities.

    L = Σ_i e_i (J_i − J_{i−1}) over the errors e = |g − p| of a class in descending order, with J_i
    the Jaccard loss of a prediction that is wrong in the first i voxels alone; a mean over classes.
    In [0, 1]; of hard predictions it is the Jaccard loss itself. Paper: Berman, Rannen Triki and
    Blaschko 2018, https://arxiv.org/abs/1705.08790.

    ::

        model.compile("adam", LovaszSoftmax(from_logits=True))

    Args:
        from_logits: whether `y_pred` holds logits, of which a softmax makes probabilities;
            probabilities otherwise, such as those of a sigmoid.
        absent: what a class counts that the reference lacks: `"skip"`, the default, nothing (the
            paper's "classes present"); `"formula"`, the largest of its errors ("all"); `"zero"`, a
            loss of 0 that stays in the mean.
        axis, pool, background, classes, class_weights, ignore_index, regions, sparse_y_true,
            reduction, native, name, dtype: see `LovaszHinge`.
    """

    loss = "lovasz_softmax"
    _why = "sorts the voxels, and ranks have no weights"

    from_logits: bool

    def __init__(
        self,
        *,
        from_logits: bool = False,
        axis: int = -1,
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        class_weights: ClassWeights | None = None,
        ignore_index: int | None = None,
        regions: Regions | None = None,
        sparse_y_true: bool | None = None,
        reduction: Reduction = "sum_over_batch_size",
        native: bool | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            from_logits=from_logits,
            axis=axis,
            pool=pool,
            absent=absent,
            background=background,
            classes=classes,
            class_weights=class_weights,
            ignore_index=ignore_index,
            regions=regions,
            sparse_y_true=sparse_y_true,
            reduction=reduction,
            native=native,
            name=name,
            dtype=dtype,
        )

    def _own(self) -> dict[str, Any]:
        return {"activation": "softmax" if self.from_logits else "probabilities"}
