"""Focal loss of each class by itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.loss import _Loss

from ..torch._native import loss_dtype
from ..torch._peers import differs, wide
from .constants import BINARY_MODE, MULTICLASS_MODE, MULTILABEL_MODE
from .functional import focal_loss_with_logits, is_hard, is_summed, sigmoid_focal, to_tensor
from .overlap import MODES

__all__ = ["FocalLoss"]


class FocalLoss(_Loss):
    """a (1 − p)^γ (−ln p) of every element, p = σ(x) where the class is and 1 − σ(x) elsewhere.

    a = α where the class is and 1 − α elsewhere, or 1 without α. Reduced over the voxels of each
    class, then the mean over classes.

    Quirks, each kept:

    - multiclass mode is one sigmoid loss a class against the rest, not softmax; a label that names
      no class is none of them;
    - the sum, too, is followed by the mean over classes, and so is `reduction="none"`;
    - multiclass probabilities (`from_logits=False`) enter as their logarithm, which is no logit;
    - multilabel mode with `ignore_index` is an IndexError (`dice_loss.torch.FocalLoss` has masks);
    - the mean over no voxels, where all are ignored, is NaN;
    - `class_weights` that are no tensor, array, list or tuple have no effect.

    Args:
        mode: `"binary"`, `"multiclass"` or `"multilabel"`.
        alpha: α.
        gamma: γ.
        ignore_index: voxels of this label do not count.
        from_logits: whether the input holds logits; otherwise probabilities, which are clamped
            to [ε, 1 − ε].
        eps: ε.
        reduction: `"mean"` or `"sum"`; the other words of `functional.focal_loss_with_logits`.
        normalized: whether to divide by Σ(1 − p)^γ over the voxels of the class.
        reduced_threshold: θ; where p < θ, the factor (1 − p)^γ is 1, elsewhere ((1 − p)/θ)^γ.
        class_weights: one for each class; the mean is divided by their sum. Not in binary mode.

    Shapes:
        Binary: `y_pred` and `y_true` with as many elements as each other. Multiclass:
        (N, C, spatial…) and labels (N, spatial…). Multilabel: both (N, C, spatial…). float64,
        float32, float16 or bfloat16 predictions; any type of target.

    Returns:
        A number, at least 0, float32, or float64 of float64. The mean and the sum of hard targets
        keep nothing but logits and target for the gradient.

    Raises:
        AssertionError: an unknown mode.
        ValueError: `class_weights` in binary mode, shapes that do not fit, a target out of range.
        IndexError: `ignore_index` in multilabel mode.

    Paper: Lin et al., https://arxiv.org/abs/1708.02002.
    """

    def __init__(
        self,
        mode: str,
        alpha: float | None = None,
        gamma: float = 2.0,
        ignore_index: int | None = None,
        from_logits: bool = True,
        eps: float = 1e-7,
        reduction: str | None = "mean",
        normalized: bool = False,
        reduced_threshold: float | None = None,
        class_weights: Sequence[float] | Tensor | None = None,
    ) -> None:
        super().__init__()
        if mode not in MODES:
            raise AssertionError(f"mode: found {mode!r}, wanted one of {MODES}")
        if class_weights is not None and mode == BINARY_MODE:
            raise ValueError(f"class_weights: found {class_weights} in binary mode, wanted None")
        self.mode = mode
        self.alpha = alpha
        self.gamma = gamma
        self.ignore_index = ignore_index
        self.from_logits = from_logits
        self.eps = eps
        self.reduction = reduction  # type: ignore[assignment]
        self.normalized = normalized
        self.reduced_threshold = reduced_threshold
        self.class_weights = to_tensor(class_weights, torch.float)

    def forward(self, y_pred: Tensor, y_true: Tensor) -> Tensor:
        """The loss; a number unless in binary mode without reduction."""
        logits = y_pred if self.from_logits else self._logits(y_pred)
        if self.mode == BINARY_MODE:
            return self._binary(logits, y_true)
        self._check(logits, y_true)
        by_class = self._sums(logits, y_true)
        if by_class is None:
            by_class = self._class_by_class(logits, y_true)
        if self.class_weights is None:
            return by_class.mean().to(loss_dtype(y_pred))
        weights = self.class_weights.to(by_class.device)
        return ((by_class * weights).sum() / weights.sum()).to(loss_dtype(y_pred))

    def extra_repr(self) -> str:
        """The mode."""
        return repr(self.mode)

    def _logits(self, p: Tensor) -> Tensor:
        p = torch.clamp(wide(p), self.eps, 1 - self.eps)
        return torch.log(p) if self.mode == MULTICLASS_MODE else torch.log(p / (1 - p))

    def _binary(self, logits: Tensor, y_true: Tensor) -> Tensor:
        logits, y_true = logits.reshape(1, 1, -1), y_true.reshape(1, 1, -1)
        if logits.shape != y_true.shape:
            wrong = ValueError if self.ignore_index is None else IndexError
            raise wrong(f"y_true: found {y_true.shape[-1]} elements, wanted {logits.shape[-1]}")
        by_class = self._sums(logits, y_true)
        if by_class is not None:
            return by_class.squeeze().to(loss_dtype(logits))
        counted = self._counted(y_true)
        return self._elementwise(logits[counted].reshape(-1), y_true[counted].reshape(-1))

    def _check(self, logits: Tensor, y_true: Tensor) -> None:
        wanted = logits.shape
        if self.mode == MULTICLASS_MODE:
            wanted = logits.shape[:1] + logits.shape[2:]
        if y_true.shape != wanted:
            raise ValueError(
                f"y_true: found shape {tuple(y_true.shape)}, wanted {tuple(wanted)} to fit "
                f"predictions {tuple(logits.shape)}"
            )
        if self.mode == MULTILABEL_MODE and self.ignore_index is not None:
            raise IndexError(
                f"ignore_index: found {self.ignore_index} in multilabel mode, wanted None (as in "
                "SMP); dice_loss.torch.FocalLoss takes a mask"
            )

    def _sums(self, logits: Tensor, y_true: Tensor) -> Tensor | None:
        """The loss of each class from sums, if those are all that is needed."""
        plain = not self.normalized and self.reduced_threshold is None
        if not (plain and is_summed(self.reduction, self.gamma) and logits.numel()):
            return None
        if self.mode == MULTICLASS_MODE:
            return self._one_against_the_rest(logits, y_true)
        return self._focal(logits, y_true) if is_hard(y_true) else None

    def _one_against_the_rest(self, logits: Tensor, labels: Tensor) -> Tensor:
        classes = logits.shape[1]
        if classes > 1:
            # The engine knows of itself whether there is a label that names no class.
            with suppress(ValueError):
                return self._focal(logits, labels)
        unknown = (labels < 0) | (labels >= classes)
        if self.ignore_index is not None:
            unknown &= differs(labels, self.ignore_index)
        free = classes + (self.ignore_index == classes)
        labels = torch.where(unknown, free, labels)
        regions = [(k,) if k < classes else () for k in range(classes + 2)]
        return self._focal(logits, labels, regions=regions)

    def _focal(self, logits: Tensor, y_true: Tensor, **settings: Any) -> Tensor:
        return sigmoid_focal(
            logits,
            y_true,
            self.gamma,
            self.alpha,
            self.reduction,
            ignore_index=self.ignore_index,
            **settings,
        )

    def _class_by_class(self, logits: Tensor, y_true: Tensor) -> Tensor:
        """The loss of each class, reduced or not: (C, …)."""
        counted = self._counted(y_true)
        losses = []
        for k in range(logits.shape[1]):
            there = y_true == k if self.mode == MULTICLASS_MODE else y_true[:, k]
            of_class = logits[:, k]
            if self.ignore_index is not None:
                there, of_class = there[counted], of_class[counted]
            losses.append(self._elementwise(of_class, there))
        return torch.stack(losses)

    def _counted(self, y_true: Tensor) -> Tensor:
        if self.ignore_index is None:
            return torch.ones_like(y_true, dtype=torch.bool)
        return differs(y_true, self.ignore_index)

    def _elementwise(self, logits: Tensor, y_true: Tensor) -> Tensor:
        return focal_loss_with_logits(
            logits,
            y_true,
            gamma=self.gamma,
            alpha=self.alpha,
            reduction=self.reduction,
            normalized=self.normalized,
            reduced_threshold=self.reduced_threshold,
        )
