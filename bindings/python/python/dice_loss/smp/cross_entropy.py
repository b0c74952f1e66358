"""Cross-entropy with smoothed targets, binary and of exclusive classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..torch._native import loss_dtype
from ..torch._peers import by_class, differs, per_class_factor, sums, wide

__all__ = ["SoftBCEWithLogitsLoss", "SoftCrossEntropyLoss"]


class SoftBCEWithLogitsLoss(nn.Module):
    """w (−v t ln σ(x) − (1 − t) ln(1 − σ(x))) of every element, t = g(1 − s) + (1 − g)s.

    Quirk: ignored elements add no loss but count in the mean.

    Args:
        weight: w, of a shape that is broadcast to the logits. A buffer.
        ignore_index: elements of this value do not count; None for none.
        reduction: `"mean"`, `"sum"`, or any other word for none.
        smooth_factor: s; None for 0.
        pos_weight: v, of a shape that is broadcast to the logits. A buffer.

    Shapes:
        `y_pred`: logits x of any shape and floating point type; `y_true`: g of the same shape, in
        [0, 1] where it is not ignored.

    Returns:
        A number of at least 0, or the losses in the shape of the logits; float32, or float64 of
        float64. Without `weight`, and with a `pos_weight` of one number or one for each class
        (C, 1, 1), mean and sum keep nothing but logits and target for the gradient.

    Raises:
        ValueError: shapes that differ, a target out of range.

    Paper, on smoothed targets: Szegedy et al., https://arxiv.org/abs/1512.00567.
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int | None = -100,
        reduction: str = "mean",
        smooth_factor: float | None = None,
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.smooth_factor = smooth_factor
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, y_pred: Tensor, y_true: Tensor) -> Tensor:
        """The loss; see `SoftBCEWithLogitsLoss`."""
        if y_true.shape != y_pred.shape:
            raise ValueError(
                f"y_true: found shape {tuple(y_true.shape)}, wanted {tuple(y_pred.shape)}, that of "
                "the predictions"
            )
        counted = None if self.ignore_index is None else differs(y_true, self.ignore_index)
        is_share = True
        if self.smooth_factor is not None:
            smoothing = float(self.smooth_factor)
            is_share = 0 <= smoothing <= 1
            y_true = smoothing + (1 - 2 * smoothing) * wide(y_true)
        positive_weight = None
        plain = is_share and self.weight is None and self.reduction in ("mean", "sum")
        if y_pred.dim() > 1 and plain:
            positive_weight = per_class_factor(self.pos_weight, y_pred)
        if positive_weight is None or not y_pred.numel():
            return self._elementwise(y_pred, y_true, counted)
        measured = sums(
            by_class(y_pred),
            by_class(y_true),
            ("positive", "negative"),
            wrong=ValueError,
            activation="sigmoid",
            mask=None if counted is None else by_class(counted),
        )
        positive, negative = measured.reshape(*y_pred.shape[:2], 2).sum(0).unbind(-1)
        loss = (positive_weight * positive + negative).sum()
        count = y_pred.numel() if self.reduction == "mean" else 1
        return (loss / count).to(loss_dtype(y_pred))

    def _elementwise(self, y_pred: Tensor, y_true: Tensor, counted: Tensor | None) -> Tensor:
        y_pred, y_true = wide(y_pred), wide(y_true)
        if counted is not None:
            y_pred, y_true = torch.where(counted, y_pred, 0.0), torch.where(counted, y_true, 0.0)
        loss = F.binary_cross_entropy_with_logits(
            y_pred, y_true, self.weight, reduction="none", pos_weight=self.pos_weight
        )
        if counted is not None:
            loss = torch.where(counted, loss, 0.0)
        if self.reduction == "mean":
            return loss.mean()
        return loss.sum() if self.reduction == "sum" else loss


class SoftCrossEntropyLoss(nn.Module):
    """(1 − s)(−ln p_y) + s/C Σ_k (−ln p_k) of every voxel with label y, p by softmax.

    Quirks, each kept: ignored voxels add no loss but count in the mean; unreduced losses have an
    axis of size 1 in place of the classes, except with `ignore_index=None`. Not kept: in SMP the
    default `smooth_factor=None` cannot be called; here it is 0.

    Args:
        reduction: `"mean"`, `"sum"`, or any other word for none.
        smooth_factor: s; None for 0.
        ignore_index: voxels of this label do not count; None for none.
        dim: the axis of the classes.

    Shapes:
        `y_pred`: logits (N, C, spatial…), the classes on axis `dim`; `y_true`: labels
        (N, spatial…), or with an axis of size 1 in place of the classes.

    Returns:
        A number of at least 0, or the losses of the voxels; float32, or float64 of float64. Mean
        and sum keep nothing but logits and labels for the gradient.

    Raises:
        RuntimeError: a label that names no class, shapes that do not fit.

    Paper: Szegedy et al., https://arxiv.org/abs/1512.00567.
    """

    def __init__(
        self,
        reduction: str = "mean",
        smooth_factor: float | None = None,
        ignore_index: int | None = -100,
        dim: int = 1,
    ) -> None:
        super().__init__()
        self.smooth_factor = smooth_factor
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.dim = dim

    def forward(self, y_pred: Tensor, y_true: Tensor) -> Tensor:
        """The loss; see `SoftCrossEntropyLoss`."""
        if y_true.dim() == y_pred.dim() - 1:
            y_true = y_true.unsqueeze(self.dim)
        wanted = list(y_pred.shape)
        wanted[self.dim] = 1
        if list(y_true.shape) != wanted:
            raise RuntimeError(
                f"y_true: found shape {tuple(y_true.shape)}, wanted {tuple(wanted)}, or without "
                f"the axis of size 1, to fit predictions {tuple(y_pred.shape)}"
            )
        smoothing = float(self.smooth_factor or 0.0)
        several = y_pred.dim() > 1 and y_pred.shape[self.dim] > 1
        if not (several and self.reduction in ("mean", "sum") and y_pred.numel()):
            return self._elementwise(y_pred, y_true, smoothing)
        measured = sums(
            y_pred.movedim(self.dim, 1),
            y_true.movedim(self.dim, 1),
            ("log_loss", "log_loss_of_all"),
            wrong=RuntimeError,
            target_kind="labels",
            ignore_index=self.ignore_index,
        )
        of_label, of_all = measured.sum((0, 1)).unbind(-1)
        loss = (1 - smoothing) * of_label
        if smoothing:
            loss = loss + smoothing * of_all
        count = y_true.numel() if self.reduction == "mean" else 1
        return (loss / count).to(loss_dtype(y_pred))

    def _elementwise(self, y_pred: Tensor, y_true: Tensor, smoothing: float) -> Tensor:
        counted = None if self.ignore_index is None else differs(y_true, self.ignore_index)
        y_pred = wide(y_pred)
        if counted is not None:
            y_pred = torch.where(counted, y_pred, 0.0)
            y_true = torch.where(counted, y_true, 0)
        log_p = F.log_softmax(y_pred, dim=self.dim)
        of_label = -log_p.gather(self.dim, y_true.long())
        loss = (1 - smoothing) * of_label
        if smoothing:
            loss = loss - smoothing * log_p.mean(self.dim, keepdim=True)
        loss = loss.squeeze(self.dim) if counted is None else torch.where(counted, loss, 0.0)
        if self.reduction == "mean":
            return loss.mean()
        return loss.sum() if self.reduction == "sum" else loss
