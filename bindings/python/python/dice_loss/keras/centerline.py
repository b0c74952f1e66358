"""The loss of centrelines, for tubes: soft clDice, for Keras.

What it computes is said at `dice_loss.centerline`, and what it has in common with others beside the
objective at `dice_loss.keras.direct`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from .. import _direct
from .._choices import Absent, Pool
from .._terms import ClassWeights, Regions, Smoothing
from .direct import DirectLoss
from .segmentation_loss import Activation, Reduction

__all__ = ["ClDice"]


@keras.saving.register_keras_serializable(package="dice_loss")
class ClDice(DirectLoss):
    """Soft clDice: Dice of the centrelines of prediction and reference, for tubes.

    L = 1 − 2 T_prec T_sens / (T_prec + T_sens + ε), with T_prec = (Σ S(p) g + s) / (Σ S(p) + s′),
    T_sens = (Σ p S(g) + s) / (Σ S(g) + s′), and soft skeletons S. In [0, 1]. Paper: Shit et al.
    2021, https://arxiv.org/abs/2003.07311.

    ::

        model.compile("adam", ClDice(alpha=0.5, background=False, from_logits=True))

    Args:
        iterations: how often maps are eroded for their skeletons: the radius of the thickest tube,
            in voxels; 0 to 1000.
        smoothing: s and s′, one number for both or a pair; at least 0.
        epsilon: ε, added to the denominator of the harmonic mean; at least 0.
        alpha: the share of clDice: (1 − alpha) · Dice + alpha · clDice, with the same smoothing.
        from_logits: whether `y_pred` holds logits; probabilities otherwise.
        activation: what makes probabilities of logits: `"softmax"` or `"sigmoid"`.
        axis: of the classes.
        pool: what has a value of its own: `"sample"`, each class of each sample, which is the
            default; `"batch"`, each class; `"all"`, everything at once, as in the paper's code.
        absent: what a class counts that the reference lacks: `"skip"`, the default, nothing;
            `"formula"`, what the formula says; `"zero"`, a loss of 0 that stays in the mean.
        background: whether class 0 takes part, as it does by default; with one channel always. Its
            skeleton means little: False is what tubes want.
        classes: only these classes take part; all by default.
        class_weights: one for each class, at least 0; they normalise the mean over classes, and
            with `pool="all"` weigh their sums.
        ignore_index: voxels with this label do not count: they are 0 in prediction and reference,
            and both skeletons end there.
        reduction: `"sum_over_batch_size"` or another mean, over what counts; `"sum"`; or `"none"`:
            (N, C), (C) of the batch, or a number of everything.
        regions, sparse_y_true, native, name, dtype: see `SegmentationLoss`.
    """

    loss = "cldice"
    _why = "looks at skeletons, which have no weights"

    iterations: int
    smoothing: tuple[float, float]
    epsilon: float
    alpha: float
    from_logits: bool
    activation: Activation

    def __init__(
        self,
        *,
        iterations: int = 3,
        smoothing: Smoothing = 1.0,
        epsilon: float = 0.0,
        alpha: float = 1.0,
        from_logits: bool = False,
        activation: Activation = "softmax",
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
            iterations=iterations,
            smoothing=smoothing,
            epsilon=epsilon,
            alpha=alpha,
            from_logits=from_logits,
            activation=activation,
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
        return _direct.centerline(
            self.activation if self.from_logits else "probabilities",
            iterations=self.iterations,
            smoothing=self.smoothing,
            epsilon=self.epsilon,
            alpha=self.alpha,
        )
