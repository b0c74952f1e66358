"""Losses of sums over the whole batch: Dice, Jaccard, Tversky."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.modules.loss import _Loss

from ..terms import Dice
from ..torch._native import loss_dtype
from ..torch._peers import at_once, by_class, differs, is_plain, sums
from ..torch._tracing import is_intercepted
from .constants import BINARY_MODE, MULTICLASS_MODE, MULTILABEL_MODE
from .functional import OVERLAP, score_of, soft_overlap, to_tensor

__all__ = ["DiceLoss", "JaccardLoss", "TverskyLoss"]

MODES = (BINARY_MODE, MULTICLASS_MODE, MULTILABEL_MODE)


class _OverlapLoss(_Loss):
    """1 − score, or −ln score, of each class over the batch; their mean."""

    #: Weights of the false positives and negatives.
    alpha: float
    beta: float

    def __init__(
        self,
        mode: str,
        classes: Sequence[int] | Tensor | None = None,
        log_loss: bool = False,
        from_logits: bool = True,
        smooth: float = 0.0,
        ignore_index: int | None = None,
        eps: float = 1e-7,
        class_weights: Sequence[float] | Tensor | None = None,
    ) -> None:
        super().__init__()
        if mode not in MODES:
            raise AssertionError(f"mode: found {mode!r}, wanted one of {MODES}")
        if class_weights is not None and mode == BINARY_MODE:
            raise ValueError(f"class_weights: found {class_weights} in binary mode, wanted None")
        if classes is not None and mode == BINARY_MODE:
            raise AssertionError(f"classes: found {classes} in binary mode, wanted None")
        self.mode = mode
        self.classes = to_tensor(classes, torch.long)
        self.log_loss = log_loss
        self.from_logits = from_logits
        self.smooth = smooth
        self.ignore_index = ignore_index
        self.eps = eps
        self.class_weights = to_tensor(class_weights, torch.float)

    def forward(self, y_pred: Tensor, y_true: Tensor) -> Tensor:
        """The loss, a number."""
        if y_true.shape[0] != y_pred.shape[0]:
            raise AssertionError(
                f"y_true: found {y_true.shape[0]} samples, wanted {y_pred.shape[0]}"
            )
        if self._is_usual(y_pred, y_true):
            return at_once(
                y_pred,
                y_true,
                ((1.0, _dice(float(self.smooth))),),
                wrong=RuntimeError,
                activation="softmax",
                target_kind="labels",
                ignore_index=self.ignore_index,
            )
        overlap, p, g = _overlap(self.mode, y_pred, y_true, self.from_logits, self.ignore_index)
        score = score_of(overlap, p, g, self.alpha, self.beta, self.smooth, self.eps)
        loss = -torch.log(score.clamp_min(self.eps)) if self.log_loss else 1.0 - score
        loss = loss * (g > 0)
        if self.classes is not None:
            loss = loss[self.classes]
        return self.aggregate_loss(loss).to(loss_dtype(y_pred))

    def _is_usual(self, y_pred: Tensor, y_true: Tensor) -> bool:
        """Whether it is the engine's own Dice: then ε, below a voxel, bounds nothing."""
        return (
            type(self) is DiceLoss
            and self.mode == MULTICLASS_MODE
            and self.from_logits is True
            and not self.log_loss
            and self.classes is None
            and self.class_weights is None
            and type(self.smooth) in (int, float)
            and 0 <= self.smooth < math.inf
            and type(self.eps) is float
            and self.eps < 0.5
            and is_plain(self.ignore_index)
            and y_pred.dim() > 1
            and y_pred.shape[1] > 1
            and y_true.shape == y_pred.shape[:1] + y_pred.shape[2:]
            and not is_intercepted()
        )

    def aggregate_loss(self, loss: Tensor) -> Tensor:
        """The mean of the losses of the classes, weighted if there are weights."""
        if self.class_weights is None:
            return loss.mean()
        weights = self.class_weights.to(loss.device)
        if self.classes is not None:
            weights = weights[self.classes]
        return (loss * weights).sum() / weights.sum()

    def extra_repr(self) -> str:
        """The mode."""
        return repr(self.mode)


class DiceLoss(_OverlapLoss):
    """1 − (TP + s) / max(TP + ½FP + ½FN + s, ε), a mean over classes.

    TP = (Σp + Σg − Σ|p − g|) / 2, FP = Σp − TP, FN = Σg − TP, summed over batch and voxels, p by
    softmax or sigmoid. For hard targets, Dice: 2TP / (Σp + Σg).

    Quirk: `classes` and `class_weights` that are no tensor, array, list or tuple have no
    effect: one number, a mapping or a set. A class that the batch lacks has a loss of 0 and
    (quirk) still counts in the mean. The smoothing is added to half of the usual numerator and
    denominator (quirk).

    Args:
        mode: `"binary"`, `"multiclass"` or `"multilabel"`.
        classes: which classes count; not in binary mode.
        log_loss: whether to use −ln max(score, ε) instead of 1 − score.
        from_logits: whether to apply softmax (multiclass) or sigmoid; otherwise the input holds
            probabilities.
        smooth: s.
        ignore_index: voxels of this label do not count; in multilabel mode, elements.
        eps: ε.
        class_weights: one for each class; the mean is divided by their sum. Not in binary mode.

    Shapes:
        Binary: `y_pred` (N, 1, spatial…), `y_true` of 0 and 1 (or between) with as many elements.
        Multiclass: (N, C, spatial…) and labels (N, spatial…) or (N, 1, spatial…).
        Multilabel: both (N, C, spatial…). float64, float32, float16 or bfloat16 predictions; any
        type of target.

    Returns:
        A number in [0, 1] (at least 0 for `log_loss`), float32, or float64 of float64.

    Raises:
        AssertionError: an unknown mode, `classes` in binary mode, another number of samples or
            voxels than predicted.
        ValueError: `class_weights` in binary mode.
        RuntimeError: a label that names no class, a target out of range.

    Paper: Milletari et al., V-Net, https://arxiv.org/abs/1606.04797.
    """

    alpha = beta = 0.5


class JaccardLoss(_OverlapLoss):
    """1 − (TP + s) / max(TP + FP + FN + s, ε), a mean over classes: intersection over union.

    TP = (Σp + Σg − Σ|p − g|) / 2, FP = Σp − TP, FN = Σg − TP. Arguments, shapes, errors and the
    treatment of absent classes are those of `DiceLoss`.

    Paper: Rahman and Wang, Optimizing intersection-over-union in deep neural networks for image
    segmentation, ISVC 2016.
    """

    alpha = beta = 1.0


class TverskyLoss(DiceLoss):
    """L^γ, where L is the mean over classes of 1 − (TP + s) / max(TP + α FP + β FN + s, ε).

    TP, FP, FN, the other arguments, shapes and errors are those of `DiceLoss`. Quirk: the power is
    taken of the mean, not of each class's loss, as the focal Tversky loss
    (`dice_loss.torch.FocalTverskyLoss`) does.

    Args:
        alpha: α, the weight of the false positives.
        beta: β, the weight of the false negatives.
        gamma: γ.

    Papers: Salehi et al., https://arxiv.org/abs/1706.05721; Abraham and Khan,
    https://arxiv.org/abs/1810.07842.
    """

    def __init__(
        self,
        mode: str,
        classes: Sequence[int] | Tensor | None = None,
        log_loss: bool = False,
        from_logits: bool = True,
        smooth: float = 0.0,
        ignore_index: int | None = None,
        eps: float = 1e-7,
        alpha: float = 0.5,
        beta: float = 0.5,
        gamma: float = 1.0,
        class_weights: Sequence[float] | Tensor | None = None,
    ) -> None:
        super().__init__(
            mode, classes, log_loss, from_logits, smooth, ignore_index, eps, class_weights
        )
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma

    def aggregate_loss(self, loss: Tensor) -> Tensor:
        """The mean of the losses of the classes to the power of γ."""
        return super().aggregate_loss(loss) ** self.gamma


@lru_cache(maxsize=256)
def _dice(smoothing: float) -> Dice:
    return Dice(smoothing=2.0 * smoothing, pool="batch", absent="zero")


def _overlap(
    mode: str, y_pred: Tensor, y_true: Tensor, from_logits: bool, ignore_index: int | None
) -> tuple[Tensor, Tensor, Tensor]:
    """True positives, Σp and Σg over batch and voxels, each (C)."""
    samples, channels = y_pred.shape[:2] if y_pred.dim() > 1 else (y_pred.shape[0], 1)
    activation = "softmax" if mode == MULTICLASS_MODE else "sigmoid"
    if not from_logits:
        activation = "probabilities"
    kind, mask = None, None
    if mode == MULTICLASS_MODE:
        y_true, y_pred = y_true.reshape(samples, -1), y_pred.reshape(samples, channels, -1)
        kind = "labels"
        if channels == 1:
            # The only class is everywhere, and its probability under softmax is 1.
            y_pred, activation = (y_pred.softmax(1) if from_logits else y_pred), "probabilities"
            mask = None if ignore_index is None else differs(y_true, ignore_index)
            y_true, ignore_index, kind = (y_true == 0).unsqueeze(1), None, "dense"
    elif mode == BINARY_MODE:
        y_true, y_pred = y_true.reshape(samples, 1, -1), y_pred.reshape(samples, 1, -1)
    else:
        y_true = y_true.reshape(samples, channels, -1)
        y_pred = y_pred.reshape(samples, channels, -1)
    if y_true.shape[-1] != y_pred.shape[-1]:
        wrong = AssertionError if ignore_index is None else RuntimeError
        raise wrong(f"y_true: found {y_true.shape[-1]} voxels, wanted {y_pred.shape[-1]}")
    if mode == MULTILABEL_MODE and ignore_index is not None:
        # Each element may be ignored by itself.
        y_true, y_pred = by_class(y_true), by_class(y_pred)
    # Of labels, Σpg is the same and more precise. At p = g, though, |p − g| has another slope,
    # which counts where the probabilities are given.
    is_product = kind == "labels" and activation == "softmax"
    measured = sums(
        y_pred,
        y_true,
        (*OVERLAP[:2], "intersection") if is_product else OVERLAP,
        wrong=RuntimeError,
        activation=activation,
        target_kind=kind,
        ignore_index=ignore_index,
        mask=mask,
    )
    classes = 1 if mode == BINARY_MODE else channels
    p, g, overlap = measured.reshape(samples, classes, len(OVERLAP)).sum(0).unbind(-1)
    return (overlap if is_product else soft_overlap(p, g, overlap)), p, g
